"""The HTML export: one file with the player and all that it plays."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import hierbrush
from hierbrush.resources import page_file
from hierbrush.writing.exports import html
from hierbrush.writing.exports.html import BOX_UNITS, PATH_UNITS, player_data, points

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def numbers(text: str) -> list[int]:
    """Return the numbers in a text of base 64 variable-length quantities, as ECMA-426 has them."""
    found, value, shift = [], 0, 0
    for digit in map(DIGITS.index, text):
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            found.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    return found


def decoded(columns: list[str], units: float, order: int = 1) -> np.ndarray:
    whole = np.array([numbers(column) for column in columns], np.float64).T
    for _ in range(order):
        whole = np.cumsum(whole, axis=0)
    return whole / units


@pytest.mark.parametrize("order", [1, 2])
def test_numbers_come_back(order: int) -> None:
    rng = np.random.default_rng(order)
    for most in (1, 31, 2**20, 2**40):
        column = [0, most, -most, *rng.integers(-most, most, 50, endpoint=True).tolist()]
        assert decoded(points(np.array(column)[:, None], 1.0, order=order), 1.0, order)[:, 0].tolist() == column


def test_paths_are_kept_on_the_simulators_grid() -> None:
    writing = hierbrush.write_character("永")
    (character,) = player_data(writing)["characters"]
    for stroke, written in zip(character["strokes"], writing.strokes, strict=True):
        grid = np.rint(written.path * 2.0**32) / 2.0**32
        assert np.array_equal(decoded(stroke["path"], PATH_UNITS, 2), grid)
        assert np.abs(decoded(stroke["outline"], BOX_UNITS) - written.reference).max() < 1 / BOX_UNITS
        assert stroke["iou"] == pytest.approx(written.iou, abs=1e-4)


def test_a_composed_character_tells_goal_and_glyph() -> None:
    writing = hierbrush.write_character("歡", goal="decomposition")
    (character,) = player_data(writing)["characters"]
    assert len(character["glyph"]) == len(character["strokes"])
    assert character["iou"] == pytest.approx(writing.scores.iou, abs=1e-4)
    assert character["goal_iou"] == pytest.approx(writing.levels.primitive.iou, abs=1e-4)
    assert character["tree"]["operator"] == "⿰"


def test_a_character_that_comes_twice_is_worked_out_once_and_stands_twice() -> None:
    first, second = player_data(hierbrush.write_text("永永", layout="horizontal"))["characters"]
    assert first["x"] != second["x"]
    assert first["strokes"] == second["strokes"]


def test_a_file_is_whole_and_asks_for_nothing(tmp_path: Path) -> None:
    writing = hierbrush.write_text("永\n和", layout="horizontal")
    content = writing.save(tmp_path / "page.html").read_text("utf-8")
    assert page_file("hierbrush-player.js").read_text("utf-8") in content
    assert re.findall(r'(?:src|href)="', content) == []
    (data,) = re.findall(r'<script type="application/json" id="writing">(.*?)</script>', content, re.DOTALL)
    assert json.loads(data) == json.loads(json.dumps(player_data(writing)))


def test_what_is_written_cannot_end_the_script() -> None:
    writing = hierbrush.write_character("一")
    writing.text = "</script><script>alert(1)</script>&"
    content = writing._repr_html_()
    page = html.render(writing).decode()
    assert page.count("</script>") == 2
    assert "<title>&lt;/script&gt;" in page
    assert content is not None
    assert content.count("<") == 2


def test_strokes_of_many_characters_are_not_scored_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    page = hierbrush.write_text("一二", layout="horizontal")
    monkeypatch.setattr(html, "_MOST_SCORED", 1)
    assert [stroke["iou"] for each in player_data(page)["characters"] for stroke in each["strokes"]] == [None] * 3
    assert all(each["iou"] > 0.9 for each in player_data(page)["characters"])


def test_long_texts_show_themselves_as_pictures() -> None:
    page = hierbrush.write_text("一" * 61, layout="horizontal")
    assert page._repr_html_() is None
    assert page._repr_png_()
