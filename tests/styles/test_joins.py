"""Joined strokes: found in ink, written as one movement, kept in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hierbrush import write_character
from hierbrush.characters import load_library
from hierbrush.errors import HierbrushError
from hierbrush.sim import rasterise
from hierbrush.styles.join_inventory import JoinInventory, Seen
from hierbrush.styles.join_likelihood import Likelihood, form_of
from hierbrush.styles.joins import POINTS, Join, joins_in, merged
from hierbrush.styles.registration import Picture, register

STRAIGHT = np.stack([np.linspace(0, 1, POINTS), np.zeros(POINTS)], axis=1)


def three() -> tuple[list, np.ndarray]:
    """Return the strokes of 三 and their middle lines."""
    goals = [stroke.goal() for stroke in load_library()["三"].strokes]
    return goals, np.array([goal.skeleton for goal in goals], np.float64)


def ligature(start: np.ndarray, end: np.ndarray) -> Join:
    share = np.linspace(0, 1, POINTS)[:, None]
    return Join(start * (1 - share) + end * share, 0.012)


def test_a_ligature_in_ink_is_found() -> None:
    goals, lines = three()
    joined, _ = merged(goals, {0: ligature(lines[0, -1], lines[1, 0])})
    for strokes, wanted in ((goals, []), (joined, [0])):
        picture = Picture(rasterise([goal.outline for goal in strokes], 256))
        found = register(picture, load_library()["三"])
        assert sorted(joins_in(picture, lines, found.ribbons)) == wanted


def test_joined_strokes_are_one_goal() -> None:
    goals, lines = three()
    joined, numbers = merged(goals, {0: ligature(lines[0, -1], lines[1, 0])})
    assert numbers == [(0, 1), (2,)]
    assert np.allclose(joined[0].skeleton[0], goals[0].skeleton[0], atol=0.03)
    assert np.allclose(joined[0].skeleton[-1], goals[1].skeleton[-1], atol=0.03)
    assert merged(goals, {})[1] == [(0,), (1,), (2,)]


def inventory(joined: bool) -> JoinInventory:
    goals, lines = three()
    join = Join(STRAIGHT, 0.012) if joined else None
    pair = Seen(("H", "H"), lines[1, 0] - lines[0, -1], form_of(*goals[:2], 3), join)
    return JoinInventory((pair,) * 20, 20, "x.ttf")


def test_an_inventory_is_kept_in_a_file_and_written_with(tmp_path: Path) -> None:
    path = inventory(joined=True).save(tmp_path / "x.joins")
    again = JoinInventory.load(path)
    assert (again.joined, again.characters, again.origin) == (20, 20, "x.ttf")
    assert again.types() == [(("H", "H"), 20, 20)]
    writing = write_character("三", goal=path)
    assert writing.goal == "joined"
    assert len(writing.strokes) < 3
    apart = write_character("三", goal=inventory(joined=False).save(tmp_path / "y.joins"))
    assert len(apart.strokes) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [("{}", "is no inventory"), ('{"version": 9}', "is of version 9, expected 2"), ("[[", "is no inventory")],
)
def test_another_file_is_told(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.joins").write_text(content)
    with pytest.raises(HierbrushError, match=message):
        JoinInventory.load(tmp_path / "x.joins")
    with pytest.raises(HierbrushError, match=r"expected a name that ends in \.joins"):
        inventory(joined=True).save(tmp_path / "x.json")


def test_what_is_joined_is_foretold_from_what_is_like_it() -> None:
    rng = np.random.default_rng(0)
    far = rng.uniform(0.1, 0.5, 200)
    forms = [np.array([length, np.log(length), *rng.normal(0, 0.1, 9)]) for length in far]
    joined = far + rng.normal(0, 0.03, 200) < 0.25
    likelihood = Likelihood([("H", "S")] * 200, forms, joined)
    told = np.array([likelihood.of(("H", "S"), form) >= likelihood.least for form in forms])
    assert (told == joined).mean() > 0.85
    assert likelihood.of(("N", "N"), forms[int(far.argmin())]) > likelihood.of(("N", "N"), forms[int(far.argmax())])
