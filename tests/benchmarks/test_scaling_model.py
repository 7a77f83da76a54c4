"""The model of ``bench_scaling.py``: its limits are those that can be told without it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from bench_scaling import NETWORK, Costs, predict, saturation, side_by_side

COSTS = Costs(sample=6e-6, learn=40e-6, receive=1e-6, fixed=0.02, step_bytes=900.0, weight_bytes=3e5)
LIMIT = 1 / (COSTS.learn + COSTS.receive + COSTS.step_bytes / NETWORK)


def test_one_core_samples_and_learns_in_turn() -> None:
    one = predict(COSTS, 1)
    assert one.runners == 0
    assert one.steps_per_second == pytest.approx(1 / 46e-6)
    assert side_by_side(COSTS, 16) == pytest.approx(16 / 46e-6)


def test_more_cores_are_never_slower_and_never_pass_the_learner() -> None:
    rates = [predict(COSTS, cores).steps_per_second for cores in range(2, 200)]
    assert all(before < after for before, after in itertools.pairwise(rates))
    assert rates[-1] < LIMIT
    assert predict(COSTS, 10_000).steps_per_second == pytest.approx(LIMIT, rel=0.01)


@pytest.mark.parametrize(
    ("part", "change"),
    [("learner", {}), ("sampling", {"sample": 1e-3}), ("network", {"step_bytes": 1e6}), ("fixed", {"fixed": 1e3})],
)
def test_the_costliest_part_is_named(part: str, change: dict[str, float]) -> None:
    assert predict(replace(COSTS, **change), 4).bottleneck == part


def test_saturation_is_where_nine_tenths_are_reached() -> None:
    cores = saturation(COSTS)
    assert predict(COSTS, cores).steps_per_second >= 0.9 * LIMIT
    assert cores == 2 or predict(COSTS, cores - 1).steps_per_second < 0.9 * LIMIT
    assert saturation(replace(COSTS, sample=600e-6)) > cores
