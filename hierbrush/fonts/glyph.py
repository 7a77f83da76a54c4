"""One character's ink as the contours of a glyph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hierbrush.fonts.curves import Contour, fitted
from hierbrush.writing.outlines import contours

if TYPE_CHECKING:
    from hierbrush.writing import Writing

UNITS = 1000
"""Font units in the side of the character box, which is the em."""

ASCENT = 880
"""Font units of the box above the baseline."""

_SIDE = 512  # pixels of the raster whose outline is taken; its coverage tells the edge to a fraction of one
_TOLERANCES = (0.9, 1.2, 1.5, 1.9, 2.5)  # font units; wider ones for glyphs that would take too many points
_MOST_BYTES = 940  # of a glyph's outline, so that with its share of the tables it stays below a kilobyte
_SPECK = 12.0  # square font units below which a contour is a speck


def glyph_contours(writing: Writing) -> list[Contour]:
    """Return the contours of a writing's ink in font units, y up, outer ones clockwise as TrueType asks for."""
    loops = [loop * UNITS for loop in contours(writing.image(_SIDE))]
    loops = [loop for loop in loops if abs(_area(loop)) >= _SPECK]
    for tolerance in _TOLERANCES:
        found = [contour for loop in loops if (contour := _contour(loop, tolerance)) is not None]
        if sum(map(_bytes, found)) <= _MOST_BYTES:
            break
    return found


def _contour(loop: NDArray[np.float64], tolerance: float) -> Contour | None:
    points, on = fitted(loop, tolerance)
    placed = np.rint(np.column_stack([points[:, 0], ASCENT - points[:, 1]])).astype(np.int64)
    fresh = np.any(placed != np.roll(placed, 1, 0), axis=1)
    placed, on = placed[fresh], on[fresh]
    return Contour(placed, on) if len(placed) > 2 else None


def _area(loop: NDArray[np.float64]) -> float:
    x, y = loop.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _bytes(contour: Contour) -> int:
    """Return about how many bytes a contour takes in the ``glyf`` table: a flag, and one or two for each step."""
    steps = np.abs(np.diff(contour.points, axis=0, prepend=contour.points[-1:]))
    return int(2 + len(steps) + ((steps > 0) + (steps > 255)).sum())
