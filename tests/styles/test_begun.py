"""Registration that begins where somebody else has found the strokes."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.characters import load_library
from hierbrush.errors import HierbrushError
from hierbrush.metrics import stroke_iou
from hierbrush.sim import rasterise
from hierbrush.styles.begun import register_begun
from tests.styles.conftest import warped


def test_a_good_beginning_is_fitted_and_a_bad_one_given_up() -> None:
    glyph, truth = load_library()["永"], warped("永", 3)
    ink = rasterise([goal.outline for goal in truth], 256)
    own = [stroke.goal() for stroke in glyph.strokes]
    near = [goal.transformed(1.0, (0.008, -0.006)) for goal in truth]
    found = register_begun(ink, own, glyph.decomposition, near, alone=True)
    assert found.accepted
    apart = [
        stroke_iou(*(rasterise([each.outline], 256) for each in pair)) for pair in zip(found.goals, truth, strict=True)
    ]
    assert np.mean(apart) > 0.85
    wrong = near[::-1]
    assert not register_begun(ink, own, glyph.decomposition, wrong, alone=True).accepted
    assert register_begun(ink, own, glyph.decomposition, wrong).accepted


def test_the_strokes_are_as_many() -> None:
    glyph = load_library()["永"]
    own = [stroke.goal() for stroke in glyph.strokes]
    with pytest.raises(HierbrushError, match="begun: 2 strokes, expected 5"):
        register_begun(np.ones((256, 256)), own, glyph.decomposition, own[:2])
