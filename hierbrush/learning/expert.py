"""Expert decisions: how training characters are written, as observations and answers for imitation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.composer.brief import MAX_STROKES, Brief, Truth
from hierbrush.composer.observation import (
    EXISTS,
    GOAL,
    GOAL_GIVEN,
    LARGEST_RESIDUAL,
    LAST,
    OBSERVATION_SIZE,
    PLACED,
    WRITTEN,
    BriefBank,
)
from hierbrush.composer.place import PLACE_SIZE, encode_place

F32 = NDArray[np.float32]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Disturbance:
    """By how much what is already written differs from the expert's: the composer learns to live with its own errors.

    Attributes:
        shift: standard deviation of the shift of a whole character's boxes, in place units.
        scatter: standard deviation of each stroke's own deviation, in place units.
        goals: share of decisions with goals for all strokes.
        some_goals: share of decisions with goals for a random part of the strokes.
        afresh: share of decisions put back to the beginning: nothing is written, and there are no goals.
    """

    shift: float = 0.2
    scatter: float = 0.25
    goals: float = 0.2
    some_goals: float = 0.1
    afresh: float = 0.0


@dataclass(frozen=True, eq=False)
class Decisions:
    """A batch of decisions.

    Attributes:
        observation: f32 [n, R, OBSERVATION_SIZE]; R is the largest number of strokes in the batch.
        index: int64 [n], the stroke that the expert writes next.
        places: f32 [n, R, PLACE_SIZE], where the expert puts every stroke.
        remaining: bool [n, R], strokes not yet written.
    """

    observation: F32
    index: Index
    places: F32
    remaining: NDArray[np.bool_]


class Expert:
    """The writing of many characters, any decision of which can be asked for.

    Args:
        briefs: what the composer is told.
        truths: how they are written.
    """

    def __init__(self, briefs: Sequence[Brief], truths: Sequence[Truth]) -> None:
        self.bank = BriefBank.of(briefs)
        self._turn = np.full((len(briefs), MAX_STROKES), MAX_STROKES, np.int64)
        places = self.bank.prior.copy()
        for at, truth in enumerate(truths):
            self._turn[at, truth.order] = np.arange(len(truth.order))
            places[at, : len(truth.places)] = truth.places
        self._places = np.clip(encode_place(self.bank.prior, places), -LARGEST_RESIDUAL, LARGEST_RESIDUAL)

    def all_decisions(self) -> tuple[Index, Index]:
        """Return character and step of every decision, int64 [decisions] each."""
        counts = self.bank.counts
        characters = np.repeat(np.arange(len(counts)), counts)
        return characters, np.concatenate([np.arange(count) for count in counts])

    def actions(self, characters: Index, steps: Index) -> F32:
        """Return the expert's actions at some steps of some characters: f32 [n, 1 + PLACE_SIZE]."""
        index = (self._turn[characters] == steps[:, None]).argmax(axis=1)
        return np.column_stack([index.astype(np.float32), self._places[characters, index]])

    def decisions(
        self,
        characters: Index,
        steps: Index,
        disturbance: Disturbance | None,
        rng: np.random.Generator,
        own: F32 | None = None,
    ) -> Decisions:
        """Return the decisions at some steps of some characters.

        Args:
            characters: int64 [n], numbers in the bank.
            steps: int64 [n], strokes already written.
            disturbance: what is changed about what the composer sees; None shows the expert's own writing.
            rng: of the disturbance.
            own: f32 [n, R, PLACE_SIZE], where the composer itself would put all strokes: disturbed decisions without
                goals then show what is written there, as the composer will see it when it composes, and not where the
                expert has it (data aggregation; Ross et al., 2011, arXiv 1011.0686).
        """
        bank = self.bank
        rows = int(bank.counts[characters].max())
        count = len(characters)
        turn = self._turn[characters, :rows]
        afresh = np.zeros(count, bool) if disturbance is None else rng.random(count) < disturbance.afresh
        steps = np.where(afresh, 0, steps)
        places = self._places[characters, :rows]
        exists = np.arange(rows) < bank.counts[characters][:, None]
        written = turn < steps[:, None]
        observation = np.zeros((count, rows, OBSERVATION_SIZE), np.float32)
        observation[..., : bank.tokens.shape[2]] = bank.tokens[characters, :rows]
        observation[..., EXISTS] = exists
        observation[..., WRITTEN] = written
        observation[..., LAST] = turn == steps[:, None] - 1
        seen = places
        if disturbance is not None:
            # Some characters are seen as they are and some much disturbed.
            amount = rng.random((count, 1, 1), np.float32) * 2
            shift = disturbance.shift * rng.standard_normal((count, 1, PLACE_SIZE), np.float32)
            scatter = disturbance.scatter * rng.standard_normal((count, rows, PLACE_SIZE), np.float32)
            chance = np.where(afresh[:, None], 1.0, rng.random((count, 1)))
            part = chance < disturbance.goals + disturbance.some_goals
            given = (
                exists & part & ((chance < disturbance.goals) | (rng.random((count, rows)) < rng.random((count, 1))))
            )
            base = places if own is None else np.where(part[..., None], places, own)
            seen = base + amount * (shift + scatter)
            observation[..., GOAL_GIVEN] = given
            observation[..., GOAL : GOAL + PLACE_SIZE] = places * given[..., None]
        observation[..., PLACED : PLACED + PLACE_SIZE] = seen * written[..., None]
        return Decisions(observation, (turn == steps[:, None]).argmax(axis=1), places, exists & ~written)
