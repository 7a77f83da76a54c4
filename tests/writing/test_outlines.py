from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from skimage.measure import label

from hierbrush.writing.outlines import contours


def area(loop: np.ndarray) -> float:
    x, y = loop.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


def test_a_ring_is_two_circles_a_hundredth_of_a_pixel_off() -> None:
    y, x = np.mgrid[0:64, 0:64] + 0.5
    distance = np.hypot(x - 30, y - 32)
    coverage = np.clip(20.5 - distance, 0, 1) * np.clip(distance - 7.5, 0, 1)
    outer, inner = sorted(contours(coverage.astype(np.float32)), key=len, reverse=True)
    assert area(outer) * 64**2 == pytest.approx(np.pi * 400, rel=1e-3)
    assert area(inner) * 64**2 == pytest.approx(-np.pi * 64, rel=1e-3)
    radii = np.hypot(*(outer * 64 - [30, 32]).T)
    assert np.abs(radii - 20).max() < 0.1


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.bool_, (9, 9)))
def test_outer_loops_are_the_pieces_of_ink(mask: np.ndarray) -> None:
    loops = contours(mask.astype(np.float32))
    assert sum(area(loop) > 0 for loop in loops) == label(mask, connectivity=1).max()


def test_no_ink_no_loops() -> None:
    assert contours(np.full((8, 8), 0.49, np.float32)) == []


def test_ink_on_the_border_closes_outside_the_box_by_half_a_pixel_at_most() -> None:
    (loop,) = contours(np.ones((8, 8), np.float32))
    assert loop.min() == pytest.approx(0.0)
    assert loop.max() == pytest.approx(1.0)
