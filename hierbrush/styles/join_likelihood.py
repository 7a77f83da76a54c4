"""How likely a running hand joins two strokes: a logistic regression on the two, learned from pairs that were seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hierbrush.strokes.goal import StrokeGoal

Floats = NDArray[np.float64]

FORM = 11
"""Numbers of a pair's form."""

_RIDGE = 10.0
_STEPS = 30
_FEWEST = 8
"""Pairs in which a stroke type is first or second at least for it to count by itself."""

_FOLDS = 5
_END = 6
"""Points of 32 from a stroke's end that tell its direction there."""


def form_of(first: StrokeGoal, second: StrokeGoal, strokes: int) -> Floats:
    """Return the form [11] of two strokes of a character that follow each other.

    That is the way between them and the logarithm of its length, how much the brush would turn at its two ends, the
    lengths of both strokes, and how many strokes the character has.
    """
    a, b = (goal.skeleton.astype(np.float64) for goal in (first, second))
    step = b[0] - a[-1]
    length = float(np.hypot(*step))
    way, end, start = (
        each / max(float(np.hypot(*each)), 1e-9) for each in (step, a[-1] - a[-1 - _END], b[_END] - b[0])
    )
    lengths = [float(np.hypot(*np.diff(line, axis=0).T).sum()) for line in (a, b)]
    turns = [end @ way, abs(_cross(end, way)), way @ start, abs(_cross(way, start))]
    return np.array([length, np.log(length + 0.03), *step, *turns, *lengths, strokes / 10])


def _cross(a: Floats, b: Floats) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


class Likelihood:
    """The regression, and from which likelihood on pairs are best joined.

    That is where joins are foretold best (F1) in each fifth of the pairs from the others.

    Args:
        types: the two strokes' types of each pair.
        forms: f64 [pairs, 11].
        joined: bool [pairs], of which one is True at least.
    """

    def __init__(self, types: Sequence[tuple[str, str]], forms: Sequence[Floats], joined: NDArray[np.bool_]) -> None:
        often = Counter(("first", a) for a, _ in types) + Counter(("second", b) for _, b in types)
        self._kinds = sorted(kind for kind, count in often.items() if count >= _FEWEST)
        rows = np.array([self._row(*pair) for pair in zip(types, forms, strict=True)])
        self._mean, self._spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
        rows = (rows - self._mean) / self._spread
        self._weights = _fitted(rows, joined)
        fold = np.arange(len(rows)) * _FOLDS // len(rows)
        told = np.zeros(len(rows))
        for number in range(_FOLDS):
            aside = fold == number
            told[aside] = _likely(rows[aside], _fitted(rows[~aside], joined[~aside]))
        f1 = [2 * (joined & (told >= least)).sum() / ((told >= least).sum() + joined.sum()) for least in told]
        self.least = float(told[int(np.argmax(f1))])

    def of(self, types: tuple[str, str], form: Floats) -> float:
        """Return how likely two strokes are joined, 0 to 1."""
        row = (self._row(types, form) - self._mean) / self._spread
        return float(_likely(row[None], self._weights)[0])

    def _row(self, types: tuple[str, str], form: Floats) -> Floats:
        kinds = {("first", types[0]), ("second", types[1])}
        return np.array([*form, *(float(kind in kinds) for kind in self._kinds)])


def _likely(rows: Floats, weights: Floats) -> Floats:
    likely: Floats = 1 / (1 + np.exp(-np.clip(rows @ weights[1:] + weights[0], -30, 30)))
    return likely


def _fitted(rows: Floats, joined: NDArray[np.bool_]) -> Floats:
    """Return the weights of a ridge regression on the logits, the constant first, by Newton's method."""
    full = np.column_stack([np.ones(len(rows)), rows])
    weights = np.zeros(full.shape[1])
    for _ in range(_STEPS):
        likely = _likely(rows, weights)
        slope = full.T @ (likely - joined) + _RIDGE * weights
        curve = (full * (likely * (1 - likely))[:, None]).T @ full + _RIDGE * np.eye(len(weights))
        weights = weights - np.linalg.solve(curve, slope)
    return weights
