"""How a hand's characters stand in their boxes: where, how large, and how bold.

Hands differ in it more than in anything else: one centres every character by its ink, another lets flat ones hang or
makes crowded ones lighter. A Gaussian process tells it from how the base hand's character stands: linear and smooth
in the middle and sides of its ink, in where its strokes lie within, and in how many they are. What the hand's own
characters do not tell of each other is left at their mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.styles.foretelling import apart
from hierbrush.styles.hand import Strokes, box_of

Floats = NDArray[np.float64]
Stored = NDArray[np.float32]

TRAITS = 7
ANSWERS = 5

_CHANCES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_TOLD = 0.98
"""Share of the variance left by foretelling beyond which nothing is foretold."""

_FAR = 3.0
"""Standard deviations beyond which a character counts as no further away: nothing is told about such ones."""


class Stance(NamedTuple):
    """What was learned of where a hand's characters stand.

    Attributes:
        scale: f32 [2, 7], mean and standard deviation of the examples' traits.
        traits: f32 [m, 7], those traits, scaled.
        weights: f32 [m, 5], how much each example counts where it is alike.
        mean: f32 [5], of how they stand: box (centre x, y, log width, log height) and log boldness beyond the base's.
    """

    scale: Stored
    traits: Stored
    weights: Stored
    mean: Stored

    def __call__(self, base: Strokes) -> tuple[Floats, float]:
        """Return the box [4] that a character of the base hand gets, and how many times as bold it becomes."""
        mean, deviation = self.scale.astype(np.float64)
        traits = np.clip((traits_of(base) - mean) / deviation, -_FAR, _FAR)[None]
        change = self.mean + (_alike(traits, self.traits.astype(np.float64)) @ self.weights)[0]
        return box_of(base.outlines) + change[:4], float(np.exp(np.clip(change[4], -1.2, 1.2)))

    @property
    def is_sound(self) -> bool:
        """Whether the arrays fit each other, as those of a damaged file may not."""
        rows = len(self.traits)
        shapes = ((2, TRAITS), (rows, TRAITS), (rows, ANSWERS), (ANSWERS,))
        fit = all(each.shape == shape for each, shape in zip(self, shapes, strict=True))
        return fit and all(np.isfinite(each).all() for each in self) and bool((self.scale[1:] > 0).all())


def traits_of(base: Strokes) -> Floats:
    """Return what a character is known by, f64 [7]: its ink's box, where its lines lie in that, log of their number."""
    box = box_of(base.outlines)
    return np.concatenate([box, base.lines.reshape(-1, 2).mean(axis=0) - box[:2], [np.log(len(base.lines))]])


def boldness(base: Strokes, hand: Strokes) -> float:
    """Return the logarithm of how many times as wide the hand's strokes of a character are."""
    inner = slice(6, -6)
    ratio = np.median(hand.half_widths[:, inner] / np.maximum(base.half_widths[:, inner], 1e-3))
    return float(np.log(np.clip(ratio, 0.3, 3.0)))


def learned(traits: Floats, found: Floats) -> Stance:
    """Learn from what was drawn.

    Args:
        traits: f64 [m, 7], as of `traits_of`, of the base hand's characters.
        found: f64 [m, 5], how the hand's stand beyond those.
    """
    scale = np.stack([traits.mean(axis=0), np.maximum(traits.std(axis=0), 1e-3)])
    scaled = (traits - scale[0]) / scale[1]
    # A character that stands out is an accident, or was drawn amiss.
    middle, spread = np.median(found, axis=0), np.maximum(found.std(axis=0), 1e-4)
    found = np.clip(found, middle - 3 * spread, middle + 3 * spread)
    mean = found.mean(axis=0)
    alike, weights = _alike(scaled, scaled), np.zeros_like(found)
    least = _TOLD * ((found - mean) ** 2).sum(axis=0)
    for chance in _CHANCES:
        inverse = np.linalg.inv(alike + chance * np.eye(len(alike)))
        each = inverse @ (found - mean)
        error = ((each / np.diag(inverse)[:, None]) ** 2).sum(axis=0)
        better = error < least
        weights[:, better], least = each[:, better], np.minimum(error, least)
    return Stance(*(part.astype(np.float32) for part in (scale, scaled, weights, mean)))


def _alike(a: Floats, b: Floats) -> Floats:
    alike: Floats = a @ b.T / TRAITS + 0.5 * np.exp(-apart(a, b) / TRAITS / 2)
    return alike
