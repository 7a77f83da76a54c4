"""Printed frames and grids of thin black lines around and behind writing, such as 田字格 and 米字格 in a photocopy.

A frame is four straight lines on all sides of the ink, much thinner than the writing. Only within one are the lines of
a grid looked for: through the middle, from corner to corner, or at thirds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_THICK = 0.03
"""Of the frame's side: what is thicker is a stroke."""

_WHOLE, _MOST = 0.9, 0.4
"""Share of a frame's line that is inked at least, and of a grid's line where no writing hides it."""

_EDGE = 0.15
"""Share of a cell on each side where lines that divide it from others lie."""

_FRAMES = 3
_THINNER = 1.8
"""How many times as thick as the lines the writing is at least; else nothing tells the one from the other."""


def without_grid(ink: Floats) -> Floats:
    """Return ink f64 [h, w] without a black frame around it and the grid within."""
    for _ in range(_FRAMES):
        inner = _within_frame(ink >= 0.5)
        if inner is None:
            return ink
        rows, columns, thick = inner
        framed = np.zeros_like(ink)
        framed[rows, columns] = ink[rows, columns]
        if not _is_writing(framed[rows, columns] >= 0.5, thick):
            return ink
        ink = framed
        ink[rows, columns] = _without_lines(ink[rows, columns], thick)
    return ink


def without_edges(ink: Floats) -> Floats:
    """Return the ink f64 [h, w] of a cell of a page without the thin lines along its sides that part it from others."""
    for turns in range(4):
        turned = np.rot90(ink, turns)
        reach = round(_EDGE * len(turned))
        inked = turned[:reach] >= 0.5
        # A line that is a little crooked is whole only over a few rows.
        near = inked | np.roll(inked, 1, axis=0) | np.roll(inked, -1, axis=0)
        rows = np.flatnonzero(near.mean(axis=1) > _WHOLE)
        if len(rows) and len(rows) <= 2 + _THICK * len(turned):
            bare = turned.copy()
            bare[: rows[-1] + 2] = 0.0
            ink = np.rot90(bare, -turns)
    return ink


def _within_frame(mask: Mask) -> tuple[slice, slice, int] | None:
    """Return what lies within four lines that are the outermost ink, and how thick these are; None without them."""
    row, column = np.nonzero(mask)
    if not len(row):
        return None
    top, left = int(row.min()), int(column.min())
    part = mask[top : row.max() + 1, left : column.max() + 1]
    height, width = part.shape
    if min(height, width) < 24:
        return None
    above, below, before, behind = sides = [_line_at_edge(each) for each in (part, part[::-1], part.T, part.T[::-1])]
    if not all(sides):
        return None
    rows = slice(top + above, top + height - below)
    columns = slice(left + before, left + width - behind)
    return rows, columns, max(sides)


def _line_at_edge(part: Mask) -> int:
    """Return how many rows a straight line at the top of ink takes, 0 if there is none."""
    most = max(3, round(_THICK * max(part.shape)))
    inked = part[: 2 * most + 1].mean(axis=1)
    # A line that is a little crooked is whole only over a few rows.
    if part[:most].any(axis=0).mean() < _WHOLE:
        return 0
    clear = np.flatnonzero(inked < 0.5)
    clear = clear[clear > int(inked.argmax())]
    if not len(clear) or clear[0] > 2 * most:
        return 0
    at = int(clear[0])
    while at < 2 * most and inked[at] > min(inked[at : 2 * most + 1]) + 0.05:
        at += 1
    return at


def _is_writing(mask: Mask, thick: int) -> bool:
    """Whether there is ink that is thicker than lines by far."""
    from scipy.ndimage import binary_opening

    size = max(2, round(_THINNER * min(thick, 0.5 * _THICK * max(mask.shape))))
    return bool(binary_opening(mask, structure=np.ones((size, size))).mean() > 0.005)


def _without_lines(ink: Floats, thick: int) -> Floats:
    """Return ink within a frame without the lines of its grid."""
    from scipy.ndimage import binary_dilation

    mask = ink >= 0.5
    parted = [_parted(mask, size) for size in range(3, thick + 3)]
    near = max(2, thick)
    for pair in _pairs(mask.shape):
        zones = [_zone(mask.shape, *ends, near) for ends in pair]
        # The least thickness that has the lines apart leaves most of the strokes that they cross.
        for thin, strokes in parted:
            if all(_is_line(thin, strokes, zone, *ends) for zone, ends in zip(zones, pair, strict=True)):
                lines = np.any(zones, axis=0) & thin
                ink = np.where(binary_dilation(lines, iterations=2) & ~strokes, 0.0, ink)
                break
    return ink


def _parted(mask: Mask, size: int) -> tuple[Mask, Mask]:
    """Return ink that is thinner than ``size`` pixels, and where that is which is not."""
    from scipy.ndimage import binary_dilation, binary_opening

    thicker = _larger(binary_opening(mask, structure=np.ones((size, size))), (2 * size) ** 2)
    strokes: Mask = binary_dilation(thicker, iterations=2)
    return mask & ~strokes, strokes


def _larger(mask: Mask, least: int) -> Mask:
    """Return the pieces that have more pixels than the crossing of two lines."""
    from scipy.ndimage import label

    pieces, _ = label(mask)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray((sizes >= least)[pieces])


def _pairs(shape: tuple[int, ...]) -> list[list[tuple[tuple[float, float], tuple[float, float]]]]:
    """Return the ends (x, y) of the lines of a grid, those together that come together."""
    h, w = shape[0] - 1.0, shape[1] - 1.0
    middle = [((0.0, h / 2), (w, h / 2)), ((w / 2, 0.0), (w / 2, h))]
    corners = [((0.0, 0.0), (w, h)), ((w, 0.0), (0.0, h))]
    thirds = [((0.0, h * k / 3), (w, h * k / 3)) for k in (1, 2)] + [((w * k / 3, 0.0), (w * k / 3, h)) for k in (1, 2)]
    return [middle, corners, thirds]


def _zone(shape: tuple[int, ...], start: tuple[float, float], end: tuple[float, float], near: float) -> Mask:
    y, x = np.mgrid[: shape[0], : shape[1]]
    step = np.subtract(end, start)
    off = np.abs((x - start[0]) * step[1] - (y - start[1]) * step[0]) / np.hypot(*step)
    zone: Mask = off <= near + 0.008 * max(shape)
    return zone


def _is_line(thin: Mask, strokes: Mask, zone: Mask, start: tuple[float, float], end: tuple[float, float]) -> bool:
    """Whether thin ink runs all along a zone, where no stroke covers it."""
    y, x = np.nonzero(zone)
    step = np.subtract(end, start)
    length = float(np.hypot(*step))
    along = (((x - start[0]) * step[0] + (y - start[1]) * step[1]) / length**2 * (length / 2)).astype(int).clip(0)
    inked, hidden = (np.zeros(int(length / 2) + 2, bool) for _ in range(2))
    inked[along[thin[y, x]]] = True
    hidden[along[strokes[y, x]]] = True
    free = ~hidden[2:-2]
    return bool(free.sum() >= 8 and inked[2:-2][free].mean() >= _MOST)
