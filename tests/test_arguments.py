"""Natural numbers, paths and arrays are taken; everything else is named in one line."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hierbrush import BrushModel
from hierbrush.arguments import check_array, check_choice, check_list, check_number, check_path, check_whole
from hierbrush.characters import load_library, split
from hierbrush.composer.composers import composer
from hierbrush.composer.ids import parse_ids
from hierbrush.curriculum import StageMachine, load_curriculum
from hierbrush.curriculum.goals import sample_goals
from hierbrush.errors import HierbrushError
from hierbrush.metrics import cosine, disc_oracle, score, ssim
from hierbrush.metrics.recognition import GlyphIndex
from hierbrush.resources import folder
from hierbrush.sim import StrokeBatch, distance_transform, rasterise, trace
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.rollout import stroke_policy, write_strokes
from hierbrush.strokes.types import stroke_type


class Raising:
    def _fail(self, *_: object) -> Any:
        raise RuntimeError

    __repr__ = __iter__ = __fspath__ = __float__ = __array__ = _fail


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.int8(1), Fraction(1, 2)])
def test_numbers(value: Any) -> None:
    assert check_number("a", value, 0, 1, "metres") == float(value)


@pytest.mark.parametrize("value", [True, np.True_, "1", None, 2, float("nan"), 10**400, 1j, [1], np.ones(1), Raising()])
def test_what_is_no_number_in_range(value: Any) -> None:
    with pytest.raises(HierbrushError, match=r"^a: .*, expected metres from 0 to 1$"):
        check_number("a", value, 0, 1, "metres")


def test_whole_numbers() -> None:
    assert check_whole("a", np.uint8(3), 0, 5) == 3
    assert type(check_whole("a", np.int64(3), 0)) is int
    for value in (True, 3.0, "3", 6, -1, None, Raising()):
        with pytest.raises(HierbrushError, match=r"^a: .*, expected a whole number of pixels from 0 to 5$"):
            check_whole("a", value, 0, 5, unit="pixels")


def test_paths_choices_lists_and_arrays() -> None:
    assert check_path("a", np.str_("x")) == check_path("a", Path("x")) == Path("x")
    assert check_choice("a", np.str_("x"), {"x": 1}) == "x"
    assert check_list("a", iter("xy"), "letters") == ["x", "y"]
    assert check_array("a", [[1, 2]], (None, 2), "pairs").dtype == np.float64
    for check in (
        lambda value: check_path("a", value),
        lambda value: check_choice("a", value, ["x"]),
        lambda value: check_list("a", value, "letters"),
        lambda value: check_array("a", value, None, "numbers"),
    ):
        with pytest.raises(HierbrushError, match=r"^a: <Raising>(, expected| is not one of)"):
            check(Raising())
    for value in ([[1, 2], [3]], ["x"], [None], [10**400], object(), np.zeros(3, complex)):
        with pytest.raises(HierbrushError, match=r"^a: .*, expected numbers$"):
            check_array("a", value, None, "numbers")
    with pytest.raises(HierbrushError, match=r"^a: shape \(3,\), expected pairs$"):
        check_array("a", np.zeros(3), (None, 2), "pairs")


def goal() -> StrokeGoal:
    return load_library()["一"].strokes[0].goal()


INK = np.zeros((32, 32))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: BrushModel(root_ratio="x"), "root_ratio"),  # type: ignore[arg-type]
        (lambda: BrushModel(tip=np.zeros(2)), "tip"),  # type: ignore[arg-type]
        (lambda: BrushModel.preset(["round"]), "brush"),  # type: ignore[arg-type]
        (lambda: BrushModel().width("deep"), "depth"),  # type: ignore[arg-type]
        (lambda: BrushModel().randomised(2, 0.1, None), "rng"),  # type: ignore[arg-type]
        (lambda: BrushModel().randomised(2**31, 0.1, np.random.default_rng()), "count"),
        (lambda: StrokeBatch(None, BrushModel(), 1), "bank"),  # type: ignore[arg-type]
        (lambda: trace(BrushModel(), 3), "paths"),  # type: ignore[arg-type]
        (lambda: rasterise(None, 64), "polygons"),  # type: ignore[arg-type]
        (lambda: distance_transform([[1], [1, 2]]), "mask"),
        (lambda: StrokeGoal(3, *np.zeros((3, 2))), "stroke_type"),  # type: ignore[arg-type]
        (lambda: StrokeGoal.from_outline("H", "outline", []), "outline"),
        (lambda: goal().transformed("x", 0), "scale"),
        (lambda: stroke_policy(None), "policy"),  # type: ignore[arg-type]
        (lambda: stroke_policy("random", -1), "seed"),
        (lambda: write_strokes([None], BrushModel()), r"goals\[0\]"),  # type: ignore[list-item]
        (lambda: write_strokes([goal()], "round"), "model"),  # type: ignore[arg-type]
        (lambda: write_strokes([goal()], BrushModel(), policy=3), "policy"),  # type: ignore[arg-type]
        (lambda: stroke_type(3), "name"),  # type: ignore[arg-type]
        (lambda: split(b"x"), "char"),  # type: ignore[arg-type]
        (lambda: score("x", INK), "ink"),  # type: ignore[arg-type]
        (lambda: cosine(INK, None), "reference"),  # type: ignore[arg-type]
        (lambda: ssim(INK, INK[:8]), "ink"),  # type: ignore[arg-type]
        (lambda: disc_oracle([None]), "strokes"),  # type: ignore[list-item]
        (lambda: GlyphIndex(3), "glyphs"),  # type: ignore[arg-type]
        (lambda: GlyphIndex([INK + 1]).ranks([INK], [7]), "answers"),
        (lambda: GlyphIndex([INK + 1]).ranks([INK], [0], progress=3), "progress"),  # type: ignore[arg-type]
        (lambda: parse_ids("⿰木月", max_strokes="x"), "max_strokes"),  # type: ignore[arg-type]
        (lambda: parse_ids("⿰木月", max_strokes=9, known=3), "known"),  # type: ignore[arg-type]
        (lambda: composer(["learned"]), "composer"),  # type: ignore[arg-type]
        (lambda: load_curriculum(3), "curriculum"),  # type: ignore[arg-type]
        (lambda: load_curriculum("dots", beside=3), "beside"),  # type: ignore[arg-type]
        (lambda: StageMachine(None), "curriculum"),  # type: ignore[arg-type]
        (lambda: sample_goals(None, ["H"], 1, 0), "goals"),
        (lambda: folder(["configs"]), "folder"),  # type: ignore[arg-type]
    ],
)
def test_an_argument_of_the_wrong_kind_is_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(HierbrushError, match=rf"^{name}: ") as caught:
        call()
    assert len(str(caught.value).splitlines()) == 1


def test_a_state_of_the_wrong_kind_is_named() -> None:
    machine = StageMachine(load_curriculum(folder("curricula") / "dots.yaml"))
    state = machine.start()
    with pytest.raises(HierbrushError, match=r"^data: "):
        type(state).from_dict({"stage": np.zeros(2)})
    with pytest.raises(HierbrushError, match=r"^state: "):
        machine.stage(None)  # type: ignore[arg-type]
    with pytest.raises(HierbrushError, match=r"^metrics: iou: 'good', expected a number$"):
        machine.advance(state, {"iou": "good"}, 1)  # type: ignore[dict-item]
    assert machine.advance(state, {"iou": np.float32(0.5)}, np.int64(3))[0].steps == 3  # type: ignore[arg-type]
