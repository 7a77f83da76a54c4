"""How wide components stand that are characters by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hierbrush.composer.brief import brief_of, truth_of
from hierbrush.composer.components import load_components
from hierbrush.composer.compose import compose
from hierbrush.composer.composers import WEIGHTS
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.composer.standing import Standing, box_of, fitted, load_standing
from hierbrush.errors import HierbrushError


def test_what_stands_alone_is_nearly_as_wide_as_its_glyph() -> None:
    # Validation characters; composed without it, they are .07 of the box off on average.
    chars, policy = "一也五壬史王士厂又户乘民", ComposerPolicy.load(WEIGHTS)
    off: list[list[float]] = []
    for composition in compose([brief_of(char) for char in chars], policy):
        stood = composition.standing(load_standing(), load_components())
        char = chars[len(off)]
        widths = [box_of(places)[2] for places in (composition.places, stood.places, truth_of(char).places)]
        off.append([abs(widths[0] - widths[2]), abs(widths[1] - widths[2])])
    before, after = np.mean(off, axis=0)
    assert after < 0.75 * before


def test_characters_of_several_parts_stay_as_they_are() -> None:
    (composition,) = compose([brief_of("明")], ComposerPolicy.load(WEIGHTS))
    assert composition.standing(load_standing(), load_components()).places is composition.places


def test_heights_stay_and_nothing_leaves_the_box() -> None:
    (composition,) = compose([brief_of("女")], ComposerPolicy.load(WEIGHTS))
    size = len(load_standing().mean)
    wide = Standing(np.zeros(size), np.ones(size), np.zeros((size, 2)), np.array([0.3, 2.0]))
    stood = wide.placed(composition.brief, composition.places, load_components())
    assert np.array_equal(stood[:, [1, 3]], composition.places[:, [1, 3]])
    left, right = stood[:, 0] - stood[:, 2] / 2, stood[:, 0] + stood[:, 2] / 2
    assert left.min() > -1e-6
    assert right.max() < 1 + 1e-6
    assert box_of(stood)[2] > 0.9


def test_a_regression_finds_what_is_linear() -> None:
    known = np.random.default_rng(0).standard_normal((50, 3))
    found = fitted(known, known @ np.array([[1.0, 0], [0, 2.0], [0, 0]]) + 5, 1e-6)
    answer = ((np.array([1.0, 1, 1]) - found.mean) / found.scale) @ found.weights + found.base
    assert answer == pytest.approx([6, 7], abs=1e-4)


def test_a_broken_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "standing.json"
    path.write_text("{}")
    with pytest.raises(HierbrushError, match="holds no widths of single components"):
        load_standing(path)
