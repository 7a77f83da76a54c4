"""Room between strokes (布白): composed strokes join or keep apart, as training characters have them (`joints`).

A composer puts every stroke nearly where it belongs. Nearly is a collision where two strokes run side by side, and a
gap where one should end on the other. Here the strokes' boxes move, grow and shrink a little until both are right:
every pair that is not as it should be asks for a movement along the shortest way, and the movements of all strokes
that together meet what is asked with the least change are the solution of one small system of linear equations
(regularised least squares), solved a few times over. Shapes and widths stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.composer.joints import APART, JOIN
from hierbrush.composer.place import stroke_shapes
from hierbrush.sim.lines import contacts

F32 = NDArray[np.float32]
Numbers = NDArray[np.float64]
Index = NDArray[np.int64]

# Distances in sides of the unit box, found on validation characters.
_TOO_NEAR, _ROOM = 0.003, 0.010
"""Strokes that should keep apart and are nearer than the first are moved apart to the second."""
_JOINED, _NOT_FAR = 0.004, 0.06
"""Strokes that should join are moved together until they overlap by the first, unless they are further off than the
second: then something else is wrong."""
_STEP, _FURTHEST = 0.012, 0.03
"""How far a centre or side changes at a time, and in all."""

_ROUNDS = 6
_ASKED, _RESIZED = 200.0, 1.5
"""What a pair that stays wrong, and what another size costs, where another centre costs 1."""
_SMALL = 0.12
"""Sides shorter than this are harder to change, by the square of the share: thickness is not to be stretched."""
_BACK = 0.3
"""Share of a movement that is taken back in the next round, unless it is asked for again."""
_SMALLEST = 0.012
_TAIL = 6
"""Points of a skeleton across which the direction of a stroke's end is measured where it has crossed another."""


def spaced(stroke_types: Sequence[str], places: F32, wanted: NDArray[np.int8]) -> F32:
    """Return places f32 [S, PLACE_SIZE] whose strokes join and keep apart as is wanted, as far as little changes can.

    Args:
        stroke_types: S abbreviations.
        places: f32 [S, PLACE_SIZE], boxes and shape coefficients as `decode_place` gives them.
        wanted: int8 [S, S], of `Joints.wanted`.
    """
    home = places[:, :4].astype(np.float64)
    moved = places.astype(np.float32).copy()
    drawn = _Drawn(stroke_types, moved)
    for _ in range(_ROUNDS):
        drawn.move(moved)
        asked = _asked(drawn, wanted)
        if not len(asked.distance):
            break
        boxes = moved[:, :4].astype(np.float64)
        boxes += np.clip(_solved(asked, boxes, home), -_STEP, _STEP)
        boxes = home + np.clip(boxes - home, -_FURTHEST, _FURTHEST)
        boxes[:, 2:] = np.maximum(boxes[:, 2:], np.minimum(home[:, 2:], _SMALLEST))
        moved[:, :4] = boxes
    return moved


class _Asked(NamedTuple):
    """By how much some pairs of strokes should move: P of them.

    Attributes:
        pairs: int64 [2, P], their strokes.
        points: float64 [2, P, 2], where on each of the two.
        direction: float64 [P, 2], of the first one's movement away from the second.
        distance: float64 [P], how far in that direction; negative towards it.
    """

    pairs: Index
    points: Numbers
    direction: Numbers
    distance: Numbers


class _Drawn:
    """Strokes as they are drawn by now.

    Attributes:
        skeletons: float64 [S, 32, 2].
        widths: float64 [S, 32], half-widths.
    """

    def __init__(self, stroke_types: Sequence[str], places: F32) -> None:
        self._types, self._places = stroke_types, places.copy()
        shapes = stroke_shapes(stroke_types, places, len(places))
        self.skeletons, self.widths = shapes.skeleton.astype(np.float64), shapes.half_width.astype(np.float64)

    def move(self, places: F32) -> None:
        """Draw anew what stands elsewhere: most strokes stay where they are."""
        rows = np.flatnonzero((places != self._places).any(axis=1))
        if not len(rows):
            return
        shapes = stroke_shapes([self._types[row] for row in rows.tolist()], places[rows], len(places))
        self._places[rows] = places[rows]
        self.skeletons[rows], self.widths[rows] = shapes.skeleton, shapes.half_width


def _asked(drawn: _Drawn, wanted: NDArray[np.int8]) -> _Asked:
    skeletons, widths = drawn.skeletons, drawn.widths
    low, high = (
        skeletons.min(axis=1) - widths.max(1, keepdims=True),
        skeletons.max(axis=1) + widths.max(1, keepdims=True),
    )
    between = np.maximum(low[:, None] - high, low - high[:, None]).max(axis=2)
    reach = np.select([wanted == JOIN, wanted == APART], [_NOT_FAR, _TOO_NEAR], -np.inf)
    pairs = np.array(np.nonzero(np.triu(between < reach, 1)))
    gap, points, direction = contacts(skeletons, widths, np.ascontiguousarray(pairs), _TAIL)
    join = wanted[pairs[0], pairs[1]] == JOIN
    wrong = np.where(join, (gap > 0) & (gap < _NOT_FAR), gap < _TOO_NEAR)
    distance = np.where(join, np.maximum(-_JOINED - gap, -_STEP), np.minimum(_ROOM - gap, _STEP))
    return _Asked(pairs[:, wrong], points[wrong].transpose(1, 0, 2), direction[wrong], distance[wrong])


def _solved(asked: _Asked, boxes: Numbers, home: Numbers) -> Numbers:
    """Return the changes of the boxes, float64 [S, 4], that meet what is asked with the least change."""
    count, pairs = len(boxes), len(asked.distance)
    stiff = np.ones((count, 4))
    stiff[:, 2:] = _RESIZED * np.maximum(1.0, _SMALL / np.maximum(boxes[:, 2:], 0.02)) ** 2
    pull = np.zeros((count, 4))
    pull[:, :2] = -_BACK * (boxes - home)[:, :2]
    # How a point moves with its stroke's box: with the centre, and in proportion to where in the box it lies.
    rows = np.zeros((pairs, count, 4))
    for stroke, point, sign in zip(asked.pairs, asked.points, (1.0, -1.0), strict=True):
        inside = np.clip((point - boxes[stroke, :2]) / np.maximum(boxes[stroke, 2:], 0.02), -0.5, 0.5)
        rows[np.arange(pairs), stroke, :2] += sign * asked.direction
        rows[np.arange(pairs), stroke, 2:] += sign * asked.direction * inside
    flat = rows.reshape(pairs, -1)
    system = np.diag(stiff.ravel()) + _ASKED * flat.T @ flat
    solved = np.linalg.solve(system, pull.ravel() + _ASKED * asked.distance @ flat)
    return np.asarray(solved, np.float64).reshape(count, 4)
