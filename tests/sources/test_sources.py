"""A source is one file: what it registers is found by `goal`, written, scored, saved and loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hierbrush.sources
from hierbrush.errors import HierbrushError
from hierbrush.sources import Plan, Request, plans_of, source, sure_bounds
from hierbrush.writing import Writing, load, outputs, write_character, write_characters, write_text

TOY = '''
from dataclasses import replace

import numpy as np

from hierbrush.sources import Plan, RejectedError, Request, Source, plans_of, register


@register
class Toy(Source):
    """The glyph, said to be a picture; 二 is rejected."""

    name, wanted = "toy", "a toy (.toy)"
    then = ("glyph", "decomposition")

    @classmethod
    def accepts(cls, request):
        return request.file(".toy") is not None

    def check(self, text):
        if text in ("三", "⿰木月"):
            raise RejectedError("goal: the toy has it not")

    def plans(self, texts):
        return [self._plan(text) for text in texts]

    def _plan(self, text):
        if text == "二":
            return RejectedError("goal: 二 is not surely found in the toy")
        plan = plans_of([text], Request("glyph", weight=self.request.weight))[0]
        ink = np.rint(255 * plan.reference_ink()).astype(np.uint8)
        return replace(plan, source=self.name, order=None, glyph=None, picture=ink, confidence=0.9)
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "toy.py").write_text(TOY, encoding="utf-8")
    monkeypatch.setattr(hierbrush.sources, "__path__", [*hierbrush.sources.__path__, str(tmp_path)])
    source._find.cache_clear()
    yield
    del source._KINDS["toy"], sys.modules["hierbrush.sources.toy"]
    source._find.cache_clear()


@pytest.mark.usefixtures("toy")
def test_a_source_is_one_file(tmp_path: Path) -> None:
    writing = write_character("永", goal="my.toy")
    assert (writing.goal, writing.confidence, writing.composer, writing.order) == ("toy", 0.9, "", None)
    assert np.array_equal(writing.image(), write_character("永").image())
    assert writing.scores.iou == pytest.approx(write_character("永").scores.iou, abs=0.01)
    assert writing.levels.character == writing.scores
    assert writing.levels.composer is None
    for suffix in ("json", "npz"):
        back = load(writing.save(tmp_path / f"x.{suffix}"))
        assert isinstance(back, Writing)
        assert back == writing
        assert back.scores == writing.scores
        assert back.goal == "toy"


@pytest.mark.usefixtures("toy")
def test_what_a_source_rejects_comes_from_the_next() -> None:
    written = write_characters(["一", "二", "三", "⿰木月", "，"], goal="my.toy")
    assert [writing.goal for writing in written] == ["toy", "glyph", "glyph", "decomposition", "toy"]
    assert [writing.char for writing in written] == ["一", "二", "三", "⿰木月", "，"]
    page = write_text("一二", goal="my.toy")
    assert [writing.goal for writing in page] == ["toy", "glyph"]


@pytest.mark.usefixtures("toy")
def test_a_page_of_several_sources_comes_back_equal(tmp_path: Path) -> None:
    page = write_text("一二⿰木月", goal="my.toy", policy="scripted")
    assert load(page.save(tmp_path / "x.json")) == page


@pytest.mark.usefixtures("toy")
def test_a_damaged_picture_is_told(tmp_path: Path) -> None:
    file = write_character("一", goal="my.toy").save(tmp_path / "x.json")
    text = file.read_text(encoding="utf-8")
    start = text.index('"picture":"') + len('"picture":"')
    file.write_text(text[:start] + "AAAA" + text[start:], encoding="utf-8")
    with pytest.raises(HierbrushError, match=r"picture is not 256 x 256 packed bytes"):
        load(file)


def test_a_file_of_a_source_that_is_not_there_is_refused(toy: None, tmp_path: Path) -> None:
    file = write_character("一", goal="my.toy").save(tmp_path / "x.json")
    text = file.read_text(encoding="utf-8").replace('"toy"', '"troy"')
    file.write_text(text, encoding="utf-8")
    with pytest.raises(HierbrushError, match=r"goal: 'troy' is not one of .*toy"):
        load(file)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"goal": "glyf"}, "goal: 'glyf' is not one of .*glyph.*did you mean 'glyph'"),
        ({"goal": "x.toy"}, "goal: 'x.toy' is not one of "),
        ({"goal": 3}, "goal: 3 is not one of "),
        ({"style": 3}, "style: 3, expected a name or a path"),
    ],
)
def test_a_goal_that_no_source_knows_is_told(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        write_character("永", **arguments)  # type: ignore[arg-type]


def test_a_quick_source_tells_where_the_handle_goes() -> None:
    assert sure_bounds("⿰木月", Request()) == (0.5, 0.5, 0.5, 0.5)
    left, _, right, _ = sure_bounds("一", Request())
    assert right - left > 0.4


def test_plans_tell_where_they_come_from() -> None:
    glyph, composed = plans_of(["永", "⿰木月"], Request())
    assert (glyph.source, composed.source) == ("glyph", "decomposition")
    assert glyph.is_reference
    assert not composed.is_reference
    assert composed.reference_ink() is None
    assert isinstance(replace(glyph, weight=1.5), Plan)


def test_the_examples_of_the_architecture_work(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8")
    export, example = (block.split("```")[0] for block in page.split("```python")[1:])
    try:
        for code in (export, example):
            exec(code, {"__name__": "example"})
        writing = write_character("永", goal="note", policy="scripted")
        assert writing.goal == "note"
        assert writing.boxes[:, 2:].max() < 0.5
        assert writing.scores.iou > 0.5
        assert load(writing.save(tmp_path / "x.json")) == writing
        first = writing.save(tmp_path / "x.xyz", digits=3).read_text(encoding="ascii").splitlines()[0]
        assert first == " ".join(f"{value:.3f}" for value in writing.paths[0][0])
    finally:
        source._KINDS.pop("note", None)
        outputs._EXPORTS.pop("xyz", None)
