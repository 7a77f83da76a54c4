"""What a hand can do: how far and how fast it follows commands, and how it comes to rest.

A handle goes where the uniform cubic B-spline of its commands goes, one command a control tick, so that its speed and
acceleration are continuous. `BrushBatch.follow` moves handles so, `StrokeBatch.track` too; this page is for whoever
needs the same without a brush, as a planner or an arm does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_number

TICK_SECONDS = 0.05
"""A control tick: a command is followed for so long."""

_RISE = 0.002  # metres a tick that the handle rises when a stroke is over


@dataclass(frozen=True)
class HandleLimits:
    """How far commands may take the handle.

    Attributes:
        unit: metres, the length scale of observations.
        reach: metres that an action of 1 moves the handle off the reference path.
        move: metres a tick in the plane, at most.
        press: metres a tick in depth, at most.
        lift: metres above first touch that the handle may rise within a stroke.
    """

    unit: float = 0.003
    reach: float = 0.003
    move: float = 0.008
    press: float = 0.005
    lift: float = 0.003

    def __post_init__(self) -> None:
        for name in ("unit", "reach", "move", "press", "lift"):
            check_number(name, getattr(self, name), 1e-6, 0.1, "metres")


def spline(commands: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where handles are that follow commands.

    Args:
        commands: float64 [..., n + 3, 3], one a tick, the oldest first; the first three lie behind.

    Returns:
        float64 [..., 2 n, 3], two rows a tick, the middle of it and its end.
    """
    c3, c2, c1, c0 = commands[..., :-3, :], commands[..., 1:-2, :], commands[..., 2:-1, :], commands[..., 3:, :]
    rows = np.empty((*c0.shape[:-2], 2 * c0.shape[-2], 3))
    rows[..., 0::2, :] = (c3 + 23 * c2 + 23 * c1 + c0) / 48
    rows[..., 1::2, :] = (c2 + 4 * c1 + c0) / 6
    return rows


def lift_off(command: NDArray[np.float64], height: float) -> NDArray[np.float64]:
    """Return how a handle goes on from its last commands until it rests in the air.

    Args:
        command: float64 [3, 3], the last three commanded poses, newest first, metres.
        height: metres above the paper to rest at.

    Returns:
        float64 [2 n, 3], two rows a tick: the spline of the commands, straight up at the end.
    """
    newest = command[0]
    rises = max(math.ceil((float(newest[2]) + height) / _RISE), 1)
    depths = np.concatenate([np.linspace(newest[2], -height, rises + 1)[1:], [-height, -height]])
    ahead = np.stack([np.full(len(depths), newest[0]), np.full(len(depths), newest[1]), depths], axis=1)
    return spline(np.concatenate([command[::-1], ahead]))


def lift_offs(commands: NDArray[np.float64], height: float) -> NDArray[np.float64]:
    """Return `lift_off` of n handles, float64 [n, rows, 3]; those that rest sooner stay at rest.

    Args:
        commands: float64 [n, 3, 3].
        height: metres above the paper to rest at.
    """
    newest = commands[:, 0]
    rises = np.maximum(np.ceil((newest[:, 2:] + height) / _RISE), 1.0)
    upward = np.arange(1, int(rises.max(initial=1.0)) + 3)
    depths = np.where(upward < rises, upward * ((-height - newest[:, 2:]) / rises) + newest[:, 2:], -height)
    ahead = np.concatenate([np.repeat(newest[:, None, :2], len(upward), axis=1), depths[..., None]], axis=2)
    return spline(np.concatenate([commands[:, ::-1], ahead], axis=1))
