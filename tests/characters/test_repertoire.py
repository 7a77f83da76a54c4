from __future__ import annotations

import pytest

from hierbrush.characters.repertoire import REPERTOIRES, repertoire


@pytest.mark.parametrize(("char", "name"), [("门", "GB 2312"), ("永", "GB 2312"), ("門", "Big5"), ("⺍", "neither")])
def test_the_first_character_set_that_holds_it(char: str, name: str) -> None:
    assert REPERTOIRES[repertoire(char)] == name
