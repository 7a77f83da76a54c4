"""A neural brush: a small network that corrects a brush's mark, learned from movements and pictures of footprints.

What it predicts is how the footprint changes from one moment to the next, given the press, the movement and where the
tuft points; the analytic brush does the rest. It is learned as it is used: a movement is followed from its beginning,
and the footprints that come of it are held against the pictures. There are 137 numbers, so least squares by Gauss,
Newton and Marquardt with differences for derivatives finds them in a minute, and no library for learning is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_whole
from hierbrush.errors import HierbrushError
from hierbrush.sim.batch import REST_DIRECTION
from hierbrush.sim.model import BrushModel, NeuralBrush
from hierbrush.sim.network_brush import SIZE, layers

F64 = NDArray[np.float64]

WAYS = 16
"""Directions in which a footprint's reach is measured."""

_NEAR = 1e-9
_PARTS = 2  # straight pieces of a row of movement that are followed
_STEP = 1e-3
_SHRUNK = 3e-4  # weight of the numbers' own squares: what the pictures do not ask for stays near 0


class Footprints(NamedTuple):
    """Movements, and how far the footprints reach.

    ``paths`` float64 [n, rows + 1, 3], the handle in metres, the first row in the air; ``reach`` float64 [n, rows, 16],
    metres from the handle to the footprint's edge line in each of 16 directions after each row; NaN where nothing
    touches.
    """

    paths: F64
    reach: F64


def reach_of(picture: NDArray[np.bool_], pixel: float) -> F64:
    """Return how far a footprint reaches in 16 directions, float64 [16], metres; NaN without ink.

    Args:
        picture: bool [n, n], the handle in its middle.
        pixel: metres.
    """
    rows, columns = np.nonzero(picture)
    if not len(rows):
        return np.full(WAYS, np.nan)
    middle = (np.array(picture.shape) - 1) / 2
    places = np.stack([columns - middle[1], rows - middle[0]], axis=1) * pixel
    # A pixel's edge lies half a pixel beyond its centre.
    return np.asarray((places @ _ways().T).max(axis=0) + 0.5 * pixel)


def _ways() -> F64:
    turn = 2 * np.pi * np.arange(WAYS) / WAYS
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def fit_network(
    model: BrushModel,
    seen: Footprints,
    *,
    rounds: int = 30,
    seed: int = 0,
    progress: Callable[[int, float], object] | None = None,
) -> NeuralBrush:
    """Learn what a brush's numbers leave unexplained.

    Args:
        model: the brush, such as `fit_brush` found it.
        seen: movements and their footprints.
        rounds: steps of the search, each some second.
        seed: of the first network.
        progress: is told the round and the root mean square error of the reach, metres.

    Raises:
        HierbrushError: the arrays do not fit.
    """
    rounds = check_whole("rounds", rounds, 1, 1000)
    paths, reach = np.asarray(seen.paths, np.float64), np.asarray(seen.reach, np.float64)
    if paths.ndim != 3 or paths.shape[2] != 3 or reach.shape != (len(paths), paths.shape[1] - 1, WAYS):
        raise HierbrushError(
            f"seen: shapes {paths.shape} and {reach.shape}, expected paths [n, rows + 1, 3] and reach [n, rows, {WAYS}]"
        )
    network = _first(np.random.default_rng(seed))
    touched = np.isfinite(reach[..., 0])
    wanted = reach[touched]

    def off(weights: F64) -> F64:
        """Return errors in millimetres, [weights, numbers]."""
        found = np.stack([_reaches(model, paths, row)[touched] for row in weights])
        return np.asarray(1e3 * (found - wanted)).reshape(len(weights), -1)

    error, damping = off(network[None])[0], 0.1
    for at in range(rounds):
        slopes = (off(network + _STEP * np.eye(SIZE)) - error) / _STEP
        normal, gradient = slopes @ slopes.T / error.size, slopes @ error / error.size
        cost = _cost(error, network)
        for _ in range(8):
            lessened = normal + np.eye(SIZE) * (_SHRUNK + damping * np.diag(normal).mean())
            trial = network - np.linalg.solve(lessened, gradient + _SHRUNK * network)
            left = off(trial[None])[0]
            if _cost(left, trial) < cost:
                network, error, damping = trial, left, damping / 4
                break
            damping *= 4
        if progress is not None:
            progress(at + 1, float(np.sqrt((error * error).mean())) * 1e-3)
    given = {name: getattr(model, name) for name in BrushModel.__dataclass_fields__}
    return NeuralBrush(**given, network=tuple(network.tolist()))


def _first(rng: np.random.Generator) -> F64:
    """Return the network that learning begins with: as much of the tuft drags behind as lies on the paper.

    Its other numbers are near 0, and the brush's own rule is among what it can learn.
    """
    network = np.zeros(SIZE)
    first, hidden, second, out = layers(network)  # views
    first[:], hidden[:] = rng.normal(0.0, 0.6, first.shape), rng.normal(0.0, 0.3, hidden.shape)
    first[:, 0], hidden[0] = 0.0, 0.0
    first[0, 0] = second[0, 3] = 1.0
    out[4] = -0.9
    return network


def _cost(error: F64, network: F64) -> float:
    return float((error * error).mean() + _SHRUNK * (network * network).sum())


def _reaches(model: BrushModel, paths: F64, network: F64) -> F64:
    """Return how far the footprints of a brush with a network reach: float64 [n, rows, 16], metres."""
    unit = model.footprint().astype(np.float64)
    ways, found = _ways(), np.empty((len(paths), paths.shape[1] - 1, WAYS))
    for at, (tuft, u) in enumerate(_followed(model, paths, network)):
        along = unit[:, 0] * np.where(unit[:, 0] > 0, tuft[:, 1:2], 0.5 * model.back_ratio * tuft[:, :1])
        along = along + tuft[:, 2:]
        across = unit[:, 1] * 0.5 * tuft[:, :1]
        x, y = along * u[:, :1] - across * u[:, 1:], along * u[:, 1:] + across * u[:, :1]
        found[:, at] = (x[:, :, None] * ways[:, 0] + y[:, :, None] * ways[:, 1]).max(axis=1)
    return found


def _followed(model: BrushModel, paths: F64, network: F64) -> Sequence[tuple[F64, F64]]:
    """Return tuft [n, 3] and direction [n, 2] after each row: `hierbrush.sim.network_brush` for many at once."""
    p, (first, hidden, second, out) = model.parameters(), layers(network)
    root, u = np.zeros((len(paths), 2)), np.tile(REST_DIRECTION, (len(paths), 1))
    tuft = np.zeros((len(paths), 3))
    seen = []
    for at in range(1, paths.shape[1]):
        step = (paths[:, at] - paths[:, at - 1]) / _PARTS
        for part in range(1, _PARTS + 1):
            z = np.minimum(paths[:, at - 1, 2] + part * step[:, 2], p[9])
            back = root - step[:, :2]
            distance = np.hypot(back[:, 0], back[:, 1])
            u = np.where(distance[:, None] > _NEAR, back / np.maximum(distance, _NEAR)[:, None], u)
            far = np.hypot(step[:, 0], step[:, 1])
            moved, q = np.hypot(far, step[:, 2]), 100.0 * z
            along = np.where(far > _NEAR, (step[:, :2] * u).sum(axis=1) / np.maximum(far, _NEAR), 0.0)
            press = np.where(moved > _NEAR, step[:, 2] / np.maximum(moved, _NEAR), 0.0)
            on = np.stack([q, q * q, along, along * along, press], axis=1) @ first + hidden
            said = np.maximum(on, 0.0) @ second + out
            width = (p[0] * z + p[1]) * (1.0 + np.clip(said[:, 0], -0.5, 0.5))
            length = (p[2] * z + p[3]) * (1.0 + np.clip(said[:, 1], -0.5, 0.5))
            offset = np.maximum((p[4] * z + p[5]) * z + p[6], 0.0)
            arm = offset + p[7] * length + 0.01 * np.clip(said[:, 3], 0.0, 2.0)
            slack = np.maximum(arm - distance, 0.0) * np.clip(1.0 + said[:, 4], 0.0, 1.0)
            down = (z > 0) & (width > 0) & (length > 0)
            root = np.where(down[:, None], (arm - slack)[:, None] * u, 0.0)
            tuft = np.stack([width, length, offset - slack + 0.01 * np.clip(said[:, 2], -1.0, 1.0)], axis=1)
            tuft = np.where(down[:, None], tuft, 0.0)
        seen.append((tuft, u.copy()))
    return seen


def movements(count: int, rows: int, seed: int, *, deepest: float = 0.013) -> F64:
    """Return smooth movements of a handle to learn from: float64 [count, rows + 1, 3], metres around the origin.

    They begin in the air, come down, wander with changing speed and press, and turn by up to a whole turn a centimetre.
    """
    count, rows = check_whole("count", count, 1), check_whole("rows", rows, 4)
    rng = np.random.default_rng(seed)
    at = np.arange(rows + 1)

    def wave(low: float, high: float) -> F64:
        knots = rng.uniform(low, high, (count, rows // 8 + 3))
        place = at / 8.0
        whole = place.astype(int)
        t = place - whole
        t = t * t * (3 - 2 * t)
        return np.asarray(knots[:, whole] * (1 - t) + knots[:, whole + 1] * t)

    pace = np.maximum(wave(-0.0005, 0.0035), 0.0)
    turn = rng.uniform(0, 2 * np.pi, (count, 1)) + np.cumsum(wave(-0.5, 0.5), axis=1)
    # Some turn back on the spot, as strokes do.
    turn += np.pi * (at >= rng.integers(rows // 3, 2 * rows, (count, 1)))
    pace[:, :4] = 0.0
    steps = pace[..., None] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    depth = wave(0.0015, deepest)
    depth *= np.clip((at - 0.5) / 4.0, 0.0, 1.0)
    depth[:, 0] = -0.001
    return np.concatenate([np.cumsum(steps, axis=1), depth[..., None]], axis=-1)
