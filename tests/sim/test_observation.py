"""What the columns of an observation mean, computed here a second time and in another way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from hierbrush.sim import BrushModel, GoalBank, StrokeBatch
from hierbrush.sim.observation import AHEAD, FULL_COLUMNS, OBSERVATIONS, TRACK_COLUMNS

UNIT = 0.003
BOX, SIDE = 0.125, 64
PIXEL = BOX / SIDE


@pytest.fixture(scope="module")
def batch(make_bank: Any) -> StrokeBatch:
    made = StrokeBatch(make_bank(8, 3, side=SIDE), BrushModel(), 3)
    made.assign([0, 1, 2])
    rng = np.random.default_rng(1)
    for _ in range(3):
        made.track(rng.uniform(-1, 1, (3, 3)))
    return made


def goal(batch: StrokeBatch, slot: int) -> tuple[int, np.ndarray[Any, np.dtype[np.float64]]]:
    index, now = int(batch.goal[slot]), int(batch.tick[slot])
    start = int(batch.bank.arrays["track_offset"][index])
    return now, batch.bank.arrays["track"][start : start + int(batch.bank.ticks[index]) + 1]


def to_page(batch: StrokeBatch, slot: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The stroke's frame: rows are its axes, in metres of the page."""
    now, track = goal(batch, slot)
    tx, ty = track[min(now + 1, len(track) - 1), 6:]
    return np.array([[tx, ty], [-ty, tx]])


def test_layouts() -> None:
    assert OBSERVATIONS == {"none": 0, "track": 64, "full": 219}
    assert (TRACK_COLUMNS, FULL_COLUMNS) == (64, 219)


@pytest.mark.parametrize("slot", range(3))
def test_brush(batch: StrokeBatch, slot: int) -> None:
    now, track = goal(batch, slot)
    ahead, frame = track[min(now + 1, len(track) - 1)], to_page(batch, slot)
    x, y, z = batch.position[slot]
    width, _, offset = batch.tuft[slot]
    moved = batch._arrays["moved"][slot]
    command = batch.command[slot, 0] - batch.position[slot]
    expected = [
        z, ahead[2] - z, width, offset, *(frame @ batch.direction[slot] * UNIT), *(frame @ ([x, y] - track[now, :2])),
        *(frame @ moved[:2]), moved[2], *(frame @ command[:2]), command[2],
    ]  # fmt: skip
    # The order within the group is the page's, hierbrush/sim/observation.py.
    np.testing.assert_allclose(batch.observation[slot, :14], np.array(expected) / UNIT, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("slot", range(3))
def test_progress(batch: StrokeBatch, slot: int) -> None:
    now, track = goal(batch, slot)
    area = batch.area[slot]
    expected = [
        now / (len(track) - 1),
        (len(track) - 1 - now) / 16,
        batch.counts[slot, 2] / area,
        batch.counts[slot, 3] / area,
        np.sqrt(area) * PIXEL / (4 * UNIT),
    ]
    np.testing.assert_allclose(batch.observation[slot, 14:19], expected, rtol=1e-6)


@pytest.mark.parametrize("slot", range(3))
def test_look_ahead(batch: StrokeBatch, slot: int) -> None:
    now, track = goal(batch, slot)
    last, frame = len(track) - 1, to_page(batch, slot)
    for i, ticks in enumerate(AHEAD):
        point = track[min(min(now + 1, last) + ticks, last)]
        expected = [
            *(frame @ (point[3:5] - batch.position[slot, :2]) / (4 * UNIT)),
            point[5] / UNIT,
            *(frame @ point[6:]),
        ]
        np.testing.assert_allclose(batch.observation[slot, 19 + 5 * i : 24 + 5 * i], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("slot", range(3))
def test_discs_and_contour(batch: StrokeBatch, slot: int) -> None:
    now, track = goal(batch, slot)
    last = len(track) - 1
    left, top, columns, rows = batch.bank.window[batch.goal[slot]]
    start = batch.bank.arrays["distance_offset"][batch.goal[slot]]
    field = batch.bank.arrays["distance"][start : start + rows * columns].reshape(rows, columns).astype(float)
    at = RegularGridInterpolator((np.arange(rows) + top + 0.5, np.arange(columns) + left + 0.5), field)
    points = []
    for ticks in AHEAD[:7]:
        point = track[min(min(now + 1, last) + ticks, last)]
        along, right = point[6:], np.array([-point[7], point[6]])
        points += [point[3:5] + point[5] * way for way in (-right, along, right)]
    points += list(batch.footprint(slot)[::3])
    expected = [at((p[1] / PIXEL, p[0] / PIXEL)) / 4 * PIXEL / UNIT for p in points]
    np.testing.assert_allclose(batch.observation[slot, 64:93], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("slot", range(3))
def test_patch(batch: StrokeBatch, slot: int) -> None:
    frame = to_page(batch, slot)
    left, top, columns, rows = batch.bank.window[batch.goal[slot]]
    start = batch.bank.arrays["distance_offset"][batch.goal[slot]]
    field = batch.bank.arrays["distance"][start : start + rows * columns].reshape(rows, columns)
    ink = batch.ink(slot)
    assert ink.any()
    patch = batch.observation[slot, 93:].reshape(9, 7, 2)
    for i in range(9):
        for j in range(7):
            place = batch.position[slot, :2] + np.array([i - 3, j - 3]) * UNIT / 2 @ frame
            column, row = np.floor(place / PIXEL).astype(int) - (left, top)
            within = 0 <= column < columns and 0 <= row < rows
            distance = field[row, column] if within else -127
            np.testing.assert_allclose(patch[i, j, 0], distance / 4 * PIXEL / UNIT, rtol=1e-6)
            assert patch[i, j, 1] == (ink[row, column] if within else 0)


@given(right=st.integers(-8, 8), down=st.integers(-8, 8))
def test_a_stroke_looks_the_same_wherever_it_lies(right: int, down: int) -> None:
    rng = np.random.default_rng(5)
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    outline = 0.5 + np.stack([0.2 * np.cos(angle), 0.1 * np.sin(angle)], axis=1)
    track = np.zeros((9, 8))
    track[:, 0] = track[:, 3] = np.linspace(0.35, 0.65, 9) * BOX
    track[:, 1] = track[:, 4] = 0.5 * BOX
    track[1:, 2], track[:, 5], track[:, 6] = 0.006, 0.004, 1.0
    shift = np.array([right, down])
    moved = track.copy()
    moved[:, :2] += shift * PIXEL
    moved[:, 3:5] += shift * PIXEL
    bank = GoalBank.build([outline, outline + shift / SIDE], [track, moved], side=SIDE, box=BOX)
    np.testing.assert_array_equal(bank.window[1] - bank.window[0], [right, down, 0, 0])
    batch = StrokeBatch(bank, BrushModel(), 2)
    batch.assign([0, 1])
    for _ in range(8):
        batch.track(rng.uniform(-1, 1, 3))
    np.testing.assert_array_equal(batch.coverage(0), batch.coverage(1))
    # The track is not on the grid of positions: what follows from it differs by rounding, and the patch by a pixel
    # where a point lies on a pixel's edge.
    np.testing.assert_allclose(batch.observation[0, :93], batch.observation[1, :93], atol=1e-4)
    assert (batch.observation[0, 93:] != batch.observation[1, 93:]).sum() <= 4


def test_observe_after_assign_describes_the_start(make_bank: Any) -> None:
    batch = StrokeBatch(make_bank(8, 3, side=SIDE), BrushModel(), 3)
    batch.assign([2, 1, 0])
    seen = batch.observe()
    assert seen.shape == (3, 219)
    assert seen.dtype == np.float32
    # Tuft, displacement, progress and ink; then the handle off its path, by its rounding to the grid.
    np.testing.assert_array_equal(seen[:, [2, 3, 8, 9, 10, 11, 12, 13, 14, 16, 17]], 0.0)
    np.testing.assert_allclose(seen[:, 6:8], 0.0, atol=1e-6)
    start = batch.bank.start()[[2, 1, 0]]
    np.testing.assert_allclose(batch.position, start, atol=2.0**-32)


def test_values_stay_within_a_few_ones(make_bank: Any) -> None:
    batch = StrokeBatch(make_bank(8, 8, side=SIDE), BrushModel(), 8)
    batch.assign(np.arange(8))
    rng = np.random.default_rng(2)
    for _ in range(12):
        batch.track(rng.uniform(-1, 1, (8, 3)))
        assert np.abs(batch.observation).max() < 25
        assert np.isfinite(batch.observation).all()
