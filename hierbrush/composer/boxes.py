"""Boxes, float32 (centre x, centre y, width, height), and one box as seen from another.

What lies within a box is mapped without the strokes' thickness: a wider component has longer strokes, not bolder ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hierbrush.composer.place import sides

F32 = NDArray[np.float32]

THICKNESS = 0.04
"""A stroke's usual thickness in the unit box."""

WHOLE = np.array([0.5, 0.5, 1.0, 1.0], np.float32)
"""The character's box."""


def union(boxes: F32) -> F32:
    """Return the box around boxes: f32 [..., 4] of [..., n, 4]."""
    low, high = np.split(sides(boxes), 2, axis=-1)
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def relative_to(parent: F32, box: F32) -> F32:
    """Return centre in the parent's sides and logarithm of the sides' ratio: f32 [..., 4]."""
    shift = (box[..., :2] - parent[..., :2]) / parent[..., 2:]
    return np.concatenate([shift, np.log(box[..., 2:] / parent[..., 2:])], axis=-1)


def absolute(parent: F32, relative: F32) -> F32:
    """Return the box f32 [4] that `relative_to` a parent is ``relative``."""
    return np.concatenate([parent[:2] + relative[:2] * parent[2:], parent[2:] * np.exp(relative[2:])])


def difference(expected: F32, box: F32) -> F32:
    """Return shift of the centre in the unit box and logarithm of the sides' ratio."""
    return np.concatenate([box[:2] - expected[:2], np.log(box[2:] / expected[2:])])


def applied(expected: F32, difference: F32) -> F32:
    """Return the box f32 [4] that has this `difference` from what was expected."""
    return np.concatenate([expected[:2] + difference[:2], expected[2:] * np.exp(difference[2:])])


def _thin(sides: F32) -> F32:
    thin: F32 = np.maximum(sides - THICKNESS, 0.01)
    return thin


def laid_within(around: F32, boxes: F32) -> F32:
    """Return centres from the middle of a box and sides, both in its sides without thickness: f32 [..., 4]."""
    sides = _thin(around[..., 2:])
    return np.concatenate([(boxes[..., :2] - around[..., :2]) / sides, _thin(boxes[..., 2:]) / sides], axis=-1)


def laid_out(around: F32, layout: F32) -> F32:
    """Return the boxes f32 [n, 4] that are `laid_within` a box as ``layout`` says."""
    sides = _thin(around[2:])
    boxes: F32 = np.concatenate([around[:2] + layout[:, :2] * sides, layout[:, 2:] * sides + THICKNESS], axis=1)
    return boxes
