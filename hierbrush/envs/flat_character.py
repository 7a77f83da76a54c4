"""Writing a whole character without a hierarchy, as a Gymnasium environment: what the two levels are measured against.

An episode writes one training character of the curriculum's stage, for as many control ticks as its strokes take the
hierarchy. What is seen and done is described in `hierbrush.composer.flat`: a summary of the brief, the brush and the
page in, the handle's velocity out. The reward of a tick is the composer's for ink: new ink on the glyph less new ink
beside it, per glyph area; an episode's return is therefore at most the weight ``characters.reward.ink``. Episodes end
by termination after the character's ticks, which the observation counts down.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hierbrush.composer.flat import ACTION_SIZE, OBSERVATION_SIZE, FlatBatch, FlatTasks
from hierbrush.curriculum import Curriculum
from hierbrush.curriculum.characters import draw_characters
from hierbrush.envs.batch_vector import F32, BatchVectorEnv, Bools, Index, SingleEnv
from hierbrush.envs.character import OBSERVATION_LIMIT, character_curriculum, lessons_of
from hierbrush.sim import StrokeBatch
from hierbrush.sim.reference import pack


@lru_cache(maxsize=4)
def _tasks(characters: tuple[str, ...]) -> tuple[FlatTasks, NDArray[np.uint64]]:
    """Return what the hand is told of characters, and their packed glyphs [G, words]."""
    lessons = lessons_of(characters)
    return FlatTasks.of(lessons.briefs), np.stack([pack(glyph) for glyph in lessons.glyphs])


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
        self.stage = -1
        self.set_stage(stage)

    def set_stage(self, stage: int) -> None:
        """Draw the characters of another stage and begin every slot anew with one of them.

        Raises:
            HierbrushError: the curriculum has no such stage.
        """
        spec = self.curriculum.stage_at(stage)
        if stage == self.stage:
            return
        self.stage, self._spec = stage, spec
        assert self._spec.characters is not None
        tasks, self._glyphs = _tasks(draw_characters(self._spec.characters, self._lesson_seed))
        self._model = self._spec.brush.build()
        self.batch = FlatBatch(
            tasks,
            self._model,
            self.num_envs,
            threads=self._threads,
            seed=int(self._rng.integers(1 << 62)),
        )
        self._begin(np.arange(self.num_envs))

    @property
    def _strokes(self) -> StrokeBatch:
        return self.batch.strokes

    def _begin(self, slots: Index) -> None:
        """Give slots new characters, and brushes as the stage randomises them."""
        chosen = self._rng.integers(len(self._glyphs), size=len(slots))
        self.batch.begin(slots, chosen, self._glyphs[chosen])
        share = self._spec.randomisation.brush
        brushes = self._model.randomised(len(slots), share, self._rng) if share else self._model.parameters()[None]
        self.batch.strokes.set_brushes(brushes, slots)

    def _advance(self, actions: F32) -> tuple[F32, Bools]:
        self.batch.step(actions)
        strokes = self.batch.strokes
        counts, area = strokes.counts, strokes.area.astype(np.float32)
        assert self._spec.characters is not None
        weights = self._spec.characters.reward
        gained = weights.ink * (counts[:, 0] - weights.outside * counts[:, 1])
        reward: F32 = (gained / area).astype(np.float32)
        over = strokes.done
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
