"""What one stroke should look like: the only thing that a composer hands to a primitive."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hierbrush.arguments import check_array, check_kind, check_list
from hierbrush.errors import HierbrushError, shown
from hierbrush.sim import distance_to_outline
from hierbrush.sim.lines import nearest_points

SKELETON_POINTS = 32
OUTLINE_POINTS = 128

Points = NDArray[np.float32]

# Share of the outline's points that goes to where it bends: at one half, the corners of a glyph survive the resampling
# (IoU with the original above .99) and straight sides still get a point every few pixels.
_BEND_SHARE = 0.5

# Beyond this, coordinates are given in other units, and their squares may overflow.
_FARTHEST = 1e6


@dataclass(frozen=True, eq=False)
class StrokeGoal:
    """One stroke wanted, in the unit box (x right, y down).

    Attributes:
        stroke_type: abbreviation of one of the 38 stroke types, such as ``"HZG"``.
        skeleton: float32 [32, 2], the middle line in writing direction, equally spaced by arc length.
        half_width: float32 [32], distance from each skeleton point to the outline.
        outline: float32 [128, 2], the ink wanted as a closed polygon. Point 0 lies where the skeleton's start looks out
            of the stroke, point 64 where its end does; the points run clockwise on the page, so that equal indices
            correspond from stroke to stroke.
    """

    stroke_type: str
    skeleton: Points
    half_width: NDArray[np.float32]
    outline: Points

    def __post_init__(self) -> None:
        check_kind("stroke_type", self.stroke_type, str, "the abbreviation of a stroke type such as 'HZG'")
        for name, shape in (
            ("skeleton", (SKELETON_POINTS, 2)),
            ("half_width", (SKELETON_POINTS,)),
            ("outline", (OUTLINE_POINTS, 2)),
        ):
            wanted = f"{shape} finite unit-box coordinates"
            array = np.ascontiguousarray(check_array(name, getattr(self, name), shape, wanted, dtype=np.float32))
            if array is getattr(self, name) and array.flags.writeable:
                array = array.copy()
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __repr__(self) -> str:
        (left, top), (right, bottom) = self.outline.min(axis=0).tolist(), self.outline.max(axis=0).tolist()
        return f"<StrokeGoal {self.stroke_type}: x {left:.3f} to {right:.3f}, y {top:.3f} to {bottom:.3f}>"

    @classmethod
    def from_outline(cls, stroke_type: str, outline: ArrayLike, median: ArrayLike) -> StrokeGoal:
        """Make a goal from a drawn stroke.

        Args:
            stroke_type: abbreviation of the stroke type.
            outline: [n >= 3, 2] closed polygon in the unit box, either winding.
            median: [m >= 2, 2] polyline along the stroke in writing direction.

        Raises:
            HierbrushError: a shape is wrong, a value is not finite, or outline or median has no extent.
        """
        polygon = _polyline(outline, "outline", 3)
        line = _polyline(median, "median", 2)
        # Shoelace formula; positive is clockwise on a page whose y axis points down.
        following = np.roll(polygon, -1, axis=0)
        if np.sum(polygon[:, 0] * following[:, 1] - following[:, 0] * polygon[:, 1]) < 0:
            polygon = polygon[::-1]
        skeleton = _at_fractions(line, np.linspace(0.0, 1.0, SKELETON_POINTS))
        start = _leaving(polygon, skeleton[0], skeleton[0] - _ahead(skeleton))
        end = _leaving(polygon, skeleton[-1], skeleton[-1] - _ahead(skeleton[::-1]))
        count = len(polygon)
        total = float(count)
        if (end - start) % total in (0.0, total):
            end = (start + total / 2) % total
        sides = (_side(polygon, start, end), _side(polygon, end, start))
        return cls(
            stroke_type,
            skeleton.astype(np.float32),
            distance_to_outline(skeleton, polygon).astype(np.float32),
            np.concatenate([_resample_bends(side, OUTLINE_POINTS // 2) for side in sides]).astype(np.float32),
        )

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the outline in the unit box."""
        low, high = self.outline.min(axis=0), self.outline.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    @property
    def length(self) -> float:
        """Arc length of the skeleton in box sides."""
        return float(np.linalg.norm(np.diff(self.skeleton.astype(np.float64), axis=0), axis=1).sum())

    def transformed(self, scale: ArrayLike, shift: ArrayLike) -> StrokeGoal:
        """Return the goal scaled about the origin by ``scale`` ([2] or a number), then moved by ``shift`` ([2]).

        Half-widths are measured anew, since an anisotropic scale changes them along the stroke.

        Raises:
            HierbrushError: ``scale`` or ``shift`` is no such number or pair.
        """
        factor, moved = _pair("scale", scale), _pair("shift", shift)
        outline = self.outline.astype(np.float64) * factor + moved
        skeleton = self.skeleton.astype(np.float64) * factor + moved
        return StrokeGoal(
            self.stroke_type,
            skeleton.astype(np.float32),
            distance_to_outline(skeleton, outline).astype(np.float32),
            outline.astype(np.float32),
        )


def check_goals(goals: Iterable[StrokeGoal]) -> list[StrokeGoal]:
    """Return ``goals`` as a list.

    Raises:
        HierbrushError: they are no StrokeGoals; the message names the first that is none.
    """
    found = check_list("goals", goals, "StrokeGoals")
    for at, goal in enumerate(found):
        check_kind(f"goals[{at}]", goal, StrokeGoal, "a StrokeGoal")
    return found


def with_widths(goals: Sequence[StrokeGoal], factors: ArrayLike) -> list[StrokeGoal]:
    """Return goals whose outlines lie ``factors`` [n] times as far from their skeletons; see `scaled_outlines`.

    Raises:
        HierbrushError: an argument of the wrong kind, or a factor is not a finite number above 0.
    """
    goals = check_goals(goals)
    by = check_array("factors", factors, (len(goals),), f"{len(goals)} finite numbers above 0")
    if (by <= 0).any():
        raise HierbrushError(f"factors: {shown(factors)}, expected {len(goals)} finite numbers above 0")
    if (by == 1.0).all():
        return goals
    skeletons = np.array([goal.skeleton for goal in goals], np.float64)
    outlines = np.array([goal.outline for goal in goals], np.float64)
    outlines = scaled_outlines(outlines, skeletons, by)
    half_widths = distance_to_outline(skeletons, outlines)
    return [
        goal if factor == 1.0 else StrokeGoal(goal.stroke_type, goal.skeleton, half_width, outline)
        for goal, factor, half_width, outline in zip(
            goals, by, half_widths.astype(np.float32), outlines.astype(np.float32), strict=True
        )
    ]


def scaled_outlines(
    outlines: NDArray[np.float64], skeletons: NDArray[np.float64], factors: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return outlines [n, m, 2] that lie ``factors`` [n] times as far from their skeletons [n, k, 2].

    Every point moves along the line to the nearest point of the skeleton. So pointed ends stay pointed, and strokes
    keep their length but for the half-width by which they reach beyond their skeleton's ends.
    """
    middles = nearest_points(outlines, skeletons)
    scaled: NDArray[np.float64] = middles + (outlines - middles) * factors[:, None, None]
    return scaled


def _pair(name: str, value: ArrayLike) -> NDArray[np.float64]:
    pair = check_array(name, value, None, "a finite number or two")
    if pair.shape not in ((), (2,)):
        raise HierbrushError(f"{name}: shape {pair.shape}, expected a finite number or two")
    return pair


def _polyline(points: ArrayLike, name: str, least: int) -> NDArray[np.float64]:
    wanted = f"[n >= {least}, 2] finite unit-box coordinates"
    array = check_array(name, points, (None, 2), wanted)
    if len(array) < least:
        raise HierbrushError(f"{name}: shape {array.shape}, expected {wanted}")
    if np.abs(array).max() > _FARTHEST:
        raise HierbrushError(f"{name}: reaches {np.abs(array).max():.3g}, expected unit-box coordinates")
    distinct: NDArray[np.float64] = array[np.concatenate([[True], np.any(np.diff(array, axis=0) != 0, axis=1)])]
    if least == 3 and len(distinct) > 1 and np.array_equal(distinct[0], distinct[-1]):
        distinct = distinct[:-1]
    if len(distinct) < least:
        raise HierbrushError(f"{name}: fewer than {least} distinct points, so it has no extent")
    return distinct


def _at_fractions(line: NDArray[np.float64], fractions: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(np.diff(line, axis=0), axis=1)
    travelled = np.concatenate([[0.0], np.cumsum(lengths)])
    where = fractions * travelled[-1]
    return np.stack([np.interp(where, travelled, line[:, axis]) for axis in (0, 1)], axis=1)


def _ahead(skeleton: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a step into the stroke from its first point; four points long, so that a crooked tip does not steer it."""
    step: NDArray[np.float64] = skeleton[4] - skeleton[0]
    length = float(np.linalg.norm(step))
    return step / length if length > 0 else np.array([1.0, 0.0])


def _leaving(polygon: NDArray[np.float64], origin: NDArray[np.float64], towards: NDArray[np.float64]) -> float:
    """Return where the ray from ``origin`` through ``towards`` first crosses the polygon.

    The answer is the index of the edge plus the fraction along it. When the ray misses (the origin lies outside),
    the nearest point of the polygon is used.
    """
    ray = towards - origin
    edge = np.roll(polygon, -1, axis=0) - polygon
    offset = polygon - origin
    cross = ray[0] * edge[:, 1] - ray[1] * edge[:, 0]
    safe = np.where(cross == 0, 1.0, cross)
    along_ray = (offset[:, 0] * edge[:, 1] - offset[:, 1] * edge[:, 0]) / safe
    along_edge = (offset[:, 0] * ray[1] - offset[:, 1] * ray[0]) / safe
    hit = (cross != 0) & (along_ray >= 0) & (along_edge >= 0) & (along_edge < 1)
    if hit.any():
        index = int(np.argmin(np.where(hit, along_ray, np.inf)))
        return float(index + along_edge[index])
    squared = np.maximum((edge * edge).sum(axis=1), 1e-30)
    fraction = np.clip(-(offset * edge).sum(axis=1) / squared, 0.0, 1.0)
    index = int(np.argmin(np.linalg.norm(offset + fraction[:, None] * edge, axis=1)))
    return index + min(float(fraction[index]), math.nextafter(1.0, 0.0))


def _side(polygon: NDArray[np.float64], start: float, end: float) -> NDArray[np.float64]:
    """Return the polyline along the polygon from ``start`` to ``end`` (edge index plus fraction), walking forward."""
    count = len(polygon)

    def at(where: float) -> NDArray[np.float64]:
        index = int(where) % count
        corner = polygon[index]
        point: NDArray[np.float64] = corner + (where - int(where)) * (polygon[(index + 1) % count] - corner)
        return point

    span = (end - start) % count
    corners = [polygon[(int(start) + 1 + i) % count] for i in range(int(int(start) + span + (start % 1)) - int(start))]
    return np.array([at(start), *corners, at(end)])


def _resample_bends(line: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return ``count`` points of ``line`` (its first included, its last not), denser where it bends.

    Half of the points are spread by arc length, half by turning angle. Turning sits at vertices, so a sharp corner
    takes a whole step of the cumulative measure and a point falls exactly on it.
    """
    step = np.diff(line, axis=0)
    length = np.linalg.norm(step, axis=1)
    heading = np.arctan2(step[:, 1], step[:, 0])
    turn = np.abs((np.diff(heading) + np.pi) % (2 * np.pi) - np.pi)
    turn[(length[1:] == 0) | (length[:-1] == 0)] = 0.0
    arc_unit = max(float(length.sum()), 1e-12)
    turn_unit = max(float(turn.sum()), np.pi / 2)
    # Each vertex appears twice: before and after its own turn, so that the measure can stand still on it.
    measure = np.zeros(2 * len(line))
    run = np.zeros(len(line))
    run[1:] = np.cumsum(length) / arc_unit * (1 - _BEND_SHARE)
    bend = np.zeros(len(line) + 1)
    bend[2:-1] = np.cumsum(turn) / turn_unit * _BEND_SHARE
    bend[-1] = bend[-2]
    measure[0::2] = run + bend[:-1]
    measure[1::2] = run + bend[1:]
    doubled = np.repeat(line, 2, axis=0)
    where = np.arange(count) / count * measure[-1]
    return np.stack([np.interp(where, measure, doubled[:, axis]) for axis in (0, 1)], axis=1)
