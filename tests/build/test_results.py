"""The tables in the pages are those that the measured figures and the models of the settings make."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hierbrush.errors import HierbrushError
from hierbrush.learning.recipes import kinds
from hierbrush_build import results
from hierbrush_build.settings import settings


@pytest.mark.parametrize("page", results.pages(), ids=lambda page: page.name)
def test_a_page_shows_what_was_measured(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert results.renewed(text) == text, "make results writes the tables anew"


def test_every_table_stands_in_a_page_and_names_its_command() -> None:
    shown = [name for page in results.pages() for name in results.shown_in(page.read_text(encoding="utf-8"))]
    assert sorted(set(shown)) == results.names()
    for name in results.names():
        assert "commit " in results.table(name).splitlines()[-1], name


@pytest.mark.parametrize("kind", list(kinds()))
def test_every_setting_of_a_training_has_a_meaning(kind: str) -> None:
    rows = settings(kind).splitlines()[2:]
    assert [row for row in rows if row.split("|")[2].strip() == ""] == []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    program = tmp_path / "toy.py"
    program.write_text("import json\nprint(json.dumps({'a': 0.5, 'chars': 3}))\n")
    (tmp_path / "toy.yaml").write_text(
        f"command: python {program}\ndrop: [chars]\ncolumns: ['', share]\nrows:\n  - [mine, '{{a:.2f}}']\n"
    )
    return tmp_path


def test_a_command_is_run_and_its_figures_are_kept(folder: Path) -> None:
    results.measure("toy")
    kept = json.loads((folder / "toy.json").read_bytes())
    assert kept["figures"] == {"a": 0.5}
    assert kept["commit"]
    lines = results.renewed("above\n<!-- results: toy -->\nold\n<!-- /results -->\nbelow\n").splitlines()
    assert lines[:5] == ["above", "<!-- results: toy -->", "|  | share |", "| --- | --- |", "| mine | .50 |"]
    assert lines[-2:] == ["<!-- /results -->", "below"]


def test_what_is_wrong_with_a_table_is_told(folder: Path) -> None:
    results.measure("toy")
    with pytest.raises(HierbrushError, match="no table 'toi'; did you mean 'toy'"):
        results.table("toi")
    (folder / "toy.yaml").write_text("command: x\ncolumns: [a]\nrows:\n  - ['{b:.2f}']\n")
    with pytest.raises(HierbrushError, match=r"toy\.yaml: '\{b:\.2f\}' names no figure of toy\.json"):
        results.table("toy")


def test_figures_are_dropped_everywhere_or_at_the_top_alone() -> None:
    figures = {"known": [True], "chars": "永", "rows": {"known": {"iou": 0.5, "chars": "永"}}}
    assert results.kept(figures, ["chars", ".known"]) == {"rows": {"known": {"iou": 0.5}}}
