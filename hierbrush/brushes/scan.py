"""A scan of a filled calibration sheet: markers found, the page made level, its cells cut out."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.brushes.sheet import (
    BAR,
    BAR_SIDE,
    CELL_HEIGHT,
    CELL_SHAPE,
    CELL_WIDTH,
    HOLE,
    MARGIN,
    MARKERS,
    PIXEL,
    RING,
    CalibrationSheet,
)
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import MIB, read_whole

_MOST_BYTES = 128 * MIB
_MOST_PIXELS = 120_000_000
_LEAST_DPI = 90.0
# Samples a pixel side when a scan is finer than the cells' pixels.
_FINE = 3
# Darkness of pale guides; mean ink of a cell that counts as filled, and of a border as spoilt.
_PALE = 0.25
_FILLED = 4e-4
_SPOILT = 0.02
# Light that a shadow leaves, at least.
_SHADOW = 0.5


@dataclass(frozen=True, eq=False)
class Scan:
    """The cells of a filled sheet: ``ink`` float32 [45, 94, 128] in [0, 1], and which of them are filled."""

    ink: NDArray[np.float32]
    filled: NDArray[np.bool_]
    dpi: float


def read_scan(path: str | PathLike[str]) -> Scan:
    """Find the calibration sheet in a picture of it, turned or seen a little from the side.

    Raises:
        HierbrushError: the file is no picture, is too coarse, shows no sheet, or has ink outside its cells.
    """
    return find_sheet(_grey(path), shown(path))


def _grey(path: str | PathLike[str]) -> NDArray[np.float32]:
    from PIL import Image, UnidentifiedImageError

    content = read_whole(path, most=_MOST_BYTES, argument="scan")
    try:
        with Image.open(BytesIO(content)) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise HierbrushError(f"scan: {shown(path)} has more than {_MOST_PIXELS:,} pixels; scan it at 300 dpi")
            plain = image.convert("RGBA") if "A" in image.getbands() or "transparency" in image.info else image
            if plain is not image:
                plain = Image.alpha_composite(Image.new("RGBA", plain.size, "white"), plain)
            return np.asarray(plain.convert("L"), np.float32) / np.float32(255.0)
    except HierbrushError:
        raise
    except UnidentifiedImageError:
        raise HierbrushError(f"scan: {shown(path)} is no picture; a PNG, JPEG or TIFF can be read") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise HierbrushError(f"scan: {shown(path)} is no picture that can be read: {error}") from None


def find_sheet(grey: NDArray[np.float32], name: str = "the picture") -> Scan:
    """Find the sheet in a picture [rows, columns] of light, 0 to 1.

    Raises:
        HierbrushError: as for `read_scan`.
    """
    centres = _markers(grey)
    page = _upright(grey, centres) if centres is not None else None
    if page is None:
        raise HierbrushError(
            f"scan: {name} does not show the four ring-shaped markers of a calibration sheet; scan the whole page, flat"
        )
    dpi = 25.4e-3 * float(np.sqrt(abs(np.linalg.det(_jacobian(page)))))
    if dpi < _LEAST_DPI:
        raise HierbrushError(
            f"scan: {name} has {dpi:.0f} dots an inch, expected at least {_LEAST_DPI:.0f}; 300 is good"
        )
    white, black = _tones(grey, page)
    cells = CalibrationSheet().cells
    pictures, spoilt = [], []
    for cell in cells:
        dark = _cell(grey, page, cell.x, cell.y, white, black)
        pictures.append(dark)
        if _gutter(dark) > _SPOILT:
            spoilt.append(cell.name)
    if spoilt:
        more = f" and {len(spoilt) - 1} more" if len(spoilt) > 1 else ""
        raise HierbrushError(
            f"scan: {name} has ink across the border of cell {shown(spoilt[0])}{more}; each stroke must stay in its own"
        )
    ink = np.stack(pictures)
    filled = ink.mean(axis=(1, 2)) > _FILLED
    if filled.sum() < len(cells) // 2:
        count = int(filled.sum())
        raise HierbrushError(f"scan: {name} has {count} of {len(cells)} cells filled, expected at least half")
    return Scan(ink, filled, dpi)


def _markers(grey: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Return the middles of the four rings, [4, 2] x, y in pixels, in any order; None unless there are four."""
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    if min(grey.shape) < 64 or float(np.ptp(grey)) < 0.2:
        return None
    even = _even(grey)
    dark = even < threshold_otsu(even)
    labels, count = ndimage.label(dark, structure=np.ones((3, 3)))
    if not count:
        return None
    sizes = ndimage.sum_labels(dark, labels, np.arange(1, count + 1))
    boxes = ndimage.find_objects(labels)
    found = []
    share = np.pi * (1 - (HOLE / RING) ** 2) / 4
    for number, (box, size) in enumerate(zip(boxes, sizes, strict=True), 1):
        height, width = box[0].stop - box[0].start, box[1].stop - box[1].start
        if min(height, width) < 8 or max(height, width) > 1.5 * min(height, width):
            continue
        if not 0.6 * share < size / (height * width) < 1.45 * share:
            continue
        middle = np.array([box[1].start + width / 2, box[0].start + height / 2])
        inner = labels[int(middle[1]), int(middle[0])]
        if inner in (0, number):
            continue
        dot = boxes[inner - 1]
        dot_width, dot_height = dot[1].stop - dot[1].start, dot[0].stop - dot[0].start
        if max(dot_width, dot_height) > 0.6 * min(height, width) or min(dot_width, dot_height) < 2:
            continue
        # Weighed by darkness, a ring's middle is known to a small part of a pixel.
        part = np.s_[max(box[0].start - 2, 0) : box[0].stop + 2, max(box[1].start - 2, 0) : box[1].stop + 2]
        weight = np.clip(np.percentile(grey[part], 95) - grey[part], 0.0, None)
        y, x = np.mgrid[part]
        total = weight.sum()
        found.append(((x + 0.5) * weight).sum() / total)
        found.append(((y + 0.5) * weight).sum() / total)
    centres = np.array(found).reshape(-1, 2)
    if len(centres) < 4:
        return None
    # The corners are those farthest out.
    return _outermost(centres)


def _even(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a picture as in even light: over how light the paper is around, which a block with a ring still shows."""
    from scipy import ndimage

    side = max(max(grey.shape) // 40, 8)
    rows, columns = (-(-length // side) for length in grey.shape)
    room = (rows * side - grey.shape[0], columns * side - grey.shape[1])
    blocks = np.pad(grey, ((0, room[0]), (0, room[1])), mode="edge").reshape(rows, side, columns, side)
    paper = ndimage.maximum_filter(np.percentile(blocks, 90, axis=(1, 3)), 3)
    wide = ndimage.zoom(paper.astype(np.float32), side, order=1, grid_mode=True, mode="nearest")
    return np.asarray(grey / np.maximum(wide[: grey.shape[0], : grey.shape[1]], 0.2))


def _outermost(centres: NDArray[np.float64]) -> NDArray[np.float64] | None:
    from itertools import combinations

    def area(points: NDArray[np.float64]) -> float:
        x, y = points.T
        return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2

    best, chosen = 0.0, None
    for four in combinations(range(min(len(centres), 12)), 4):
        points = _around(centres[list(four)])
        size = area(points)
        if size > best:
            best, chosen = size, points
    return chosen


def _around(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points clockwise, as seen on a page with y down."""
    offset = points - points.mean(axis=0)
    return np.asarray(points[np.argsort(np.arctan2(offset[:, 1], offset[:, 0]))])


def _upright(grey: NDArray[np.float32], centres: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the homography from the page (metres) to the picture (pixels) that puts the bar beside its corner."""
    best, chosen = 0.35, None
    for turn in range(4):
        page = _homography(np.array(MARKERS), np.roll(centres, turn, axis=0))
        if page is None:
            continue
        reach = np.linspace(-0.35, 0.35, 5) * BAR_SIDE
        x, y = np.meshgrid(BAR[0] + reach, BAR[1] + reach)
        bar = _sample(grey, page, x, y)
        around = _sample(grey, page, BAR[0] + np.array([0.004, 0.004]), BAR[1] + np.array([-0.001, 0.001]))
        contrast = float(np.median(around) - np.median(bar))
        width = np.linalg.norm(np.diff(_mapped(page, np.array(MARKERS[:2])), axis=0))
        height = np.linalg.norm(np.diff(_mapped(page, np.array(MARKERS[1:3])), axis=0))
        if contrast > best and 1.2 < height / width < 1.75:
            best, chosen = contrast, page
    return chosen


def _homography(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the 3 x 3 projective map of four points to four others."""
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    try:
        return np.append(np.linalg.solve(np.array(rows), np.array(values)), 1.0).reshape(3, 3)
    except np.linalg.LinAlgError:
        return None


def _mapped(page: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    moved = np.column_stack([points, np.ones(len(points))]) @ page.T
    return np.asarray(moved[:, :2] / moved[:, 2:])


def _jacobian(page: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return pixels a metre in the middle of the page, [2, 2]."""
    middle = np.array([[0.105, 0.1485], [0.106, 0.1485], [0.105, 0.1495]])
    at = _mapped(page, middle)
    return np.stack([at[1] - at[0], at[2] - at[0]], axis=1) / 1e-3


def _sample(grey: NDArray[np.float32], page: NDArray[np.float64], x: Any, y: Any) -> NDArray[np.float32]:
    from scipy import ndimage

    flat = _mapped(page, np.column_stack([np.ravel(x), np.ravel(y)])) - 0.5
    values = ndimage.map_coordinates(grey, [flat[:, 1], flat[:, 0]], order=1, mode="nearest")
    return np.asarray(values, np.float32).reshape(np.shape(x))


def _tones(grey: NDArray[np.float32], page: NDArray[np.float64]) -> tuple[float, float]:
    """Return how light the empty paper is, and how dark the markers are."""
    turns = np.linspace(0.0, 2 * np.pi, 24)
    ring, free = [], []
    for x, y in MARKERS:
        middle = (RING + HOLE) / 2
        ring.append(_sample(grey, page, x + middle * np.cos(turns), y + middle * np.sin(turns)))
        free.append(_sample(grey, page, x + 1.35 * RING * np.cos(turns), y + 1.35 * RING * np.sin(turns)))
    return float(np.median(free)), float(np.median(ring))


def _cell(
    grey: NDArray[np.float32], page: NDArray[np.float64], left: float, top: float, white: float, black: float
) -> NDArray[np.float32]:
    """Return the ink of a cell in its pixels, 0 to 1; pale guides count as paper."""
    rows, columns = CELL_SHAPE[0] * _FINE, CELL_SHAPE[1] * _FINE
    x = left + (np.arange(columns) + 0.5) * (PIXEL / _FINE)
    y = top + (np.arange(rows) + 0.5) * (PIXEL / _FINE)
    light = _sample(grey, page, *np.meshgrid(x, y))
    paper = _paper(light, white)
    dark = (paper - light) / (paper * max(1.0 - black / max(white, 1e-3), 1e-3))
    # Guides are paler than a quarter of the ink. The same from the other end keeps edges where they are.
    ink = np.clip((dark - _PALE) / (1.0 - 2 * _PALE), 0.0, 1.0)
    small = ink.reshape(CELL_SHAPE[0], _FINE, CELL_SHAPE[1], _FINE).mean(axis=(1, 3))
    return np.asarray(small.astype(np.float32))


def _paper(light: NDArray[np.float32], white: float) -> NDArray[np.float32]:
    """Return how light a cell would be without ink: between its corners, where no stroke goes, light changes evenly."""
    rows, columns = (max(side // 8, 1) for side in light.shape)
    corners = [
        [np.percentile(light[down, across], 75) for across in (slice(columns), slice(-columns, None))]
        for down in (slice(rows), slice(-rows, None))
    ]
    # A corner darker than a shadow makes it is ink.
    known = np.maximum(np.array(corners), _SHADOW * white)
    down, across = (np.clip(np.linspace(-1 / 14, 15 / 14, side), 0.0, 1.0) for side in light.shape)
    above, below = (row[0] + across * (row[1] - row[0]) for row in known)
    return np.asarray(above + down[:, None] * (below - above), np.float32)


def _gutter(ink: NDArray[np.float32]) -> float:
    """Return the share of ink along a cell's border, where no stroke belongs."""
    edge = max(round(MARGIN / PIXEL) // 2, 1)
    last = round(CELL_HEIGHT / PIXEL)
    frame = np.ones((min(last, len(ink)), round(CELL_WIDTH / PIXEL)), bool)
    frame[edge:-edge, edge:-edge] = False
    return float(ink[: len(frame)][frame].mean())
