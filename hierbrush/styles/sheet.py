"""Practice sheets: paper to print and fill with a real brush, and their reading from a scan or a photograph.

Each sheet has a square marker in every corner, one of them open so that the sheet is known when it lies upside down,
boxes in 米字格 with the character small above each, and a strip of squares that tells which sheet it is. The markers
give the projective map from the picture to the paper (Hartley and Zisserman, Multiple View Geometry, 2004, chapter 4),
on which every box is known. Lines and model characters are printed light and red; what is dark is writing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_list, check_path, check_whole
from hierbrush.characters import load_library
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import write_atomically
from hierbrush.sim import rasterise
from hierbrush.styles.chosen import chosen

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 210.0, 297.0
"""Of the paper, A4, in millimetres."""

COLUMNS, ROWS = 5, 6
CELL, GAP = 32.0, 8.0
"""Side of a box, and the room above it for the model, in millimetres."""

_LEFT = (WIDTH - COLUMNS * CELL) / 2
_TOP = 31.0
_MARK, _EDGE = 10.0, 8.0
_CORNERS = np.array([[_EDGE, _EDGE], [WIDTH - _EDGE - _MARK, _EDGE], [WIDTH - _EDGE - _MARK, HEIGHT - _EDGE - _MARK],
                     [_EDGE, HEIGHT - _EDGE - _MARK]])  # fmt: skip
_MIDDLES = _CORNERS + _MARK / 2
_HOLE = 0.45
_BIT, _BITS_AT = 5.0, (35.0, 10.5)
_SHEET_BITS, _COUNT_BITS = 7, 11

PER_SHEET = COLUMNS * ROWS
MOST = 1500
_DPI = 200
_READ = 256


class Cell(NamedTuple):
    """A box that was filled: float32 [256, 256], its ink."""

    char: str
    ink: NDArray[np.float32]


def sheet_characters(characters: Iterable[str] | int = 100) -> list[str]:
    """Return what a practice sheet asks for: characters that cover most components, or those given.

    Raises:
        HierbrushError: a character is not known, or there are too many.
    """
    if isinstance(characters, int | np.integer):
        return chosen(check_whole("characters", characters, 1, MOST))
    named = list(dict.fromkeys(char for char in check_list("characters", characters, "characters") if char.strip()))
    for char in named:
        if char not in load_library():
            raise HierbrushError(f"characters: {shown(char)} is no character of the library")
    if not 1 <= len(named) <= MOST:
        raise HierbrushError(f"characters: {len(named)}, expected 1 to {MOST}")
    return named


def write_sheet(path: str | PathLike[str], characters: Iterable[str] | int = 100) -> int:
    """Write practice sheets to a pdf, 30 characters a page; return how many pages.

    Args:
        path: of the pdf. Beside it, a text file of the same name holds the characters where they are not those that
            hierbrush chooses itself, and is needed to read the sheets.
        characters: how many, or which.

    Raises:
        HierbrushError: as of `sheet_characters`, or the file cannot be written.
    """
    place = check_path("output", path)
    if place.suffix.lower() != ".pdf":
        raise HierbrushError(f"output: {shown(place)}, expected the name of a pdf such as practice.pdf")
    chars = sheet_characters(characters)
    count = len(chars) if isinstance(characters, int | np.integer) else 0
    pages = [
        drawn_sheet(chars[start : start + PER_SHEET], number, count)
        for number, start in enumerate(range(0, len(chars), PER_SHEET))
    ]
    stream = BytesIO()
    first, *others = pages
    first.save(stream, "PDF", resolution=_DPI, save_all=True, append_images=others)
    write_atomically(place, stream.getvalue(), argument="output")
    if not count:
        write_atomically(place.with_suffix(".txt"), ("".join(chars) + "\n").encode(), argument="output")
    return len(pages)


def drawn_sheet(chars: Sequence[str], number: int, count: int, dpi: int = _DPI) -> Any:
    """Return a sheet as a Pillow picture.

    Args:
        chars: that it asks for, at most 30.
        number: of the sheet, from 0.
        count: of all characters if hierbrush chose them, 0 if they are given in a file.
        dpi: pixels an inch.
    """
    from PIL import Image, ImageDraw

    scale = dpi / 25.4
    page = Image.new("RGB", (round(WIDTH * scale), round(HEIGHT * scale)), "white")
    pen = ImageDraw.Draw(page)

    def box(x: float, y: float, w: float, h: float, fill: str) -> None:
        pen.rectangle(
            [round(x * scale), round(y * scale), round((x + w) * scale) - 1, round((y + h) * scale) - 1], fill
        )

    for corner, (x, y) in enumerate(_CORNERS):
        box(x, y, _MARK, _MARK, "black")
        if corner == 0:
            inner = _MARK * _HOLE
            box(x + (_MARK - inner) / 2, y + (_MARK - inner) / 2, inner, inner, "white")
    for at, bit in enumerate(_bits(number, count)):
        if bit:
            box(_BITS_AT[0] + at * _BIT * 1.25, _BITS_AT[1], _BIT, _BIT, "black")
    light = (244, 190, 184)
    for at, char in enumerate(chars):
        x, y = _box_of(at)
        corners = [round(v * scale) for v in (x, y, x + CELL, y + CELL)]
        left, top, right, bottom = corners
        middle_x, middle_y = (left + right) // 2, (top + bottom) // 2
        wide = max(1, round(0.25 * scale))
        for line in ((left, top, right, bottom), (right, top, left, bottom), (middle_x, top, middle_x, bottom),
                     (left, middle_y, right, middle_y)):  # fmt: skip
            pen.line(line, fill=light, width=max(1, wide // 2))
        pen.rectangle(corners, outline=light, width=wide)
        side = round((GAP - 1.0) * scale)
        outlines = [stroke.outline for stroke in load_library()[char].strokes]
        model = Image.fromarray(np.round(255 * rasterise(outlines, max(32, side))).astype(np.uint8))
        page.paste((214, 110, 104), (left, round((y - GAP + 0.5) * scale)), model.resize((side, side)))
    return page


def _box_of(at: int) -> tuple[float, float]:
    row, column = divmod(at, COLUMNS)
    return _LEFT + column * CELL, _TOP + row * (CELL + GAP)


def _bits(number: int, count: int) -> list[bool]:
    """Return the strip: a mark to begin with, the sheet's number, the count of characters, and a parity."""
    if number >= 1 << _SHEET_BITS or count >= 1 << _COUNT_BITS:
        raise HierbrushError(f"characters: {count}, more than sheets can tell")
    told = [bool(number >> bit & 1) for bit in range(_SHEET_BITS)] + [
        bool(count >> bit & 1) for bit in range(_COUNT_BITS)
    ]
    return [True, *told, sum(told) % 2 == 1]


def read_sheet(picture: str | PathLike[str] | NDArray[np.uint8], characters: Iterable[str] | None = None) -> list[Cell]:
    """Read the filled boxes of one sheet from a scan or photograph.

    Args:
        picture: a file, or uint8 [h, w] or [h, w, 3] with 0 = black.
        characters: all that the sheets ask for where hierbrush did not choose them; for a file, a text file of the
            pdf's or the picture's folder ``*.txt`` is looked for unless given.

    Raises:
        HierbrushError: there is no such picture, a marker is not found, or the strip cannot be read.
    """
    grey, colour = _loaded(picture)
    to_picture = _map_of(_markers(grey))
    number, count = _strip(grey, to_picture)
    chars = sheet_characters(count) if count else _given(picture, characters)
    mine = chars[number * PER_SHEET : (number + 1) * PER_SHEET]
    if not mine:
        raise HierbrushError(f"characters: {len(chars)}, but the picture is of sheet {number + 1}")
    cells = []
    for at, char in enumerate(mine):
        ink = _cell_ink(colour, to_picture, at)
        if ink is not None:
            cells.append(Cell(char, ink))
    if not cells:
        raise HierbrushError("picture: is a practice sheet with nothing written in its boxes")
    return cells


def _given(picture: Any, characters: Iterable[str] | None) -> list[str]:
    if characters is not None:
        return sheet_characters(characters)
    if isinstance(picture, str | PathLike):
        texts = sorted(Path(picture).parent.glob("*.txt"))
        if len(texts) == 1:
            return sheet_characters(texts[0].read_text(encoding="utf-8"))
    raise HierbrushError("characters: the sheet's own are needed, the text file that was written beside its pdf")


def _loaded(picture: str | PathLike[str] | NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Return lightness [h, w], and the same with coloured lines taken for paper."""
    from hierbrush.styles.picture_file import read_pixels

    pixels = read_pixels(picture, argument="picture")
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    values = pixels[..., :3] / 255.0
    return values @ np.array([0.299, 0.587, 0.114]), values.max(axis=2)


def _markers(grey: Floats) -> Floats:
    """Return the middles of the four markers, f64 [4, 2], from the open one clockwise on the paper."""
    from scipy.ndimage import binary_fill_holes, find_objects, gaussian_filter, label

    from hierbrush.styles.pictures import flattened

    smooth = gaussian_filter(flattened(grey), max(0.6, max(grey.shape) / 2500))
    dark = smooth < 0.62
    pieces, _count = label(dark)
    found = []
    least = (max(grey.shape) / HEIGHT * _MARK * 0.45) ** 2
    for number, part in enumerate(find_objects(pieces), 1):
        rows, columns = part[0].stop - part[0].start, part[1].stop - part[1].start
        if rows * columns < least or not 0.5 < rows / columns < 2.0 or rows * columns > 12 * least:
            continue
        mask = pieces[part] == number
        filled = binary_fill_holes(mask)
        area = float(filled.sum())
        row, column = np.nonzero(filled)
        # A square seen askew: its area is that of the ellipse of the same moments, times the square's own ratio.
        spread = np.cov(np.stack([column, row]))
        ratio = area / (12 * float(np.sqrt(max(np.linalg.det(spread), 1e-9))))
        if area < least or not 0.88 < ratio < 1.12:
            continue
        middle = np.array([column.mean() + part[1].start + 0.5, row.mean() + part[0].start + 0.5])
        found.append((middle, area, 1.0 - float(mask.sum()) / area))
    return _four(found, grey.shape)


def _four(found: list[tuple[Floats, float, float]], shape: tuple[int, ...]) -> Floats:
    """Return the four that lie as the corners of a paper do: of near areas, one of them open, the largest such."""
    from itertools import combinations

    found = sorted(found, key=lambda each: -each[1])[:16]
    best: Floats | None = None
    most = 0.0
    for four in combinations(found, 4):
        areas = np.array([each[1] for each in four])
        holes = np.array([each[2] for each in four])
        if areas.max() > 3.5 * areas.min() or (holes > 0.06).sum() != 1:
            continue
        points = np.array([each[0] for each in four])
        middle = points.mean(axis=0)
        around = np.argsort(np.arctan2(points[:, 1] - middle[1], points[:, 0] - middle[0]))
        points, holes = points[around], holes[around]
        points = np.roll(points, -int(holes.argmax()), axis=0)
        x, y = points.T
        extent = 0.5 * float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())
        sides = np.hypot(*(np.roll(points, -1, axis=0) - points).T)
        tall = (sides[1] + sides[3]) / (sides[0] + sides[2])
        wanted = float(np.hypot(*(_MIDDLES[2] - _MIDDLES[1])) / np.hypot(*(_MIDDLES[1] - _MIDDLES[0])))
        # The markers' size against their distance is known too.
        size = (
            np.sqrt(areas.mean()) / sides.mean() / (_MARK / np.hypot(*(np.roll(_MIDDLES, -1, 0) - _MIDDLES).T).mean())
        )
        if extent > most and 0.6 * wanted < tall < 1.6 * wanted and 0.7 < size < 1.4:
            best, most = points, extent
    if best is None:
        raise HierbrushError(
            "picture: the four markers of a practice sheet are not found; show the whole sheet, its corners uncovered"
        )
    return best


def _map_of(markers: Floats) -> Floats:
    """Return the projective map f64 [3, 3] from millimetres on the paper to pixels."""
    rows = []
    for (x, y), (u, v) in zip(_MIDDLES, markers, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, -u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, -v])
    found: Floats = np.linalg.svd(np.array(rows))[2][-1].reshape(3, 3)
    return found


def _projected(to_picture: Floats, points: Floats) -> Floats:
    flat = np.concatenate([points, np.ones((*points.shape[:-1], 1))], axis=-1) @ to_picture.T
    found: Floats = flat[..., :2] / flat[..., 2:]
    return found


def _sampled(picture: Floats, points: Floats) -> Floats:
    from scipy.ndimage import map_coordinates

    return np.asarray(map_coordinates(picture, [points[..., 1] - 0.5, points[..., 0] - 0.5], order=1, mode="nearest"))


def _strip(grey: Floats, to_picture: Floats) -> tuple[int, int]:
    """Return the sheet's number and the count of characters."""
    length = 2 + _SHEET_BITS + _COUNT_BITS
    inner = np.linspace(0.3, 0.7, 5) * _BIT
    x = _BITS_AT[0] + np.arange(length)[:, None] * _BIT * 1.25 + inner
    points = np.stack(np.broadcast_arrays(x[:, :, None], _BITS_AT[1] + inner[None, None]), axis=-1)
    values = _sampled(grey, _projected(to_picture, points)).mean(axis=(1, 2))
    # Paper beside each square, above and below, so that shadows do not matter.
    beside = np.stack([points, points], axis=0)
    beside[0, ..., 1] -= _BIT * 0.95
    beside[1, ..., 1] += _BIT * 0.95
    paper = _sampled(grey, _projected(to_picture, beside)).mean(axis=(0, 2, 3))
    bits = values < 0.65 * paper
    told = bits[1:-1]
    if not bits[0] or bool(bits[-1]) != bool(told.sum() % 2):
        raise HierbrushError("picture: the strip of squares at the top cannot be read; leave it unwritten and in view")
    number = sum(int(bit) << at for at, bit in enumerate(told[:_SHEET_BITS]))
    count = sum(int(bit) << at for at, bit in enumerate(told[_SHEET_BITS:]))
    return number, count


def _cell_ink(colour: Floats, to_picture: Floats, at: int) -> NDArray[np.float32] | None:
    """Return the ink in a box, None if nothing is written there."""
    from hierbrush.styles.pictures import ink_of_lightness

    x, y = _box_of(at)
    fine = 2 * _READ
    where = (np.arange(fine) + 0.5) / fine * CELL
    points = np.stack(np.meshgrid(x + where, y + where), axis=-1)
    values = _sampled(colour, _projected(to_picture, points)).reshape(_READ, 2, _READ, 2).mean(axis=(1, 3))
    ink = ink_of_lightness(values)
    if ink is None:
        return None
    # The box's own line is no writing.
    edge = round(0.02 * _READ)
    frame = np.ones_like(ink, bool)
    frame[edge:-edge, edge:-edge] = False
    ink = np.where(frame, 0.0, ink)
    return ink.astype(np.float32) if (ink >= 0.5).mean() > 0.004 else None
