"""Whatever is handed over, nothing crashes and the message names the argument."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError
from hierbrush.sim import BrushBatch, BrushModel, GoalBank, StrokeBatch, trace

NAN, INF = float("nan"), float("inf")
MODEL = BrushModel()


class TestBrushBatch:
    @pytest.mark.parametrize(
        ("change", "name"),
        [
            *[({"slots": value}, "slots") for value in (0, -1, 1.0, True, None, "1", 2**20 + 1, NAN)],
            *[({"side": value}, "side") for value in (0, 31, 1025, 64.0, True, None, "64")],
            *[({"supersample": value}, "supersample") for value in (0, 3, 8, 1.0, True, None)],
            *[({"box": value}, "box") for value in (0, -1, NAN, INF, 1e-9, 1e9, "0.12", None, [0.1])],
            *[({"spacing": value}, "spacing") for value in (0, -1.0, NAN, INF, 1.0, "1")],
            *[({"threads": value}, "threads") for value in (0, 257, 1.0, None)],
            *[({"seed": value}, "seed") for value in (-1, 2**64, 0.5, None)],
            *[({"model": value}, "model") for value in (None, "measured", [], [MODEL] * 3, [MODEL, 1], 7)],
            ({"model": [MODEL, MODEL.replace(tip="ellipse")]}, "model"),
            ({"model": np.zeros((2, 9))}, "model"),
            ({"model": np.zeros((3, 10))}, "model"),
            ({"model": np.full((2, 10), NAN)}, "model"),
            ({"model": np.full((2, 10), 1e300)}, "model"),
        ],
    )
    def test_constructor(self, change: dict[str, Any], name: str) -> None:
        arguments = {"model": MODEL, "slots": 2, "side": 32, **change}
        with pytest.raises(HierbrushError, match=f"^{name}: "):
            BrushBatch(arguments.pop("model"), arguments.pop("slots"), **arguments)

    @pytest.mark.parametrize(
        "bad",
        [
            [NAN, 0, 0], [0, INF, 0], [0, 0, -INF], [1e300, 0, 0], [4.01, 0, 0], [0, 0], [0, 0, 0, 0], [], 0.0, None,
            "abc", [[0, 0, 0]] * 3, np.zeros((2, 2, 3)), [1j, 0, 0], [10**400, 0, 0], object(),
        ],
    )  # fmt: skip
    def test_positions(self, bad: Any) -> None:
        batch = BrushBatch(MODEL, 2, side=32)
        before = batch.snapshot()
        with pytest.raises(HierbrushError, match=r"^target: "):
            batch.step(bad)
        with pytest.raises(HierbrushError, match=r"^(position|pose): "):
            batch.place(bad)
        for name, array in before.arrays.items():
            np.testing.assert_array_equal(array, batch._arrays[name])

    @pytest.mark.parametrize("slots", [2, -1, [0, 5], 0.5, [True, False], "0", [[0]], NAN, None])
    def test_slots(self, slots: Any) -> None:
        batch = BrushBatch(MODEL, 2, side=32)
        calls: list[Callable[[], object]] = [lambda: batch.coverage(slots), lambda: batch.ink(slots)]
        if slots is not None:
            calls += [lambda: batch.place([0, 0, 0], slots), lambda: batch.dip(slots), lambda: batch.clear(slots)]
        for call in calls:
            with pytest.raises(HierbrushError, match=r"^slots?: "):
                call()
        with pytest.raises(HierbrushError, match=r"^slot: "):
            batch.footprint(slots)

    @pytest.mark.parametrize(("lo", "hi"), [(-1, 2), (0, 3), (2, 1), (3, 3)])
    def test_ranges(self, lo: int, hi: int) -> None:
        with pytest.raises(HierbrushError, match=r"^lo, hi: "):
            BrushBatch(MODEL, 2, side=32).step([0, 0, 0], lo, hi)

    def test_brushes_and_noise(self) -> None:
        batch = BrushBatch(MODEL, 2, side=32)
        for rows in (np.zeros(10), np.zeros((2, 9)), np.full((2, 10), NAN), np.full((1, 10), 1e9), "abc"):
            with pytest.raises(HierbrushError, match=r"^rows: "):
                batch.set_brushes(rows)  # type: ignore[arg-type]
        with pytest.raises(HierbrushError, match=r"^params: "):
            batch.set_brushes(np.zeros((3, 10)))
        for sigma in (-1.0, NAN, INF, 1.0, "abc"):
            with pytest.raises(HierbrushError, match=r"^sigma: "):
                batch.set_noise(sigma)
        with pytest.raises(HierbrushError, match=r"^noise: "):
            batch.set_noise(np.zeros(3))

    def test_views_cannot_be_written(self, make_bank: Any) -> None:
        batch = StrokeBatch(make_bank(1, 1), MODEL, 1)
        for view in (
            batch.position,
            batch.direction,
            batch.tuft,
            batch.counts,
            batch.observation,
            batch.goal,
            batch.tick,
        ):
            with pytest.raises(ValueError, match="read-only"):
                view[...] = 0

    def test_input_is_not_changed_and_may_have_any_layout(self) -> None:
        targets = np.asfortranarray(np.random.default_rng(0).uniform(0.01, 0.1, (4, 3)))
        for same in (targets, targets[::-1][::-1], targets.astype(np.float32).astype(">f8"), targets.tolist()):
            batch = BrushBatch(MODEL, 4, side=32)
            batch.step(same)
            np.testing.assert_allclose(batch.position, targets, atol=1e-8)
        targets.flags.writeable = False
        BrushBatch(MODEL, 4, side=32).step(targets)

    def test_extreme_but_allowed(self) -> None:
        for model in (BrushModel(width_slope=10, length_slope=10, max_depth=0.03), BrushModel(back_ratio=3.0)):
            batch = BrushBatch(model, 1, side=1024, box=0.001, supersample=4)
            batch.place([4, -4, 0.0])
            batch.step([4, -4, 0.03])
            batch.step([0.0005, 0.0005, 0.03])
        batch = BrushBatch(BrushModel(max_depth=0.001, width_slope=0.0, width_intercept=0.0), 1, side=32)
        batch.step([0.06, 0.06, 4.0])
        assert not batch.coverage(0).any()

    def test_batches_do_not_copy_by_accident(self) -> None:
        with pytest.raises(TypeError):
            copy.deepcopy(BrushBatch(MODEL, 1, side=32))


class TestStrokeBatch:
    def test_goals(self, make_bank: Any) -> None:
        batch = StrokeBatch(make_bank(1, 2, side=32), MODEL, 2)
        for goals in (-1, 2, [0, 2], 0.5, "a", [True], None):
            with pytest.raises(HierbrushError, match=r"^goals: "):
                batch.assign(goals)
        with pytest.raises(HierbrushError, match=r"^goal: "):
            batch.assign([0, 1, 0])
        with pytest.raises(HierbrushError, match=r"^slots: "):
            batch.assign([0], [7])

    @pytest.mark.parametrize("action", [np.zeros((2, 2)), np.zeros((3, 3)), 0.0, "abc", None, np.full((2, 3), NAN)])
    def test_actions(self, make_bank: Any, action: Any) -> None:
        with pytest.raises(HierbrushError, match=r"^action: "):
            StrokeBatch(make_bank(1, 2, side=32), MODEL, 2).track(action)

    def test_actions_too_large_for_float32_are_clipped(self, make_bank: Any) -> None:
        batches = [StrokeBatch(make_bank(1, 2, side=32), MODEL, 2) for _ in range(2)]
        for batch, action in zip(batches, (1.0, 1e300), strict=True):
            batch.track(np.full((2, 3), action))
        np.testing.assert_array_equal(batches[0].position, batches[1].position)

    def test_constructor_and_banks(self, make_bank: Any) -> None:
        bank = make_bank(1, 2, side=32)
        with pytest.raises(HierbrushError, match=r"^observation: 'ful' .*did you mean 'full'"):
            StrokeBatch(bank, MODEL, 1, observation="ful")
        batch = StrokeBatch(bank, MODEL, 1)
        for other in (
            make_bank(1, 2, side=64),
            make_bank(1, 2, side=32, supersample=2),
            make_bank(1, 2, side=32, box=0.1),
        ):
            with pytest.raises(HierbrushError, match=r"^bank: "):
                batch.set_bank(other)

    def test_a_larger_bank_brings_its_paper(self, make_bank: Any) -> None:
        large = make_bank(5, 9, side=64)
        small = next(bank for bank in (make_bank(seed, 1, side=64) for seed in range(30)) if bank.words < large.words)
        batch, fresh = StrokeBatch(small, MODEL, 3, seed=1), StrokeBatch(large, MODEL, 3, seed=1)
        batch.track(np.zeros(3))
        batch.set_bank(large)
        for each in (batch, fresh):
            each.assign([1, 5, 8])
            for _ in range(5):
                each.track(np.zeros(3))
        for slot in range(3):
            np.testing.assert_array_equal(batch.coverage(slot), fresh.coverage(slot))
        np.testing.assert_array_equal(batch.observation, fresh.observation)

    def test_moving_slots_to_another_window_is_seen(self, make_bank: Any) -> None:
        batch = StrokeBatch(make_bank(1, 2, side=32), MODEL, 2)
        with pytest.raises(HierbrushError, match=r"^observation: "):
            StrokeBatch(make_bank(1, 2, side=32), MODEL, 2, observation=None)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="bank"):
            BrushBatch(MODEL, 2, side=32)._kernel.track(0, 2)
        batch.track(np.zeros(3))


def test_trace() -> None:
    for paths, name in (([[[0, 0, NAN]]], r"paths\[0\]"), ([[[0, 0, 0], [9, 9, 9]]], "target"), ([[]], r"paths\[0\]")):
        with pytest.raises(HierbrushError, match=f"^{name}: "):
            trace(MODEL, [np.array(path, dtype=float) for path in paths], side=32)


# ---- the compiled core, by the arrays it is handed ----


def parts(bank: GoalBank) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
    """What a batch hands to its kernel, all arrays writable."""
    batch = StrokeBatch(bank, MODEL, 3, seed=1)
    arrays = {name: array.copy() for name, array in {**batch._arrays, **bank.arrays}.items()}
    numbers = {
        "supersample": 1, "per_metre": 512.0, "spacing": 1e-3, "unit": 0.003, "reach": 0.006, "max_move": 0.008,
        "max_press": 0.005, "lift_height": 0.003, "seed": 1,
    }  # fmt: skip
    return arrays, numbers


NAMES = (
    "params", "footprint", "noise", "window", "pose", "root", "direction", "tuft", "moved", "midway", "drift",
    "command", "ink",
    "draws", "counts", "goal", "tick", "target", "action", "observation", "goal_window", "goal_ticks", "goal_area",
    "mask_offset", "distance_offset", "track_offset", "mask", "distance", "track",
)  # fmt: skip
READ = ("params", "footprint", "noise", "target", "action", *NAMES[20:])


def misaligned(array: NDArray[Any]) -> NDArray[Any]:
    raw = np.zeros(array.nbytes + 1, dtype=np.uint8)[1:]
    return np.ndarray(array.shape, array.dtype, raw.data)


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    copied = array.copy()
    copied.flags.writeable = False
    return copied


class TestArraysOfTheCore:
    @pytest.fixture
    def given(self, make_bank: Any) -> tuple[dict[str, NDArray[Any]], dict[str, float]]:
        return parts(make_bank(3, 2, side=64))

    def test_names_are_complete_and_right_ones_accepted(self, core: ModuleType, given: Any) -> None:
        arrays, numbers = given
        assert set(arrays) == set(NAMES)
        batch = core.Batch(arrays, **numbers)
        batch.track(0, 3)
        batch.observe(0, 3)
        batch.step(0, 3)

    @pytest.mark.parametrize("name", NAMES)
    def test_every_array_in_turn(self, core: ModuleType, given: Any, name: str) -> None:
        arrays, numbers = given
        good = arrays[name]
        other_type = np.float32 if good.dtype != np.float32 else np.float64
        flat = good.reshape(-1)
        bad: list[Any] = [
            good.astype(other_type),
            good.astype(good.dtype.newbyteorder(">")) if good.dtype.itemsize > 1 else good.astype("u1"),
            np.repeat(flat, 2)[::2],
            flat.tolist(),
            "text",
            7,
            good.view("u1") if good.dtype != np.uint8 else good.view("i1"),
        ]
        if name in ("ink", "observation"):  # may be empty: papers of no size, no observations
            bad += [flat[:-1], np.concatenate([flat, flat[:1]])]
        elif name not in ("mask", "distance", "track"):
            bad += [flat[:-1], np.concatenate([flat, flat[:1]]), flat[:0]]
        else:  # flat arrays into which offsets point
            bad += [flat[:-8], flat[:0]]
        if good.dtype.itemsize > 1:
            bad.append(misaligned(good))
        if name not in READ:
            bad.append(frozen(good))
        for array in bad:
            # A length that no longer fits may be told by the array that others are measured against.
            with pytest.raises(ValueError, match=rf"^({name}|\w+(_offset)?): "):
                core.Batch({**arrays, name: array}, **numbers)
        for array in bad[:5]:
            with pytest.raises(ValueError, match=rf"^{name}: "):
                core.Batch({**arrays, name: array}, **numbers)

    @pytest.mark.parametrize("name", NAMES)
    def test_every_array_missing(self, core: ModuleType, given: Any, name: str) -> None:
        arrays, numbers = given
        without = {other: array for other, array in arrays.items() if other != name}
        for incomplete in (without, {**without, name: None}):
            with pytest.raises(ValueError, match=rf"^({name}|observation): "):
                core.Batch(incomplete, **numbers)

    @pytest.mark.parametrize("name", [name for name in NAMES if name not in READ])
    def test_shared_memory(self, core: ModuleType, given: Any, name: str) -> None:
        arrays, numbers = given
        same_type = [other for other in NAMES if other != name and arrays[other].dtype == arrays[name].dtype]
        for other in same_type:
            size = max(arrays[name].size, arrays[other].size)
            memory = np.zeros(size, arrays[name].dtype)
            shared = {key: memory[: arrays[key].size].reshape(arrays[key].shape) for key in (name, other)}
            with pytest.raises(ValueError, match="shares memory with"):
                core.Batch({**arrays, **shared}, **numbers)

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            *[({"supersample": value}, "supersample") for value in (0, -1, 9)],
            *[
                ({key: value}, key)
                for key in ("per_metre", "spacing", "unit", "reach")
                for value in (0.0, -1.0, NAN, INF)
            ],
        ],
    )
    def test_numbers(self, core: ModuleType, given: Any, change: dict[str, Any], name: str) -> None:
        arrays, numbers = given
        with pytest.raises(ValueError, match=name):
            core.Batch(arrays, **{**numbers, **change})

    def test_wrong_calls(self, core: ModuleType, given: Any) -> None:
        arrays, numbers = given
        for arguments in ((), (None,), ([],), (arrays, 1)):
            with pytest.raises(TypeError):
                core.Batch(*arguments)
        with pytest.raises(TypeError):
            core.Batch(arrays, **{**numbers, "supersample": "1"})
        with pytest.raises((TypeError, OverflowError)):
            core.Batch(arrays, **{**numbers, "supersample": 2**40})
        batch = core.Batch(arrays, **numbers)
        for method in (batch.step, batch.track, batch.observe):
            for lo, hi in ((-1, 3), (0, 4), (2, 1), (0, 2**62), (-(2**62), 0)):
                with pytest.raises(ValueError, match="lo, hi: "):
                    method(lo, hi)
            for arguments in ((), (0,), (0, "3"), (0, 1.5), (0, None)):
                with pytest.raises(TypeError):
                    method(*arguments)
            with pytest.raises(OverflowError):
                method(0, 2**70)
        with pytest.raises(TypeError):
            core.Batch.step(object(), 0, 1)

    BAD_INTEGERS = (-1, 2, 1000, 2**31 - 1, -(2**31))

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("goal", BAD_INTEGERS),
            ("tick", (-1, 1000, 2**31 - 1, -(2**31))),
            ("window", (*BAD_INTEGERS, 0, 4097)),
            ("goal_window", (*BAD_INTEGERS, 0, 4097)),
            ("goal_ticks", (0, -1, 1000, 2**31 - 1, -(2**31))),
            ("mask_offset", (-1, 10**6, 2**63 - 1, -(2**63))),
            ("distance_offset", (-1, 10**9, 2**63 - 1, -(2**63))),
            ("track_offset", (-1, 10**6, 2**60, 2**63 - 1, -(2**63))),
        ],
    )
    def test_indices_out_of_range_are_seen_whenever_they_change(
        self, core: ModuleType, given: Any, name: str, values: tuple[int, ...]
    ) -> None:
        arrays, numbers = given
        arrays["goal"][:] = 0, 1, 1
        arrays["window"][:] = arrays["goal_window"][arrays["goal"]]
        batch = core.Batch(arrays, **numbers)
        whole = arrays[name].reshape(-1)
        for position in range(whole.size):
            kept = whole[position]
            for value in values:
                if value == kept:
                    continue
                whole[position] = value
                for method in (batch.track, batch.observe):
                    with pytest.raises(ValueError, match=r"^(window|goal|goal_ticks|goal_window|tick|\w+_offset): "):
                        method(0, 3)
            whole[position] = kept
        batch.track(0, 3)

    @pytest.mark.parametrize(
        ("name", "position", "value"),
        [
            ("goal_window", 2, 4097),
            ("goal_window", 3, 1),
            ("goal_window", 0, 1 << 20),
            ("goal_window", 5, -(2**31)),
            ("goal_ticks", 1, 0),
            ("mask_offset", 0, -1),
            ("distance_offset", 1, 2**63 - 1),
            ("track_offset", 1, 2**60),
        ],
    )
    def test_a_bad_bank_is_refused_at_once(
        self, core: ModuleType, given: Any, name: str, position: int, value: int
    ) -> None:
        arrays, numbers = given
        arrays[name].reshape(-1)[position] = value
        with pytest.raises(ValueError, match=f"^{name}: "):
            core.Batch(arrays, **numbers)

    def test_papers_too_small_for_their_windows(self, core: ModuleType, given: Any) -> None:
        arrays, numbers = given
        for words in (0, 1, arrays["ink"].shape[1] // 2):
            batch = core.Batch({**arrays, "ink": np.zeros((3, words), dtype=np.uint64)}, **numbers)
            for method in (batch.step, batch.track, batch.observe):
                with pytest.raises(ValueError, match=r"^window: larger than the paper"):
                    method(0, 3)

    def test_values_that_are_no_indices_never_crash(self, core: ModuleType, given: Any) -> None:
        arrays, numbers = given
        rng = np.random.default_rng(0)
        kept = {name: array.copy() for name, array in arrays.items()}
        wild = [NAN, INF, -INF, 1e308, -1e308, 5e-324, 1e18, -3e9, 0.0]
        indices = (
            "window",
            "goal",
            "tick",
            "goal_window",
            "goal_ticks",
            "mask_offset",
            "distance_offset",
            "track_offset",
        )
        for round_ in range(150):
            batch = core.Batch(arrays, **{**numbers, "max_move": rng.choice([0.008, NAN, INF]), "supersample": 1})
            for name in NAMES:
                if name in indices or rng.random() < 0.6:
                    continue
                whole = arrays[name].reshape(-1)
                where = rng.integers(0, whole.size, 3)
                if whole.dtype.kind == "f":
                    with np.errstate(all="ignore"):
                        whole[where] = rng.choice(wild, 3).astype(whole.dtype)
                else:
                    limits = np.iinfo(whole.dtype)
                    whole[where] = [(limits.min, limits.max)[value] for value in rng.integers(0, 2, 3)]
            batch.step(0, 3)
            batch.track(0, 3)
            batch.observe(0, 3)
            if round_ % 10 == 9:
                for name, array in kept.items():
                    arrays[name][...] = array

    def test_arrays_live_as_long_as_the_batch(self, core: ModuleType, given: Any) -> None:
        arrays, numbers = given
        batch = core.Batch(arrays, **numbers)
        ink = arrays["ink"]
        with pytest.raises(ValueError, match="cannot resize"):
            ink.resize((1, 1))
        del arrays, ink
        batch.track(0, 3)
