"""How the scripted follower spends its ticks."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.sim import BrushModel
from hierbrush.strokes.follower import FOLLOWER, Follower
from hierbrush.strokes.goal import SKELETON_POINTS, StrokeGoal
from hierbrush.strokes.shape_basis import shape_basis

MODEL = BrushModel.preset("measured")


def heel() -> StrokeGoal:
    """Down, then back up to the right by 135 degrees, with the corner at half the length."""
    down = np.linspace((0.4, 0.3), (0.4, 0.6), SKELETON_POINTS // 2 + 1)
    up = np.linspace((0.4, 0.6), (0.4 + 0.3 * 2**-0.5, 0.6 - 0.3 * 2**-0.5), SKELETON_POINTS // 2)
    skeleton = np.concatenate([down[:-1], up]).astype(np.float32)
    outline = np.array([[0.38, 0.28], [0.65, 0.28], [0.65, 0.62], [0.38, 0.62]] * 32, dtype=np.float32)
    return StrokeGoal("ST", skeleton, np.full(SKELETON_POINTS, 0.02, np.float32), outline)


def test_a_turn_takes_longer_and_the_time_is_spent_at_the_turn() -> None:
    straight, slow = Follower(pace=0.0026, bend=0.0), Follower(pace=0.0026, bend=4.0)
    hasty, patient = straight.track(heel(), MODEL), slow.track(heel(), MODEL)
    more = len(patient) - len(hasty)
    assert more == pytest.approx(4.0 * 0.75 * np.pi, abs=1.5)
    corner = np.array([0.4, 0.6]) * 0.12

    def near(track: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> int:
        return int((np.hypot(*(track[:, 3:5] - corner).T) < 0.003).sum())

    assert near(patient) - near(hasty) >= 0.8 * more


def test_a_straight_stroke_is_followed_at_an_even_pace() -> None:
    goal = heel()
    line = np.linspace((0.2, 0.5), (0.6, 0.5), SKELETON_POINTS).astype(np.float32)
    track = FOLLOWER.track(StrokeGoal("H", line, goal.half_width, goal.outline), MODEL)
    steps = np.diff(track[1:-2, 3])
    assert np.ptp(steps) < 1e-6
    assert len(track) == FOLLOWER.ticks(0.4 * 0.12) + 1


@pytest.mark.parametrize("bend", [0.0, 2.0])
def test_tracks_made_together_are_those_made_one_by_one(bend: float) -> None:
    follower = Follower(bend=bend)
    goals = [
        shape_basis(kind).goal((0.5, 0.4, 0.1 * size, 0.3)) for size, kind in enumerate(("H", "SG", "D", "HZG"), 1)
    ]
    tracks = follower.tracks([*goals, heel()], MODEL)
    assert len({len(track) for track in tracks}) > 1
    for track, goal in zip(tracks, [*goals, heel()], strict=True):
        np.testing.assert_array_equal(track, follower.track(goal, MODEL))
