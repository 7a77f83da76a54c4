"""The handle's error: its size, how long it lasts, and how far an action reaches."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError
from hierbrush.sim import BrushModel, GoalBank, HandleLimits, StrokeBatch

SLOTS, TICKS, SIGMA = 400, 40, 0.0005


def batch_over_nothing(limits: HandleLimits | None = None) -> StrokeBatch:
    """Handles that stay where they are, in the air, unless an action or an error moves them."""
    track = np.tile([0.06, 0.06, -0.002, 0.06, 0.06, 0.003, 1.0, 0.0], (TICKS + 1, 1))
    square = np.array([[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]], dtype=np.float32)
    bank = GoalBank.build([square], [track])
    batch = StrokeBatch(bank, BrushModel.preset("measured"), SLOTS, observation="none", limits=limits, seed=3)
    batch.assign(np.zeros(SLOTS, dtype=np.int64))
    return batch


def errors(batch: StrokeBatch) -> NDArray[np.float64]:
    """Errors [TICKS, SLOTS, 3] in metres."""
    rows = []
    for _ in range(TICKS):
        batch.track(np.zeros((SLOTS, 3), dtype=np.float32))
        rows.append(batch.position - (0.06, 0.06, -0.002))
    return np.stack(rows)


@pytest.mark.parametrize("correlation", [0.0, 0.2, 1.0])
def test_a_drifting_error_keeps_its_size_from_the_first_tick_and_its_correlation(correlation: float) -> None:
    batch = batch_over_nothing()
    batch.set_noise(SIGMA, correlation=correlation)
    drawn = errors(batch)
    assert np.allclose(drawn.std(axis=(1, 2)), SIGMA, rtol=0.15)
    expected = math.exp(-0.05 / correlation) if correlation else 0.0
    measured = np.mean(drawn[1:] * drawn[:-1]) / SIGMA**2
    assert measured == pytest.approx(expected, abs=0.05)
    assert abs(np.mean(drawn[:, :, 0] * drawn[:, :, 1])) < 0.1 * SIGMA**2


def test_a_new_stroke_begins_with_a_new_error() -> None:
    batch = batch_over_nothing()
    batch.set_noise(SIGMA, correlation=1000.0)
    first = errors(batch)[0].copy()
    batch.assign(np.zeros(SLOTS, dtype=np.int64))
    again = errors(batch)[0]
    assert abs(np.corrcoef(first.ravel(), again.ravel())[0, 1]) < 0.1


def test_switched_off_the_error_is_gone() -> None:
    batch = batch_over_nothing()
    batch.set_noise(SIGMA, correlation=1.0)
    errors(batch)
    batch.set_noise(0.0)
    assert np.abs(errors(batch)).max() < 1e-9


def test_an_action_of_one_is_the_reach_whatever_the_unit() -> None:
    batch = batch_over_nothing(HandleLimits(unit=0.001, reach=0.004))
    for _ in range(6):
        batch.track(np.tile(np.array([1.0, -1.0, 0.0], dtype=np.float32), (SLOTS, 1)))
    assert np.allclose(batch.position[0], (0.064, 0.056, -0.002), atol=1e-8)


def test_a_correlation_that_is_no_time_is_refused() -> None:
    with pytest.raises(HierbrushError, match=r"correlation: -1\.0, expected seconds from 0 to 1000"):
        batch_over_nothing().set_noise(SIGMA, correlation=-1.0)


def test_an_error_that_is_seen_is_taken_off_the_next_command() -> None:
    batch = batch_over_nothing()
    batch.set_noise(SIGMA, correlation=10.0, feedback=1.0)
    drawn = errors(batch)
    assert drawn[0].std() == pytest.approx(SIGMA, rel=0.15)
    # What is new in each tick, and the two ticks by which the handle follows its commands, remain.
    assert drawn[8:].std() < 0.3 * SIGMA


@pytest.mark.parametrize("feedback", [-0.1, 1.5, math.nan])
def test_feedback_is_a_share(feedback: float) -> None:
    with pytest.raises(HierbrushError, match=r"^feedback: "):
        batch_over_nothing().set_noise(SIGMA, feedback=feedback)


def test_an_error_of_one_s_own_is_the_next_tick_s() -> None:
    batch = batch_over_nothing()
    batch.set_noise(1e-12, correlation=1000.0)
    still = np.zeros((SLOTS, 3), dtype=np.float32)
    batch.track(still)
    given = np.array([0.001, -0.002, 0.0005])
    for _ in range(3):
        batch.set_error(given)
        batch.track(still)
        assert np.allclose(batch.position - (0.06, 0.06, -0.002), given, atol=1e-6)
    with pytest.raises(HierbrushError, match=r"^error: .* expected metres from -0.1 to 0.1"):
        batch.set_error([1.0, 0.0, 0.0])
