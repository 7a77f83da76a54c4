"""Where skeletons lie to other points and to each other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError
from hierbrush.sim.core_choice import kernels

Numbers = NDArray[np.float64]

_CONTACT = 7
_LEAST = 2
"""Points of a line."""


def nearest_points(points: Numbers, lines: Numbers) -> Numbers:
    """Return for points [n, m, 2] the nearest ones [n, m, 2] on lines [n, k, 2] of equally long steps.

    Only the two steps at the nearest of the line's own points are looked at.

    Raises:
        HierbrushError: the shapes do not fit.
    """
    if points.ndim != 3 or lines.ndim != 3 or len(points) != len(lines) or lines.shape[1] < _LEAST:
        raise HierbrushError(
            f"points, lines: shapes {points.shape} and {lines.shape}, expected [n, m, 2] and [n, k >= 2, 2]"
        )
    out = np.empty(points.shape)
    if out.size:
        kernels.nearest_points(np.ascontiguousarray(points), np.ascontiguousarray(lines), len(lines), out)
    return out


class Contacts(NamedTuple):
    """Where P pairs of strokes come nearest.

    Attributes:
        gap: float64 [P], between their edges; negative where they overlap.
        points: float64 [P, 2, 2], on the skeletons of the first and the second.
        direction: float64 [P, 2], in which the first moves away from the second.
    """

    gap: Numbers
    points: Numbers
    direction: Numbers


def contacts(skeletons: Numbers, widths: Numbers, pairs: NDArray[np.int64], reach: int) -> Contacts:
    """Return where strokes come nearest.

    Those whose skeletons cross come apart by the shortest of their four ends beyond the crossing, which goes back: the
    gap is then its length and what both strokes are wide there.

    Args:
        skeletons: float64 [S, k, 2], contiguous.
        widths: float64 [S, k], half-widths, contiguous.
        pairs: int64 [2, P], contiguous, which strokes.
        reach: points of a skeleton across which the direction of an end beyond a crossing is measured.
    """
    found = np.empty((pairs.shape[1], _CONTACT))
    kernels.contacts(skeletons, widths, pairs, reach, found)
    return Contacts(found[:, 0], found[:, 1:5].reshape(-1, 2, 2), found[:, 5:])
