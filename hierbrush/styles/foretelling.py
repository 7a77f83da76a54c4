"""How a hand would draw strokes that it has not drawn: a Gaussian process over strokes in their context.

Strokes are like each other if they are of one type, the same one of one component, or stand at a like place. What the
hand has drawn tells how it would draw the rest by how like they are to that: where a stroke stands beside the base
hand's, and its shape. How much of the base hand's own shape is left in it differs: a hand near to the base's is told
best by what it adds to each stroke, one far from it by its own strokes alone. With few examples, and where nothing
alike was drawn, the answer shrinks to the base hand's. How much of what is seen is chance, which no other stroke
tells, is found by foretelling each character from all others (Rasmussen and Williams, Gaussian Processes for Machine
Learning, 2006, section 5.4.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.styles.hand import FEATURES, LINE, OUTLINE, PLACE, RESIDUALS

Floats = NDArray[np.float64]
Stored = NDArray[np.float32]


class Kernel(NamedTuple):
    """Shares of a residual's variance that strokes have in common, and the reach within which they do.

    Attributes:
        near: of strokes at a like place, whatever their type.
        kind: of strokes of one type with like boxes.
        part: of strokes that are the same one of the same component.
        whole: of the strokes of one character, which stands or is wide by chance; times the chance.
        reach: standard deviations of box differences that count as unlike.
    """

    near: float
    kind: float
    part: float
    whole: float
    reach: float


PLACES = Kernel(near=0.15, kind=0.25, part=0.35, whole=0.4, reach=1.0)
SHAPES = Kernel(near=0.0, kind=0.5, part=0.25, whole=0.2, reach=1.4)
_CHANCES = (0.3, 1.0, 4.0)

_PARTS = ((LINE, 12), (OUTLINE, 20))
"""Numbers of shapes, and how many principal components they are foretold by."""

_COMPONENTS = sum(count for _, count in _PARTS)

_COLUMNS = PLACE.stop + _COMPONENTS + 1
"""Numbers that are foretold of a stroke, the last of them how much is known of its like."""


class Follow(NamedTuple):
    """How far what is foretold is followed.

    Attributes:
        told: shares [3] of what is told of places, lines and outlines.
        freed: how far the base hand's own lines and outlines are left for it, [2]: 0, what is told is added to them.
    """

    told: tuple[float, float, float] = (1.0, 1.0, 1.0)
    freed: tuple[float, float] = (0.0, 0.0)


class Foretelling(NamedTuple):
    """What was learned of a hand's strokes.

    Attributes:
        features: f32 [n, 12] of the strokes drawn.
        weights: f32 [n, 37], how much each counts where it is alike.
        bases: f32 [32, 256], principal components of lines (padded with zeros) and outlines.
        freed: f32 [2], see `Follow`.
    """

    features: Stored
    weights: Stored
    bases: Stored
    freed: Stored

    def __call__(self, features: Floats, shapes: Floats) -> Floats:
        """Return what strokes of the base hand are changed by, f64 [m, 324].

        Args:
            features: f64 [m, 12], what they are known by.
            shapes: f64 [m, 320], see `hand.shapes_of`.
        """
        known, weights = self.features.astype(np.float64), self.weights.astype(np.float64)
        change = np.empty((len(features), RESIDUALS))
        change[:, PLACE] = similarity(features, known, PLACES) @ weights[:, PLACE]
        found = similarity(features, known, SHAPES) @ weights[:, PLACE.stop :]
        column = 0
        for at, (part, count) in enumerate(_PARTS):
            rows = slice(column, column + count)
            told = found[:, rows] @ self.bases[rows, : part.stop - part.start]
            left = self.freed[at] * np.clip(found[:, -1:], 0.0, 1.0)
            change[:, part] = told - left * shapes[:, part.start - PLACE.stop : part.stop - PLACE.stop]
            column += count
        return change

    @property
    def is_sound(self) -> bool:
        """Whether the arrays fit each other, as those of a damaged file may not."""
        rows = len(self.features)
        shapes = ((rows, FEATURES), (rows, _COLUMNS), (_COMPONENTS, OUTLINE.stop - OUTLINE.start), (2,))
        fit = all(each.shape == shape for each, shape in zip(self, shapes, strict=True))
        return fit and all(np.isfinite(each).all() for each in self)


class Lesson:
    """What is worked out once of what a hand has drawn, for any way to follow it.

    Args:
        features: f64 [n, 12].
        change: f64 [n, 324], what the hand's strokes have beyond the base's.
        shapes: f64 [n, 320], of the base's strokes.
        character: which character each stroke belongs to, [n], from 0. How one character stands is told by all its
            strokes at once, and says nothing about others.
    """

    def __init__(self, features: Floats, change: Floats, shapes: Floats, character: NDArray[np.int64]) -> None:
        self._features, self._shapes = features, shapes
        self._bases, added, base = [], [], []
        for part, count in _PARTS:
            ours = shapes[:, part.start - PLACE.stop : part.stop - PLACE.stop]
            basis = _principal(np.concatenate([ours, ours + change[:, part]]), count)
            self._bases.append(basis)
            added.append(change[:, part] @ basis.T)
            base.append(ours @ basis.T)
        shape = np.concatenate([*added, *base, np.ones((len(change), 1))], axis=1)
        half = _COMPONENTS
        self._places = _best(features, PLACES, change[:, PLACE], character, PLACE.stop)
        self._found = _best(features, SHAPES, shape, character, half)

    def left_out(self, follow: Follow) -> Floats:
        """Return what each stroke would be changed by, f64 [n, 324], foretold from the other characters alone."""
        places, found = self._places[1] * follow.told[0], self._followed(self._found[1], follow)
        change = [places]
        for at, ((part, _), basis) in enumerate(zip(_PARTS, self._bases, strict=True)):
            told = found[:, self._column(at)] @ basis
            left = follow.told[1 + at] * follow.freed[at] * np.clip(found[:, -1:], 0.0, 1.0)
            change.append(told - left * self._shapes[:, part.start - PLACE.stop : part.stop - PLACE.stop])
        return np.concatenate(change, axis=1)

    def foretelling(self, follow: Follow) -> Foretelling:
        """Return what tells of strokes that were not drawn."""
        widest = OUTLINE.stop - OUTLINE.start
        bases = np.concatenate([np.pad(each, ((0, 0), (0, widest - each.shape[1]))) for each in self._bases])
        weights = [self._places[0] * follow.told[0], self._followed(self._found[0], follow)]
        freed = np.multiply(follow.told[1:], follow.freed)
        stored = (self._features, np.concatenate(weights, axis=1), bases, freed)
        return Foretelling(*(each.astype(np.float32) for each in stored))

    @staticmethod
    def _column(at: int) -> slice:
        counts = [count for _, count in _PARTS]
        return slice(sum(counts[:at]), sum(counts[: at + 1]))

    def _followed(self, found: Floats, follow: Follow) -> Floats:
        """Return the columns of lines, of outlines and of how much is known: what the hand adds, and the base freed."""
        half = _COMPONENTS
        parts = []
        for at in range(len(_PARTS)):
            column = self._column(at)
            base = found[:, half + column.start : half + column.stop]
            parts.append(follow.told[1 + at] * (found[:, column] + follow.freed[at] * base))
        return np.concatenate([*parts, found[:, -1:]], axis=1)


def _principal(values: Floats, count: int) -> Floats:
    """Return the directions [count, k] in which values [n, k] differ most from nothing."""
    basis: Floats = np.linalg.eigh(values.T @ values)[1][:, ::-1].T[:count]
    return basis


def _best(
    features: Floats, kernel: Kernel, wanted: Floats, character: NDArray[np.int64], judged: int
) -> tuple[Floats, Floats]:
    """Return the weights [n, k] with the chance that foretells other characters best, and what they foretell then.

    Args:
        features: f64 [n, 12].
        kernel: which strokes are alike.
        wanted: f64 [n, k], what is foretold.
        character: which character each stroke belongs to, [n].
        judged: how many of the columns count.
    """
    least, best = np.inf, (np.zeros_like(wanted), np.zeros_like(wanted))
    for inverse in _inverses(features, kernel, character):
        weights = inverse @ wanted
        missed = _missed(inverse, weights, character)
        error = float((missed[:, :judged] ** 2).sum())
        if error < least:
            least, best = error, (weights, wanted - missed)
    return best


def _inverses(features: Floats, kernel: Kernel, character: NDArray[np.int64]) -> Iterator[Floats]:
    same = character[:, None] == character[None]
    centres = features[:, 3:5] - 0.5
    alone = np.eye(len(features)) + kernel.whole * same * (1 + (centres @ centres.T) / 0.06)
    alike = similarity(features, features, kernel)
    for chance in _CHANCES:
        yield np.linalg.inv(alike + chance * alone)


def _missed(inverse: Floats, weights: Floats, character: NDArray[np.int64]) -> Floats:
    """Return the errors [n, k] with which characters are foretold, each from all others."""
    missed = np.empty_like(weights)
    for number in range(character.max() + 1):
        mine = np.flatnonzero(character == number)
        missed[mine] = np.linalg.solve(inverse[np.ix_(mine, mine)], weights[mine])
    return missed


def similarity(a: Floats, b: Floats, kernel: Kernel = SHAPES) -> Floats:
    """Return the covariance [m, n] of the residuals of strokes known by features [m, 12] and [n, 12]."""
    scales = np.array([0.12, 0.12, 0.4, 0.4]) * kernel.reach
    stroke = apart(a[:, 3:7] / scales, b[:, 3:7] / scales)
    leaf = apart(a[:, 7:11] / scales, b[:, 7:11] / scales)
    kind = a[:, None, 0] == b[None, :, 0]
    part = kind & (a[:, None, 1] == b[None, :, 1]) & (a[:, None, 2] == b[None, :, 2])
    found: Floats = kernel.kind * kind * (0.4 + 0.6 * np.exp(-stroke / 2))
    found += kernel.part * part * np.exp(-leaf / 4)
    if kernel.near:
        centres = apart(a[:, 3:5] / 0.2, b[:, 3:5] / 0.2)
        found += kernel.near * np.exp(-centres / 2)
    return found


def apart(a: Floats, b: Floats) -> Floats:
    """Return the squared distances [m, n] of points [m, k] and [n, k]."""
    squared: Floats = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None] - 2 * a @ b.T
    return np.maximum(squared, 0.0)
