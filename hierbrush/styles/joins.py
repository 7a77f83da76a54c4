"""Strokes written without lifting: where in ink one stroke runs on into the next, and goals that are two strokes.

A running hand does not lift the brush between some strokes; a thin line, the ligature, leads from the end of the one to
the start of the next. It is looked for in ink whose strokes were found: there the way from end to start is inked,
though the regular character is white there, and is no other stroke's ink.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError
from hierbrush.sim import rasterise
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.styles.cut import outlined
from hierbrush.styles.registration import Picture
from hierbrush.styles.ribbon import Ribbons, sampled
from hierbrush.styles.skeleton_route import typed

Floats = NDArray[np.float64]

POINTS = 8
_APART = 0.05
"""Distance of an end from the next start, in sides of the box, below which they meet in the regular character, too."""

_DETOUR = 1.6
"""How many times as long as straight a ligature's way is at most."""

_OWN = 0.5
"""Share of a ligature that lies in no other stroke at least."""

_FARTHEST = 0.6
_LONGEST, _MOST_TURN = 2.6, 14.0
"""Length in sides of the box and turn in radians beyond which a brush is lifted after all: one goal holds no more."""


class Join(NamedTuple):
    """A ligature from the end of a stroke to the start of the next.

    Attributes:
        line: f64 [8, 2], its middle line in the unit box, from end to start.
        half_width: f64, of its ink.
    """

    line: Floats
    half_width: float


def gaps(lines: Floats) -> Floats:
    """Return the steps [strokes - 1, 2] from each stroke's end to the next one's start."""
    steps: Floats = lines[1:, 0] - lines[:-1, -1]
    return steps


def may_join(expected: Floats) -> NDArray[np.bool_]:
    """Return after which strokes [strokes - 1] of a regular character the brush is clearly lifted."""
    length = np.hypot(*gaps(expected).T)
    apart: NDArray[np.bool_] = (length > _APART) & (length < _FARTHEST)
    return apart


def joins_in(picture: Picture, expected: Floats, ribbons: Ribbons) -> dict[int, Join]:
    """Return the joins that ink shows, by the number of the stroke after which each comes.

    Args:
        picture: the ink.
        expected: f64 [strokes, 32, 2], the middle lines as the regular character has them.
        ribbons: the strokes as they were found.
    """
    found = {}
    for number in np.flatnonzero(may_join(expected)).tolist():
        join = _ligature(picture, ribbons, number)
        if join is not None:
            found[number] = join
    return found


def _ligature(picture: Picture, ribbons: Ribbons, number: int) -> Join | None:
    from skimage.graph import route_through_array

    side = len(picture.inked)
    end, start = ribbons.lines[number, -1] * side, ribbons.lines[number + 1, 0] * side
    straight = float(np.hypot(*(start - end)))
    depth = picture.ink.depth
    cells = [tuple(np.clip(point[::-1].astype(int), 0, side - 1)) for point in (end, start)]
    # The middle of the ink costs least; paper costs so much that no way leads over it but by a pixel.
    cost = np.where(depth > 0, 1 + 1 / (0.5 + np.maximum(depth, 0)), 60.0)
    way, _ = route_through_array(cost, *cells, fully_connected=True, geometric=True)
    path = np.array(way, np.float64)[:, ::-1] + 0.5
    inside = sampled(depth, path)
    if (inside <= 0).sum() > 2 or _length(path) > _DETOUR * straight + 6:
        return None
    if _others(ribbons, number, path / side) > 1 - _OWN:
        return None
    width = float(np.median(np.maximum(inside, 0.8))) / side
    return Join(_even(path, POINTS) / side, width)


def _others(ribbons: Ribbons, number: int, path: Floats) -> float:
    """Return the share of a way that lies in strokes: not where the one ends and the next begins."""
    lines, widths = ribbons.lines.copy(), ribbons.half_width.copy()
    lines[number, -6:], lines[number + 1, :6] = np.inf, np.inf
    apart = ((path[:, None] - lines.reshape(1, -1, 2)) ** 2).sum(axis=2)
    return float((apart < (0.9 * widths.reshape(1, -1)) ** 2).any(axis=1).mean())


def merged(goals: Sequence[StrokeGoal], joins: Mapping[int, Join]) -> tuple[list[StrokeGoal], list[tuple[int, ...]]]:
    """Return goals of which each is one movement of the brush, and the numbers of the strokes that each holds.

    Args:
        goals: the strokes in the order of writing.
        joins: ligatures by the number of the stroke after which each comes.
    """
    groups: list[list[int]] = []
    for number in range(len(goals)):
        longer = [*groups[-1], number] if groups and number - 1 in joins else []
        if longer and _is_one_movement(_line(goals, joins, longer)):
            groups[-1] = longer
        else:
            groups.append([number])
    found = [_one(goals, joins, group) for group in groups]
    return [goal for part in found for goal, _ in part], [numbers for part in found for _, numbers in part]


def _one(
    goals: Sequence[StrokeGoal], joins: Mapping[int, Join], group: list[int]
) -> list[tuple[StrokeGoal, tuple[int, ...]]]:
    if len(group) == 1:
        return [(goals[group[0]], (group[0],))]
    ink = rasterise([*(goals[n].outline for n in group), *(_swept(joins[n]) for n in group[:-1])], 256)
    line = _line(goals, joins, group)
    polygon = outlined(ink >= 0.5, ink.astype(np.float64), line)
    try:
        if polygon is not None:
            return [(typed(polygon, line), tuple(group))]
    except HierbrushError:  # a line that the outline does not hold
        pass
    return [(goals[n], (n,)) for n in group]


def _line(goals: Sequence[StrokeGoal], joins: Mapping[int, Join], group: Sequence[int]) -> Floats:
    """Return the middle line [m, 2] of strokes and the ligatures between them."""
    parts: list[Floats] = []
    for number in group:
        parts.append(goals[number].skeleton.astype(np.float64))
        if number != group[-1]:
            parts.append(joins[number].line[1:-1])
    return np.concatenate(parts)


def _is_one_movement(line: Floats) -> bool:
    step = np.diff(_even(line, 48), axis=0)
    turns = np.abs(np.diff(np.unwrap(np.arctan2(step[:, 1], step[:, 0]))))
    return _length(line) <= _LONGEST and float(turns.sum()) <= _MOST_TURN


def _swept(join: Join) -> Floats:
    """Return the outline of a ligature's ink."""
    line = _even(join.line, 16)
    step = np.gradient(line, axis=0)
    across = np.stack([-step[:, 1], step[:, 0]], axis=1) / np.maximum(np.hypot(*step.T), 1e-9)[:, None]
    aside = across * max(join.half_width, 0.004)
    return np.concatenate([line + aside, (line - aside)[::-1]])


def _length(line: Floats) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def _even(line: Floats, count: int) -> Floats:
    along = np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
    at = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(at, along, line[:, axis]) for axis in (0, 1)], axis=1)
