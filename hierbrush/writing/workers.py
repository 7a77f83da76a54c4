"""Sharing work between processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from hierbrush.errors import HierbrushError

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def mapped(function: Callable[[_In], _Out], batches: Sequence[_In], workers: int) -> Iterator[_Out]:
    """Yield ``function`` of each batch in turn, worked out in up to ``workers`` processes by one BLAS thread each.

    Whoever stops asking, by Ctrl-C or otherwise, does not wait for batches that are being worked out.

    Raises:
        HierbrushError: the processes cannot start, or one of them ended.
    """
    work = partial(_with_one_thread, function)
    if workers == 1 or len(batches) <= 1:
        yield from map(work, batches)
        return
    if _starting():
        # A spawned process runs the user's script first to know what it defines; without a guard that is a second
        # round of the same calls. The first process tells what is missing, in one line.
        raise SystemExit(1)
    # Processes, since most of the work is NumPy on small arrays; spawned, since a fork of a threaded process may hang.
    context = _Context()
    pool = ProcessPoolExecutor(min(workers, len(batches)), mp_context=context)
    done = False
    try:
        yield from pool.map(work, batches)
        done = True
    except BrokenProcessPool:
        raise HierbrushError(
            "workers: a process ended before its work; a script that asks for workers needs "
            "\"if __name__ == '__main__':\" around what it runs, or memory ran out; workers=1 needs neither"
        ) from None
    finally:
        if not done:
            context.end()
        pool.shutdown(cancel_futures=True)


def _starting() -> bool:
    """Return whether this is a spawned process that is still reading the script it came from."""
    return bool(getattr(multiprocessing.current_process(), "_inheriting", False))


class _Process(SpawnProcess):
    def start(self) -> None:
        """Start with Ctrl-C blocked: it reaches every process of a terminal, and the first one ends the others."""
        if not hasattr(signal, "pthread_sigmask"):  # Windows
            super().start()
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()
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


def _with_one_thread(function: Callable[[_In], _Out], batch: _In) -> _Out:
    # As many threads as cores in each of as many processes wait for each other: a fifth of the speed on two cores. In
    # one process they bring nothing, and round otherwise, so that the same character would come out otherwise.
    with _blas().limit(limits=1, user_api="blas"):
        return function(batch)


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()
