"""Shape bases: mean shapes, coefficients, and the way back from a goal."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from hierbrush.characters import load_library, split
from hierbrush.errors import HierbrushError
from hierbrush.strokes.goal import StrokeGoal, distance_to_outline
from hierbrush.strokes.shape_basis import FILE, goals, shape_basis, to_shape
from hierbrush.strokes.types import ABBREVIATIONS

BOX = (0.5, 0.45, 0.6, 0.5)
DRAWN = {"SWZ", "PG", "Q", "HZZ", "HZZZ"}


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
    goal = shape_basis(kind).goal(BOX)
    assert goal.stroke_type == kind
    np.testing.assert_allclose(goal.box, (0.2, 0.2, 0.8, 0.7), atol=1e-6)
    outline = shapely.Polygon(goal.outline).buffer(0)
    assert outline.area > 0.005
    inside = shapely.contains_xy(outline.buffer(0.02), goal.skeleton[:, 0], goal.skeleton[:, 1])
    assert inside.mean() > 0.9
    np.testing.assert_allclose(
        goal.half_width, distance_to_outline(goal.skeleton.astype(float), goal.outline.astype(float)), atol=1e-6
    )


def test_types_with_too_few_strokes_are_drawn_and_the_others_vary() -> None:
    sizes = {kind: shape_basis(kind).size for kind in ABBREVIATIONS}
    assert {kind for kind, size in sizes.items() if size == 0} == DRAWN
    assert all(1 <= size <= 12 for kind, size in sizes.items() if kind not in DRAWN)


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


def test_coefficients_are_in_standard_deviations_of_the_training_strokes() -> None:
    basis = shape_basis("HZ")
    coefficients = np.array([basis.project(goal)[1] for goal in strokes_of("HZ", "train", 150)])
    assert np.all(np.abs(coefficients.std(axis=0)[:3] - 1) < 0.35)


def test_project_undoes_goal_where_the_shape_fills_the_box_already() -> None:
    basis = shape_basis("HZG")
    wanted = np.zeros(basis.size)
    wanted[:2] = 0.8, -0.5
    box, coefficients = basis.project(basis.goal(BOX, wanted))
    np.testing.assert_allclose(box, BOX, atol=1e-6)
    np.testing.assert_allclose(coefficients[:2], wanted[:2], atol=0.15)


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
    assert FILE.stat().st_size < 500_000


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
