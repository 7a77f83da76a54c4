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
    straight, slow = (Follower(pace=0.0026, bend=bend, heel=0.1) for bend in (0.0, 4.0))
    hasty, patient = straight.track(heel(), MODEL), slow.track(heel(), MODEL)
    more = len(patient) - len(hasty)
    assert more == pytest.approx(4.0 * 0.75 * np.pi, abs=1.5)
    corner = np.array([0.4, 0.6]) * 0.12

    def near(track: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> int:
        return int((np.hypot(*(track[:, 3:5] - corner).T) < 0.003).sum())

    assert near(patient) - near(hasty) >= 0.8 * more


def check_mark(foot: tuple[float, float]) -> StrokeGoal:
    """A bar of half-width .03 going down, another going right from its lower end; the outline's corner is ``foot``."""
    outline = [(0.37, 0.4), (0.43, 0.4), (0.43, 0.57), (0.6, 0.57), (0.6, 0.63), (0.4, 0.63), foot, (0.37, 0.6)]
    return StrokeGoal.from_outline("ST", outline, [(0.4, 0.4), (0.4, 0.6), (0.6, 0.6)])


def test_the_handle_is_led_into_a_heel_and_back() -> None:
    foot = np.array([0.33, 0.67])
    track = FOLLOWER.track(check_mark((0.33, 0.67)), MODEL)
    skeleton, radius = track[:, 3:5] / 0.12, track[:, 5] / 0.12
    far = np.linalg.norm(skeleton - foot, axis=1)
    tip = int(far.argmin())
    assert far[tip] < 0.01
    assert radius[tip] < 0.01
    # It comes from the bar, returns to the corner, and goes on to the end.
    corner = np.linalg.norm(skeleton - (0.4, 0.6), axis=1)
    assert corner[:tip].min() < 0.01
    assert corner[tip:].min() < 0.01
    np.testing.assert_allclose(skeleton[-1], (0.6, 0.6), atol=1e-6)
    assert len(track) > len(Follower(heel=0.1).track(check_mark((0.33, 0.67)), MODEL))


def test_small_corners_and_pointed_ends_are_no_heels() -> None:
    everywhere = Follower(heel=0.1)
    np.testing.assert_array_equal(
        FOLLOWER.track(check_mark((0.37, 0.63)), MODEL), everywhere.track(check_mark((0.37, 0.63)), MODEL)
    )
    outline = [(0.2, 0.5), (0.3, 0.47), (0.7, 0.47), (0.8, 0.5), (0.7, 0.53), (0.3, 0.53)]
    pointed = StrokeGoal.from_outline("H", outline, [(0.25, 0.5), (0.75, 0.5)])
    np.testing.assert_array_equal(FOLLOWER.track(pointed, MODEL), everywhere.track(pointed, MODEL))


def test_no_detour_leaves_the_ink() -> None:
    """The right arm of a U lies far from a skeleton that knows the left one only, but across paper, not along ink."""
    outline = [(0.37, 0.2), (0.43, 0.2), (0.43, 0.74), (0.67, 0.74), (0.67, 0.3), (0.73, 0.3), (0.73, 0.8), (0.37, 0.8)]
    lost = StrokeGoal.from_outline("S", outline, [(0.4, 0.23), (0.4, 0.77)])
    np.testing.assert_array_equal(FOLLOWER.track(lost, MODEL), Follower(heel=1.0).track(lost, MODEL))


def test_two_heels_are_two_detours() -> None:
    outline = [
        (0.37, 0.2), (0.43, 0.2), (0.43, 0.57), (0.67, 0.57), (0.67, 0.3), (0.73, 0.3), (0.73, 0.6),
        (0.77, 0.67), (0.7, 0.63), (0.4, 0.63), (0.33, 0.67), (0.37, 0.6),
    ]  # fmt: skip
    goal = StrokeGoal.from_outline("SZ", outline, [(0.4, 0.2), (0.4, 0.6), (0.7, 0.6), (0.7, 0.3)])
    skeleton = FOLLOWER.track(goal, MODEL)[:, 3:5] / 0.12
    left, right = (np.linalg.norm(skeleton - foot, axis=1) for foot in ((0.33, 0.67), (0.77, 0.67)))
    assert left.min() < 0.01
    assert right.min() < 0.01
    assert left.argmin() < right.argmin()


def test_a_straight_stroke_is_followed_at_an_even_pace() -> None:
    goal = heel()
    line = np.linspace((0.2, 0.5), (0.6, 0.5), SKELETON_POINTS).astype(np.float32)
    follower = Follower(heel=0.1)
    track = follower.track(StrokeGoal("H", line, goal.half_width, goal.outline), MODEL)
    steps = np.diff(track[1:-2, 3])
    assert np.ptp(steps) < 1e-6
    assert len(track) == follower.ticks(0.4 * 0.12) + 1


@pytest.mark.parametrize("bend", [0.0, 2.0])
def test_tracks_made_together_are_those_made_one_by_one(bend: float) -> None:
    follower = Follower(bend=bend)
    # Many, since what stands far behind in a batch must not be rounded otherwise either.
    goals = [
        shape_basis(kind).goal((0.5, 0.4, 0.01 * size, 0.3))
        for size, kind in enumerate(("H", "SG", "D", "HZG", "P", "N", "HZ") * 12, 1)
    ]
    tracks = follower.tracks([*goals, heel()], MODEL)
    assert len({len(track) for track in tracks}) > 1
    for track, goal in zip(tracks, [*goals, heel()], strict=True):
        np.testing.assert_array_equal(track, follower.track(goal, MODEL))


def test_directions_are_unit_vectors_even_where_the_path_turns_back_on_itself() -> None:
    there = np.linspace((0.3, 0.5), (0.7, 0.5), SKELETON_POINTS // 2)
    line = np.concatenate([there, there[::-1]]).astype(np.float32)
    goal = heel()
    # At 41 ticks one of them lies in the middle, where the means of the two headings cancel.
    for most in range(36, 48):
        follower = Follower(heel=0.1, least_ticks=most, most_ticks=most)
        track = follower.track(StrokeGoal("H", line, goal.half_width, goal.outline), MODEL)
        assert np.linalg.norm(track[:, 6:], axis=1) == pytest.approx(np.ones(len(track)))
