from __future__ import annotations

import numpy as np
import pytest

from hierbrush.characters import load_library
from hierbrush.errors import HierbrushError
from hierbrush.sim import BrushModel, GoalBank, StrokeBatch, rasterise, trace
from hierbrush.strokes.follower import FOLLOWER
from hierbrush.strokes.rollout import CONTROLS, stroke_policy, write_strokes

MODEL = BrushModel.preset("measured")


@pytest.fixture(scope="module")
def glyph():
    return load_library()["永"]


def iou(path: np.ndarray, outline: np.ndarray) -> float:
    ink, wanted = trace(MODEL, [path]) >= 0.5, rasterise([outline], 256) >= 0.5
    return float((ink & wanted).sum() / (ink | wanted).sum())


def test_the_follower_runs_along_the_skeleton_and_comes_to_rest(glyph) -> None:
    for stroke in glyph.strokes:
        goal = stroke.goal()
        track = FOLLOWER.track(goal, MODEL)
        assert track[0, 2] == -FOLLOWER.height
        assert (track[1:, 2] >= 0).all()
        assert track[0, 3:5] == pytest.approx(goal.skeleton[0] * 0.12, abs=1e-6)
        assert track[-1, 3:5] == pytest.approx(goal.skeleton[-1] * 0.12, abs=1e-6)
        assert np.array_equal(track[-1], track[-2])
        assert np.array_equal(track[-1], track[-3])
        assert np.hypot(track[:, 6], track[:, 7]) == pytest.approx(1.0)
        assert FOLLOWER.least_ticks <= len(track) - 1 <= FOLLOWER.most_ticks


def test_the_follower_writes_and_randomness_does_worse(glyph) -> None:
    goals = [stroke.goal() for stroke in glyph.strokes]
    scripted = write_strokes(goals, MODEL)
    random = write_strokes(goals, MODEL, policy="random", seed=3)
    figures = [
        [iou(path, stroke.outline) for path, stroke in zip(paths, glyph.strokes, strict=True)]
        for paths in (scripted, random)
    ]
    assert np.mean(figures[0]) > 0.85
    assert np.mean(figures[1]) < np.mean(figures[0]) - 0.1


def test_zero_is_the_follower(glyph) -> None:
    goals = [stroke.goal() for stroke in glyph.strokes]
    for first, second in zip(
        write_strokes(goals, MODEL, policy="zero"), write_strokes(goals, MODEL, policy="scripted"), strict=True
    ):
        assert np.array_equal(first, second)


def test_paths_start_and_end_at_rest_in_the_air(glyph) -> None:
    for path in write_strokes([stroke.goal() for stroke in glyph.strokes], MODEL, policy="random", seed=1):
        assert path[0, 2] == pytest.approx(-FOLLOWER.height, abs=1e-9)
        assert path[-1, 2] == pytest.approx(-FOLLOWER.height, abs=1e-9)
        # The spline's first and last half ticks: a 48th of a command's step.
        for step in (path[1] - path[0], path[-1] - path[-2]):
            assert np.linalg.norm(step) < 0.001


def test_what_is_traced_is_what_was_simulated(glyph) -> None:
    """The path's ink on a plain paper equals the ink of the slot in which the stroke was written."""
    goals = [stroke.goal() for stroke in glyph.strokes]
    tracks = [FOLLOWER.track(goal, MODEL) for goal in goals]
    batch = StrokeBatch(GoalBank.build([goal.outline for goal in goals], tracks), MODEL, len(goals), observation="none")
    batch.assign(np.arange(len(goals)))
    for tick in range(max(len(track) for track in tracks) - 1):
        writing = np.array([tick < len(track) - 1 for track in tracks])
        for slot in np.flatnonzero(writing):
            batch.track(np.zeros(3), int(slot), int(slot) + 1)
    for slot, path in enumerate(write_strokes(goals, MODEL)):
        left, top, width, height = batch.bank.window[slot]
        paper = np.zeros((256 + 2 * height, 256 + 2 * width), dtype=bool)
        paper[height + top :, width + left :][:height, :width] = batch.ink(slot)
        traced = trace(MODEL, [path], supersample=1) >= 0.5
        # Lifting may darken a pixel or two where the tuft contracts.
        assert np.count_nonzero(traced ^ paper[height : height + 256, width : width + 256]) <= 4


def test_many_strokes_at_once_equal_one_at_a_time(glyph) -> None:
    goals = [stroke.goal() for stroke in glyph.strokes]
    together = write_strokes(goals, MODEL)
    alone = [write_strokes([goal], MODEL)[0] for goal in goals]
    assert all(np.array_equal(a, b) for a, b in zip(together, alone, strict=True))


def test_noise_shakes_the_hand_and_follows_the_seed(glyph) -> None:
    goals = [stroke.goal() for stroke in glyph.strokes]
    steady, shaky, again, other = (
        write_strokes(goals, MODEL, noise=noise, seed=seed)
        for noise, seed in ((0.0, 0), (5e-4, 0), (5e-4, 0), (5e-4, 1))
    )
    assert all(np.array_equal(a, b) for a, b in zip(shaky, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(shaky, other, strict=True))
    errors = np.concatenate([(a - b)[2:-20:2] for a, b in zip(shaky, steady, strict=True)])
    assert errors.std() == pytest.approx(5e-4, rel=0.15)


@pytest.mark.parametrize("name", ["scriptd", "learnd", ""])
def test_unknown_policies_are_named(name: str) -> None:
    with pytest.raises(HierbrushError, match="policy"):
        stroke_policy(name)


def test_controls_answer_for_every_stroke() -> None:
    for make in CONTROLS.values():
        action = make(0).bind(["H", "S"])(np.zeros((2, 0), np.float32))
        assert action.shape == (2, 3)
        assert np.abs(action).max() <= 1
