"""The outline of ink: closed lines where the coverage of a raster crosses one half."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# The sides of a square between four pixel centres, by the corners that are ink (1 top left, 2 top right, 4 bottom
# right, 8 bottom left): lines run from side to side with the ink on their right hand, seen on a page with y down.
# The saddles 5 and 10 keep their two ink corners apart.
_TOP, _RIGHT, _BOTTOM, _LEFT = range(4)
_LINES: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((_TOP, _LEFT),),
    2: ((_RIGHT, _TOP),),
    3: ((_RIGHT, _LEFT),),
    4: ((_BOTTOM, _RIGHT),),
    5: ((_TOP, _LEFT), (_BOTTOM, _RIGHT)),
    6: ((_BOTTOM, _TOP),),
    7: ((_BOTTOM, _LEFT),),
    8: ((_LEFT, _BOTTOM),),
    9: ((_TOP, _BOTTOM),),
    10: ((_RIGHT, _TOP), (_LEFT, _BOTTOM)),
    11: ((_RIGHT, _BOTTOM),),
    12: ((_LEFT, _RIGHT),),
    13: ((_TOP, _RIGHT),),
    14: ((_LEFT, _TOP),),
}


def contours(coverage: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    """Return the closed outlines ``[n, 2]`` of the ink in a coverage raster ``[s, s]``, in the unit box.

    Marching squares (Lorensen and Cline's idea in the plane) at the level one half, linear between pixel centres;
    holes run the other way round. Each line starts where the scan from the top left first meets it.
    """
    side = coverage.shape[0]
    rows, columns = np.nonzero(coverage >= 0.5)
    if rows.size == 0:
        return []
    # A rim of two pixels: one so that the crossing beside the outermost ink is seen, one empty so that lines close.
    padded = np.pad(coverage.astype(np.float64), 2)
    top, left = int(rows.min()), int(columns.min())
    window = padded[top : int(rows.max()) + 5, left : int(columns.max()) + 5].copy()
    window[[0, -1], :] = 0.0
    window[:, [0, -1]] = 0.0

    ink = window >= 0.5
    kind = ink[:-1, :-1] * 1 + ink[:-1, 1:] * 2 + ink[1:, 1:] * 4 + ink[1:, :-1] * 8
    width = window.shape[1]
    following: dict[int, int] = {}
    for code, lines in _LINES.items():
        at = np.flatnonzero((kind == code).ravel())
        row, column = np.divmod(at, width - 1)
        for start, end in lines:
            starts, ends = (_crossing(row, column, edge, width).tolist() for edge in (start, end))
            following.update(zip(starts, ends, strict=True))

    keys = np.array(sorted(following))
    points = dict(zip(keys.tolist(), _locate(keys, window), strict=True))
    origin = np.array([left - 1.5, top - 1.5])
    loops = []
    for first in keys.tolist():
        key, loop = first, []
        while key in following:
            loop.append(points[key])
            key = following.pop(key)
        if loop:
            loops.append((np.array(loop) + origin) / side)
    return loops


def _crossing(row: NDArray[np.int64], column: NDArray[np.int64], side: int, width: int) -> NDArray[np.int64]:
    """Return a number for the grid edge on a square's ``side``: even for horizontal edges, odd for vertical ones."""
    if side in (_TOP, _BOTTOM):
        return 2 * ((row + (side == _BOTTOM)) * width + column)
    return 2 * (row * width + column + (side == _RIGHT)) + 1


def _locate(keys: NDArray[np.int64], window: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (x, y) in pixel centres where the coverage along each grid edge is one half."""
    vertical = keys % 2
    row, column = np.divmod(keys // 2, window.shape[1])
    here = window[row, column]
    there = window[row + vertical, column + 1 - vertical]
    share = (0.5 - here) / (there - here)
    return np.column_stack([column + share * (1 - vertical), row + share * vertical])
