"""The brush at work as pictures: ink and tuft moment by moment, for films."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hierbrush.box import BOX
from hierbrush.sim import BrushBatch
from hierbrush.writing.grid import COLOUR
from hierbrush.writing.inked import Growing
from hierbrush.writing.paper import pixel_corner

if TYPE_CHECKING:
    from hierbrush.ink import Ink
    from hierbrush.writing.result import Sheet

TRAVEL_ROWS = 8
"""Rows of a path that the way through the air to the next stroke counts for."""

_PAPER, _INK, _BRUSH = (249, 245, 235), (24, 20, 18), (190, 52, 38)
_INK_LEVELS, _BRUSH_LEVELS = 8, 4
_SMOOTH = 3  # the brush is drawn this much larger and reduced


def moments(
    sheet: Sheet, size: int, shape: tuple[int, int], stride: int, how: Ink | None = None
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield the ink and the brush ``[rows, columns]`` in [0, 1], every ``stride`` rows of the paths and at the end."""
    ink = np.zeros(shape, np.float32)
    count = 0
    last: NDArray[np.float64] | None = None
    for cell in sheet.cells:
        corner = pixel_corner(cell, size)
        window = ink[corner[0] : corner[0] + size, corner[1] : corner[1] + size]
        batch = BrushBatch(cell.writing.brush, 1, side=size, box=BOX, supersample=2)
        starts, shown = cell.writing.starts, Growing(cell, how, size)
        for index, path in enumerate(cell.writing.stroke_paths):
            start = _on_page(path[0], corner, size)
            for place in np.empty((0, 2)) if last is None else _travel(last, start):
                count += 1
                if count % stride == 0:
                    yield ink, _brush(shape, size, np.empty((0, 2)), place)
            batch.dip()
            if starts is not None:
                batch.turn(starts[index])
            batch.place(path[:1])
            for row in path[1:]:
                batch.step(row[None])
                count += 1
                if count % stride == 0:
                    window[:] = shown.during(index, batch.coverage(0))
                    footprint = _on_page(batch.footprint(0), corner, size)
                    yield ink, _brush(shape, size, footprint, _on_page(row, corner, size))
            window[:] = shown.after(index, batch.coverage(0))
            last = _on_page(path[-1], corner, size)
    if how is not None:
        ink[:] = sheet.image(size, how)
    yield ink, np.zeros(shape, np.float32)


def _on_page(points: NDArray[np.float64], corner: tuple[int, int], size: int) -> NDArray[np.float64]:
    """Return points in metres in the character box as (x, y) in pixels of the picture."""
    return np.asarray(points[..., :2] * (size / BOX) + [corner[1], corner[0]])


def _travel(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the brush's places in the air, slow at both ends."""
    at = np.arange(1, TRAVEL_ROWS + 1)[:, None] / TRAVEL_ROWS
    return np.asarray(start + (end - start) * (at * at * (3.0 - 2.0 * at)))


def _brush(
    shape: tuple[int, int], size: int, footprint: NDArray[np.float64], handle: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Draw the footprint, if the tuft touches the paper, and a ring where the handle is."""
    radius = 2.0 + 0.012 * size
    points = np.concatenate([footprint, [handle - radius, handle + radius]])
    limits = [shape[1], shape[0]]
    left, top = np.clip(np.floor(points.min(0)) - 1, 0, limits).astype(int).tolist()
    right, bottom = np.clip(np.ceil(points.max(0)) + 2, 0, limits).astype(int).tolist()
    picture = np.zeros(shape, np.float32)
    if left >= right or top >= bottom:
        return picture
    canvas = Image.new("L", ((right - left) * _SMOOTH, (bottom - top) * _SMOOTH))
    draw = ImageDraw.Draw(canvas)
    if len(footprint):
        draw.polygon([tuple(point) for point in ((footprint - [left, top]) * _SMOOTH).tolist()], fill=255)
    x, y = (handle - [left, top]) * _SMOOTH
    reach = radius * _SMOOTH
    draw.ellipse((x - reach, y - reach, x + reach, y + reach), outline=255, width=_SMOOTH)
    picture[top:bottom, left:right] = np.asarray(canvas.reduce(_SMOOTH), np.float32) / 255.0
    return picture


def frame(grid: NDArray[np.bool_], ink: NDArray[np.float32], brush: NDArray[np.float32]) -> Image.Image:
    """Return a picture of the colours of a film: of what `moments` yields, and bool [rows, columns] of a grid."""
    inked = np.rint(ink * (_INK_LEVELS - 1)).astype(np.uint8)
    # The grid takes a level of its own, past the darkest ink, wherever no ink covers it.
    base = np.where(grid & (inked == 0), _INK_LEVELS, inked)
    brushed = np.rint(brush * (_BRUSH_LEVELS - 1)).astype(np.uint8)
    frame = Image.fromarray((base * _BRUSH_LEVELS + brushed).astype(np.uint8))
    frame.putpalette(_palette())
    return frame


def _palette() -> list[int]:
    paper, ink, brush = (np.array(colour, np.float64) for colour in (_PAPER, _INK, _BRUSH))
    bases = [paper + (ink - paper) * level / (_INK_LEVELS - 1) for level in range(_INK_LEVELS)]
    bases.append(np.array(COLOUR, np.float64))
    return [
        round(float(value))
        for base in bases
        for level in range(_BRUSH_LEVELS)
        for value in base + (brush - base) * 0.85 * level / (_BRUSH_LEVELS - 1)
    ]
