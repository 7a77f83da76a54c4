"""What to write before a brush moves: the strokes of one character, and what their ink is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component
from hierbrush.errors import HierbrushError, shown
from hierbrush.metrics import SIDE
from hierbrush.sim import rasterise
from hierbrush.strokes.goal import StrokeGoal

Outline = NDArray[np.float32]

LIGHTEST, BOLDEST = 0.4, 2.0
"""Bounds to the weight: lighter, and a stroke is thinner than the brush's tip; bolder, and characters close up."""


class RejectedError(HierbrushError):
    """A source's answer for a character that it will not guess the strokes of; the next source is asked then."""


@dataclass(frozen=True, eq=False)
class Plan:
    """The strokes of one character in the order in which they will be written.

    Attributes:
        char: the character, or the description that it is composed from.
        goals: what the primitives are told.
        references: float32 [n, 2] for every stroke, what its ink is scored against: its outline in the glyph, or in
            its goal if the source has no other.
        decomposition: the component tree; its strokes are numbered as ``goals`` are.
        source: name of the source, as `Writing.goal` tells it.
        composer: who composed; "" if nobody did.
        order: for every stroke its number in the glyph, whose strokes are in the right order; None without a glyph.
        glyph: outlines of the glyph's strokes in the right order, float32 [n, 2] each; None without a glyph.
        unknown: components that no training character has.
        weight: how many times as wide as is usual the strokes are.
        picture: uint8 [256, 256], 255 = ink, the character that was copied where it is none of our glyphs; None
            elsewhere.
        confidence: how surely the strokes are those of the character, 0 to 1, if the source has measured it.
    """

    char: str
    goals: tuple[StrokeGoal, ...]
    references: tuple[Outline, ...]
    decomposition: Component
    source: str = "glyph"
    composer: str = ""
    order: tuple[int, ...] | None = None
    glyph: tuple[Outline, ...] | None = None
    unknown: tuple[str, ...] = ()
    weight: float = 1.0
    picture: NDArray[np.uint8] | None = None
    confidence: float | None = None

    def __repr__(self) -> str:
        composed = f", composer {shown(self.composer)}" if self.composer else ""
        return f"<Plan {shown(self.char)}: {len(self.goals)} strokes from source {self.source}{composed}>"

    @property
    def is_reference(self) -> bool:
        """Whether the strokes' references together are what the whole character is compared with."""
        return self.picture is None and not self.composer

    def reference_ink(self) -> NDArray[np.float32] | None:
        """Return what the character's ink is compared with, float32 [256, 256]; None if there is nothing."""
        if self.picture is not None:
            return self.picture.astype(np.float32) / np.float32(255)
        return None if self.glyph is None else rasterise(self.glyph, SIDE)
