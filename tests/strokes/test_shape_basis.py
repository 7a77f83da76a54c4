"""Shape bases: mean shapes, coefficients, and the way back from a goal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely

from hierbrush.characters import load_library, split
from hierbrush.errors import HierbrushError
from hierbrush.metrics import stroke_iou
from hierbrush.sim import distance_to_outline, rasterise
from hierbrush.strokes import shape_basis as module
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.shape_basis import FILE, features, goals, shape_basis, to_shape
from hierbrush.strokes.types import ABBREVIATIONS
from hierbrush_build.characters.shapes import write_shape_bases

BOX = (0.5, 0.45, 0.6, 0.5)
DRAWN = {"SWZ", "PG", "Q", "HZZ", "HZZZ"}
RARE = {"HXWG", "SZP"}
"""Types with too few strokes to tell how their mean depends on the box."""


def strokes_of(kind: str, part: str, count: int) -> list[StrokeGoal]:
    library = load_library()
    found = []
    for char in library.characters[::3]:
        if split(char) == part and kind in library.stroke_types(char):
            found += [stroke.goal() for stroke in library[char].strokes if stroke.stroke_type == kind]
        if len(found) >= count:
            break
    return found[:count]


@pytest.mark.parametrize("kind", ABBREVIATIONS)
def test_the_mean_shape_fills_its_box_and_is_a_stroke(kind: str) -> None:
    basis = shape_basis(kind)
    width, height = 0.2 * np.exp(basis.usual[0])  # the type's own, and 0.2 for those that have none
    goal = basis.goal((0.5, 0.45, width, height))
    assert goal.stroke_type == kind
    edges = (0.5 - width / 2, 0.45 - height / 2, 0.5 + width / 2, 0.45 + height / 2)
    np.testing.assert_allclose(goal.box, edges, atol=1e-6)
    outline = shapely.Polygon(goal.outline).buffer(0)
    assert outline.area > 0.1 * width * height
    inside = shapely.contains_xy(outline.buffer(0.005), goal.skeleton[:, 0], goal.skeleton[:, 1])
    assert inside.mean() > 0.9
    np.testing.assert_allclose(
        goal.half_width, distance_to_outline(goal.skeleton.astype(float), goal.outline.astype(float)), atol=1e-6
    )


def test_types_with_too_few_strokes_are_drawn_and_the_others_vary() -> None:
    sizes = {kind: shape_basis(kind).size for kind in ABBREVIATIONS}
    assert {kind for kind, size in sizes.items() if size == 0} == DRAWN
    assert sizes.pop("SZP") == 9
    assert all(size == 12 for kind, size in sizes.items() if kind not in DRAWN)


def iou(goal: StrokeGoal, other: StrokeGoal) -> float:
    return stroke_iou(rasterise([goal.outline], 256), rasterise([other.outline], 256))


@pytest.mark.parametrize("kind", ["HZ", "HZG", "SWG", "P", "N"])
def test_a_stroke_keeps_its_thickness_when_it_grows(kind: str) -> None:
    thin, thick = (shape_basis(kind).goal((0.5, 0.5, side, side)).half_width.mean() for side in (0.3, 0.6))
    assert 0.7 < thick / thin < 1.6  # a shape that did not depend on its box would be twice as thick


def test_the_mean_of_a_rare_or_drawn_type_does_not_depend_on_the_box() -> None:
    for kind in ABBREVIATIONS:
        basis = shape_basis(kind)
        same = np.array_equal(basis.mean_of((0.2, 0.3)), basis.mean_of((0.4, 0.35)))
        assert same == (kind in DRAWN | RARE), kind


def test_a_box_that_no_stroke_has_gives_the_mean_of_the_last_one_on_the_way_there() -> None:
    usual = shape_basis("HZ").usual
    out = np.linalg.solve(usual[1:], [0.6, -0.8])  # a standard deviation away from the usual sides
    two, three, five = (features(0.2 * np.exp(usual[0] + far * out), usual) for far in (2.0, 3.0, 5.0))
    np.testing.assert_allclose(three, five, atol=1e-9)
    assert np.abs(two - three).max() > 0.05


@pytest.mark.parametrize("sides", [(0.01, 0.01), (1.2, 1.2), (0.01, 1.2), (1.2, 0.01)])
def test_a_wild_box_has_a_goal_too(sides: tuple[float, float]) -> None:
    for kind in ABBREVIATIONS:
        goal = shape_basis(kind).goal((0.5, 0.5, *sides))
        x, y = np.array(sides) / 2
        np.testing.assert_allclose(goal.box, (0.5 - x, 0.5 - y, 0.5 + x, 0.5 + y), atol=1e-6)
        assert shapely.Polygon(goal.outline).buffer(0).area > 0.02 * sides[0] * sides[1]


@pytest.mark.parametrize("kind", ["H", "P", "HZG", "SWG", "D"])
def test_strokes_of_unseen_characters_come_back_from_their_coefficients(kind: str) -> None:
    basis = shape_basis(kind)
    errors, without = [], []
    for goal in strokes_of(kind, "validation", 30):
        box, coefficients = basis.project(goal)
        shape = to_shape(goal)
        errors.append(np.square(to_shape(basis.goal(box, coefficients)) - shape).mean())
        without.append(np.square(to_shape(basis.goal(box)) - shape).mean())
        np.testing.assert_allclose(basis.goal(box, coefficients).box, goal.box, atol=1e-5)
    assert np.mean(errors) < 0.25 * np.mean(without)


@pytest.mark.parametrize(
    ("kind", "least"), [("H", 0.93), ("P", 0.9), ("D", 0.95), ("HZ", 0.88), ("HZG", 0.83), ("SWG", 0.93)]
)
def test_projected_strokes_of_unseen_characters_cover_their_ink(kind: str, least: float) -> None:
    basis = shape_basis(kind)
    assert np.mean([iou(basis.goal(*basis.project(goal)), goal) for goal in strokes_of(kind, "validation", 30)]) > least


def test_folds_of_large_frames_come_back() -> None:
    basis, mean, projected = shape_basis("HZ"), [], []
    for char in "国囱囡困":
        (goal,) = (stroke.goal() for stroke in load_library()[char].strokes if stroke.stroke_type == "HZ")
        box, coefficients = basis.project(goal)
        mean.append(iou(basis.goal(box), goal))
        projected.append(iou(basis.goal(box, coefficients), goal))
    assert np.mean(mean) > 0.7  # 0.18 with a mean that does not depend on the box
    assert np.mean(projected) > 0.8


def test_coefficients_are_in_standard_deviations_of_the_training_strokes() -> None:
    basis = shape_basis("HZ")
    coefficients = np.array([basis.project(goal)[1] for goal in strokes_of("HZ", "train", 150)])
    assert np.all(np.abs(coefficients.std(axis=0)[:3] - 1) < 0.35)


def test_project_undoes_goal_where_the_shape_nearly_fills_the_box_already() -> None:
    basis, apart = shape_basis("HZG"), []
    for goal in strokes_of("HZG", "validation", 30):
        box, wanted = basis.project(goal)
        again, coefficients = basis.project(basis.goal(box, wanted))
        np.testing.assert_allclose(again, box, atol=1e-6)
        apart.append(np.abs(coefficients - wanted)[:3])
    assert np.mean(apart) < 0.2


def test_a_goal_of_a_hand_drawn_type_has_no_coefficients() -> None:
    basis = shape_basis("PG")
    box, coefficients = basis.project(basis.goal(BOX))
    np.testing.assert_allclose(box, BOX, atol=1e-6)
    assert coefficients.shape == (0,)


@pytest.mark.parametrize(
    ("box", "coefficients", "message"),
    [
        ((0.5, 0.5, 0.0, 0.2), (), "box: .* sides > 0"),
        ((0.5, float("nan"), 0.1, 0.2), (), "box: "),
        ((0.5, 0.5, 0.1), (), "box: "),
        (BOX, np.zeros(99), "coefficients: .* up to"),
        (BOX, [float("inf")], "coefficients: "),
    ],
)
def test_bad_arguments_are_named(box: tuple[float, ...], coefficients: object, message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        shape_basis("H").goal(box, coefficients)  # type: ignore[arg-type]


def test_a_goal_of_another_type_is_refused() -> None:
    with pytest.raises(HierbrushError, match="is a S, expected a H"):
        shape_basis("H").project(shape_basis("S").goal(BOX))


def test_the_file_is_small() -> None:
    assert FILE.stat().st_size < 520_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda arrays: (arrays[0][0], *arrays[1:]),
            r"T: is of another format, has mean \(352,\), .*; rebuild it with",
        ),
        (
            lambda arrays: (arrays[0], arrays[1][:, :64], arrays[2]),
            r"T: .* components \(12, 64\), .* expected \(8, 352\)",
        ),
        (lambda arrays: (*arrays[:2], np.zeros((2, 2))), r"T: .* usual \(2, 2\); expected"),
        (lambda arrays: (np.full_like(arrays[0], np.nan), *arrays[1:]), "T: holds NaN or infinity"),
    ],
)
def test_a_basis_of_other_shapes_is_neither_written_nor_read(
    change: Callable[[module.Arrays], module.Arrays], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bases = dict(module._load())
    bases["T"] = change(bases["T"])
    path = tmp_path / "bases.safetensors"
    with pytest.raises(HierbrushError, match=message):
        write_shape_bases(path, bases)
    assert not path.exists()
    with monkeypatch.context() as patch:
        patch.setattr("hierbrush_build.characters.shapes.checked", lambda what, arrays: arrays)
        write_shape_bases(path, bases)
        patch.setattr(module, "FILE", path)
        module._load.cache_clear()
        with pytest.raises(HierbrushError, match=message):
            shape_basis("H")
    module._load.cache_clear()


def test_the_file_is_what_its_own_numbers_write(tmp_path: Path) -> None:
    write_shape_bases(tmp_path / "bases.safetensors", module._load())
    assert (tmp_path / "bases.safetensors").read_bytes() == FILE.read_bytes()


def test_goals_made_together_are_those_made_one_by_one() -> None:
    random = np.random.default_rng(7)
    bases = [shape_basis(kind) for kind in ("H", "HZG", "PG", "D", "H", "SWG", "N", "T", "HZZZG")]
    boxes = np.column_stack([random.uniform(0.2, 0.8, (len(bases), 2)), random.uniform(0.05, 0.6, (len(bases), 2))])
    shapes = [random.normal(size=random.integers(basis.size + 1)) for basis in bases]
    together = goals(bases, list(boxes), shapes)
    for made, basis, box, shape in zip(together, bases, boxes, shapes, strict=True):
        alone = basis.goal(tuple(box), shape)
        assert made.stroke_type == alone.stroke_type
        for name in ("skeleton", "half_width", "outline"):
            np.testing.assert_array_equal(getattr(made, name), getattr(alone, name))
            assert not getattr(made, name).flags.writeable
