"""Writing a whole character without a hierarchy, as a Gymnasium environment: what the two levels are measured against.

An episode writes one training character of the curriculum's stage, for as many control ticks as its strokes take the
hierarchy. What is seen and done is described in `hierbrush.envs.flat_hand`: a summary of the brief, the brush and the
page in, the handle's velocity out. The reward of a tick is the composer's for ink: new ink on the glyph less new ink
beside it, per glyph area, less ``reward.motion`` as for strokes; an episode's return is therefore at most the weight
``characters.reward.ink``. Episodes end by termination after the character's ticks, which the observation counts down.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from hierbrush.curriculum import Curriculum
from hierbrush.curriculum.characters import draw_characters
from hierbrush.envs.batch_vector import F32, BatchVectorEnv, Bools, Index, SingleEnv
from hierbrush.envs.character import OBSERVATION_LIMIT, character_curriculum
from hierbrush.envs.flat_hand import ACTION_SIZE, OBSERVATION_SIZE, FlatBatch
from hierbrush.envs.hands import hand_seed, renew_brushes, renew_hands
from hierbrush.envs.lessons import flat_tasks_of
from hierbrush.envs.picture import Frame, picture
from hierbrush.envs.reward import Moved, hand_reward
from hierbrush.metrics import SIDE
from hierbrush.sim.reference import unpack


class FlatCharacterVectorEnv(BatchVectorEnv):
    """N characters written side by side, each by one hand.

    ``episode_metrics`` holds ``character_iou``, and the ink ``inside`` and ``outside`` in shares of the glyph's area.

    Args:
        num_envs: N.
        curriculum: a :class:`Curriculum` whose stages have ``characters``, its content as a mapping, or a file;
            ``composer.yaml`` by default. Goals and the composer's other rewards have no meaning here.
        stage: where in the curriculum to begin.
        threads: workers that share the slots.
        seed: of characters and brushes until ``reset`` gives another.
        render_mode: ``"rgb_array"``, or None for no pictures.

    Raises:
        HierbrushError: an argument is out of range or the curriculum cannot be used.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        curriculum: Curriculum | Mapping[str, Any] | str | Path | None = None,
        stage: int = 0,
        threads: int = 1,
        seed: int = 0,
        render_mode: str | None = None,
    ) -> None:
        self.curriculum = character_curriculum(curriculum)
        super().__init__(
            num_envs,
            spaces.Box(-OBSERVATION_LIMIT, OBSERVATION_LIMIT, (OBSERVATION_SIZE,), np.float32),
            spaces.Box(-1.0, 1.0, (ACTION_SIZE,), np.float32),
            ("character_iou", "inside", "outside"),
            seed,
            render_mode,
        )
        self._threads, self._lesson_seed = threads, seed
        self._last_action: F32 = np.zeros((num_envs, ACTION_SIZE), np.float32)
        self._chosen = np.zeros(num_envs, np.int64)
        self.set_stage(stage)

    def _draw_stage(self) -> None:
        assert self._spec.characters is not None
        self._characters = self._spec.characters
        tasks, self._glyphs = flat_tasks_of(draw_characters(self._characters, self._lesson_seed))
        self.batch = FlatBatch(
            tasks,
            self._model,
            self.num_envs,
            threads=self._threads,
            seed=int(self._rng.integers(1 << 62)),
        )

    def _picture(self, slot: int) -> Frame:
        """Return a slot's glyph, ink and brush as a picture, uint8 [512, 512, 3]."""
        batch = self.batch
        wanted = unpack(self._glyphs[self._chosen[slot]], SIDE, SIDE).astype(np.float32)
        return picture(batch.brushes.coverage(slot), wanted, batch.brushes.footprint(slot), box=batch.brushes.box)

    def _restart(self, seed: int) -> None:
        super()._restart(seed)
        self.batch.brushes.reseed(hand_seed(seed))

    def _begin(self, slots: Index) -> None:
        """Give slots new characters, and brushes, papers and hands as the stage randomises them."""
        chosen = self._rng.integers(len(self._glyphs), size=len(slots))
        self._chosen[slots] = chosen
        self.batch.begin(slots, chosen, self._glyphs[chosen])
        renew_brushes(self.batch.brushes, self._spec, self._model, slots, self._rng)
        renew_hands(self.batch.brushes, self._spec, slots, self._rng)
        self._last_action[slots] = 0.0

    def _advance(self, actions: F32) -> tuple[F32, Bools]:
        batch, weights = self.batch, self._characters.reward
        batch.step(actions)
        change = np.clip(actions, -1.0, 1.0) - self._last_action
        self._last_action += change
        counts, area = batch.brushes.counts, batch.area.astype(np.float32)
        gained = weights.ink * (counts[:, 0] - weights.outside * counts[:, 1])
        reward: F32 = (gained / area).astype(np.float32)
        reward += hand_reward(self._spec.reward, Moved(counts, area, change))
        over = batch.done
        if over.any():
            metrics = self.episode_metrics
            metrics["inside"][:] = counts[:, 2] / area
            metrics["outside"][:] = counts[:, 3] / area
            metrics["character_iou"][:] = metrics["inside"] / (1.0 + metrics["outside"])
        return reward, over

    def _observe(self) -> F32:
        return self.batch.observe()


class FlatCharacterEnv(SingleEnv):
    """One character at a time; takes the options of `FlatCharacterVectorEnv` and the render modes of `SingleEnv`."""

    def __init__(self, *, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(FlatCharacterVectorEnv(1, **options), render_mode)
