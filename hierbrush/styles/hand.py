"""Strokes as arrays, and what a hand's have that the base hand's do not.

Every stroke is held against the base hand's stroke of the same character, both characters laid into one box (`stance`
tells how the hand's stand in theirs): how its place and size differ, how its middle line bends otherwise, and how its
outline runs otherwise beside that line. `foretelling` tells those residuals for strokes that the hand has not drawn.
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
from hierbrush.styles.landmarks import evenly, in_step

Floats = NDArray[np.float64]

PLACE = slice(0, 4)
LINE = slice(4, 4 + 2 * SKELETON_POINTS)
OUTLINE = slice(LINE.stop, LINE.stop + 2 * OUTLINE_POINTS)
RESIDUALS = OUTLINE.stop
"""Numbers that a stroke differs by: place (centre x, y, log width, log height), middle line, outline beside it."""

FEATURES = 12

_BLUR = 0.03
"""Added to a box's sides before logarithms, so that thin strokes' thickness does not count as size."""

_MARGIN = 0.008
"""Of the box's side, that ink keeps free of: two pixels of 256."""

_HELD = 4
"""Times that strokes are made smaller until they fit; their breadth stays, so that once is not enough."""

_OF_POINT = np.minimum(np.arange(OUTLINE_POINTS), OUTLINE_POINTS - np.arange(OUTLINE_POINTS)) / (OUTLINE_POINTS / 2)


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

    def part(self, which: slice) -> Strokes:
        """Return some of the strokes."""
        return Strokes(*(each[which] for each in self))


def strokes_of(goals: Sequence[StrokeGoal], tree: Component) -> Strokes:
    """Return a character's strokes as arrays, `comparable`."""
    return comparable(
        Strokes(
            np.array([goal.skeleton for goal in goals], np.float64),
            np.array([goal.outline for goal in goals], np.float64),
            np.array([goal.half_width for goal in goals], np.float64),
            features_of(goals, tree),
        )
    )


def comparable(strokes: Strokes) -> Strokes:
    """Return strokes whose points mean the same in all strokes of a type: corners on corners, lines in the middle."""
    lines, outlines = in_step(strokes.lines, strokes.outlines, strokes.features[:, 0])
    return centred(strokes._replace(lines=lines, outlines=outlines))


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
    """Return a number by which a component's name is known, the same in every process, exact in float32."""
    number = 0
    for char in name:
        number = (number * 1_000_003 + ord(char)) % 16_777_213
    return number


def _boxes(lines: Floats) -> Floats:
    """Return centres and logarithms of the sides, f64 [n, 4], of the boxes of lines [n, k, 2]."""
    low, high = lines.min(axis=1), lines.max(axis=1)
    return np.concatenate([(low + high) / 2, np.log(high - low + _BLUR)], axis=1)


def _shaped(lines: Floats, boxes: Floats) -> Floats:
    """Return lines about their box's centre, by its sides."""
    shaped: Floats = (lines - boxes[:, None, :2]) / np.exp(boxes[:, None, 2:])
    return shaped


def _unshaped(shape: Floats, boxes: Floats) -> Floats:
    lines: Floats = shape * np.exp(boxes[:, None, 2:]) + boxes[:, None, :2]
    return lines


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


def placed(base: Strokes, box: Floats, width: float) -> Strokes:
    """Return a character's strokes laid into another box.

    Args:
        base: the strokes.
        box: f64 [4], as of `box_of`.
        width: times as wide as they are afterwards, whatever the box.
    """
    own = box_of(base.outlines)
    lines = (base.lines - own[:2]) * np.exp(box[2:] - own[2:]) + box[:2]
    return base._replace(
        lines=lines,
        outlines=_around(lines, _beside(base.lines, base.outlines) * width),
        half_widths=base.half_widths * width,
    )


def with_ends_of(hand: Strokes, base: Strokes, width: float) -> Strokes:
    """Return a hand's strokes, their middle lines ending as far before the outlines' tips as the base hand's do.

    How far a middle line reaches into a stroke's tip is a matter of who drew it, not of the ink.

    Args:
        hand: the hand's.
        base: the base hand's.
        width: ratio of half-widths, by which the base hand's distances are multiplied.
    """
    lines = hand.lines.copy()
    share = np.linspace(0.0, 1.0, SKELETON_POINTS)
    for end, inner, tip, near in ((0, 3, 0, 1 - share / 0.3), (-1, -4, OUTLINE_POINTS // 2, 1 - (1 - share) / 0.3)):
        away = hand.lines[:, end] - hand.lines[:, inner]
        away /= np.maximum(np.hypot(*away.T), 1e-9)[:, None]
        gaps = [np.hypot(*(each.outlines[:, tip] - each.lines[:, end]).T) for each in (hand, base)]
        longest = 0.25 * np.hypot(*np.diff(hand.lines, axis=1).transpose(2, 0, 1)).sum(axis=1)
        missing = np.clip(gaps[0] - gaps[1] * width, -longest, longest)
        lines += np.clip(near, 0.0, 1.0)[None, :, None] * (missing[:, None] * away)[:, None]
    return hand._replace(lines=lines)


def carried(line: Floats, outline: Floats, to: Floats) -> Floats:
    """Return the outline [128, 2] that runs beside another line [32, 2] as one runs beside its own."""
    found: Floats = _around(to[None], _beside(line[None], outline[None]))[0]
    return found


def box_of(outlines: Floats) -> Floats:
    """Return the centre and the logarithms of the sides, f64 [4], of the box of outlines [n, k, 2]."""
    box: Floats = _boxes(outlines.reshape(1, -1, 2))[0]
    return box


def shifted(strokes: Strokes, by: Floats) -> Strokes:
    """Return strokes moved by [2]."""
    return strokes._replace(lines=strokes.lines + by, outlines=strokes.outlines + by)


def held_within(strokes: Strokes) -> Strokes:
    """Return a character's strokes, made smaller and moved as far as the box needs to hold them."""
    for _ in range(_HELD):
        points = strokes.outlines.reshape(-1, 2)
        low, high = points.min(axis=0), points.max(axis=0)
        if (low >= _MARGIN).all() and (high <= 1 - _MARGIN).all():
            break
        side = np.minimum(high - low, 1 - 2 * _MARGIN)
        middle = np.clip((low + high) / 2, _MARGIN + side / 2, 1 - _MARGIN - side / 2)
        strokes = placed(strokes, np.concatenate([middle, np.log(side + _BLUR)]), 1.0)
    return strokes


def residuals(base: Strokes, hand: Strokes) -> Floats:
    """Return by what a hand's strokes differ from others, f64 [n, 324]: `applied` to those gives the hand's."""
    return np.concatenate([_boxes(hand.lines) - _boxes(base.lines), shapes_of(hand) - shapes_of(base)], axis=1)


def shapes_of(strokes: Strokes) -> Floats:
    """Return shapes, f64 [n, 320]: lines about their boxes' centres and by their sides, outlines beside the lines."""
    parts = _shaped(strokes.lines, _boxes(strokes.lines)), _beside(strokes.lines, strokes.outlines)
    return np.concatenate([part.reshape(len(strokes.lines), -1) for part in parts], axis=1)


def applied(base: Strokes, change: Floats) -> Strokes:
    """Return strokes changed by residuals [n, 324]."""
    boxes = _boxes(base.lines)
    shape = _shaped(base.lines, boxes) + change[:, LINE].reshape(-1, SKELETON_POINTS, 2)
    lines = _unshaped(shape, boxes + change[:, PLACE])
    beside = _beside(base.lines, base.outlines) + change[:, OUTLINE].reshape(-1, OUTLINE_POINTS, 2)
    return base._replace(lines=lines, outlines=_around(lines, beside))


def _beside(lines: Floats, outlines: Floats) -> Floats:
    """Return where outlines run beside their lines [n, 128, 2]: along the line's direction there, and across it."""
    frames, at = _frames(lines)
    return _turned(outlines - at, frames, back=True)


def _around(lines: Floats, beside: Floats) -> Floats:
    """Return the outlines [n, 128, 2] that run so beside lines; what `_beside` tells, taken back."""
    frames, at = _frames(lines)
    return at + _turned(beside, frames)


def goals_of(types: Sequence[str], lines: Floats, outlines: Floats) -> list[StrokeGoal]:
    """Return goals of middle lines [n, 32, 2] and outlines [n, 128, 2]."""
    lines = evenly(lines)
    widths = distance_to_outline(lines, outlines)
    columns = [values.astype(np.float32) for values in (lines, widths, outlines)]
    return [StrokeGoal(kind, *parts) for kind, *parts in zip(types, *columns, strict=True)]
