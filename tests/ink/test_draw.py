"""Ink in pictures: it stays within the simulator's, runs out, spreads, and has its grain in millimetres."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ink.strokes import line
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError
from hierbrush.ink import PAPERS, PRESETS, Bundle, Ink, Sketch, ink_of, ink_picture, record
from hierbrush.sim import BrushBatch, BrushModel, trace

BRUSH = BrushModel()


def test_the_recorded_movement_is_that_of_the_simulator() -> None:
    path = line()
    batch = BrushBatch(BRUSH, 1, spacing=0.06 / 1024)
    batch.dip()
    batch.place(path[0])
    for row in path[1:-1]:
        batch.step(row)
    stamps = record(BRUSH, path[:-1])
    assert stamps[-1, :3].tobytes() == batch.position[0].tobytes()
    assert stamps[-1, 3:5].tobytes() == batch.direction[0].tobytes()
    assert stamps[-1, 5:8].tobytes() == batch.tuft[0].tobytes()


@pytest.mark.parametrize("name", ["dry", "fading", "sized"])
def test_ink_that_does_not_spread_is_within_the_simulators(name: str) -> None:
    paths = [line(), line(0.004, y=0.03)]
    ink = ink_picture(BRUSH, paths, PRESETS[name], size=256, spread=False)
    plain = trace(BRUSH, paths, side=1024, supersample=2)
    assert not ink[plain.reshape(256, 4, 256, 4).max(axis=(1, 3)) == 0].any()
    assert 0 < ink.sum() < plain.mean() * 256 * 256


def test_wet_is_blacker_than_dry_and_spreads() -> None:
    paths = [line()]
    plain = trace(BRUSH, paths, side=256) > 0
    wet, dry = (ink_picture(BRUSH, paths, PRESETS[name], size=256) for name in ("wet", "dry"))
    assert wet[plain].mean() > 0.95 > 0.9 > dry[plain].mean() > 0.4
    assert wet[~plain].sum() > 20 > 3 > dry[~plain].sum()
    assert not ink_picture(BRUSH, paths, PRESETS["sized"], size=256)[~plain].sum() > 5


def test_same_seed_same_bits_other_seed_other_hairs() -> None:
    one, again, other = (ink_picture(BRUSH, [line()], Ink(seed=seed), size=128) for seed in (1, 1, 2))
    assert one.tobytes() == again.tobytes()
    assert np.abs(one - other).max() > 0.2


def test_the_grain_is_the_same_in_every_size() -> None:
    large, small, odd = (ink_picture(BRUSH, [line()], PRESETS["dry"], size=size) for size in (1024, 256, 300))
    np.testing.assert_allclose(large.reshape(256, 4, 256, 4).mean(axis=(1, 3)), small, atol=1e-6)
    assert odd.mean() == pytest.approx(small.mean(), rel=1e-4)


def test_the_grain_is_in_millimetres_on_the_paper() -> None:
    """A character written at a quarter of the size has the paper's grain four times as large, beside its strokes."""

    def edges(side: float) -> int:
        ink = ink_picture(BRUSH, [line()], PRESETS["dry"], size=1024, side=side, spread=False)[480:544, 300:800] > 0.5
        return int(np.abs(np.diff(ink.astype(int), axis=1)).sum())

    assert edges(0.03) < 0.6 * edges(0.12)


def test_ink_runs_out_along_a_stroke_and_between_dips() -> None:
    ink = Ink(load=0.25, dryness=0.3, paper="sized")
    sketch = Sketch(BRUSH, ink)
    loads = []
    for dip in (True, False, False, True):
        sketch.stroke(line(0.010), dip=dip)
        loads.append(sketch.bundle.load)
    assert loads[0] > loads[1] > loads[2]
    assert loads[3] == pytest.approx(loads[0], rel=0.01)
    picture = ink_picture(BRUSH, [line(0.010)], Ink(load=0.5, dryness=0.5, paper="sized"), size=256)
    begin, end = (picture[117:139, part].mean() for part in (slice(40, 70), slice(170, 200)))
    assert begin > end


def test_a_dry_tuft_parts_into_locks() -> None:
    sketch = Sketch(BRUSH, Ink(load=0.3))
    sketch.stroke(line())
    early = sketch.bundle.split
    sketch.stroke(line(), dip=False)
    assert 0 < early < sketch.bundle.split < 1
    sketch.dip()
    assert sketch.bundle.split == 0
    assert sketch.bundle.load == pytest.approx(0.3)


def test_fast_and_light_is_drier_than_slow_and_deep() -> None:
    def share(depth: float, pace: float, part: slice, ink: Ink) -> float:
        path = line(depth, pace)
        plain = trace(BRUSH, [path], side=256)[:, part] > 0.99
        drawn = [ink_picture(BRUSH, [path], replace(ink, seed=seed), size=256, spread=False) for seed in range(3)]
        return float(np.mean([picture[:, part][plain].mean() for picture in drawn]))

    touched, begun, later = slice(38, 44), slice(38, 60), slice(100, 140)
    ink, dry = Ink(0.4, 0.6), Ink(0.15, 0.8)
    assert share(0.010, 0.04, begun, ink) > share(0.010, 0.25, begun, ink)
    assert share(0.011, 0.15, touched, dry) > share(0.005, 0.15, touched, dry)
    # What is pressed deep gives more, and has less left later.
    assert share(0.011, 0.15, later, ink) < share(0.005, 0.15, later, ink)


def test_a_dry_stroke_begins_full_and_opens() -> None:
    ink = ink_picture(BRUSH, [line(0.010)], PRESETS["dry"], size=256, spread=False)[124:132]
    begin, end = ink[:, 50:80].mean(), ink[:, 180:210].mean()
    assert begin > 0.9
    assert end < begin - 0.15


def test_dry_streaks_run_along_the_hairs() -> None:
    """White gaps are longer along the stroke than across it, as in real dry strokes."""
    inks = [replace(PRESETS["dry"], seed=seed) for seed in range(3)]
    drawn = [ink_picture(BRUSH, [line(0.009)], ink, size=1024, spread=False)[470:554, 400:840] > 0.5 for ink in inks]
    along, across = (np.mean([white_runs(picture).mean() for picture in turned])
                     for turned in (drawn, [picture.T for picture in drawn]))  # fmt: skip
    assert along > 1.25 * across


def white_runs(ink: NDArray[np.bool_]) -> NDArray[np.int64]:
    ends = [np.flatnonzero(np.diff(row.astype(np.int8))) for row in ink]
    return np.concatenate([np.diff(end)[~row[end[:-1] + 1]] for row, end in zip(ink, ends, strict=True) if len(end)])


def test_a_bundle_goes_on_to_the_next_character() -> None:
    bundle = Bundle.dipped(0.5)
    ink_picture(BRUSH, [line()], Ink(load=0.5), size=64, dips=[False], bundle=bundle)
    assert bundle.load < 0.5


@pytest.mark.parametrize(
    ("ink", "message"),
    [
        ("wett", r"ink: 'wett' is not one of plain, wet, .*did you mean 'wet'"),
        ({"lod": 1}, r"ink: unknown field 'lod'; did you mean 'load'"),
        ({"load": 3}, r"ink: load: 3, expected a share from 0.05 to 1"),
        ({"dryness": float("nan")}, r"ink: dryness: nan, expected a share"),
        ({"paper": "silk"}, r"ink: paper: 'silk' is not one of xuan, sized, rough"),
        ({"seed": -1}, r"ink: seed: -1, expected a whole number"),
        (3, r"ink: 3, expected one of plain, wet"),
    ],
)
def test_an_ink_that_cannot_be_is_told_in_one_line(ink: object, message: str) -> None:
    with pytest.raises(HierbrushError, match=message) as caught:
        ink_of(ink)
    assert "\n" not in str(caught.value)


def test_inks_by_name() -> None:
    assert ink_of(None) is None
    assert ink_of("plain") is None
    assert ink_of("dry") == PRESETS["dry"]
    assert ink_of({"load": 0.3}) == Ink(load=0.3)
    assert {preset.paper for preset in PRESETS.values()} <= set(PAPERS)


def test_lists_that_do_not_fit_are_refused() -> None:
    with pytest.raises(HierbrushError, match="dips: 1 of them, expected 2"):
        ink_picture(BRUSH, [line(), line()], Ink(), dips=[True])
    with pytest.raises(HierbrushError, match="size: 2000"):
        ink_picture(BRUSH, [line()], Ink(), size=2000)
    with pytest.raises(HierbrushError, match="path: is empty"):
        record(BRUSH, np.empty((0, 3)))
