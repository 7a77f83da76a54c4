"""Whether strokes lie in ink as the regular script has them, or only cover what a running hand has drawn otherwise.

Strokes that are led together cover the ink of a running hand well enough, but they show it: where ink runs that joins
two strokes no stroke runs that way, strokes leave the ink's middle, and all of them turn from their usual directions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hierbrush.styles.ribbon import Ribbons, sampled
from hierbrush.styles.transport import SkeletonPoints

Floats = NDArray[np.float64]

MOST = 2.15
"""Of `irregularity`: between the most of three regular fonts (brush, pen and print) and what running hands have."""

# What each sign has where it alone is a doubt, from the same fonts.
_TURNED, _ASIDE, _OTHERWISE = 0.30, 0.06, 0.18


def irregularity(points: SkeletonPoints, depth: Floats, ribbons: Ribbons, turned: Floats) -> float:
    """Return how unlike the regular script strokes lie in ink: about 1 in a regular hand, 2 to 5 in a running one.

    Args:
        points: of the ink's skeleton.
        depth: f64 [side, side], pixels to the ink's edge, as of `Ink`.
        ribbons: the strokes as they were found.
        turned: f64 [strokes], radians by which the strokes' directions differ from those expected.
    """
    aside = min(_aside(depth, ribbons), 2.5 * _ASIDE)
    return float(turned.mean() / _TURNED + aside / _ASIDE + _otherwise(points, depth, ribbons) / _OTHERWISE)


def _aside(depth: Floats, ribbons: Ribbons) -> float:
    """Return the share of the strokes' lengths that lies off the ink's middle."""
    side = len(depth)
    inside = sampled(depth, ribbons.lines * side) / side
    return float((inside < 0.55 * np.maximum(ribbons.half_width, 0.01)).mean())


def _otherwise(points: SkeletonPoints, depth: Floats, ribbons: Ribbons) -> float:
    """Return the share of the skeleton, where its direction is clear, that has no stroke running that way."""
    side = len(depth)
    clear = np.hypot(*points.direction.T) > 0.75
    if not clear.any():
        return 0.0
    at, way = points.points[clear], points.direction[clear]
    step = np.gradient(ribbons.lines, axis=1).reshape(-1, 2)
    double = 2 * np.arctan2(step[:, 1], step[:, 0])
    apart = ((at[:, None] - ribbons.lines.reshape(1, -1, 2)) ** 2).sum(axis=2)
    near = apart < np.maximum(0.75 * sampled(depth, at * side) / side, 0.012)[:, None] ** 2
    along = way @ np.stack([np.cos(double), np.sin(double)])
    return float((np.where(near, along, -1.0).max(axis=1) < 0.35).mean())


def curled(rest: Floats, lines: Floats) -> Floats:
    """Return by how many radians [n] strokes [n, 32, 2] turn to and fro more than they are expected to."""
    more: Floats = _turning(lines) - _turning(rest)
    return more


def _turning(lines: Floats) -> Floats:
    step = np.diff(lines[:, [0, 4, 8, 12, 16, 20, 24, 28, 31]], axis=1)
    length, angle = np.hypot(step[..., 0], step[..., 1]), np.arctan2(step[..., 1], step[..., 0])
    turns = np.abs(np.angle(np.exp(1j * np.diff(angle, axis=1))))
    total: Floats = (turns * (np.minimum(length[:, 1:], length[:, :-1]) > 0.006)).sum(axis=1)
    return total
