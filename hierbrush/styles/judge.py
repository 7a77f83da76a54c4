"""Whether strokes found in ink are the ones looked for: what holds however a character is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.sim import rasterise
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.styles.cut import Cut
from hierbrush.styles.regularity import MOST, curled, irregularity
from hierbrush.styles.ribbon import Ribbons
from hierbrush.styles.transport import SkeletonPoints

Floats = NDArray[np.float64]


class Judgement(NamedTuple):
    """Figures about a registration.

    Attributes:
        covered: IoU of what the strokes sweep with the ink.
        explained: share of the ink in or near a stroke.
        sides: share of pairs of strokes that lie to the same side of each other as in the glyph.
        crossings: share of pairs of strokes that cross in the one and not in the other.
        inside: f64 [strokes], share of each stroke's sweep that is ink.
        alone: f64 [strokes], share of each stroke's sweep that no other stroke covers, over the same in the glyph.
        doubled: f64 [strokes], share of each stroke's length that runs along another's middle, less that in the glyph.
        turned: f64 [strokes], mean angle in radians between the stroke's directions there and in the glyph.
        stretched: f64 [strokes], logarithm of its length over the glyph's, as the glyph was stretched on the whole.
        curled: f64 [strokes], radians by which it turns to and fro more than in the glyph.
        irregular: how unlike the regular script the strokes lie in the ink, see `irregularity`; 0 if another reason
            rejects them.
        confidence: f64 [strokes], 0 to 1.
        worth: by which rejected attempts are compared.
        reason: why it is not accepted, "" if it is.
    """

    covered: float
    explained: float
    sides: float
    crossings: float
    inside: Floats
    alone: Floats
    doubled: Floats
    turned: Floats
    stretched: Floats
    curled: Floats
    irregular: float
    confidence: Floats
    worth: float
    reason: str


LEAST_CONFIDENCE = 0.33

_COARSE = 128
_SHORT = 0.13
_SWAPPED = 0.02  # of the box: strokes that cross may change places by so little
_SAME_WAY = np.cos(np.radians(28))


def judged(
    inked: NDArray[np.bool_],
    middle: SkeletonPoints,
    depth: Floats,
    expected: Sequence[StrokeGoal],
    rest: Floats,
    ribbons: Ribbons,
    parts: Cut,
) -> Judgement:
    """Judge a registration.

    Args:
        inked: bool [side, side].
        middle: points of the ink's skeleton.
        depth: f64 [side, side], pixels to the ink's edge.
        expected: the strokes as the glyph has them.
        rest: f64 [strokes, 32, 2], their middle lines, stretched and moved as a whole to the ink.
        ribbons: the strokes found.
        parts: the ink cut for them.
    """
    lines = ribbons.lines
    union = parts.swept.any(axis=0)
    covered = float((union & inked).sum() / max(1, (union | inked).sum()))
    area = np.maximum(parts.swept.sum(axis=(1, 2)), 1)
    inside = (parts.swept & inked).sum(axis=(1, 2)) / area
    shared = parts.swept.sum(axis=0) >= 2
    alone = (1 - (parts.swept & shared).sum(axis=(1, 2)) / area) / np.maximum(_alone(expected), 0.2)
    usual = np.array([goal.half_width for goal in expected], np.float64)
    doubled = _doubled(lines, ribbons.half_width) - _doubled(rest, usual)
    turned, stretched = _bent(rest, lines)
    sides, crossings = _sides(rest, lines), _crossings(rest, lines)
    curl = curled(rest, lines)
    # How long and which way a dot is written differs from hand to hand.
    short = np.hypot(*np.diff(rest, axis=1).transpose(2, 0, 1)).sum(axis=1) < _SHORT
    confidence = (
        _fades(inside, 0.93, 0.6)
        * _fades(alone, 0.22, 0.06)
        * _fades(-doubled, -0.25, -0.65)
        * np.where(short, _fades(-turned, -0.7, -1.6), _fades(-turned, -0.5, -1.1))
        * _fades(-np.abs(stretched), -0.6, -1.2)
        * _fades(-curl, -2.8, -3.6)
    )
    reason = ""
    if parts.explained < 0.95:
        reason = "ink is left over"
    elif covered < 0.78:
        reason = "the strokes do not cover the ink"
    elif sides < 0.96:
        reason = "strokes lie on other sides of each other"
    elif crossings > 0.55:
        reason = "strokes cross otherwise"
    elif (confidence < LEAST_CONFIDENCE).any():
        reason = "a stroke is not surely found"
    irregular = 0.0 if reason else irregularity(middle, depth, ribbons, turned)
    if irregular > MOST:
        reason = "the strokes run otherwise than in the regular script"
    worth = covered + parts.explained + sides - crossings + float(confidence.min()) + float(confidence.mean())
    return Judgement(
        covered, parts.explained, sides, crossings, inside, alone, doubled, turned, stretched, curl, irregular,
        confidence, worth, reason,
    )  # fmt: skip


def _fades(values: Floats, good: float, bad: float) -> Floats:
    """Return 1 where values are good, 0 where they are bad, smoothly between."""
    share = np.clip((values - bad) / (good - bad), 0.0, 1.0)
    faded: Floats = share * share * (3 - 2 * share)
    return faded


def _alone(expected: Sequence[StrokeGoal]) -> Floats:
    """Return the share of each stroke that no other stroke covers, in the glyph."""
    drawn = np.array([rasterise([goal.outline], _COARSE, supersample=1) >= 0.5 for goal in expected])
    shared = drawn.sum(axis=0) >= 2
    alone: Floats = 1 - (drawn & shared).sum(axis=(1, 2)) / np.maximum(drawn.sum(axis=(1, 2)), 1)
    return alone


def _doubled(lines: Floats, half_width: Floats) -> Floats:
    """Return the share of each stroke [n] that runs along another's middle; see `run_along`."""
    doubled: Floats = run_along(lines, half_width).any(axis=2).mean(axis=1)
    return doubled


def run_along(lines: Floats, half_width: Floats) -> NDArray[np.bool_]:
    """Return which points of each stroke lie near another's middle and run the same way, bool [n, k, n].

    That is what a stroke does that has slid onto its neighbour; strokes that cross do not.

    Args:
        lines: f64 [n, k, 2], middle lines.
        half_width: f64 [n, k].
    """
    count, length = half_width.shape
    points = lines.reshape(-1, 2)
    step = np.gradient(lines, axis=1).reshape(-1, 2)
    step /= np.maximum(np.hypot(*step.T), 1e-9)[:, None]
    near = ((points[:, None] - points[None]) ** 2).sum(axis=2) < (0.7 * half_width.reshape(1, -1)) ** 2
    owner = np.repeat(np.arange(count), length)
    along = near & (np.abs(step @ step.T) > _SAME_WAY) & (owner[:, None] != owner)
    found: NDArray[np.bool_] = along.reshape(count, length, count, length).any(axis=3)
    return found


def _bent(rest: Floats, lines: Floats) -> tuple[Floats, Floats]:
    """Return how far the directions along each stroke differ, and the logarithm of the change of its length."""
    steps = [np.diff(each[:, [0, 6, 12, 19, 25, 31]], axis=1) for each in (rest, lines)]
    lengths = [np.hypot(step[..., 0], step[..., 1]).sum(axis=1) for step in steps]
    # How a dot bends means nothing, only where it points to.
    chords = [each[:, -1] - each[:, 0] for each in (rest, lines)]
    turned = np.where(lengths[0] < _SHORT, _angles(*chords), _angles(*steps).mean(axis=1))
    blur = 0.03  # of a dot, a few hundredths more or less mean nothing
    return turned, np.log((lengths[1] + blur) / (lengths[0] + blur))


def _angles(a: Floats, b: Floats) -> Floats:
    """Return the angles between vectors [..., 2]."""
    crossed = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    angles: Floats = np.abs(np.arctan2(crossed, (a * b).sum(axis=-1)))
    return angles


def _sides(rest: Floats, lines: Floats) -> float:
    """Return which share of the clear sides that strokes lie to of each other is kept."""
    kept, clear = 0.0, 0.0
    low, high = rest.min(axis=1), rest.max(axis=1)
    middle, now = (low + high) / 2, (lines.min(axis=1) + lines.max(axis=1)) / 2
    for axis in (0, 1):
        other = 1 - axis
        apart = middle[:, None, axis] - middle[None, :, axis]
        # Only of strokes that lie beside each other it is clear which comes first.
        beside = np.minimum(high[:, None, other], high[None, :, other]) - np.maximum(
            low[:, None, other], low[None, :, other]
        )
        shorter = np.minimum((high - low)[:, None, other], (high - low)[None, :, other])
        certain = (apart > 0.06) & (beside > 0.25 * shorter)
        moved = now[:, None, axis] - now[None, :, axis]
        clear += certain.sum()
        kept += (certain & (moved > -_SWAPPED)).sum()
    return float(kept / clear) if clear else 1.0


def _crossings(rest: Floats, lines: Floats) -> float:
    """Return how many pairs cross in one of the two alone, over the pairs that cross in the glyph and one."""
    before, after = _crossed(rest), _crossed(lines)
    # A line that ends on another crosses it or not by a hair: both near misses count half.
    differ = (before != after).sum() / 2
    return float(differ / (before.sum() / 2 + 2.0) / 2)


def _crossed(lines: Floats) -> NDArray[np.bool_]:
    """Return which pairs of polylines [n, k, 2] properly cross, well inside both."""
    inner = lines[:, 4:-4]
    start, step = inner[:, :-1], np.diff(inner, axis=1)
    count, pieces = start.shape[:2]
    p, r = start.reshape(-1, 2), step.reshape(-1, 2)
    apart = p[None] - p[:, None]
    cross = r[:, None, 0] * r[None, :, 1] - r[:, None, 1] * r[None, :, 0]
    safe = np.where(np.abs(cross) < 1e-12, 1.0, cross)
    t = (apart[..., 0] * r[None, :, 1] - apart[..., 1] * r[None, :, 0]) / safe
    u = (apart[..., 0] * r[:, None, 1] - apart[..., 1] * r[:, None, 0]) / safe
    hit = np.asarray((np.abs(cross) >= 1e-12) & (t >= 0) & (t < 1) & (u >= 0) & (u < 1))
    pairs = np.asarray(hit.reshape(count, pieces, count, pieces).any(axis=(1, 3)))
    np.fill_diagonal(pairs, False)
    return pairs
