"""Which other characters strokes found in ink may be: those of a wrong character come to lie nearly as the right one's.

Lines are compared in their own box, five points of each. Strokes of another character are matched as it suits it best,
whatever their order.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import load_library
from hierbrush.styles.chosen import is_common

Floats = NDArray[np.float64]

_POINTS = 5
_NARROW = 0.25
"""Least width of a box over its height, and the other way round: no line becomes a square."""

_HAIR = 1e-4
"""Squared distance, in boxes, that means nothing."""


class Lookalike(NamedTuple):
    """Another character, and how near strokes lie to it.

    Attributes:
        char: the character.
        ratio: the squared distance of the strokes from those that were expected, over that from this character's.
    """

    char: str
    ratio: float


def apart(lines: Floats, expected: Floats) -> float:
    """Return the mean squared distance, in boxes, of strokes' lines [strokes, k, 2] from those expected, in order."""
    return float(((_boxed(lines) - _boxed(expected)) ** 2).sum(axis=2).mean())


def lookalikes(lines: Floats, expected: Floats, count: int) -> list[Lookalike]:
    """Return the common characters of as many strokes to which strokes found in ink lie nearest, nearest first.

    Args:
        lines: f64 [strokes, k, 2], middle lines as they were found.
        expected: f64 [strokes, k, 2], as they were looked for; the character that has these is none of the answer.
        count: how many characters.
    """
    from scipy.optimize import linear_sum_assignment

    chars, known = _known(len(lines))
    if not chars:
        return []
    found = _boxed(lines).reshape(len(lines), -1)
    flat = known.reshape(-1, found.shape[1])
    squared = (found**2).sum(axis=1)[:, None] + (flat**2).sum(axis=1) - 2 * found @ flat.T
    costs = np.maximum(squared, 0.0).reshape(len(lines), len(chars), -1).transpose(1, 0, 2) / _POINTS
    distances = np.array([cost[linear_sum_assignment(cost)].mean() for cost in costs])
    same = ((known - _boxed(expected)) ** 2).sum(axis=3).mean(axis=(1, 2)) < _HAIR
    mine = apart(lines, expected) + _HAIR
    order = [at for at in np.argsort(distances, kind="stable").tolist() if not same[at]]
    return [Lookalike(chars[at], mine / (float(distances[at]) + _HAIR)) for at in order[:count]]


@lru_cache(maxsize=32)
def _known(strokes: int) -> tuple[list[str], Floats]:
    """Return the common characters of so many strokes, and their lines, f64 [characters, strokes, 5, 2]."""
    library = load_library()
    chars = [char for char in library if len(library.stroke_types(char)) == strokes and is_common(char)]
    lines = [_boxed([stroke.median for stroke in library[char].strokes]) for char in chars]
    return chars, np.array(lines).reshape(len(chars), strokes, _POINTS, 2)


def _boxed(lines: Floats | list[NDArray[np.float32]]) -> Floats:
    """Return five points of each line, in the box of all of them."""
    points = np.array([_even(np.asarray(line, np.float64)) for line in lines])
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    extent = high - low
    boxed: Floats = (points - (low + high) / 2) / np.maximum(extent, max(_NARROW * float(extent.max()), 1e-6))
    return boxed


def _even(line: Floats) -> Floats:
    along = np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
    at = np.linspace(0.0, along[-1], _POINTS)
    return np.stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)], axis=1)
