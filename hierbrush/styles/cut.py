"""Ink cut into strokes whose middle lines and widths are known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.styles.ribbon import Ribbons

Floats = NDArray[np.float64]

_DENSE = 63  # samples of a line: neighbours lie nearer than two pixels or three, as much as no half-width
_ORPHAN = 0.8
"""Ink farther outside a stroke's sweep than this many half-widths, and two pixels, is not its own."""


class Cut(NamedTuple):
    """What belongs to whom.

    Attributes:
        owned: bool [n, side, side], the pixels of each stroke; strokes share where they cross.
        swept: bool [n, side, side], what the strokes cover as they were fitted.
        explained: share of the ink that lies in or near a stroke.
    """

    owned: NDArray[np.bool_]
    swept: NDArray[np.bool_]
    explained: float


def cut(inked: NDArray[np.bool_], ribbons: Ribbons) -> Cut:
    """Give every pixel of ink to the strokes whose sweep holds it, or else to the nearest stroke.

    A pixel's distance to a stroke is the least of its distances to the discs along the line, negative inside.
    """
    side = len(inked)
    count = len(ribbons.lines)
    lines, widths = _dense(ribbons)
    beyond = np.full((count, side, side), np.inf, np.float32)
    rows = np.arange(side) + 0.5
    for number in range(count):
        line, width = lines[number] * side, widths[number] * side
        margin = float(width.max()) * (1 + _ORPHAN) + 4
        low = np.clip(np.floor(line.min(axis=0) - margin), 0, side).astype(int)
        high = np.clip(np.ceil(line.max(axis=0) + margin), 0, side).astype(int)
        if (high <= low).any():
            continue
        x, y = rows[low[0] : high[0]].astype(np.float32), rows[low[1] : high[1]].astype(np.float32)
        window = np.full((len(y), len(x)), np.inf, np.float32)
        for (px, py), r in zip(line.astype(np.float32), width.astype(np.float32), strict=True):
            # Only the pixels around a disc can be nearer to it than to any other.
            reach = int(margin) + 1
            a, b = max(0, int(px) - low[0] - reach), max(0, int(py) - low[1] - reach)
            c, d = max(0, int(px) - low[0] + reach), max(0, int(py) - low[1] + reach)
            square = (x[a:c] - px) ** 2 + ((y[b:d] - py) ** 2)[:, None]
            np.minimum(window[b:d, a:c], np.sqrt(square) - r, out=window[b:d, a:c])
        beyond[number, low[1] : high[1], low[0] : high[0]] = window
    nearest = beyond.argmin(axis=0)
    least = beyond.min(axis=0)
    near = least <= np.maximum(_ORPHAN * widths.mean(axis=1)[nearest] * side, 2.0)
    own = (np.arange(count)[:, None, None] == nearest) & near
    swept = beyond <= 0
    owned = (own | swept) & inked
    total = max(1, int(inked.sum()))
    return Cut(owned, swept, float((inked & near).sum() / total))


def _dense(ribbons: Ribbons) -> tuple[Floats, Floats]:
    count = ribbons.lines.shape[1]
    at = np.linspace(0, count - 1, _DENSE)
    low = np.minimum(at.astype(int), count - 2)
    share = at - low
    lines = ribbons.lines[:, low] * (1 - share)[:, None] + ribbons.lines[:, low + 1] * share[:, None]
    widths = ribbons.half_width[:, low] * (1 - share) + ribbons.half_width[:, low + 1] * share
    return lines, widths


def outlined(owned: NDArray[np.bool_], coverage: Floats, line: Floats) -> Floats | None:
    """Return the polygon f64 [m, 2] around one stroke's ink in the unit box, None if it has none.

    Args:
        owned: bool [side, side], its pixels.
        coverage: f64 [side, side], the whole ink's, which places edges to paper more finely than a pixel.
        line: f64 [k, 2], its middle line, by which its piece is known if it has several.
    """
    from scipy.ndimage import binary_dilation, binary_fill_holes, label
    from skimage.measure import find_contours

    side = len(owned)
    row, column = np.nonzero(owned)
    if not len(row):
        return None
    low_r, low_c = max(0, row.min() - 3), max(0, column.min() - 3)
    part = (slice(low_r, row.max() + 4), slice(low_c, column.max() + 4))
    mine = owned[part]
    pieces, found = label(mine, structure=np.ones((3, 3)))
    if found > 1:
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        mine = pieces == sizes.argmax()
    mine = binary_fill_holes(mine)
    # Beside paper the edge is the ink's own, between strokes it is where they were cut.
    whole = coverage[part]
    edge = binary_dilation(mine) & ~mine & (whole < 0.5)
    values = np.where(mine, np.maximum(whole, 0.5001), np.where(edge, whole, 0.0))
    contours = find_contours(np.pad(values, 1), 0.5)
    if not contours:
        return None
    contour = max(contours, key=len)[:-1]
    if len(contour) < 4:
        return None
    polygon: Floats = (contour[:, ::-1] - 0.5 + [low_c, low_r]) / side
    return polygon


def held(line: Floats, polygon: Floats) -> Floats:
    """Return a middle line [m, 2] without the ends that lie outside the polygon of its ink.

    There a line has no width, and the distance to the outline would be taken for one.
    """
    from skimage.measure import points_in_poly

    at = np.linspace(0.0, len(line) - 1.0, 4 * len(line) - 3)
    fine = np.stack([np.interp(at, np.arange(len(line)), line[:, axis]) for axis in (0, 1)], axis=1)
    inside = np.flatnonzero(points_in_poly(fine, polygon))
    if len(inside) < 2 or (inside[0] == 0 and inside[-1] == len(fine) - 1):
        return line
    kept: Floats = fine[inside[0] : inside[-1] + 1]
    return kept
