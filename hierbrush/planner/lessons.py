"""What a policy should have done, at every moment of a stroke that it wrote itself.

One set of derivatives along the movement answers for all its moments: the best change of everything from a tick on is a
least-squares problem whose matrix is a trailing block of the whole one, so one Cholesky factor, taken from the end,
holds the answers to all of them, as in the backward pass of differential dynamic programming (Mayne 1966). Teaching a
network what local searches say of the states that it visits itself is guided policy search (Levine and Koltun 2013)
over DAgger's states (Ross et al. 2011).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.planner.rollouts import Actions, Rollouts
from hierbrush.planner.search import Derivatives, directions, measure

_F64 = NDArray[np.float64]

_DAMPING = 0.1
"""In shares of the curvatures' mean: a label trusts the derivatives about as far as they were measured."""

_FARTHEST = 0.3
"""How far a label may lie from what was done, in reaches: beyond that the derivatives say little."""


class Labels(NamedTuple):
    """Labels for one stroke.

    Attributes:
        fitness: how near the stroke was as it was written; see `Rollouts.fitness`.
        actions: float32 [ticks, 3], what would have been best from each tick on.
        weights: float32 [ticks, 3, 3], how much it costs to miss that: the curvature of the squared difference between
            ink and goal, in shares of the goal's area, when everything after is done as well as it can be.
    """

    fitness: float
    actions: Actions
    weights: NDArray[np.float32]


def lessons(rollouts: Rollouts, actions: Actions, rng: np.random.Generator) -> Labels:
    """Return what should have been done at every tick of a stroke.

    Args:
        rollouts: the stroke, with room for ``3 * ticks + 1`` candidates.
        actions: float32 [ticks, 3], what was done.
        rng: of the signs in which numbers are changed.
    """
    ticks = rollouts.ticks
    derivatives = measure(rollouts, actions, directions(ticks, ticks), rng)
    factor, answers = _from_the_end(derivatives)
    best, weights = np.empty((ticks, 3)), np.empty((ticks, 3, 3))
    for tick in range(ticks):
        at = slice(3 * (ticks - 1 - tick), 3 * (ticks - tick))
        block = factor[at, at]
        best[tick] = np.linalg.solve(block.T, answers[at])[::-1]
        weights[tick] = (block @ block.T)[::-1, ::-1]
    far = np.linalg.norm(best, axis=1, keepdims=True)
    best *= np.minimum(1.0, _FARTHEST / np.maximum(far, 1e-12))
    labels = np.clip(actions + best, -1.0, 1.0).astype(np.float32)
    return Labels(derivatives.fitness, labels, (weights / max(rollouts.area, 1e-9)).astype(np.float32))


def _from_the_end(derivatives: Derivatives) -> tuple[_F64, _F64]:
    """Return the Cholesky factor of the damped curvature in reversed order, and the slope solved by it."""
    curvature = derivatives.curvature + _DAMPING * derivatives.unit * np.eye(len(derivatives.slope))
    factor = np.linalg.cholesky(curvature[::-1, ::-1])
    answers = np.linalg.solve(factor, -derivatives.slope[::-1])
    return np.asarray(factor, np.float64), np.asarray(answers, np.float64)
