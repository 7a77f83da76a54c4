"""SSIM and cosine similarity, shown beside the fixed metrics only because other work reports them.

On a mostly white sheet both flatter: a robot's scan with an IoU of .43 has an SSIM of .81.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array
from hierbrush.errors import HierbrushError

_WINDOW = 7


def cosine(ink: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """Return the cosine of the angle between the two rasters as vectors; 0 when either is blank.

    Raises:
        HierbrushError: the two are no rasters, or of different shapes.
    """
    a, b = (values.ravel() for values in _rasters(ink, reference))
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms else 0.0


def ssim(ink: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """Return the mean structural similarity over 7 × 7 windows of two rasters with values in [0, 1].

    Wang, Bovik, Sheikh and Simoncelli 2004 with flat windows, as scikit-image computes it.

    Raises:
        HierbrushError: the two are no rasters, of different shapes, or smaller than a window.
    """
    a, b = _rasters(ink, reference)
    if min(a.shape) < _WINDOW:
        raise HierbrushError(f"ink: shape {a.shape}, expected at least {_WINDOW} pixels a side")
    from skimage.metrics import structural_similarity

    return float(structural_similarity(a, b, win_size=_WINDOW, data_range=1.0))


def _rasters(ink: NDArray[np.float32], reference: NDArray[np.float32]) -> tuple[NDArray[np.float64], ...]:
    names = {"ink": ink, "reference": reference}
    checked = tuple(check_array(name, raster, (None, None), "[h, w] of coverage") for name, raster in names.items())
    if checked[0].shape != checked[1].shape:
        raise HierbrushError(f"ink: shape {checked[0].shape} differs from the reference's {checked[1].shape}")
    return checked
