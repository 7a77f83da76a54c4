"""Controls for learned styles: the base hand with what a hand has in common, and strokes pasted from its examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.styles import hand
from hierbrush.styles.foretelling import similarity
from hierbrush.styles.hand import Strokes

if TYPE_CHECKING:
    from hierbrush.styles.style import Style

Floats = NDArray[np.float64]


class Common(NamedTuple):
    """What all strokes of a hand have in common against the base hand.

    Attributes:
        stretch: f64 [2], of the character about its box's centre, across and down.
        shift: f64 [2].
        width: ratio of half-widths.
    """

    stretch: Floats
    shift: Floats
    width: float


def common_of(base: Strokes, hand: Strokes, characters: Sequence[slice]) -> Common:
    """Return what a hand's strokes have in common, by the medians over its characters.

    Args:
        base: the base hand's strokes of some characters.
        hand: the hand's, in the same order.
        characters: which strokes are each character's.
    """
    stretches, middles = [], []
    for part in characters:
        ours, theirs = base.lines[part].reshape(-1, 2), hand.lines[part].reshape(-1, 2)
        stretches.append(np.ptp(theirs, axis=0) / np.maximum(np.ptp(ours, axis=0), 0.1))
        middles.append([(ours.min(axis=0) + ours.max(axis=0)) / 2, (theirs.min(axis=0) + theirs.max(axis=0)) / 2])
    stretch = np.clip(np.median(stretches, axis=0), 0.4, 2.0)
    between = np.array(middles)
    shift = np.median(between[:, 1] - 0.5 - stretch * (between[:, 0] - 0.5), axis=0)
    inner = slice(6, -6)
    ratio = np.median(hand.half_widths[:, inner] / np.maximum(base.half_widths[:, inner], 1e-3))
    return Common(stretch, shift, float(np.clip(ratio, 0.3, 3.0)))


def shifted(style: Style, goals: Sequence[StrokeGoal], tree: Component, *, stretched: bool = True) -> list[StrokeGoal]:
    """Return strokes of the base hand with a hand's mean shift and width, and its mean stretch if wanted."""
    base, common = hand.strokes_of(goals, tree), style.common
    stretch = common.stretch if stretched else np.ones(2)
    box = hand.box_of(base.outlines)
    moved = np.concatenate([(box[:2] - 0.5) * stretch + 0.5 + common.shift, box[2:] + np.log(stretch)])
    found = hand.placed(base, moved, common.width)
    return hand.goals_of([goal.stroke_type for goal in goals], found.lines, found.outlines)


def pasted(style: Style, goals: Sequence[StrokeGoal], tree: Component) -> list[StrokeGoal]:
    """Return, for each stroke of the base hand, the example's stroke most like it, laid into its shifted box."""
    base = hand.strokes_of(goals, tree)
    own = hand.strokes_of(shifted(style, goals, tree), tree)
    alike = similarity(base.features, style.foretelling.features.astype(np.float64))
    # A stroke of another type is no answer, so there the base hand's stays.
    best, known = alike.argmax(axis=1), alike.max(axis=1) > 0
    lines, outlines = own.lines.copy(), own.outlines.copy()
    for at in np.flatnonzero(known):
        low, high = own.lines[at].min(axis=0), own.lines[at].max(axis=0)
        example = style.lines[best[at]]
        theirs = example.min(axis=0), example.max(axis=0)
        scale = (high - low + 0.03) / (theirs[1] - theirs[0] + 0.03)
        middle, aim = (theirs[0] + theirs[1]) / 2, (low + high) / 2
        lines[at], outlines[at] = ((each[best[at]] - middle) * scale + aim for each in (style.lines, style.outlines))
    return hand.goals_of([goal.stroke_type for goal in goals], lines, outlines)
