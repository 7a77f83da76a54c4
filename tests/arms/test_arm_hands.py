"""Arms as hands: strokes written through them, one arm a slot, and lessons about what they did."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.arms.hands import ArmHands
from hierbrush.characters import load_library
from hierbrush.errors import HierbrushError
from hierbrush.metrics import SIDE, stroke_iou
from hierbrush.planner import Rollouts
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.rollout import write_strokes

STROKES = load_library()["人"].strokes + load_library()["十"].strokes

FAR = [[2.0, 0.1, 0.0], [2.0, 0.0, 0.0], [1.9, 0.0, 0.0], [1.9, 0.1, 0.0]]


def mean_iou(paths: list[np.ndarray]) -> float:
    return float(
        np.mean(
            [
                stroke_iou(trace(BrushModel(), [path], side=SIDE), rasterise([stroke.outline], SIDE))
                for stroke, path in zip(STROKES, paths, strict=True)
            ]
        )
    )


def test_strokes_are_written_where_arms_took_the_brush() -> None:
    goals = [stroke.goal() for stroke in STROKES]
    hand = write_strokes(goals, BrushModel())
    good, weak = (write_strokes(goals, BrushModel(), hand=ArmHands(2, arm=arm)) for arm in ("ur5e", "so101"))
    assert [path.shape for path in good] == [path.shape for path in hand]
    off = [np.abs(there - told).max() for there, told in zip(good, hand, strict=True)]
    assert 0 < max(off) < 2e-3
    assert mean_iou(good) == pytest.approx(mean_iou(hand), abs=0.02)
    assert mean_iou(weak) < mean_iou(hand) - 0.03


def test_the_same_seed_errs_the_same() -> None:
    goals, hand = [STROKES[0].goal()], ArmHands(1)
    hand.reseed(0)
    first = write_strokes(goals, BrushModel(), hand=hand)[0]
    hand.reseed(0)
    assert np.array_equal(write_strokes(goals, BrushModel(), hand=hand)[0], first)
    hand.reseed(1)
    assert not np.array_equal(write_strokes(goals, BrushModel(), hand=hand)[0], first)


def test_a_rollout_with_the_errors_of_a_hand_is_what_that_hand_wrote() -> None:
    from hierbrush.learning.guided.teaching import write

    goal, model = STROKES[0].goal(), BrushModel.preset("measured")

    def follower(seen: np.ndarray) -> np.ndarray:
        return np.zeros((len(seen), 3), np.float32)

    brushes = model.parameters()[None]
    rng = np.random.default_rng(0)
    (written,) = write([goal], brushes, follower, 0.0, rng, hand=ArmHands(1))
    assert written.errors is not None
    assert written.errors.shape == (len(written.actions), 3)
    assert 1e-4 < np.abs(written.errors).max() < 5e-3
    wanted = rasterise([goal.outline], SIDE)
    same, clean = (Rollouts(goal, model, wanted, 1, errors=errors) for errors in (written.errors, None))
    (path,) = write_strokes([goal], model, hand=ArmHands(1))
    ink = trace(model, [path], side=SIDE)
    found = same.write(written.actions[None])
    assert same.iou(found)[0] == pytest.approx(stroke_iou(ink, wanted), abs=0.02)
    assert clean.iou(clean.write(written.actions[None]))[0] > same.iou(found)[0]


def test_lessons_know_where_the_arm_was_off() -> None:
    from hierbrush.learning.guided.teaching import teach

    def follower(seen: np.ndarray) -> np.ndarray:
        return np.zeros((len(seen), 3), np.float32)

    goals = [stroke.goal() for stroke in STROKES[:2]]
    without, through = (
        teach(goals, follower, np.random.default_rng(0), brush=0.0, noise=0.0, hand=hand)
        for hand in (None, ArmHands(2))
    )
    assert through.obs.shape == without.obs.shape
    assert through.fitness.mean() < without.fitness.mean()
    # There is more to make up for.
    assert np.abs(through.actions).mean() > np.abs(without.actions).mean()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"slots": 0}, "slots"),
        ({"slots": 1, "arm": "ur6e"}, "none of ur5e"),
        ({"slots": 1, "cell": 1.0}, "cell: 1.0"),
        ({"slots": 1, "arm": {"model": "so101", "points": FAR}}, "so101 does not reach the middle of a box of 30 mm"),
    ],
)
def test_what_is_no_hand_is_told(options: dict[str, object], told: str) -> None:
    with pytest.raises(HierbrushError, match=told):
        ArmHands(**options)  # type: ignore[arg-type]
