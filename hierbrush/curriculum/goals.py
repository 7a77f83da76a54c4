"""Drawing a stage's goals: real strokes of training characters, shapes from the basis, and their deformations.

Only training characters are ever opened, so nothing of a validation or test character can reach a policy from here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import GlyphStroke, load_library, split
from hierbrush.curriculum.model import Deformation, GlyphGoals, Goals
from hierbrush.errors import HierbrushError, closest
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.types import ABBREVIATIONS

_REFERENCE = 256
"""Strokes of a type that are measured, at least, to tell which quantile a stroke lies in."""

Points = NDArray[np.float64]
Place = tuple[str, int]
"""A stroke in the library: character and index in writing order."""


def sample_goals(goals: Goals, stroke_types: Sequence[str], n: int, seed: int) -> list[StrokeGoal]:
    """Draw goals as a stage describes them.

    The same arguments give the same goals. At most ``goals.count`` of them are distinct; the list repeats them in turn
    when ``n`` is larger. A few milliseconds a goal, so draw once a stage.

    Args:
        goals: the ``goals`` section of a stage.
        stroke_types: abbreviations of the types to draw from, such as ``curriculum.stroke_types`` or one specialist's.
        n: how many, >= 1.
        seed: >= 0.

    Raises:
        HierbrushError: a stroke type is unknown or none is given, or ``n`` or ``seed`` is out of range.
    """
    _check(stroke_types, n, seed)
    rng = np.random.default_rng(seed)
    distinct = min(n, goals.count)
    of_type = rng.choice(len(stroke_types), size=distinct, p=_type_shares(stroke_types, goals.type_balance))
    drawn: list[StrokeGoal | None] = [None] * distinct
    for number, name in enumerate(stroke_types):
        (wanted,) = np.nonzero(of_type == number)
        for index, goal in zip(wanted, _draw(goals, name, len(wanted), rng), strict=True):
            drawn[index] = goal
    return [goal for goal in (drawn[index % distinct] for index in range(n)) if goal is not None]


def _check(stroke_types: Sequence[str], n: int, seed: int) -> None:
    for name in stroke_types:
        if name not in ABBREVIATIONS:
            near = closest(str(name).upper(), list(ABBREVIATIONS))
            raise HierbrushError(f"stroke_types: {name!r} is none of the 38 stroke types{near}")
    if not stroke_types:
        raise HierbrushError("stroke_types: is empty, expected at least one abbreviation such as 'HZG'")
    if n < 1:
        raise HierbrushError(f"n: {n}, expected at least 1")
    if seed < 0:
        raise HierbrushError(f"seed: {seed}, expected a whole number >= 0")


def _type_shares(stroke_types: Sequence[str], balance: float) -> NDArray[np.float64]:
    counts = np.array([max(1, len(_training_strokes().get(name, ()))) for name in stroke_types], dtype=np.float64)
    counts **= balance
    return counts / counts.sum()


@lru_cache(maxsize=1)
def _training_strokes() -> MappingProxyType[str, tuple[Place, ...]]:
    """Return where each stroke type occurs in the training characters, without opening any outline."""
    library = load_library()
    places: dict[str, list[Place]] = {}
    for char in library.characters:
        if split(char) == "train":
            for index, name in enumerate(library.stroke_types(char)):
                places.setdefault(name, []).append((char, index))
    return MappingProxyType({name: tuple(found) for name, found in places.items()})


def _draw(goals: Goals, stroke_type: str, count: int, rng: np.random.Generator) -> list[StrokeGoal]:
    places = _training_strokes().get(stroke_type, ())
    from_basis = np.zeros(count, dtype=bool)
    if not places or goals.glyphs is None:
        from_basis[:] = True
    elif goals.basis is not None:
        from_basis = rng.random(count) < goals.basis.weight / (goals.basis.weight + goals.glyphs.weight)
    shaped = iter(_basis_goals(stroke_type, int(from_basis.sum()), goals.basis.spread if goals.basis else 0.0, rng))
    strokes = iter(_glyph_strokes(goals.glyphs or GlyphGoals(), places, int(count - from_basis.sum()), rng))
    drawn = []
    for basis in from_basis:
        if basis:
            goal = next(shaped)
            outline, median = goal.outline.astype(np.float64), goal.skeleton.astype(np.float64)
        else:
            stroke = next(strokes)
            goal = stroke.goal()
            outline, median = stroke.outline.astype(np.float64), stroke.median.astype(np.float64)
        if goals.deformation != Deformation():
            goal = StrokeGoal.from_outline(stroke_type, *_deformed(outline, median, goals.deformation, rng))
        drawn.append(goal)
    return drawn


def _glyph_strokes(
    rule: GlyphGoals, places: Sequence[Place], count: int, rng: np.random.Generator
) -> list[GlyphStroke]:
    """Return ``count`` strokes that ``rule`` lets pass, without repeats as long as there are enough."""
    if count == 0:
        return []
    everything = rule.size == rule.aspect == (0.0, 1.0)
    share = (rule.size[1] - rule.size[0]) * (rule.aspect[1] - rule.aspect[0])
    # Half as many again as should be needed, since size and aspect are not independent.
    opened = count if everything else max(_REFERENCE, math.ceil(1.5 * count / max(share, 0.01)))
    chosen = rng.permutation(len(places))[:opened]
    strokes = _open([places[index] for index in chosen])
    if not everything:
        outside = _outside([_length(stroke) for stroke in strokes], rule.size)
        outside += _outside([_height_to_width(stroke) for stroke in strokes], rule.aspect)
        # Of a handful of strokes none may lie in a narrow range: the nearest stands in, so that no type goes untaught.
        strokes = [strokes[index] for index in np.nonzero(outside <= outside.min())[0]]
    order = np.concatenate([rng.permutation(len(strokes)) for _ in range(math.ceil(count / len(strokes)))])
    return [strokes[index] for index in order[:count]]


def _open(places: Sequence[Place]) -> list[GlyphStroke]:
    """Return the strokes at ``places`` in that order; neighbours in the file are opened together, which is quicker."""
    library = load_library()
    opened = {(char, index): library[char].strokes[index] for char, index in sorted(places)}
    return [opened[place] for place in places]


def _length(stroke: GlyphStroke) -> float:
    return float(np.linalg.norm(np.diff(stroke.median, axis=0), axis=1).sum())


def _height_to_width(stroke: GlyphStroke) -> float:
    width, height = np.ptp(stroke.outline, axis=0)
    return float(height) / max(float(width), 1e-6)


def _outside(values: Sequence[float], bounds: tuple[float, float]) -> NDArray[np.float64]:
    """Return how far each value's quantile lies outside ``bounds``, 0 inside."""
    quantile = (np.argsort(np.argsort(values, kind="stable"), kind="stable") + 0.5) / len(values)
    return np.maximum(0.0, np.maximum(bounds[0] - quantile, quantile - bounds[1]))


def _basis_goals(stroke_type: str, count: int, spread: float, rng: np.random.Generator) -> list[StrokeGoal]:
    if count:
        raise HierbrushError(f"goals: the shape basis of {stroke_type} is not there yet")
    return []


def _deformed(
    outline: Points, median: Points, deformation: Deformation, rng: np.random.Generator
) -> tuple[Points, Points]:
    """Return outline and median [n, 2] changed at random about the middle of the stroke's box, kept inside the page."""
    size, stretch, thickness, turn = (
        rng.uniform(-1.0, 1.0) * limit
        for limit in (
            math.log1p(deformation.size),
            math.log1p(deformation.stretch) / 2,
            math.log1p(deformation.thickness),
            deformation.rotation,
        )
    )
    on_median = _nearest(outline, median)
    outline = on_median + (outline - on_median) * math.exp(thickness)
    cosine, sine = math.cos(turn), math.sin(turn)
    linear = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([math.exp(size + stretch), math.exp(size - stretch)])
    low, high = outline.min(axis=0), outline.max(axis=0)
    middle = (low + high) / 2
    outline, median = (outline - middle) @ linear.T, (median - middle) @ linear.T
    low, high = outline.min(axis=0), outline.max(axis=0)
    fit = 1.0 / max(1.0, float((high - low).max()))
    middle = np.clip(middle, -low * fit, 1.0 - high * fit)
    return outline * fit + middle, median * fit + middle


def _nearest(points: Points, line: Points) -> Points:
    """Return the point of the polyline ``line`` [m, 2] nearest to each of ``points`` [n, 2]."""
    step = np.diff(line, axis=0)
    offset = points[:, None, :] - line[None, :-1, :]
    squared = np.maximum((step * step).sum(axis=1), 1e-30)
    along = np.clip((offset * step).sum(axis=2) / squared, 0.0, 1.0)
    foot = line[None, :-1, :] + along[:, :, None] * step
    best = ((points[:, None, :] - foot) ** 2).sum(axis=2).argmin(axis=1)
    found: Points = foot[np.arange(len(points)), best]
    return found
