"""What is expected of one node of a tree: its box, its strokes and when they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hierbrush.composer.tree import Node

F32 = NDArray[np.float32]
Index = NDArray[np.int64]

_LONGEST = 0.8
"""Side of a single stroke that fills the character's box."""

_CONTRADICTION = 0.5
"""Two siblings contradict each other if the shares that each expects before it add up to a sum this far from 1."""


@dataclass(frozen=True, eq=False)
class NodeExpectation:
    """What the library expects of one node of a tree.

    Attributes:
        node: the node.
        context: f32 [4], its box by operators and stroke counts alone.
        layout: f32 [4], its box by what stands beside it, see `hierbrush.composer.sharing`; None for a part that is not
            one of two outermost ones.
        box: f32 [4], its box with what its occurrences and its layout say.
        weight: occurrences in such surroundings, in whole similar ones; 0 for a component or form never met.
        places: f32 [count, PLACE_SIZE], its strokes' boxes and coefficients; None if never met.
        spread: f32 [count, 2], standard deviation of the strokes' centres among the occurrences.
        rank: f32 [count], place in the order that most occurrences by weight are written in.
        before: f32 [count], share of the parent's other strokes that are written before the stroke, by the weighted
            median of the occurrences.
        met_here: whether ``before`` comes from occurrences in this slot, and not from the slot alone.
    """

    node: Node
    context: F32
    layout: F32 | None
    box: F32
    weight: float
    places: F32 | None
    spread: F32
    rank: F32
    before: F32
    met_here: bool


# Occurrences that are written in two ways are not averaged: the mean of two orders is often neither.


def mode(orders: Index, weight: F32) -> F32:
    """Return the order of highest weight, f32 [count] of [occurrences, count]."""
    mode: Index = orders[0]
    if not (orders == mode).all():  # nearly always they are, and to ask takes a tenth of the time
        distinct, which = np.unique(orders, axis=0, return_inverse=True)
        mode = distinct[np.bincount(which.ravel(), weight).argmax()]
    return mode.astype(np.float32)


def median(values: F32, weight: F32) -> F32:
    """Return the weighted median of every column, f32 [count] of [occurrences, count]; of two the lower.

    The weights f32 [occurrences] have a sum of 1.
    """
    ascending = values.argsort(axis=0, kind="stable")
    middle = (weight[ascending].cumsum(axis=0) >= 0.5 - 1e-6).argmax(axis=0)
    columns = np.arange(values.shape[1])
    median: F32 = values[ascending[middle, columns], columns]
    return median


def proportioned(box: F32, boxes: F32, share: F32) -> F32:
    """Return the box of a single stroke in a place where it was never met, with the proportions that it has elsewhere.

    Contexts stretch a component to what stands in its place, but 一 by itself is no square.

    Args:
        box: f32 [4], as large.
        boxes: f32 [occurrences, 4], of the stroke elsewhere.
        share: f32 [occurrences], their weights.
    """
    half = np.exp(share @ np.log(boxes[:, 2] / boxes[:, 3]) / 2)
    sides = np.sqrt(box[2] * box[3]) * np.array([half, 1 / half])
    return np.concatenate([box[:2], sides * min(1.0, _LONGEST / sides.max())]).astype(np.float32)


def interleaved(e: NodeExpectation, all_nodes: Sequence[NodeExpectation]) -> NodeExpectation:
    """Return a node's expectation with ``before`` as its siblings tell it, where they know better.

    What stands inside 辶 is written before it, whatever it is; 辶 has been met there, and tells. Where two contradict
    each other the one that was met more often is right: 召 is written before 辶, but 走 is written before 召. Three are
    written one after the other: what share of the others' strokes comes before the middle one depends on how many they
    have, and was another where it was met.
    """
    siblings = [other for other in all_nodes if other.node.parent == e.node.parent and other is not e]
    if e.node.parent < 0 or not siblings:
        return e
    if len(siblings) > 1:
        earlier = sum(other.node.count for other in siblings if other.node.first < e.node.first)
        return replace(e, before=np.full(e.node.count, earlier / e.node.rest, np.float32))
    (sibling,) = siblings
    if not sibling.met_here:
        return e
    told = 1 - float(sibling.before.mean())
    contradicted = abs(float(e.before.mean()) - told) > _CONTRADICTION and sibling.weight > e.weight
    if e.met_here and not contradicted:
        return e
    return replace(e, before=np.full(e.node.count, told, np.float32))
