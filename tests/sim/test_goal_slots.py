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
