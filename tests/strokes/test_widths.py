"""How wide strokes usually are, and strokes of another width."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.characters import load_library, split
from hierbrush.errors import HierbrushError
from hierbrush.strokes.goal import with_widths
from hierbrush.strokes.types import ABBREVIATIONS
from hierbrush.strokes.widths import usual_widths


def test_widths_are_those_of_characters_that_were_not_measured() -> None:
    library, ratios = load_library(), []
    for char in [char for char in library.characters if split(char) == "validation"][:60]:
        goals = [stroke.goal() for stroke in library[char].strokes]
        boxes = np.array([goal.box for goal in goals])
        usual = usual_widths([goal.stroke_type for goal in goals], boxes[:, 2:] - boxes[:, :2], len(goals))
        ratios.append(sum(goal.half_width.mean() for goal in goals) / usual.sum())
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.02)
    assert np.std(ratios) < 0.06


def test_no_box_makes_a_stroke_vanish() -> None:
    for sides in ((0.0, 0.0), (1.2, 0.001), (1.2, 1.2)):
        widths = usual_widths(ABBREVIATIONS, np.tile(sides, (len(ABBREVIATIONS), 1)), 48)
        assert ((widths > 0.009) & (widths < 0.029)).all()


@pytest.mark.parametrize("factor", [0.5, 1.6])
def test_a_stroke_is_as_many_times_as_wide_and_as_long(factor: float) -> None:
    goals = [stroke.goal() for stroke in load_library()["永"].strokes]
    scaled = with_widths(goals, np.full(len(goals), factor))
    for goal, other in zip(goals, scaled, strict=True):
        assert np.array_equal(goal.skeleton, other.skeleton)
        assert other.half_width.mean() / goal.half_width.mean() == pytest.approx(factor, rel=0.12)
        reach = 2 * abs(factor - 1) * float(goal.half_width.max())
        assert np.abs(np.subtract(goal.box, other.box)).max() <= reach


def test_the_usual_width_changes_nothing() -> None:
    goals = [stroke.goal() for stroke in load_library()["永"].strokes]
    assert with_widths(goals, np.ones(len(goals))) == goals
    with pytest.raises(HierbrushError, match=r"^factors: "):
        with_widths(goals, [1.0])
    with pytest.raises(HierbrushError, match=r"^factors: "):
        with_widths(goals, np.full(len(goals), np.nan))
