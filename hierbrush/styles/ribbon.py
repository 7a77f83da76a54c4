"""Middle lines and widths of strokes that lie near their ink, made to fit it: an active contour with two edges.

At every point of a stroke the ink is measured across, to either side. Where both edges are seen at about the width
expected, the line moves to the middle between them; where another stroke hides one edge, it keeps its expected distance
from the other; where both are hidden, as in crossings, its neighbours tell. Ends move along the stroke to where the ink
ends, if it does (Kass, Witkin and Terzopoulos, Snakes: Active Contour Models, 1988; ribbon snakes: Mayer et al. 1998).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

POINTS = 32
"""Points of a line, those of a `StrokeGoal`'s skeleton."""

_WIDER = 1.55
"""An edge farther than this many expected half-widths is another stroke's."""

_SOONER = 0.3

_LOOSE = 1.0
"""Length, in half-widths, over which a line bends freely."""

_STEP = 0.8  # pixels of a look across; coverage tells where between two of them the edge lies


class Ribbons(NamedTuple):
    """Strokes as lines with half-widths.

    Attributes:
        lines: f64 [n, 32, 2] in the unit box.
        half_width: f64 [n, 32].
        seen: f64 [n, 32], 1 where both edges were measured, 0.5 where one was, 0 where none was.
    """

    lines: Floats
    half_width: Floats
    seen: Floats


class Ink(NamedTuple):
    """Ink to be fitted.

    Attributes:
        coverage: f64 [side, side].
        depth: f64 [side, side], pixels from the nearest paper inside the ink, minus those from the nearest ink outside.
        fine: the coverage as float32.
    """

    coverage: Floats
    depth: Floats
    fine: NDArray[np.float32]


def fitted(ink: Ink, lines: Floats, usual: Floats, gaps: Floats, rounds: int = 10) -> Ribbons:
    """Return strokes fitted to the ink.

    Args:
        ink: the ink.
        lines: f64 [n, 32, 2], about where their middle lines are.
        usual: f64 [n, 32], their half-widths in the glyph that they come from.
        gaps: f64 [n, 2], how far the glyph's outline reaches beyond a line's two ends, over the half-width there.
        rounds: how often lines are moved and widths measured.
    """
    side = len(ink.coverage)
    lines = lines * side
    scale = np.full(len(lines), _overall(ink, lines, usual))
    profile = usual.copy()
    for number in range(rounds):
        late = number >= rounds // 2
        wanted = profile * scale[:, None]
        normal = _normals(lines)
        left, right = (_reach(ink, lines, sign * normal, wanted) for sign in (1, -1))
        shift, sure, width, measured = _middle(left, right, wanted)
        reach = np.where(number < 3, 2.0, 1.0) * _LOOSE * wanted.mean(axis=1)
        lines = lines + _smooth(shift, sure, reach / _spacing(lines))[..., None] * normal
        scale = _scales(width, measured, usual, scale)
        if late:
            profile = _profile(width, measured, usual, scale)
        lines = _ended(ink, _even(lines), profile * scale[:, None], gaps) if number % 2 else _even(lines)
    normal = _normals(lines)
    wanted = profile * scale[:, None]
    left, right = (_reach(ink, lines, sign * normal, wanted) for sign in (1, -1))
    _, sure, width, measured = _middle(left, right, wanted)
    profile = _profile(width, measured, usual, scale)
    return Ribbons(lines / side, profile * scale[:, None] / side, sure)


def _overall(ink: Ink, lines: Floats, usual: Floats) -> float:
    """Return how many pixels a half-width of one is in this ink: a first guess for all strokes."""
    depth = sampled(ink.depth, lines)
    inside = depth > 0.8
    if not inside.any():
        return float(len(ink.coverage))
    return float(np.median(depth[inside] / np.maximum(usual[inside], 1e-3)))


def sampled(picture: Floats, points: Floats) -> Floats:
    """Return a picture's values at points [..., 2] in pixels, linearly between the pixels' centres."""
    return _between(picture, points[..., 0], points[..., 1])


def _between(picture: NDArray[Any], x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    side = len(picture)
    x, y = (np.clip(each - 0.5, 0.0, side - 1.001) for each in (x, y))
    column, row = x.astype(np.int32), y.astype(np.int32)
    right, down = x - column.astype(x.dtype), y - row.astype(x.dtype)
    flat = picture.ravel()
    at = row * side + column
    upper = flat[at] * (1 - right) + flat[at + 1] * right
    lower = flat[at + side] * (1 - right) + flat[at + side + 1] * right
    value: NDArray[Any] = upper * (1 - down) + lower * down
    return value


def _normals(lines: Floats) -> Floats:
    ahead = np.concatenate([lines[:, 1:], lines[:, -1:]], axis=1)
    behind = np.concatenate([lines[:, :1], lines[:, :-1]], axis=1)
    step = ahead - behind
    step /= np.maximum(np.hypot(step[..., 0], step[..., 1]), 1e-9)[..., None]
    return np.stack([-step[..., 1], step[..., 0]], axis=-1)


def _reach(ink: Ink, lines: Floats, way: Floats, wanted: Floats) -> Floats:
    """Return how far, in pixels, the ink's edge is from points one way: negative if a point lies on paper.

    Infinity where no edge is met within twice the half-width that is wanted and two pixels more.
    """
    farthest = float(2.0 * wanted.max() + 3.0)
    steps = np.arange(-1.5 * float(wanted.max()) - 2.0, farthest, _STEP)
    # Single precision is a thousandth of a pixel here, and takes half the time.
    thin, at, by = steps.astype(np.float32), lines.astype(np.float32), way.astype(np.float32)
    x, y = (at[..., axis, None] + thin * by[..., axis, None] for axis in (0, 1))
    values = _between(ink.fine, x, y) - np.float32(0.5)
    zero = int(np.argmin(np.abs(steps)))
    falls = (values[..., :-1] >= 0) & (values[..., 1:] < 0)
    inside = values[..., zero] >= 0
    # From inside, the first edge ahead; from paper, the last edge behind.
    ahead = falls.copy()
    ahead[..., :zero] = False
    behind = falls.copy()
    behind[..., zero + 1 :] = False
    count = len(steps) - 1
    first = np.where(ahead.any(axis=-1), ahead.argmax(axis=-1), -1)
    last = np.where(behind.any(axis=-1), count - 1 - behind[..., ::-1].argmax(axis=-1), -1)
    at = np.where(inside, first, last)
    before = np.take_along_axis(values, np.maximum(at, 0)[..., None], axis=-1)[..., 0]
    after = np.take_along_axis(values, np.maximum(at, 0)[..., None] + 1, axis=-1)[..., 0]
    where = steps[np.maximum(at, 0)] + _STEP * (before / np.where(before == after, 1.0, before - after))
    return np.where(at >= 0, where, np.inf)


def _middle(left: Floats, right: Floats, wanted: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the shift to the left, how sure it is, the half-width, and whether that was measured."""
    limit = _WIDER * wanted + 1.0
    whole = (left + right) / 2
    both = (whole < _WIDER * wanted + 0.7) & (whole > _SOONER * wanted)
    # A point may lie off the middle by much while both edges are those of its stroke.
    near_left, near_right = ~both & (left < limit), ~both & (right < limit)
    only_left, only_right = near_left & (~near_right | (left < right)), near_right & (~near_left | (right <= left))
    shift = np.zeros_like(wanted)
    with np.errstate(invalid="ignore"):
        shift = np.where(both, (left - right) / 2, shift)
    shift = np.where(only_left, left - wanted, shift)
    shift = np.where(only_right & ~only_left, wanted - right, shift)
    shift = np.clip(np.nan_to_num(shift, posinf=0.0, neginf=0.0), -1.5 * wanted - 2, 1.5 * wanted + 2)
    sure = np.where(both, 1.0, np.where(only_left | only_right, 0.4, 0.0))
    return shift, sure, np.where(both, whole, wanted), both.astype(np.float64)


def _second_differences(count: int) -> Floats:
    return np.diff(np.eye(count), 2, axis=0)


_BEND = _second_differences(POINTS).T @ _second_differences(POINTS)
_SLOPE = np.diff(np.eye(POINTS), axis=0).T @ np.diff(np.eye(POINTS), axis=0)


def _spacing(lines: Floats) -> Floats:
    """Return the mean step [n] of each line."""
    step = np.diff(lines, axis=1)
    spacing: Floats = np.maximum(np.hypot(step[..., 0], step[..., 1]).mean(axis=1), 1e-3)
    return spacing


def _smooth(values: Floats, sure: Floats, reach: Floats) -> Floats:
    """Return values [n, 32] smoothed along each line over ``reach`` [n] points, those that are unsure filled in."""
    weights = sure[..., None] * np.eye(POINTS)
    far = np.minimum(reach, 30.0)[:, None, None]
    system = weights + far**4 * _BEND + 0.02 * far**2 * _SLOPE + 1e-3 * np.eye(POINTS)
    return np.asarray(np.linalg.solve(system, (sure * values)[..., None])[..., 0], np.float64)


def _scales(width: Floats, measured: Floats, usual: Floats, before: Floats) -> Floats:
    """Return each stroke's scale of half-widths, drawn to what the others have where little of it was measured."""
    ratio = np.where(measured > 0, width / np.maximum(usual, 1e-4), np.nan)
    if not (measured > 0).any():
        return before
    overall = float(np.nanmedian(ratio))
    scales = before.copy()
    for number, row in enumerate(ratio):
        known = row[~np.isnan(row)]
        own = float(np.median(known)) if len(known) else overall
        trust = len(known) / (len(known) + 4.0)
        scales[number] = np.clip(trust * own + (1 - trust) * overall, 0.35 * overall, 2.2 * overall)
    return scales


def _profile(width: Floats, measured: Floats, usual: Floats, scale: Floats) -> Floats:
    """Return half-widths [n, 32] over the scale: as measured, elsewhere as the glyph's bent to the measured ones."""
    log = np.log(np.maximum(width, 0.3) / np.maximum(usual * scale[:, None], 0.3))
    log = np.clip(log, -1.2, 0.8)
    system = measured[..., None] * np.eye(POINTS) + 2.0 * _SLOPE + 0.03 * np.eye(POINTS)
    smooth = np.linalg.solve(system, (measured * log)[..., None])[..., 0]
    profile: Floats = np.maximum(usual, 1e-3) * np.exp(smooth)
    return profile


def _even(lines: Floats) -> Floats:
    """Return lines with equally long steps."""
    step = np.diff(lines, axis=1)
    length = np.maximum(np.hypot(step[..., 0], step[..., 1]), 1e-6)
    travelled = np.concatenate([np.zeros((len(lines), 1)), length.cumsum(axis=1)], axis=1)
    out = np.empty_like(lines)
    for number, along in enumerate(travelled):
        at = np.linspace(0.0, along[-1], POINTS)
        for axis in (0, 1):
            out[number, :, axis] = np.interp(at, along, lines[number, :, axis])
    return out


def _ended(ink: Ink, lines: Floats, wanted: Floats, gaps: Floats) -> Floats:
    """Return lines whose ends lie as far before the ink's end as in the glyph, where the ink ends at all."""
    moves = []
    for end, inner in ((0, 4), (-1, -5)):
        away = lines[:, end] - lines[:, inner]
        away /= np.maximum(np.hypot(*away.T), 1e-9)[:, None]
        width = np.maximum(wanted[:, inner], 1.0)
        reach = _reach(ink, lines[:, end], away, width)
        limit = np.maximum(2.2 * width, 4.0)
        goes_on = _goes_on(ink, lines[:, end], away, width) & (reach >= limit)
        move = np.where(reach < limit, reach - gaps[:, end] * wanted[:, inner], np.where(goes_on, 3.0, 0.0))
        moves.append(np.clip(np.nan_to_num(move, posinf=0.0), -4.0, 4.0)[:, None] * away)
    share = np.linspace(0.0, 1.0, POINTS)[:, None]
    # A third of the line follows its end, more would shift corners.
    start, stop = np.clip(1 - share / 0.3, 0.0, 1.0), np.clip(1 - (1 - share) / 0.3, 0.0, 1.0)
    ended: Floats = lines + start * moves[0][:, None] + stop * moves[1][:, None]
    return ended


def _goes_on(ink: Ink, ends: Floats, away: Floats, width: Floats) -> NDArray[np.bool_]:
    """Whether a stroke's ink goes on beyond the line's end: it is about as wide there, so it is no other stroke's."""
    across = np.stack([-away[:, 1], away[:, 0]], axis=1)
    on = np.ones(len(ends), np.bool_)
    for far in (1.2, 2.2):
        ahead = ends + far * width[:, None] * away
        left, right = (_reach(ink, ahead[:, None], sign * across[:, None], width[:, None])[:, 0] for sign in (1, -1))
        on &= (left > 0) & (right > 0) & (left + right < 2 * (_WIDER * width + 0.7))
    return on
