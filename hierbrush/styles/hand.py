"""What a hand's strokes have that the base hand's do not: residuals, and a Gaussian process that foretells them.

Every stroke is held against the base hand's stroke of the same character: how its place and size differ, how its middle
line bends otherwise, and how its width swells and tapers otherwise along it. What all strokes have in
common (the hand's scale, shift and width) is taken out first. The rest is foretold for strokes that the hand has not
drawn by how like they are to those that it has: of the same type, in the same component, at a like place. With few
examples that answer shrinks to the common part, with none to the base hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component
from hierbrush.sim import distance_to_outline
from hierbrush.strokes.goal import OUTLINE_POINTS, SKELETON_POINTS, StrokeGoal
from hierbrush.strokes.types import NUMBER

Floats = NDArray[np.float64]

_LINE = slice(4, 4 + 2 * SKELETON_POINTS)
RESIDUALS = 4 + 3 * SKELETON_POINTS
"""Numbers that a stroke differs by: place (centre x, y, log width, log height), middle line, log half-widths."""

FEATURES = 12

_BLUR = 0.03
"""Added to a box's sides before logarithms, so that thin strokes' thickness does not count as size."""

_THIN = 0.004

_OF_POINT = np.minimum(np.arange(OUTLINE_POINTS), OUTLINE_POINTS - np.arange(OUTLINE_POINTS)) / (OUTLINE_POINTS / 2)


class Kernel(NamedTuple):
    """Shares of a residual's variance that strokes have in common, and the reaches within which they do.

    Attributes:
        near: of strokes at a like place, whatever their type.
        kind: of strokes of one type with like boxes.
        part: of strokes that are the same one of the same component.
        own: of no two strokes.
        whole: of the strokes of one character, which stands or is wide by chance.
        reach: standard deviations of box differences that count as unlike.
    """

    near: float
    kind: float
    part: float
    own: float
    whole: float
    reach: float


PLACES = Kernel(near=0.15, kind=0.25, part=0.35, own=1.0, whole=0.4, reach=1.0)
SHAPES = Kernel(near=0.0, kind=0.5, part=0.25, own=1.5, whole=0.2, reach=1.4)


class Common(NamedTuple):
    """What all strokes of a hand have in common against the base hand.

    Attributes:
        stretch: f64 [2], of the character about its box's centre, across and down.
        shift: f64 [2].
        width: ratio of half-widths.
    """

    stretch: Floats
    shift: Floats
    width: float


class Strokes(NamedTuple):
    """Strokes as arrays.

    Attributes:
        lines: f64 [n, 32, 2], middle lines in the unit box.
        outlines: f64 [n, 128, 2].
        half_widths: f64 [n, 32].
        features: f64 [n, 12], see `features_of`.
    """

    lines: Floats
    outlines: Floats
    half_widths: Floats
    features: Floats


def strokes_of(goals: Sequence[StrokeGoal], tree: Component) -> Strokes:
    """Return a character's strokes as arrays, their middle lines `centred`."""
    return centred(
        Strokes(
            np.array([goal.skeleton for goal in goals], np.float64),
            np.array([goal.outline for goal in goals], np.float64),
            np.array([goal.half_width for goal in goals], np.float64),
            features_of(goals, tree),
        )
    )


def centred(strokes: Strokes) -> Strokes:
    """Return strokes whose middle lines lie midway between the outlines' two sides.

    Lines of glyphs stray from the middle, those found in ink do not: what they differ by would be no trait of a hand.
    """
    lines = strokes.lines
    padded = np.pad(lines, ((0, 0), (2, 2), (0, 0)), mode="edge")
    step = padded[:, 4:] - padded[:, :-4]
    step /= np.maximum(np.hypot(step[..., 0], step[..., 1]), 1e-9)[..., None]
    normal = np.stack([-step[..., 1], step[..., 0]], axis=-1)[:, :, None]
    edge = np.roll(strokes.outlines, -1, axis=1)[:, None] - strokes.outlines[:, None]
    apart = strokes.outlines[:, None] - lines[:, :, None]
    # Where each normal [n, 32, 1, 2] crosses each edge [n, 1, 128, 2]: how far along the one and the other.
    crossed = _cross(normal, edge)
    safe = np.where(np.abs(crossed) < 1e-12, 1.0, crossed)
    far, along = _cross(apart, edge) / safe, _cross(apart, normal) / safe
    hit = (np.abs(crossed) >= 1e-12) & (along >= 0) & (along < 1)
    left = np.where(hit & (far > 0), far, np.inf).min(axis=2)
    right = np.where(hit & (far < 0), -far, np.inf).min(axis=2)
    limit = 2.2 * np.median(strokes.half_widths, axis=1)[:, None]
    clear = (left < limit) & (right < limit)
    shift = np.where(clear, (np.where(clear, left, 0.0) - np.where(clear, right, 0.0)) / 2, 0.0)
    padded = np.pad(shift, ((0, 0), (2, 2)), mode="edge")
    smooth = np.mean([padded[:, at : at + SKELETON_POINTS] for at in range(5)], axis=0)
    middle = lines + smooth[..., None] * normal[:, :, 0]
    return strokes._replace(lines=middle, half_widths=distance_to_outline(middle, strokes.outlines))


def _cross(a: Floats, b: Floats) -> Floats:
    product: Floats = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product


def joined(parts: Sequence[Strokes]) -> Strokes:
    """Return the strokes of several characters as one."""
    return Strokes(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def features_of(goals: Sequence[StrokeGoal], tree: Component) -> Floats:
    """Return what a stroke is known by, f64 [n, 12].

    Its type's number, its leaf component's and its number in that; its box (centre, logarithms of the sides), the
    leaf's box, and how many strokes the character has.
    """
    boxes = _boxes(np.array([goal.skeleton for goal in goals], np.float64))
    features = np.zeros((len(goals), FEATURES))
    for leaf in tree.leaves():
        mine = list(leaf.strokes)
        name = hash_of(leaf.name)
        around = _boxes(np.concatenate([goals[stroke].skeleton for stroke in mine])[None].astype(np.float64))[0]
        for place, stroke in enumerate(mine):
            features[stroke, 1:3] = name, place
            features[stroke, 7:11] = around
    features[:, 0] = [NUMBER[goal.stroke_type] for goal in goals]
    features[:, 3:7] = boxes
    features[:, 11] = np.log(len(goals))
    return features


def hash_of(name: str) -> int:
    """Return a number by which a component's name is known, the same in every process."""
    number = 0
    for char in name:
        number = (number * 1_000_003 + ord(char)) % 2_147_483_647
    return number


def _boxes(lines: Floats) -> Floats:
    """Return centres and logarithms of the sides, f64 [n, 4], of the boxes of lines [n, k, 2]."""
    low, high = lines.min(axis=1), lines.max(axis=1)
    return np.concatenate([(low + high) / 2, np.log(high - low + _BLUR)], axis=1)


def common_of(base: Strokes, hand: Strokes, characters: Sequence[slice]) -> Common:
    """Return what a hand's strokes have in common, by the medians over its characters.

    Args:
        base: the base hand's strokes of some characters.
        hand: the hand's, in the same order.
        characters: which strokes are each character's.
    """
    stretches, middles = [], []
    for part in characters:
        ours, theirs = base.lines[part].reshape(-1, 2), hand.lines[part].reshape(-1, 2)
        stretches.append(np.ptp(theirs, axis=0) / np.maximum(np.ptp(ours, axis=0), 0.1))
        middles.append([(ours.min(axis=0) + ours.max(axis=0)) / 2, (theirs.min(axis=0) + theirs.max(axis=0)) / 2])
    stretch = np.clip(np.median(stretches, axis=0), 0.4, 2.0)
    between = np.array(middles)
    shift = np.median(between[:, 1] - 0.5 - stretch * (between[:, 0] - 0.5), axis=0)
    inner = slice(6, -6)
    ratio = np.median(hand.half_widths[:, inner] / np.maximum(base.half_widths[:, inner], 1e-3))
    return Common(stretch, shift, float(np.clip(ratio, 0.3, 3.0)))


def with_ends_of(own: Strokes, base: Strokes, width: float) -> Strokes:
    """Return a hand's strokes, their middle lines ending as far before the outlines' tips as the base hand's do.

    How far a middle line reaches into a stroke's tip is a matter of who drew it, not of the ink.

    Args:
        own: the hand's.
        base: the base hand's.
        width: ratio of half-widths, by which the base hand's distances are multiplied.
    """
    lines = own.lines.copy()
    share = np.linspace(0.0, 1.0, SKELETON_POINTS)
    for end, inner, tip, near in ((0, 3, 0, 1 - share / 0.3), (-1, -4, OUTLINE_POINTS // 2, 1 - (1 - share) / 0.3)):
        away = own.lines[:, end] - own.lines[:, inner]
        away /= np.maximum(np.hypot(*away.T), 1e-9)[:, None]
        gaps = [np.hypot(*(each.outlines[:, tip] - each.lines[:, end]).T) for each in (own, base)]
        longest = 0.25 * np.hypot(*np.diff(own.lines, axis=1).transpose(2, 0, 1)).sum(axis=1)
        missing = np.clip(gaps[0] - gaps[1] * width, -longest, longest)
        lines += np.clip(near, 0.0, 1.0)[None, :, None] * (missing[:, None] * away)[:, None]
    return own._replace(lines=lines)


def moved(base: Strokes, common: Common) -> Strokes:
    """Return the base hand's strokes with what the hand has in common."""
    lines = (base.lines - 0.5) * common.stretch + 0.5 + common.shift
    frames, at = _frames(base.lines)
    offsets = _turned(base.outlines - at, frames, back=True) * common.width
    frames, at = _frames(lines)
    outlines = at + _turned(offsets, frames)
    return Strokes(lines, outlines, base.half_widths * common.width, base.features)


def residuals(base: Strokes, hand: Strokes) -> Floats:
    """Return by what a hand's strokes differ from others, f64 [n, 100]: `applied` to those gives the hand's."""
    boxes, theirs = _boxes(base.lines), _boxes(hand.lines)
    shape, other = _shaped(base.lines, boxes), _shaped(hand.lines, theirs)
    wider = np.log(np.maximum(hand.half_widths, _THIN) / np.maximum(base.half_widths, _THIN))
    return np.concatenate([theirs - boxes, (other - shape).reshape(len(boxes), -1), np.clip(wider, -1.5, 1.5)], axis=1)


def applied(base: Strokes, change: Floats) -> tuple[Floats, Floats]:
    """Return lines [n, 32, 2] and outlines [n, 128, 2] of strokes changed by residuals [n, 100]."""
    boxes = _boxes(base.lines)
    shape = _shaped(base.lines, boxes) + change[:, _LINE].reshape(-1, SKELETON_POINTS, 2)
    boxes = boxes + change[:, :4]
    lines = _unshaped(shape, boxes)
    frames, at = _frames(base.lines)
    offsets = _turned(base.outlines - at, frames, back=True) * np.exp(_on_outline(change[:, _LINE.stop :]))[..., None]
    frames, at = _frames(lines)
    return lines, at + _turned(offsets, frames)


def _shaped(lines: Floats, boxes: Floats) -> Floats:
    """Return lines about their box's centre, by its sides."""
    shaped: Floats = (lines - boxes[:, None, :2]) / np.exp(boxes[:, None, 2:])
    return shaped


def _unshaped(shape: Floats, boxes: Floats) -> Floats:
    lines: Floats = shape * np.exp(boxes[:, None, 2:]) + boxes[:, None, :2]
    return lines


def _on_outline(values: Floats) -> Floats:
    """Return values along lines [n, 32] where the outline's points stand, [n, 128], smoothed."""
    padded = np.pad(values, ((0, 0), (2, 2)), mode="edge")
    smooth = np.mean([padded[:, at : at + SKELETON_POINTS] for at in range(5)], axis=0)
    where = _OF_POINT * (SKELETON_POINTS - 1)
    low = np.minimum(where.astype(int), SKELETON_POINTS - 2)
    share = where - low
    found: Floats = smooth[:, low] * (1 - share) + smooth[:, low + 1] * share
    return found


def _frames(lines: Floats) -> tuple[Floats, Floats]:
    """Return, for each outline point, the direction [n, 128, 2] of its place on the line, and that place."""
    where = _OF_POINT * (SKELETON_POINTS - 1)
    low = np.minimum(where.astype(int), SKELETON_POINTS - 2)
    share = (where - low)[:, None]
    at = lines[:, low] * (1 - share) + lines[:, low + 1] * share
    # Over several points: a frame must not tremble with the line.
    padded = np.pad(lines, ((0, 0), (3, 3), (0, 0)), mode="edge")
    step = padded[:, 6:] - padded[:, :-6]
    step = step[:, low] * (1 - share) + step[:, low + 1] * share
    return step / np.maximum(np.hypot(step[..., 0], step[..., 1]), 1e-9)[..., None], at


def _turned(vectors: Floats, frames: Floats, *, back: bool = False) -> Floats:
    x, y = vectors[..., 0], vectors[..., 1]
    cos, sin = frames[..., 0], -frames[..., 1] if back else frames[..., 1]
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1)


def similarity(a: Floats, b: Floats, kernel: Kernel) -> Floats:
    """Return the covariance [m, n] of the residuals of strokes known by features [m, 12] and [n, 12]."""
    scales = np.array([0.12, 0.12, 0.4, 0.4]) * kernel.reach
    stroke = _apart(a[:, 3:7] / scales, b[:, 3:7] / scales)
    leaf = _apart(a[:, 7:11] / scales, b[:, 7:11] / scales)
    kind = a[:, None, 0] == b[None, :, 0]
    part = kind & (a[:, None, 1] == b[None, :, 1]) & (a[:, None, 2] == b[None, :, 2])
    found: Floats = kernel.kind * kind * (0.4 + 0.6 * np.exp(-stroke / 2))
    found += kernel.part * part * np.exp(-leaf / 4)
    if kernel.near:
        centres = _apart(a[:, 3:5] / 0.2, b[:, 3:5] / 0.2)
        found += kernel.near * np.exp(-centres / 2)
    return found


def _apart(a: Floats, b: Floats) -> Floats:
    squared: Floats = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None] - 2 * a @ b.T
    return np.maximum(squared, 0.0)


def learned(features: Floats, found: Floats, character: NDArray[np.int64]) -> Floats:
    """Return the weights [n, 100] with which `similarity` to the examples foretells residuals [n, 100].

    Args:
        features: f64 [n, 12].
        found: f64 [n, 100], residuals.
        character: which character each stroke belongs to, [n]. How one character stands is told by all its strokes at
            once, and says nothing about others.
    """
    weights = np.empty_like(found)
    same = character[:, None] == character[None]
    centres = features[:, 3:5] - 0.5
    alone = same * (1 + (centres @ centres.T) / 0.06)
    for kernel, part in ((PLACES, slice(0, 4)), (SHAPES, slice(4, None))):
        prior = similarity(features, features, kernel) + kernel.own * np.eye(len(features)) + kernel.whole * alone
        weights[:, part] = np.linalg.solve(prior, found[:, part])
    return weights


def foretold(features: Floats, examples: Floats, weights: Floats) -> Floats:
    """Return the residuals [m, 100] of strokes known by features [m, 12]."""
    change = np.empty((len(features), RESIDUALS))
    for kernel, part in ((PLACES, slice(0, 4)), (SHAPES, slice(4, None))):
        change[:, part] = similarity(features, examples, kernel) @ weights[:, part]
    return change


def goals_of(types: Sequence[str], lines: Floats, outlines: Floats) -> list[StrokeGoal]:
    """Return goals of middle lines [n, 32, 2] and outlines [n, 128, 2]."""
    widths = distance_to_outline(lines, outlines)
    columns = [values.astype(np.float32) for values in (lines, widths, outlines)]
    return [StrokeGoal(kind, *parts) for kind, *parts in zip(types, *columns, strict=True)]
