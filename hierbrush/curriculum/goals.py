"""Drawing a stage's goals: real strokes of training characters, shapes from the basis or a script, deformations.

Only training characters are ever opened, so nothing of a validation or test character can reach a policy from here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray

from hierbrush.arguments import check_kind, check_whole
from hierbrush.characters import GlyphStroke, load_library, split
from hierbrush.curriculum.model import Deformation, GlyphGoals, Goals
from hierbrush.errors import HierbrushError
from hierbrush.resources import folder
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.script import check_types, script_type
from hierbrush.strokes.shape_basis import Box, shape_basis
from hierbrush.strokes.types import load_primitive

_MOST = 10_000_000
"""Goals in one call."""

_REFERENCE = 128
"""Strokes of a type that are measured, at least, to tell which quantile a stroke lies in."""

Points = NDArray[np.float64]
Indices = NDArray[np.int64]


def sample_goals(goals: Goals | None, stroke_types: Sequence[str], n: int, seed: int) -> list[StrokeGoal]:
    """Draw goals as a stage describes them.

    The same arguments give the same goals. At most ``goals.count`` of them are distinct; the list repeats them in turn
    when ``n`` is larger. Several milliseconds a goal, so draw once a stage.

    Args:
        goals: the ``goals`` section of a stage; a stage of whole characters has none, and is refused.
        stroke_types: abbreviations of the types to draw from, such as ``curriculum.stroke_types`` or one specialist's.
        n: how many, >= 1.
        seed: >= 0.

    Raises:
        HierbrushError: a stroke type is unknown or none is given, or ``n`` or ``seed`` is out of range.
    """
    if goals is None:
        raise HierbrushError("goals: None, expected the section goals of a stage; one of whole characters has none")
    check_kind("goals", goals, Goals, "the section goals of a stage")
    stroke_types = _checked_types(stroke_types)
    n, seed = check_whole("n", n, 1, _MOST), check_whole("seed", seed, 0)
    rng = np.random.default_rng(seed)
    distinct = min(n, goals.count)
    of_type = rng.choice(len(stroke_types), size=distinct, p=_type_shares(stroke_types, goals.type_balance))
    from_basis = _from_basis(goals, [stroke_types[number] for number in of_type], rng)
    numbers = np.arange(len(stroke_types))[:, None]
    of_glyphs, of_basis = (
        dict(zip(stroke_types, ((of_type == numbers) & source).sum(axis=1).tolist(), strict=True))
        for source in (~from_basis, from_basis)
    )
    strokes = _glyph_strokes(goals.glyphs or GlyphGoals(), of_glyphs, rng)
    models = _glyph_strokes(GlyphGoals(), of_basis, rng)
    spread = goals.basis.spread if goals.basis else 0.0
    drawn: list[StrokeGoal] = []
    for number, basis in zip(of_type, from_basis, strict=True):
        name = stroke_types[number]
        stroke = _basis_goal(name, models, spread, rng) if basis else strokes[name].pop()
        if goals.deformation != Deformation():
            drawn.append(StrokeGoal.from_outline(name, *_deformed(stroke, goals.deformation, rng)))
        else:
            drawn.append(stroke if isinstance(stroke, StrokeGoal) else stroke.goal())
    return [drawn[index % distinct] for index in range(n)]


def _checked_types(stroke_types: Sequence[str]) -> tuple[str, ...]:
    names = check_types("stroke_types", stroke_types)
    if not names:
        raise HierbrushError("stroke_types: is empty, expected at least one abbreviation such as 'HZG'")
    return names


def _type_shares(stroke_types: Sequence[str], balance: float) -> NDArray[np.float64]:
    _, places = _training_strokes()
    counts = np.array([max(1, len(places.get(name, ()))) for name in stroke_types], dtype=np.float64)
    shares = np.power(counts, balance)
    normalised: NDArray[np.float64] = shares / shares.sum()
    return normalised


@lru_cache(maxsize=1)
def _training_strokes() -> tuple[tuple[str, ...], Mapping[str, Indices]]:
    """Return the training characters, and where in them each stroke type occurs, without opening any outline.

    The places of a type are int64 [n, 2]: index of the character, index of the stroke in writing order.
    """
    library = load_library()
    characters = tuple(char for char in library.characters if split(char) == "train")
    places: dict[str, list[tuple[int, int]]] = {}
    for row, char in enumerate(characters):
        for index, name in enumerate(library.stroke_types(char)):
            places.setdefault(name, []).append((row, index))
    return characters, {name: np.array(found, dtype=np.int64) for name, found in places.items()}


def _from_basis(goals: Goals, types: Sequence[str], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Decide for each goal, given its stroke type, whether it comes from the shape basis."""
    if goals.glyphs is None:
        return np.ones(len(types), dtype=bool)
    _, places = _training_strokes()
    share = goals.basis.weight / (goals.basis.weight + goals.glyphs.weight) if goals.basis else 0.0
    decided: NDArray[np.bool_] = rng.random(len(types)) < share
    return decided | np.array([name not in places for name in types], dtype=np.bool_)


def _glyph_strokes(
    rule: GlyphGoals, wanted: Mapping[str, int], rng: np.random.Generator
) -> dict[str, list[GlyphStroke]]:
    """Return as many strokes of each type as are wanted and the library has any of, all of which ``rule`` lets pass.

    A type's strokes are those of the first characters, in one random order for all types, that have it: so many types
    share the characters that are opened, which is what takes the time.
    """
    characters, places = _training_strokes()
    order = rng.permutation(len(characters))
    everything = rule.size == rule.aspect == (0.0, 1.0)
    pools = {
        name: places[name][np.argsort(order[places[name][:, 0]], kind="stable")][
            : count if everything else max(count, _REFERENCE)
        ]
        for name, count in wanted.items()
        if count and name in places
    }
    library = load_library()
    opened: dict[tuple[int, int], GlyphStroke] = {}
    for row, index in sorted({(int(row), int(index)) for pool in pools.values() for row, index in pool}):
        opened[row, index] = library[characters[row]].strokes[index]
    found = {}
    for name, pool in pools.items():
        strokes = [opened[int(row), int(index)] for row, index in pool]
        passed = strokes if everything else _passed(strokes, rule)
        rounds = math.ceil(wanted[name] / len(passed))
        picked = np.concatenate([rng.permutation(len(passed)) for _ in range(rounds)])[: wanted[name]]
        found[name] = [passed[index] for index in picked]
    return found


def _passed(strokes: Sequence[GlyphStroke], rule: GlyphGoals) -> list[GlyphStroke]:
    """Return the strokes inside the rule's quantiles or, where a handful has none there, those nearest to them."""
    outside = _outside([_length(stroke) for stroke in strokes], rule.size)
    outside += _outside([_height_to_width(stroke) for stroke in strokes], rule.aspect)
    return [strokes[index] for index in np.nonzero(outside <= outside.min())[0].tolist()]


def _length(stroke: GlyphStroke) -> float:
    return float(np.linalg.norm(np.diff(stroke.median, axis=0), axis=1).sum())


def _height_to_width(stroke: GlyphStroke) -> float:
    width, height = np.ptp(stroke.outline, axis=0)
    return float(height) / max(float(width), 1e-6)


def _outside(values: Sequence[float], bounds: tuple[float, float]) -> NDArray[np.float64]:
    """Return how far each value's quantile lies outside ``bounds``, 0 inside."""
    quantile = (np.argsort(np.argsort(values, kind="stable"), kind="stable") + 0.5) / len(values)
    return np.maximum(0.0, np.maximum(bounds[0] - quantile, quantile - bounds[1]))


def _basis_goal(
    stroke_type: str, models: Mapping[str, list[GlyphStroke]], spread: float, rng: np.random.Generator
) -> StrokeGoal:
    """Return a real stroke with its shape changed in the type's basis, or the canonical shape where there are none.

    Box and coefficients are a real stroke's, and only the coefficients are changed, so that the mean shape is that of a
    box which somebody wrote: drawn independently, an odd box and large coefficients make loops that nobody would write.
    """
    script = script_type(stroke_type)
    if script is not None:
        return _placed(script.goals[rng.integers(len(script.goals))], rng)
    basis = shape_basis(stroke_type)
    if stroke_type not in models:
        return basis.goal(_canonical_box(stroke_type, rng))
    model = models[stroke_type].pop().goal()
    box, coefficients = basis.project(model)
    change = spread * np.clip(rng.normal(size=basis.size), -2.5, 2.5)
    for share in (1.0, 0.5, 0.25):
        goal = basis.goal(box, coefficients + share * change)
        if _is_stroke(goal, model):
            return goal
    return basis.goal(box, coefficients)


def _is_stroke(goal: StrokeGoal, model: StrokeGoal) -> bool:
    """Whether the outline does not cross itself, the skeleton runs inside it and the thickness is near the model's."""
    polygon = shapely.Polygon(goal.outline)
    inside = shapely.contains_xy(polygon, goal.skeleton).sum() >= len(goal.skeleton) - 2  # a tip may stick out
    thickness = float(goal.half_width.mean() / model.half_width.mean())
    return bool(polygon.is_valid and inside and 2 / 3 < thickness < 3 / 2)


def _canonical_box(stroke_type: str, rng: np.random.Generator) -> Box:
    """Return a box (centre x, centre y, width, height) of the canonical shape's proportions, at random on the page."""
    canonical = load_primitive(folder("primitives") / f"{stroke_type}.yaml")["canonical"]
    skeleton, radius = np.array(canonical["skeleton"]), np.array(canonical["half_width"])[:, None]
    size = ((skeleton + radius).max(axis=0) - (skeleton - radius).min(axis=0)) * rng.uniform(0.6, 1.0)
    x, y = rng.uniform(size / 2, 1.0 - size / 2)
    return float(x), float(y), float(size[0]), float(size[1])


def _placed(goal: StrokeGoal, rng: np.random.Generator) -> StrokeGoal:
    """Return a drawn stroke somewhat smaller, at random on the page."""
    left, top, right, bottom = goal.box
    corner, size = np.array([left, top]), np.array([right - left, bottom - top])
    scale = rng.uniform(0.6, 1.0) * min(1.0, 1.0 / size.max())
    return goal.transformed(scale, rng.uniform(0.0, 1.0 - scale * size) - scale * corner)


def _deformed(
    stroke: GlyphStroke | StrokeGoal, deformation: Deformation, rng: np.random.Generator
) -> tuple[Points, Points]:
    """Return outline and median [n, 2] changed at random about the middle of the stroke's box, kept inside the page."""
    outline = stroke.outline.astype(np.float64)
    median = (stroke.skeleton if isinstance(stroke, StrokeGoal) else stroke.median).astype(np.float64)
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
