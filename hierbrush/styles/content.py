"""Content from one hand, for another to write: the base hand's strokes where the content's stand.

A Song face's 横 is flat and ends in a triangle; neither is told to the hand that writes, for strokes' shapes are the
hand's. Where strokes stand and how far they reach is the content's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hierbrush.strokes.goal import StrokeGoal
from hierbrush.styles import hand

_LONG = 0.15
"""Of a side of a stroke's box: from here on the content tells how far the stroke reaches; a dot's or a slope's less."""

_SHARES = (0.6, 1.6)
"""Ratios beyond which no side is changed: the strokes may be of another form there."""


def in_places_of(goals: Sequence[StrokeGoal], content: Sequence[StrokeGoal]) -> list[StrokeGoal]:
    """Return strokes, laid where the same strokes of another hand stand.

    Args:
        goals: strokes of the base hand.
        content: the same strokes as another hand has them.
    """
    lines, aims = ([np.asarray(goal.skeleton, np.float64) for goal in each] for each in (goals, content))
    outlines = [np.asarray(goal.outline, np.float64) for goal in goals]
    placed = []
    for line, outline, aim in zip(lines, outlines, aims, strict=True):
        (middle, side), (wanted, reach) = _box(line), _box(aim)
        told = np.clip(np.maximum(side, reach) / _LONG, 0.0, 1.0)
        scale = np.clip((reach + 0.01) / (side + 0.01), *_SHARES) ** told
        moved = (line - middle) * scale + wanted
        placed.append((moved, hand.carried(line, outline, moved)))
    kinds = [goal.stroke_type for goal in goals]
    return hand.goals_of(kinds, *(np.array(each) for each in zip(*placed, strict=True)))


def _box(line: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    low, high = line.min(axis=0), line.max(axis=0)
    return (low + high) / 2, high - low
