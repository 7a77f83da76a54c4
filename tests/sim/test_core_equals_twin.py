"""The C core and its NumPy twin give the same bits: state, ink, counts and observations."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hierbrush.sim import PRESETS, BrushBatch, BrushModel, StrokeBatch, reference


def wander(rng: np.random.Generator, slots: int, ticks: int, box: float) -> list[NDArray[np.float64]]:
    """Handle positions that press, lift, turn back, stand still and leave the paper."""
    position = rng.uniform(0.0, box, (slots, 3))
    targets = []
    for _ in range(ticks):
        position = position + rng.normal(0.0, 0.04 * box, (slots, 3))
        position[:, 2] = rng.uniform(-0.004, 0.017, slots)
        jump = rng.random(slots)
        position[jump < 0.1, :2] = rng.uniform(-0.3 * box, 1.3 * box, (int((jump < 0.1).sum()), 2))
        targets.append(np.where(jump[:, None] > 0.9, targets[-1] if targets else position, position))
    return targets


class TestFreeSteps:
    @pytest.mark.parametrize("preset", PRESETS)
    @pytest.mark.parametrize(
        ("side", "supersample"), [(32, 1), (32, 4), (63, 2), (64, 1), (100, 4), (256, 1), (256, 4), (1024, 4)]
    )
    def test_same_bits(
        self, core: ModuleType, on_kernel: Any, assert_same: Any, preset: str, side: int, supersample: int
    ) -> None:
        rng = np.random.default_rng(side * supersample)
        slots, ticks = (1, 2) if side * supersample > 2000 else (3, 6)
        both = [
            on_kernel(k, lambda: BrushBatch(BrushModel.preset(preset), slots, side=side, supersample=supersample))
            for k in (core, reference)
        ]
        for target in wander(rng, slots, ticks, 0.12):
            for batch in both:
                batch.step(target)
            assert_same(*both)
        assert both[0].coverage(0).any()
        for slot in range(slots):
            np.testing.assert_array_equal(both[0].coverage(slot), both[1].coverage(slot))
            np.testing.assert_array_equal(both[0].footprint(slot), both[1].footprint(slot))

    @given(
        seed=st.integers(0, 2**32 - 1),
        side=st.integers(32, 200),
        supersample=st.sampled_from([1, 2, 4]),
        box=st.sampled_from([0.02, 0.12, 0.125, 0.5]),
        preset=st.sampled_from(sorted(PRESETS)),
        spread=st.floats(0.0, 0.9),
    )
    def test_same_bits_for_any_brush(
        self, core: ModuleType, on_kernel: Any, assert_same: Any, seed: int, side: int, supersample: int, box: float,
        preset: str, spread: float,
    ) -> None:  # fmt: skip
        rng = np.random.default_rng(seed)
        rows = BrushModel.preset(preset).randomised(2, spread, rng)
        model = [BrushModel.preset(preset)] * 2
        both = [
            on_kernel(k, lambda: BrushBatch(model, 2, side=side, supersample=supersample, box=box))
            for k in (core, reference)
        ]
        for batch in both:
            batch.set_brushes(rows)
        for index, target in enumerate(wander(rng, 2, 4, box)):
            for batch in both:
                if index == 2:
                    batch.dip(0)
                    batch.place(target[1], 1)
                batch.step(target, lo=index % 2)
            assert_same(*both)


class TestResidualControl:
    @pytest.mark.parametrize("observation", ["none", "track", "full"])
    @pytest.mark.parametrize(("side", "supersample"), [(32, 1), (64, 1), (96, 4), (256, 1), (256, 2)])
    def test_same_bits(
        self, core: ModuleType, on_kernel: Any, assert_same: Any, make_bank: Any, observation: str, side: int,
        supersample: int,
    ) -> None:  # fmt: skip
        both = []
        for chosen in (core, reference):
            bank = on_kernel(chosen, lambda: make_bank(side, 5, side=side, supersample=supersample))
            batch = on_kernel(
                chosen, lambda bank=bank: StrokeBatch(bank, BrushModel(), 4, observation=observation, seed=7)
            )
            both.append(batch)
        for name, array in both[0].bank.arrays.items():
            np.testing.assert_array_equal(array, both[1].bank.arrays[name], err_msg=name)
        rng = np.random.default_rng(side)
        rows = BrushModel().randomised(4, 0.3, rng)
        for batch in both:
            batch.assign([0, 1, 2, 3])
            batch.set_noise([0.0, 0.0002, 0.001, 0.01], correlation=0.5, feedback=0.7)
            batch.set_brushes(rows)
            if observation != "none":
                batch.observe()
        assert_same(*both)
        for tick in range(10):
            action = rng.uniform(-2.0, 2.0, (4, 3))
            for batch in both:
                if tick == 6:
                    batch.assign([4], [2])
                batch.track(action)
            assert_same(*both)
        assert both[0].counts[:, 2:].any()

    @given(seed=st.integers(0, 2**32 - 1), unit=st.floats(1e-4, 0.02), move=st.floats(1e-3, 0.05))
    def test_same_bits_for_any_limits(
        self, core: ModuleType, on_kernel: Any, assert_same: Any, make_bank: Any, seed: int, unit: float, move: float
    ) -> None:
        from hierbrush.sim import HandleLimits

        bank = make_bank(seed, 2, side=48)
        limits = HandleLimits(unit=unit, move=move)
        both = [
            on_kernel(k, lambda: StrokeBatch(bank, PRESETS["round"], 2, limits=limits, seed=seed))
            for k in (core, reference)
        ]
        rng = np.random.default_rng(seed)
        for batch in both:
            batch.assign([0, 1])
            batch.set_noise(unit)
        for _ in range(5):
            action = rng.normal(0.0, 1.0, (2, 3))
            for batch in both:
                batch.track(action)
            assert_same(*both)

    def test_far_outside_the_window_both_see_its_edge(
        self, core: ModuleType, on_kernel: Any, assert_same: Any, make_bank: Any
    ) -> None:
        bank = make_bank(3, 2, side=64)
        both = [on_kernel(k, lambda: StrokeBatch(bank, BrushModel(), 2)) for k in (core, reference)]
        for batch in both:
            batch.place([[-3.9, 3.9, 0.0], [3.9, -3.9, -1.0]])
            batch.observe()
        assert_same(*both)


class TestZeros:
    """A zero's sign is part of the bits."""

    @given(seed=st.integers(0, 2**32 - 1))
    def test_same_signs(self, core: ModuleType, on_kernel: Any, assert_same: Any, make_bank: Any, seed: int) -> None:
        both = [on_kernel(k, lambda: StrokeBatch(make_bank(3, 2, side=48), BrushModel(), 4)) for k in (core, reference)]
        for step in range(3):
            rng = np.random.default_rng([seed, step])
            rows = np.where(rng.random((4, 10)) < 0.5, rng.choice([0.0, -0.0], (4, 10)), BrushModel().parameters())
            held, target = rng.choice([0.0, -0.0, 0.01, -0.001], (2, 4, 3))
            action = rng.choice([0.0, -0.0, 1.0, -1.0], (4, 3))
            for batch in both:
                batch.assign([0, 1, 0, 1])
                batch.set_brushes(rows)
                batch.set_noise(0.0, feedback=0.5)
                batch.place(held)
                batch.step(target)
                batch.observe()
                assert np.isfinite(batch.observation).all()
            assert_same(*both)
            for batch in both:
                batch.track(action)
                batch.track(-action)
            assert_same(*both)


class TestGarbage:
    """What Python refuses may still reach the kernels through the arrays: never a crash, and the same on both cores."""

    @pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 1e300, -1e18, 3e9])
    @pytest.mark.parametrize("name", ["target", "pose", "root", "direction", "tuft", "params", "noise"])
    def test_same_bits(self, core: ModuleType, on_kernel: Any, make_bank: Any, name: str, poison: float) -> None:
        bank = make_bank(3, 2, side=48)
        both = [on_kernel(k, lambda: StrokeBatch(bank, BrushModel(), 2)) for k in (core, reference)]
        for batch in both:
            batch.assign([0, 1])
            for _ in range(3):
                batch.track(np.zeros((2, 3)))
            batch._arrays["target"][:] = batch._arrays["pose"]
            batch._arrays[name][0] = poison
            with np.errstate(all="ignore"):
                batch._kernel.step(0, 2)
                batch._kernel.track(0, 2)
                batch._kernel.observe(0, 2)
        for computed in ("ink", "counts", "tick"):
            np.testing.assert_array_equal(both[0]._arrays[computed], both[1]._arrays[computed], err_msg=computed)
        for computed in ("pose", "tuft", "root"):
            np.testing.assert_array_equal(both[0]._arrays[computed], both[1]._arrays[computed], err_msg=computed)


class TestRasters:
    @settings(max_examples=60)
    @given(
        seed=st.integers(0, 2**32 - 1),
        vertices=st.integers(3, 12) | st.just(300),  # more edges than the core looks at together
        columns=st.integers(1, 150),
        rows=st.integers(1, 40),
        snapped=st.booleans(),
    )
    def test_polygons(self, core: ModuleType, seed: int, vertices: int, columns: int, rows: int, snapped: bool) -> None:
        points = np.random.default_rng(seed).uniform(-20.0, 170.0, (vertices, 2))
        points[:, 1] *= 0.4
        if snapped:  # corners and edges on sample centres, where ties are
            points = np.round(points * 2.0) / 2.0
        bits = [np.zeros(rows * ((columns + 63) // 64), dtype=np.uint64) for _ in range(2)]
        distances = [np.empty(rows * columns, dtype=np.int8) for _ in range(2)]
        for kernel, mask, out in zip((core, reference), bits, distances, strict=True):
            kernel.fill_polygon(points, columns, rows, mask)
            kernel.polygon_distance(points, columns, rows, mask, out)
        np.testing.assert_array_equal(*bits)
        np.testing.assert_array_equal(*distances)

    @pytest.mark.parametrize(("name", "numbers"), [("outline_distance", ()), ("nearest_points", (2,))])
    @settings(max_examples=60)
    @given(
        seed=st.integers(0, 2**32 - 1),
        count=st.integers(1, 4),
        points=st.integers(1, 70),
        corners=st.integers(2, 12),
        snapped=st.booleans(),
    )
    def test_points_by_lines(
        self,
        core: ModuleType,
        name: str,
        numbers: tuple[int, ...],
        seed: int,
        count: int,
        points: int,
        corners: int,
        snapped: bool,
    ) -> None:
        rng = np.random.default_rng(seed)
        arrays = [rng.uniform(-1.0, 2.0, (count, many, 2)) for many in (points, corners)]
        if snapped:  # points on edges and corners, edges of no length
            arrays = [np.round(array * 2.0) / 2.0 for array in arrays]
        out = [np.empty((count, points, *numbers)) for _ in range(2)]
        for kernel, result in zip((core, reference), out, strict=True):
            getattr(kernel, name)(*arrays, count, result)
        np.testing.assert_array_equal(*out)

    @settings(max_examples=60)
    @given(
        seed=st.integers(0, 2**32 - 1),
        corners=st.integers(2, 32),
        reach=st.integers(0, 40),
        straight=st.booleans(),
        snapped=st.booleans(),
    )
    def test_contacts(
        self, core: ModuleType, seed: int, corners: int, reach: int, straight: bool, snapped: bool
    ) -> None:
        rng = np.random.default_rng(seed)
        lines, widths = rng.uniform(-1.0, 2.0, (4, corners, 2)), rng.uniform(0.0, 0.3, (4, corners))
        if straight:
            share = np.linspace(0.0, 1.0, corners)[:, None]
            lines = lines[:, :1] * (1 - share) + lines[:, -1:] * share
        if snapped:  # lines that touch in their corners, and steps of no length
            lines = np.round(lines * 2.0) / 2.0
        pairs = np.array(np.triu_indices(4, 1), dtype=np.int64)
        out = [np.empty((pairs.shape[1], 7)) for _ in range(2)]
        for kernel, result in zip((core, reference), out, strict=True):
            kernel.contacts(lines, widths, pairs, reach, result)
        np.testing.assert_array_equal(*out)

    @settings(max_examples=60)
    @given(
        seed=st.integers(0, 2**32 - 1),
        columns=st.integers(1, 80),
        rows=st.integers(1, 80),
        density=st.sampled_from([0.0, 0.001, 0.02, 0.5, 1.0]),
    )
    def test_distance_transform(self, core: ModuleType, seed: int, columns: int, rows: int, density: float) -> None:
        mask = (np.random.default_rng(seed).random((rows, columns)) < density).astype(np.uint8)
        out = [np.empty((rows, columns), dtype=np.float32) for _ in range(2)]
        for kernel, result in zip((core, reference), out, strict=True):
            kernel.distance_transform(mask, columns, rows, result)
        np.testing.assert_array_equal(*out)
