"""Blots that are wider than a brush: cut into bands side by side, each of which one stroke fills."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_BAND = 0.052
"""Half-width of a band in sides of the box: as wide as the brush writes well."""

_BLOT = 0.08
"""Depth in sides of the box from which ink is a blot: crossings of bold strokes are not so deep."""


class Band(NamedTuple):
    """A part of a blot: its pixels, bool [side, side], and the middle line f64 [2, 2] in pixels."""

    mask: Mask
    line: Floats


def bands_of(inked: Mask, depth: Floats) -> list[Band]:
    """Return the bands of all blots.

    Args:
        inked: bool [side, side].
        depth: f64 [side, side], pixels to the ink's edge.
    """
    from scipy.ndimage import distance_transform_edt, label

    wide = _BAND * len(inked)
    cores, count = label(depth > wide)
    found = []
    for number in range(1, count + 1):
        core = cores == number
        if depth[core].max() > _BLOT * len(inked):
            reach = distance_transform_edt(~core) <= wide
            found += _bands(reach & inked, wide)
    return found


def _bands(blot: Mask, wide: float) -> list[Band]:
    row, column = np.nonzero(blot)
    points = np.stack([column + 0.5, row + 0.5], axis=1)
    middle = points.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((points - middle).T))
    along, across = axes[:, 1], axes[:, 0]
    if across[1] < 0:  # from above to below
        across = -across
    if along[0] < 0:
        along = -along
    x, y = (points - middle) @ along, (points - middle) @ across
    count = max(1, int(np.ceil(np.ptp(y) / (2 * wide))))
    edges = np.linspace(y.min(), y.max(), count + 1)
    found = []
    for low, high in pairwise(edges):
        mine = (y >= low - 1) & (y <= high + 1)  # neighbours overlap, so that no paper is left between
        inset = min((high - low) / 2, 0.3 * np.ptp(x[mine]))
        level = (low + high) / 2
        ends = [x[mine].min() + inset, x[mine].max() - inset]
        mask = np.zeros_like(blot)
        mask[row[mine], column[mine]] = True
        found.append(Band(mask, np.array([middle + end * along + level * across for end in ends])))
    return found
