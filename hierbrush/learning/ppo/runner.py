"""Sampling a whole batch of environments with one forward pass and one simulator call a tick."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from ray.rllib.core.columns import Columns
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner

import hierbrush.envs  # noqa: F401  (registers hierbrush/Stroke-v0, in remote runners too)
from hierbrush.errors import HierbrushError, shown
from hierbrush.learning.ppo.faults import CandidRunner
from hierbrush.learning.ppo.fragment import F32, Fragment, FragmentBuffer

EPISODE_METRICS = "episode_metrics"
RETURN, LENGTH = "episode_return", "episode_len"


class BatchRunner(CandidRunner):
    """Runners with a curriculum stage and without episode objects; stands before one of RLlib's among the bases.

    Those below say how environments are reset (`_reset`) and how a piece of experience is sampled (`_fragment`).

    RLlib hooks: overrides ``_sample``, ``get_metrics`` (nothing is left to collect there) and ``get_state`` /
    ``set_state`` (the curriculum stage reaches restored and restarted runners); ``apply`` comes from `CandidRunner`.
    """

    stage = 0
    batch_env: Any = None  # stays None in a local runner beside remote ones
    _needs_initial_reset = True
    _returns: F32
    _lengths: NDArray[np.int32]

    def set_stage(self, stage: int) -> None:
        """Move the environments to a curriculum stage; the next sample of another one begins anew."""
        self._needs_initial_reset = self._needs_initial_reset or stage != self.stage
        self.stage = stage
        if hasattr(self.batch_env, "set_stage"):
            self.batch_env.set_stage(stage)

    @torch.inference_mode()
    def _sample(
        self: Any,
        *,
        num_timesteps: int | None = None,
        num_episodes: int | None = None,
        explore: bool,
        random_actions: bool = False,
        force_reset: bool = False,
    ) -> list[Any]:
        if force_reset or num_episodes is not None or self._needs_initial_reset:
            self._reset(self._begin_episodes(evaluation=num_episodes is not None))
        return [self._fragment(num_timesteps, num_episodes, explore=explore, random_actions=random_actions)]

    def _begin_episodes(self: Any, *, evaluation: bool) -> int | None:
        """Take the counts of all episodes back to zero and return the seed to reset the environments with.

        Evaluations always begin with the same seed; training goes on where it was.
        """
        seed: int | None = self._seed
        if seed is not None and not evaluation:
            # A restored run must not repeat what its first steps drew.
            sequence = np.random.SeedSequence([seed, self.num_env_steps_sampled_lifetime])
            seed = int(sequence.generate_state(1)[0])
            torch.manual_seed(seed)
        self._returns = np.zeros(self.num_envs, np.float32)
        self._lengths = np.zeros(self.num_envs, np.int32)
        self._needs_initial_reset = evaluation
        return seed

    def _end_episodes(
        self, done: NDArray[np.bool_], metrics: Mapping[str, F32], finished: dict[str, list[NDArray[Any]]]
    ) -> None:
        """Add the episodes that are done to what is logged, and count new ones from zero."""
        columns: dict[str, NDArray[Any]] = {**metrics, RETURN: self._returns, LENGTH: self._lengths}
        for name, column in columns.items():
            finished.setdefault(name, []).append(column[done])
        self._returns[done] = 0.0
        self._lengths[done] = 0

    def _log_episodes(self: Any, finished: dict[str, list[NDArray[Any]]], seconds: float) -> None:
        """Log the metrics of the episodes that ended in one sample: means, and 5th percentiles beside them.

        One value a sample: logging each of thousands of episodes would cost more than simulating it.

        Args:
            finished: parts of the columns, `RETURN` and `LENGTH` among them.
            seconds: how long sampling took.
        """
        if not finished:
            return
        values = {name: np.concatenate(parts) for name, parts in finished.items()}
        lengths, returns = values.pop(LENGTH), values.pop(RETURN)
        self._log_episode_metrics(float(lengths.mean()), float(returns.mean()), seconds)
        for name, column in values.items():
            self.metrics.log_value((EPISODE_METRICS, name), float(column.mean()), window=1)
            self.metrics.log_value((EPISODE_METRICS, f"{name}_p05"), float(np.quantile(column, 0.05)), window=1)

    def get_metrics(self: Any) -> Any:
        """Return what was logged since the last call."""
        return self.metrics.reduce()

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the runner's state and its stage; RLlib gives it to restarted runners."""
        state: dict[str, Any] = super().get_state(*args, **kwargs)  # type: ignore[misc]
        return {**state, "stage": self.stage}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over a state; RLlib passes it by the name ``state``."""
        super().set_state(state)  # type: ignore[misc]
        if "stage" in state:
            self.set_stage(state["stage"])


Bools = NDArray[np.bool_]

_EVALUATION_TICKS = 64


@runtime_checkable
class BatchEnv(Protocol):
    """What a vector environment must offer to be sampled in one piece.

    ``step_batch`` resets finished episodes within the same step; its arrays belong to the environment and are
    overwritten by the next call. ``episode_metrics`` holds f32 [N] columns, valid where an episode has just ended.
    ``final_obs`` (f32 [N, D], valid where an episode was truncated) is only needed by environments that truncate, and
    ``set_stage(stage)`` only by those with a curriculum.
    """

    episode_metrics: dict[str, F32]

    def step_batch(self, actions: F32) -> tuple[F32, F32, Bools, Bools]:
        """Apply actions f32 [N, A]; return observations [N, D], rewards [N], terminated [N], truncated [N]."""


class BatchedEnvRunner(BatchRunner, SingleAgentEnvRunner):  # type: ignore[misc]
    """Env runner without per-environment Python: it fills a `Fragment` instead of building episode objects.

    RLlib hooks: ``config.env_runners(env_runner_cls=...)``; overrides ``make_env`` (finds the batch environment),
    beside what `BatchRunner` does. Connectors are not called: observations come scaled, and actions are clipped to the
    action space's bounds.
    """

    _obs: F32

    def make_env(self) -> None:
        """Make the vector environment and go past RLlib's wrapper, which loops over environments.

        Raises:
            HierbrushError: it is no `BatchEnv`.
        """
        super().make_env()
        env = self.env.unwrapped
        if not isinstance(env, BatchEnv):
            raise HierbrushError(
                f"environment.id: {shown(self.config.env)} has no step_batch and episode_metrics; "
                "BatchedEnvRunner needs a vector environment like hierbrush/Stroke-v0"
            )
        self.batch_env = env
        self.set_stage(self.stage)

    def _reset(self, seed: int | None) -> None:
        self._obs, _ = self._try_env_reset(seed=seed)

    def _fragment(
        self, num_timesteps: int | None, num_episodes: int | None, *, explore: bool, random_actions: bool
    ) -> Fragment:
        count = self.num_envs
        wanted = num_episodes if num_episodes is not None else -(-num_timesteps // count)  # type: ignore[operator]
        space = self.env.single_action_space
        buffer = FragmentBuffer(
            wanted if num_episodes is None else _EVALUATION_TICKS, count, self._obs.shape[1], space.shape[0]
        )
        finished: dict[str, list[NDArray[Any]]] = {}
        self.module.eval()
        started = time.perf_counter()
        tick = episodes = 0
        while (tick if num_episodes is None else episodes) < wanted:
            obs = buffer.add_obs(self._obs)
            if random_actions:
                actions, logp = self.env.action_space.sample(), np.zeros(count, np.float32)
            else:
                actions, logp = chosen(self.module, obs, explore)
            self._obs, rewards, terminated, truncated = self.batch_env.step_batch(
                np.clip(actions, space.low, space.high)
            )
            buffer.add_step(actions, logp, rewards, terminated, truncated)
            cut = np.flatnonzero(truncated & ~terminated)
            if cut.size:
                buffer.add_final_obs(cut, self.batch_env.final_obs[cut])
            self._returns += rewards
            self._lengths += 1
            done = terminated | truncated
            if done.any():
                episodes += int(done.sum())
                self._check_finite()
                self._end_episodes(done, self.batch_env.episode_metrics, finished)
            tick += 1
        self._check_finite()
        self._increase_sampled_metrics(tick * count, episodes)
        self._log_episodes(finished, time.perf_counter() - started)
        return buffer.finish(self._obs)

    def _check_finite(self) -> None:
        bad = np.flatnonzero(~np.isfinite(self._returns))
        if bad.size:
            raise FloatingPointError(
                f"{self.config.env}: NaN or infinite reward in environments {bad[:8].tolist()} at stage {self.stage}"
            )


def chosen(module: Any, observed: F32, explore: bool) -> tuple[F32, F32]:
    """Return a module's actions f32 [n, A] and log-probabilities f32 [n] (zero without exploration).

    The module must be in evaluation mode: ``forward_exploration`` and ``forward_inference`` put a module and all that
    is in it into that mode and back at every call, which costs more than these small networks themselves.
    """
    batch = {Columns.OBS: torch.from_numpy(observed)}
    if explore:
        inputs = module._forward_exploration(batch)[Columns.ACTION_DIST_INPUTS]
        distribution = module.get_exploration_action_dist_cls().from_logits(inputs)
        sampled = distribution.sample()
        return sampled.numpy(), distribution.logp(sampled).numpy()
    inputs = module._forward_inference(batch)[Columns.ACTION_DIST_INPUTS]
    likeliest = module.get_inference_action_dist_cls().from_logits(inputs).to_deterministic()
    return likeliest.sample().numpy(), np.zeros(len(observed), np.float32)
