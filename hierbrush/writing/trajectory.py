"""The whole movement of the brush with time: the strokes, and the lifts, travels and dips between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TICK = 0.05
"""Seconds of one row, the control tick of every policy (20 Hz)."""

LIFT_HEIGHT = 0.02
"""How far above first touch the brush travels, in metres."""

INK_STONE = 0.03
"""How far right of the paper's edge, half way down, the brush is dipped, in metres."""

TRAVEL_SPEED = 0.25
"""Highest speed in the air, in metres per second."""

_DIP_ROWS = 8

TRAJECTORY = np.dtype(
    [("t", "f8"), ("x", "f8"), ("y", "f8"), ("z", "f8"), ("down", "?"), ("stroke", "i4"), ("dip", "?")]
)
"""Columns of a trajectory.

``t`` seconds; ``x``, ``y`` metres on the paper, x right and y down from its top left corner; ``z`` metres below first
touch, negative in the air; ``down`` whether the brush is writing; ``stroke`` the index of the stroke the row belongs
to, -1 between strokes; ``dip`` whether the brush rests in the ink.
"""


def compose(
    paths: Sequence[NDArray[np.float64]], width: float, height: float
) -> tuple[NDArray[np.void], tuple[slice, ...]]:
    """Join handle paths ``[T+1, 3]`` in metres into one movement on a paper of ``width`` by ``height`` metres.

    Before each stroke the brush dips beside the paper, as the simulator's tuft is refilled and straightened there;
    after each it lifts. In the air it follows a minimum-jerk profile, at most ``TRAVEL_SPEED`` fast.

    Returns the rows (dtype ``TRAJECTORY``, one a tick) and for each stroke the slice of rows that is its path.
    """
    stone = np.array([width + INK_STONE, height / 2, 0.0])
    above_stone = stone - [0.0, 0.0, LIFT_HEIGHT]
    pieces: list[NDArray[np.float64]] = [above_stone[None]]
    labels: list[NDArray[np.int32]] = [np.array([-1], np.int32)]
    dips: list[NDArray[np.bool_]] = [np.array([False])]
    spans: list[slice] = []
    rows = 1

    def add(points: NDArray[np.float64], stroke: int = -1, dip: bool = False) -> None:
        nonlocal rows
        pieces.append(points)
        labels.append(np.full(len(points), stroke, np.int32))
        dips.append(np.full(len(points), dip))
        rows += len(points)

    here = above_stone
    for index, path in enumerate(paths):
        above_start = np.array([path[0, 0], path[0, 1], min(path[0, 2], -LIFT_HEIGHT)])
        add(_glide(here, above_stone))
        add(_glide(above_stone, stone))
        add(np.repeat(stone[None], _DIP_ROWS, axis=0), dip=True)
        add(_glide(stone, above_stone))
        add(_glide(above_stone, above_start))
        add(_glide(above_start, path[0])[:-1])
        spans.append(slice(rows, rows + len(path)))
        add(path, stroke=index)
        here = np.array([path[-1, 0], path[-1, 1], min(path[-1, 2], -LIFT_HEIGHT)])
        add(_glide(path[-1], here))
    add(_glide(here, above_stone))

    trajectory = np.zeros(rows, TRAJECTORY)
    points = np.concatenate(pieces)
    trajectory["t"] = np.arange(rows) * TICK
    for column, name in enumerate("xyz"):
        trajectory[name] = points[:, column]
    trajectory["stroke"] = np.concatenate(labels)
    trajectory["dip"] = np.concatenate(dips)
    trajectory["down"] = (trajectory["stroke"] >= 0) & (trajectory["z"] > 0.0)
    trajectory.flags.writeable = False
    return trajectory, tuple(spans)


def _glide(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows after ``start`` up to and with ``end``: a straight line at a minimum-jerk pace."""
    # A minimum-jerk profile peaks at 15/8 of its mean speed (Flash and Hogan 1985).
    seconds = float(np.linalg.norm(end - start)) * 1.875 / TRAVEL_SPEED
    rows = int(np.ceil(seconds / TICK - 1e-9))
    at = np.arange(1, rows + 1)[:, None] / max(rows, 1)
    pace = at**3 * (10.0 - 15.0 * at + 6.0 * at**2)
    return np.asarray(start + (end - start) * pace)
