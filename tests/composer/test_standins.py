"""A component that no training character has is laid out as the one whose strokes are most like its own."""

from __future__ import annotations

import numpy as np

from hierbrush.composer.brief import brief_from_ids, brief_of
from hierbrush.composer.components import load_components
from hierbrush.composer.standins import stand_in


def test_the_same_strokes_in_the_same_order_stand_in() -> None:
    form = stand_in(load_components(), ("H", "S", "P", "N"), listed=True)
    assert form is not None
    assert form.stroke_types == ("H", "S", "P", "N")


def test_more_strokes_than_any_leaf_has_none() -> None:
    assert stand_in(load_components(), ("H",) * 60, listed=False) is None


def test_an_unknown_component_is_named_and_its_strokes_are_no_ladder() -> None:
    brief = brief_from_ids("⿰氵{H S P N D D}")
    assert brief.unknown == ("#H S P N D D",)
    rows = list(list(brief.tree.leaves())[1].strokes)
    assert [brief.stroke_types[row] for row in rows] == ["H", "S", "P", "N", "D", "D"]
    widths = brief.prior[rows, 2]
    assert widths.max() > 1.5 * widths.min()


def test_a_description_is_laid_out_as_the_character_that_it_describes() -> None:
    described, known = brief_from_ids("⿰亻九", char="仇"), brief_of("仇")
    np.testing.assert_allclose(described.prior, known.prior, atol=1e-6)
