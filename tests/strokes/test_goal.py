from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from hierbrush.characters import load_library
from hierbrush.errors import HierbrushError
from hierbrush.sim import distance_to_outline
from hierbrush.strokes.goal import StrokeGoal

BAR = np.array([[0.2, 0.4], [0.8, 0.4], [0.8, 0.5], [0.2, 0.5]])
MEDIAN = np.array([[0.22, 0.45], [0.78, 0.45]])


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    a, b = Polygon(first).buffer(0), Polygon(second).buffer(0)
    return a.intersection(b).area / a.union(b).area


def test_a_bar_keeps_its_corners_and_faces_its_ends() -> None:
    goal = StrokeGoal.from_outline("H", BAR, MEDIAN)
    assert overlap(goal.outline, BAR) > 0.999
    assert goal.outline[0] == pytest.approx([0.2, 0.45], abs=1e-3)
    assert goal.outline[64] == pytest.approx([0.8, 0.45], abs=1e-3)
    assert goal.half_width[16] == pytest.approx(0.05, abs=1e-6)
    assert goal.length == pytest.approx(0.56)
    assert goal.box == pytest.approx((0.2, 0.4, 0.8, 0.5))


def test_the_first_half_of_the_outline_runs_clockwise_on_the_page_whatever_the_winding() -> None:
    for outline in (BAR, BAR[::-1], np.roll(BAR, 2, axis=0)):
        goal = StrokeGoal.from_outline("H", outline, MEDIAN)
        # Written to the right, clockwise on a page with y down passes the upper side first.
        assert goal.outline[32, 1] == pytest.approx(0.4, abs=1e-3)
        assert goal.outline[96, 1] == pytest.approx(0.5, abs=1e-3)


def test_real_strokes_survive_the_resampling() -> None:
    library = load_library()
    kept = [
        overlap(goal.outline, stroke.outline)
        for char in "永飞乃鼎龜凹"
        for stroke in library[char].strokes
        for goal in [stroke.goal()]
    ]
    assert min(kept) > 0.99


def test_distances_are_those_of_a_geometry_library() -> None:
    rng = np.random.default_rng(0)
    polygon = load_library()["永"].strokes[1].outline.astype(np.float64)
    points = rng.uniform(0, 1, (50, 2))
    expected = [Polygon(polygon).exterior.distance(Point(point)) for point in points]
    assert distance_to_outline(points, polygon) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.3, 3.0), st.floats(0.3, 3.0), st.floats(-1.0, 1.0), st.floats(-1.0, 1.0), st.integers(0, 4))
def test_scaling_and_moving_commute_with_making(sx: float, sy: float, dx: float, dy: float, index: int) -> None:
    stroke = load_library()["永"].strokes[index]
    moved = stroke.goal().transformed([sx, sy], [dx, dy])
    made = StrokeGoal.from_outline(
        stroke.stroke_type, stroke.outline * [sx, sy] + [dx, dy], stroke.median * [sx, sy] + [dx, dy]
    )
    assert overlap(moved.outline, made.outline) > 0.98


@pytest.mark.parametrize(
    ("outline", "median", "named"),
    [
        (BAR[:2], MEDIAN, "outline"),
        (BAR, MEDIAN[:1], "median"),
        (BAR, np.repeat(MEDIAN[:1], 5, axis=0), "median"),
        (np.full((4, 2), np.nan), MEDIAN, "outline"),
        (BAR, [[0, np.inf], [1, 1]], "median"),
        (np.zeros((4, 3)), MEDIAN, "outline"),
    ],
)
def test_what_is_no_stroke_is_named(outline: np.ndarray, median: np.ndarray, named: str) -> None:
    with pytest.raises(HierbrushError, match=named):
        StrokeGoal.from_outline("H", outline, median)


def test_a_goal_cannot_be_written_to_and_does_not_freeze_its_source() -> None:
    skeleton = np.zeros((32, 2), np.float32)
    goal = StrokeGoal("H", skeleton, np.zeros(32, np.float32), np.zeros((128, 2), np.float32))
    skeleton[0] = 1
    assert goal.skeleton[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        goal.outline[0] = 1


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(HierbrushError, match=r"half_width: shape \(31,\), expected \(32,\)"):
        StrokeGoal("H", np.zeros((32, 2)), np.zeros(31), np.zeros((128, 2)))
