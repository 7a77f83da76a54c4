"""Composed characters that references write otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from hierbrush.characters import load_library
from hierbrush.composer.contradicted import load_contradicted
from hierbrush.composer.descriptions import confidence_of, description_of
from hierbrush.errors import HierbrushError
from hierbrush_build.contradicted import distance


def test_what_is_contradicted_has_no_glyph_and_is_so_in_one_way() -> None:
    found, library = load_contradicted(), load_library()
    assert not found.near & found.far
    assert not any(char in library for char in found.near | found.far | found.plainly)


def test_a_part_is_called_what_the_table_calls_it_where_that_comes_nearer() -> None:
    assert "蒖" in load_contradicted().plainly
    assert description_of("蒖") == "⿱艹真"  # and not 眞, which one training character has for it


def test_what_references_write_otherwise_is_less_sure() -> None:
    assert description_of("皣") == "⿰白華"  # whose 艹 has four strokes here, and three there
    assert confidence_of("皣") < confidence_of("湁")
    assert confidence_of("彛") < confidence_of("皣")


@pytest.mark.parametrize(
    ("one", "other", "strokes"),
    [("1234", "1234", 0), ("1234", "124", 1), ("124", "1324", 1), ("", "12", 2), ("12", "21", 2)],
)
def test_the_distance_of_two_orders_counts_strokes(one: str, other: str, strokes: int) -> None:
    assert distance(one, other) == distance(other, one) == strokes


def test_a_broken_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "contradicted.json"
    path.write_text("[]")
    with pytest.raises(HierbrushError, match="holds no comparison"):
        load_contradicted(path)
