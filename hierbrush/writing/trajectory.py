"""The whole movement of the brush with time: the strokes, and the lifts, travels and dips between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cbrt, sqrt

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_number
from hierbrush.ink.stone import InkStone

ROW_SECONDS = 0.025
"""Least seconds between rows: two a control tick of 20 Hz."""

LIFT_HEIGHT = 0.02
"""How far above first touch the brush travels, in metres."""

INK_STONE = 0.03
"""How far right of the paper's edge, half way down, the brush is dipped, in metres."""

_DIP_ROWS = 16

# From what creeps to what no arm reaches; a slower one would make a trajectory of millions of rows.
_BOUNDS = (("speed", "m/s", 1e-3, 1e3), ("acceleration", "m/s²", 1e-3, 1e5), ("jerk", "m/s³", 1e-3, 1e7))

# Where two pieces of movement meet, differences see a little of both; this much slower keeps their sum in the limits.
_SLACK = 1.05

TRAJECTORY = np.dtype(
    [("t", "f8"), ("x", "f8"), ("y", "f8"), ("z", "f8"), ("down", "?"), ("stroke", "i4"), ("dip", "?")]
)
"""Columns of a trajectory.

``t`` seconds; ``x``, ``y`` metres on the paper, x right and y down from its top left corner; ``z`` metres below first
touch, negative in the air; ``down`` whether the brush is writing; ``stroke`` the index of the stroke the row belongs
to, -1 between strokes; ``dip`` whether the brush is in the ink: it rests there, or is shaped on a stone.
"""


@dataclass(frozen=True)
class MotionLimits:
    """What the arm that holds the brush can do; the defaults suit a small desktop robot or plotter.

    The ink does not depend on time, so a movement that would pass a limit is slowed down, never changed.

    Attributes:
        speed: metres a second, at most.
        acceleration: metres a second squared, at most.
        jerk: metres a second cubed, at most.

    Raises:
        HierbrushError: a limit is no number, or below 0.001 or above what any arm reaches.
    """

    speed: float = 0.25
    acceleration: float = 2.0
    jerk: float = 40.0

    def __post_init__(self) -> None:
        for name, unit, low, high in _BOUNDS:
            object.__setattr__(self, name, check_number(f"motion: {name}", getattr(self, name), low, high, unit))

    def row_seconds(self, path: NDArray[np.float64]) -> float:
        """Return the seconds between the rows of ``path`` that keep its speed, acceleration and jerk in the limits.

        ``path`` is float64 [n, 3] in metres, at rest at both ends; what counts are the differences of its rows.
        """
        # Resting before and after is part of the movement: the first and last differences count too.
        resting = np.concatenate([path[:1], path[:1], path, path[-1:], path[-1:]])
        peaks = [float(np.linalg.norm(np.diff(resting, order, axis=0), axis=1).max()) for order in (1, 2, 3)]
        slowest = (peaks[0] / self.speed, sqrt(peaks[1] / self.acceleration), cbrt(peaks[2] / self.jerk))
        return max(ROW_SECONDS, _SLACK * max(slowest))


def motion_peaks(trajectory: NDArray[np.void]) -> tuple[float, float, float]:
    """Return the highest speed (m/s), acceleration (m/s²) and jerk (m/s³) of a movement, as differences of its rows."""
    points = np.stack([trajectory[name] for name in "xyz"], axis=1)
    at, values, peaks = trajectory["t"], points, []
    for _ in range(3):
        steps = np.diff(at)
        values = np.diff(values, axis=0) / steps[:, None]
        at = (at[1:] + at[:-1]) / 2
        peaks.append(float(np.linalg.norm(values, axis=1).max()) if len(values) else 0.0)
    return peaks[0], peaks[1], peaks[2]


def compose(
    paths: Sequence[NDArray[np.float64]],
    width: float,
    height: float,
    limits: MotionLimits,
    dips: Sequence[bool] | None = None,
    stone: InkStone | None = None,
) -> tuple[NDArray[np.void], tuple[slice, ...]]:
    """Join handle paths ``[n, 3]`` in metres into one movement on a paper of ``width`` by ``height`` metres.

    Before each stroke, or those that ``dips`` says, the brush dips beside the paper, as the simulator's tuft is
    refilled and straightened there; after each it lifts. With a ``stone`` it is filled and shaped there by its
    movement. In the air it follows a minimum-jerk profile. Nothing is faster than ``limits``.

    Returns the rows (dtype ``TRAJECTORY``) and for each stroke the slice of rows that is its path.
    """
    if stone is None:
        ink, moves = np.array([width + INK_STONE, height / 2, 0.0]), []
        above_ink = ink - [0.0, 0.0, LIFT_HEIGHT]
    else:
        moves = stone.moves(stone.middle(width, height), soak=_DIP_ROWS)
        ink = np.array([*stone.middle(width, height), -stone.height])
        above_ink = ink - [0.0, 0.0, LIFT_HEIGHT]
    pieces: list[NDArray[np.float64]] = [above_ink[None]]
    labels: list[NDArray[np.int32]] = [np.array([-1], np.int32)]
    wet: list[NDArray[np.bool_]] = [np.array([False])]
    seconds: list[NDArray[np.float64]] = [np.zeros(1)]
    spans: list[slice] = []
    rows = 1

    def add(points: NDArray[np.float64], stroke: int = -1, dip: bool = False, pace: float = ROW_SECONDS) -> None:
        nonlocal rows
        pieces.append(points)
        seconds.append(np.full(len(points), pace))
        labels.append(np.full(len(points), stroke, np.int32))
        wet.append(np.full(len(points), dip))
        rows += len(points)

    def dip_in() -> None:
        if stone is None:
            add(_glide(above_ink, ink, limits))
            add(np.repeat(ink[None], _DIP_ROWS, axis=0), dip=True)
            add(_glide(ink, above_ink, limits))
            return
        at = above_ink
        for move in moves:
            add(_glide(at, np.array(move.end), limits), dip=move.wet)
            at = np.array(move.end)
            if move.rest:
                add(np.repeat(at[None], move.rest, axis=0), dip=True)
        add(_glide(at, above_ink, limits))

    here = above_ink
    for index, path in enumerate(paths):
        above_start = np.array([path[0, 0], path[0, 1], min(path[0, 2], -LIFT_HEIGHT)])
        if dips is None or dips[index]:
            add(_glide(here, above_ink, limits))
            dip_in()
            here = above_ink
        add(_glide(here, above_start, limits))
        add(_glide(above_start, path[0], limits))
        spans.append(slice(rows, rows + len(path)))
        # Its first row repeats where the glide ended: the handle rests for a moment while the pace changes.
        add(path, stroke=index, pace=limits.row_seconds(path))
        here = np.array([path[-1, 0], path[-1, 1], min(path[-1, 2], -LIFT_HEIGHT)])
        add(_glide(path[-1], here, limits))
    add(_glide(here, above_ink, limits))

    trajectory = np.zeros(rows, TRAJECTORY)
    points = np.concatenate(pieces)
    trajectory["t"] = np.cumsum(np.concatenate(seconds))
    for column, name in enumerate("xyz"):
        trajectory[name] = points[:, column]
    trajectory["stroke"] = np.concatenate(labels)
    trajectory["dip"] = np.concatenate(wet)
    trajectory["down"] = (trajectory["stroke"] >= 0) & (trajectory["z"] > 0.0)
    trajectory.flags.writeable = False
    return trajectory, tuple(spans)


def _glide(start: NDArray[np.float64], end: NDArray[np.float64], limits: MotionLimits) -> NDArray[np.float64]:
    """Return the rows after ``start`` up to and with ``end``: a straight line at a minimum-jerk pace, then a rest."""
    # Peaks of a minimum-jerk profile over unit distance and time (Flash and Hogan 1985): speed 15/8, acceleration
    # 10/sqrt(3), jerk 60.
    far = float(np.linalg.norm(end - start))
    lasting = max(
        1.875 * far / limits.speed, (5.7735 * far / limits.acceleration) ** 0.5, (60.0 * far / limits.jerk) ** (1 / 3)
    )
    rows = int(np.ceil(_SLACK * lasting / ROW_SECONDS - 1e-9))
    at = np.arange(1, rows + 1)[:, None] / max(rows, 1)
    pace = at**3 * (10.0 - 15.0 * at + 6.0 * at**2)
    return np.concatenate([start + (end - start) * pace, end[None], end[None]])
