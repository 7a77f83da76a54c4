"""The table of what ideographs are made of, and the build that makes it from two packages."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from hierbrush.characters.descriptions import FILE, RADICALS, DescriptionTable, load_descriptions
from hierbrush.errors import HierbrushError
from hierbrush_build.characters.descriptions import described, joined, main, read_babelstone, read_cjk_decomp

TABLE = """module.exports = `休:a(亻,木)
亻:wr(丿,丨)
林:ra(木)
晶:r3tr(日)
亖:a(一,二,一,二)
品:d(口,吅,口)
弜:ra(弓)
粥:w(弜,米)
哀:split(衣,口)
丈:d/m(十,乂)
冂:a/t(丨,㇆)
⺅:me(亻)
丷:msp(八)
𠀁:a(木,12)
12:d(木,13)
13:c()
爲:d(爫,12)`;"""
ROWS = [
    ("休", "G", "⿰ 亻 朩"),
    ("𠀁", "T", "⿱ 日 {7}"),
    ("𠀁", "G", "⿰ 木 土"),
    ("𠀁", "Z", "⿰ 木 士"),
    ("𠀂", "G", "⿰ 木 〾"),
    ("𠀃", "G", "𠀃"),
]


@pytest.fixture
def packages(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "hanzi", tmp_path / "idsdb"
    first.mkdir()
    second.mkdir()
    (first / "cjk-decomp.txt.js").write_text(TABLE, encoding="utf-8")
    with closing(sqlite3.connect(second / "idsdecompose.db")) as database:
        database.execute("CREATE TABLE tempids (UCS, source, IDS_tokens)")
        database.executemany("INSERT INTO tempids VALUES (?, ?, ?)", ROWS)
        database.commit()
    return first, second


def test_configurations_become_operators(packages: tuple[Path, Path]) -> None:
    lines = described(read_cjk_decomp(packages[0]))
    assert {name: lines[name] for name in "休林晶亖品粥哀冂⺅𠀁"} == {
        "休": ["⿰亻木"],
        "林": ["⿰木木"],
        "晶": ["⿱日⿰日日"],
        "亖": ["⿰一⿲二一二"],
        "品": ["⿳口吅口"],
        "粥": ["⿲弓米弓"],
        "哀": ["⿻衣口"],
        "冂": ["⿰丨㇆"],
        "⺅": ["亻"],
        "𠀁": ["⿰木{12}"],
    }
    # What shares strokes, is only like its part, or has none cannot be put together.
    assert not {"丈", "丷", "亻", "13"} & set(lines)


def test_the_second_table_speaks_where_the_first_does_not_know_every_part(packages: tuple[Path, Path]) -> None:
    first, second = described(read_cjk_decomp(packages[0])), read_babelstone(packages[1])
    # China's line first; sources that nobody writes by, marks and lines that say nothing are left out.
    assert second == {"休": ["⿰亻朩"], "𠀁": ["⿰木土", "⿱日{b7}"]}
    both = joined(first, second)
    assert both["休"] == ["⿰亻木"]
    assert both["𠀁"] == ["⿰木{12}", "⿰木土", "⿱日{b7}"]


def test_the_build_writes_what_the_table_reads(packages: tuple[Path, Path], tmp_path: Path) -> None:
    options = ["--cjk-decomp", str(packages[0]), "--idsdb", str(packages[1]), "--out", str(tmp_path / "table.txt")]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 0, result.output
    table = DescriptionTable(tmp_path / "table.txt")
    assert table.of("𠀁") == (("⿰", ("木", "12")), ("⿰", ("木", "土")), ("⿱", ("日", "b7")))
    assert table.of("品") == (("⿳", ("口", "吅", "口")),)
    assert table.of("爲") == ("為",)
    assert table.of("永") == ()


@pytest.mark.parametrize("read", [read_cjk_decomp, read_babelstone])
def test_a_package_without_the_table_is_named(read: object, tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match="expected the npm package"):
        read(tmp_path)  # type: ignore[operator]
    (tmp_path / "package.tgz").write_bytes(b"no archive")
    with pytest.raises(HierbrushError, match=r"is no folder or \.tgz"):
        read(tmp_path / "package.tgz")  # type: ignore[operator]


def test_a_missing_table_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match=r"cannot be read.*reinstall hierbrush") as caught:
        DescriptionTable(tmp_path / "none.txt")
    assert "\n" not in str(caught.value)


def test_the_shipped_table_holds_every_block_and_says_whose_it_is() -> None:
    table = load_descriptions()
    assert len(table) > 110_000
    for char in "齉㐱𠀾𪜈𫝀𫠣𬺴𰀄𱍐𮯰":  # URO and Extensions A to I
        assert table.of(char), char
    head = FILE.read_text(encoding="utf-8")[:600]
    assert "Apache License" in head
    assert "BabelStone" in head


def test_every_line_of_the_shipped_table_is_whole() -> None:
    table = load_descriptions()
    for row in FILE.read_text(encoding="utf-8").splitlines():
        if not row.startswith("#"):
            name, *lines = row.split("\t")
            assert len(table.of(name)) == len(lines) > 0


def test_radicals_are_other_characters() -> None:
    assert all(chr(radical) != chr(char) for radical, char in RADICALS.items())
