from __future__ import annotations

import numpy as np
import pytest

from hierbrush.characters import load_library, split
from hierbrush.errors import HierbrushError
from hierbrush.evaluation import primitives as evaluation
from hierbrush.evaluation.primitives import MachineErrors, characters_of, evaluate
from hierbrush.evaluation.sheets import picture_sheet
from hierbrush.metrics import disc_oracle, score, stroke_iou
from hierbrush.sim import BrushModel, rasterise
from hierbrush.writing import write_character
from hierbrush.writing.trajectory import MotionLimits

MEASURED = BrushModel.preset("measured")


def test_the_split_is_disjoint_and_whole() -> None:
    parts = [set(characters_of(name)) for name in evaluation.SPLITS]
    assert sum(map(len, parts)) == len(set.union(*parts)) == len(load_library())
    assert all(split(char) == "test" for char in characters_of("test", 20))
    assert len(characters_of("test", 20)) == 20


def test_the_policys_row_is_what_write_character_scores() -> None:
    row = evaluate("永九", brush=MEASURED).rows[0]
    written = [write_character(char, goal="glyph") for char in "永九"]
    assert row.name == "learned"
    assert row.characters == tuple(writing.scores for writing in written)
    assert row.strokes.tolist() == [stroke.iou for writing in written for stroke in writing.strokes]


def test_the_oracles_row_is_the_disc_oracle() -> None:
    result = evaluate("永", brush=MEASURED)
    row = next(row for row in result.rows if row.name == "disc oracle")
    strokes = [(stroke.outline, stroke.median) for stroke in load_library()["永"].strokes]
    whole = rasterise([outline for outline, _ in strokes], 256)
    assert row.characters == (score(disc_oracle(strokes), whole),)
    assert row.strokes.tolist() == [
        stroke_iou(disc_oracle([stroke]), rasterise([stroke[0]], 256)) for stroke in strokes
    ]


def test_better_writers_have_better_rows() -> None:
    rows = {row.name: row for row in evaluate(characters_of("test", 4), brush=MEASURED).rows}
    assert rows["random"].strokes.mean() + 0.1 < rows["scripted"].strokes.mean()
    assert rows["scripted"].strokes.mean() < rows["disc oracle"].strokes.mean() < rows["learned"].strokes.mean() < 1


def test_workers_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "_BATCH", 1)
    alone, shared = (evaluate("一二", brush=MEASURED, policy="random", workers=workers) for workers in (1, 2))
    assert alone.summary() == shared.summary()
    assert alone.rows[0].name == "random"


def test_the_order_is_told_by_references() -> None:
    result = evaluate("永豐", brush=MEASURED)
    assert "order by references, of characters whose number of strokes they give: PRC 0.500 of 2, " in result.table()
    assert result.summary()["order_by_references"]["tw"] == {"judged": 2, "right": 2}  # type: ignore[index]


def test_percentiles_are_numpys() -> None:
    result = evaluate("永", brush=MEASURED)
    figures = result.summary()["rows"]["learned"]["stroke_iou"]  # type: ignore[index]
    assert figures["p5"] == round(float(np.percentile(result.rows[0].strokes, 5)), 5)
    assert f"{result.rows[0].strokes.mean():.4f}" in result.table()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluate("", brush=MEASURED), "characters: there are none"),
        (lambda: evaluate("永", brush=MEASURED, workers=0), "workers: must be at least 1"),
        (lambda: evaluate("永", brush=MEASURED, policy="scriptd"), "did you mean 'scripted'"),
        (lambda: evaluate("a", brush=MEASURED), r"U\+0061"),
        (lambda: characters_of("tst"), "did you mean 'test'"),
    ],
)
def test_wrong_requests_are_named(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(HierbrushError, match=message):
        call()


def test_a_picture_sheet_shows_ink_and_glyph() -> None:
    assert picture_sheet([write_character("一")] * 5).startswith(b"\x89PNG")


def test_errors_of_the_machine_cost_something_and_are_repeatable() -> None:
    calm, off, again, shaky = (
        evaluate("永和", brush=MEASURED, errors=errors)
        for errors in (None, MachineErrors(brush=0.2), MachineErrors(brush=0.2), MachineErrors(handle=0.0005))
    )
    assert np.array_equal(off.rows[0].strokes, again.rows[0].strokes)
    assert off.rows[0].strokes.mean() < calm.rows[0].strokes.mean()
    assert shaky.rows[0].strokes.mean() < calm.rows[0].strokes.mean()
    oracle = [row.strokes for result in (calm, off) for row in result.rows if row.name == "disc oracle"]
    assert np.array_equal(*oracle)


def test_no_movement_is_faster_than_the_arm() -> None:
    result = evaluate("永", brush=MEASURED)
    limits = MotionLimits()
    for row in result.rows:
        if row.name == "disc oracle":
            assert row.motion is None
        else:
            assert row.motion is not None
            assert row.motion[0] <= limits.speed
            assert row.motion[1] <= limits.acceleration
            assert row.motion[2] <= limits.jerk


@pytest.mark.parametrize(("name", "value"), [("brush", 1.0), ("brush", float("nan")), ("handle", -1e-4)])
def test_impossible_errors_are_named(name: str, value: float) -> None:
    with pytest.raises(HierbrushError, match=f"{name}_error"):
        MachineErrors(**{name: value})


def test_plans_are_scored_beside_what_they_began_with() -> None:
    scores = evaluate(["二"], policy="planned", budget=300, brush=BrushModel.preset("measured"))
    assert [row.name for row in scores.rows] == ["planned", "learned", "scripted", "disc oracle", "random"]
    planned, learned = (scores.rows[at].column("iou").mean() for at in (0, 1))
    assert planned > learned + 0.002
    off = evaluate(
        ["二"], policy="planned", budget=300, brush=BrushModel.preset("measured"), errors=MachineErrors(brush=0.1)
    )
    assert off.rows[0].column("iou").mean() < planned
    with pytest.raises(HierbrushError, match="handle_error: a plan sees no error"):
        evaluate(["二"], policy="planned", brush=BrushModel.preset("measured"), errors=MachineErrors(handle=0.001))
