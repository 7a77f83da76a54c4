"""Gauss-Newton search for the actions of one stroke, with the derivatives measured in the simulator.

A movement's ink is a picture, and each number of an action moves a bit of its edge. So writing the stroke once for each
number, a little changed, gives the picture's derivatives, and damped least squares (Levenberg 1944, Marquardt 1963)
gives steps for all numbers together. The steps are written in turn, with several dampings at once, and the best is kept
by what counts, the IoU. Evolution spends many times the rollouts on finding out what the derivatives say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.planner.rollouts import FULL, Actions, Counts, Rollouts

Told = Callable[[int, float], object]

# Damping in shares of the curvatures' mean, and shares of the step that are tried: what proved enough on 64 validation
# strokes (benchmarks/bench_planner.py).
_DAMPINGS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_SHARES = (1.0, 0.5)
STEPS = len(_DAMPINGS) * len(_SHARES)
# What a number is changed by to measure a derivative, in reaches: half a millimetre at first.
_PROBE, _LEAST_PROBE, _SHRINK = 0.2, 0.04, 0.7
# Weight of the actions' second differences, in the same shares: without it plans tremble.
_SMOOTH = 0.01

_F64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Found:
    """What a search found.

    Attributes:
        actions: float32 [ticks, 3], the best.
        fitness: its IoU.
        history: rollouts spent and the best IoU by then, from the start on.
        stages: float32 [n, ticks, 3], every best in turn, the start first.
        interrupted: Ctrl-C came, and this is the best so far.
    """

    actions: Actions
    fitness: float
    history: tuple[tuple[int, float], ...]
    stages: Actions
    interrupted: bool = False


def search(rollouts: Rollouts, start: Actions, budget: int, seed: int, told: Told | None = None) -> Found:
    """Return the best movement found with at most ``budget`` rollouts; the start itself counts as one.

    Args:
        rollouts: the stroke.
        start: float32 [ticks, 3], where to begin.
        budget: rollouts of the whole stroke; with several scenarios each of their papers counts.
        seed: of the signs in which numbers are changed. The same seed gives the same plan.
        told: is called with rollouts spent and the best IoU, after each step.
    """
    climb = _Climb(rollouts, np.clip(start, -1.0, 1.0).astype(np.float32), budget, np.random.default_rng(seed))
    interrupted = False
    try:
        while climb.step():
            if told is not None:
                told(*climb.history[-1])
    except KeyboardInterrupt:
        interrupted = True
    return Found(climb.best, climb.fitness, tuple(climb.history), np.array(climb.stages), interrupted)


def directions(ticks: int, knots: int) -> Actions:
    """Return ``3 * min(knots, ticks)`` changes of a movement, float32 [n, ticks, 3]: hats over evenly spread knots.

    With as many knots as ticks, each is one number of one tick.
    """
    knots = min(knots, ticks)
    at = np.linspace(0.0, ticks - 1.0, knots) if knots > 1 else np.array([(ticks - 1.0) / 2])
    reach = (ticks - 1.0) / (knots - 1) if knots > 1 else float(ticks)
    hats = np.maximum(1.0 - np.abs(np.arange(ticks) - at[:, None]) / max(reach, 1.0), 0.0)
    ways: Actions = np.einsum("kt,ij->kitj", hats, np.eye(3)).reshape(3 * knots, ticks, 3).astype(np.float32)
    return ways


class Derivatives(NamedTuple):
    """What a movement's ink says of its actions.

    Attributes:
        fitness: how near the movement itself comes.
        slope: float64 [n], of half the squared difference between ink and goal along each direction.
        curvature: float64 [n, n], as Gauss and Newton have it.
        unit: mean of the ink's own curvatures, by which dampings are measured.
    """

    fitness: float
    slope: _F64
    curvature: _F64
    unit: float

    def solved(self, damping: float) -> _F64:
        """Return the step [n] that ends where the quadratic is lowest, damped by so many units."""
        damped = self.curvature + damping * self.unit * np.eye(len(self.slope))
        return np.asarray(np.linalg.solve(damped, -self.slope), np.float64)


def measure(rollouts: Rollouts, actions: Actions, ways: Actions, rng: np.random.Generator) -> Derivatives:
    """Return the derivatives of a movement's ink, measured by writing it once for each direction.

    Args:
        rollouts: the stroke, with room for n + 1 candidates.
        actions: float32 [ticks, 3], the movement.
        ways: float32 [n, ticks, 3], the directions.
        rng: of the signs in which it is changed, and of where the pixels are binned.
    """
    changed, taken = _changed(actions, ways, _PROBE, rng)
    counts = rollouts.write(np.concatenate([actions[None], changed]))
    fitness = float(rollouts.fitness(counts[:1])[0])
    return _derivatives(rollouts, actions, counts[0], fitness, ways, taken, counts[1:], rng)


def _changed(actions: Actions, ways: Actions, probe: float, rng: np.random.Generator) -> tuple[Actions, _F64]:
    """Return the movement changed along one direction in each row, and by how much."""
    signs = rng.choice([-1.0, 1.0], len(ways))
    # Where an action is at its limit, only the way back changes anything.
    lean = np.einsum("ntj,tj->n", ways, actions) / np.abs(ways).sum(axis=(1, 2))
    signs = np.where(np.abs(lean) > 1.0 - probe, -np.sign(lean), signs)
    by = (probe * signs).astype(np.float32)
    return np.clip(actions + by[:, None, None] * ways, -1.0, 1.0), by.astype(np.float64)


def _derivatives(
    rollouts: Rollouts,
    actions: Actions,
    counts: Counts,
    fitness: float,
    ways: Actions,
    by: _F64,
    changed: Counts,
    rng: np.random.Generator,
) -> Derivatives:
    """Return the derivatives, from samples a pixel of a movement and of its changes by ``by`` [n] along ``ways``."""
    phase = rng.integers(0, 2, 2)
    slopes = _binned((changed.astype(np.float32) - counts) * rollouts.counted, phase).reshape(len(by), -1)
    slopes /= by[:, None].astype(np.float32)
    off = _binned((counts - np.float32(FULL) * rollouts.wanted) * rollouts.counted, phase).ravel()
    curvature = (slopes @ slopes.T).astype(np.float64)
    unit = max(float(curvature.diagonal().mean()), 1e-9)
    bends = _bends(ways)
    slope = (slopes @ off).astype(np.float64) + _SMOOTH * unit * (bends @ _bent(actions).ravel())
    return Derivatives(fitness, slope, curvature + _SMOOTH * unit * (bends @ bends.T), unit)


class _Climb:
    """A search under way."""

    def __init__(self, rollouts: Rollouts, start: Actions, budget: int, rng: np.random.Generator) -> None:
        self._rollouts, self._rng = rollouts, rng
        self._most = budget // len(rollouts.scenarios)
        self._directions = directions(rollouts.ticks, _knots(rollouts.ticks, self._most))
        self._probe = _PROBE
        counts = rollouts.write(start[None])
        self._used = 1
        self.best, self._counts, self.fitness = start, counts[0], float(rollouts.fitness(counts)[0])
        self.history = [(len(rollouts.scenarios), self.fitness)]
        self.stages = [start]

    def step(self) -> bool:
        """Measure the derivatives, try the steps that they suggest, and say whether there was budget for it."""
        if self._used + len(self._directions) + STEPS > self._most:
            return False
        changed, taken = _changed(self.best, self._directions, self._probe, self._rng)
        probes = self._write(changed)
        derivatives = _derivatives(
            self._rollouts, self.best, self._counts, self.fitness, self._directions, taken, probes[0], self._rng
        )
        steps = self._suggested(derivatives)
        if not self._keep_best(*self._write(steps), steps) and not self._keep_best(*probes, changed):
            self._probe = max(self._probe * _SHRINK, _LEAST_PROBE)
        self.history.append((self._used * len(self._rollouts.scenarios), self.fitness))
        return True

    def _write(self, actions: Actions) -> tuple[Counts, _F64]:
        counts = self._rollouts.write(actions)
        self._used += len(actions)
        return counts, self._rollouts.fitness(counts)

    def _suggested(self, derivatives: Derivatives) -> Actions:
        """Return the candidates that damped least squares suggests: float32 [STEPS, ticks, 3]."""
        steps = []
        for damping in _DAMPINGS:
            move = np.einsum("n,ntj->tj", derivatives.solved(damping), self._directions)
            steps += [self.best + share * move for share in _SHARES]
        return np.clip(np.array(steps, np.float32), -1.0, 1.0)

    def _keep_best(self, counts: Counts, fitness: _F64, actions: Actions) -> bool:
        at = int(fitness.argmax())
        if fitness[at] <= self.fitness:
            return False
        self.best, self._counts, self.fitness = actions[at], counts[at].copy(), float(fitness[at])
        self.stages.append(self.best)
        return True


def _knots(ticks: int, budget: int) -> int:
    """Return how finely a movement is changed: each tick, or coarser where that left no two steps."""
    affordable = (budget - 1) // 2 - STEPS
    return max(min(ticks, affordable // 3), 1)


def _bent(actions: NDArray[np.float32]) -> _F64:
    """Return second differences along the ticks [..., ticks - 2, 3]."""
    return np.diff(actions.astype(np.float64), 2, axis=-2)


def _bends(ways: Actions) -> _F64:
    return _bent(ways).reshape(len(ways), -1)


def _binned(pictures: NDArray[np.float32], phase: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return sums over 2 by 2 pixels, beginning at ``phase``, [..., h // 2, w // 2].

    An edge's place shows less jagged in larger pixels, and a quarter of them is left to multiply.
    """
    down, across = (int(value) for value in phase)
    rows, columns = ((extent - at) // 2 * 2 for extent, at in zip(pictures.shape[-2:], (down, across), strict=True))
    part = pictures[..., down : down + rows, across : across + columns]
    pairs = part[..., 0::2, :] + part[..., 1::2, :]
    summed: NDArray[np.float32] = pairs[..., 0::2] + pairs[..., 1::2]
    return summed
