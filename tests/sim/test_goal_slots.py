"""Goals replaced in place steer brushes exactly as those of a constant bank do."""

import numpy as np
import pytest

from hierbrush.errors import HierbrushError
from hierbrush.sim import BrushModel, GoalBank, StrokeBatch
from hierbrush.sim.goal_slots import GoalSlots

SQUARE = np.array([[0.2, 0.2], [0.6, 0.2], [0.6, 0.4], [0.2, 0.4]])


def track(ticks: int, y: float) -> np.ndarray:
    course = np.zeros((ticks + 1, 8))
    course[:, 0] = course[:, 3] = np.linspace(0.03, 0.07, ticks + 1)
    course[:, 1] = course[:, 4] = y
    course[1:, 2], course[:, 5], course[:, 6] = 0.004, 0.003, 1.0
    return course


def test_a_replaced_goal_is_followed_as_in_a_bank_made_for_it() -> None:
    outlines, tracks = [SQUARE, SQUARE + 0.1], [track(9, 0.036), track(12, 0.048)]
    bank = GoalBank.build(outlines, tracks)
    slots = GoalSlots.empty(3, most_ticks=20)
    model = BrushModel()
    constant = StrokeBatch(bank, model, 3, seed=1)
    replaced = StrokeBatch(slots, model, 3, seed=1)
    for round_ in range(2):
        goals = [(slot + round_) % 2 for slot in range(3)]
        for slot, goal in enumerate(goals):
            slots.put(slot, outlines[goal], tracks[goal])
        constant.assign(goals)
        replaced.assign(np.arange(3))
        actions = np.random.default_rng(round_).uniform(-1, 1, (9, 3, 3)).astype(np.float32)
        for action in actions:
            constant.track(action)
            replaced.track(action)
            np.testing.assert_array_equal(constant.observation, replaced.observation)
            np.testing.assert_array_equal(constant.counts, replaced.counts)
        np.testing.assert_array_equal(constant.done, replaced.done)


def test_a_goal_too_long_for_its_slot_is_refused() -> None:
    slots = GoalSlots.empty(1, most_ticks=5)
    with pytest.raises(HierbrushError, match=r"^track: 8 elements, expected at most 6"):
        slots.put(0, SQUARE, track(7, 0.03))


@pytest.mark.parametrize("slot", [-1, 2, 0.0, True, None, "0"])
def test_a_slot_that_is_not_there_is_refused(slot: object) -> None:
    with pytest.raises(HierbrushError, match=r"^slot: "):
        GoalSlots.empty(2).put(slot, SQUARE, track(9, 0.03))  # type: ignore[arg-type]


def with_nan() -> np.ndarray:
    course = track(9, 0.03)
    course[4, 1] = np.nan
    return course


@pytest.mark.parametrize(
    ("outline", "course", "name"),
    [
        (SQUARE, with_nan(), "track"),
        (SQUARE, track(9, 0.03) + np.inf, "track"),
        (SQUARE, track(9, 50.0), "track"),
        (SQUARE, track(9, 0.03)[:, :7], "track"),
        (SQUARE, track(9, 0.03)[:1], "track"),
        (SQUARE, "course", "track"),
        (SQUARE, track(30, 0.03), "track"),
        (SQUARE * np.nan, track(9, 0.03), "outline"),
        (SQUARE * 6.0, track(9, 0.03), "mask"),
    ],
)
def test_a_refused_goal_leaves_the_slot_as_it_was(outline: np.ndarray, course: np.ndarray, name: str) -> None:
    slots = GoalSlots.empty(2, most_ticks=20)
    slots.put(1, SQUARE + 0.1, track(12, 0.048))
    before = {key: array.copy() for key, array in slots.arrays.items()}
    with pytest.raises(HierbrushError, match=f"^{name}: "):
        slots.put(1, outline, course)
    for key, array in before.items():
        np.testing.assert_array_equal(slots.arrays[key], array, err_msg=key)


def test_no_goal_is_replaced_under_a_batch_at_work() -> None:
    slots = GoalSlots.empty(2)
    batches = [StrokeBatch(slots, BrushModel(), 2) for _ in range(2)]
    before = slots.arrays["track"].copy()
    with batches[1]._turn, pytest.raises(HierbrushError, match=r"^slot: a batch is at work"):
        slots.put(0, SQUARE, track(9, 0.03))
    np.testing.assert_array_equal(slots.arrays["track"], before)
    slots.put(0, SQUARE, track(9, 0.03))
    batches[1].set_bank(GoalSlots.empty(2))
    with batches[1]._turn:
        slots.put(1, SQUARE, track(9, 0.03))
    del batches
    assert len(slots.turns) == 0


def test_a_goal_that_was_replaced_but_not_assigned_is_told() -> None:
    slots = GoalSlots.empty(1)
    batch = StrokeBatch(slots, BrushModel(), 1)
    slots.put(0, SQUARE, track(9, 0.03))
    for call in (batch.observe, lambda: batch.track(np.zeros(3)), lambda: batch.track_slots(np.zeros(3), 0)):
        with pytest.raises(HierbrushError, match=r"^window: .*must be assigned anew"):
            call()
    batch.assign(0)
    batch.track(np.zeros(3))
