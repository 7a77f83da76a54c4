from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from scipy.ndimage import distance_transform_edt
from skimage.metrics import structural_similarity

from hierbrush.errors import HierbrushError
from hierbrush.metrics import cosine, score, ssim, stroke_iou

MASKS = hnp.arrays(np.bool_, (32, 32))


def block(side: int, top: int, left: int, size: int) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[top : top + size, left : left + size] = True
    return mask


def test_shifted_block_by_hand() -> None:
    # A 10 x 10 block against itself moved 2 pixels: 80 of 120 pixels agree; the two columns left
    # over lie 1 and 2 pixels from the other block, on either side.
    scores = score(block(64, 20, 22, 10), block(64, 20, 20, 10))
    assert scores.iou == 80 / 120
    assert scores.xor_area == 40 / 100
    assert scores.chamfer == pytest.approx((10 * 1 + 10 * 2) / 100 / 64, rel=1e-6)


def test_equal_ink_is_perfect() -> None:
    mask = block(64, 3, 5, 20)
    scores = score(mask, mask)
    assert (scores.iou, scores.xor_area, scores.chamfer) == (1.0, 0.0, 0.0)


def test_a_blank_sheet_scores_the_worst() -> None:
    scores = score(np.zeros((64, 64), bool), block(64, 3, 5, 20))
    assert (scores.iou, scores.xor_area, scores.chamfer) == (0.0, 1.0, np.sqrt(2))


def test_half_coverage_is_ink() -> None:
    reference = block(64, 3, 5, 20)
    coverage = np.where(reference, np.float32(0.5), np.float32(0.499))
    assert score(coverage, reference).iou == 1.0


@settings(max_examples=60, deadline=None)
@given(MASKS, MASKS)
def test_chamfer_is_scipys(ink: np.ndarray, reference: np.ndarray) -> None:
    if not ink.any() or not reference.any():
        return
    there = distance_transform_edt(~reference)[ink].mean()
    back = distance_transform_edt(~ink)[reference].mean()
    assert score(ink, reference).chamfer == pytest.approx((there + back) / 2 / 32, rel=1e-5, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(MASKS, MASKS)
def test_iou_and_chamfer_do_not_care_which_is_which(ink: np.ndarray, reference: np.ndarray) -> None:
    if not ink.any() or not reference.any():
        return
    one, other = score(ink, reference), score(reference, ink)
    assert one.iou == other.iou == stroke_iou(ink, reference)
    assert one.chamfer == pytest.approx(other.chamfer, rel=1e-12)
    assert one.xor_area * reference.sum() == pytest.approx(other.xor_area * ink.sum())


@pytest.mark.parametrize(
    ("ink", "reference", "message"),
    [
        (np.ones((8, 8)), np.zeros((8, 8)), "reference: is blank"),
        (np.ones((8, 8)), np.ones((9, 9)), r"ink: shape \(8, 8\) differs from the reference's \(9, 9\)"),
        (np.ones((8, 9)), np.ones((8, 9)), r"ink: shape \(8, 9\) is not \[side, side\]"),
        (np.ones((8, 8)), np.ones(8), r"reference: shape \(8,\)"),
        (np.full((8, 8), np.nan), np.ones((8, 8)), r"ink: coverage must lie in \[0, 1\]"),
        (np.full((8, 8), 255.0), np.ones((8, 8)), r"ink: coverage must lie in \[0, 1\]"),
        (np.ones((0, 0)), np.ones((0, 0)), "ink: shape"),
    ],
)
def test_unusable_rasters_are_named(ink: np.ndarray, reference: np.ndarray, message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        score(ink, reference)


def test_ssim_is_scikit_images() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random((2, 48, 48)).astype(np.float32)
    assert ssim(a, b) == pytest.approx(structural_similarity(a, b, data_range=1.0), abs=1e-6)
    assert ssim(a, a) == pytest.approx(1.0)


def test_cosine() -> None:
    a = np.zeros((8, 8), np.float32)
    b = a.copy()
    a[0, :4], b[0, 2:6] = 1, 1
    assert cosine(a, b) == pytest.approx(0.5)
    assert cosine(a, np.zeros_like(a)) == 0.0
