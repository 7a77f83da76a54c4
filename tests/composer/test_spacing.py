"""Strokes that should join do, and those that should keep apart do, and hardly anything moves for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hierbrush.composer import joints as joints_module
from hierbrush.composer import stored
from hierbrush.composer.brief import brief_from_ids, brief_of
from hierbrush.composer.compose import compose
from hierbrush.composer.joints import APART, JOIN, load_joints
from hierbrush.composer.place import PLACE_SIZE, stroke_goals
from hierbrush.composer.policy import load_composer
from hierbrush.composer.spacing import spaced
from hierbrush.errors import HierbrushError
from hierbrush.sim import rasterise


def inks(types: list[str], places: np.ndarray) -> np.ndarray:
    return np.array([rasterise([goal.outline], 256) >= 0.5 for goal in stroke_goals(types, places, len(types))])


def two_strokes(second: tuple[float, float, float, float]) -> np.ndarray:
    places = np.zeros((2, PLACE_SIZE), np.float32)
    places[:, :4] = [(0.5, 0.4, 0.5, 0.06), second]
    return places


def test_two_strokes_that_run_into_each_other_come_apart() -> None:
    places = two_strokes((0.5, 0.42, 0.5, 0.06))
    assert inks(["H", "H"], places).all(axis=0).any()
    moved = spaced(["H", "H"], places, np.full((2, 2), APART, np.int8))
    written = inks(["H", "H"], moved)
    assert not (written[0] & written[1]).any()
    assert np.abs(moved - places).max() <= 0.03 + 1e-6


def test_a_stroke_that_ends_short_of_another_joins_it() -> None:
    places = two_strokes((0.5, 0.62, 0.06, 0.36))  # its top is .01 below the bottom of the horizontal
    assert not (inks(["H", "S"], places).all(axis=0)).any()
    moved = spaced(["H", "S"], places, np.full((2, 2), JOIN, np.int8))
    assert inks(["H", "S"], moved).all(axis=0).any()


def test_what_is_right_already_is_left_as_it_is() -> None:
    places = two_strokes((0.5, 0.7, 0.5, 0.06))
    np.testing.assert_array_equal(spaced(["H", "H"], places, np.full((2, 2), APART, np.int8)), places)


def test_training_characters_tell_which_strokes_touch() -> None:
    wanted = load_joints().wanted(brief_from_ids("⿰木口"))
    assert (wanted == wanted.T).all()
    tree, mouth = (np.array(leaf.strokes) for leaf in brief_from_ids("⿰木口").tree.leaves())
    assert not (wanted[np.ix_(tree, mouth)] == JOIN).any()
    assert (wanted[np.ix_(tree, mouth)] == APART).mean() > 0.9
    assert wanted[tree[0], tree[1]] == JOIN  # 木's horizontal and vertical
    assert np.count_nonzero(np.triu(wanted[np.ix_(mouth, mouth)] == JOIN, 1)) >= 2


def test_composed_characters_collide_and_gape_less() -> None:
    briefs = [brief_of(char) for char in "湖棱檄謎飯挾鹩微"]
    before = compose(briefs, load_composer())
    joints = load_joints()
    wrong = np.zeros((2, 2), int)
    for composition in before:
        wanted = joints.wanted(composition.brief)
        for at, places in enumerate((composition.places, composition.spaced(joints).places)):
            written = inks(list(composition.brief.stroke_types), places).reshape(len(places), -1).astype(np.float32)
            touch = np.triu(written @ written.T > 0, 1)
            wrong[at] += (
                np.count_nonzero(touch & (wanted == APART)),
                np.count_nonzero(np.triu(wanted == JOIN, 1) & ~touch),
            )
    assert wrong[1, 0] <= wrong[0, 0] / 2
    assert wrong[1, 1] <= wrong[0, 1]


def test_joints_of_another_library_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "joints.safetensors"
    stored.write(path, {"keys": np.zeros(1, np.float32)}, {"strokes": 1})
    monkeypatch.setattr(joints_module, "FILE", path)
    load_joints.cache_clear()
    with pytest.raises(HierbrushError, match="another component library"):
        load_joints()
    load_joints.cache_clear()
