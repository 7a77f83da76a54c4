"""Ink: the C core and its twin leave the same bits, and no call reads or writes past an array."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hierbrush.sim import PRESETS, BrushModel, reference
from hierbrush.sim.ink_reference import BUNDLE, HAIRS, STAMP

BOX = 0.12
NUMBERS = np.array(
    [0.3, 0.95, 0.5, 0.008, 0.42, 0.8, 0.22, 6.5, 0.02, 0.16, 0.01, 0.0001, 0.02, 0.8, 0.25, 1000.0, 1.5], np.float32
)
Array = NDArray[Any]


def wander(seed: int, rows: int = 12, pace: float = 0.006) -> Array:
    """A handle path that turns, presses, lifts and comes back."""
    rng = np.random.default_rng(seed)
    heading = np.cumsum(rng.normal(0.0, 0.8, rows))
    steps = rng.uniform(0.0, pace, rows)[:, None] * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    depth = rng.uniform(-0.001, 0.012, rows)
    depth[0] = -0.001
    return np.column_stack([0.03 + np.cumsum(steps, axis=0), depth])


def recorded(kernel: Any, path: Array, model: BrushModel = PRESETS["measured"]) -> tuple[Array, Array]:
    state = np.zeros(7)
    state[:3] = path[0]
    state[5:] = (-(0.5**0.5), -(0.5**0.5))
    out = np.zeros((4000, STAMP))
    made = kernel.ink_follow(path[1:].copy(), np.full(len(path) - 1, 0.1), model.parameters(), BOX / 96, state, out)
    return out[:made], state


def dragged(kernel: Any, stamps: Array, model: BrushModel, seed: int, numbers: Array, side: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    hair = rng.uniform(-1.0, 1.0, (5, 2, HAIRS)).astype(np.float32)
    paper = rng.random((side, side)).astype(np.float32)
    bundle = np.zeros(BUNDLE, np.float32)
    bundle[: HAIRS + 1] = rng.uniform(0.1, 1.0)
    film = np.zeros((side, side), np.float32)
    footprint = np.ascontiguousarray(model.footprint().T)
    kernel.ink_drag(stamps, footprint, side / BOX, model.back_ratio, numbers, hair, paper, bundle, film, side, side)
    return film, bundle


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    preset=st.sampled_from(["measured", "round"]),
    side=st.sampled_from([33, 96, 200]),
    pace=st.sampled_from([0.0, 0.004, 0.02]),
)
def test_same_bits(core: ModuleType, seed: int, preset: str, side: int, pace: float) -> None:
    model, path = PRESETS[preset], wander(seed, pace=pace)
    rng = np.random.default_rng(seed)
    numbers = NUMBERS * rng.uniform(0.3, 1.7, len(NUMBERS)).astype(np.float32)
    (stamps, state), (twin_stamps, twin_state) = (recorded(kernel, path, model) for kernel in (core, reference))
    assert stamps.tobytes() == twin_stamps.tobytes()
    assert state.tobytes() == twin_state.tobytes()
    (film, bundle), (twin_film, twin_bundle) = (
        dragged(kernel, stamps, model, seed, numbers, side) for kernel in (core, reference)
    )
    assert film.tobytes() == twin_film.tobytes()
    assert bundle.tobytes() == twin_bundle.tobytes()


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**63 - 1),
    columns=st.integers(1, 70),
    rows=st.integers(1, 30),
    left=st.floats(-1e5, 1e5),
    pitch=st.floats(0.001, 2.0),
)
def test_papers_have_the_same_bits(
    core: ModuleType, seed: int, columns: int, rows: int, left: float, pitch: float
) -> None:
    out = [np.zeros(columns * rows, np.float32) for _ in range(2)]
    for kernel, array in zip((core, reference), out, strict=True):
        kernel.ink_paper(seed, columns, rows, left, -left / 3, pitch, 0.3, 0.9, 0.6, array)
    assert out[0].tobytes() == out[1].tobytes()
    assert (out[0] >= 0).all()
    assert (out[0] <= 1).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), columns=st.integers(1, 40), rows=st.integers(1, 40), steps=st.integers(0, 20))
def test_spreading_has_the_same_bits(core: ModuleType, seed: int, columns: int, rows: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    shape = rows, columns
    passing, pinned = rng.random(shape).astype(np.float32), rng.random(shape).astype(np.float32)
    wet = (rng.random(shape) * (rng.random(shape) < 0.3)).astype(np.float32)
    both = []
    for kernel in (core, reference):
        water, pigment = wet.copy(), wet.copy()
        numbers = np.array([0.22, 0.004, 0.6, 1e-3], np.float32)
        kernel.ink_spread(columns, rows, steps, numbers, passing, pinned, water, pigment)
        both.append((water, pigment))
    for one, other in zip(*both, strict=True):
        assert one.tobytes() == other.tobytes()
    # Pigment moves, it is neither made nor lost.
    assert both[0][1].sum() == pytest.approx(wet.sum(), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 1e300, -1e18])
@pytest.mark.parametrize("column", range(STAMP))
def test_garbage_neither_crashes_nor_differs(core: ModuleType, column: int, poison: float) -> None:
    stamps, _ = recorded(core, wander(3))
    stamps[5, column] = poison
    answers = []
    for kernel in (core, reference):
        try:
            with np.errstate(all="ignore"):
                film, _ = dragged(kernel, stamps, BrushModel(), 3, NUMBERS, 96)
            answers.append(film)
        except (ValueError, OverflowError):
            answers.append(None)
    if answers[0] is not None and answers[1] is not None:
        np.testing.assert_array_equal(*answers)


class TestBinding:
    def test_sizes_that_do_not_fit_are_refused(self, core: ModuleType) -> None:
        stamps, _ = recorded(core, wander(1))
        with pytest.raises(ValueError, match="sizes that do not fit"):
            dragged(core, stamps.ravel()[1:].copy(), BrushModel(), 1, NUMBERS, 32)
        with pytest.raises(ValueError, match="sizes that do not fit"):
            dragged(core, stamps, BrushModel(), 1, NUMBERS[:5].copy(), 32)
        with pytest.raises(ValueError, match="numbers: element format 'd', expected 'f'"):
            dragged(core, stamps, BrushModel(), 1, NUMBERS.astype(np.float64), 32)
        with pytest.raises(ValueError, match="too small"):
            core.ink_follow(np.ones((3, 3)), np.ones(3), BrushModel().parameters(), 1e-3, np.zeros(7), np.zeros(STAMP))
        with pytest.raises(ValueError, match="do not fit"):
            core.ink_paper(0, 8, 8, 0.0, 0.0, 1.0, 1e-9, 1.0, 0.5, np.zeros(64, np.float32))
        few = np.zeros(63, np.float32)
        with pytest.raises(ValueError, match="sizes that do not fit"):
            core.ink_spread(8, 8, 1, np.zeros(4, np.float32), few, few, few.copy(), few.copy())

    def test_what_is_read_only_is_refused(self, core: ModuleType) -> None:
        frozen = np.zeros(64, np.float32)
        frozen.flags.writeable = False
        with pytest.raises(ValueError, match="out: must be a C-contiguous array that can be written to"):
            core.ink_paper(0, 8, 8, 0.0, 0.0, 1.0, 1.0, 2.0, 0.5, frozen)
