"""Strokes laid over a glyph of which only the ink is known.

Iterative closest points (Besl and McKay, A Method for Registration of 3-D Shapes, 1992), from the whole to the single
stroke: first the character as one, then its outermost parts, its leaf components and its strokes are each moved and
stretched, across and down, so that the outlines come to lie on the ink's edge. Points are matched by where they lie
and which way the edge faces, in both directions, so that the left edge of a stroke finds no right one; far pairs count
little (the weights of a Student's t distribution), since strokes hide each other's edges where they cross.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from skimage.measure import find_contours

from hierbrush.characters import Component
from hierbrush.composer.boxes import THICKNESS
from hierbrush.composer.place import shaped_goals
from hierbrush.metrics import SIDE
from hierbrush.sim import rasterise

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]

_FACING = 0.04
"""Distance, in sides of the box, that a right angle between two edges' directions counts as, over the root of two."""

_ALONG = 0.03
"""What a pair counts along the edge, where it says little, compared with across."""

_INK_STEP, _OUTLINE_STEP = 0.007, 0.009
"""Distance of the points on both edges."""

_FEWEST = 6
_LARGEST_STRETCH, _LARGEST_SHIFT = 0.25, 0.04
"""Most that one iteration may change."""

_WHOLE_STRETCH = (0.8, 1.25)
_USUAL_EXTENT = 0.05


class _Stage(NamedTuple):
    """A round of iterations.

    Attributes:
        groups: strokes that are moved and stretched together.
        iterations: how many.
        stiffness: weight of staying as it is, in all pairs.
        reach: distance, in sides of the box, from which on pairs count little.
    """

    groups: list[list[int]]
    iterations: int
    stiffness: float
    reach: float


def _stages(tree: Component) -> Iterator[_Stage]:
    yield _Stage([list(tree.strokes)], 3, 0.0, 0.06)
    if tree.children:
        yield _Stage([list(child.strokes) for child in tree.children], 8, 0.02, 0.05)
        yield _Stage([list(leaf.strokes) for leaf in tree.leaves()], 6, 0.05, 0.035)
    yield _Stage([[stroke] for stroke in tree.strokes], 8, 0.15, 0.025)


def fit(ink: Floats, stroke_types: Sequence[str], tree: Component, places: F32) -> tuple[F32, float]:
    """Return a character's strokes where a glyph has them, and how well they cover it.

    Args:
        ink: f64 [side, side], coverage of the unit box by the glyph; side a multiple of `SIDE`.
        stroke_types: types of the strokes.
        tree: the decomposition.
        places: f32 [strokes, PLACE_SIZE], about where they are, within a tenth of the box.

    Returns:
        Places f32 [strokes, PLACE_SIZE], their shape coefficients unchanged, and the IoU of their ink with the glyph.
    """
    edge, facing = _edge(ink)
    ink_points = np.hstack([edge, _FACING * facing])
    ink_index = cKDTree(ink_points)
    placed = places.astype(np.float64)
    outline, _, _ = _outlines(stroke_types, placed)
    low, high, wanted_low, wanted_high = outline.min(axis=0), outline.max(axis=0), edge.min(axis=0), edge.max(axis=0)
    stretch = np.clip((wanted_high - wanted_low) / np.maximum(high - low, _USUAL_EXTENT), *_WHOLE_STRETCH)
    middle = (low + high) / 2
    _move(placed, list(tree.strokes), middle, stretch, (wanted_low + wanted_high) / 2 - middle)
    for stage in _stages(tree):
        group_of = np.zeros(len(stroke_types), np.int64)
        for number, group in enumerate(stage.groups):
            group_of[group] = number
        for _ in range(stage.iterations):
            outline, normals, stroke = _outlines(stroke_types, placed)
            points = np.hstack([outline, _FACING * normals])
            to_ink, at_ink = ink_index.query(points)
            to_outline, at_outline = cKDTree(points).query(ink_points)
            source = np.vstack([outline, outline[at_outline]])
            target = np.vstack([edge[at_ink], edge])
            direction = np.vstack([facing[at_ink], facing])
            weight = (1 + (np.concatenate([to_ink, to_outline]) / stage.reach) ** 2) ** -2.0
            of = group_of[np.concatenate([stroke, stroke[at_outline]])]
            for number, group in enumerate(stage.groups):
                mine = of == number
                if np.count_nonzero(mine) >= _FEWEST:
                    pairs = source[mine], target[mine], direction[mine], weight[mine]
                    _move(placed, group, *_motion(*pairs, stage.stiffness))
    found = placed.astype(np.float32)
    goals = shaped_goals(stroke_types, found)
    mine = rasterise([goal.outline for goal in goals], SIDE, supersample=1) >= 0.5
    step = len(ink) // SIDE
    glyph = ink.reshape(SIDE, step, SIDE, step).mean(axis=(1, 3)) >= 0.5
    return found, float((mine & glyph).sum() / max(1, (mine | glyph).sum()))


def _motion(
    source: Floats, target: Floats, direction: Floats, weight: Floats, stiffness: float
) -> tuple[Floats, Floats, Floats]:
    """Return about which point f64 [2] to stretch by how much, and how far to move, by weighted least squares."""
    middle = np.average(source, axis=0, weights=weight)
    stretch, shift = np.ones(2), np.zeros(2)
    for axis in range(2):
        counts = weight * (_ALONG + direction[:, axis] ** 2)
        from_middle = source[:, axis] - middle[axis]
        missing = target[:, axis] - source[:, axis]
        total, moment = counts.sum(), (counts * from_middle).sum()
        inertia = (counts * from_middle**2).sum() + stiffness * total * _USUAL_EXTENT**2 + 1e-9
        normal = np.array([[total * (1 + stiffness), moment], [moment, inertia]])
        by, grow = np.linalg.solve(normal, np.array([(counts * missing).sum(), (counts * from_middle * missing).sum()]))
        stretch[axis] += np.clip(grow, -_LARGEST_STRETCH, _LARGEST_STRETCH)
        shift[axis] = np.clip(by, -_LARGEST_SHIFT, _LARGEST_SHIFT)
    return middle, stretch, shift


def _move(places: Floats, strokes: list[int], middle: Floats, stretch: Floats, shift: Floats) -> None:
    places[strokes, :2] = middle + (places[strokes, :2] - middle) * stretch + shift
    # Without the thickness, which does not grow.
    places[strokes, 2:4] = np.maximum(places[strokes, 2:4] - THICKNESS, 0.005) * stretch + THICKNESS


def _edge(ink: Floats) -> tuple[Floats, Floats]:
    """Return points f64 [n, 2] on the edge of a raster's ink, in the unit box, and the unit normals out of the ink."""
    side = len(ink)
    points, normals = [], []
    for contour in find_contours(np.pad(ink, 1), 0.5):
        # Row and column of pixel centres, one further for the padding; contours keep to one side of the ink.
        where, normal = _sampled((contour[:-1, ::-1] - 0.5) / side, _INK_STEP)
        points.append(where)
        normals.append(normal)
    edge, facing = np.concatenate(points), np.concatenate(normals)
    just_outside = np.clip(((edge + 1.5 / side * facing) * side).astype(int), 0, side - 1)
    outward = (ink[just_outside[:, 1], just_outside[:, 0]] < 0.5).mean() >= 0.5
    return edge, facing if outward else -facing


def _outlines(stroke_types: Sequence[str], places: Floats) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return points f64 [n, 2] on the strokes' outlines, normals out of the strokes, and the points' strokes."""
    points, normals, strokes = [], [], []
    goals = shaped_goals(stroke_types, places.astype(np.float32))
    for number, goal in enumerate(goals):
        where, normal = _sampled(goal.outline.astype(np.float64), _OUTLINE_STEP)
        x, y = goal.outline.T
        clockwise = (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() > 0
        points.append(where)
        normals.append(normal if clockwise else -normal)
        strokes.append(np.full(len(where), number))
    return np.concatenate(points), np.concatenate(normals), np.concatenate(strokes)


def _sampled(polygon: Floats, step: float) -> tuple[Floats, Floats]:
    """Return evenly spaced points f64 [n, 2] on a closed polygon and the unit normals to its right, y pointing down."""
    closed = np.concatenate([polygon, polygon[:1]])
    along = np.concatenate([[0.0], np.hypot(*np.diff(closed, axis=0).T).cumsum()])
    count = max(8, int(along[-1] / step))
    at = (np.arange(count) + 0.5) / count * along[-1]
    points = np.stack([np.interp(at, along, closed[:, axis]) for axis in range(2)], axis=1)
    tangent = np.roll(points, -2, axis=0) - np.roll(points, 2, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]
    return points, np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
