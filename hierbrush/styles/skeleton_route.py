"""Strokes from ink alone, when no character is known: the skeleton's branches, joined where one goes on as another.

Branches meet at junctions. There each pair that runs most nearly straight on becomes one stroke, as a hand that crosses
a line goes on; what is left begins or ends there. Strokes are written from the left or from above, and in the order of
reading: what stands to the left first, then what stands above.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.shape_basis import shape_basis
from hierbrush.strokes.types import stroke_types
from hierbrush.styles.cut import cut, held, outlined
from hierbrush.styles.hatching import bands_of
from hierbrush.styles.ribbon import POINTS, Ribbons, sampled

Floats = NDArray[np.float64]
Pixel = tuple[int, int]

MOST_STROKES = 400

_STRAIGHT_ON = np.cos(np.radians(60))
"""Two branches are one stroke if the one goes on within this angle of the other's direction."""

_LOOK = 2.5
"""Half-widths over which a branch's direction at a junction is taken."""

_SPUR = 1.15
"""A loose end shorter than this many half-widths of the ink at its junction is the corner of a stroke, no branch."""

_INNER = 1.3
"""A branch between two junctions shorter than this many half-widths is part of one crossing."""

_LONGEST, _MOST_TURN = 1.3, 7.5
"""Length in sides of the box and turn in radians beyond which a stroke is cut in two."""

_SHARP = np.radians(114)
"""Turn within some pixels at which a line is two strokes."""

_BLUR, _INDEPENDENT = 0.06, 6.0
"""How far a point of a stroke lies from its type's mean, and how many of its points say something of their own."""


class _Branch(NamedTuple):
    """A piece of skeleton between two ends: pixels' centres f64 [n, 2], and the junctions there, -1 for a loose end."""

    points: Floats
    ends: tuple[int, int]


def strokes_of_ink(ink: NDArray[np.floating]) -> list[StrokeGoal]:
    """Return strokes that together make a picture's ink, in a plausible order.

    Args:
        ink: [side, side], coverage of the box, 1 = ink.

    Raises:
        HierbrushError: there is no ink, or more of it than handwriting has.
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.morphology import skeletonize

    coverage = np.asarray(ink, np.float64)
    inked = _without_specks(coverage >= 0.5)
    if not inked.any():
        raise HierbrushError("ink: is blank, so there is nothing to write")
    depth = distance_transform_edt(np.pad(inked, 1))[1:-1, 1:-1]
    side = len(inked)
    blots = bands_of(inked, depth)
    filled = [goal for band in blots if (goal := _goal(band.mask, coverage, band.line / side)) is not None]
    if blots:
        inked = _without_specks(inked & ~np.any([band.mask for band in blots], axis=0), least=0.001)
        if not inked.any():
            return filled
        depth = distance_transform_edt(np.pad(inked, 1))[1:-1, 1:-1]
    skeleton = skeletonize(np.pad(inked, 1))[1:-1, 1:-1]
    paths = [piece for path in _paths(skeleton, depth) for piece in _cut_long(_finished(path, depth, inked), side)]
    paths = _lone_dots(inked, paths)
    if len(paths) > MOST_STROKES:
        raise HierbrushError(f"ink: has {len(paths)} strokes, expected writing of at most {MOST_STROKES}")
    paths = [paths[number] for number in _reading_order(paths)]
    lines = np.array([_resampled(_directed(path)) for path in paths])
    widths = np.maximum(sampled(depth, lines), 0.8)
    owned = cut(inked, Ribbons(lines / side, widths / side, np.ones_like(widths))).owned
    drawn = (_goal(mine, coverage, line) for line, mine in zip(lines / side, owned, strict=True))
    goals = filled + [goal for goal in drawn if goal is not None]
    if not goals:
        raise HierbrushError("ink: holds nothing large enough to be a stroke")
    return goals


def _goal(mine: NDArray[np.bool_], coverage: Floats, line: Floats) -> StrokeGoal | None:
    """Return the goal of one stroke's pixels, None for a speck without extent."""
    polygon = outlined(mine, coverage, line)
    if polygon is None or len(polygon) < 4:
        return None
    try:
        return typed(polygon, line)
    except HierbrushError:
        return None


def _without_specks(inked: NDArray[np.bool_], least: float = 0.0002) -> NDArray[np.bool_]:
    """Return ink without pieces that are smaller than a share of the picture, but for the largest."""
    from scipy.ndimage import label

    pieces, _ = label(inked, structure=np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel())
    keep = sizes >= max(6.0, least * inked.size)
    if least < 0.001:
        keep |= sizes >= sizes[1:].max(initial=0)
    keep[0] = False
    kept: NDArray[np.bool_] = keep[pieces]
    return kept


def _paths(skeleton: NDArray[np.bool_], depth: Floats) -> list[Floats]:
    """Return the strokes' middle lines, f64 [n, 2] in pixels."""
    branches, middles = _graph(skeleton)
    branches = _pruned(branches, middles, depth)
    branches, middles = _merged(branches, middles, depth)
    return _joined(branches, middles, depth)


def _graph(skeleton: NDArray[np.bool_]) -> tuple[list[_Branch], list[Floats]]:
    """Return a skeleton's branches and the middles of its junctions."""
    from scipy.ndimage import convolve, label

    neighbours = convolve(skeleton.astype(np.int64), np.ones((3, 3), np.int64), mode="constant") - 1
    crossing = skeleton & (neighbours >= 3)
    number_of, count = label(crossing, structure=np.ones((3, 3)))
    middles = [np.argwhere(number_of == number).mean(axis=0)[::-1] + 0.5 for number in range(1, count + 1)]
    pieces, found = label(skeleton & ~crossing, structure=np.ones((3, 3)))
    branches = []
    for piece in range(1, found + 1):
        chain = _chain({(int(r), int(c)) for r, c in np.argwhere(pieces == piece)})
        ends = tuple(_junction_at(chain[at], number_of, middles, chain) for at in (0, -1))
        if ends[0] == ends[1] >= 0 and len(chain) < 4:
            continue
        points = np.array(chain, np.float64)[:, ::-1] + 0.5
        branches.append(_Branch(points, (ends[0], ends[1])))
    return branches, middles


def _junction_at(pixel: Pixel, number_of: NDArray[np.int32], middles: list[Floats], chain: list[Pixel]) -> int:
    row, column = pixel
    around = number_of[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
    found = np.unique(around[around > 0])
    return int(found[0]) - 1 if len(found) else -1


def _chain(pixels: set[Pixel]) -> list[Pixel]:
    """Return pixels of a piece without junctions from one end to the other; of a ring from its top left."""

    def beside(pixel: Pixel) -> list[Pixel]:
        row, column = pixel
        near = [(row + r, column + c) for r, c in ((-1, 0), (1, 0), (0, -1), (0, 1))]
        far = [(row + r, column + c) for r, c in ((-1, -1), (-1, 1), (1, -1), (1, 1))]
        return [each for each in near + far if each in left]

    left = set(pixels)
    ends = sorted(pixel for pixel in pixels if len(beside(pixel)) <= 1)
    chain = [ends[0] if ends else min(pixels, key=lambda pixel: pixel[0] + 0.5 * pixel[1])]
    left.discard(chain[0])
    while step := beside(chain[-1]):
        chain.append(step[0])
        left.discard(step[0])
    if not ends and len(chain) > 3:
        chain.append(chain[0])
    return chain


def _pruned(branches: list[_Branch], middles: list[Floats], depth: Floats) -> list[_Branch]:
    """Leave out the short loose ends that thinning makes of corners."""
    kept = []
    for branch in branches:
        loose = (branch.ends[0] < 0) != (branch.ends[1] < 0)
        at = max(branch.ends)
        if loose and _length(branch.points) < _SPUR * _depth(depth, middles[at]):
            continue
        kept.append(branch)
    return kept


def _merged(branches: list[_Branch], middles: list[Floats], depth: Floats) -> tuple[list[_Branch], list[Floats]]:
    """Take junctions that a short branch joins for one: where two strokes cross, thinning makes two of it."""
    root = list(range(len(middles)))

    def find(number: int) -> int:
        while root[number] != number:
            number = root[number]
        return number

    kept = []
    for branch in branches:
        a, b = branch.ends
        if a >= 0 and b >= 0 and a != b:
            reach = _INNER * max(_depth(depth, middles[a]), _depth(depth, middles[b]))
            if _length(branch.points) < reach:
                root[find(a)] = find(b)
                continue
        kept.append(branch)
    groups: dict[int, list[Floats]] = {}
    for number, middle in enumerate(middles):
        groups.setdefault(find(number), []).append(middle)
    now = [np.mean(groups.get(number, [middle]), axis=0) for number, middle in enumerate(middles)]
    ends = [tuple(find(end) if end >= 0 else -1 for end in branch.ends) for branch in kept]
    return [_Branch(branch.points, (e[0], e[1])) for branch, e in zip(kept, ends, strict=True)], now


def _joined(branches: list[_Branch], middles: list[Floats], depth: Floats) -> list[Floats]:
    """Return lines: branches put together at the junctions where one goes on as the other."""
    partner: dict[tuple[int, int], tuple[int, int]] = {}
    at: dict[int, list[tuple[int, int]]] = {}
    for number, branch in enumerate(branches):
        for end in (0, 1):
            if branch.ends[end] >= 0:
                at.setdefault(branch.ends[end], []).append((number, end))
    for junction, arms in at.items():
        reach = _LOOK * max(2.0, _depth(depth, middles[junction]))
        away = {arm: _away(branches[arm[0]].points, arm[1], middles[junction], reach) for arm in arms}
        pairs = sorted(
            (float(away[a] @ away[b]), a, b) for i, a in enumerate(arms) for b in arms[i + 1 :] if a[0] != b[0]
        )
        for bend, a, b in pairs:
            # Two branches of a junction with no others are one stroke whatever the angle.
            if (bend < -_STRAIGHT_ON or len(arms) == 2) and a not in partner and b not in partner:
                partner[a], partner[b] = b, a
    return _traced(branches, middles, partner)


def _traced(
    branches: list[_Branch], middles: list[Floats], partner: dict[tuple[int, int], tuple[int, int]]
) -> list[Floats]:
    used: set[int] = set()
    lines = []
    # Lines with a beginning first; what is left are rings.
    starts = [(n, e) for n in range(len(branches)) for e in (0, 1) if (n, e) not in partner]
    for start in [*starts, *((n, 0) for n in range(len(branches)))]:
        number, end = start
        if number in used:
            continue
        parts: list[Floats] = []
        if branches[number].ends[end] >= 0:
            parts.append(middles[branches[number].ends[end]][None])
        while number not in used:
            used.add(number)
            points = branches[number].points
            parts.append(points if end == 0 else points[::-1])
            far = (number, 1 - end)
            if branches[number].ends[1 - end] >= 0:
                parts.append(middles[branches[number].ends[1 - end]][None])
            if far not in partner:
                break
            number, end = partner[far]
        lines.append(np.concatenate(parts))
    return lines


def _away(points: Floats, end: int, middle: Floats, reach: float) -> Floats:
    """Return the unit direction in which a branch leaves a junction."""
    line = points if end == 0 else points[::-1]
    apart = np.hypot(*(line - middle).T)
    near = line[apart <= reach]
    step = (near[-1] if len(near) else line[-1]) - middle
    unit: Floats = step / max(float(np.hypot(*step)), 1e-9)
    return unit


def _depth(depth: Floats, point: Floats) -> float:
    return float(sampled(depth, np.asarray(point)))


def _length(points: Floats) -> float:
    return float(np.hypot(*np.diff(points, axis=0).T).sum()) + 1.0


def _finished(path: Floats, depth: Floats, inked: NDArray[np.bool_]) -> Floats:
    """Return a line made smooth, its ends led towards the ink's end."""
    from scipy.ndimage import gaussian_filter1d

    if len(path) < 3:
        return path
    ring = np.hypot(*(path[0] - path[-1])) < 1.5 and len(path) > 12
    sigma = float(np.clip(0.4 * np.median(sampled(depth, path)), 1.0, 4.0))
    smooth = gaussian_filter1d(path, sigma, axis=0, mode="wrap" if ring else "nearest")
    if ring:
        return np.concatenate([smooth, smooth[:1]])
    smooth[[0, -1]] = path[[0, -1]]
    ends = []
    for end, inner in ((0, min(6, len(smooth) - 1)), (-1, -min(7, len(smooth)))):
        away = smooth[end] - smooth[inner]
        away = away / max(float(np.hypot(*away)), 1e-9)
        steps = smooth[end] + np.arange(1.0, 2.0 * _depth(depth, smooth[end]) + 2)[:, None] * away
        column, row = np.clip(steps.astype(int), 0, len(inked) - 1).T
        free = int(np.argmin(np.append(inked[row, column], False)))
        # Of a line that runs into another the end lies inside that.
        go = max(0, round(0.8 * free)) if _depth(depth, smooth[end]) <= free + 1.5 else 0
        ends.append(steps[go - 1][None] if go else np.empty((0, 2)))
    return np.concatenate([ends[0], smooth, ends[1]])


def _cut_long(path: Floats, side: int) -> list[Floats]:
    """Return a line in pieces that one goal can hold."""
    if len(path) < 8:
        return [path]
    if np.hypot(*(path[0] - path[-1])) < 2.5 and _length(path) > 8:
        # An outline has no hole: a ring is two strokes.
        half = len(path) // 2
        return [path[: half + 2], path[half - 1 :]]
    sharp = _sharpest(path)
    if sharp is not None:
        return [*_cut_long(path[: sharp + 1], side), *_cut_long(path[sharp:], side)]
    coarse = _resampled(path)
    step = np.diff(coarse, axis=0)
    turns = np.abs(np.diff(np.unwrap(np.arctan2(step[:, 1], step[:, 0]))))
    if _length(path) <= _LONGEST * side and turns.sum() <= _MOST_TURN:
        return [path]
    # Where it is straightest, near the middle.
    middle = slice(len(turns) // 3, 2 * len(turns) // 3)
    best = middle.start + int(turns[middle].argmin()) + 1
    at = int(np.hypot(*(path - coarse[best]).T).argmin())
    if not 3 < at < len(path) - 3:
        return [path]
    return [*_cut_long(path[: at + 2], side), *_cut_long(path[at - 1 :], side)]


def _sharpest(path: Floats) -> int | None:
    """Return where a line turns back so sharply that a hand lifts the brush there, None if it does not."""
    reach = min(16, len(path) // 5)
    if reach < 6:
        return None
    ahead, behind = path[2 * reach :] - path[reach:-reach], path[reach:-reach] - path[: -2 * reach]
    turn = np.abs(np.angle(np.exp(1j * (np.arctan2(*ahead.T[::-1]) - np.arctan2(*behind.T[::-1])))))
    return int(turn.argmax()) + reach if turn.max() > _SHARP else None


def _lone_dots(inked: NDArray[np.bool_], paths: list[Floats]) -> list[Floats]:
    """Return the lines, a short one added for each piece of ink that has none or only a point."""
    from scipy.ndimage import label

    pieces, count = label(inked, structure=np.ones((3, 3)))
    long = [path for path in paths if len(path) >= 2 and _length(path) > 3.0]
    seen = {int(pieces[int(y), int(x)]) for path in long for x, y in np.clip(path, 0, len(inked) - 1)}
    for number in range(1, count + 1):
        if number not in seen:
            row, column = np.nonzero(pieces == number)
            points = np.stack([column + 0.5, row + 0.5], axis=1)
            middle = points.mean(axis=0)
            spread, axes = np.linalg.eigh(np.cov((points - middle).T) + 1e-6 * np.eye(2))
            half = max(1.0, float(np.sqrt(max(spread[1], 0.0)))) * axes[:, 1]
            long.append(np.linspace(middle - half, middle + half, 5))
    return long


def _resampled(path: Floats) -> Floats:
    along = np.concatenate([[0.0], np.hypot(*np.diff(path, axis=0).T).cumsum()])
    at = np.linspace(0.0, along[-1], POINTS)
    return np.stack([np.interp(at, along, path[:, axis]) for axis in (0, 1)], axis=1)


def _directed(path: Floats) -> Floats:
    """Return a line from its left or upper end; of two ends that a hand would take, the upper counts more."""
    weight = np.array([0.5, 1.0])
    return path if path[0] @ weight <= path[-1] @ weight else path[::-1]


def _reading_order(paths: list[Floats]) -> list[int]:
    """Return the lines' numbers as one reads: what a gap parts from left to right, then from above to below."""
    low = np.array([path.min(axis=0) for path in paths])
    high = np.array([path.max(axis=0) for path in paths])

    def ordered(numbers: list[int]) -> list[int]:
        if len(numbers) == 1:
            return numbers
        for axis in (0, 1):
            order = sorted(numbers, key=lambda number: low[number, axis])
            end = high[order[0], axis]
            for at, number in enumerate(order[1:], 1):
                if low[number, axis] > end + 2:
                    return [*ordered(order[:at]), *ordered(order[at:])]
                end = max(end, high[number, axis])
        return sorted(numbers, key=lambda number: _directed(paths[number])[0] @ [0.5, 1.0])

    return ordered(list(range(len(paths))))


def typed(polygon: Floats, line: Floats) -> StrokeGoal:
    """Return a goal of the stroke type whose mean shape in this box is nearest: its primitive knows the shape best.

    Of types that are as near, the commoner one: Bayes' rule with `_BLUR` for the standard deviation of a point.
    """
    goal = StrokeGoal.from_outline("H", polygon, held(line, polygon))
    left, top, right, bottom = goal.box
    sides = np.maximum([right - left, bottom - top], 0.01)
    mine = (goal.skeleton - [(left + right) / 2, (top + bottom) / 2]) / sides.max()
    best, most = "H", -np.inf
    for kind in stroke_types():
        mean = shape_basis(kind.abbreviation).mean_of(sides)[: 2 * POINTS].reshape(POINTS, 2)
        apart = float((((mean * sides / sides.max()) - mine) ** 2).mean())
        likelihood = np.log(kind.strokes + 1) - apart / (2 * _BLUR**2) * _INDEPENDENT
        if likelihood > most:
            best, most = kind.abbreviation, likelihood
    return StrokeGoal(best, goal.skeleton, goal.half_width, goal.outline)
