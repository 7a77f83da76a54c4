"""A character as a game of turns: the composer decides a stroke, the primitive of its type writes it, and so on.

What the agents of `hierbrush.learning.character_env` (RLlib) and `hierbrush.envs.character_v0` (PettingZoo) see and do,
in spaces that hold every sample of theirs:

* The composer sees ``observations``, f32 [MAX_STROKES, OBSERVATION_SIZE] as in `hierbrush.composer.observation`, and
  ``action_mask``, int8 [MAX_STROKES], 1 for each row of the brief whose stroke is still to be written. It answers
  ``stroke``, the number of a row, and ``place``, f32 [PLACE_SIZE] in [-4, 4]: where, how large and in what
  shape, in the units of `hierbrush.composer.place`. 0 is what the component library expects, and hardly a stroke of
  a glyph lies further off than 4.
* A primitive sees f32 [219] and answers f32 [3] in [-1, 1], as in `hierbrush.envs.stroke`.

A row that the mask forbids stands for the next one that it allows, going down the brief and from its end on to its
beginning. This costs nothing by itself, but a stroke out of turn does, as ever. ``allowed`` among the scores of a
finished character is the share of decisions that needed no such correction. Beyond their bounds numbers are cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hierbrush.composer.brief import MAX_STROKES
from hierbrush.composer.composers import COMPOSER
from hierbrush.composer.observation import OBSERVATION_SIZE
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.envs.character import CharacterBatch, character_spaces, composer_size
from hierbrush.envs.picture import Frame
from hierbrush.errors import HierbrushError, shown
from hierbrush.strokes.types import ABBREVIATIONS

F32 = NDArray[np.float32]
Mask = NDArray[np.int8]
Spaces = dict[str, spaces.Space[Any]]

AGENTS = (COMPOSER, *ABBREVIATIONS)
"""The composer and the primitive of every stroke type."""

PLACE_LIMIT = 4.0
"""Bound to the numbers of a place in the action space."""


@dataclass(frozen=True)
class Turn:
    """What one action brought.

    Attributes:
        agent: who acted.
        rewards: of the agents that are rewarded now: a primitive at every tick, the composer when its stroke is over.
        over: whether the character is finished.
        scores: those of a finished character.
    """

    agent: str
    rewards: dict[str, float]
    over: bool
    scores: dict[str, float]


class CharacterTurns:
    """One character whose agents act in turn.

    Args:
        options: keyword arguments of `CharacterBatch`.

    Attributes:
        over: whether the character is finished and `reset` is due.
    """

    def __init__(self, **options: Any) -> None:
        self.batch = CharacterBatch(1, autoreset=False, **options)
        self.reset()

    def reset(self, seed: int | None = None) -> None:
        """Begin another character; ``seed`` restarts all that is drawn at random."""
        self.batch.reset(seed)
        self.over = False
        self._decided = self._allowed = 0

    @property
    def agent(self) -> str:
        """Whose turn it is; the composer's once the character is finished."""
        return COMPOSER if self.batch.due[0] else ABBREVIATIONS[self.batch.stroke_type[0]]

    @property
    def size(self) -> int:
        """Numbers that the composer sees of a stroke: more where pictures are its goals."""
        return composer_size(self.batch.curriculum)

    @property
    def tokens(self) -> F32:
        """What the composer sees of the strokes: f32 [MAX_STROKES, `size`]."""
        seen: F32 = self.batch.observe_composer()[0]
        return seen

    @property
    def mask(self) -> Mask:
        """1 for each stroke that may be chosen: int8 [MAX_STROKES]; all 0 once the character is finished."""
        mask: Mask = self.batch.remaining[0].astype(np.int8)
        return mask

    @property
    def brush(self) -> F32:
        """What the primitives see: f32 [219], meaningless in the composer's turn."""
        seen: F32 = self.batch.observation[0].copy()
        return seen

    def picture(self) -> Frame:
        """Return the glyph, the ink and the brush as a picture, uint8 [512, 512, 3]."""
        return self.batch.picture(0)

    def decide(self, stroke: int, place: F32) -> Turn:
        """Carry out the composer's decision; see the module for what it means."""
        mask = self.mask
        self._decided += 1
        self._allowed += int(mask[stroke])
        chosen = int(np.argmax(np.roll(mask, -stroke)) + stroke) % MAX_STROKES
        self.batch.begin(np.zeros(1, np.int64), np.concatenate([[chosen], place]).astype(np.float32)[None])
        return Turn(COMPOSER, {}, False, {})

    def write(self, residual: F32) -> Turn:
        """Carry out a primitive's action, one control tick."""
        agent = self.agent
        tick = self.batch.tick(residual[None])
        rewards = {agent: float(tick.stroke_reward[0])}
        if tick.stroke_over[0]:
            rewards[COMPOSER] = float(tick.composer_reward[0])
        self.over = bool(tick.character_over[0])
        return Turn(agent, rewards, self.over, self._scores() if self.over else {})

    def act(self, action: Any) -> Turn:
        """Carry out the action of the agent whose turn it is.

        Raises:
            HierbrushError: the character is finished, or the action is none of the agent's.
        """
        if self.over:
            raise HierbrushError("action: the character is finished, expected reset() first")
        if self.agent != COMPOSER:
            return self.write(_numbers(self.agent, action, 3, 1.0))
        if not isinstance(action, Mapping) or not {"stroke", "place"} <= action.keys():
            raise HierbrushError(f"action: {shown(action)} of composer, expected a mapping with 'stroke' and 'place'")
        return self.decide(_row(action["stroke"]), _numbers(COMPOSER, action["place"], PLACE_SIZE, PLACE_LIMIT))

    def _scores(self) -> dict[str, float]:
        scores = {name: float(column[0]) for name, column in self.batch.episode_metrics.items()}
        return {**scores, "allowed": self._allowed / self._decided}


def turn_spaces(size: int = OBSERVATION_SIZE) -> tuple[Spaces, Spaces]:
    """Return the observation and action spaces of every agent; ``size`` is that of `CharacterTurns.size`."""
    observations, actions = character_spaces(size)
    observations[COMPOSER] = spaces.Dict(
        {"action_mask": spaces.Box(0, 1, (MAX_STROKES,), np.int8), "observations": observations[COMPOSER]}
    )
    return observations, {**actions, COMPOSER: decision_space()}


def decision_space() -> spaces.Dict:
    """Return the composer's action space."""
    place = spaces.Box(-PLACE_LIMIT, PLACE_LIMIT, (PLACE_SIZE,), np.float32)
    return spaces.Dict({"place": place, "stroke": spaces.Discrete(MAX_STROKES)})


def _row(stroke: Any) -> int:
    try:
        row = np.asarray(stroke)
        if row.size == 1 and row.dtype.kind in "iu" and 0 <= row.item() < MAX_STROKES:
            return int(row.item())
    except (TypeError, ValueError):
        pass
    raise HierbrushError(f"stroke: {shown(stroke)}, expected a whole number from 0 to {MAX_STROKES - 1}")


def _numbers(agent: str, values: Any, count: int, limit: float) -> F32:
    try:
        with np.errstate(over="ignore"):  # what overflows is cut below
            numbers: F32 = np.asarray(values, np.float32)
    except (TypeError, ValueError, OverflowError):
        numbers = np.empty(0, np.float32)
    if numbers.shape != (count,) or np.isnan(numbers).any():
        raise HierbrushError(
            f"action: {shown(values)} of {agent}, expected {count} numbers from {-limit:g} to {limit:g}"
        )
    return np.clip(numbers, -limit, limit)
