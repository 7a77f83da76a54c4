"""The boxes that pupils write in, drawn beneath the ink: plain, with a cross (田字格), with diagonals too (米字格)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GRIDS = ("square", "田", "米")
"""Boxes to write in: plain ones, with a cross (田字格), and with diagonals besides (米字格)."""

COLOUR = (226, 182, 168)

_DASH = 4  # pixels of a dash, and of a gap

Segment = tuple[float, float, float, float]


def guides(grid: str) -> list[Segment]:
    """Return the dashed lines x, y, x, y within a unit box."""
    cross = [(0.0, 0.5, 1.0, 0.5), (0.5, 0.0, 0.5, 1.0)]
    diagonals = [(0.0, 0.0, 1.0, 1.0), (1.0, 0.0, 0.0, 1.0)]
    return {"square": [], "田": cross, "米": cross + diagonals}[grid]


def drawn(corners: Sequence[tuple[int, int]], size: int, shape: tuple[int, int], grid: str = "米") -> NDArray[np.bool_]:
    """Return bool [rows, columns], the lines of boxes of ``size`` pixels whose top left corners are (row, column)."""
    import numpy as np
    from PIL import Image, ImageDraw

    canvas = Image.new("1", (shape[1], shape[0]))
    draw = ImageDraw.Draw(canvas)
    lines = [line for guide in guides(grid) for line in _dashes(guide, size)]
    for top, left in corners:
        draw.rectangle((left, top, left + size - 1, top + size - 1), outline=1)
        for x, y, to_x, to_y in lines:
            draw.line((left + x, top + y, left + to_x, top + to_y), fill=1)
    return np.asarray(canvas)


def _dashes(guide: Segment, size: int) -> Iterator[tuple[int, int, int, int]]:
    def pixel(share: float, at: int, end: float) -> int:
        if share == end:
            return size // 2 if share == 0.5 else int(share)
        return at if end > share else size - 1 - at

    x, y, to_x, to_y = guide
    for at in range(0, size, 2 * _DASH):
        end = min(at + _DASH, size) - 1
        yield pixel(x, at, to_x), pixel(y, at, to_y), pixel(x, end, to_x), pixel(y, end, to_y)
