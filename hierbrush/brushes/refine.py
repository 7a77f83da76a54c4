"""The end of a fit of strokes that differ: the numbers they have in common, and each stroke's own factors after them.

The coefficients of a polynomial make up for each other, and a stroke's factors for all of them, so the cost is a long
bent valley. A step of the common numbers is judged when every stroke has come to terms with it by itself, with a
damping of its own. Coverage is counted in samples, so close to the end the cost is a staircase: a step may make it a
little worse, and the best place on the way is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hierbrush.brushes.fit import Fitting

# Differences of different reach in turn: each has stairs elsewhere.
_REACHES = (3.0, 2.0, 4.0)
_WORSE = 1.5  # times the cost that a step may leave behind
_TRIES, _OWN_TRIES, _OWN_STEPS = 6, 3, 2
_STILL = 0.25  # steps: a round in which the numbers move less is the last

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Place:
    """Where a search stands: numbers, factors, what is left of the pictures, damping of each stroke."""

    row: Array
    factors: Array
    left: Array
    damping: Array

    @property
    def residual(self) -> float:
        return float((self.left * self.left).mean())


def refined(
    fitting: Fitting, row: Array, factors: Array, told: Callable[[float], object], most: int
) -> tuple[Array, Array]:
    """Return better numbers and factors, after ``most`` steps at most."""
    place = _Place(row, factors, fitting.left(row, factors), np.full(len(fitting.wanted), 1e-3))
    place, damping, moves = _come_to_terms(fitting, place), 1e-3, [np.inf]
    best = place
    for step in range(most):
        fitting.reach = _REACHES[step % len(_REACHES)]
        fitting.learn(place.left, place.factors, True)
        following, damping = _stepped(fitting, place, damping)
        moves.append(float(np.abs((following.row - place.row) / fitting.steps).max()))
        place = following
        best = min(best, place, key=lambda one: one.residual)
        told(fitting.residual)
        if max(moves[-len(_REACHES) :]) < _STILL:
            break
    fitting.reach = 1.0
    fitting.learn(best.left, best.factors, True)
    return best.row, best.factors


def _stepped(fitting: Fitting, place: _Place, damping: float) -> tuple[_Place, float]:
    """Return where one step leads, and the damping to go on with; the same place if none leads on."""
    normal, gradient = fitting.normal(place.row, place.factors, fitting.wanted - place.left, place.left, True)
    cost = fitting.costs(place.left, place.factors).sum()
    for _ in range(_TRIES):
        scaled = normal + damping * np.diag(np.diag(normal) + 1e-12 * np.diag(normal).max())
        row, factors = fitting.moved(place.row, place.factors, np.linalg.solve(scaled, gradient))
        tried = _Place(row, factors, fitting.left(row, factors), place.damping)
        tried = _come_to_terms(fitting, tried)
        if fitting.costs(tried.left, tried.factors).sum() < _WORSE * cost:
            return tried, max(damping / 5, 1e-9)
        damping = max(10 * damping, 1e-8)
    return place, 1e-6


def _come_to_terms(fitting: Fitting, place: _Place) -> _Place:
    """Return the place after steps of each stroke's own factors, the common numbers held."""
    for _ in range(_OWN_STEPS):
        place = _own_step(fitting, place)
    return place


def _own_step(fitting: Fitting, place: _Place) -> _Place:
    normal, gradient = fitting.own_normal(place.row, place.factors, place.left)
    scale = np.einsum("cii->ci", normal)[:, :, None] * np.eye(normal.shape[1])
    for _ in range(_OWN_TRIES):
        step = np.linalg.solve(normal + place.damping[:, None, None] * scale, gradient[..., None])[..., 0]
        factors = fitting.scaled(place.factors, step)
        left = fitting.left(place.row, factors)
        better = fitting.costs(left, factors) < fitting.costs(place.left, place.factors)
        kept = np.flatnonzero(fitting.kept)[better]
        chosen = place.factors.copy()
        chosen[kept] = factors[kept]
        damping = np.clip(np.where(better, place.damping / 5, place.damping * 6), 1e-8, 1e4)
        place = replace(
            place, factors=chosen, left=np.where(better[:, None], left, place.left), damping=damping
        )  # fmt: skip
        if better.mean() > 0.5:
            break
    return place
