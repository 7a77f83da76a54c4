"""What characters without a glyph are composed from."""

from __future__ import annotations

from pathlib import Path

import pytest

from hierbrush.characters import UnknownCharacterError, load_library
from hierbrush.characters.descriptions import DescriptionTable
from hierbrush.composer.descriptions import Describer, check_writable, description_of, load_describer, written_as
from hierbrush.composer.ids import MOST_STROKES, is_ids, parse_ids
from hierbrush.composer.tree import nodes_of
from hierbrush.errors import HierbrushError

LIBRARY = load_library()


def describer(tmp_path: Path, *lines: str) -> Describer:
    """Return the describer of a table of these lines and those that tell the names of parts."""
    (tmp_path / "table.txt").write_text("\n".join(("# a table", *lines)), encoding="utf-8")
    return Describer(DescriptionTable(tmp_path / "table.txt"), LIBRARY)


@pytest.mark.parametrize(
    ("char", "text"),
    [
        ("齉", "⿰鼻囊"),
        ("龘", "⿱龍⿰龍龍"),
        ("羣", "⿱君羊"),
        ("牀", "⿰爿木"),
        ("𪚥", "⿱⿰龍龍⿰龍龍"),
        ("𰻝", "⿺辶⿱穴⿱⿰月⿰⿱⿲幺言幺⿲长马长刂心"),
    ],
)
def test_characters_are_described_by_components_of_the_library(char: str, text: str) -> None:
    assert description_of(char) == text
    parse_ids(text, max_strokes=MOST_STROKES)


@pytest.mark.parametrize(
    ("char", "known"),
    [("\uf90a", "金"), ("⼈", "人"), ("⻖", "阝"), ("⺾", "艹"), ("爲", "為"), ("葛\ufe00", "葛"), ("永", "永")],
)
def test_other_code_points_of_a_known_character_are_that_character(char: str, known: str) -> None:
    assert description_of(char) == known


def test_what_cannot_be_described_is_refused_with_a_reason() -> None:
    with pytest.raises(
        UnknownCharacterError, match=r"'亐' \(U\+4E90\) has no glyph, and nobody knows how its part '㇉'"
    ):
        description_of("亐")
    with pytest.raises(UnknownCharacterError, match="or cross each other"):
        description_of("亜")
    with pytest.raises(UnknownCharacterError, match="is no Chinese character"):
        description_of("A")
    with pytest.raises(HierbrushError, match="has 2 characters"):
        description_of("永和")


def test_parts_have_the_names_that_training_characters_give_them_in_their_place(tmp_path: Path) -> None:
    # 踩 is a training character; the library calls the part on its left 足.
    table = describer(tmp_path, "踩\t⿰⻊采", "𠀀\t⿰⻊木", "𠀁\t⿱⻊木", "⻊\t⿱口止")
    assert table.describe("𠀀").text == "⿰足木"
    assert table.describe("𠀁").text == "⿱足木"


def test_a_name_is_not_believed_where_the_strokes_differ(tmp_path: Path) -> None:
    # As if the table had cut 休 otherwise than the library: 木 is no one-stroke 丨.
    table = describer(tmp_path, "休\t⿰丨木", "𠀀\t⿰丨月", "林\t⿰{9}木", "9\t⿱木木", "𠀁\t⿰{9}月")
    assert table.describe("𠀀").text == "⿰丨月"
    assert table.describe("𠀁").text == "⿰⿱木木月"


def test_another_characters_name_is_not_believed_after_one_meeting(tmp_path: Path) -> None:
    # As if the table took the 土 of 社 for 工, which has as many strokes.
    assert describer(tmp_path, "社\t⿰礻工", "𠀀\t⿰木工").describe("𠀀").text == "⿰木工"


def test_the_line_that_is_best_known_is_taken(tmp_path: Path) -> None:
    table = describer(tmp_path, "𠀀\t⿰𠀁木\t⿱日木", "𠀁\t⿱口止")
    assert table.describe("𠀀").text == "⿱日木"
    assert table.describe("𠀀").guesses == 0


def test_parts_of_themselves_and_endless_nests_are_refused(tmp_path: Path) -> None:
    deep = [f"{chr(0x20010 + level)}\t⿰木{chr(0x20011 + level)}" for level in range(20)]
    table = describer(tmp_path, "𠀀\t⿰木𠀁", "𠀁\t⿱𠀀口", *deep)
    for char in ("𠀀", "𠀁", "𠀐"):
        with pytest.raises(UnknownCharacterError):
            table.describe(char)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("⿺尾子", "⿰尾子"),  # legs are drawn beside
        ("⿸厥虫", "⿸厂⿱欮虫"),  # below what the frame holds already
        ("⿹殸玉", "⿰⿱声玉殳"),  # below the left side
        ("⿺辶木", "⿺辶木"),  # a frame that is known
    ],
)
def test_frames_that_nobody_shows_are_opened(line: str, text: str, tmp_path: Path) -> None:
    found = describer(tmp_path, f"𠀀\t{line}", "殸\t⿰声殳").describe("𠀀").text
    assert str(parse_ids(found, max_strokes=MOST_STROKES).tree) == str(parse_ids(text, max_strokes=MOST_STROKES).tree)


def test_crossing_parts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownCharacterError, match="cross each other"):
        describer(tmp_path, "𠀀\t⿻月木").describe("𠀀")


def test_a_text_is_checked_as_a_whole() -> None:
    check_writable("永龘\uf90a")
    with pytest.raises(UnknownCharacterError, match=r"text: character 2 of 3, '亜' \(U\+4E9C\) has no glyph"):
        check_writable("永亜和")
    with pytest.raises(HierbrushError, match="text: is empty"):
        check_writable("")


def test_what_has_a_glyph_needs_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hierbrush.composer.descriptions.load_describer", lambda: pytest.fail("loaded"))
    assert written_as("永") == "永"
    check_writable("永和九年")


def test_the_standards_are_covered() -> None:
    """Shares of Big5 and of the URO block; `benchmarks/bench_unicode.py` has China's table and all blocks."""
    pairs = (bytes([lead, trail]) for lead in range(0xA4, 0xFA) for trail in (*range(0x40, 0x7F), *range(0xA1, 0xFF)))
    big5 = {char for pair in pairs if len(char := pair.decode("big5", "ignore")) == 1 and char >= "一"}
    assert len(big5) > 13_000
    for chars, share in ((sorted(big5), 0.99), ([chr(code) for code in range(0x4E00, 0xA000)], 0.95)):
        refused = [char for char in chars[::5] if not is_described(char)]
        assert len(refused) <= (1 - share) * len(chars[::5]), refused


def is_described(char: str) -> bool:
    try:
        text = written_as(char)
    except UnknownCharacterError:
        return False
    return not is_ids(text) or bool(parse_ids(text, max_strokes=MOST_STROKES).stroke_types)


def test_a_description_does_not_depend_on_what_was_described_before() -> None:
    chars = "齉羣煒瀫歴嗀瘞獡叡麤臝"
    again = Describer(load_describer()._table, LIBRARY)
    forth = {char: again.describe(char) for char in chars if is_described(char)}
    assert len(forth) > 8
    for char in reversed(forth):
        assert load_describer().describe(char) == forth[char]


def test_a_character_with_a_glyph_is_taken_apart_by_the_table_alone() -> None:
    assert load_describer().describe("湖").text == "湖"
    assert load_describer().taken_apart("湖").text == "⿰氵胡"
    with pytest.raises(UnknownCharacterError):
        load_describer().taken_apart("一")


def test_characters_may_be_left_out_as_if_nobody_had_drawn_them() -> None:
    having = frozenset(
        char for char in LIBRARY if "龸" in [node.component.name for node in nodes_of(LIBRARY.decomposition(char))]
    )
    table = load_describer()._table
    assert load_describer().known.part("龸") is not None
    without = Describer(table, LIBRARY, having)
    assert without.known.part("龸") is None
    assert without.taken_apart("湖") == load_describer().taken_apart("湖")


def test_one_part_after_the_other_is_taken_for_what_else_it_may_be() -> None:
    assert load_describer().taken_apart("载").text == "⿹𢦏{#5}"
    assert "⿹𢦏车" in [other.text for other in load_describer().otherwise("载")]
