"""Sharing work between processes."""

from __future__ import annotations

from threadpoolctl import threadpool_info

from hierbrush.writing.workers import mapped


def blas_threads(batch: int) -> tuple[int, list[int]]:
    return batch, [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_workers_share_the_cores_instead_of_each_taking_all() -> None:
    answers = list(mapped(blas_threads, [1, 2, 3], workers=2))
    assert [batch for batch, _ in answers] == [1, 2, 3]
    assert all(threads and set(threads) == {1} for _, threads in answers)


def test_one_worker_is_this_process() -> None:
    assert [batch for batch, _ in mapped(blas_threads, [1, 2], workers=1)] == [1, 2]
