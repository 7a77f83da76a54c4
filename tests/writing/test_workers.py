"""Sharing work between processes."""

from __future__ import annotations

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from hierbrush.writing.workers import mapped


def blas_threads(batch: int) -> tuple[int, list[int]]:
    return batch, [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_are_worked_out_by_one_thread_each(workers: int) -> None:
    answers = list(mapped(blas_threads, [1, 2, 3], workers=workers))
    assert [batch for batch, _ in answers] == [1, 2, 3]
    assert all(threads and set(threads) == {1} for _, threads in answers)


def test_the_caller_keeps_its_threads() -> None:
    with threadpool_limits(2, user_api="blas"):
        for _ in mapped(blas_threads, [1, 2], workers=1):
            assert 1 not in blas_threads(0)[1]
