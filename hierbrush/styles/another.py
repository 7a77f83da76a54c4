"""Whether ink shows another character than it should: one that it is much liker to, and whose strokes are all there.

Ink is compared as readers of print compare it, by the directions of its edges in the cells of its own box (Kimura et
al., Modified Quadratic Discriminant Functions and the Application to Chinese Character Recognition, 1987).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import load_library
from hierbrush.sim import rasterise
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.styles.chosen import is_common
from hierbrush.styles.registration import Picture, register

Floats = NDArray[np.float32]

_SIDE, _MARGIN, _STEP, _BLUR = 56, 4, 7, 3.5  # pixels of the raster, its margin, of a cell, and of the cells' blur
_TRIED = 3
"""Characters whose strokes are looked for, those that are most like the ink."""

_LIKE, _LIKER = 0.66, 0.08
"""Likeness, a cosine, from which ink may be the character that it should be, and by how much another is liker."""


def another(ink: NDArray[np.floating], expected: Sequence[StrokeGoal]) -> str | None:
    """Return which other character ink surely is, None if it is none or may be the expected one.

    Args:
        ink: [256, 256], coverage of the box, 1 = ink.
        expected: the strokes of the character that it should be.
    """
    mine = _edges(_own_box(np.asarray(ink, np.float32))[None])[0]
    right = float(mine @ _edges(_drawn([goal.outline for goal in expected])[None])[0])
    if right >= _LIKE:
        return None
    chars, known = _known()
    likeness = known @ mine
    library, picture = load_library(), Picture(ink)
    for at in np.argsort(-likeness)[:_TRIED]:
        if likeness[at] > right + _LIKER and register(picture, library[chars[at]]).accepted:
            return str(chars[at])
    return None


@lru_cache(maxsize=1)
def _known() -> tuple[list[str], Floats]:
    library = load_library()
    chars = [char for char in library if is_common(char)]
    drawn = [_drawn([stroke.outline for stroke in library[char].strokes]) for char in chars]
    return chars, np.concatenate([_edges(np.stack(drawn[at : at + 256])) for at in range(0, len(drawn), 256)])


def _drawn(outlines: Sequence[NDArray[np.float32]]) -> Floats:
    """Return outlines' ink with its own box in the middle of a small raster."""
    points = np.concatenate(outlines)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (1 - 2 * _MARGIN / _SIDE) / np.maximum(high - low, 0.02)
    return rasterise([(each - low) * scale + _MARGIN / _SIDE for each in outlines], _SIDE, supersample=2)


def _own_box(ink: Floats) -> Floats:
    from PIL import Image

    row, column = np.nonzero(ink >= 0.5)
    box = (int(column.min()), int(row.min()), int(column.max()) + 1, int(row.max()) + 1)
    side = _SIDE - 2 * _MARGIN
    small = Image.fromarray(ink).resize((side, side), Image.Resampling.BOX, box=box)
    return np.pad(np.asarray(small, np.float32), _MARGIN)


def _edges(drawn: Floats) -> Floats:
    """Return how long edges of each direction are in each cell, [n, side, side] to vectors [n, m] of length 1."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(drawn, (0, 1, 1))
    down, across = np.gradient(smooth, axis=(1, 2))
    length, angle = np.hypot(down, across), 2 * np.arctan2(down, across)
    ways = np.stack([length * np.maximum(np.cos(angle - turn), 0) for turn in np.arange(4) * np.pi / 2], axis=1)
    start = _STEP // 2
    vectors = np.sqrt(gaussian_filter(ways, (0, 0, _BLUR, _BLUR))[..., start::_STEP, start::_STEP])
    vectors = vectors.reshape(len(drawn), -1)
    vectors -= vectors.mean(axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)
