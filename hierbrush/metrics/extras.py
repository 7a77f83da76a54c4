"""SSIM and cosine similarity, shown beside the fixed metrics only because other work reports them.

On a mostly white sheet both flatter: a robot's scan with an IoU of .43 has an SSIM of .81.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WINDOW = 7


def cosine(ink: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """Return the cosine of the angle between the two rasters as vectors; 0 when either is blank."""
    a, b = ink.astype(np.float64).ravel(), reference.astype(np.float64).ravel()
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms else 0.0


def ssim(ink: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """Return the mean structural similarity over 7 × 7 windows of two rasters with values in [0, 1].

    Wang, Bovik, Sheikh and Simoncelli 2004 with flat windows, sample covariances, K1 = .01 and K2 = .03: the defaults
    of scikit-image, on windows that lie wholly inside the raster.
    """
    a, b = ink.astype(np.float64), reference.astype(np.float64)
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


def _window_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    w = _WINDOW
    windows: NDArray[np.float64] = sums[w:, w:] - sums[:-w, w:] - sums[w:, :-w] + sums[:-w, :-w]
    return windows / w**2
