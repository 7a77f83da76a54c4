"""The inkstone: a dip is a movement that leaves the tuft straight and loaded; without it bend and split stay."""

from __future__ import annotations

import numpy as np
import pytest
from ink.strokes import line

from hierbrush.errors import HierbrushError
from hierbrush.ink import Bundle, Ink, InkStone, plan_dips, strokes_a_load, visit
from hierbrush.sim import BrushModel
from hierbrush.sim.batch import REST_DIRECTION

BRUSH = BrushModel()


def used() -> Bundle:
    bundle = Bundle.dipped(0.1)
    bundle.direction = np.array([0.6, 0.8])
    bundle.part(0.7)
    return bundle


def test_the_routine_straightens_points_and_fills() -> None:
    bundle = used()
    visit(bundle, BRUSH, Ink(load=0.8), InkStone())
    assert bundle.load == pytest.approx(0.8)
    assert bundle.split < 0.02
    assert float(bundle.direction @ np.array(REST_DIRECTION)) > 0.9999


def test_without_strokes_bend_and_split_stay() -> None:
    bundle = used()
    visit(bundle, BRUSH, Ink(load=0.8), InkStone(strokes=0))
    assert bundle.load == pytest.approx(0.8)
    assert bundle.split >= 0.7 - 1e-6
    np.testing.assert_allclose(bundle.direction, [0.6, 0.8])


def test_strokes_go_less_and_less_far_in_different_directions_and_end_in_the_air() -> None:
    stone = InkStone(strokes=6)
    moves = [move for move in stone.moves() if move.wet and (move.end[0] or move.end[1])]
    reach = [float(np.hypot(*move.end[:2])) for move in moves]
    turns = {round(float(np.arctan2(move.end[1], move.end[0])), 3) for move in moves}
    assert len(moves) == len(turns) == 6
    assert reach == sorted(reach, reverse=True)
    assert reach[0] <= stone.radius
    assert all(move.end[2] < -stone.height for move in moves)  # lifted at the edge: a point
    assert stone.path()[:, 2].max() == pytest.approx(stone.press)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("radius", 0.0, "stone: radius: 0.0, expected metres from 0.005 to 0.2"),
        ("strokes", 2.5, "stone: strokes: 2.5, expected a whole number"),
        ("extent", 2, "stone: extent: 2, expected a share"),
        ("x", None, "stone: x: None, expected metres"),
    ],
)
def test_a_stone_that_cannot_be_is_told(field: str, value: object, message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        InkStone(**{field: value})  # type: ignore[arg-type]


def test_dips_are_planned() -> None:
    paths = [line(0.011)] * 12
    assert plan_dips(BRUSH, paths, "stroke") == (True,) * 12
    assert plan_dips(BRUSH, paths, "character") == (True,) + (False,) * 11
    auto = plan_dips(BRUSH, paths, "auto", Ink(load=0.3))
    assert auto[0]
    assert 1 < sum(auto) < 12
    assert strokes_a_load(BRUSH, paths, Ink(load=0.3)) == auto.index(True, 1)
    assert strokes_a_load(BRUSH, paths, Ink(load=0.3)) <= strokes_a_load(BRUSH, paths, Ink(load=1.0))
    with pytest.raises(HierbrushError, match="dip: 'never' is not one of stroke, character, auto"):
        plan_dips(BRUSH, paths, "never")
