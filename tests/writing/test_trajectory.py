from __future__ import annotations

import numpy as np
import pytest

from hierbrush.errors import HierbrushError
from hierbrush.writing import Page, RecordingPen, Writing, write_character
from hierbrush.writing.trajectory import LIFT_HEIGHT, ROW_SECONDS, MotionLimits, compose, motion_peaks


def test_time_runs_evenly_within_a_stroke_and_never_faster_than_the_ticks(yong: Writing) -> None:
    steps = np.diff(yong.trajectory["t"])
    assert yong.trajectory["t"][0] == 0.0
    assert steps.min() >= ROW_SECONDS - 1e-9
    for stroke in yong.strokes:
        assert np.ptp(steps[stroke.span.start : stroke.span.stop - 1]) < 1e-9


@pytest.mark.parametrize("limits", [MotionLimits(), MotionLimits(0.02, 0.1, 1.0), MotionLimits(1e3, 1e3, 3.0)])
@pytest.mark.parametrize("policy", ["scripted", "random"])
def test_an_arm_can_follow(policy: str, limits: MotionLimits) -> None:
    paths = write_character("永", policy=policy).stroke_paths
    rows, _ = compose(paths, 0.12, 0.12, limits)
    speed, acceleration, jerk = motion_peaks(rows)
    assert speed <= limits.speed
    assert acceleration <= limits.acceleration
    assert jerk <= limits.jerk


@pytest.mark.parametrize(("name", "value"), [("speed", 0), ("acceleration", float("nan")), ("jerk", True)])
def test_impossible_arms_are_named(name: str, value: float) -> None:
    with pytest.raises(HierbrushError, match=name):
        MotionLimits(**{name: value})


def test_before_each_stroke_the_brush_dips_in_the_stone_beside_the_paper(yong: Writing) -> None:
    rows = yong.trajectory
    before = 0
    for stroke in yong.strokes:
        between = rows[before : stroke.span.start]
        dipped = between[between["dip"]]
        assert len(dipped) > 0
        assert (dipped["x"] > yong.width).all()
        assert (between["stroke"] == -1).all()
        assert not between["down"].any()
        before = stroke.span.stop


def test_the_brush_touches_the_paper_in_strokes_only(yong: Writing) -> None:
    rows = yong.trajectory
    assert (rows["down"] == ((rows["stroke"] >= 0) & (rows["z"] > 0))).all()
    assert rows["down"].any()
    # Outside strokes the tip is deep only while it comes down to the paper or leaves it, straight.
    deep = (rows["z"] > 0) & (rows["stroke"] == -1)
    for at in np.flatnonzero(deep):
        assert rows[at]["x"] == rows[at - 1]["x"]
        assert rows[at]["y"] == rows[at - 1]["y"]


def test_the_air_is_crossed_high(page: Page) -> None:
    rows = page.trajectory
    points = np.column_stack([rows[axis] for axis in "xyz"])
    in_air = (rows["stroke"][1:] == -1) & (rows["stroke"][:-1] == -1)
    sideways = np.abs(np.diff(points[:, :2], axis=0)).max(axis=1) > 1e-9
    assert (points[1:, 2][in_air & sideways] <= -LIFT_HEIGHT + 1e-12).all()


def test_nothing_jumps(page: Page) -> None:
    points = np.column_stack([page.trajectory[axis] for axis in "xyz"])
    assert np.linalg.norm(np.diff(points, axis=0), axis=1).max() < 0.02


def test_a_trajectory_cannot_be_written_to(yong: Writing) -> None:
    with pytest.raises(ValueError, match="read-only"):
        yong.trajectory["x"] = 0
    with pytest.raises(ValueError, match="read-only"):
        yong.strokes[0].path[0] = 0


def test_spans_are_the_paths() -> None:
    rng = np.random.default_rng(0)
    paths = [np.column_stack([rng.uniform(0, 0.1, (n, 2)), rng.uniform(0, 0.01, n)]) for n in (2, 5, 9)]
    rows, spans = compose(paths, 0.1, 0.1, MotionLimits())
    for path, span in zip(paths, spans, strict=True):
        assert np.array_equal(np.column_stack([rows[span][axis] for axis in "xyz"]), path)


def test_pens_hear_every_stroke(page: Page) -> None:
    pen = RecordingPen()
    page.draw(pen)
    names = [call[0] for call in pen.calls]
    strokes = sum(len(writing.strokes) for writing in page)
    assert names.count("dip") == names.count("lower") == names.count("lift") == strokes
    at = 0
    for path in page.paths:
        assert names[at : at + 2] == ["dip", "lower"]
        told = np.array([call[1:] for call in pen.calls[at + 1 : at + 1 + len(path)]])
        assert np.array_equal(told, path)
        at += len(path) + 2
        assert names[at - 1] == "lift"


def test_a_recording_replays(yong: Writing) -> None:
    first, second = RecordingPen(), RecordingPen()
    yong.draw(first)
    first.replay(second)
    assert second.calls == first.calls
