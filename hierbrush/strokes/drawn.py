"""Strokes drawn by hand: points with half-widths in the unit box, x right, y down, that a smooth line goes through."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.strokes.goal import StrokeGoal

_BETWEEN = 24  # points between two of a smooth line

Points = NDArray[np.float64]


def swept_goal(stroke_type: str, line: Points) -> StrokeGoal:
    """Return the stroke that discs of the half-widths cover when they move along a line, f64 [n, 3]."""
    return StrokeGoal.from_outline(stroke_type, _swept(line), line[:, :2])


def smooth(points: Points) -> Points:
    """Return a smooth line f64 [n, 3] through points and half-widths, with corners where a point stands twice."""
    corners = np.flatnonzero((points[1:, :2] == points[:-1, :2]).all(axis=1)) + 1
    return np.concatenate([_spline(piece) for piece in np.split(points, corners)])


def _spline(points: Points) -> Points:
    """Return a Catmull-Rom spline through points f64 [m, 3], straight for two of them."""
    ends = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0.0, 1.0, _BETWEEN, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False)
    ]
    return np.concatenate([*pieces, points[-1:]])


def _swept(line: Points) -> Points:
    """Return the outline f64 [k, 2] of discs of the half-widths moved along a line f64 [n, 3]."""
    from shapely import MultiPoint, Point, unary_union

    around = np.linspace(0.0, 2 * np.pi, 24, endpoint=False)
    discs = line[:, None, :2] + line[:, None, 2:] * np.stack([np.cos(around), np.sin(around)], axis=1)
    hulls = [MultiPoint(np.concatenate(pair)).convex_hull for pair in pairwise(discs)]
    shape: Any = unary_union([Point(line[0, :2]).buffer(line[0, 2]), *hulls])
    return np.asarray(shape.exterior.coords)[:-1]
