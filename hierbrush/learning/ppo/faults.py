"""Remote runners that die, hang or raise: what is replaced, what is waited for, and what ends the training."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import Any

import ray

from hierbrush.errors import HierbrushError
from hierbrush.learning.config import FaultsSection

_ANSWER = 0.2  # seconds to wait for a runner that may be back; asked in every iteration while one is missing
_ALIVE = 5.0  # seconds within which a runner that has missed its time-out must answer, on a busy machine too
_PAUSE = 1.0  # seconds between two looks when no runner is left


class CandidRunner:
    """Base of runners whose errors reach the trainer.

    RLlib's own ``apply`` ends the process when the runner raises, Ray starts it again, and so on for ever; nobody
    learns what went wrong. Here the runner stays and remembers its error until `RunnerWatch` asks for it.
    """

    failure: Exception | None = None

    def apply(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ``func`` with this runner; an error is remembered and raised."""
        try:
            return func(self, *args, **kwargs)
        except Exception as error:
            # A traceback does not survive the way to the trainer; notes do.
            error.add_note(f"in runner {self.worker_index}:\n{traceback.format_exc()}")  # type: ignore[attr-defined]
            self.failure = self.failure or error
            raise


def _failure(runner: Any) -> Exception | None:
    failure: Exception | None = runner.failure
    return failure


def _index(runner: Any) -> int:
    return int(runner.worker_index)


class RunnerWatch:
    """Looks after the remote runners of one algorithm between its iterations.

    Ray starts a runner again whose process or machine was lost, and RLlib gives it the local runner's state. What they
    leave open is decided here: a runner that does not answer in time is killed, so that it is started again too; what
    an environment raised ends the training; and so does a time without any step.

    Args:
        patience: seconds without a step after which the training ends.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._dropped = 0
        self._last_step = time.monotonic()

    def inspect(self, group: Any) -> None:
        """Look at the runners of an `EnvRunnerGroup` before an iteration.

        Raises:
            Exception: whatever a runner raised, with its traceback as a note.
        """
        try:
            self._inspect(group)
        finally:
            # RLlib counts every answer that did not come in time, those to our own questions too.
            self._dropped = group.num_env_runners_dropped_lifetime()

    def _inspect(self, group: Any) -> None:
        if group.num_env_runners_dropped_lifetime() > self._dropped:
            _replace_hanging(group)
        healthy = group.healthy_env_runner_ids()
        lost = sorted(set(range(1, group.num_remote_env_runners() + 1)) - set(healthy))
        if not lost:
            return
        if not healthy:
            time.sleep(_PAUSE)
        for failure in group.foreach_env_runner(
            _failure, local_env_runner=False, healthy_only=False, remote_worker_ids=lost, timeout_seconds=_ANSWER
        ):
            if failure is not None:
                raise failure

    def sampled(self, group: Any, steps: float) -> bool:
        """Return whether an iteration had steps.

        Raises:
            RuntimeError: it had none and there is no remote runner that could come back.
            HierbrushError: there were none for too long.
        """
        now = time.monotonic()
        if steps > 0:
            self._last_step = now
            return True
        runners = group.num_remote_env_runners()
        if not runners:
            # RLlib calls an iteration without samples a success and would go on like this for ever.
            raise RuntimeError("an iteration sampled no steps")
        if now - self._last_step > self._patience:
            raise HierbrushError(
                f"faults.patience: none of {runners} runners has sampled a step for {now - self._last_step:.0f} s; "
                "--resume goes on when the machines are there again"
            )
        return False


def _replace_hanging(group: Any) -> None:
    """Kill the runners that do not answer; Ray starts them again."""
    asked = group.healthy_env_runner_ids()
    answered = group.foreach_env_runner(_index, local_env_runner=False, timeout_seconds=_ALIVE)
    hanging = sorted(set(asked) - set(answered))
    actors = group._worker_manager.actors()
    for index in hanging:
        ray.kill(actors[index], no_restart=False)
    if hanging:
        # Finds them gone, so that they are not asked for samples before they are back.
        group.foreach_env_runner(_index, local_env_runner=False, remote_worker_ids=hanging, timeout_seconds=_ANSWER)


def fault_settings(faults: FaultsSection) -> dict[str, Any]:
    """Return the arguments of ``AlgorithmConfig.fault_tolerance`` for a configuration."""
    return {
        "restart_failed_env_runners": True,
        "max_num_env_runner_restarts": faults.restarts,
        "delay_between_env_runner_restarts_s": 0.0,
        "env_runner_health_probe_timeout_s": _ANSWER,
        "env_runner_restore_timeout_s": faults.sample_timeout,
    }
