"""A character's known strokes brought near its ink: a smooth prior of how hands differ, and transport between lines.

The displacement of the strokes' middle lines is a Gaussian process whose covariance adds up what moves together: the
whole character, each component of its decomposition, each stroke, and the bend of a stroke. Points of the strokes and
of the ink's skeleton are matched by entropic transport with slack (Sinkhorn iterations), so that no two strokes claim
the same ink, and the process's posterior mean moves the strokes there; the blur of the matches falls from iteration to
iteration. This is coherent point drift (Myronenko and Song, Point Set Registration, 2010) with another prior, with a
sum constraint on both sides (robust point matching: Chui and Rangarajan 2003), and with the direction of lines counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component
from hierbrush.strokes.goal import StrokeGoal

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_STEP = 0.028
"""Distance of points along a stroke, in sides of the box."""

_MOST_POINTS = 14
_SLACK = 0.75
"""Exponent of the Sinkhorn updates: 1 matches every point, 0 none that is far."""

_DIRECTION = 2.5
"""Weight of a right angle between two lines' directions, in squared standard deviations, halved."""

# Standard deviations of the prior, in sides of the box, and reaches where there are any.
_WHOLE_SHIFT, _WHOLE_AFFINE = 0.1, 0.3
_SMOOTH, _SMOOTH_REACH = 0.035, 0.3
_NODE_SHIFT, _NODE_AFFINE = 0.04, 0.22
_STROKE_SHIFT, _STROKE_AFFINE = 0.022, 0.22
_BEND, _BEND_REACH = 0.012, 0.12


class Lines(NamedTuple):
    """Points on the middle lines of strokes.

    Attributes:
        points: f64 [m, 2].
        stroke: which stroke each is on, [m].
        along: arc length from the stroke's start, f64 [m].
    """

    points: Floats
    stroke: Whole
    along: Floats


def lines_of(goals: Sequence[StrokeGoal]) -> Lines:
    """Return points on the middle lines of strokes, without the ends, where ink has no skeleton either."""
    points, stroke, along = [], [], []
    for number, goal in enumerate(goals):
        line = goal.skeleton.astype(np.float64)
        travelled = np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
        cut = min(float(goal.half_width.max()), 0.3 * travelled[-1])
        count = int(np.clip(np.ceil((travelled[-1] - 2 * cut) / _STEP) + 1, 3, _MOST_POINTS))
        at = np.linspace(cut, travelled[-1] - cut, count)
        points.append(np.stack([np.interp(at, travelled, line[:, axis]) for axis in (0, 1)], axis=1))
        stroke.append(np.full(count, number))
        along.append(at)
    return Lines(np.concatenate(points), np.concatenate(stroke), np.concatenate(along))


def covariance(a: Lines, b: Lines, tree: Component, at: Lines, scale: float = 1.0) -> Floats:
    """Return the prior covariance [m, n] of the displacements of two sets of points, the same across and down.

    Args:
        a: the one set.
        b: the other.
        tree: the decomposition, whose nodes' strokes are numbered as the points' are.
        at: points by which centres and extents of nodes and strokes are measured.
        scale: by which what is finer than the whole is multiplied.
    """
    apart = ((a.points[:, None] - b.points[None]) ** 2).sum(axis=2)
    found = _affine(a.points, b.points, at.points, _WHOLE_SHIFT, _WHOLE_AFFINE)
    finer = _SMOOTH**2 * np.exp(-apart / (2 * _SMOOTH_REACH**2))
    for node in _nodes(tree):
        rows, columns, mine = (np.isin(each.stroke, node.strokes) for each in (a, b, at))
        both = np.ix_(rows, columns)
        finer[both] += _affine(a.points[rows], b.points[columns], at.points[mine], _NODE_SHIFT, _NODE_AFFINE)
    for number in np.unique(at.stroke):
        rows, columns, mine = (each.stroke == number for each in (a, b, at))
        both = np.ix_(rows, columns)
        finer[both] += _affine(a.points[rows], b.points[columns], at.points[mine], _STROKE_SHIFT, _STROKE_AFFINE)
        gap = a.along[rows][:, None] - b.along[columns][None]
        finer[both] += _BEND**2 * np.exp(-(gap**2) / (2 * _BEND_REACH**2))
    total: Floats = found + scale**2 * finer
    return total


def _nodes(tree: Component) -> list[Component]:
    """Return the nodes below the root that hold two strokes or more."""
    found = []
    for child in tree.children:
        if len(child.strokes) > 1:
            found += [child, *_nodes(child)]
    return found


def _affine(a: Floats, b: Floats, at: Floats, shift: float, stretch: float) -> Floats:
    middle = at.mean(axis=0)
    product: Floats = shift**2 + stretch**2 * ((a - middle) @ (b - middle).T)
    return product


class SkeletonPoints(NamedTuple):
    """Points on the skeleton of ink.

    Attributes:
        points: f64 [n, 2] in the unit box.
        direction: f64 [n, 2], cosine and sine of twice the line's angle, shorter where it is unsure.
        spacing: length of skeleton that a point stands for.
    """

    points: Floats
    direction: Floats
    spacing: float


_SPACING = 0.011
_AROUND = 4


def skeleton_points(skeleton: NDArray[np.bool_]) -> SkeletonPoints:
    """Return evenly thinned points of a skeleton raster [side, side], with directions from the pixels around."""
    from scipy.ndimage import uniform_filter

    side = len(skeleton)
    row, column = np.nonzero(skeleton)
    y, x = np.mgrid[:side, :side].astype(np.float64)
    inked = skeleton.astype(np.float64)
    sums = [
        uniform_filter(part, 2 * _AROUND + 1, mode="constant")[row, column]
        for part in (inked, inked * x, inked * y, inked * x * x, inked * y * y, inked * x * y)
    ]
    count, mx, my = sums[0], sums[1] / sums[0], sums[2] / sums[0]
    xx, yy, xy = sums[3] / count - mx * mx, sums[4] / count - my * my, sums[5] / count - mx * my
    double = np.stack([xx - yy, 2 * xy], axis=1) / np.maximum(xx + yy, 0.5)[:, None]
    points = np.stack([column + 0.5, row + 0.5], axis=1) / side
    # Thinned by cells, the pixel nearest to each cell's mean kept.
    cells = (points / _SPACING).astype(np.int64) @ np.array([1, 4096])
    _, cell = np.unique(cells, return_inverse=True)
    members = np.bincount(cell)
    means = np.stack([np.bincount(cell, points[:, axis]) / members for axis in (0, 1)], axis=1)
    order = np.lexsort((((points - means[cell]) ** 2).sum(axis=1), cell))
    kept = order[np.unique(cell[order], return_index=True)[1]]
    length = len(points) / side * 1.1  # a diagonal step is longer than a pixel
    return SkeletonPoints(points[kept], double[kept], length / max(1, len(kept)))


def box_start(lines: Floats, wanted: Floats) -> tuple[Floats, Floats]:
    """Return stretch and shift [2] each by which the bounding box of points comes to lie on that of others."""
    low, high, to_low, to_high = lines.min(axis=0), lines.max(axis=0), wanted.min(axis=0), wanted.max(axis=0)
    stretch = np.clip((to_high - to_low) / np.maximum(high - low, 0.05), 0.2, 2.0)
    return stretch, (to_low + to_high) / 2 - (low + high) / 2 * stretch


def moment_start(lines: Floats, wanted: Floats) -> tuple[Floats, Floats]:
    """Return stretch and shift by which points have the mean and spread of others."""
    stretch = np.clip(wanted.std(axis=0) / np.maximum(lines.std(axis=0), 0.02), 0.2, 2.0)
    return stretch, wanted.mean(axis=0) - lines.mean(axis=0) * stretch


class Schedule(NamedTuple):
    """How the blur of the matches falls.

    Attributes:
        first: blur of the first iteration, a standard deviation in sides of the box.
        last: of the last.
        iterations: how many.
        looseness: scale of the prior finer than the whole.
    """

    first: float = 0.07
    last: float = 0.01
    iterations: int = 36
    looseness: float = 1.0


_PINNED = 0.006
"""Standard deviation of a displacement that is known, in sides of the box."""


def transported(
    lines: Lines, tree: Component, ink: SkeletonPoints, schedule: Schedule, pinned: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return displacements f64 [m, 2] of the points, and the weights f64 [m, 2] that give those of others.

    The displacement of further points is `covariance` of them and the points, times the weights.

    Args:
        lines: the points.
        tree: as for `covariance`.
        ink: what they are matched with.
        schedule: how the blur of the matches falls.
        pinned: f64 [m, 2], displacements that are known, NaN for those points that are to be matched.
    """
    if pinned is not None:
        return _pinned(lines, tree, ink, schedule, pinned)
    rest, wanted = lines.points, ink.points
    prior = covariance(lines, lines, tree, lines, schedule.looseness)
    length = _lengths(lines)
    mass = length / length.sum()
    target_mass = np.full(len(wanted), 1.0 / len(wanted))
    moved = np.zeros_like(rest)
    weights = np.zeros_like(rest)
    for blur in np.geomspace(schedule.first, schedule.last, schedule.iterations):
        now = rest + moved
        direction = _directions(now, lines)
        plan = _plan(now, direction, ink, mass, target_mass, blur)
        got = plan.sum(axis=1)
        # Blurred matches draw towards the middle: how much is told by a transport of the points to themselves.
        towards = (plan @ wanted) / np.maximum(got, 1e-12)[:, None] - _drawn(now, direction, mass, blur)
        # How sure a match is: its spread, and how much of the stroke's length has found ink.
        noise = (blur**2 + 0.004**2) / np.maximum(got / mass, 1e-3)
        weights = np.linalg.solve(prior + np.diag(noise), towards + moved)
        moved = prior @ weights
    return moved, weights


def _pinned(
    lines: Lines, tree: Component, ink: SkeletonPoints, schedule: Schedule, pinned: Floats
) -> tuple[Floats, Floats]:
    prior = covariance(lines, lines, tree, lines, schedule.looseness)
    free = np.isnan(pinned[:, 0])
    towards = np.where(free[:, None], 0.0, pinned)
    noise = np.where(free, 1.0, _PINNED**2)
    mass = _lengths(lines)[free]
    mass /= mass.sum()
    target_mass = np.full(len(ink.points), 1.0 / len(ink.points))
    weights = np.linalg.solve(prior + np.diag(noise), towards)
    for blur in np.geomspace(schedule.first, schedule.last, schedule.iterations):
        moved = prior @ weights
        now, direction = (lines.points + moved)[free], _directions(lines.points + moved, lines)[free]
        plan = _plan(now, direction, ink, mass, target_mass, blur)
        got = plan.sum(axis=1)
        drawn = (plan @ ink.points) / np.maximum(got, 1e-12)[:, None] - _drawn(now, direction, mass, blur)
        towards[free] = drawn + moved[free]
        noise[free] = (blur**2 + 0.004**2) / np.maximum(got / mass, 1e-3)
        weights = np.linalg.solve(prior + np.diag(noise), towards)
    return prior @ weights, weights


def _drawn(now: Floats, direction: Floats, mass: Floats, blur: float) -> Floats:
    """Return where blurred matches of the points with themselves would draw them."""
    apart = (now * now).sum(axis=1)
    squared = np.maximum(apart[:, None] + apart[None] - 2 * now @ now.T, 0.0)
    exponent = squared / (2 * blur**2) + _DIRECTION * (1 - direction @ direction.T) / 2
    kernel = np.exp(-np.minimum(exponent, 60.0)) * mass[None]
    mean: Floats = (kernel @ now) / kernel.sum(axis=1)[:, None]
    return mean


def _plan(now: Floats, direction: Floats, ink: SkeletonPoints, mass: Floats, target: Floats, blur: float) -> Floats:
    # Single precision is fine for what is blurred, and takes half the time.
    here, there, along, across = (each.astype(np.float32) for each in (now, ink.points, direction, ink.direction))
    squared = (here * here).sum(axis=1)[:, None] + (there * there).sum(axis=1)[None] - 2 * here @ there.T
    exponent = np.maximum(squared, 0) / np.float32(2 * blur**2) + np.float32(_DIRECTION / 2) * (1 - along @ across.T)
    kernel = np.exp(-np.minimum(exponent, 60)) + np.float32(1e-26)
    rows, columns = np.ones(len(mass)), np.ones(len(target))
    for _ in range(6):
        rows = (mass / (kernel @ columns.astype(np.float32))) ** _SLACK
        columns = (target / (rows.astype(np.float32) @ kernel)) ** _SLACK
    plan: Floats = rows[:, None] * kernel * columns[None]
    return plan


def _lengths(lines: Lines) -> Floats:
    """Return the length of line that each point stands for."""
    length = np.zeros(len(lines.points))
    for number in np.unique(lines.stroke):
        mine = np.flatnonzero(lines.stroke == number)
        length[mine] = (lines.along[mine[-1]] - lines.along[mine[0]]) / max(1, len(mine) - 1)
    return np.maximum(length, 0.004)


def _directions(points: Floats, lines: Lines) -> Floats:
    """Return cosine and sine of twice the angle of the lines at their points."""
    ahead, behind = np.roll(np.arange(len(points)), -1), np.roll(np.arange(len(points)), 1)
    same = lines.stroke
    ahead = np.where(same[ahead] == same, ahead, np.arange(len(points)))
    behind = np.where(same[behind] == same, behind, np.arange(len(points)))
    step = points[ahead] - points[behind]
    angle = 2 * np.arctan2(step[:, 1], step[:, 0])
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
