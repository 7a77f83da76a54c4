"""Writing a whole character without a hierarchy, as a Gymnasium environment: what the two levels are measured against.

An episode writes one training character of the curriculum's stage, for as many control ticks as its strokes take the
hierarchy. What is seen and done is described in `hierbrush.composer.flat`: a summary of the brief, the brush and the
page in, the handle's velocity out. The reward of a tick is the composer's for ink: new ink on the glyph less new ink
beside it, per glyph area; an episode's return is therefore at most the weight ``characters.reward.ink``. Episodes end
by termination after the character's ticks, which the observation counts down.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from hierbrush.composer.flat import ACTION_SIZE, OBSERVATION_SIZE, FlatBatch, FlatTasks
from hierbrush.curriculum import Curriculum
from hierbrush.curriculum.characters import draw_characters
from hierbrush.envs.character import OBSERVATION_LIMIT, Lessons, character_curriculum
from hierbrush.errors import HierbrushError
from hierbrush.sim.reference import pack

F32 = NDArray[np.float32]
Bools = NDArray[np.bool_]
Index = NDArray[np.int64]


class FlatCharacterVectorEnv(VectorEnv[F32, F32, Any]):
    """N characters written side by side, each by one hand.

    ``reset`` and ``step`` follow Gymnasium with next-step autoreset and hand out copies. ``step_batch`` is the fast
    path: finished episodes begin anew within the same step, and the arrays belong to the environment.

    Args:
        num_envs: N.
        curriculum: a :class:`Curriculum` whose stages have ``characters``, its content as a mapping, or a file;
            ``composer.yaml`` by default. Goals and the composer's other rewards have no meaning here.
        stage: where in the curriculum to begin.
        threads: workers that share the slots.
        seed: of characters and brushes until ``reset`` gives another.

    Raises:
        HierbrushError: an argument is out of range or the curriculum cannot be used.
    """

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP, "render_modes": []}  # noqa: RUF012  (Gymnasium's own form)

    def __init__(
        self,
        num_envs: int = 1,
        *,
        curriculum: Curriculum | Mapping[str, Any] | str | Path | None = None,
        stage: int = 0,
        threads: int = 1,
        seed: int = 0,
    ) -> None:
        self.curriculum = character_curriculum(curriculum)
        self.num_envs = num_envs
        limit = OBSERVATION_LIMIT
        self.single_observation_space = spaces.Box(-limit, limit, (OBSERVATION_SIZE,), np.float32)
        self.single_action_space = spaces.Box(-1.0, 1.0, (ACTION_SIZE,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._threads, self._lesson_seed = threads, seed
        self._rng = np.random.default_rng(seed)
        self.episode_metrics: dict[str, F32] = {
            name: np.zeros(num_envs, np.float32) for name in ("character_iou", "inside", "outside")
        }
        self._never: Bools = np.zeros(num_envs, np.bool_)
        self._ended: Bools = np.zeros(num_envs, np.bool_)
        self.stage = -1
        self.set_stage(stage)

    def set_stage(self, stage: int) -> None:
        """Draw the characters of another stage and begin every slot anew with one of them.

        Raises:
            HierbrushError: the curriculum has no such stage.
        """
        stages = self.curriculum.stages
        if not 0 <= stage < len(stages):
            raise HierbrushError(
                f"stage: {stage}, expected 0 to {len(stages) - 1} in curriculum {self.curriculum.name}"
            )
        if stage == self.stage:
            return
        self.stage, self._spec = stage, stages[stage]
        assert self._spec.characters is not None
        lessons = Lessons.of(draw_characters(self._spec.characters, self._lesson_seed))
        self._glyphs = np.stack([pack(glyph) for glyph in lessons.glyphs])
        self._model = self._spec.brush.build()
        self.batch = FlatBatch(
            FlatTasks.of(lessons.briefs),
            self._model,
            self.num_envs,
            threads=self._threads,
            seed=int(self._rng.integers(1 << 62)),
        )
        self._begin(np.arange(self.num_envs))

    def _begin(self, slots: Index) -> None:
        """Give slots new characters, and brushes as the stage randomises them."""
        chosen = self._rng.integers(len(self._glyphs), size=len(slots))
        self.batch.begin(slots, chosen, self._glyphs[chosen])
        share = self._spec.randomisation.brush
        brushes = self._model.randomised(len(slots), share, self._rng) if share else self._model.parameters()[None]
        self.batch.strokes.set_brushes(brushes, slots)

    def _advance(self, actions: F32) -> tuple[F32, Bools]:
        """Step every slot, fill the metrics, and return rewards and which episodes are over."""
        self.batch.step(actions)
        strokes = self.batch.strokes
        counts, area = strokes.counts, strokes.area.astype(np.float32)
        assert self._spec.characters is not None
        reward: F32 = (self._spec.characters.reward.ink * (counts[:, 0] - counts[:, 1]) / area).astype(np.float32)
        over = strokes.done
        if over.any():
            metrics = self.episode_metrics
            metrics["inside"][:] = counts[:, 2] / area
            metrics["outside"][:] = counts[:, 3] / area
            metrics["character_iou"][:] = metrics["inside"] / (1.0 + metrics["outside"])
        return reward, over

    def step_batch(self, actions: F32) -> tuple[F32, F32, Bools, Bools]:
        """Advance by one tick, beginning finished episodes anew within it.

        Args:
            actions: float32 [N, 3] in [-1, 1]; beyond is cut.

        Returns:
            Observations [N, D] (of the new episode where one ended), rewards [N], terminated [N], truncated [N, always
            False]. The arrays belong to the environment and change with the next call. ``episode_metrics`` holds
            ``character_iou``, ``inside`` and ``outside`` of the episodes that ended.
        """
        reward, over = self._advance(actions)
        if over.any():
            self._begin(np.flatnonzero(over))
        return self.batch.observe(), reward, over, self._never

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[F32, dict[str, Any]]:
        """Begin every slot anew; ``seed`` (or the first of a list) restarts the choice of characters and brushes."""
        if seed is not None:
            first = seed if isinstance(seed, int | np.integer) else next(iter(seed))
            self._rng = np.random.default_rng(int(first))
        self._begin(np.arange(self.num_envs))
        self._ended[:] = False
        return self.batch.observe().copy(), {}

    def step(self, actions: F32) -> tuple[F32, F32, Bools, Bools, dict[str, Any]]:
        """Advance by one tick; an episode that ended before begins anew instead (its action is ignored, reward 0)."""
        fresh = self._ended.copy()
        reward, over = self._advance(np.asarray(actions, dtype=np.float32))
        over &= ~fresh
        if fresh.any():
            self._begin(np.flatnonzero(fresh))
            reward[fresh] = 0.0
        self._ended = over
        info: dict[str, Any] = {}
        if over.any():
            info = {
                "episode_metrics": {name: np.where(over, values, 0.0) for name, values in self.episode_metrics.items()},
                "_episode_metrics": over.copy(),
            }
        return self.batch.observe().copy(), reward, over.copy(), self._never.copy(), info


class FlatCharacterEnv(gymnasium.Env[F32, F32]):
    """One character at a time: the same environment for code that expects a plain ``gymnasium.Env``."""

    metadata = {"render_modes": []}  # noqa: RUF012  (Gymnasium's own form)

    def __init__(self, **options: Any) -> None:
        self._vector = FlatCharacterVectorEnv(1, **options)
        self.observation_space = self._vector.single_observation_space
        self.action_space = self._vector.single_action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[F32, dict[str, Any]]:
        """Begin a character."""
        super().reset(seed=seed)
        # Gymnasium keeps a generator of its own; drawing from it makes an unseeded reset follow from the last seed.
        observation, info = self._vector.reset(seed=int(self.np_random.integers(1 << 31)))
        return observation[0], info

    def step(self, action: F32) -> tuple[F32, float, bool, bool, dict[str, Any]]:
        """Advance by one tick; ``info["episode_metrics"]`` holds the scores of a character that is over."""
        reward, over = self._vector._advance(np.asarray(action, dtype=np.float32)[None])
        info: dict[str, Any] = {}
        if over[0]:
            info["episode_metrics"] = {name: float(values[0]) for name, values in self._vector.episode_metrics.items()}
        return self._vector.batch.observe()[0].copy(), float(reward[0]), bool(over[0]), False, info
