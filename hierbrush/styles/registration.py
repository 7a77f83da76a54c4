"""Registration: a character's known strokes found in ink, each with a confidence, or the answer that they are not.

From the whole to the part: the glyph's lines are brought near (`transport`), fitted to both edges of the ink
(`ribbon`), and the ink is cut along what they sweep (`cut`). What came out is then judged by what must hold of any way
of writing the character (`judged`); several starts are tried until one is accepted. Union IoU is no evidence that the
right strokes were found, since any strokes can cover ink.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component, Glyph, load_library
from hierbrush.errors import HierbrushError
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.styles.cut import Cut, cut, held, outlined
from hierbrush.styles.judge import Judgement, judged, run_along
from hierbrush.styles.lookalikes import apart, lookalikes
from hierbrush.styles.ribbon import Ink, Ribbons, fitted
from hierbrush.styles.tilt import tilt_of_strokes
from hierbrush.styles.transport import (
    Lines,
    Schedule,
    SkeletonPoints,
    box_start,
    covariance,
    lines_of,
    moment_start,
    skeleton_points,
    transported,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Registration:
    """Where a character's strokes lie in ink.

    Attributes:
        goals: the strokes found, in the order of the glyph's.
        confidence: f64 [strokes], 0 to 1, how sure each is.
        accepted: whether all of it is sure enough to be used.
        reason: why it is not accepted; "" if it is.
        judgement: the figures behind that.
        ribbons: middle lines and half-widths.
    """

    goals: tuple[StrokeGoal, ...]
    confidence: Floats
    accepted: bool
    reason: str
    judgement: Judgement
    ribbons: Ribbons

    def __repr__(self) -> str:
        state = "accepted" if self.accepted else f"rejected: {self.reason}"
        return f"<Registration of {len(self.goals)} strokes: {state}>"


_STARTS: tuple[tuple[str, Schedule], ...] = (
    ("box", Schedule()),
    ("moments", Schedule(first=0.1, iterations=44, looseness=0.6)),
    ("box", Schedule(first=0.045, iterations=30, looseness=1.4)),
    ("moments", Schedule(first=0.06, iterations=40, looseness=0.35)),
)


_HOPELESS = 2.5
"""Worth of an attempt from which no other start has led to strokes that were accepted."""


class Picture:
    """Ink made ready for registration: its edges, depths and skeleton.

    Args:
        ink: [side, side], coverage, 1 = ink.
    """

    def __init__(self, ink: NDArray[np.floating]) -> None:
        from scipy.ndimage import distance_transform_edt
        from skimage.morphology import skeletonize

        coverage = np.asarray(ink, np.float64)
        self.inked = coverage >= 0.5
        if not self.inked.any():
            raise HierbrushError("ink: is blank, so no strokes can be found in it")
        depth = distance_transform_edt(self.inked) - distance_transform_edt(~self.inked)
        self.ink = Ink(coverage, depth, coverage.astype(np.float32))
        self.skeleton = skeletonize(np.pad(self.inked, 1))[1:-1, 1:-1]

    @cached_property
    def points(self) -> SkeletonPoints:
        """Points of the skeleton."""
        return skeleton_points(self.skeleton)


def register(ink: NDArray[np.floating] | Picture, glyph: Glyph) -> Registration:
    """Find the strokes of a character in ink.

    Args:
        ink: [256, 256], coverage of the character's box, 1 = ink.
        glyph: the character as we know it.

    Raises:
        HierbrushError: there is no ink.
    """
    return register_goals(ink, [stroke.goal() for stroke in glyph.strokes], glyph.decomposition)


def register_goals(ink: NDArray[np.floating] | Picture, goals: Sequence[StrokeGoal], tree: Component) -> Registration:
    """Find strokes in ink; as `register`, for strokes that belong to no glyph.

    Args:
        ink: [256, 256], coverage of the character's box, 1 = ink.
        goals: the strokes as they are expected.
        tree: what belongs together; its strokes are numbered as ``goals`` are.

    Raises:
        HierbrushError: there is no ink.
    """
    picture = ink if isinstance(ink, Picture) else Picture(ink)
    found = _found(picture, goals, tree)
    doubt = _doubt(picture, goals, found) if found.accepted else ""
    return replace(found, accepted=False, reason=doubt) if doubt else found


def _found(
    picture: Picture, goals: Sequence[StrokeGoal], tree: Component, starts: Sequence[tuple[str, Schedule]] = _STARTS
) -> Registration:
    best: _Attempt | None = None
    for start, schedule in starts:
        tried = _attempt(picture, goals, tree, start, schedule)
        if not tried.judgement.reason:
            found = _answer(picture, goals, tried)
            if found.accepted:
                return found
        if best is None or tried.judgement.worth > best.judgement.worth:
            best = tried
        if best.judgement.worth < _HOPELESS:
            break
    assert best is not None
    return _answer(picture, goals, best)


_DOUBTFUL, _WORTHY, _WORTHLESS, _FEW = 0.55, 4.9, 0.3, 4
"""Ratio of a lookalike (`Lookalike`) from which it is looked for, too; worth of a judgement that leaves no doubt, and
what less worth adds to the ratio; number of strokes up to which lookalikes are always looked for."""

_NEARER = 1.0
"""Ratio from which strokes are another's without a look: no right character of five validation fonts has so much."""

_LEAST_WORTH, _LEAST_RATIO = 4.1, 0.37
"""Worth of a judgement below which, and ratio from which, strokes may be another's and are not believed."""

_DISTANCE, _MARGIN = 15.0, 0.15
"""What the distance of strokes from those expected, in boxes, counts beside the worth of a judgement, and by how much
another character's strokes must be better."""

_LOOKALIKES = 2


def _doubt(picture: Picture, goals: Sequence[StrokeGoal], found: Registration) -> str:
    """Return why the ink rather shows another character's strokes than those that were found, "" if it does not.

    Strokes of a wrong character that cover the ink lie strangely for their own, and the right one's lie better. So the
    strokes of those that look most like these, and like those expected, are looked for, too, and compared.
    """
    expected = np.array([goal.skeleton for goal in goals], np.float64)
    few = len(goals) <= _FEW
    count = _LOOKALIKES * (2 if few else 1)
    like = lookalikes(found.ribbons.lines, expected, count)
    ratio, worth = like[0].ratio if like else 0.0, found.judgement.worth
    if ratio > _NEARER:
        return f"they lie rather as those of {like[0].char}"
    if ratio + _WORTHLESS * (_WORTHY - worth) < _DOUBTFUL and not few:
        return ""
    least = _rank(found, expected) + _MARGIN
    for char in dict.fromkeys(one.char for one in [*like, *lookalikes(expected, expected, count)]):
        glyph = load_library()[char]
        others = [stroke.goal() for stroke in glyph.strokes]
        other = _found(picture, others, glyph.decomposition, _STARTS[:1])
        if other.accepted and _rank(other, np.array([goal.skeleton for goal in others], np.float64)) > least:
            return f"those of {char} fit better"
    return "they may be another character's" if ratio > _LEAST_RATIO and worth < _LEAST_WORTH else ""


def _rank(found: Registration, expected: Floats) -> float:
    rank: float = found.judgement.worth - _DISTANCE * apart(found.ribbons.lines, expected) ** 0.5
    return rank


class _Attempt(NamedTuple):
    """Strokes fitted from one start, judged, and the ink that is cut for them."""

    judgement: Judgement
    ribbons: Ribbons
    parts: Cut


def _attempt(
    picture: Picture, goals: Sequence[StrokeGoal], tree: Component, start: str, schedule: Schedule
) -> _Attempt:
    return _repaired(picture, goals, tree, *_near(picture, goals, tree, start, schedule))


def repaired(
    picture: Picture, goals: Sequence[StrokeGoal], tree: Component, rest: Floats, lines: Floats
) -> Registration:
    """Return strokes fitted to the ink, those that went astray looked for again.

    Args:
        picture: the ink.
        goals: as for `register_goals`.
        tree: as for `register_goals`.
        rest: f64 [strokes, 32, 2], the goals' middle lines, stretched and moved as a whole to the ink.
        lines: f64 [strokes, 32, 2], about where they lie in it.
    """
    return _answer(picture, goals, _repaired(picture, goals, tree, rest, lines))


def _repaired(picture: Picture, goals: Sequence[StrokeGoal], tree: Component, rest: Floats, lines: Floats) -> _Attempt:
    found = _settled(picture, goals, rest, lines)
    for _ in range(_REPAIRS):
        again = None if not found.judgement.reason else _without_strays(picture, goals, tree, rest, found)
        if again is None or again.judgement.worth <= found.judgement.worth:
            break
        found = again
    return found


def _settled(picture: Picture, goals: Sequence[StrokeGoal], rest: Floats, lines: Floats) -> _Attempt:
    """Return strokes fitted to the ink from lines [strokes, 32, 2] near it, and judged."""
    usual = np.array([goal.half_width for goal in goals], np.float64)
    ribbons = fitted(picture.ink, lines, usual, np.array([_gaps(goal) for goal in goals]))
    parts = cut(picture.inked, ribbons)
    judgement = judged(picture.inked, picture.points, picture.ink.depth, goals, rest, ribbons, parts)
    return _Attempt(judgement, ribbons, parts)


_REPAIRS = 2
_SURE = 0.6
"""Confidence from which a stroke stays where it was found while those that went astray are looked for again."""

_TOGETHER = 0.25
"""Share of a stray stroke that runs along another, from which that is looked for again, too."""


def _without_strays(
    picture: Picture, goals: Sequence[StrokeGoal], tree: Component, rest: Floats, found: _Attempt
) -> _Attempt | None:
    """Look again for the few strokes that are not sure, in the ink that the others leave over.

    None if there is no such ink, or too many are not sure for the others to be trusted.
    """
    stray = found.judgement.confidence < _SURE
    # Of two strokes on the same ink it is not clear which one went astray.
    along = run_along(found.ribbons.lines, found.ribbons.half_width).mean(axis=1)
    stray |= (along[stray] > _TOGETHER).any(axis=0)
    if not 0 < stray.sum() <= max(2, 0.25 * len(goals)) or stray.all():
        return None
    left = _left_over(picture.points, found.ribbons, ~stray)
    if left is None:
        return None
    shape = rest.shape[:2]
    whole = Lines(rest.reshape(-1, 2), np.repeat(np.arange(shape[0]), shape[1]), _along(rest).ravel())
    some = np.tile(np.arange(shape[1]) % 3 == 1, shape[0])
    few = Lines(*(each[some] for each in whole))
    pinned = (found.ribbons.lines - rest).reshape(-1, 2)[some]
    pinned[stray[few.stroke]] = np.nan
    _, weights = transported(few, tree, left, _AGAIN, pinned)
    near = rest + (covariance(whole, few, tree, few, _AGAIN.looseness) @ weights).reshape(rest.shape)
    return _settled(picture, goals, rest, np.where(stray[:, None, None], near, found.ribbons.lines))


_AGAIN = Schedule(first=0.06, iterations=24)


def _left_over(points: SkeletonPoints, ribbons: Ribbons, sure: NDArray[np.bool_]) -> SkeletonPoints | None:
    """Return the points of the skeleton that no sure stroke sweeps."""
    lines, width = ribbons.lines[sure].reshape(-1, 2), ribbons.half_width[sure].ravel()
    apart = ((points.points[:, None] - lines[None]) ** 2).sum(axis=2)
    free = (apart > np.maximum(width, 0.012) ** 2).all(axis=1)
    return points._replace(points=points.points[free], direction=points.direction[free]) if free.sum() >= 3 else None


def _along(lines: Floats) -> Floats:
    """Return the arc length from each line's start, [n, k]."""
    step = np.diff(lines, axis=1)
    return np.concatenate([np.zeros((len(lines), 1)), np.hypot(step[..., 0], step[..., 1]).cumsum(axis=1)], axis=1)


def _near(
    picture: Picture, goals: Sequence[StrokeGoal], tree: Component, start: str, schedule: Schedule
) -> tuple[Floats, Floats]:
    """Return middle lines [strokes, 32, 2]: the glyph's, stretched and moved as a whole, and near their ink."""
    rest = lines_of(goals)
    stretch, shift = (box_start if start == "box" else moment_start)(rest.points, picture.points.points)
    whole = whole_lines(goals, stretch, shift)
    rest = rest._replace(points=rest.points * stretch + shift)
    _, weights = transported(rest, tree, picture.points, schedule)
    near = whole.points + covariance(whole, rest, tree, rest, schedule.looseness) @ weights
    shape = (len(goals), -1, 2)
    return whole.points.reshape(shape), near.reshape(shape)


def tilt_of(ink: NDArray[np.floating] | Picture, goals: Sequence[StrokeGoal], tree: Component) -> float:
    """Return by how many degrees, counterclockwise, ink must be turned for its strokes to lie as expected; 0 if by few.

    Args:
        ink: as for `register_goals`.
        goals: as for `register_goals`.
        tree: as for `register_goals`.

    Raises:
        HierbrushError: there is no ink.
    """
    picture = ink if isinstance(ink, Picture) else Picture(ink)
    return tilt_of_strokes(*_near(picture, goals, tree, *_STARTS[1]))


def _answer(picture: Picture, expected: Sequence[StrokeGoal], attempt: _Attempt) -> Registration:
    judgement, ribbons, parts = attempt
    found = [_goal(*each, picture.ink.coverage) for each in zip(expected, ribbons.lines, parts.owned, strict=True)]
    goals = tuple(
        goal or _swept(each, *ribbon)
        for goal, each, ribbon in zip(found, expected, zip(ribbons.lines, ribbons.half_width, strict=True), strict=True)
    )
    reason = judgement.reason or ("" if all(found) else "a stroke has no ink")
    return Registration(goals, judgement.confidence, not reason, reason, judgement, ribbons)


def whole_lines(goals: Sequence[StrokeGoal], stretch: Floats, shift: Floats) -> Lines:
    """Return all points of the strokes' skeletons, whose ends `lines_of` leaves out."""
    points = np.array([goal.skeleton for goal in goals], np.float64)
    stroke = np.repeat(np.arange(len(goals)), points.shape[1])
    return Lines(points.reshape(-1, 2) * stretch + shift, stroke, _along(points).ravel())


def _gaps(goal: StrokeGoal) -> tuple[float, float]:
    """Return how far the outline reaches beyond the skeleton's two ends, over the half-widths a little inside."""
    gaps = []
    for end, inner, tip in ((0, 4, 0), (-1, -5, 64)):
        beyond = float(np.hypot(*(goal.outline[tip] - goal.skeleton[end])))
        gaps.append(float(np.clip(beyond / max(float(goal.half_width[inner]), 1e-3), 0.1, 1.5)))
    return gaps[0], gaps[1]


def _goal(expected: StrokeGoal, line: Floats, owned: NDArray[np.bool_], coverage: Floats) -> StrokeGoal | None:
    polygon = outlined(owned, coverage, line)
    if polygon is None:
        return None
    try:
        return StrokeGoal.from_outline(expected.stroke_type, polygon, held(line, polygon))
    except HierbrushError:  # a line or an outline without extent
        return None


def _swept(expected: StrokeGoal, line: Floats, half_width: Floats) -> StrokeGoal:
    """Return a stroke as it was fitted, where the ink cut for it is of no use."""
    step = np.gradient(line, axis=0)
    step /= np.maximum(np.hypot(*step.T), 1e-9)[:, None]
    across = np.stack([-step[:, 1], step[:, 0]], axis=1) * np.maximum(half_width, 0.004)[:, None]
    outline = np.concatenate([line + across, (line - across)[::-1]])
    try:
        return StrokeGoal.from_outline(expected.stroke_type, outline, line)
    except HierbrushError:
        return expected
