"""The passages that people copy: nothing in them is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from hierbrush.writing import Layout
from hierbrush.writing.passage import rows_of, writable

PASSAGES = sorted((Path(__file__).resolve().parents[2] / "benchmarks" / "passages").glob("*.txt"))


def test_there_are_ten() -> None:
    assert len(PASSAGES) >= 10


@pytest.mark.parametrize("file", PASSAGES, ids=lambda file: str(file.stem))
def test_nothing_of_a_passage_is_refused(file: Path) -> None:
    text = writable(file.read_text(encoding="utf-8"))
    layout = Layout.on("A4", columns=12)
    pages = layout.pages(text)
    asked = [unit.text for row in rows_of(text) for unit in row]
    assert [unit for page in pages for row in layout.rows(page) for unit in row] == asked
    assert all(layout.paper(page).corners for page in pages)


@pytest.mark.parametrize("name", ["千字文", "千字文-简"])
def test_the_thousand_characters_are_a_thousand(name: str) -> None:
    (file,) = (file for file in PASSAGES if file.stem == name)
    written = [char for char in file.read_text(encoding="utf-8") if "一" <= char <= "鿿"]
    assert len(written) == 1000
    assert name != "千字文" or len(set(written)) == 1000
