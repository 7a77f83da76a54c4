"""The disc oracle: what sweeping discs of the exact inscribed radius along the median reaches, with no brush at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array, check_list
from hierbrush.errors import HierbrushError
from hierbrush.sim.raster import check_raster

_SPACING = 1.0 / 1024.0
"""Distance between the discs' centres in the unit box: a quarter of a pixel of the 256 raster."""

_FARTHEST = 16.0  # beyond this, coordinates are given in other units, and discs would fill the memory

Discs = NDArray[np.float64]


def disc_oracle(
    strokes: Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]], side: int = 256, *, supersample: int = 4
) -> NDArray[np.float32]:
    """Return the coverage ``[side, side]`` of the discs of one or several strokes.

    Each stroke is its true outline ``[n, 2]`` and its median ``[m, 2]`` in the unit box. Discs stand every 1/1024 along
    the median, each as large as fits into the outline; where the median runs outside the outline there is none. A
    pixel's coverage is the share of its ``supersample²`` samples that some disc holds.

    Raises:
        HierbrushError: an outline has fewer than three points or a median fewer than two.
    """
    strokes = check_list("strokes", strokes, "pairs of outline and median")
    if not all(isinstance(stroke, tuple | list) and len(stroke) == 2 for stroke in strokes):
        raise HierbrushError("strokes: expected pairs of outline [n, 2] and median [m, 2]")
    side, supersample = check_raster(side, supersample)
    return disc_coverage([inscribed_discs(outline, median) for outline, median in strokes], side, supersample)


def disc_coverage(parts: Sequence[Discs], side: int, supersample: int = 4) -> NDArray[np.float32]:
    """Return the coverage ``[side, side]`` of the union of discs, rows (x, y, radius) in the unit box."""
    discs = np.concatenate([*parts, np.zeros((0, 3))])
    picture = np.zeros((side, side), np.float32)
    if len(discs) == 0:
        return picture
    # Only the pixels that some disc reaches are worked on.
    low = np.floor((discs[:, :2] - discs[:, 2:]).min(0) * side).clip(0, side).astype(int)
    high = np.ceil((discs[:, :2] + discs[:, 2:]).max(0) * side).clip(0, side).astype(int)
    columns, rows = (high - low).tolist()
    if columns <= 0 or rows <= 0:
        return picture
    fine = discs * (side * supersample) - [*(low * supersample), 0.0]
    held = _union(fine, rows * supersample, columns * supersample)
    counts = held.reshape(rows, supersample, -1).sum(1, dtype=np.uint8)
    counts = counts.reshape(rows, columns, supersample).sum(2, dtype=np.uint8)
    picture[low[1] : high[1], low[0] : high[0]] = counts / np.float32(supersample**2)
    return picture


def inscribed_discs(outline: NDArray[np.floating], median: NDArray[np.floating]) -> Discs:
    """Return rows (x, y, radius) along the median of one stroke, those outside the outline left out.

    Raises:
        HierbrushError: the outline has fewer than three points or the median fewer than two.
    """
    import shapely

    outline = check_array("strokes", outline, (None, 2), "an outline [n >= 3, 2]")
    median = check_array("strokes", median, (None, 2), "a median [m >= 2, 2]")
    if len(outline) < 3:
        raise HierbrushError(f"strokes: outline of shape {outline.shape} is not [n, 2] with n >= 3")
    if len(median) < 2:
        raise HierbrushError(f"strokes: median of shape {median.shape} is not [m, 2] with m >= 2")
    for points in (outline, median):
        if np.abs(points).max() > _FARTHEST:
            raise HierbrushError(f"strokes: reaches {np.abs(points).max():.3g}, expected unit-box coordinates")
    lengths = np.concatenate([[0.0], np.hypot(*np.diff(median, axis=0).T).cumsum()])
    at = np.linspace(0.0, lengths[-1], max(2, int(np.ceil(lengths[-1] / _SPACING)) + 1))
    points = np.stack([np.interp(at, lengths, median[:, k]) for k in (0, 1)], axis=1)

    stroke = shapely.Polygon(outline)
    shapely.prepare(stroke)
    radius = shapely.distance(stroke.exterior, shapely.points(points))
    discs: NDArray[np.float64] = np.column_stack([points, radius])[shapely.contains_xy(stroke, points)]
    return discs


def _union(discs: Discs, rows: int, columns: int) -> NDArray[np.bool_]:
    """Return which samples, at the centres of a grid, some disc holds (x, y, radius in samples).

    Every disc is a span of samples on each of its rows; span starts count +1, ends -1, and a running sum along the
    row is positive where at least one disc lies.
    """
    first = np.clip(np.ceil(discs[:, 1] - discs[:, 2] - 0.5), 0, rows).astype(np.int64)
    last = np.clip(np.floor(discs[:, 1] + discs[:, 2] - 0.5), -1, rows - 1).astype(np.int64)
    heights = np.maximum(last - first + 1, 0)
    owner = np.repeat(np.arange(len(discs)), heights)
    row = np.arange(heights.sum()) - np.repeat(heights.cumsum() - heights, heights) + first[owner]
    x, y, radius = discs[owner].T
    half = np.sqrt(np.maximum(radius**2 - (row + 0.5 - y) ** 2, 0.0))
    left = np.clip(np.ceil(x - half - 0.5), 0, columns).astype(np.int64)
    right = np.maximum(np.clip(np.floor(x + half - 0.5) + 1, 0, columns).astype(np.int64), left)
    width = columns + 1
    starts = np.bincount(row * width + left, minlength=rows * width)
    ends = np.bincount(row * width + right, minlength=rows * width)
    held = (starts - ends).reshape(rows, width)[:, :columns].astype(np.int32).cumsum(1, dtype=np.int32) > 0
    return np.asarray(held)
