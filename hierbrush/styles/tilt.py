"""By how much a picture of one character is turned: as its grid or frame tells, or as the known strokes lie in it.

How much horizontal strokes rise is a matter of hands, so vertical ones tell the tilt, if the others turn about as much.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MOST = 16.0
"""Degrees beyond which a picture lies otherwise than tilted."""

LEAST = 5.0
"""Degrees below which strokes may be a hand's own."""

_RISE = 9.0
"""Degrees by which hands differ in how horizontal strokes rise."""

_LITTLE = 0.25
"""Length of strokes, in sides of the box, that tells nothing."""

_STEP = 0.25
_COARSE = 320
_LINE = 0.4
"""Share of the picture's side that a line of a grid is long at least."""

_FRAME = 0.6


def turned(ink: Floats, degrees: float) -> Floats:
    """Return ink [h, w] turned counterclockwise by ``degrees``, in a picture that holds all of it."""
    if not degrees:
        return ink
    from skimage.transform import rotate

    upright: Floats = np.clip(np.asarray(rotate(ink, degrees, resize=True, order=1)), 0.0, 1.0)
    return upright


def tilt_of_lines(lines: Mask) -> float:
    """Return by how many degrees a picture must be turned for the long lines of a grid to be upright; 0 if none are.

    Args:
        lines: bool [h, w], where lines are.
    """
    small = _thinned(lines)
    if small is None:
        return 0.0
    worth, _, longest = _lines_by_angle(small)
    best = int(worth.argmax())
    return _angle(best) if longest[best] >= _LINE * min(small.shape) else 0.0


def tilt_of_frame(inked: Mask) -> float:
    """Return the same of black lines, which strokes may be, too: only where two are as far apart as a frame's."""
    from scipy.ndimage import binary_opening

    thick = max(2, round(0.012 * max(inked.shape)))
    small = _thinned(inked & ~binary_opening(inked, iterations=thick))
    if small is None:
        return 0.0
    worth, apart, _ = _lines_by_angle(small)
    best = int(worth.argmax())
    return _angle(best) if apart[best] >= _FRAME * min(small.shape) else 0.0


def _thinned(lines: Mask) -> Mask | None:
    """Return lines in a small picture, one pixel wide; None if there are none or they fill it."""
    from skimage.morphology import skeletonize

    if not 0 < lines.mean() < 0.35:
        return None
    step = max(1, round(max(lines.shape) / _COARSE))
    rows, columns = (extent // step for extent in lines.shape)
    blocks = lines[: rows * step, : columns * step].reshape(rows, step, columns, step)
    small: Mask = skeletonize(blocks.any(axis=(1, 3)))
    return small if small.any() else None


def _angle(at: int) -> float:
    degrees = -MOST + at * _STEP
    return degrees if abs(degrees) >= 2 * _STEP else 0.0


def _lines_by_angle(small: Mask) -> tuple[Floats, Floats, Floats]:
    """Return for each angle how well lines stand out, the distance of the outermost long ones, the longest's length."""
    from skimage.transform import hough_line

    degrees = np.arange(-MOST, MOST + _STEP / 2, _STEP)
    found = [hough_line(small, np.radians(base + degrees))[0].astype(np.float64) for base in (0.0, -90.0)]
    worth = sum((counts**2).sum(axis=0) for counts in found)
    # A line of pixels falls between two or three of the bins.
    found = [counts + np.roll(counts, 1, axis=0) + np.roll(counts, -1, axis=0) for counts in found]
    longest = np.maximum(*(counts.max(axis=0) for counts in found))
    apart = np.zeros(len(degrees))
    for counts in found:
        long = counts >= _FRAME * min(small.shape)
        first, last = long.argmax(axis=0), len(counts) - 1 - long[::-1].argmax(axis=0)
        apart = np.maximum(apart, np.where(long.any(axis=0), last - first, 0))
    return np.asarray(worth), apart, longest


def tilt_of_strokes(rest: Floats, found: Floats) -> float:
    """Return by how many degrees ink must be turned for its strokes to lie as they are expected to.

    Args:
        rest: f64 [strokes, k, 2], middle lines as they are expected.
        found: f64 [strokes, k, 2], where they lie in the ink.
    """
    steps = [each[:, 4::4] - each[:, :-4:4] for each in (rest, found)]
    length = np.hypot(steps[0][..., 0], steps[0][..., 1])
    by = np.angle(np.exp(1j * (np.arctan2(steps[1][..., 1], steps[1][..., 0])
                               - np.arctan2(steps[0][..., 1], steps[0][..., 0]))))  # fmt: skip
    wide, tall = np.abs(steps[0][..., 0]), np.abs(steps[0][..., 1])
    across, down = (_median(by[way], length[way]) for way in (wide > 2.5 * tall, tall > 2.5 * wide))
    agreed = abs(across - down) <= _RISE
    return down if agreed and LEAST <= abs(down) <= MOST else 0.0


def _median(values: Floats, weights: Floats) -> float:
    """Return the weighted median in degrees, NaN where there is little."""
    if weights.sum() < _LITTLE:
        return float("nan")
    order = values.argsort()
    share = weights[order].cumsum() / weights.sum()
    return float(np.degrees(values[order][np.searchsorted(share, 0.5)]))
