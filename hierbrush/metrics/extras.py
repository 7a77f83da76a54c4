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

    Wang, Bovik, Sheikh and Simoncelli 2004 with flat windows, sample covariances, K1 = .01 and K2 = .03: the defaults
    of scikit-image, on windows that lie wholly inside the raster.

    Raises:
        HierbrushError: the two are no rasters, of different shapes, or smaller than a window.
    """
    a, b = _rasters(ink, reference)
    if min(a.shape) < _WINDOW:
        raise HierbrushError(f"ink: shape {a.shape}, expected at least {_WINDOW} pixels a side")
    mean_a, mean_b = _window_means(a), _window_means(b)
    unbias = _WINDOW**2 / (_WINDOW**2 - 1)
    var_a = unbias * (_window_means(a * a) - mean_a**2)
    var_b = unbias * (_window_means(b * b) - mean_b**2)
    covariance = unbias * (_window_means(a * b) - mean_a * mean_b)
    c1, c2 = 0.01**2, 0.03**2
    similarity = ((2 * mean_a * mean_b + c1) * (2 * covariance + c2)) / (
        (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    )
    return float(similarity.mean())


def _rasters(ink: NDArray[np.float32], reference: NDArray[np.float32]) -> tuple[NDArray[np.float64], ...]:
    names = {"ink": ink, "reference": reference}
    checked = tuple(check_array(name, raster, (None, None), "[h, w] of coverage") for name, raster in names.items())
    if checked[0].shape != checked[1].shape:
        raise HierbrushError(f"ink: shape {checked[0].shape} differs from the reference's {checked[1].shape}")
    return checked


def _window_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    w = _WINDOW
    windows: NDArray[np.float64] = sums[w:, w:] - sums[:-w, w:] - sums[w:, :-w] + sums[:-w, :-w]
    return windows / w**2
