"""How wide strokes are, and which of them run into one another."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hierbrush.metrics import stroke_width, touching


def bar(top: int, bottom: int, left: int = 8, right: int = 120) -> np.ndarray:
    ink = np.zeros((128, 128), bool)
    ink[top:bottom, left:right] = True
    return ink


def test_a_bar_twice_as_high_is_twice_as_wide() -> None:
    assert stroke_width(bar(40, 60)) / stroke_width(bar(40, 50)) == pytest.approx(2.0, abs=0.1)
    assert stroke_width(bar(0, 20)) == pytest.approx(stroke_width(bar(40, 60)), rel=0.05)  # at the edge too
    assert stroke_width(bar(40, 60).astype(np.float32) * 0.6) == stroke_width(bar(40, 60))
    assert math.isnan(stroke_width(np.zeros((8, 8))))


def test_ink_that_closes_up_counts_as_bold() -> None:
    apart, closed = bar(40, 50) | bar(54, 64), bar(40, 64)
    assert stroke_width(closed) > 2 * stroke_width(apart)


def test_pairs_are_told_apart() -> None:
    wanted = np.array([bar(10, 20), bar(15, 30), bar(60, 70)])
    written = np.array([bar(10, 20), bar(21, 30), bar(28, 70)])
    assert touching(wanted, wanted) == (0, 0)
    assert touching(written, wanted) == (1, 1)
