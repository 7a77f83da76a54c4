"""Sharing work between processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import TypeVar

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def mapped(function: Callable[[_In], _Out], batches: Sequence[_In], workers: int) -> Iterator[_Out]:
    """Yield ``function`` of each batch in turn, worked out in up to ``workers`` processes by one BLAS thread each.

    ``function`` is one that a module defines, not the script that runs.

    Whoever stops asking, by Ctrl-C or otherwise, does not wait for batches that are being worked out.

    Raises:
        HierbrushError: a process ended before its work.
    """
    work = partial(_with_one_thread, function)
    if workers == 1 or len(batches) <= 1:
        yield from map(work, batches)
        return
    # Loading what starts processes takes longer than writing a character.
    from hierbrush.writing.processes import pooled

    yield from pooled(work, batches, workers)


def _with_one_thread(function: Callable[[_In], _Out], batch: _In) -> _Out:
    # As many threads as cores in each of as many processes wait for each other: a fifth of the speed on two cores. In
    # one process they bring nothing, and round otherwise, so that the same character would come out otherwise.
    import numpy  # noqa: F401  # only libraries that are loaded are found

    with _blas(len(sys.modules)).limit(limits=1, user_api="blas"):
        return function(batch)


@lru_cache(maxsize=1)
def _blas(modules: int) -> ThreadpoolController:
    """Return what limits the libraries that are loaded; another module may have brought another one."""
    return ThreadpoolController()
