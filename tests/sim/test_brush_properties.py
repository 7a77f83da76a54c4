"""What must hold of every brush on every paper."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hierbrush.box import MIN_BOX
from hierbrush.errors import HierbrushError
from hierbrush.sim import CORE, PRESETS, BrushBatch, BrushModel, HandleLimits, StrokeBatch, rasterise, reference, trace
from hierbrush.sim.raster import MAX_SIDE

# A pixel of 2^-11 m: whole-pixel shifts are exact in floating point.
BOX, SIDE = 0.125, 256
PIXEL = BOX / SIDE
SEEDS = st.integers(0, 2**32 - 1)
REST = -(0.5**0.5)


def stroke(seed: int, ticks: int = 8) -> NDArray[np.float64]:
    """A handle path inside the middle of the paper, float64 [ticks, 3], that presses throughout."""
    rng = np.random.default_rng(seed)
    path = np.empty((ticks, 3))
    path[:, :2] = 0.5 * BOX + np.cumsum(rng.normal(0.0, 0.003, (ticks, 2)), axis=0)
    path[:, 2] = rng.uniform(0.001, 0.012, ticks)
    return np.clip(path, 0.0, BOX)


def write(batch: BrushBatch, path: NDArray[np.float64]) -> BrushBatch:
    batch.place(path[0])
    for pose in path:
        batch.step(pose)
    return batch


@given(seed=SEEDS, supersample=st.sampled_from([1, 2, 4]))
def test_ink_never_decreases(seed: int, supersample: int) -> None:
    batch = BrushBatch(BrushModel(), 1, side=64, supersample=supersample, box=BOX)
    before = batch.coverage(0)
    for pose in stroke(seed):
        batch.step(pose)
        after = batch.coverage(0)
        assert (after >= before).all()
        before = after
    assert before.any()


@given(seed=SEEDS, preset=st.sampled_from(sorted(PRESETS)))
def test_lifted_brush_deposits_nothing(seed: int, preset: str) -> None:
    batch = BrushBatch(PRESETS[preset], 1, side=64)
    path = stroke(seed)
    path[:, 2] = -path[:, 2]
    path[::3, 2] = 0.0
    write(batch, path)
    assert not batch.coverage(0).any()
    assert batch.footprint(0).shape == (0, 2)
    assert not batch.tuft.any()


def test_ink_is_counted_once(make_bank: Any) -> None:
    bank = make_bank(5, 3, side=64, supersample=2)
    batch = StrokeBatch(bank, BrushModel(), 3)
    batch.assign([0, 1, 2])
    rng = np.random.default_rng(0)
    total = np.zeros((3, 2), dtype=np.int64)
    for _ in range(12):
        batch.track(rng.uniform(-1, 1, (3, 3)))
        total += batch.counts[:, :2]
    np.testing.assert_array_equal(total, batch.counts[:, 2:])
    for slot in range(3):
        _, _, columns, rows = bank.window[slot] * 2
        start = bank.arrays["mask_offset"][slot]
        wanted = reference.unpack(bank.arrays["mask"][start:], columns, rows)
        inked = reference.unpack(batch._arrays["ink"][slot], columns, rows)
        assert batch.counts[slot, 2] == (inked & wanted).sum() > 0
        assert batch.counts[slot, 3] == (inked & ~wanted).sum()
        assert batch.area[slot] == wanted.sum()


@given(seed=SEEDS, right=st.integers(-40, 40), down=st.integers(-40, 40), supersample=st.sampled_from([1, 4]))
def test_whole_pixel_translation_moves_ink_exactly(seed: int, right: int, down: int, supersample: int) -> None:
    path = np.round(stroke(seed) * 2.0**24) / 2.0**24
    shifted = path + (right * PIXEL, down * PIXEL, 0.0)
    still, moved = (
        write(BrushBatch(BrushModel(), 1, side=SIDE, supersample=supersample, box=BOX), p) for p in (path, shifted)
    )
    ink = still.coverage(0)
    border = 41
    assume(not np.delete(ink, np.s_[border:-border], 0).any() and not np.delete(ink, np.s_[border:-border], 1).any())
    np.testing.assert_array_equal(np.roll(ink, (down, right), (0, 1)), moved.coverage(0))
    np.testing.assert_array_equal(still.tuft, moved.tuft)
    np.testing.assert_array_equal(still.direction, moved.direction)


@given(seed=SEEDS, power=st.integers(1, 4), cut=st.integers(0, 4))
def test_split_step_equals_whole_step(seed: int, power: int, cut: int) -> None:
    assume(cut < power)
    spacing = 0.5 * PIXEL
    start = np.array([0.0625, 0.0625, 0.004])
    sign = np.random.default_rng(seed).choice([-1.0, 1.0], 3)
    whole = start + sign * (spacing * 2**power, spacing * 2 ** (power - 2), spacing * 2 ** (power - 3))
    batches = [BrushBatch(BrushModel(), 1, side=SIDE, box=BOX, spacing=1.05 * spacing) for _ in range(2)]
    for batch in batches:
        batch.place(start)
        batch.step(start)
        # 2^power substeps in all: the length of the move is just under that many spacings.
    batches[0].step(whole)
    for share in np.arange(1, 2**cut + 1) * 0.5**cut:
        batches[1].step(start + (whole - start) * share)
    np.testing.assert_array_equal(batches[0].ink(0), batches[1].ink(0))
    for name in ("pose", "root", "direction", "tuft"):
        np.testing.assert_array_equal(batches[0]._arrays[name], batches[1]._arrays[name], err_msg=name)


@given(seed=SEEDS, side=st.sampled_from([32, 100, 256, 1024]))
def test_substeps_are_half_a_pixel_or_less(seed: int, side: int) -> None:
    poses: list[tuple[float, float, float]] = []

    class Watched(reference.Batch):
        def _trail(self, slot: int, x: float, y: float, z: float) -> None:
            poses.append((x, y, z))
            super()._trail(slot, x, y, z)

        def _stamp(self, slot: int, ink: Any) -> None:
            pass

    path = stroke(seed, 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hierbrush.sim.batch.kernels.Batch", Watched)
        batch = BrushBatch(BrushModel(), 1, side=side, box=BOX)
    batch.place(path[0])
    for pose in path[1:]:
        batch.step(pose)
    gaps = np.abs(np.diff([path[0], *poses], axis=0))
    assert len(poses) >= 3
    assert np.hypot(gaps[:, 0], gaps[:, 1]).max() <= 0.5 * BOX / side * (1 + 1e-6)
    assert gaps[:, 2].max() <= 0.5 * BOX / side * (1 + 1e-6)


@given(seed=SEEDS, preset=st.sampled_from(sorted(PRESETS)))
def test_root_stays_within_reach_and_the_direction_is_a_unit_vector(seed: int, preset: str) -> None:
    model = PRESETS[preset]
    batch = BrushBatch(model, 1, side=64, box=BOX)
    for pose in stroke(seed, 12):
        batch.step(pose)
        reach = model.offset(pose[2]) + model.root_ratio * model.length(pose[2])
        # The batch's depth is on a grid of 2^-32 m.
        assert np.linalg.norm(batch._arrays["root"][0]) <= reach + 1e-9
        assert abs(np.linalg.norm(batch.direction[0]) - 1.0) < 1e-12
        width, length, offset = batch.tuft[0]
        assert width == pytest.approx(model.width(pose[2]), abs=1e-9)
        assert length == pytest.approx(model.length(pose[2]), abs=1e-9)
        assert offset <= model.offset(pose[2]) + 1e-9


@given(angle=st.floats(-np.pi, np.pi), depth=st.floats(0.002, 0.012))
def test_a_long_pull_makes_the_tuft_trail_at_its_full_offset(angle: float, depth: float) -> None:
    model = BrushModel()
    way = np.array([np.cos(angle), np.sin(angle)])
    batch = BrushBatch(model, 1, side=64, box=BOX)
    for k in range(40):
        batch.step([*(0.06 + 0.002 * k * way), depth])
    np.testing.assert_allclose(batch.direction[0], -way, atol=1e-6)
    np.testing.assert_allclose(batch.tuft[0], [model.width(depth), model.length(depth), model.offset(depth)], atol=1e-9)


def test_a_reversal_leaves_the_root_where_it_is() -> None:
    batch = BrushBatch(BrushModel(), 1, side=256)
    for x in np.linspace(0.03, 0.06, 20):
        batch.step([x, 0.06, 0.006])
    root = batch.position[0, :2] + batch._arrays["root"][0]
    batch.step([0.0592, 0.06, 0.006])
    np.testing.assert_allclose(batch.position[0, :2] + batch._arrays["root"][0], root, atol=1e-9)
    np.testing.assert_allclose(batch.direction[0], [-1.0, 0.0], atol=1e-3)
    for x in np.linspace(0.059, 0.03, 20):
        batch.step([x, 0.06, 0.006])
    np.testing.assert_allclose(batch.direction[0], [1.0, 0.0], atol=1e-3)


@given(seed=SEEDS, supersample=st.sampled_from([1, 2, 4]), preset=st.sampled_from(sorted(PRESETS)))
def test_a_single_touch_inks_its_footprint(seed: int, supersample: int, preset: str) -> None:
    from shapely.geometry import Point, Polygon

    rng = np.random.default_rng(seed)
    side = int(rng.integers(32, 300))
    # One substep a tick: the tuft turns first, lifted ink being impossible, then touches once.
    batch = BrushBatch(PRESETS[preset], 1, side=side, supersample=supersample, box=BOX, spacing=0.1)
    angle = rng.uniform(-np.pi, np.pi)
    batch._arrays["direction"][0] = np.cos(angle), np.sin(angle)
    pose = [*rng.uniform(0.0, BOX, 2), rng.uniform(0.002, 0.015)]
    batch.place(pose)
    batch.step(pose)
    polygon = batch.footprint(0) / BOX
    drawn = rasterise([polygon], side, supersample=supersample)
    differing = np.argwhere(drawn != batch.coverage(0))
    # The stamp works in float32 samples from the handle: only centres within its rounding of the edge may differ.
    edge = Polygon(polygon * side).exterior
    for row, column in differing:
        offsets = (np.arange(supersample) + 0.5) / supersample
        nearest = min(edge.distance(Point(column + a, row + b)) for a in offsets for b in offsets)
        assert nearest < 1e-4
    assert len(differing) <= 2


@given(seed=SEEDS, side=st.sampled_from([32, 48, 128]))
def test_coverage_is_the_mean_of_binary_ink_at_four_times_the_side(seed: int, side: int) -> None:
    path = stroke(seed)
    spacing = 0.125 * BOX / side
    fine = write(BrushBatch(BrushModel(), 1, side=4 * side, box=BOX, spacing=spacing), path)
    smooth = write(BrushBatch(BrushModel(), 1, side=side, supersample=4, box=BOX, spacing=spacing), path)
    blocks = fine.coverage(0).reshape(side, 4, side, 4).mean(axis=(1, 3))
    np.testing.assert_array_equal(blocks, smooth.coverage(0))
    np.testing.assert_array_equal(fine.tuft, smooth.tuft)


@given(seed=SEEDS)
def test_binary_ink_is_near_the_coverage(seed: int) -> None:
    path = stroke(seed)
    binary = write(BrushBatch(BrushModel(), 1, side=128, box=BOX), path).coverage(0)
    smooth = write(BrushBatch(BrushModel(), 1, side=128, supersample=4, box=BOX), path).coverage(0)
    edge = (smooth > 0) & (smooth < 1)
    np.testing.assert_array_equal(binary[~edge], smooth[~edge])


@given(seed=SEEDS)
def test_batch_of_n_equals_n_batches_of_one(seed: int) -> None:
    model, rng = BrushModel(), np.random.default_rng(seed)
    rows = model.randomised(3, 0.3, rng)
    together = BrushBatch(rows, 3, side=64, box=BOX)
    alone = [BrushBatch(rows[i : i + 1], 1, side=64, box=BOX) for i in range(3)]
    paths = np.stack([stroke(seed + i) for i in range(3)], axis=1)
    for poses in paths:
        together.step(poses)
        for batch, pose in zip(alone, poses, strict=True):
            batch.step(pose)
    for slot, batch in enumerate(alone):
        np.testing.assert_array_equal(together.coverage(slot), batch.coverage(0))
        for name in ("pose", "root", "direction", "tuft", "moved", "counts"):
            np.testing.assert_array_equal(together._arrays[name][slot], batch._arrays[name][0], err_msg=name)


@given(seed=SEEDS, until=st.integers(0, 6))
def test_snapshot_restore_replay(make_bank: Any, assert_same: Any, seed: int, until: int) -> None:
    batch = StrokeBatch(make_bank(4, 3, side=48), BrushModel(), 3, seed=seed)
    batch.assign([0, 1, 2])
    batch.set_noise(0.001)
    actions = np.random.default_rng(seed).uniform(-1, 1, (8, 3, 3))
    for action in actions[:until]:
        batch.track(action)
    saved = batch.snapshot()
    other = StrokeBatch(batch.bank, BrushModel(), 3, seed=seed)
    for action in actions[until:]:
        batch.track(action)
    for replay in (other, batch):
        final = batch.snapshot()
        replay.restore(saved)
        for action in actions[until:]:
            replay.track(action)
        for name, array in final.arrays.items():
            np.testing.assert_array_equal(array, replay._arrays[name], err_msg=name)
    assert_same(batch, other)


def test_snapshot_is_a_copy_and_fits_only_its_size(make_bank: Any) -> None:
    batch = BrushBatch(BrushModel(), 2, side=32)
    saved = batch.snapshot()
    batch.step([0.06, 0.06, 0.01])
    assert batch.coverage(0).any()
    batch.restore(saved)
    assert not batch.coverage(0).any()
    with pytest.raises(HierbrushError, match="snapshot: "):
        BrushBatch(BrushModel(), 3, side=32).restore(saved)
    with pytest.raises(HierbrushError, match="snapshot: "):
        BrushBatch(BrushModel(), 2, side=64).restore(saved)


@given(seed=SEEDS)
def test_a_dip_resets_the_tuft(seed: int) -> None:
    used = write(BrushBatch(BrushModel(), 1, side=64, box=BOX), stroke(seed))
    assert not np.array_equal(used.direction, [[REST, REST]])
    used.dip()
    used.clear()
    np.testing.assert_array_equal(used.direction, [[REST, REST]])
    assert not used.tuft.any()
    assert not used._arrays["root"].any()
    assert not used.coverage(0).any()
    fresh = BrushBatch(BrushModel(), 1, side=64, box=BOX)
    for batch in (used, fresh):
        write(batch, stroke(seed + 1))
    np.testing.assert_array_equal(used.coverage(0), fresh.coverage(0))


def test_dip_clear_and_place_touch_only_the_slots_named() -> None:
    batch = BrushBatch(BrushModel(), 3, side=32)
    batch.step([[0.03, 0.03, 0.01], [0.06, 0.06, 0.01], [0.09, 0.09, 0.01]])
    batch.step([[0.05, 0.03, 0.01], [0.08, 0.06, 0.01], [0.11, 0.09, 0.01]])
    before = batch.snapshot().arrays
    batch.dip(1)
    batch.clear([1])
    batch.place([0.01, 0.02, -0.003], 1)
    for slot in (0, 2):
        for name in ("ink", "tuft", "root", "direction", "pose", "counts"):
            np.testing.assert_array_equal(before[name][slot], batch._arrays[name][slot])
    assert not batch.coverage(1).any()
    np.testing.assert_allclose(batch.position[1], [0.01, 0.02, -0.003], atol=2.0**-32)


def test_slots_outside_the_range_stand_still() -> None:
    batch = BrushBatch(BrushModel(), 4, side=32)
    batch.step([0.06, 0.06, 0.01], lo=1, hi=3)
    np.testing.assert_array_equal([batch.coverage(slot).any() for slot in range(4)], [False, True, True, False])
    np.testing.assert_array_equal(batch.position[[0, 3]], 0.0)


def test_noise_is_centred_spread_as_asked_and_own_to_each_slot(make_bank: Any) -> None:
    slots, sigma = 4096, 0.0005
    free = HandleLimits(move=0.1, press=0.1)
    batch = StrokeBatch(make_bank(1, 1, side=32), BrushModel(), slots, observation="none", limits=free, seed=3)
    batch.set_noise(sigma)
    batch.track(np.zeros(3))
    start, following = batch.bank.arrays["track"][:2, :3]
    error = batch.position - (following + 5 * start) / 6
    # Standard errors: 1/64 of sigma for the mean, 1/90 for the spread; five of them.
    assert np.abs(error.mean(axis=0)).max() < 5 / 64 * sigma
    assert np.abs(error.std(axis=0) / sigma - 1).max() < 5 / 90
    assert np.abs(np.corrcoef(error.T) - np.eye(3)).max() < 5 / 64
    assert len(np.unique(error[:, 0])) > 0.99 * slots
    other = StrokeBatch(batch.bank, BrushModel(), slots, observation="none", limits=free, seed=4)
    other.set_noise(sigma)
    other.track(np.zeros(3))
    assert not np.array_equal(other.position, batch.position)


def test_the_handle_follows_the_spline_of_the_reference_path_and_actions_are_clipped(make_bank: Any) -> None:
    bank = make_bank(2, 2, side=64)
    batch = StrokeBatch(bank, BrushModel(), 2, limits=HandleLimits(move=0.1, press=0.1))
    batch.assign([0, 1])
    for tick in range(1, 4):
        batch.track(np.zeros((2, 3)))
        rows = [
            bank.arrays["track"][bank.arrays["track_offset"] + max(tick - back, 0), :3] for back in range(4)
        ]  # newest first; the handle rests at the start before it sets out
        np.testing.assert_allclose(batch.position, (rows[0] + 4 * rows[1] + rows[2]) / 6, atol=2.0**-31)
        np.testing.assert_allclose(batch.midway, (rows[0] + 23 * rows[1] + 23 * rows[2] + rows[3]) / 48, atol=2.0**-31)
        np.testing.assert_allclose(batch.command, np.stack(rows[:3], axis=1), atol=2.0**-31)
    saved = batch.snapshot()
    batch.track(np.full((2, 3), 1.0))
    ones = batch.position.copy()
    batch.restore(saved)
    batch.track(np.full((2, 3), np.inf))
    np.testing.assert_array_equal(batch.position, ones)


def test_the_handle_keeps_its_limits(make_bank: Any) -> None:
    limits = HandleLimits(unit=0.02, move=0.002, press=0.001, lift=0.001)
    batch = StrokeBatch(make_bank(2, 2, side=64), BrushModel(), 2, limits=limits)
    batch.assign([0, 1])
    rng = np.random.default_rng(0)
    for _ in range(10):
        before = batch.position.copy()
        batch.track(rng.uniform(-1, 1, (2, 3)))
        moved = batch.position - before
        assert np.hypot(moved[:, 0], moved[:, 1]).max() <= limits.move + 2.0**-31
        assert np.abs(moved[:, 2]).max() <= limits.press + 2.0**-31
        assert batch.position[:, 2].min() >= -limits.lift - 2.0**-31


def test_done_and_tick(make_bank: Any) -> None:
    bank = make_bank(2, 2, side=32)
    batch = StrokeBatch(bank, BrushModel(), 2)
    batch.assign([0, 1])
    for tick in range(20):
        np.testing.assert_array_equal(batch.done, tick >= bank.ticks)
        np.testing.assert_array_equal(batch.tick, np.minimum(tick, bank.ticks))
        batch.track(np.zeros(3))
    np.testing.assert_array_equal(batch.goal, [0, 1])


@pytest.mark.parametrize("preset", PRESETS)
def test_trace_is_the_union_of_its_strokes(preset: str) -> None:
    model, paths = PRESETS[preset], [stroke(1), stroke(2)]
    together = trace(model, paths, side=64, box=BOX)
    apart = [trace(model, [path], side=64, box=BOX) for path in paths]
    assert (together >= np.maximum(*apart)).all()
    assert (together <= apart[0] + apart[1]).all()
    assert together.dtype == np.float32
    assert together.shape == (64, 64)


def test_ink_beyond_the_right_edge_is_inked_like_beyond_the_left() -> None:
    """A handle just outside a paper of 4096 samples still inks with the part of its tuft that is inside."""
    for side, supersample in ((1024, 4), (1024, 1)):
        left, right = (BrushBatch(PRESETS["round"], 1, side=side, supersample=supersample, box=BOX) for _ in range(2))
        for batch, x in ((left, -0.003), (right, BOX + 0.003)):
            batch.place([x, 0.0625, 0.0])
            batch.step([x, 0.0625, 0.01])
        assert left.coverage(0).any()
        assert abs(float(left.coverage(0).sum()) / float(right.coverage(0).sum()) - 1) < 0.01


@pytest.mark.skipif(CORE != "c", reason="two million stamps take the twin minutes")
def test_a_move_of_metres_in_tiny_steps_leaves_its_ink() -> None:
    inks = []
    for spacing in (1e-6, 1e-4):
        batch = BrushBatch(BrushModel(), 1, side=64, spacing=spacing)
        batch.place([0.01, 0.06, 0.01])
        batch.step([2.01, 0.06, 0.01])
        inks.append(batch.coverage(0))
    assert inks[0].any()
    np.testing.assert_array_equal(*inks)


def test_no_allowed_move_has_more_steps_than_are_taken() -> None:
    """From corner to corner of what positions are allowed, half a pixel of the finest raster apart."""
    finest = min(1e-6, 0.5 * MIN_BOX / MAX_SIDE)
    assert np.hypot(8.0, 8.0) / finest < reference._MOST_STEPS
    source = Path(reference.__file__).with_name("core") / "brush.c"
    assert float(re.findall(r"define MOST_STEPS (\S+)", source.read_text())[0]) == reference._MOST_STEPS
