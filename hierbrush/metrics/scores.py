"""The fixed metrics: IoU, XOR over area and symmetric Chamfer distance on the raster of the character box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array
from hierbrush.errors import HierbrushError
from hierbrush.sim import distance_transform

SIDE = 256
"""Pixels of the raster's side on which every reported figure is measured."""


@dataclass(frozen=True)
class Scores:
    """How near ink is to its reference.

    ``iou`` is the intersection over the union; ``xor_area`` the pixels where the two differ over the reference's
    pixels; ``chamfer`` the mean distance from an ink pixel to the nearest reference pixel, averaged with the mean
    distance the other way, as a fraction of the raster's side.
    """

    iou: float
    xor_area: float
    chamfer: float


def score(ink: NDArray[np.generic], reference: NDArray[np.generic]) -> Scores:
    """Compare ink with its reference, pixel by pixel and without realignment.

    Both are ``[s, s]``: bool, or coverage in [0, 1] of which at least one half counts as ink. Reported figures use
    ``s = 256``. Without any ink the scores are the worst a blank sheet can get: IoU 0, XOR/area 1, and for the
    Chamfer distance √2, the diagonal of the box.

    Raises:
        HierbrushError: the shapes differ or are not square, a value lies outside [0, 1], or the reference is blank.
    """
    drawn, wanted = _binary(ink, "ink"), _binary(reference, "reference")
    if drawn.shape != wanted.shape:
        raise HierbrushError(f"ink: shape {drawn.shape} differs from the reference's {wanted.shape}")
    area = int(np.count_nonzero(wanted))
    if area == 0:
        raise HierbrushError("reference: is blank, so there is nothing to compare with")
    return Scores(_iou(drawn, wanted), int(np.count_nonzero(drawn ^ wanted)) / area, _chamfer(drawn, wanted))


def stroke_iou(ink: NDArray[np.generic], reference: NDArray[np.generic]) -> float:
    """Return the IoU alone, as ``score`` defines it but without the cost of the distances; 1 if both are blank."""
    drawn, wanted = _binary(ink, "ink"), _binary(reference, "reference")
    if drawn.shape != wanted.shape:
        raise HierbrushError(f"ink: shape {drawn.shape} differs from the reference's {wanted.shape}")
    return _iou(drawn, wanted)


def _binary(raster: NDArray[np.generic], name: str) -> NDArray[np.bool_]:
    values = check_array(name, raster, None, "[side, side] of ink or coverage", dtype=None, finite=False)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or values.shape[0] == 0:
        raise HierbrushError(f"{name}: shape {values.shape} is not [side, side]")
    if values.dtype == np.bool_:
        return values
    values = values.astype(np.float32, copy=False)
    # Written so that NaN fails too.
    if not (values.min() >= 0.0 and values.max() <= 1.0):
        raise HierbrushError(f"{name}: coverage must lie in [0, 1], where 1 is ink")
    return np.asarray(values >= 0.5)


def _iou(drawn: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    union = int(np.count_nonzero(drawn | wanted))
    return int(np.count_nonzero(drawn & wanted)) / union if union else 1.0


def _chamfer(drawn: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    if not drawn.any():
        return float(np.sqrt(2.0))
    there = distance_transform(wanted)[drawn].mean(dtype=np.float64)
    back = distance_transform(drawn)[wanted].mean(dtype=np.float64)
    return (float(there) + float(back)) / 2.0 / int(drawn.shape[0])
