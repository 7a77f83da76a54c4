"""Writing one stroke through a robot arm, as a Gymnasium environment: `hierbrush/ArmStroke-v0`.

Goals, observations, actions and rewards are those of `hierbrush/Stroke-v0`. What differs is the hand: the told pose
becomes joint angles, simulated drives follow them for a control tick, and the handle is where the arm really took the
tip. A policy for strokes acts here unchanged, and can be trained further with the arm's own sag, play and delay.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hierbrush.arms.hands import ArmHands
from hierbrush.envs.batch_vector import F32, Bools, Index, SingleEnv
from hierbrush.envs.stroke import StrokeVectorEnv
from hierbrush.strokes.rollout import expect_errors


class ArmStrokeVectorEnv(StrokeVectorEnv):
    """N strokes written side by side, each by an arm of its own.

    Args:
        num_envs: N.
        arm: ``"ur5e"``, ``"so101"``, a file, an `Arm` or its fields.
        cell: side in metres of the box that the arm writes in; the simulated box of 0.12 m is scaled to it.
        feedback: share (0 to 1) of the error that encoders see and the next command takes off.
        seed: of goals, brushes and encoders' noise until ``reset`` gives another.
        **options: of `StrokeVectorEnv`.

    Raises:
        HierbrushError: an argument is out of range, or the arm does not reach all of its box.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        arm: Any = "so101",
        cell: float = 0.03,
        feedback: float = 1.0,
        seed: int = 0,
        **options: Any,
    ) -> None:
        self._arms: ArmHands | None = None
        super().__init__(num_envs, seed=seed, **options)
        self._arms = ArmHands(num_envs, arm=arm, cell=cell, feedback=feedback, box=self.batch.box, seed=seed)
        self._begin(np.arange(num_envs))

    def _restart(self, seed: int) -> None:
        super()._restart(seed)
        if self._arms is not None:
            self._arms.reseed(seed)

    def _begin(self, slots: Index) -> None:
        super()._begin(slots)
        expect_errors(self.batch, slots)
        if self._arms is not None:
            self._arms.begin(self.batch, slots)

    def _advance(self, actions: F32) -> tuple[F32, Bools]:
        assert self._arms is not None
        self.batch.set_error(self._arms.errors(self.batch, actions, self.num_envs))
        return super()._advance(actions)


class ArmStrokeEnv(SingleEnv):
    """One stroke at a time; takes the options of `ArmStrokeVectorEnv` and the render modes of `SingleEnv`."""

    def __init__(self, *, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(ArmStrokeVectorEnv(1, **options), render_mode)
