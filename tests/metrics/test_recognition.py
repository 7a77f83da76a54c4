from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError
from hierbrush.metrics.recognition import GlyphIndex, sureness

Mask = NDArray[np.bool_]


def blot(rng: np.random.Generator, side: int = 64) -> Mask:
    raster = np.zeros((side, side), np.bool_)
    for _ in range(4):
        y, x = rng.integers(12, 36, 2)
        height, width = rng.integers(3, 20, 2)
        raster[y : y + height, x : x + width] = True
    return raster


@pytest.fixture(scope="module")
def glyphs() -> list[Mask]:
    rng = np.random.default_rng(1)
    return [blot(rng) for _ in range(100)]


@pytest.fixture(scope="module")
def index(glyphs: list[Mask]) -> GlyphIndex:
    return GlyphIndex(glyphs)


def slow_iou(ink: Mask, glyph: Mask, shift: int) -> float:
    """Return the best IoU over whole-pixel movements about the centred position, on a wide canvas."""
    side = len(ink)

    def centred(raster: Mask, dy: int = 0, dx: int = 0) -> Mask:
        wide = np.zeros((3 * side, 3 * side), np.bool_)
        rows, columns = np.nonzero(raster)
        wide[rows - round(rows.mean()) + dy + side, columns - round(columns.mean()) + dx + side] = True
        return wide

    wanted = centred(glyph)
    best = 0.0
    for dy in range(-shift, shift + 1):
        for dx in range(-shift, shift + 1):
            if dy * dy + dx * dx <= shift * shift:
                drawn = centred(ink, dy, dx)
                best = max(best, (drawn & wanted).sum() / (drawn | wanted).sum())
    return best


def test_ious_are_those_of_centred_ink(glyphs: list[Mask], index: GlyphIndex) -> None:
    inks = [np.roll(glyphs[0], (3, -5), (0, 1)), blot(np.random.default_rng(5))]
    found = index.ious(inks)
    assert found[0, 0] == 1.0
    for row, ink in enumerate(inks):
        assert found[row, :40] == pytest.approx([slow_iou(ink, glyph, 0) for glyph in glyphs[:40]], abs=1e-6)


@pytest.mark.parametrize("shift", [0, 2])
def test_ranks_are_those_of_a_plain_search(glyphs: list[Mask], index: GlyphIndex, shift: int) -> None:
    rng = np.random.default_rng(2)
    answers = [3, 50, 70, 99]
    # Between the right glyph and another, so that places differ.
    inks = [
        glyphs[answer] ^ (rng.random((64, 64)) < noise)
        for answer, noise in zip(answers, (0, 0.1, 0.3, 0.45), strict=True)
    ]
    expected = []
    for ink, answer in zip(inks, answers, strict=True):
        ious = np.array([slow_iou(ink, glyph, shift) for glyph in glyphs])
        expected.append(int((ious >= ious[answer] - 1e-9).sum()))
    found = index.ranks(inks, answers, shift=shift)
    assert found.tolist() == (expected if shift == 0 else [min(place, 6) for place in expected])


def test_a_shortlist_holds_what_is_nearest(glyphs: list[Mask], index: GlyphIndex) -> None:
    rng = np.random.default_rng(4)
    inks = [glyph ^ (rng.random((64, 64)) < 0.2) for glyph in glyphs[:20]]
    among = index.shortlist(inks, 30)
    assert among.shape == (20, 30)
    for shift in (0, 2):
        near = index.ranks(inks, range(20), shift=shift, among=among)
        assert np.minimum(near, 6).tolist() == np.minimum(index.ranks(inks, range(20), shift=shift), 6).tolist()
    assert index.shortlist(inks, 1000).shape == (20, len(glyphs))


def test_a_shift_forgives_what_a_stray_blot_moves(glyphs: list[Mask], index: GlyphIndex) -> None:
    ink = glyphs[7].copy()
    ink[56:60, 40:64] = True
    strict = index.ious([ink])[0, 7]
    assert slow_iou(ink, glyphs[7], 4) > strict
    assert index.ranks([ink], [7], shift=4)[0] <= index.ranks([ink], [7])[0]


def test_blank_ink_is_recognised_as_nothing(index: GlyphIndex) -> None:
    blank = np.zeros((64, 64), np.float32)
    assert index.ranks([blank], [0])[0] == len(index)
    assert index.ranks([blank], [0], shift=2)[0] == 6


def test_margins_are_those_of_a_plain_search(glyphs: list[Mask], index: GlyphIndex) -> None:
    inks, answers = [glyphs[3], glyphs[4], np.zeros_like(glyphs[0])], [3, 9, 0]
    ious = index.ious(inks).astype(np.float64)
    margins = index.margins(inks, answers)
    for at in range(2):
        own = ious[at, answers[at]]
        ious[at, answers[at]] = 0.0
        assert margins[at] == pytest.approx(own - ious[at].max(), abs=1e-6)
    assert margins[0] > 0 > margins[1]
    assert margins[2] == -1.0
    assert np.array_equal(index.margins(inks[:2], answers[:2], among=index.shortlist(inks[:2], 30)), margins[:2])


def test_sureness_is_the_logistic_of_the_margin() -> None:
    assert sureness(np.array([0.0, 0.02, -0.02])) == pytest.approx([0.5, 0.731, 0.269], abs=1e-3)
    none, little, much = sureness(np.array([0.0, 0.05, 0.10]))
    assert little - none > 5 * (much - little)  # saturates


def test_progress_counts_every_ink(glyphs: list[Mask], index: GlyphIndex) -> None:
    done: list[int] = []
    index.ranks(glyphs[:3], [0, 1, 2], shift=1, progress=done.append)
    assert sum(done) == 3


def test_unusable_rasters_are_named(index: GlyphIndex) -> None:
    with pytest.raises(HierbrushError, match="glyphs: there is none"):
        GlyphIndex([])
    with pytest.raises(HierbrushError, match=r"glyphs\[1\]: is blank"):
        GlyphIndex([np.ones((32, 32)), np.zeros((32, 32))])
    with pytest.raises(HierbrushError, match=r"inks\[0\]: shape \(32, 64\)"):
        index.ious([np.ones((32, 64))])
    with pytest.raises(HierbrushError, match=r"inks\[0\]: shape \(32, 32\) differs"):
        index.ious([np.ones((32, 32))])
