"""Experience of both levels, columnar: control ticks of the primitives, and decisions of the composer as options."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.learning.fragment import F32

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
class Decisions:
    """Decisions of the composer that were carried out, slot by slot in the order of time (semi-Markov transitions).

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
    decisions: Decisions | None

    def __len__(self) -> int:
        return self.steps

    def env_steps(self) -> int:
        """Return the environment steps, as RLlib asks episodes for them."""
        return self.steps

    def __getitem__(self, steps: slice) -> HierarchicalFragment:
        """Return a share of the slots that is about as large as the share of the steps asked for (several learners)."""
        start, stop, _ = steps.indices(self.steps)
        first, last = (round(at * self.slots / max(self.steps, 1)) for at in (start, stop))
        strokes = self.strokes and StrokeTicks(
            obs=self.strokes.obs[:, first:last],
            actions=self.strokes.actions[:, first:last],
            action_logp=self.strokes.action_logp[:, first:last],
            rewards=self.strokes.rewards[:, first:last],
            over=self.strokes.over[:, first:last],
            stroke_type=self.strokes.stroke_type[:, first:last],
        )
        decisions = self.decisions
        if decisions is not None:
            a, b = np.searchsorted(decisions.slot, [first, last])
            decisions = Decisions(
                slot=decisions.slot[a:b] - first,
                obs=decisions.obs[a:b],
                actions=decisions.actions[a:b],
                action_logp=decisions.action_logp[a:b],
                rewards=decisions.rewards[a:b],
                ticks=decisions.ticks[a:b],
                ends=decisions.ends[a:b],
                next_obs=decisions.next_obs[first:last],
                privileged=decisions.privileged[a:b],
                next_privileged=decisions.next_privileged[first:last],
            )
        return HierarchicalFragment(last - first, stop - start, strokes, decisions)

    def slice(self, steps: slice, *, len_lookback_buffer: int | None = None) -> HierarchicalFragment:
        """Return ``self[steps]``; there is no look-back buffer to keep."""
        return self[steps]
