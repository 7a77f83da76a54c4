from __future__ import annotations

import numpy as np
import pytest
from shapely.geometry import Point, Polygon

from hierbrush.errors import HierbrushError
from hierbrush.metrics import disc_oracle
from hierbrush.metrics.disc_oracle import _union, inscribed_discs

BAR = np.array([[0.2, 0.4], [0.8, 0.4], [0.8, 0.6], [0.2, 0.6]], np.float32)
ALONG = np.array([[0.3, 0.5], [0.7, 0.5]], np.float32)


def test_a_bar_becomes_its_rounded_self() -> None:
    coverage = disc_oracle([(BAR, ALONG)], 256)
    # Discs of radius .1 from .3 to .7: a .4 x .2 rectangle and one whole disc.
    assert coverage.dtype == np.float32
    assert coverage.mean() == pytest.approx(0.4 * 0.2 + np.pi * 0.01, rel=5e-3)
    assert coverage[128, 128] == 1.0
    assert coverage[105, 53] == 0.0  # a corner of the bar, out of every disc's reach


def test_radii_are_exact() -> None:
    rng = np.random.default_rng(3)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 15))
    outline = 0.5 + (0.2 + 0.2 * rng.random(15))[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    polygon = Polygon(outline)
    discs = inscribed_discs(outline, np.array([[0.1, 0.45], [0.9, 0.55]]))
    assert 100 < len(discs) < 824
    for x, y, radius in discs[::20]:
        assert polygon.contains(Point(x, y))
        assert radius == pytest.approx(polygon.exterior.distance(Point(x, y)), abs=1e-12)


def test_the_union_holds_exactly_the_samples_inside_a_disc() -> None:
    rng = np.random.default_rng(5)
    discs = np.column_stack([rng.uniform(-5, 69, (30, 2)), rng.uniform(0, 12, 30)])
    y, x = np.mgrid[0:64, 0:64] + 0.5
    wanted = ((x[..., None] - discs[:, 0]) ** 2 + (y[..., None] - discs[:, 1]) ** 2 <= discs[:, 2] ** 2).any(-1)
    assert np.array_equal(_union(discs, 64, 64), wanted)


def test_the_part_of_a_median_outside_its_outline_draws_nothing() -> None:
    longer = np.array([[0.0, 0.5], [1.0, 0.5]], np.float32)
    coverage = disc_oracle([(BAR, longer)], 256)
    assert coverage[:, :51].max() == 0.0
    assert coverage[:, 206:].max() == 0.0


def test_several_strokes_are_one_union() -> None:
    upright = (BAR[:, ::-1].copy(), ALONG[:, ::-1].copy())
    both = disc_oracle([(BAR, ALONG), upright], 128)
    apart = np.maximum(disc_oracle([(BAR, ALONG)], 128), disc_oracle([upright], 128))
    assert np.array_equal(both >= apart, np.ones_like(both, bool))
    assert both.max() == 1.0
    assert disc_oracle([], 64).max() == 0.0


@pytest.mark.parametrize(
    ("outline", "median", "message"),
    [(BAR[:2], ALONG, r"outline of shape \(2, 2\)"), (BAR, ALONG[:1], "median of shape")],
)
def test_degenerate_strokes_are_named(outline: np.ndarray, median: np.ndarray, message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        disc_oracle([(outline, median)])
