"""Sharing work between processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def mapped(function: Callable[[_In], _Out], batches: Sequence[_In], workers: int) -> Iterator[_Out]:
    """Yield ``function`` of each batch in turn, worked out in up to ``workers`` processes."""
    if workers == 1 or len(batches) <= 1:
        yield from map(function, batches)
        return
    # Processes, since most of the work is NumPy on small arrays; spawned, since a fork of a threaded process may hang.
    pool = ProcessPoolExecutor(
        min(workers, len(batches)), mp_context=get_context("spawn"), initializer=_with_one_thread
    )
    try:
        yield from pool.map(function, batches)
    finally:
        pool.shutdown(cancel_futures=True)


def _with_one_thread() -> None:
    # Here, since workers alone need it.
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # As many BLAS threads as cores in each of as many processes wait for each other: a fifth of the speed on two cores.
    threadpool_limits(1, user_api="blas")
