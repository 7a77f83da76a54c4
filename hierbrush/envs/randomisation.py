"""What differs from episode to episode besides the goal: brushes, papers and hands, drawn as a stage says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hierbrush.curriculum.model import BrushInk, Randomisation
from hierbrush.sim import BrushModel
from hierbrush.sim.batch import REST_DIRECTION

F64 = NDArray[np.float64]


def brushes(randomisation: Randomisation, model: BrushModel, count: int, rng: np.random.Generator) -> F64:
    """Return brushes on papers for whole episodes: f64 [count, 10], or [1, 10] where they are all alike."""
    if not (randomisation.brush or randomisation.paper_offset):
        return model.parameters()[None]
    rows = model.randomised(count, randomisation.brush, rng)
    raise_paper(rows, rng.uniform(-1.0, 1.0, count) * randomisation.paper_offset)
    return rows


def run_dry(rows: F64, ink: BrushInk, count: int, rng: np.random.Generator) -> F64:
    """Return brushes [count, 10] whose marks are as thin as the ink left in each of them makes them."""
    load = rng.uniform(*ink.load, count)
    dry = np.repeat(rows, count, axis=0) if len(rows) == 1 and count != 1 else rows.copy()
    dry[:, :2] *= (1.0 - ink.thinning * (1.0 - load))[:, None]
    return dry


def bent_tufts(randomisation: Randomisation, count: int, rng: np.random.Generator) -> F64 | None:
    """Return where tufts point before strokes, f64 [count, 2]; None where all begin as a dip leaves them."""
    if not randomisation.bent:
        return None
    turn = rng.uniform(0.0, 2.0 * np.pi, count)
    bent = rng.random(count) < randomisation.bent
    anywhere = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.where(bent[:, None], anywhere, REST_DIRECTION)


def handle_sigmas(randomisation: Randomisation, count: int, rng: np.random.Generator) -> F64:
    """Return the standard deviation of the handle's error for each of some strokes: f64 [count or 1], metres."""
    if not randomisation.handle_sigma:
        return np.zeros(1)
    return rng.uniform(0.0, randomisation.handle_sigma, count)


def raise_paper(rows: F64, by: F64) -> None:
    """Let the sheet lie ``by`` metres higher: the same handle presses that much deeper, so shift the polynomials."""
    rows[:, 1] += rows[:, 0] * by
    rows[:, 3] += rows[:, 2] * by
    rows[:, 6] += (rows[:, 4] * by + rows[:, 5]) * by
    rows[:, 5] += 2.0 * rows[:, 4] * by
