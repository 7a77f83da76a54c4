"""Goal relabelling: whatever was written is the goal of the decisions that wrote it.

A composer that copies pictures learns from pairs of a picture and where its strokes lie. Nobody has to draw them: draw
decisions at random, write them, and take the ink for the picture that was to be copied (hindsight experience replay:
Andrychowicz et al., 2017, arXiv 1707.01495). The decisions are right for this goal whatever they were meant for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component
from hierbrush.composer.place import decode_place, shaped_goals, sides
from hierbrush.sim import rasterise
from hierbrush.strokes.goal import StrokeGoal

F32 = NDArray[np.float32]

# Standard deviations of what differs, in sides of the box and in logarithms of sizes and widths.
_WHOLE_SIZE = 0.12
_PART_SHIFT, _PART_SIZE = 0.03, 0.12
_BEND, _BEND_REACH = 0.022, 0.3
_STROKE_SHIFT, _STROKE_SIZE, _SHAPE = 0.012, 0.1, 0.5
_EDGE = 0.02
_LEAST, _MOST = 0.3, 1.5
_THINNEST, _WIDEST = 0.55, 1.7
_THIN_LEVELS = 0.3
"""Share of the hands that write level strokes thinner than upright ones, as Song type does."""


def acted(places: F32, tree: Component, rng: np.random.Generator) -> F32:
    """Return decisions at random about what is expected: f32 [S, PLACE_SIZE], boxes and coefficients.

    The whole, its parts, what lies near each other, and single strokes are moved, stretched and bent, some characters
    much and some little.

    Args:
        places: f32 [S, PLACE_SIZE], what is expected.
        tree: the decomposition, whose strokes are numbered as the places are.
        rng: of the draw.
    """
    amount = float(rng.uniform(_LEAST, _MOST))
    out = places.astype(np.float64)
    _resized(out, np.arange(len(out)), np.exp(amount * rng.normal(0, _WHOLE_SIZE, 2)))
    for part in _parts(tree):
        rows = np.array(part.strokes)
        _resized(out, rows, np.exp(amount * rng.normal(0, _PART_SIZE, 2)))
        out[rows, :2] += amount * rng.normal(0, _PART_SHIFT, 2)
    out[:, :2] += amount * _field(out[:, :2], rng)
    out[:, :2] += amount * rng.normal(0, _STROKE_SHIFT, (len(out), 2))
    out[:, 2:4] *= np.exp(amount * rng.normal(0, _STROKE_SIZE, (len(out), 2)))
    out[:, 4:] += amount * rng.normal(0, _SHAPE, out[:, 4:].shape)
    _within(out)
    acted: F32 = decode_place(out.astype(np.float32), np.zeros_like(places))
    return acted


def drawn_widths(goals: list[StrokeGoal], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return mean half-widths float64 [S] as some hand might have them.

    Args:
        goals: the strokes, as wide as their shapes are.
        rng: of the draw.
    """
    own = np.array([goal.half_width.mean() for goal in goals], np.float64)
    factor = np.exp(rng.uniform(np.log(_THINNEST), np.log(_WIDEST)))
    factors = np.full(len(goals), factor) * np.exp(rng.normal(0, 0.08, len(goals)))
    if rng.random() < _THIN_LEVELS:
        box = np.array([goal.box for goal in goals], np.float64)
        level = (box[:, 2] - box[:, 0]) > 2.5 * (box[:, 3] - box[:, 1])
        factors *= np.where(level, rng.uniform(0.35, 0.9), 1.0)
    widths: NDArray[np.float64] = np.clip(own * factors, 0.006, 0.05)
    return widths


def written(types: tuple[str, ...], places: F32, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return the ink that decisions leave when some hand carries them out, bool [256, 256].

    Args:
        types: of the strokes.
        places: f32 [S, PLACE_SIZE].
        rng: of the hand's widths.
    """
    shaped = shaped_goals(types, places)
    goals = shaped_goals(types, places, drawn_widths(shaped, rng))
    return np.asarray(rasterise([goal.outline for goal in goals], 256, supersample=1) >= 0.5)


def _parts(tree: Component) -> list[Component]:
    found = []
    for child in tree.children:
        if len(child.strokes) > 1:
            found += [child, *_parts(child)]
    return found


def _resized(places: NDArray[np.float64], rows: NDArray[np.int64], factor: NDArray[np.float64]) -> None:
    """Stretch some strokes about their common middle."""
    middle = (places[rows, :2].min(axis=0) + places[rows, :2].max(axis=0)) / 2
    places[rows, :2] = middle + (places[rows, :2] - middle) * factor
    places[rows, 2:4] *= factor


def _within(places: NDArray[np.float64]) -> None:
    """Shrink and move strokes as a whole until they lie within the character's box."""
    around = sides(places.astype(np.float32)).astype(np.float64)
    low, high = around[:2], around[2:]
    factor = np.minimum(1.0, (1 - 2 * _EDGE) / (high - low))
    places[:, :2] = (low + high) / 2 + (places[:, :2] - (low + high) / 2) * factor
    places[:, 2:4] *= factor
    half = (high - low) / 2 * factor
    places[:, :2] += np.clip((low + high) / 2, _EDGE + half, 1 - _EDGE - half) - (low + high) / 2


def _field(points: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a smooth displacement of points [S, 2]: a sum of a few waves of random direction."""
    waves = rng.normal(0, 1 / _BEND_REACH, (6, 2))
    phase = rng.uniform(0, 2 * np.pi, (6, 1))
    weight = rng.normal(0, _BEND * np.sqrt(2 / 6), (6, 2))
    field: NDArray[np.float64] = np.cos(points @ waves.T + phase.T) @ weight
    return field
