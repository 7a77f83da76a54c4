"""What a character's environment makes of its ink."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.envs.character import SIDE, coarsened


def test_legibility_does_not_mind_where_on_the_page_the_ink_is() -> None:
    page = np.zeros((1, SIDE, SIDE), bool)
    page[0, 60:180, 100:120] = page[0, 60:80, 70:150] = True
    assert np.array_equal(coarsened(np.roll(page, (13, -9), axis=(1, 2))), coarsened(page))
    assert coarsened(page).sum() == pytest.approx(page.sum() / 16)


def test_blank_page_has_no_ink_anywhere() -> None:
    assert not coarsened(np.zeros((2, SIDE, SIDE), bool)).any()
