"""Glyphs in Taiwan's order of writing."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush import write_character
from hierbrush.characters import UnknownCharacterError, load_library
from hierbrush.characters.orders import load_order_reference
from hierbrush.characters.regional import _OUT, _OUT_ORDER, _may_be, order_in
from hierbrush.errors import HierbrushError
from hierbrush.writing import write_text


@pytest.mark.parametrize(
    ("char", "order"),
    [
        ("永", (0, 1, 2, 3, 4)),
        ("必", (0, 1, 2, 4, 3)),  # 心, then 撇
        ("忙", (0, 2, 1, 3, 4, 5)),  # 忄: dot, 竖, dot
        ("戈", (0, 1, 3, 2)),
        ("母", (0, 1, 2, 4, 3)),  # both dots, then 横
        ("乃", (1, 0)),
        ("里", (0, 1, 2, 3, 5, 4, 6)),
        ("出", (2, 0, 1, 3, 4)),  # the middle 竖 first
    ],
)
def test_taiwans_order_is_known_where_nothing_is_in_doubt(char: str, order: tuple[int, ...]) -> None:
    assert order_in(char, "tw") == order
    assert order_in(char, "prc") == tuple(range(len(order)))


@pytest.mark.parametrize(
    ("char", "why"),
    [
        ("花", "has 8 strokes in Taiwan and 7 in this glyph"),
        ("令", "has other strokes in Taiwan"),
        ("說", "nobody tells which of its like strokes comes first"),  # 丷 here, 八 there
        ("齉", "without a glyph"),
    ],
)
def test_what_is_in_doubt_is_refused_with_a_reason(char: str, why: str) -> None:
    with pytest.raises(UnknownCharacterError, match=why):
        order_in(char, "tw")


def test_every_order_is_taiwans_and_moves_few_strokes() -> None:
    library, reference, known = load_library(), load_order_reference(), 0
    for char in library:
        try:
            order = order_in(char, "tw")
        except UnknownCharacterError:
            continue
        known += 1
        assert sorted(order) == list(range(len(order)))
        types, wanted = library.stroke_types(char), reference.order(char, "tw")
        if order == tuple(range(len(order))):
            continue
        assert all(_may_be(types[number], digit) for number, digit in zip(order, wanted or "", strict=True))
    assert known > 6700


def test_the_first_stroke_of_chu_is_its_longest() -> None:
    library = load_library()
    for char in "出屈咄拙":
        types = library.stroke_types(char)
        start = next(at for at in range(len(types)) if types[at : at + 5] == _OUT)
        heights = [np.ptp(library[char].strokes[start + at].outline[:, 1]) for at in (1, _OUT_ORDER[0])]
        assert heights[1] > 1.5 * heights[0]


def test_a_glyph_is_written_in_taiwans_order() -> None:
    here, there = write_character("必"), write_character("必", order="tw")
    assert there.order == (0, 1, 2, 4, 3)
    assert [goal.stroke_type for goal in there.plan.goals] == ["D", "BXG", "D", "D", "P"]
    assert np.array_equal(here.image(64), there.image(64))


@pytest.mark.parametrize(
    ("how", "why"),
    [({"order": "jp"}, "is not one of prc, tw"), ({"order": "tw", "goal": "decomposition"}, "known of glyphs alone")],
)
def test_orders_that_there_are_not_are_refused(how: dict[str, str], why: str) -> None:
    with pytest.raises(HierbrushError, match=why):
        write_character("永", **how)  # type: ignore[arg-type]


def test_all_that_cannot_be_written_in_taiwans_order_is_told_at_once() -> None:
    with pytest.raises(UnknownCharacterError, match=r"column 3: '花'[\s\S]*column 5: '齉'"):
        write_text("必，花馬齉", order="tw")
    assert write_text("必，花馬", order="tw", missing="blank")
