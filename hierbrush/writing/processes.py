"""Processes that share work: spawned, deaf to Ctrl-C, and ended when nobody waits for them."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from threading import Lock
from types import ModuleType
from typing import Any, TypeVar

from hierbrush.errors import HierbrushError

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def pooled(work: Callable[[_In], _Out], batches: Sequence[_In], workers: int) -> Iterator[_Out]:
    """Yield ``work`` of each batch in turn, worked out in up to ``workers`` processes.

    Raises:
        HierbrushError: a process ended before its work.
    """
    # Processes, since most of the work is NumPy on small arrays; spawned, since a fork of a threaded process may hang.
    context = _Context()
    pool = ProcessPoolExecutor(min(workers, len(batches)), mp_context=context)
    done = False
    try:
        yield from pool.map(work, batches)
        done = True
    except BrokenProcessPool:
        raise HierbrushError(
            "workers: a process ended before its work, perhaps for want of memory; try fewer workers"
        ) from None
    finally:
        if not done:
            context.end()
        pool.shutdown(cancel_futures=True)


_starting = Lock()


class _Process(SpawnProcess):
    def start(self) -> None:
        """Start without the user's script, and deaf to Ctrl-C."""
        with _starting, _no_script(), _no_interrupt():
            super().start()


@contextmanager
def _no_script() -> Iterator[None]:
    """Hide the script that runs from a process that starts, which would run it as well to know what it defines.

    What the processes need is hierbrush's own. So a script without ``if __name__ == "__main__":`` works, and nobody's
    script runs twice.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Let a process that starts inherit that Ctrl-C is blocked: it reaches all, and the first one ends the others."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Context(SpawnContext):
    """Processes that are remembered, so that they can be ended in the middle of their work."""

    def __init__(self) -> None:
        super().__init__()
        self._processes: list[_Process] = []

    def Process(self, *args: Any, **kwargs: Any) -> _Process:  # type: ignore[override]  # noqa: N802  # its name there
        process = _Process(*args, **kwargs)
        self._processes.append(process)
        return process

    def end(self) -> None:
        for process in self._processes:
            if process.pid is not None:
                process.terminate()
