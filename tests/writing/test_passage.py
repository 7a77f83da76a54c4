"""Text as people paste it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hierbrush.characters import marks
from hierbrush.errors import HierbrushError
from hierbrush.metrics import stroke_iou
from hierbrush.sim import rasterise, trace
from hierbrush.sources import Request
from hierbrush.strokes.types import ABBREVIATIONS
from hierbrush.writing import (
    Layout,
    Page,
    load,
    write,
    write_character,
    write_characters,
    write_pages,
    write_text,
)
from hierbrush.writing.passage import BLANK, rows_of, writable

PUNCTUATION = "，。、；：？！「」『』“”‘’（）《》〈〉—…·々〇〻０１２３４５６７８９0123456789"


def box(image: np.ndarray) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the ink in shares of the box."""
    rows, columns = np.nonzero(image > 0.5)
    side = len(image)
    return columns.min() / side, rows.min() / side, (columns.max() + 1) / side, (rows.max() + 1) / side


def test_what_is_invisible_is_left_out_and_spaces_are_blank_cells() -> None:
    pasted = "\ufeff永\u200b和\ufe0f九\U000e0100 年\u3000歲\t在\r\n癸\r丑\u2028。  \n\n"
    assert writable(pasted) == f"永和九{BLANK}年{BLANK}歲{BLANK}在\n癸\n丑\n。"


def test_a_page_has_cells_for_blanks_and_no_writing_there(tmp_path: Path) -> None:
    page = write_text("永 和\n，", policy="scripted", layout="horizontal")
    assert [writing.char for writing in page] == ["永", "和", "，"]
    assert [round((cell.x - page.layout.margin) / 0.126) for cell in page.cells] == [0, 2, 0]
    for kind in ("json", "npz"):
        assert load(page.save(tmp_path / f"x.{kind}")) == page


@pytest.mark.parametrize("text", ["心無{⿱罒圭}礙", "心無⿱罒圭礙", "心無{⿱罒\u200b圭}礙"])
def test_descriptions_stand_in_a_text(text: str, tmp_path: Path) -> None:
    page = write_text(text, policy="scripted")
    assert [writing.char for writing in page] == ["心", "無", "⿱罒圭", "礙"]
    assert page.text == "心無{⿱罒圭}礙"
    # Some follow their glyphs, some are composed, and both load back as they are.
    assert [writing.goal for writing in page] == ["glyph", "glyph", "decomposition", "glyph"]
    assert load(page.save(tmp_path / "x.json")) == page


def test_strokes_and_numbers_stand_in_braces_of_their_own() -> None:
    assert [unit.text for unit in rows_of("永{S HZ H}{永}⿰木{S HZ H}和")[0]] == [
        "永", "{S HZ H}", "永", "⿰木{S HZ H}", "和"
    ]  # fmt: skip
    assert writable("永{S HZ H}{永}⿰木{S HZ H}和") == "永{S HZ H}永{⿰木{S HZ H}}和"


@pytest.mark.parametrize("direction", ["vertical", "horizontal"])
def test_every_mark_is_written_as_it_is_drawn(direction: str) -> None:
    chosen = list(dict.fromkeys([*PUNCTUATION, *(form for form in marks._marks() if form in PUNCTUATION)]))
    for writing in write_characters(chosen, direction=direction):
        assert writing.goal == "glyph"
        for stroke in writing.strokes:
            assert stroke.stroke_type in ABBREVIATIONS
            ink = trace(writing.brush, [stroke.path], side=256)
            assert stroke_iou(ink, rasterise([stroke.reference], 256)) > 0.85, writing.char
        left, top, right, bottom = box(writing.image(128))
        assert 0.0 <= left < right <= 1.0
        assert 0.0 <= top < bottom <= 1.0


def test_forms_that_are_not_met_in_texts_are_sound_too() -> None:
    for form in marks._marks():
        assert all(goal.length > 0 and goal.half_width.max() < 0.06 for goal in marks._goals(form)), form


@pytest.mark.parametrize(
    ("char", "direction", "place"),
    [
        ("，", "horizontal", (0.0, 0.6, 0.4, 1.0)),
        ("。", "horizontal", (0.0, 0.6, 0.4, 1.0)),
        ("，", "vertical", (0.6, 0.0, 1.0, 0.4)),
        ("。", "vertical", (0.6, 0.0, 1.0, 0.4)),
        ("、", "vertical", (0.6, 0.0, 1.0, 0.4)),
        ("·", "vertical", (0.4, 0.4, 0.6, 0.6)),
        ("！", "vertical", (0.4, 0.1, 0.6, 0.9)),
        ("—", "horizontal", (0.0, 0.4, 1.0, 0.6)),
        ("—", "vertical", (0.4, 0.0, 0.6, 1.0)),
        ("「", "horizontal", (0.5, 0.0, 1.0, 0.7)),
        ("「", "vertical", (0.3, 0.5, 1.0, 1.0)),
        ("（", "vertical", (0.0, 0.6, 1.0, 1.0)),
    ],
)
def test_marks_stand_where_the_direction_asks_for(
    char: str, direction: str, place: tuple[float, float, float, float]
) -> None:
    (writing,) = write_text(char, layout=direction)
    left, top, right, bottom = box(writing.image(128))
    assert place[0] <= left < right <= place[2]
    assert place[1] <= top < bottom <= place[3]


def test_a_character_alone_may_be_a_mark() -> None:
    assert write_character("，") == write_text("，", layout="horizontal")[0]
    assert write_character("，", goal="decomposition").goal == "glyph"
    assert np.array_equal(write_character("1").image(), write_character("１").image())


def test_all_that_cannot_be_written_is_told_with_its_places() -> None:
    with pytest.raises(HierbrushError) as caught:
        write_text("永abc，\nカ亜和{⿰木}\nabc")
    lines = str(caught.value).splitlines()
    assert [line.partition(" is ")[0].partition(" has ")[0] for line in lines] == [
        "text: line 1, column 2; line 3, column 1: 'abc'",
        "text: line 2, column 1: 'カ' (U+30AB)",
        "text: line 2, column 2: '亜' (U+4E9C)",
        "text: line 2, column 4: '⿰木'",
    ]
    assert "Latin letters are not written yet" in lines[0]
    assert "kana are not written yet" in lines[1]


def test_a_message_names_twenty_things_at_most() -> None:
    with pytest.raises(HierbrushError) as caught:
        writable("永".join(chr(0xAC00 + at) for at in range(50)))
    assert len(str(caught.value).splitlines()) == 21
    assert str(caught.value).endswith("30 more things cannot be written")


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ("blank", f"永{BLANK}{BLANK}和"),
        ("box", "永□□和"),
        ({"a": "甲", "b": ""}.get, "永甲和"),
        (lambda char: "⿰木月", "永{⿰木月}{⿰木月}和"),
    ],
)
def test_missing_decides_what_stands_there(missing: Any, text: str) -> None:
    assert writable("永ab和", missing) == text


def test_missing_is_checked() -> None:
    for missing, message in (
        ("blnk", "missing: 'blnk' is not one of error, blank, box; did you mean 'blank'"),
        (lambda char: "z", "missing: gave 'z' for 'a', expected text that can be written"),
        (lambda char: 3, "missing: gave 3 for 'a'"),
        (lambda char: None, "text: line 1, column 2: 'a'"),
    ):
        with pytest.raises(HierbrushError, match=message):
            write_text("永a", missing=missing)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("永{⿱罒圭", r"line 1, column 2: '\{' is not closed"),
        ("永\n和}", r"line 2, column 2: '\}' closes no description"),
        ("永{}", "line 1, column 2: '' is no description: is empty"),
        ("永\ud800", r"U\+D800 is half of a surrogate pair"),
        (" \u3000\n", "text: is empty"),
    ],
)
def test_malformed_text_is_one_line(text: str, message: str) -> None:
    with pytest.raises(HierbrushError, match=message) as caught:
        writable(text)
    assert "\n" not in str(caught.value)


def test_marks_are_not_parted_from_their_neighbours() -> None:
    layout = Layout(per_line=3)
    assert layout.lines("永和九，年") == ["永和", "九，年"]
    assert layout.lines("永和「九」年") == ["永和", "「九」", "年"]
    assert layout.lines("永和——年") == ["永和", "——年"]
    assert layout.lines("，，，，，") == ["，，，", "，，"]
    assert Layout(per_line=1).lines("永，") == ["永", "，"]


def test_a_text_flows_over_sheets(tmp_path: Path) -> None:
    layout = Layout.on("A4", rows=2, columns=2)
    text = "永和九，年\n\n一二三"
    pages = write_pages(text, layout=layout, policy="scripted")
    assert [page.text for page in pages] == ["永和\n九，", "年", "一二\n三"]
    assert "".join(writing.char for page in pages for writing in page) == "永和九，年一二三"
    for page in pages:
        assert (page.width, page.height) == (0.21, 0.297)
        assert load(page.save(tmp_path / "x.json")) == page
        for cell in page.cells:
            assert 0.0175 - 1e-9 <= cell.x <= 0.21 - 0.0175 - cell.side + 1e-9
    with pytest.raises(HierbrushError, match=r"text: fills 3 sheets of this layout; write_pages writes them"):
        write_text(text, layout=layout)


def test_ctrl_c_keeps_the_sheets_of_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_BATCH", 3)

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(write.WritingInterrupted) as caught:
        write_pages("一二三十口", layout=Layout.on("A4", rows=1, columns=2), policy="scripted", progress=stop)
    assert [page.text for page in caught.value.pages] == ["一\n二", "三"]
    assert caught.value.page == caught.value.pages[0]


def test_paper_rows_columns_and_cells_agree() -> None:
    a4 = Layout.on("a4")
    assert (a4.lines_per_page, a4.paper_size) == (8, (0.21, 0.297))
    across = Layout.on("A4", direction="horizontal")
    assert (across.per_line, across.lines_per_page) == (8, 11)
    assert Layout.on("四尺對開").paper_size == (0.345, 1.38)
    assert Layout.on("297x210").paper_size == (0.297, 0.21)
    full = Layout.on("A4", rows=12, columns=9, grid="米")
    assert (full.per_line, full.lines_per_page, full.spacing, full.line_spacing) == (12, 9, 0.0, 0.0)
    assert len(full.boxes("永")) == 108
    assert Layout.from_mapping({"paper_size": [0.21, 0.297], "cell": 0.02}).paper_size == (0.21, 0.297)


@pytest.mark.parametrize(
    ("paper", "fields", "message"),
    [
        ("A44", {}, "paper: 'A44' is no paper that is known; did you mean 'A4'"),
        (3, {}, "paper: 3, expected a name such as 'A4'"),
        ((0.2,), {}, "paper: .*, expected a name"),
        ("1x1", {}, "paper: 0.001, expected metres from 0.01 to 5"),
        ("A4", {"rows": 0}, "layout: rows: 0, expected a whole number from 1"),
        ("A4", {"cell": 0.05, "rows": 9}, "layout: per_line: 9 of 50 mm .* do not fit .*; 5 do"),
        ("A4", {"cell": 0.5}, "layout: per_line: 1 of 500 mm .*; 0 do"),
        ("A4", {"grid": "rice"}, "layout: grid: 'rice' is not one of square, 田, 米"),
        ("A4", {"margin": 0.2}, "layout: cell: 0.0, expected metres"),
        ("四尺", {"cell": 0.001, "margin": 0.0}, "layout: cell: makes more than 100,000 on a paper"),
    ],
)
def test_paper_that_does_not_fit_is_told(paper: Any, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        Layout.on(paper, **fields)


def test_a_grid_is_drawn_and_not_inked(tmp_path: Path) -> None:
    from PIL import Image

    plain = write_text("一", policy="scripted")
    grids = [Page("一", plain, Layout(grid=grid)) for grid in ("square", "田", "米")]
    assert all(np.array_equal(page.image(64), plain.image(64)) for page in grids)
    assert all(page.paths[0].tolist() == plain.paths[0].tolist() for page in grids)
    coloured = []
    for page in grids:
        with Image.open(page.save(tmp_path / "x.png", size=64)) as picture:
            pixels = np.asarray(picture.convert("RGB")).astype(int)
        coloured.append(int((pixels[..., 0] - pixels[..., 2] > 20).sum()))
        assert "stroke-width" in page.save(tmp_path / "x.svg").read_text()
    assert 0 < coloured[0] < coloured[1] < coloured[2]
    with Image.open(plain.save(tmp_path / "x.png")) as picture:
        assert picture.mode == "L"


def test_pdf_has_a_page_for_every_sheet(tmp_path: Path) -> None:
    import re
    import zlib

    from hierbrush.writing.outputs import Output

    pages = write_pages("一二三", layout=Layout.on("A4", rows=1, columns=2, grid="田"), policy="scripted")
    content = Output.of("pdf").render_all(pages, title="一二三")
    assert content.startswith(b"%PDF-1.")
    assert b"/Count 2" in content
    assert content.count(b"/MediaBox [0 0 595.276 841.890]") == 2
    # The table at the end names the byte at which every object begins.
    start = int(re.findall(rb"startxref\n(\d+)", content)[0])
    places = re.findall(rb"(\d{10}) 00000 n ", content[start:])
    for number, place in enumerate(places, 1):
        assert content[int(place) :].startswith(b"%d 0 obj" % number)
    for stream in re.findall(rb"stream\n(.*?)\nendstream", content, re.DOTALL):
        drawn = zlib.decompress(stream)
        assert b" m " in drawn
        assert b" re" in drawn
    assert pages[0].save(tmp_path / "x.pdf").read_bytes().count(b"/MediaBox") == 1


def test_ctrl_c_keeps_the_pages_of_a_pdf_that_are_done() -> None:
    from hierbrush.writing.exports import pdf

    page = write_text("一", policy="scripted")

    def sheets() -> Any:
        yield page
        raise KeyboardInterrupt

    assert b"/Count 1" in pdf.render(sheets(), "")


def test_marks_that_mean_something_in_svg_are_escaped(tmp_path: Path) -> None:
    from xml.etree import ElementTree

    ElementTree.parse(write_text('"永"', policy="scripted").save(tmp_path / "x.svg"))


@pytest.mark.parametrize(
    ("text", "layout", "cells"),
    [
        ("三月12日", "vertical", ["三", "月", "12", "日"]),
        ("三月12日", "horizontal", ["三", "月", "12", "日"]),
        ("1997年8月", "horizontal", ["19", "97", "年", "8", "月"]),
        ("365日", "horizontal", ["3", "65", "日"]),
        ("12,800米，1.5倍", "horizontal", ["12", ",8", "00", "米", "，", "1", ".5", "倍"]),
        ("1997年8月", "vertical", ["1", "9", "9", "7", "年", "8", "月"]),
        ("１２日", "vertical", ["１", "２", "日"]),  # full-width: a cell each is what was asked for
    ],
)
def test_two_digits_share_a_cell_where_the_direction_allows(text: str, layout: str, cells: list[str]) -> None:
    page = write_text(text, layout=layout, policy="scripted")
    assert [writing.char for writing in page] == cells
    assert [writing.char for writing in write_text(page.text, layout=layout, policy="scripted")] == cells


def test_the_digits_of_a_pair_stand_side_by_side() -> None:
    (pair,) = write_text("42", policy="scripted")
    middles = [float(np.mean(goal.outline[:, 0])) for goal in pair.plan.goals]
    assert middles[0] < 0.4 < 0.6 < middles[-1]


def test_a_number_is_not_parted_at_the_end_of_a_line() -> None:
    layout = Layout("horizontal", per_line=6)
    assert layout.lines("面积12,800平米") == ["面积", "12,800", "平米"]
    assert layout.lines("1234567890") == ["123456", "7890"]  # longer than a line


@pytest.mark.parametrize(
    ("text", "layout", "cells"),
    [
        (
            "曰：「不亦說乎？」",
            "vertical",
            ["曰", "：「", "不", "亦", "說", "乎", "？", "」"],
        ),
        ("曰：「不亦說乎？」", "horizontal", ["曰", "：「", "不", "亦", "說", "乎", "？」"]),
        ("「永。」』「和」", "vertical", ["「", "永", "。」", "』「", "和", "」"]),
        ("永，和……", "horizontal", ["永", "，", "和", "…", "…"]),
    ],
)
def test_neighbouring_marks_share_a_cell(text: str, layout: str, cells: list[str]) -> None:
    page = write_text(text, layout=layout, policy="scripted")
    assert [writing.char for writing in page] == cells
    assert [writing.char for writing in write_text(page.text, layout=layout, policy="scripted")] == cells


@pytest.mark.parametrize("direction", ["vertical", "horizontal"])
@pytest.mark.parametrize("couple", ["。」", "』「", "：「", "「『", "》，"])
def test_each_of_two_marks_takes_its_half_of_the_cell(couple: str, direction: str) -> None:
    along = int(direction == "vertical")
    first = len(marks.mark_goals(couple[0], direction))
    ink = [goal.outline[:, along] for goal in marks.mark_goals(couple, direction)]
    assert np.concatenate(ink[:first]).max() <= 0.51
    assert np.concatenate(ink[first:]).min() >= 0.49
    assert np.concatenate(ink).max() <= 1


def test_a_closing_mark_hangs_over_a_line_where_the_margin_has_room() -> None:
    wide = Layout.on("A4", rows=3, columns=3, margin=0.06, cell=0.02)
    assert wide.lines("永和九，年") == ["永和九，", "年"]
    assert wide.lines("永和九，") == ["永和九，"]
    assert wide.lines("永和九「年」") == ["永和九", "「年」"]
    assert wide.lines("永和九……") == ["永和", "九……"]  # … needs all of its cell
    assert wide.pages("永和九，年") == ["永和九，\n年"]
    paper = wide.paper("永和九，年")
    assert all(y + paper.cell <= paper.height and x + paper.cell <= paper.width for x, y in paper.corners)
    narrow = Layout.on("A4", rows=3, columns=3, margin=0.01)
    assert narrow.lines("永和九，年") == ["永和", "九，年"]


def test_marks_that_share_a_cell_are_parted_at_the_end_of_a_line() -> None:
    assert Layout(per_line=3).lines("子曰{：「}學") == ["子曰：", "「學"]


@pytest.mark.parametrize(("name", "direction"), [("报纸", "horizontal"), ("論語", "vertical")])
def test_no_line_of_a_passage_begins_or_ends_with_a_mark_that_must_not(name: str, direction: str) -> None:
    file = Path(__file__).parents[2] / "benchmarks" / "passages" / f"{name}.txt"
    layout = Layout.on("A4", direction=direction, columns=12)
    text = writable(file.read_text(encoding="utf-8"), request=Request(direction=direction))
    lines = [row for page in layout.pages(text) for row in layout.rows(page) if row]
    assert any(len(row) > layout.per_line for row in lines if layout.per_line), "some hang"
    for row in lines:
        assert marks.folded(row[0][0]) not in marks.NEVER_FIRST
        assert marks.folded(row[-1][-1]) not in marks.NEVER_LAST
