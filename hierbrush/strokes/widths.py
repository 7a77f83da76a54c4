"""How wide strokes usually are: what training strokes of a type have in a box of these sides.

Strokes of crowded characters are thinner, long ones bolder, dots bolder still. The logarithm of the mean half-width is
linear in `FEATURES` numbers of the box and of how many strokes the character has; the file ``data/widths.json`` is
built by ``python -m hierbrush_build.characters`` from training characters.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hierbrush.errors import HierbrushError
from hierbrush.strokes.types import ABBREVIATIONS, NUMBER

Numbers = NDArray[np.float64]

FILE = Path(__file__).resolve().parent / "data" / "widths.json"

FEATURES = 10
"""Numbers that a stroke's width depends on, see `width_features`."""

_TYPICAL, _SHORTEST = 0.2, 0.02
"""A side whose logarithm counts as 0, and what is added to every side so that its logarithm stays bounded."""

_THINNEST, _WIDEST = 0.0095, 0.0285
"""All but a thousandth of the training strokes lie between these; a box that no stroke ever had gets nothing beyond."""

_MOST_STROKES = 33
"""Most strokes of a character that widths were measured on; more make no difference, or strokes would vanish."""

_WHOLE = (-3.7141, 0.06181, -0.05606)
"""Logarithm of a character's mean half-width, by a constant, the logarithm of its number of strokes and its square;
strokes count by the diagonals of their boxes. Least squares over every third training character."""

_CENTRED = 0.985
"""Where strokes join, their common ink is wider; found on validation characters."""


def usual_widths(stroke_types: Sequence[str], sides: ArrayLike, counts: ArrayLike) -> Numbers:
    """Return the mean half-widths that strokes of these types usually have, float64 [n] in sides of the unit box.

    Args:
        stroke_types: n abbreviations.
        sides: [n, 2], width and height of each stroke's box in the unit box.
        counts: [n] or a number, how many strokes the stroke's character has.
    """
    slopes = _load()[[NUMBER[kind] for kind in stroke_types]]
    logarithms = (width_features(np.asarray(sides, np.float64), np.asarray(counts)) * slopes).sum(axis=1)
    widths: Numbers = np.clip(np.exp(logarithms), _THINNEST, _WIDEST)
    return widths


def even_factor(widths: Numbers, sides: ArrayLike) -> float:
    """Return what the widths of one character's strokes are multiplied by, so that it is no bolder than its neighbours.

    Half the way, in logarithms, to the width that training characters of as many strokes have on average. By how much
    their glyphs differ from it is for a good part the designer's freedom, and on one page it looks uneven.

    Args:
        widths: float64 [n], mean half-widths of the character's strokes.
        sides: [n, 2], width and height of their boxes.
    """
    lengths = np.hypot(*np.asarray(sides, np.float64).T)
    many = np.log(min(len(widths), _MOST_STROKES))
    usual = np.exp(np.array([1.0, many, many * many]) @ _WHOLE)
    return float(_CENTRED * np.sqrt(usual / max(float(widths @ lengths / lengths.sum()), 1e-6)))


def width_features(sides: Numbers, counts: NDArray[np.number]) -> Numbers:
    """Return float64 [n, 10]: a constant, and logarithms of the number of strokes and of the sides to second order.

    Args:
        sides: float64 [n, 2], width and height in the unit box.
        counts: [n] or a number, strokes of the character.
    """
    wide, high = np.log((np.maximum(sides, 0.0) + _SHORTEST) / _TYPICAL).T
    many = np.broadcast_to(np.log(np.clip(counts, 1, _MOST_STROKES)), wide.shape)
    columns = [np.ones_like(wide), many, many * many, wide, high, wide * high, wide * wide, high * high]
    return np.stack([*columns, many * wide, many * high], axis=1)


@lru_cache(maxsize=1)
def _load() -> Numbers:
    """Return the slopes float64 [38, 10] of all stroke types."""
    try:
        found = json.loads(FILE.read_bytes())["slopes"]
        slopes = np.array([found[kind] for kind in ABBREVIATIONS], np.float64)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HierbrushError(f"{FILE}: is missing or broken ({error!r}); reinstall hierbrush") from None
    if slopes.shape != (len(ABBREVIATIONS), FEATURES) or not np.isfinite(slopes).all():
        raise HierbrushError(f"{FILE}: expected {FEATURES} finite numbers for each stroke type; reinstall hierbrush")
    return slopes
