"""N hands that write strokes on one simulator: what strokes alone, whole characters and the flat policy share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.curriculum import Stage
from hierbrush.envs import randomisation
from hierbrush.envs.reward import Moved, heeds_hand, tick_reward
from hierbrush.sim import BrushBatch, BrushModel, StrokeBatch

F32 = NDArray[np.float32]
Bools = NDArray[np.bool_]
Index = NDArray[np.int64]

_HAND = 1
"""Parts the seed of the handle's errors from that of goals and brushes."""


@dataclass(frozen=True, eq=False)
class StrokeTick:
    """What one control tick brought.

    Attributes:
        reward: f32 [N], of the primitives.
        over: bool [N], strokes that have just ended.
        counts: int32 [N, 4], newly inked samples inside and outside the goal, in this tick and in all.
        area: f32 [N], samples that each goal wants.
    """

    reward: F32
    over: Bools
    counts: NDArray[np.int32]
    area: F32


class Hands:
    """N brushes that each write one goal after another, as a stage of a curriculum has it.

    Args:
        batch: the simulator.
        stage: randomisation and rewards.
    """

    def __init__(self, batch: StrokeBatch, stage: Stage) -> None:
        self.batch, self._stage, self._model = batch, stage, stage.brush.build()
        self._last_action: F32 = np.zeros((batch.slots, 3), np.float32)
        self._heeds_hand = heeds_hand(stage.reward)

    def reseed(self, seed: int) -> None:
        """Draw the handles' errors anew."""
        self.batch.reseed(hand_seed(seed))

    def renew(self, slots: Index, rng: np.random.Generator) -> None:
        """Give slots the brushes and papers of new episodes."""
        renew_brushes(self.batch, self._stage, self._model, slots, rng)

    def begin(self, slots: Index, goals: Index, rng: np.random.Generator) -> None:
        """Begin strokes, each with a hand of its own, and observe them."""
        self.batch.assign(goals, slots)
        bent = randomisation.bent_tufts(self._stage.randomisation, len(slots), rng)
        if bent is not None:
            self.batch.turn(bent, slots)
        renew_hands(self.batch, self._stage, slots, rng)
        self._last_action[slots] = 0.0
        self.batch.observe_slots(slots)

    def tick(self, actions: F32, writing: Bools | None = None) -> StrokeTick:
        """Move the brushes by one control tick.

        Args:
            actions: f32 [N, 3] in [-1, 1]; beyond is cut.
            writing: bool [N], which of them; the others stay where they are. All by default.
        """
        batch = self.batch
        if writing is None or writing.all():
            batch.track(actions)
        else:
            batch.track_slots(actions, np.flatnonzero(writing))
        change = self._last_action
        if self._heeds_hand:
            change = np.clip(actions, -1.0, 1.0) - self._last_action
            self._last_action += change
        counts, area = batch.counts, np.maximum(batch.area, 1).astype(np.float32)
        reward = tick_reward(self._stage.reward, Moved(counts, area, change))
        over = batch.done
        if writing is not None:
            reward, over = np.where(writing, reward, np.float32(0)), over & writing
        return StrokeTick(reward, over, counts, area)


def hand_seed(seed: int) -> int:
    """Return the seed of handles' errors, of a sequence of its own: they must not change which goals are drawn."""
    return int(np.random.SeedSequence([seed, _HAND]).generate_state(1, np.uint64)[0])


def renew_brushes(batch: BrushBatch, stage: Stage, model: BrushModel, slots: Index, rng: np.random.Generator) -> None:
    """Give slots the brushes and papers of new episodes, around ``model``."""
    rows = randomisation.brushes(stage.randomisation, model, len(slots), rng)
    if stage.brush.ink is not None:
        rows = randomisation.run_dry(rows, stage.brush.ink, len(slots), rng)
    batch.set_brushes(rows, slots)


def renew_hands(batch: BrushBatch, stage: Stage, slots: Index, rng: np.random.Generator) -> None:
    """Give slots hands whose handles err as the stage says."""
    spec = stage.randomisation
    sigmas = randomisation.handle_sigmas(spec, len(slots), rng)
    batch.set_noise(sigmas, slots, correlation=spec.handle_correlation if spec.handle_sigma else 0.0)
