from __future__ import annotations

import pytest

from hierbrush.characters import load_library
from hierbrush.characters.repertoire import IN_PLACE, TYPEFACES, Repertoire, repertoire


@pytest.mark.parametrize(
    ("char", "name"), [("门", "KaitiM GB"), ("永", "KaitiM GB"), ("門", "KaitiM Big5"), ("円", "UKai")]
)
def test_the_first_character_set_that_holds_it_is_the_typeface(char: str, name: str) -> None:
    assert TYPEFACES[repertoire(char).typeface] == name


@pytest.mark.parametrize(
    ("char", "levels"), [("永", (1, 1)), ("门", (1, 0)), ("門", (0, 1)), ("鬯", (2, 2)), ("铱", (1, 0)), ("円", (0, 0))]
)
def test_levels_of_both_character_sets(char: str, levels: tuple[int, int]) -> None:
    assert repertoire(char)[1:] == levels


def test_another_typeface_can_be_asked_for() -> None:
    assert repertoire("永", 1) == Repertoire(1, 1, 1)


def test_what_no_typeface_holds_was_cut_out_of_a_character() -> None:
    assert repertoire("斦") == Repertoire(IN_PLACE, 0, 0)


def test_radicals_forms_stand_in_place_where_ukai_draws_them() -> None:
    assert repertoire("訁") == repertoire("⺮") == Repertoire(IN_PLACE, 0, 0)
    assert TYPEFACES[repertoire("忄").typeface] == "KaitiM GB"
    assert TYPEFACES[repertoire("訁", 2).typeface] == "UKai"  # as asked


def test_what_stands_in_place_is_in_neither_character_set() -> None:
    in_place = [told for told in map(repertoire, load_library()) if told.typeface == IN_PLACE]
    assert len(in_place) == 74 + 20  # cut out, and radicals' forms; 氺 also stands alone
    assert {told[1:] for told in in_place} == {(0, 0)}
