"""The disc oracle: what sweeping discs of the exact inscribed radius along the median reaches, with no brush at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError

_SPACING = 1.0 / 1024.0
"""Distance between the discs' centres in the unit box: one sample where a pixel of the 256 raster has 4 × 4."""


def disc_oracle(
    strokes: Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]], side: int = 256, *, supersample: int = 4
) -> NDArray[np.float32]:
    """Return the coverage ``[side, side]`` of the discs of one or several strokes.

    Each stroke is its true outline ``[n, 2]`` and its median ``[m, 2]`` in the unit box. Discs stand every 1/1024
    along the median, each as large as fits into the outline; where the median runs outside the outline there is none.
    A pixel's coverage is the share of its ``supersample²`` samples that some disc holds.

    Raises:
        HierbrushError: an outline has fewer than three points or a median fewer than two.
    """
    parts = [_inscribed_discs(np.asarray(o, np.float64), np.asarray(m, np.float64)) for o, m in strokes]
    discs = np.concatenate([*parts, np.zeros((0, 3))])
    fine = side * supersample
    held = _union(discs * fine, fine)
    blocks = held.reshape(side, supersample, side, supersample)
    coverage: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32)
    return coverage


def _inscribed_discs(outline: NDArray[np.float64], median: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows (x, y, radius) along the median, those outside the outline left out."""
    if outline.ndim != 2 or outline.shape[0] < 3 or outline.shape[1] != 2:
        raise HierbrushError(f"strokes: outline of shape {outline.shape} is not [n, 2] with n >= 3")
    if median.ndim != 2 or median.shape[0] < 2 or median.shape[1] != 2:
        raise HierbrushError(f"strokes: median of shape {median.shape} is not [m, 2] with m >= 2")
    lengths = np.concatenate([[0.0], np.hypot(*np.diff(median, axis=0).T).cumsum()])
    at = np.linspace(0.0, lengths[-1], max(2, int(np.ceil(lengths[-1] / _SPACING)) + 1))
    points = np.stack([np.interp(at, lengths, median[:, k]) for k in (0, 1)], axis=1)

    start, end = outline, np.roll(outline, -1, axis=0)
    edge = end - start
    squared = np.maximum((edge**2).sum(1), 1e-30)
    offset = points[:, None] - start[None]
    share = np.clip((offset * edge).sum(2) / squared, 0.0, 1.0)
    radius = np.sqrt(((offset - share[..., None] * edge) ** 2).sum(2).min(1))

    below = start[None, :, 1] > points[:, None, 1]
    crosses = below != (end[None, :, 1] > points[:, None, 1])
    rise = np.where(edge[:, 1] == 0.0, 1.0, edge[:, 1])
    crossing = start[:, 0] + (points[:, None, 1] - start[None, :, 1]) * (edge[:, 0] / rise)
    inside = (crosses & (points[:, None, 0] < crossing)).sum(1) % 2 == 1
    discs: NDArray[np.float64] = np.column_stack([points, radius])[inside]
    return discs


def _union(discs: NDArray[np.float64], side: int) -> NDArray[np.bool_]:
    """Return which samples, at the centres of a ``side × side`` grid, some disc holds (rows x, y, radius in samples).

    Every disc is a span of samples on each of its rows; span starts count +1, ends -1, and a running sum along the
    row is positive where at least one disc lies.
    """
    first = np.clip(np.ceil(discs[:, 1] - discs[:, 2] - 0.5), 0, side).astype(np.int64)
    last = np.clip(np.floor(discs[:, 1] + discs[:, 2] - 0.5), -1, side - 1).astype(np.int64)
    heights = np.maximum(last - first + 1, 0)
    owner = np.repeat(np.arange(len(discs)), heights)
    row = np.arange(heights.sum()) - np.repeat(heights.cumsum() - heights, heights) + first[owner]
    x, y, radius = discs[owner].T
    half = np.sqrt(np.maximum(radius**2 - (row + 0.5 - y) ** 2, 0.0))
    left = np.clip(np.ceil(x - half - 0.5), 0, side).astype(np.int64)
    right = np.maximum(np.clip(np.floor(x + half - 0.5) + 1, 0, side).astype(np.int64), left)
    width = side + 1
    counts = np.bincount(row * width + left, minlength=side * width) - np.bincount(
        row * width + right, minlength=side * width
    )
    return np.asarray(counts.reshape(side, width)[:, :side].cumsum(1) > 0)
