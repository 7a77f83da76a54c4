"""Columnar pieces of experience: what runners hand to learners instead of lists of episode objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Fragment:
    """T ticks of N environments, time-major.

    It takes the place of a list of episodes in ``PPO.training_step``: RLlib only needs ``len``, ``env_steps``, a slice
    ``[a:b]`` and ``slice`` of it (`ShardEpisodesIterator`, for several learners).

    Attributes:
        obs: f32 [T + 1, N, D]; row T is what the next fragment starts from.
        actions: f32 [T, N, A], as sampled (not clipped).
        action_logp: f32 [T, N].
        rewards: f32 [T, N].
        terminated, truncated: bool [T, N]. After either, the next row of ``obs`` belongs to a new episode.
        final_obs: f32 [K, D], the last observation of each of the K truncated episodes, for the bootstrap.
        final_index: int64 [K, 2], (tick, environment) of those episodes' last steps.
    """

    obs: F32
    actions: F32
    action_logp: F32
    rewards: F32
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    final_obs: F32
    final_index: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.rewards.size)

    def env_steps(self) -> int:
        """Return the number of environment steps, T N."""
        return len(self)

    def agent_steps(self) -> int:
        """Return the number of steps of the one agent, T N."""
        return len(self)

    def __getitem__(self, steps: slice) -> Fragment:
        """Return the environments that hold the given range of steps.

        Both ends are rounded up to whole environments, so that ``[:k]`` and ``[k:]`` together are the whole and
        ``[:k]`` is not empty for k > 0 (RLlib's sharding would otherwise never end).
        """
        ticks = self.rewards.shape[0]
        start, stop, _ = steps.indices(len(self))
        first, last = -(-start // ticks), -(-stop // ticks)
        envs = slice(first, last)
        kept = (self.final_index[:, 1] >= first) & (self.final_index[:, 1] < last)
        columns = {name: column[:, envs] for name, column in vars(self).items() if not name.startswith("final")}
        index = self.final_index[kept] - np.array([0, first])
        return Fragment(**columns, final_obs=self.final_obs[kept], final_index=index)

    def slice(self, steps: slice, *, len_lookback_buffer: int | None = None) -> Fragment:
        """Return ``self[steps]``; there is no look-back buffer to keep."""
        return self[steps]


class FragmentBuffer:
    """Columns being filled tick by tick; grows when an evaluation runs longer than the ticks it was made for."""

    def __init__(self, ticks: int, envs: int, obs_size: int, action_size: int) -> None:
        self._ticks = 0
        self._obs = np.empty((ticks + 1, envs, obs_size), np.float32)
        self._columns: dict[str, NDArray[Any]] = {
            "actions": np.empty((ticks, envs, action_size), np.float32),
            "action_logp": np.empty((ticks, envs), np.float32),
            "rewards": np.empty((ticks, envs), np.float32),
            "terminated": np.empty((ticks, envs), np.bool_),
            "truncated": np.empty((ticks, envs), np.bool_),
        }
        self._final_obs: list[F32] = []
        self._final_index: list[NDArray[np.int64]] = []

    def add_obs(self, obs: F32) -> F32:
        """Copy obs f32 [N, D] out of the environment's array and return the copy."""
        if self._ticks == len(self._columns["rewards"]):
            self._obs = self._doubled(self._obs)
            self._columns = {name: self._doubled(column) for name, column in self._columns.items()}
        row: F32 = self._obs[self._ticks]
        row[:] = obs
        return row

    def _doubled(self, column: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([column, np.empty_like(column[: self._ticks])])

    def add_step(self, *step: NDArray[Any]) -> None:
        """Copy what happened after the last `add_obs`: actions, action_logp, rewards, terminated and truncated."""
        for column, values in zip(self._columns.values(), step, strict=True):
            column[self._ticks] = values
        self._ticks += 1

    def add_final_obs(self, envs: NDArray[np.int64], final_obs: F32) -> None:
        """Copy the last observations f32 [k, D] of the k environments that the last step truncated."""
        self._final_obs.append(final_obs.copy())
        self._final_index.append(np.stack([np.full_like(envs, self._ticks - 1), envs], axis=1))

    def finish(self, obs: F32) -> Fragment:
        """Return the fragment that ends with the observations f32 [N, D]."""
        ticks = self._ticks
        self._obs[ticks] = obs
        return Fragment(
            obs=self._obs[: ticks + 1],
            **{name: column[:ticks] for name, column in self._columns.items()},
            final_obs=np.concatenate([np.empty((0, self._obs.shape[2]), np.float32), *self._final_obs]),
            final_index=np.concatenate([np.empty((0, 2), np.int64), *self._final_index]),
        )


Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class StrokeTicks:
    """T control ticks of N brushes, time-major.

    Attributes:
        obs: f32 [T + 1, N, D]; row t is what the action of tick t was chosen from.
        actions: f32 [T, N, A], as sampled.
        action_logp: f32 [T, N].
        rewards: f32 [T, N].
        over: bool [T, N], the stroke ended with this tick; the next tick belongs to another.
        stroke_type: int64 [T, N], number of the type of the stroke, which is also the module that acted.
    """

    obs: F32
    actions: F32
    action_logp: F32
    rewards: F32
    over: NDArray[np.bool_]
    stroke_type: Index


@dataclass(frozen=True, eq=False)
class OptionTransitions:
    """Options of the composer that were carried out, slot by slot in the order of time (semi-Markov transitions).

    Attributes:
        slot: int64 [n], ascending.
        obs: f32 [n, R, D].
        actions: f32 [n, A].
        action_logp: f32 [n].
        rewards: f32 [n], what the option brought, discounted to the moment of the decision: Σ γ^j r_j.
        ticks: int64 [n], k: how long it took; the next state's value is discounted by γ^k.
        ends: bool [n], the character was complete.
        next_obs: f32 [N, R, D], for every slot what its next decision is (or will be) made from.
        privileged: f32 [n, R, A - 1], true places; for the critic alone.
        next_privileged: f32 [N, R, A - 1], those of every slot's next decision.
    """

    slot: Index
    obs: F32
    actions: F32
    action_logp: F32
    rewards: F32
    ticks: Index
    ends: NDArray[np.bool_]
    next_obs: F32
    privileged: F32
    next_privileged: F32


@dataclass(frozen=True, eq=False)
class HierarchicalFragment:
    """What a `HierarchicalRunner` hands to the learner.

    Like `Fragment` it takes the place of a list of episodes: RLlib only needs ``len``, ``env_steps`` and slices.

    Attributes:
        slots: N.
        steps: environment steps: control ticks and decisions.
        strokes: None when no primitive is trained.
        decisions: None when the composer is not trained.
    """

    slots: int
    steps: int
    strokes: StrokeTicks | None
    decisions: OptionTransitions | None

    def __len__(self) -> int:
        return self.steps

    def env_steps(self) -> int:
        """Return the environment steps, as RLlib asks episodes for them."""
        return self.steps

    def __getitem__(self, steps: slice) -> HierarchicalFragment:
        """Return a share of the slots that is about as large as the share of the steps asked for (several learners)."""
        start, stop, _ = steps.indices(self.steps)
        first, last = (round(at * self.slots / max(self.steps, 1)) for at in (start, stop))
        strokes, decisions = self.strokes, self.decisions
        if strokes is not None:
            strokes = StrokeTicks(**{name: column[:, first:last] for name, column in vars(strokes).items()})
        if decisions is not None:
            a, b = np.searchsorted(decisions.slot, [first, last])
            columns = {
                name: column[first:last] if name.startswith("next_") else column[a:b]
                for name, column in vars(decisions).items()
            }
            decisions = OptionTransitions(**{**columns, "slot": columns["slot"] - first})
        return HierarchicalFragment(last - first, stop - start, strokes, decisions)

    def slice(self, steps: slice, *, len_lookback_buffer: int | None = None) -> HierarchicalFragment:
        """Return ``self[steps]``; there is no look-back buffer to keep."""
        return self[steps]
