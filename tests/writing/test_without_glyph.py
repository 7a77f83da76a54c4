"""Characters that the library holds no glyph of are composed from what they are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hierbrush.characters import UnknownCharacterError
from hierbrush.errors import HierbrushError
from hierbrush.writing import Writing, load, write_character, write_characters, write_text


@pytest.fixture(scope="module")
def written() -> dict[str, Writing]:
    chars = "齉龘𰻝爲羣"
    return dict(zip(chars, write_characters(list(chars), policy="scripted"), strict=True))


@pytest.mark.parametrize(("char", "strokes"), [("齉", 36), ("龘", 48), ("𰻝", 42), ("羣", 13)])
def test_they_are_simply_written(char: str, strokes: int, written: dict[str, Writing]) -> None:
    writing = written[char]
    assert (writing.char, writing.goal, writing.composer) == (char, "decomposition", "learned")
    assert len(writing.strokes) == strokes
    assert writing.order is None
    assert writing.levels.primitive.iou > 0.7
    ink = writing.image(128)
    assert 0.05 < ink.mean() < 0.6
    assert max(ink[0].max(), ink[-1].max(), ink[:, 0].max(), ink[:, -1].max()) == 0.0


def test_another_code_point_of_a_known_character_is_written_as_it(written: dict[str, Writing]) -> None:
    same, glyph = written["爲"], write_character("為", policy="scripted")
    assert same.char == "爲"
    assert np.array_equal(same.image(64), glyph.image(64))
    assert same.scores == glyph.scores
    metal = write_character("\uf90a", goal="glyph", policy="scripted")
    assert (metal.char, metal.goal, metal.order) == ("\uf90a", "glyph", tuple(range(8)))


def test_confidence_tells_glyphs_compositions_and_guesses_apart(written: dict[str, Writing]) -> None:
    glyph = write_character("永", goal="glyph", policy="scripted")
    composed = write_character("永", goal="decomposition", policy="scripted")
    sure = [writing.confidence for writing in (glyph, composed, written["齉"], written["龘"], write_character("歴"))]
    assert sure[0] == 1.0
    assert all(one is not None and 0 < one < 1 for one in sure[1:])
    assert sorted(map(float, filter(None, sure)), reverse=True) == sure
    assert write_character("⿰木月", policy="scripted").confidence is None
    assert write_character("羣", composer="component means", policy="scripted").confidence is None


def test_they_load_back(tmp_path: Path, written: dict[str, Writing]) -> None:
    for suffix in ("json", "npz"):
        written["龘"].save(tmp_path / f"long.{suffix}")
        again = load(tmp_path / f"long.{suffix}")
        assert again == written["龘"]
        assert isinstance(again, Writing)
        assert again.confidence == written["龘"].confidence


def test_they_stand_in_a_text() -> None:
    page = write_text("永羣", policy="scripted")
    assert page.text == "永羣"
    assert [len(writing.strokes) for writing in page] == [5, 13]


def test_what_cannot_be_written_is_told_before_anything_is() -> None:
    with pytest.raises(
        HierbrushError, match=r"goal: '羣' \(U\+7FA3\) has no glyph to follow; use goal='decomposition'"
    ):
        write_character("羣", goal="glyph")
    with pytest.raises(UnknownCharacterError, match=r"'亜' \(U\+4E9C\) has no glyph, and"):
        write_character("亜")
    with pytest.raises(UnknownCharacterError, match=r"text: line 1, column 2: '亜'"):
        write_text("永亜")
