"""Composed characters of which the composer is told no more than a user knows."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.characters.orders import order_classes
from hierbrush.sources.composed import matched, told_of
from hierbrush.writing import write_characters


def test_a_described_character_is_composed_without_its_glyph_and_compared_with_it() -> None:
    described, told = (write_characters(["湖"], goal="decomposition", described=at)[0] for at in (True, False))
    assert described.plan.decomposition.name == "⿰氵胡"
    assert described.order == tuple(range(len(described.strokes)))
    assert described.levels.composer is not None
    assert described.levels.composer.centre_error == pytest.approx(told.levels.composer.centre_error, abs=0.02)  # type: ignore[union-attr]


def test_what_the_table_cannot_say_is_told_by_the_glyph() -> None:
    (writing,) = write_characters(["一"], goal="decomposition", described=True)
    assert writing.order == (0,)


def test_strokes_are_matched_by_class_and_turn() -> None:
    assert matched(["S", "H"], ["H", "S"], [0, 1]) == [1, 0]
    assert matched(["H", "H", "S"], ["H", "S", "H"], [2, 0, 1]) == [2, 1, 0]
    assert matched(["SP"], ["P"], [0]) == [0]
    assert matched(["H"], ["H", "H"], [0]) == []


def test_strokes_of_one_character_are_about_as_wide_as_of_others_with_as_many() -> None:
    widths = [
        np.mean([goal.half_width.mean() for goal in writing.plan.goals])
        for writing in write_characters("湖潮清晚", goal="decomposition")
    ]
    assert max(widths) / min(widths) < 1.12


def test_what_the_table_says_otherwise_than_it_is_written_is_composed_as_the_part_of_others_that_it_is() -> None:
    written = write_characters("五戊戒", goal="decomposition", described=True)
    orders = [order_classes([goal.stroke_type for goal in writing.plan.goals]) for writing in written]
    assert orders == ["1251", "13534", "1132534"]  # and not ⿱一⿱力一, ⿰丿戈, ⿹戈艹


def test_a_part_that_is_no_character_of_the_library_is_written_alone() -> None:
    (writing,) = write_characters("𡗗")
    assert writing.goal == "decomposition"
    assert order_classes([goal.stroke_type for goal in writing.plan.goals]) == "11134"


@pytest.mark.parametrize(
    ("char", "order"),
    [
        ("薇", "1223322521"),  # 艹 of three strokes where references have three
        ("茲", "2112554554"),  # and of four where they have four
        ("酦", "125351153544"),  # the 发 of 泼, not that of 拔
        ("载", "1211521534"),  # the 车 of 轧
    ],
)
def test_a_part_gets_the_form_that_references_of_the_order_tell(char: str, order: str) -> None:
    brief = told_of(char)
    assert brief is not None
    assert order_classes([brief.stroke_types[row] for row in brief.library_order]).startswith(order)
