"""Which strokes run into one another: the room between strokes (布白) is as much a character's as its strokes are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array

Bools = NDArray[np.bool_]


class Touching(NamedTuple):
    """Pairs of strokes: that touch and should not, and that should touch and do not."""

    collisions: int
    gaps: int


def touching(written: Bools, wanted: Bools) -> Touching:
    """Compare which strokes share ink.

    Args:
        written: bool [s, h, w], each stroke's own ink.
        wanted: bool [s, h, w], the same strokes as they should be, in the same order.

    Raises:
        HierbrushError: they are not rasters of as many strokes.
    """
    written = check_array("written", written, (None, None, None), "rasters [s, h, w]", dtype=bool)
    wanted = check_array("wanted", wanted, (len(written), None, None), f"rasters [{len(written)}, h, w]", dtype=bool)
    touch, should = (_pairs(inks) for inks in (written, wanted))
    return Touching(int(np.count_nonzero(touch & ~should)), int(np.count_nonzero(should & ~touch)))


def _pairs(inks: Bools) -> Bools:
    """Return which pairs have a pixel in common: bool [s, s], above the diagonal alone."""
    flat = inks.reshape(len(inks), -1).astype(np.float32)  # products of floats are the fast ones
    pairs: Bools = np.triu(flat @ flat.T > 0, 1)
    return pairs
