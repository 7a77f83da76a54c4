"""What our vector environments share: stepping whole batches, autoreset, seeds, and a single environment on top."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray
from pydantic import ValidationError

from hierbrush.arguments import check_kind, check_whole
from hierbrush.curriculum import Curriculum, Stage, load_curriculum
from hierbrush.envs.picture import Frame
from hierbrush.envs.window import MODES, TICKS_A_SECOND, Watched, check_render_mode
from hierbrush.errors import HierbrushError, shown
from hierbrush.resources import folder
from hierbrush.sim import BrushModel

F32 = NDArray[np.float32]
Bools = NDArray[np.bool_]
Index = NDArray[np.int64]

_LARGEST_SEED = (1 << 63) - 1


class BatchVectorEnv(VectorEnv[F32, F32, Any]):
    """N environments on one simulator, whose episodes end by termination alone.

    ``reset`` and ``step`` follow Gymnasium with next-step autoreset and hand out copies. ``step_batch`` is the fast
    path: finished episodes begin anew within the same step, and the arrays belong to the environment.

    Args:
        num_envs: N.
        observation_space, action_space: of one environment.
        metrics: names in ``episode_metrics``, f32 [N] each, valid where an episode has just ended.
        seed: until ``reset`` gives another.
        render_mode: ``"rgb_array"``, or None for no pictures.

    Attributes:
        curriculum: set by those below, which then begin with `set_stage`.
        stage: number of the stage that is practised.

    Raises:
        HierbrushError: ``num_envs`` or ``seed`` is out of range, or there is no such render mode.
    """

    metadata = {  # noqa: RUF012  (Gymnasium's own form)
        "autoreset_mode": AutoresetMode.NEXT_STEP,
        "render_modes": ["rgb_array"],
        "render_fps": TICKS_A_SECOND,
    }
    curriculum: Curriculum
    _spec: Stage
    _model: BrushModel

    def __init__(
        self,
        num_envs: int,
        observation_space: spaces.Box,
        action_space: spaces.Box,
        metrics: tuple[str, ...],
        seed: int,
        render_mode: str | None = None,
    ) -> None:
        self.num_envs = check_whole("num_envs", num_envs, 1, 1 << 20)
        self.render_mode = check_render_mode(render_mode, self.metadata)
        self.single_observation_space, self.single_action_space = observation_space, action_space
        self.observation_space = batch_space(observation_space, num_envs)
        self.action_space = batch_space(action_space, num_envs)
        self.episode_metrics: dict[str, F32] = {name: np.zeros(num_envs, np.float32) for name in metrics}
        self._rng = np.random.default_rng(check_whole("seed", seed, 0, _LARGEST_SEED))
        self.stage = -1
        self._never: Bools = np.zeros(num_envs, np.bool_)
        self._ended: Bools = np.zeros(num_envs, np.bool_)

    def _restart(self, seed: int) -> None:
        """Restart all that is drawn at random."""
        self._rng = np.random.default_rng(seed)

    @abstractmethod
    def _begin(self, slots: Index) -> None:
        """Begin episodes in some slots, so that `_observe` shows them."""

    @abstractmethod
    def _advance(self, actions: F32) -> tuple[F32, Bools]:
        """Step every slot; fill ``episode_metrics``; return rewards [N] and which episodes are over [N]."""

    @abstractmethod
    def _observe(self) -> F32:
        """Return the observations [N, D]; the array may belong to the environment."""

    @abstractmethod
    def _picture(self, slot: int) -> Frame:
        """Return a picture of a slot's episode, uint8 [512, 512, 3]."""

    def set_stage(self, stage: int) -> None:
        """Draw what another stage of the curriculum asks for and begin every slot anew with it.

        Raises:
            HierbrushError: the curriculum has no such stage.
        """
        spec = self.curriculum.stage_at(stage)
        if stage == self.stage:
            return
        self.stage, self._spec, self._model = stage, spec, spec.brush.build()
        self._draw_stage()
        self._begin(np.arange(self.num_envs))

    @abstractmethod
    def _draw_stage(self) -> None:
        """Draw what is asked for in `_spec`, for slots that are begun with it next."""

    def step_batch(self, actions: F32) -> tuple[F32, F32, Bools, Bools]:
        """Advance by one tick, beginning finished episodes anew within it.

        Args:
            actions: float32 [N, A] in [-1, 1]; beyond is cut.

        Returns:
            Observations [N, D] (of the new episode where one ended), rewards [N], terminated [N], truncated [N, always
            False]. The arrays belong to the environment and change with the next call.
        """
        reward, over = self._advance(actions)
        if over.any():
            self._begin(np.flatnonzero(over))
        return self._observe(), reward, over, self._never

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[F32, dict[str, Any]]:
        """Begin every slot anew; ``seed`` (or the first of a list) restarts all that is drawn at random.

        Raises:
            HierbrushError: ``seed`` is no whole number from 0.
        """
        first = _first(seed) if isinstance(seed, Iterable) else seed
        if first is not None:
            self._restart(check_whole("seed", first, 0, _LARGEST_SEED))
        self._begin(np.arange(self.num_envs))
        self._ended[:] = False
        return self._observe().copy(), {}

    def step(self, actions: F32) -> tuple[F32, F32, Bools, Bools, dict[str, Any]]:
        """Advance by one tick; an episode that ended before begins anew instead (its action is ignored, reward 0)."""
        fresh = self._ended.copy()
        reward, over = self._advance(_numbers(actions))
        reward, over = reward.copy(), over & ~fresh
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
        return self._observe().copy(), reward, over.copy(), self._never.copy(), info

    def render(self) -> tuple[Frame, ...] | None:  # type: ignore[override]
        """Return a picture of every episode, uint8 [512, 512, 3]; None without a render mode."""
        if self.render_mode is None:
            return None
        return tuple(self._picture(slot) for slot in range(self.num_envs))


class SingleEnv(Watched, gymnasium.Env[F32, F32]):  # type: ignore[misc]
    """A `BatchVectorEnv` of one, for code that expects a plain ``gymnasium.Env``.

    Args:
        vector: the environment.
        render_mode: ``"rgb_array"``, ``"human"`` (a window that shows every tick as it is written) or None.

    Raises:
        HierbrushError: there is no such render mode, or what it needs is not installed.
    """

    metadata = MODES

    def __init__(self, vector: BatchVectorEnv, render_mode: str | None = None) -> None:
        self._vector = vector
        self._show_in(render_mode)
        self.observation_space = vector.single_observation_space
        self.action_space = vector.single_action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[F32, dict[str, Any]]:
        """Begin an episode.

        Raises:
            HierbrushError: ``seed`` is no whole number from 0.
        """
        # Gymnasium takes Python's integers alone.
        super().reset(seed=None if seed is None else check_whole("seed", seed, 0))
        # Gymnasium keeps a generator of its own; drawing from it makes an unseeded reset follow from the last seed.
        observation, info = self._vector.reset(seed=int(self.np_random.integers(1 << 31)))
        self._watch()
        return observation[0], info

    def step(self, action: F32) -> tuple[F32, float, bool, bool, dict[str, Any]]:
        """Advance by one tick; ``info["episode_metrics"]`` holds the scores of an episode that is over."""
        reward, over = self._vector._advance(_numbers(action)[None])
        info: dict[str, Any] = {}
        if over[0]:
            info["episode_metrics"] = {name: float(values[0]) for name, values in self._vector.episode_metrics.items()}
        self._watch()
        return self._vector._observe()[0].copy(), float(reward[0]), bool(over[0]), False, info

    def _picture(self) -> Frame:
        """Return the goal, the ink and the brush as a picture, uint8 [512, 512, 3]."""
        return self._vector._picture(0)


def _numbers(actions: Any) -> F32:
    try:
        with np.errstate(over="ignore"):  # what overflows is beyond, and is cut
            return np.asarray(actions, dtype=np.float32)
    except Exception:  # a stranger's __array__ may raise anything
        raise HierbrushError(f"action: {shown(actions)}, expected numbers from -1 to 1") from None


def _first(seeds: Iterable[Any]) -> Any:
    try:
        return next(iter(seeds), None)
    except Exception:  # a stranger's __iter__ may raise anything
        raise HierbrushError(f"seed: {shown(seeds)}, expected a whole number or a list of them") from None


def curriculum_of(source: Curriculum | Mapping[str, Any] | str | PathLike[str] | None, *, default: str) -> Curriculum:
    """Return a curriculum: itself, from its content, as `load_curriculum` reads it, or the shipped file ``default``.

    Raises:
        HierbrushError: it cannot be used.
    """
    if isinstance(source, Curriculum):
        source.use_script()
        return source
    if source is None:
        return load_curriculum(folder("curricula") / default)
    if isinstance(source, str | PathLike):
        return load_curriculum(source)
    check_kind("curriculum", source, Mapping, "a Curriculum, its content as a mapping, or the path of its file")
    try:
        return Curriculum.model_validate(source)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        place = ".".join(map(str, wrong["loc"])) or "the mapping"
        raise HierbrushError(f"curriculum: {place}: {wrong['msg']}") from None
