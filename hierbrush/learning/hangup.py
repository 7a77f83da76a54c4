"""What must outlive the terminal that a training was started from."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

from hierbrush.learning.session import ray_session


@contextlib.contextmanager
def lasting_ray_session(cpus: int, address: str | None = None) -> Iterator[None]:
    """Do as `ray_session`, with processes that outlive the terminal.

    When a terminal closes, every process that was started from it gets SIGHUP. Ray's must be there for the checkpoint
    that the training then takes. They inherit that the signal is blocked.
    """
    with contextlib.ExitStack() as stack:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            stack.enter_context(ray_session(cpus, address))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield
