"""A movement of an arm: joint angles over time that carry the tip along strokes, and to the ink between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from hierbrush.arms.arm import Arm
from hierbrush.arms.calibration import Calibration
from hierbrush.arms.kinematics import Target
from hierbrush.arms.reach import Unreachable, advice, hindrance
from hierbrush.arms.scene import Scene, build
from hierbrush.arms.timing import PERIOD, Limits, differences, paced, resting_spline
from hierbrush.errors import HierbrushError
from hierbrush.ink import InkStone

_T = TypeVar("_T", bound=np.generic)

STEP = 0.025
"""Seconds between the rows of a stroke's path, two a control tick, in the hand's own time."""

TIP_ERROR, TILT_ERROR = 20e-6, np.radians(0.1)
"""Metres and radians that a movement's brush may be off what is wanted, anywhere."""

_FINER = 1  # poses solved for a row of a path; twice as many where that is not enough
_MOST_FINER = 24
_DIP_SECONDS = 0.4
_READY = 3.0  # heights of travel above the ink where a movement starts and ends
_OVERLAP = 0.6  # part of the way up after which the brush begins to travel


class _Piece(NamedTuple):
    """A part of a movement from rest to rest: rows [n, 3] on the paper, every ``step`` seconds of its own time."""

    rows: NDArray[np.float64]
    step: float
    stroke: int = -1
    dip: bool = False
    slow: bool = False
    serves: int = 0  # the stroke before or after which a way through the air lies


@dataclass(frozen=True, eq=False)
class Motion:
    """Joints over time, every `PERIOD` (2 ms).

    Attributes:
        scene: the arm in its place.
        t: seconds, float64 [n].
        q: joint angles in radians, float64 [n, joints], columns as of ``joints``.
        tip: the brush's tip as wanted on the paper, float64 [n, 3] metres: x right, y down, z below first touch.
        stroke: index of the stroke that a row belongs to, int32 [n]; -1 between strokes.
        dip: whether the tip is in the ink, bool [n]: it rests there, or is shaped on an inkstone.
        limits: of the joints and of the tip, which no row passes.
        names: what each stroke is called in messages.
        lift: metres by which all of it is raised: a dry run.
        tip_error: metres that the tip is off at most, anywhere.
        tilt_error: radians that the brush is off upright at most, anywhere.
    """

    scene: Scene
    t: NDArray[np.float64]
    q: NDArray[np.float64]
    tip: NDArray[np.float64]
    stroke: NDArray[np.int32]
    dip: NDArray[np.bool_]
    limits: tuple[Limits, Limits]
    names: tuple[str, ...]
    lift: float
    tip_error: float
    tilt_error: float

    @property
    def joints(self) -> tuple[str, ...]:
        """Names of the joints."""
        return self.scene.joints

    @property
    def arm(self) -> Arm:
        """The arm."""
        return self.scene.arm

    @cached_property
    def spans(self) -> tuple[slice, ...]:
        """For every stroke the rows that are its path."""
        edges = np.flatnonzero(np.diff(self.stroke)) + 1
        starts = np.concatenate([[0], edges])
        stops = np.concatenate([edges, [len(self.stroke)]])
        return tuple(slice(a, b) for a, b in zip(starts.tolist(), stops.tolist(), strict=True) if self.stroke[a] >= 0)

    def parts(self, seconds: float) -> tuple[Motion, ...]:
        """Return the movement in parts of about ``seconds``, each from above the ink to above the ink, at rest there.

        It is parted where the tip rests in the ink; each part begins and ends as the whole does. What takes longer
        between two dips is a part of its own.
        """
        edges = self._dips()
        if not edges:
            return (self,)
        cuts = edges[:1]
        for edge, after in zip(edges[1:], [*edges[2:], len(self.q)], strict=True):
            if (after - cuts[-1]) * PERIOD > seconds:
                cuts.append(edge)
        first, bounds = slice(0, cuts[0]), [*cuts[1:], len(self.q)]
        return tuple(self._part(first, slice(a, b), b < len(self.q)) for a, b in zip(cuts, bounds, strict=True))

    def _dips(self) -> list[int]:
        """Return the rows at which the tip comes into the ink before a stroke."""
        found: list[int] = []
        for edge in np.flatnonzero(np.diff(self.dip.astype(np.int8), prepend=0) == 1).tolist():
            if not found or (self.stroke[found[-1] : edge] >= 0).any():
                found.append(edge)
        return found

    def _part(self, first: slice, rows: slice, back: bool) -> Motion:
        """Return the rows ``first``, then ``rows``, and with ``back`` the first once more, backwards."""

        def put(values: NDArray[_T], between: Any = None) -> NDArray[_T]:
            ends = values[first] if between is None else np.full_like(values[first], between)
            return np.concatenate([ends, values[rows], ends[::-1][: None if back else 0]])

        stroke = put(self.stroke, -1)
        stroke[stroke >= 0] -= stroke[stroke >= 0].min()
        strokes = np.unique(self.stroke[rows])
        names = tuple(self.names[at] for at in strokes[strokes >= 0])
        q = put(self.q)
        t = np.arange(len(q), dtype=np.float64) * PERIOD
        return replace(self, t=t, q=q, tip=put(self.tip), stroke=stroke, dip=put(self.dip, False), names=names)

    def peaks(self) -> dict[str, float]:
        """Return the highest speed, acceleration and jerk of any joint and of the tip."""
        found = {}
        for name, joints, tip in zip(
            ("speed", "acceleration", "jerk"), differences(self.q), differences(self.tip), strict=True
        ):
            found[f"joint_{name}"] = float(np.abs(joints).max())
            found[f"tip_{name}"] = float(np.linalg.norm(tip, axis=1).max())
        return found


def plan(
    paths: Sequence[NDArray[np.float64]],
    width: float,
    height: float,
    arm: Arm,
    tip_limits: Limits,
    *,
    names: Sequence[str] = (),
    lift: float = 0.0,
    dips: Sequence[bool] | None = None,
    shaping: InkStone | None = None,
    told: Callable[[float], object] | None = None,
) -> Motion:
    """Return the joints that write strokes, and dip between them.

    Args:
        paths: of the tip, each float64 [n, 3], metres on the paper, x right, y down, z below first touch; at rest at
            both ends, a row every `STEP` of the hand's own time.
        width: of the sheet in metres.
        height: of the sheet in metres.
        arm: which arm, and where its paper lies.
        tip_limits: most speed, acceleration and jerk of the tip; the arm's joints have their own.
        names: what each stroke is called in messages.
        lift: metres by which all of it is raised, so that nothing touches: a dry run.
        dips: whether the brush is dipped before each stroke; before each unless given.
        shaping: how it is filled and shaped on the arm's stone, where its tip is pressed flat; it rests in the ink
            unless given.
        told: is called with the share that was planned since the last call.

    Raises:
        HierbrushError: the arm cannot reach all of it, would come near a limit or a singularity, or touch something.
            The message names the stroke and the axis, and where the paper would have to lie.
    """
    calibration = arm.calibration(width, height)
    _check_depths(paths, arm, names)
    _check_stone(calibration, arm)
    scene = build(arm, calibration)
    limits = (scene.limits, tip_limits)
    stone = calibration.stone_on_paper
    dipped = [True] * len(paths) if dips is None else dips
    dip = _dip(stone, shaping, tip_limits)
    parts = _pieces(paths, stone, arm.travel, tip_limits, arm.approach_speed, dipped, dip)
    pieces = [_raised(piece, lift) for piece in parts]
    named = tuple(names) or tuple(f"stroke {at + 1}" for at in range(len(paths)))
    try:
        return _planned(scene, pieces, limits, named, lift, told or (lambda share: None))
    except Unreachable as found:
        raise HierbrushError(_told(found, scene, pieces, named)) from None


def _check_depths(paths: Sequence[NDArray[np.float64]], arm: Arm, names: Sequence[str]) -> None:
    """Refuse strokes that press deeper than the arm may."""
    for at, path in enumerate(paths):
        deepest = float(path[:, 2].max())
        if deepest > arm.max_depth + TIP_ERROR:
            where = names[at] if names else f"stroke {at + 1}"
            raise HierbrushError(
                f"arm: max_depth: {where} goes {deepest * 1e3:.2f} mm below first touch, but the arm may go "
                f"{arm.max_depth * 1e3:.2f} mm; write smaller or lighter"
            )


def _check_stone(calibration: Calibration, arm: Arm) -> None:
    """Refuse ink that lies deeper in the table than the arm may press."""
    deep = calibration.table - float(calibration.stone[2])
    if deep > arm.max_depth + TIP_ERROR:
        raise HierbrushError(
            f"arm: stone: lies {deep * 1e3:.1f} mm below the table, which is as high as the base or the paper's lowest "
            f"corner; expected max_depth at most, {arm.max_depth * 1e3:.1f} mm; touch it again"
        )


def _raised(piece: _Piece, lift: float) -> _Piece:
    return piece._replace(rows=piece.rows - [0.0, 0.0, lift])


def _planned(
    scene: Scene,
    pieces: Sequence[_Piece],
    limits: tuple[Limits, Limits],
    names: tuple[str, ...],
    lift: float,
    told: Callable[[float], object],
) -> Motion:
    here, across = first_pose(scene, pieces[0].rows[0])
    parts: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    labels: list[NDArray[np.int32]] = []
    dips: list[NDArray[np.bool_]] = []
    worst = np.zeros(2)
    for piece in pieces:
        try:
            q, tip, off = _part(scene, piece, here, across, limits)
        except Unreachable as found:
            raise found._for(piece.stroke if piece.stroke >= 0 else piece.serves, piece.stroke < 0) from None
        worst = np.maximum(worst, off)
        # A piece begins where the one before it ended; that row is there already.
        skip = 1 if parts else 0
        parts.append((q[skip:], tip[skip:]))
        labels.append(np.full(len(q) - skip, piece.stroke, np.int32))
        dips.append(np.full(len(q) - skip, piece.dip))
        here = q[-1]
        told(1 / len(pieces))
    q, tip = (np.concatenate([part[at] for part in parts]) for at in (0, 1))
    t = np.arange(len(q), dtype=np.float64) * PERIOD
    stroke, dip = np.concatenate(labels), np.concatenate(dips)
    return Motion(scene, t, q, tip, stroke, dip, limits, names, lift, float(worst[0]), float(worst[1]))


def first_pose(scene: Scene, place: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return joint angles at a place [3] on the paper, and the brush's x axis that the movement then holds.

    An arm of six joints or more holds the handle from turning about itself; one of five has no say in it.

    Raises:
        Unreachable: the arm cannot get there.
    """
    solver = scene.solver
    target = Target(scene.calibration.world(place[None])[0], scene.axis)
    angles = solver.solve(target, solver.home)
    if angles is None:
        raise Unreachable(place, "reach", between=True)
    if solver.joints < 6:
        return angles, None
    return angles, solver.pose(angles)[1][:, 0].copy()


def _part(
    scene: Scene,
    piece: _Piece,
    start: NDArray[np.float64],
    across: NDArray[np.float64] | None,
    limits: tuple[Limits, Limits],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return joints [n, k] and tip [n, 3] every `PERIOD` of a piece, and how far tip and tilt are off at most, [2]."""
    seconds = (len(piece.rows) - 1) * piece.step
    wanted = resting_spline(piece.rows, piece.step)
    if np.ptp(piece.rows, axis=0).max() == 0:
        count = max(round(seconds / PERIOD), 1) + 1
        return np.repeat(start[None], count, axis=0), np.repeat(piece.rows[:1], count, axis=0), np.zeros(2)
    finer = _FINER
    while True:
        step = piece.step / finer
        grid = np.arange((len(piece.rows) - 1) * finer + 1) * step
        angles = np.stack(list(_solved(scene, wanted(grid), start, across)))
        spline = resting_spline(angles, step)
        q, own = paced(spline, wanted, seconds, (limits[0], _slow(limits[1], piece, scene.arm)))
        tip = wanted(own)
        tip[0], tip[-1] = piece.rows[0], piece.rows[-1]
        off = deviation(scene, q, tip)
        if (off <= [TIP_ERROR / 2, TILT_ERROR / 2]).all():
            return q, tip, off
        finer *= 2
        if finer > _MOST_FINER:
            raise Unreachable(piece.rows[0], "smoothness")


def _slow(limits: Limits, piece: _Piece, arm: Arm) -> Limits:
    return limits._replace(speed=min(limits.speed, arm.approach_speed)) if piece.slow else limits


def _solved(
    scene: Scene, points: NDArray[np.float64], start: NDArray[np.float64], across: NDArray[np.float64] | None
) -> Iterator[NDArray[np.float64]]:
    solver, margin = scene.solver, scene.margin
    low, high = solver.low + margin, solver.high - margin
    here, before = start, start
    for at, (place, world) in enumerate(zip(points, scene.calibration.world(points), strict=True)):
        target = Target(world, scene.axis, across)
        # The last step once more is a good guess; where it leads astray, the last place is one.
        angles = solver.solve(target, 2 * here - before) if at else solver.solve(target, here)
        if angles is None or np.abs(angles - here).max() > _JUMP:
            angles = solver.solve(target, here)
        if angles is None or np.abs(angles - here).max() > _JUMP:
            raise Unreachable(place, "reach")
        outside = (angles < low) | (angles > high)
        if outside.any():
            raise Unreachable(place, "limit", scene.joints[int(outside.argmax())])
        if at % _FINER == 0:
            if solver.weakness(angles, target) < _WEAKEST:
                raise Unreachable(place, "singularity")
            touching = scene.touching(angles)
            if touching is not None:
                raise Unreachable(place, "collision", " and ".join(touching))
        before, here = here, angles
        yield angles


_JUMP = 0.25
"""Radians that no joint moves between two poses of a path: an elbow that changed sides would."""
_WEAKEST = 0.004
"""Metres a radian that the arm's weakest direction keeps from a singularity."""


def deviation(scene: Scene, q: NDArray[np.float64], tip: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far joints [n, k] leave the tip off its wanted places [n, 3] and the brush off upright, [2]."""
    solver, axis = scene.solver, scene.axis
    reached, pointing = np.empty((len(q), 3)), np.empty((len(q), 3))
    for at, angles in enumerate(q):
        place, axes = solver.pose(angles)
        reached[at], pointing[at] = place, axes[:, 2]
    off = np.linalg.norm(reached - scene.calibration.world(tip), axis=1)
    tilt = np.linalg.norm(np.cross(pointing, axis), axis=1)
    return np.array([off.max(), tilt.max()])


def _pieces(
    paths: Sequence[NDArray[np.float64]],
    stone: NDArray[np.float64],
    travel: float,
    limits: Limits,
    approach: float,
    dips: Sequence[bool],
    dip: Sequence[_Piece],
) -> list[_Piece]:
    """Return a movement's parts: from above the ink into it, to each stroke and back, and up again at the end.

    ``dip`` is what is done each time in the ink, which it enters at ``stone``.
    """
    above = stone - [0.0, 0.0, travel]
    ready = stone - [0.0, 0.0, _READY * travel]
    slow = limits._replace(speed=min(limits.speed, approach))
    parts: list[_Piece] = []
    here = ready
    for index, path in enumerate(paths):
        if dips[index]:
            into = _jump(here, stone, travel, limits) if index else _glide(here, stone, slow, slow=True)
            parts += [into._replace(serves=max(index - 1, 0)), *dip]
            here = dip[-1].rows[-1]
        # The first way down to the paper is slow: whoever stands beside it can still stop the arm.
        if index == 0:
            over = np.array([path[0, 0], path[0, 1], min(path[0, 2], stone[2]) - travel])
            parts += [_jump(here, over, travel, limits), _glide(over, path[0], slow, slow=True)]
        else:
            parts.append(_jump(here, path[0], travel, limits)._replace(serves=index))
        parts.append(_Piece(np.asarray(path, np.float64), STEP, index))
        here = path[-1]
    parts.append(_jump(here, above, travel, limits)._replace(serves=len(paths) - 1))
    parts.append(_glide(above, ready, limits)._replace(serves=len(paths) - 1))
    return parts


def _dip(stone: NDArray[np.float64], shaping: InkStone | None, limits: Limits) -> list[_Piece]:
    """Return what is done in the ink: a rest at ``stone``, and what shapes the tuft if it is pressed flat there."""
    rest = _Piece(np.repeat(stone[None], round(_DIP_SECONDS / STEP) + 1, axis=0), STEP, dip=True)
    if shaping is None:
        return [rest]
    parts, here = [rest], stone
    raised = stone[2] - shaping.press + shaping.height
    for move in shaping.moves((float(stone[0]), float(stone[1])))[1:]:
        end = np.array(move.end) + [0.0, 0.0, raised]
        parts.append(_glide(here, end, limits)._replace(dip=move.wet))
        here = end
    return parts


def _lasting(far: float, limits: Limits) -> float:
    """Return the seconds in which a minimum-jerk profile (Flash and Hogan 1985) covers ``far`` metres in the limits."""
    speed, acceleration, jerk = (float(np.max(limit)) for limit in limits)
    return max(1.875 * far / speed, math.sqrt(5.7735 * far / acceleration), math.cbrt(60.0 * far / jerk), 4 * STEP)


def _pace(at: NDArray[np.float64]) -> NDArray[np.float64]:
    at = np.clip(at, 0.0, 1.0)
    return np.asarray(at**3 * (10.0 - 15.0 * at + 6.0 * at**2))


def _glide(start: NDArray[np.float64], end: NDArray[np.float64], limits: Limits, slow: bool = False) -> _Piece:
    lasting = _lasting(float(np.linalg.norm(end - start)), limits)
    count = max(round(lasting / STEP), 2)
    rows = start + (end - start) * _pace(np.arange(count + 1) / count)[:, None]
    return _Piece(rows, lasting / count, slow=slow)


def _jump(start: NDArray[np.float64], end: NDArray[np.float64], travel: float, limits: Limits) -> _Piece:
    """Return a way through the air: up, across and down, each beginning before the one before it ends."""
    first, last = float(start[2]), float(end[2])
    top = min(first, last, 0.0) - travel
    up, down = (_lasting(abs(z - top), limits) for z in (first, last))
    over = _lasting(float(np.linalg.norm(end[:2] - start[:2])), limits)
    leave = _OVERLAP * up
    lower = max(leave + over - (1 - _OVERLAP) * down, up)
    lasting = max(lower + down, leave + over)
    count = max(round(lasting / STEP), 4)
    at = np.arange(count + 1, dtype=np.float64) * (lasting / count)
    flat = start[:2] + (end[:2] - start[:2]) * _pace((at - leave) / over)[:, None]
    height = first + (top - first) * _pace(at / up) + (last - top) * _pace((at - lower) / down)
    rows = np.column_stack([flat, height])
    rows[-1] = end
    return _Piece(rows, lasting / count)


def _told(found: Unreachable, scene: Scene, pieces: Sequence[_Piece], names: tuple[str, ...]) -> str:
    """Return in one line what cannot be written, why, and where the paper would have to lie."""
    if found.between:  # a stroke that cannot be reached itself says more than the way to it
        found = next(_out_of_reach(scene, pieces), found)
    where = names[found.stroke] + (", on the way between ink and paper" if found.between else "")
    points = np.concatenate([piece.rows[:: max(len(piece.rows) // 8, 1)] for piece in pieces])
    return f"arm: {scene.arm.name} cannot write {where}: {advice(found, scene, points)}"


def _out_of_reach(scene: Scene, pieces: Sequence[_Piece]) -> Iterator[Unreachable]:
    """Yield the strokes that an arm does not reach, looked at coarsely."""
    for piece in pieces:
        if piece.stroke >= 0:
            for place in piece.rows[::8]:
                why = hindrance(scene, scene.calibration.world(place[None])[0])
                if why is not None:
                    yield Unreachable(place, *why, stroke=piece.stroke)
                    break
