"""Polygons, ink and distances on a raster of the unit box."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hierbrush.arguments import check_array, check_list, check_whole
from hierbrush.errors import HierbrushError, shown
from hierbrush.sim.core_choice import kernels
from hierbrush.sim.reference import unpack

MIN_SIDE, MAX_SIDE = 32, 1024
SUPERSAMPLES = (1, 2, 4)


def check_points(name: str, points: ArrayLike) -> NDArray[np.float64]:
    """Return a polygon as contiguous float64 [n >= 3, 2], or raise :class:`HierbrushError` unless it is one."""
    checked = np.ascontiguousarray(check_array(name, points, (None, 2), "[n >= 3, 2] finite unit-box coordinates"))
    if len(checked) < 3:
        raise HierbrushError(f"{name}: shape {checked.shape}, expected [n >= 3, 2]")
    return checked


def check_raster(side: int, supersample: int) -> tuple[int, int]:
    """Return ``side`` (pixels) and ``supersample`` (samples a pixel side) as Python's integers, which never overflow.

    Raises:
        HierbrushError: they are not usable.
    """
    return check_whole("side", side, MIN_SIDE, MAX_SIDE, unit="pixels"), check_supersample(supersample)


def check_supersample(supersample: int) -> int:
    """Return the samples a pixel side as Python's integer; raise `HierbrushError` unless there are 1, 2 or 4."""
    if (
        not isinstance(supersample, int | np.integer)
        or isinstance(supersample, bool)
        or supersample not in SUPERSAMPLES
    ):
        raise HierbrushError(f"supersample: {shown(supersample)}, expected 1, 2 or 4 samples a pixel side")
    return int(supersample)


def _byte_counts(supersample: int) -> NDArray[np.unsignedinteger]:
    """Return for every byte of samples how many of each pixel's are set: [256], a byte a pixel side by side."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    counts = bits.reshape(256, 8 // supersample, supersample).sum(axis=2, dtype=np.uint8)
    joined: NDArray[np.unsignedinteger] = counts.view({2: np.uint32, 4: np.uint16}[supersample])[:, 0]
    return joined


# No pixel of 16 samples overflows its byte, so the bytes can be summed as one number.
_COUNTS = {supersample: _byte_counts(supersample) for supersample in (2, 4)}


def coverage(words: NDArray[np.uint64], columns: int, rows: int, supersample: int) -> NDArray[np.float32]:
    """Return the share of inked samples of each pixel: float32 [rows, columns] from packed samples."""
    if supersample == 1:
        return unpack(words, columns, rows).astype(np.float32)
    height, per_row = rows * supersample, (columns * supersample + 63) // 64
    packed = words[: height * per_row].astype("<u8", copy=False).view(np.uint8).reshape(height, per_row * 8)
    # Counted a byte at a time, which holds 8 / supersample pixels, then over the sub-rows.
    counts = _COUNTS[supersample][packed].reshape(rows, supersample, -1)
    by_pixel = counts.sum(axis=1, dtype=counts.dtype).view(np.uint8)[:, :columns]
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
    side, supersample = check_raster(side, supersample)
    samples = side * supersample
    bits = np.zeros((samples, (samples + 63) // 64), dtype=np.uint64)
    for index, polygon in enumerate(check_list("polygons", polygons, "polygons, each [n >= 3, 2]")):
        points = check_points(f"polygons[{index}]", polygon)
        # Far outside, only the winding to the left of the paper matters; clipping keeps every cast in range.
        _fill(np.clip(points, -64.0, 64.0) * samples, samples, bits)
    return coverage(bits.ravel(), side, side, supersample)


def _fill(points: NDArray[np.float64], samples: int, bits: NDArray[np.uint64]) -> None:
    """Set the samples that a polygon holds: its own rows and words alone, a tenth of the paper for most strokes."""
    low, high = points.min(axis=0), points.max(axis=0)
    left, top = (int(edge) for edge in np.clip(np.floor(low), 0, samples))
    right, bottom = (int(edge) for edge in np.clip(np.ceil(high), 0, samples))
    if left >= right or top >= bottom:
        return
    first, last = left // 64, (right + 63) // 64
    columns, rows = min(64 * last, samples) - 64 * first, bottom - top
    part = np.zeros(rows * (last - first), dtype=np.uint64)
    kernels.fill_polygon(points - [64.0 * first, top], columns, rows, part)
    bits[top:bottom, first:last] |= part.reshape(rows, last - first)


def distance_to_outline(points: NDArray[np.float64], outline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of points to closed polygons, inside or outside: float64 [..., n].

    Args:
        points: float64 [..., n, 2].
        outline: float64 [..., m, 2], a polygon for every n of the points.

    Raises:
        HierbrushError: the shapes do not fit.
    """
    expected = "[..., n, 2] numbers"
    points = check_array("points", points, None, expected, finite=False)
    outline = check_array("outline", outline, None, expected, finite=False)
    fits = (
        min(points.ndim, outline.ndim) >= 2
        and points.shape[:-2] == outline.shape[:-2]
        and points.shape[-1] == outline.shape[-1] == 2
    )
    if not fits or not outline.shape[-2]:
        raise HierbrushError(
            f"points, outline: shapes {points.shape} and {outline.shape}, expected [..., n, 2] and [..., m >= 1, 2]"
        )
    out = np.empty(points.shape[:-1])
    if out.size:
        columns = [np.ascontiguousarray(each, dtype=np.float64) for each in (points, outline)]
        kernels.outline_distance(*columns, math.prod(points.shape[:-2]), out)
    return out


def distance_transform(mask: ArrayLike) -> NDArray[np.float32]:
    """Return each pixel's exact Euclidean distance in pixels to the nearest True pixel: float32 [h, w].

    Infinity where no pixel is True. Felzenszwalb and Huttenlocher, "Distance transforms of sampled functions", 2012.

    Raises:
        HierbrushError: ``mask`` is not a two-dimensional array of 1 to 4096 pixels a side.
    """
    checked = check_array("mask", mask, None, "[h, w] of 1 to 4096 pixels each", dtype=None, finite=False)
    pixels = np.ascontiguousarray(checked != 0).view(np.uint8)
    if pixels.ndim != 2 or not all(1 <= extent <= 4096 for extent in pixels.shape):
        raise HierbrushError(f"mask: shape {pixels.shape}, expected [h, w] of 1 to 4096 pixels each")
    out = np.empty(pixels.shape, dtype=np.float32)
    kernels.distance_transform(pixels, pixels.shape[1], pixels.shape[0], out)
    return out
