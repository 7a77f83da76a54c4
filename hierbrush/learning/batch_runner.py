"""What env runners that sample a whole batch in one piece have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hierbrush.learning.faults import CandidRunner
from hierbrush.learning.fragment import F32

EPISODE_METRICS = "episode_metrics"
RETURN, LENGTH = "episode_return", "episode_len"


class BatchRunner(CandidRunner):
    """Runners with a curriculum stage and without episode objects; stands before one of RLlib's among the bases.

    RLlib hooks: overrides ``get_metrics`` (nothing is left to collect there) and ``get_state`` / ``set_state`` (the
    curriculum stage reaches restored and restarted runners); ``apply`` comes from `CandidRunner`.
    """

    stage = 0
    _needs_initial_reset = True
    _returns: F32
    _lengths: NDArray[np.int32]

    def set_stage(self, stage: int) -> None:
        """Take over a curriculum stage; the next sample begins with new episodes if it is another one."""
        self._needs_initial_reset = self._needs_initial_reset or stage != self.stage
        self.stage = stage

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
