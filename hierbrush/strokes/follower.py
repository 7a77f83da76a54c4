"""The scripted follower: the handle path that a primitive starts from, and the control that it must beat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_kind, check_number
from hierbrush.box import BOX, MAX_BOX, MIN_BOX
from hierbrush.errors import HierbrushError
from hierbrush.sim import BrushModel, distance_to_outline
from hierbrush.sim.observation import TRACK_SIZE
from hierbrush.strokes.goal import StrokeGoal, check_goals

_TOGETHER = 16
"""Goals looked at for heels in one go: what fits into a core's cache."""

_LANDING = 2
_SETTLING = 2
# Where on the way into a heel half-widths are measured.
_DETOUR = np.linspace(0.0, 1.0, 6)[1:]


@dataclass(frozen=True)
class Follower:
    """How the handle runs along a skeleton when nobody corrects it.

    The mark's rounded base sits ``offset(z)`` behind the handle, so the handle leads the skeleton along the tangent, by
    ``lead`` times that much; depth is chosen so that the mark is ``widening`` times as wide as the inscribed disc.
    Where the outline reaches ``heel`` metres or more beyond the skeleton's discs, as at the foot of 竖提 or the
    shoulder of 横钩, the handle runs out to the tip of it and back. ``pace`` is metres of that path a tick, ``bend``
    the ticks a radian by which turns take longer, ``height`` metres above the paper at the start.
    """

    pace: float = 0.0013
    # With 2 ticks a radian and 64 ticks at most nobody's residual gains .008 of stroke IoU (150 validation characters);
    # primitives trained that way have not yet beaten those trained at an even pace.
    bend: float = 0.0
    least_ticks: int = 12
    most_ticks: int = 64
    # From the skeleton alone a residual of 3 mm cannot fill heels that reach up to 8 mm beyond it. Led into them, the
    # same primitives wrote ST with a stroke IoU of .953 instead of .899, HG .959 instead of .935.
    heel: float = 0.003
    # Height of the handle when the stroke begins, in the air over the skeleton's start.
    height: float = 0.002
    # Fitted on 60 validation characters, before handles followed a spline: stroke IoU .877 with both at 1, .8895 so.
    lead: float = 1.2
    widening: float = 1.05

    def ticks(self, length: float, turning: float = 0.0) -> int:
        """Control ticks for a skeleton of ``length`` metres that turns by ``turning`` radians in all, either way."""
        length = check_number("length", length, 0.0, 1e6, "metres")
        turning = check_number("turning", turning, 0.0, 1e6, "radians")
        wanted = math.ceil(length / self.pace + self.bend * turning) + _LANDING + _SETTLING
        return min(max(wanted, self.least_ticks), self.most_ticks)

    def track(self, goal: StrokeGoal, model: BrushModel, box: float = BOX) -> NDArray[np.float64]:
        """Return the goal's track: float64 [ticks + 1, 8], columns as in ``sim/observation.py``, metres.

        Row 0 is in the air over the skeleton's start, row 1 lands there, the last three rows are at its end: the
        handle follows its commands smoothly and needs two ticks to arrive.
        """
        return self.tracks([goal], model, box)[0]

    def tracks(self, goals: Sequence[StrokeGoal], model: BrushModel, box: float = BOX) -> list[NDArray[np.float64]]:
        """Return the tracks of n >= 1 goals, each as `track` gives it, for less than n times the cost of one."""
        goals = check_goals(goals)
        if not goals:
            raise HierbrushError("goals: there is none, expected at least one StrokeGoal")
        check_kind("model", model, BrushModel, "a BrushModel")
        box = check_number("box", box, MIN_BOX, MAX_BOX, "metres")
        least = self.heel / box
        paths = [
            _into_heels(goal, least)
            if heels
            else (goal.skeleton.astype(np.float64), goal.half_width.astype(np.float64))
            for goal, heels in zip(goals, _may_have_heels(goals, least), strict=True)
        ]
        # Heels make paths longer; shorter ones stay at their last point, so that all are followed in one go.
        counts = np.array([len(skeleton) for skeleton, _ in paths])
        until = np.minimum(np.arange(counts.max()), counts[:, None] - 1)
        skeletons, radii = (
            np.stack([path[part][points] for path, points in zip(paths, until, strict=True)]) * box for part in (0, 1)
        )
        return self._along(skeletons, radii, until, model)

    def _along(
        self, skeletons: NDArray[np.float64], radii: NDArray[np.float64], until: NDArray[np.int64], model: BrushModel
    ) -> list[NDArray[np.float64]]:
        """Return the tracks along n paths [n, K, 2] with half-widths [n, K], metres.

        ``until``, int64 [n, K], holds 0, 1, 2 and so on up to each path's last point, at which the rest stays.
        """
        steps = skeletons[:, 1:] - skeletons[:, :-1]
        travelled = _running_sum(np.linalg.norm(steps, axis=-1))
        turned = np.zeros_like(travelled)
        if self.bend:
            turned = np.stack([_turned(path[: last[-1]])[last] for path, last in zip(steps, until, strict=True)])
        due = travelled / self.pace + self.bend * turned
        headings = np.take_along_axis(_tangents(skeletons), until[..., None], axis=1)
        columns = np.concatenate([skeletons, radii[..., None], headings], axis=-1)
        lengths = np.array(
            [self.ticks(float(path[-1]), float(turn[-1])) + 1 for path, turn in zip(travelled, turned, strict=True)]
        )
        starts = np.cumsum([0, *lengths])
        row = np.repeat(np.arange(len(lengths)), lengths)
        # Row 1 is at the start of the path; from there as many ticks at the same pace, then some at its end.
        moving = lengths[row] - 2 - _SETTLING
        since = np.clip(np.arange(starts[-1]) - starts[row] - 1, 0, moving)
        pace, end = (due[:, -1] / (lengths - 2 - _SETTLING))[row], since == moving
        where = _interpolated(due, travelled[..., None], row, np.where(end, due[row, -1], since * pace))[:, 0]
        track = np.empty((starts[-1], TRACK_SIZE))
        track[:, 3:] = _interpolated(travelled, columns, row, where)
        norm = np.hypot(track[:, 6], track[:, 7])
        # Where the skeleton doubles back, the mean of two headings may vanish; any direction serves for that moment.
        lost = norm < 1e-6
        track[lost, 6:] = (1.0, 0.0)
        norm[lost] = 1.0
        track[:, 6:] /= norm[:, None]
        slope = max(model.width_slope, 1e-6)
        depth = np.clip((2 * self.widening * track[:, 5] - model.width_intercept) / slope, 0.0, model.max_depth)
        fitted = (model.offset_quadratic * depth + model.offset_slope) * depth + model.offset_intercept
        lead = self.lead * np.maximum(model.offset_scale * fitted, 0.0)
        track[:, 0] = track[:, 3] + lead * track[:, 6]
        track[:, 1] = track[:, 4] + lead * track[:, 7]
        track[:, 2] = depth
        track[starts[:-1], :2] = skeletons[:, 0]
        track[starts[:-1], 2] = -self.height
        return np.split(track, starts[1:-1])


def _interpolated(
    knots: NDArray[np.float64], values: NDArray[np.float64], row: NDArray[np.int64], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return values [m, C] between the knots of one of n functions each, as `numpy.interp` would, all at once.

    Args:
        knots: float64 [n, K], from 0 on in ascending order.
        values: float64 [n, K, C], at the knots.
        row: int64 [m], which of the n.
        at: float64 [m], from 0 to its last knot.
    """
    # Counted, so that neither what stands beside a function nor how often its last knot is repeated changes a bit.
    segment = np.clip((knots[row] < at[:, None]).sum(axis=1) - 1, 0, knots.shape[1] - 2)
    left, right = knots[row, segment], knots[row, segment + 1]
    below, above = values[row, segment], values[row, segment + 1]
    # Cut to 1, since where two knots are one, rounding would take it anywhere.
    share = np.clip((at - left) / np.maximum(right - left, 1e-30), 0.0, 1.0)
    between: NDArray[np.float64] = below + share[:, None] * (above - below)
    return between


def _running_sum(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums [..., K] of 0 to K - 1 of the steps [..., K - 1]."""
    sums = np.zeros((*steps.shape[:-1], steps.shape[-1] + 1))
    np.cumsum(steps, axis=-1, out=sums[..., 1:])
    return sums


def _may_have_heels(goals: Sequence[StrokeGoal], least: float) -> list[bool]:
    """Return for each goal whether its outline reaches ``least`` or more beyond the discs, ends included.

    Most goals have no heel, and squared distances by matrix products find that out several times as fast.
    """
    answers: list[bool] = []
    for start in range(0, len(goals), _TOGETHER):
        some = goals[start : start + _TOGETHER]
        outline = np.stack([goal.outline for goal in some]).astype(np.float64)
        skeleton = np.stack([goal.skeleton for goal in some]).astype(np.float64)
        # A hair less: what rounding adds or takes must not decide here.
        reach = np.stack([goal.half_width for goal in some]).astype(np.float64) + (least - 1e-6)
        # The outline along the last axis: a minimum across rows costs a quarter of one along them.
        beyond = skeleton @ (-2 * outline).transpose(0, 2, 1)
        beyond += ((skeleton * skeleton).sum(axis=2) - reach * reach)[:, :, None]
        squared = (outline * outline).sum(axis=2)
        answers += ((beyond.min(axis=1) + squared).max(axis=1) >= 0.0).tolist()
    return answers


def _into_heels(goal: StrokeGoal, least: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a goal's skeleton [K, 2] with detours into its heels, and the half-widths [K] there, in the unit box.

    A heel is where the outline lies ``least`` or more beyond the discs that the skeleton's half-widths draw, other than
    around the skeleton's ends. Its tip is the farthest such point of the outline, if the way there lies in the ink; the
    detour runs straight from the nearest disc's centre to the tip, where its half-width is 0, and the same way back.
    """
    skeleton, half_width = goal.skeleton.astype(np.float64), goal.half_width.astype(np.float64)
    outline = goal.outline.astype(np.float64)
    # Coordinates apart: arrays of pairs would cost four times as much.
    across, down = (outline[:, None, axis] - skeleton[:, axis] for axis in (0, 1))
    beyond = np.sqrt(across * across + down * down) - half_width
    nearest, excess = beyond.argmin(axis=1), beyond.min(axis=1)
    travelled = _running_sum(np.linalg.norm(np.diff(skeleton, axis=0), axis=1))
    at_ends = np.minimum(travelled, travelled[-1] - travelled) < half_width
    high = (excess >= least) & ~at_ends[nearest]
    if not high.any():
        return skeleton, half_width
    # Neighbouring points belong to one heel. The outline is closed: begin at a point that belongs to none.
    order = np.roll(np.arange(len(high)), -int(np.argmin(high)))
    bounds = np.flatnonzero(np.diff(high[order], prepend=False, append=False))
    heels = [order[start:stop] for start, stop in bounds.reshape(-1, 2)]
    tips = [int(heel[excess[heel].argmax()]) for heel in heels]
    # A way that leaves the ink leads into no heel: there the skeleton itself has left it, in a box like no other.
    tips = [tip for tip in tips if _within(_way(skeleton[nearest[tip]], outline[tip])[:-1], outline).all()]
    # From behind, so that places ahead stay where they are.
    for tip in sorted(tips, key=lambda tip: -int(nearest[tip])):
        at = int(nearest[tip])
        out = _way(skeleton[at], outline[tip])
        detour = np.concatenate([out, out[-2::-1], skeleton[at : at + 1]])
        skeleton = np.insert(skeleton, at + 1, detour, axis=0)
        half_width = np.insert(half_width, at + 1, distance_to_outline(detour, outline))
    return skeleton, half_width


def _way(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the points [5, 2] of a way from ``start``, which is none of them, to ``end``."""
    way: NDArray[np.float64] = start + _DETOUR[:, None] * (end - start)
    return way


def _within(points: NDArray[np.float64], polygon: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which points [n, 2] lie inside a closed polygon [m, 2], by the parity of the edges to their right."""
    x, y = points[:, :1], points[:, 1:]
    x0, y0 = polygon.T
    x1, y1 = np.roll(polygon, -1, axis=0).T
    rises = np.where(y1 == y0, 1.0, y1 - y0)
    crossed = ((y0 > y) != (y1 > y)) & (x0 + (y - y0) / rises * (x1 - x0) > x)
    inside: NDArray[np.bool_] = crossed.sum(axis=1) % 2 == 1
    return inside


def _turned(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the radians [K] by which a path has turned, either way, up to each of its K points; ``steps`` [K - 1, 2].

    The turn at a point is shared by the two steps beside it, so that the hand slows down before it and not only after.
    """
    angle = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    turn = np.concatenate([[0.0], np.abs(np.diff(angle)), [0.0]]) / 2
    return np.concatenate([[0.0], np.cumsum(turn[:-1] + turn[1:])])


def _tangents(skeletons: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return unit headings [n, K, 2] at the skeletons' points, each from the point before to the point after."""
    ahead = np.concatenate([skeletons[:, 1:], skeletons[:, -1:]], axis=1)
    behind = np.concatenate([skeletons[:, :1], skeletons[:, :-1]], axis=1)
    step: NDArray[np.float64] = ahead - behind
    unit: NDArray[np.float64] = step / np.maximum(np.linalg.norm(step, axis=-1, keepdims=True), 1e-12)
    return unit


FOLLOWER = Follower()
