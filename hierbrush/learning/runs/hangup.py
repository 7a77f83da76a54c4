"""What a training's signals need of Ray: it outlives them, and leaves them to the training."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

from ray._private import utils

from hierbrush.learning.runs.session import ray_session, replaced


@contextlib.contextmanager
def lasting_ray_session(cpus: int, address: str | None = None) -> Iterator[None]:
    """Do as `ray_session`, with processes that outlive such signals, and keep who answers SIGTERM.

    When a terminal closes, every process that was started from it gets SIGHUP; when systemd, Slurm or ``timeout`` end a
    training, all of its processes get SIGTERM. Ray's must be there for the checkpoint that the training then takes.
    They inherit that both signals are blocked; Ray kills what does not end by SIGTERM. SIGTERM also ends a driver of
    Ray at once, by one handler of Python's and one below it; a training wants to end after a checkpoint.
    """
    with contextlib.ExitStack() as stack:
        answers = signal.getsignal(signal.SIGTERM)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGTERM})
        try:
            with _sigterm_left_to(answers):
                stack.enter_context(ray_session(cpus, address))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield


@contextlib.contextmanager
def _sigterm_left_to(handler: Any) -> Iterator[None]:
    """Keep a handler of ours while Ray starts in here; where there is none, Ray may have its own."""
    if not callable(handler):
        yield
        return
    with replaced(utils, "set_sigterm_handler", lambda _: None):
        yield
    signal.signal(signal.SIGTERM, handler)  # again, for what Ray puts below Python's
