"""The composer's place for a stroke, in numbers that a network can answer, and back to a box and a shape.

A place is float32 [PLACE_SIZE]: how far a stroke's box and shape coefficients lie from its prior, which is what the
component library expects, in units about as large as the library's own errors. Zero is the prior itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.shape_basis import ShapeBasis, Shapes, goals, shape_basis, shapes
from hierbrush.strokes.widths import usual_widths

F32 = NDArray[np.float32]
Numbers = NDArray[np.float64]

SHAPE_SIZE = 12
"""Shape coefficients that the composer decides: all of a stroke type's basis, the last ones 0 where it has fewer."""

PLACE_SIZE = 4 + SHAPE_SIZE
"""Centre x and y, width, height, then the shape coefficients."""

CENTRE_UNIT = 0.05
"""Shift of a box's centre for a place of 1, in sides of the character's box."""

SIZE_UNIT = 0.25
"""Change of the logarithm of a box's width or height for a place of 1."""

_SMALLEST, _LARGEST = 0.01, 1.2
"""Limits to a box's sides, in sides of the character's box."""


def cut(values: F32, low: float, high: float) -> F32:
    """Return values cut to a range, for small arrays in less than half of `numpy.clip`'s time."""
    within: F32 = np.minimum(np.maximum(values, low), high)
    return within


def sides(boxes: F32) -> F32:
    """Return left, top, right and bottom f32 [..., 4] around boxes f32 [..., strokes, 4 or more] together."""
    centres, halves = boxes[..., :2], boxes[..., 2:4] / 2
    return np.concatenate([(centres - halves).min(axis=-2), (centres + halves).max(axis=-2)], axis=-1)


def decode_place(prior: F32, place: F32) -> F32:
    """Return boxes and shape coefficients f32 [..., PLACE_SIZE] for places around priors of the same shape.

    Boxes are (centre x, centre y, width, height) in the unit box, centres cut to it and sides to 0.01 to 1.2;
    coefficients are in standard deviations, cut to [-4, 4].
    """
    decoded = np.empty(np.broadcast_shapes(prior.shape, place.shape), np.float32)
    decoded[..., :2] = cut(prior[..., :2] + CENTRE_UNIT * place[..., :2], 0.0, 1.0)
    # Cut before the exponential, or a wild network overflows.
    growth = np.exp(cut(SIZE_UNIT * place[..., 2:4], -5.0, 5.0))
    decoded[..., 2:4] = cut(prior[..., 2:4] * growth, _SMALLEST, _LARGEST)
    decoded[..., 4:] = cut(prior[..., 4:] + place[..., 4:], -4.0, 4.0)
    return decoded


def encode_place(prior: F32, wanted: F32) -> F32:
    """Return the places f32 [..., PLACE_SIZE] that `decode_place` turns into ``wanted`` boxes and coefficients."""
    place = np.empty(np.broadcast_shapes(prior.shape, wanted.shape), np.float32)
    place[..., :2] = (wanted[..., :2] - prior[..., :2]) / CENTRE_UNIT
    place[..., 2:4] = np.log(np.maximum(wanted[..., 2:4], 1e-3) / np.maximum(prior[..., 2:4], 1e-3)) / SIZE_UNIT
    place[..., 4:] = wanted[..., 4:] - prior[..., 4:]
    return place


def stroke_goals(stroke_types: Sequence[str], decoded: F32, counts: ArrayLike, weight: float = 1.0) -> list[StrokeGoal]:
    """Return the goals for primitives of n strokes, in the shape bases of their types.

    How wide a stroke is written is not the composer's to decide, or it would be bold wherever that pays: every stroke
    gets the width that strokes of its type usually have in its box (`hierbrush.strokes.widths`).

    Args:
        stroke_types: n.
        decoded: f32 [n, PLACE_SIZE] of `decode_place`.
        counts: [n] or a number, strokes of each stroke's character.
        weight: how many times as wide the strokes are.
    """
    return shaped_goals(stroke_types, decoded, weight * usual_widths(stroke_types, decoded[:, 2:4], counts))


def stroke_shapes(stroke_types: Sequence[str], decoded: F32, counts: ArrayLike) -> Shapes:
    """Return what `stroke_goals` are made of, for whoever needs no goals and many of these."""
    return shapes(*_in_bases(stroke_types, decoded), usual_widths(stroke_types, decoded[:, 2:4], counts))


def shaped_goals(
    stroke_types: Sequence[str], decoded: F32, widths: NDArray[np.float64] | None = None
) -> list[StrokeGoal]:
    """Return strokes f32 [n, PLACE_SIZE] as goals, of mean half-widths float64 [n] or as wide as their shapes are."""
    return goals(*_in_bases(stroke_types, decoded), widths)


def _in_bases(stroke_types: Sequence[str], decoded: F32) -> tuple[list[ShapeBasis], Numbers, list[Numbers]]:
    """Return the types' bases, boxes and coefficients of strokes f32 [n, PLACE_SIZE]."""
    bases, places = [shape_basis(stroke_type) for stroke_type in stroke_types], decoded.astype(np.float64)
    coefficients = [place[4 : 4 + min(SHAPE_SIZE, basis.size)] for basis, place in zip(bases, places, strict=True)]
    return bases, np.ascontiguousarray(places[:, :4]), coefficients


def measured_place(goal: StrokeGoal) -> F32:
    """Return the box and coefficients f32 [PLACE_SIZE] of a goal, as `decode_place` would give them."""
    box, coefficients = shape_basis(goal.stroke_type).project(goal)
    measured = np.zeros(PLACE_SIZE, np.float32)
    measured[:4] = box
    known = coefficients[:SHAPE_SIZE]
    measured[4 : 4 + len(known)] = np.clip(known, -4.0, 4.0)
    return measured
