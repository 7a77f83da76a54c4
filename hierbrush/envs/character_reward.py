"""What the composer earns: each term a function of what happened, named as its weight is in a curriculum.

A new term is one function here, in the list of its moment, and one field of that name in
`curriculum.model.CharacterReward`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.curriculum.model import CharacterReward
from hierbrush.metrics.recognition import GlyphIndex, sureness

F32 = NDArray[np.float32]

_RIVALS = 64
"""Glyphs that ink is compared with, those most like it from afar."""


@dataclass(frozen=True)
class Chosen:
    """A decision of the composer.

    Attributes:
        in_turn: whether the stroke is the next one of the glyph.
        strokes: of the whole character.
        carried: metres through the air to the stroke's beginning, 0 to the first one.
        box: side of the character's box in metres.
    """

    in_turn: bool
    strokes: int
    carried: float
    box: float


@dataclass(frozen=True)
class FinishedStroke:
    """A finished stroke on its page, in pixels: new ink on and beside the glyph, and the glyph's own."""

    on: int
    beside: int
    area: int


@dataclass(frozen=True, eq=False)
class Finished:
    """Complete characters: their pages, their numbers among the glyphs, and those."""

    pages: list[NDArray[np.bool_]]
    numbers: list[int]
    index: GlyphIndex


def order(weights: CharacterReward, chosen: Chosen) -> float:
    """Return the cost of a stroke out of turn."""
    return 0.0 if chosen.in_turn else -weights.order / chosen.strokes


def motion(weights: CharacterReward, chosen: Chosen) -> float:
    """Return the cost of the way through the air."""
    return -weights.motion * chosen.carried / chosen.box


def ink(weights: CharacterReward, written: FinishedStroke) -> float:
    """Return the reward for new ink on the glyph, less that beside it."""
    return weights.ink * (written.on - weights.outside * written.beside) / written.area


def legibility(weights: CharacterReward, finished: Finished) -> F32:
    """Return the reward for how surely ink is taken for its own glyph: f32 [n]."""
    if not weights.legibility:
        return np.zeros(len(finished.pages), np.float32)
    index, pages = finished.index, finished.pages
    margins = index.margins(pages, finished.numbers, among=index.shortlist(pages, _RIVALS))
    legible: F32 = (weights.legibility * sureness(margins)).astype(np.float32)
    return legible


DECISION, STROKE, CHARACTER = (order, motion), (ink,), (legibility,)
"""The composer's terms, by when they are earned: with a decision, a finished stroke, a complete character."""


def earned(terms: Any, weights: CharacterReward, facts: Any) -> Any:
    """Return the sum of the terms of one moment, of which ``facts`` tell."""
    return sum(term(weights, facts) for term in terms)
