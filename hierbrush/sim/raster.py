"""Polygons, ink and distances on a raster of the unit box."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hierbrush.errors import HierbrushError
from hierbrush.sim.core_choice import kernels
from hierbrush.sim.reference import unpack

MIN_SIDE, MAX_SIDE = 32, 1024
SUPERSAMPLES = (1, 2, 4)
MIN_BOX, MAX_BOX = 1e-3, 4.0


def check_number(name: str, value: float, low: float, high: float, unit: str) -> float:
    """Return ``value`` as a float, or raise :class:`HierbrushError` unless it is a number from ``low`` to ``high``."""
    usable = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not usable or not low <= value <= high:
        raise HierbrushError(f"{name}: {value!r}, expected {unit} from {low:g} to {high:g}")
    return float(value)


def check_whole(name: str, value: int, low: int, high: int) -> int:
    """Return ``value`` as an int, or raise :class:`HierbrushError` unless it is whole and from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        raise HierbrushError(f"{name}: {value!r}, expected a whole number from {low} to {high}")
    return int(value)


def check_points(name: str, points: ArrayLike) -> NDArray[np.float64]:
    """Return a polygon as contiguous float64 [n >= 3, 2], or raise :class:`HierbrushError` unless it is one."""
    try:
        checked = np.ascontiguousarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        raise HierbrushError(f"{name}: not numbers, expected [n >= 3, 2]") from None
    if checked.ndim != 2 or checked.shape[1] != 2 or len(checked) < 3:
        raise HierbrushError(f"{name}: shape {checked.shape}, expected [n >= 3, 2]")
    if not np.isfinite(checked).all():
        raise HierbrushError(f"{name}: holds NaN or infinity, expected finite unit-box coordinates")
    return checked


def check_raster(side: int, supersample: int) -> None:
    """Raise :class:`HierbrushError` unless ``side`` (pixels) and ``supersample`` (samples a pixel side) are usable."""
    if isinstance(side, bool) or not isinstance(side, int | np.integer) or not MIN_SIDE <= side <= MAX_SIDE:
        raise HierbrushError(f"side: {side!r}, expected a whole number of pixels from {MIN_SIDE} to {MAX_SIDE}")
    whole = isinstance(supersample, int | np.integer) and not isinstance(supersample, bool)
    if not whole or supersample not in SUPERSAMPLES:
        raise HierbrushError(f"supersample: {supersample!r}, expected 1, 2 or 4 samples a pixel side")


def coverage(words: NDArray[np.uint64], columns: int, rows: int, supersample: int) -> NDArray[np.float32]:
    """Return the share of inked samples of each pixel: float32 [rows, columns] from packed samples."""
    samples = unpack(words, columns * supersample, rows * supersample)
    if supersample == 1:
        return samples.astype(np.float32)
    # Summing the sub-rows first keeps the inner loop contiguous.
    by_row = samples.view(np.uint8).reshape(rows, supersample, columns * supersample).sum(axis=1, dtype=np.uint8)
    by_pixel = by_row.reshape(rows, columns, supersample).sum(axis=2, dtype=np.uint8)
    share: NDArray[np.float32] = by_pixel.astype(np.float32) / np.float32(supersample * supersample)
    return share


def rasterise(polygons: Sequence[ArrayLike], side: int, *, supersample: int = 4) -> NDArray[np.float32]:
    """Return how much of each pixel the union of polygons covers.

    Args:
        polygons: each [n >= 3, 2] in the unit box, filled by the nonzero rule.
        side: pixels of the square raster, 32 to 1024.
        supersample: 1, 2 or 4 samples a pixel side.

    Returns:
        float32 [side, side] in [0, 1], row 0 at the top.

    Raises:
        HierbrushError: a polygon's shape is wrong or it holds a value that is not finite.
    """
    check_raster(side, supersample)
    samples = side * supersample
    bits = np.zeros(samples * ((samples + 63) // 64), dtype=np.uint64)
    for index, polygon in enumerate(polygons):
        points = check_points(f"polygons[{index}]", polygon)
        # Far outside, only the winding to the left of the paper matters; clipping keeps every cast in range.
        kernels.fill_polygon(np.clip(points, -64.0, 64.0) * samples, samples, samples, bits)
    return coverage(bits, side, side, supersample)


def distance_transform(mask: ArrayLike) -> NDArray[np.float32]:
    """Return each pixel's exact Euclidean distance in pixels to the nearest True pixel: float32 [h, w].

    Infinity where no pixel is True. Felzenszwalb and Huttenlocher, "Distance transforms of sampled functions", 2012.

    Raises:
        HierbrushError: ``mask`` is not a two-dimensional array of 1 to 4096 pixels a side.
    """
    pixels = np.ascontiguousarray(np.asarray(mask) != 0).view(np.uint8)
    if pixels.ndim != 2 or not all(1 <= extent <= 4096 for extent in pixels.shape):
        raise HierbrushError(f"mask: shape {pixels.shape}, expected [h, w] of 1 to 4096 pixels each")
    out = np.empty(pixels.shape, dtype=np.float32)
    kernels.distance_transform(pixels, pixels.shape[1], pixels.shape[0], out)
    return out
