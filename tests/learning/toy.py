"""A task whose best policy is known: walk from the origin to a point, as fast as steps of limited length allow."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

HORIZON = 8
STEP = 0.25


class ReachEnv(VectorEnv):
    """State x in the plane, goal g in a square of half-width ``reach[stage]``; observation (x, g, share of time left).

    Reward: how much nearer the goal the step came, minus the distance at the end. The best return is therefore about
    twice the mean distance less whatever is left; acting as `best_action` reaches every goal within the horizon.

    Faults on request: an error after ``fail_after`` ticks, a reward that is no number after ``nan_after``, and a tick
    of ``hang_seconds``, for ever unless told otherwise, for whoever finds no file ``hang_once``.
    """

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int = 1,
        *,
        reach: tuple[float, ...] = (1.0,),
        truncate: bool = False,
        fail_after: int | None = None,
        nan_after: int | None = None,
        hang_once: str | None = None,
        hang_seconds: float = 1e6,
        curriculum: Any = None,
        stroke: str | None = None,
    ) -> None:
        self.num_envs = num_envs
        self.single_observation_space = gym.spaces.Box(-4.0, 4.0, (5,), np.float32)
        self.single_action_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.stroke = stroke
        self.stage = 0
        self.stages_seen: list[int] = []
        self.episode_metrics = {"iou": np.zeros(num_envs, np.float32)}
        self.final_obs = np.zeros((num_envs, 5), np.float32)
        self._reach, self._truncate = reach, truncate
        self._fail_after, self._nan_after = fail_after, nan_after
        self._hang_once = Path(hang_once) if hang_once else None
        self._hang_seconds = hang_seconds
        self._rng = np.random.default_rng()
        self._x = np.zeros((num_envs, 2), np.float32)
        self._goal = np.zeros((num_envs, 2), np.float32)
        self._tick = np.zeros(num_envs, np.int32)
        self._obs = np.zeros((num_envs, 5), np.float32)
        self._stepped = 0
        self._done = np.zeros(num_envs, np.bool_)

    def set_stage(self, stage: int) -> None:
        self.stage = stage
        self.stages_seen.append(stage)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self._begin(np.ones(self.num_envs, np.bool_))
        self._done[:] = False
        return self._observe().copy(), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Gymnasium's step: a finished episode is reset by the step after the last, whose action is ignored."""
        again = self._done.copy()
        reward, terminated, truncated = self._advance(np.asarray(actions, np.float32), ~again)
        self._begin(again)
        self._done = terminated | truncated
        return self._observe().copy(), reward, terminated, truncated, {}

    def step_batch(self, actions: Any) -> tuple[Any, Any, Any, Any]:
        reward, terminated, truncated = self._advance(actions, np.ones(self.num_envs, np.bool_))
        self.final_obs[:] = self._observe()
        self._begin(terminated | truncated)
        return self._observe(), reward, terminated, truncated

    def _begin(self, rows: Any) -> None:
        half = self._reach[min(self.stage, len(self._reach) - 1)]
        self._x[rows] = 0.0
        self._goal[rows] = self._rng.uniform(-half, half, (int(rows.sum()), 2))
        self._tick[rows] = 0

    def _advance(self, actions: Any, rows: Any) -> tuple[Any, Any, Any]:
        self._stepped += 1
        if self._fail_after is not None and self._stepped > self._fail_after:
            raise OSError("the simulated brush is broken")
        if self._hang_once is not None and not self._hang_once.exists():
            self._hang_once.touch()
            time.sleep(self._hang_seconds)
        before = np.linalg.norm(self._goal - self._x, axis=1)
        self._x += np.where(rows[:, None], STEP * np.clip(actions, -1.0, 1.0), 0.0)
        after = np.linalg.norm(self._goal - self._x, axis=1)
        self._tick += rows
        ended = (self._tick >= HORIZON) & rows
        reward = np.where(rows, before - after - np.where(ended, after, 0.0), 0.0).astype(np.float32)
        if self._nan_after is not None and self._stepped > self._nan_after:
            reward[0] = np.nan
        self.episode_metrics["iou"][:] = np.exp(-after)
        never = np.zeros_like(ended)
        return (reward, never, ended) if self._truncate else (reward, ended, never)

    def _observe(self) -> Any:
        self._obs[:, :2], self._obs[:, 2:4] = self._x, self._goal
        self._obs[:, 4] = 1.0 - self._tick / HORIZON
        return self._obs


def best_action(obs: Any) -> Any:
    """Return the action that goes straight at the goal."""
    return np.clip((obs[:, 2:4] - obs[:, :2]) / STEP, -1.0, 1.0)


class SingleReachEnv(gym.Env):
    """The same task, one environment at a time, for stock RLlib's usual path."""

    def __init__(self, **options: Any) -> None:
        self._env = ReachEnv(1, **options)
        self.observation_space = self._env.single_observation_space
        self.action_space = self._env.single_action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        obs, info = self._env.reset(seed=seed)
        return obs[0], info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        reward, terminated, truncated = self._env._advance(np.asarray(action, np.float32)[None], np.ones(1, np.bool_))
        return self._env._observe()[0].copy(), float(reward[0]), bool(terminated[0]), bool(truncated[0]), {}


gym.register("toy/Reach-v0", entry_point=SingleReachEnv, vector_entry_point=ReachEnv)
