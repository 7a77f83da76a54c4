from __future__ import annotations

import pytest

from hierbrush.characters import load_library
from hierbrush.characters.repertoire import CUT_OUT, TYPEFACES, Repertoire, repertoire


@pytest.mark.parametrize(
    ("char", "name"), [("门", "KaitiM GB"), ("永", "KaitiM GB"), ("門", "KaitiM Big5"), ("⺍", "UKai")]
)
def test_the_first_character_set_that_holds_it_is_the_typeface(char: str, name: str) -> None:
    assert TYPEFACES[repertoire(char).typeface] == name


@pytest.mark.parametrize(
    ("char", "levels"), [("永", (1, 1)), ("门", (1, 0)), ("門", (0, 1)), ("鬯", (2, 2)), ("铱", (1, 0)), ("⺍", (0, 0))]
)
def test_levels_of_both_character_sets(char: str, levels: tuple[int, int]) -> None:
    assert repertoire(char)[1:] == levels


def test_another_typeface_can_be_asked_for() -> None:
    assert repertoire("永", 1) == Repertoire(1, 1, 1)


def test_what_no_typeface_holds_was_cut_out_of_a_character() -> None:
    assert repertoire("斦") == Repertoire(CUT_OUT, 0, 0)
    found = [repertoire(char) for char in load_library()]
    cut_out = [told for told in found if told.typeface == CUT_OUT]
    assert len(cut_out) == 74
    assert {told[1:] for told in cut_out} == {(0, 0)}  # neither character set holds one
