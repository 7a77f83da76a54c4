"""Time along a path: as fast as speed, acceleration and jerk of every joint and of the tip allow, smooth, never faster.

A path comes with a time of its own, that of the hand that wrote it. It is slowed down where it passes a limit: by the
ratio of the speed, the square root of that of the acceleration, the cube root of that of the jerk. These slowings
differ from place to place, so they are widened and smoothed before time is stretched by them, and what the smoothing
itself adds is found by looking at the result, and taken off by slowing all of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, CubicSpline, make_interp_spline
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from hierbrush.errors import HierbrushError

PERIOD = 0.002
"""Seconds between the rows of a movement: 500 a second, as a UR takes them."""

_SLACK = 1.01
_LOOK = 0.15  # seconds before and after a tight place that are slowed with it
_MOST_ROUNDS = 12


class Limits(NamedTuple):
    """Most that each joint (radians) or the tip (metres) may do: speed, acceleration and jerk, each a number or [n]."""

    speed: NDArray[np.float64] | float
    acceleration: NDArray[np.float64] | float
    jerk: NDArray[np.float64] | float


def resting_spline(values: NDArray[np.float64], step: float) -> BSpline:
    """Return the quintic spline through rows [n >= 2, k], ``step`` seconds apart, at rest at both ends."""
    rest = [(1, np.zeros(values.shape[1])), (2, np.zeros(values.shape[1]))]
    at = np.arange(len(values)) * step
    if len(values) < 6:  # too few for a quintic: repeat the ends, which it rests at anyhow
        values = np.concatenate([values[:1]] * 3 + [values] + [values[-1:]] * 3)
        at = np.linspace(0.0, at[-1], len(values))
    return make_interp_spline(at, values, k=5, bc_type=(rest, rest))


def differences(rows: NDArray[np.float64], period: float = PERIOD) -> list[NDArray[np.float64]]:
    """Return speed, acceleration and jerk as differences of rows that rest before and after, [n + ., k] each."""
    resting = np.concatenate([rows[:1]] * 3 + [rows] + [rows[-1:]] * 3)
    return [np.diff(resting, order, axis=0) / period**order for order in (1, 2, 3)]


def excess(joints: NDArray[np.float64], tip: NDArray[np.float64], limits: tuple[Limits, Limits]) -> float:
    """Return by what factor time must be stretched for rows of a movement to keep the limits; up to 1 they do."""
    worst = 0.0
    for order, (of_joints, of_tip) in enumerate(zip(differences(joints), differences(tip), strict=True)):
        ratio = max(
            float((np.abs(of_joints) / limits[0][order]).max()),
            float(np.linalg.norm(of_tip, axis=1).max() / limits[1][order]),
        )
        worst = max(worst, ratio ** (1 / (order + 1)))
    return worst


def paced(
    joints: BSpline, tip: BSpline, seconds: float, limits: tuple[Limits, Limits]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return rows every `PERIOD` of a path that keep the limits, and the time of the path's own that each is at.

    Args:
        joints: joint angles [k] as a function of the path's own time, at rest at both ends.
        tip: the tip's place [3] as a function of the same.
        seconds: the path's own length.
        limits: of the joints and of the tip.

    Returns:
        Joint angles [n, k] and the path's own times [n], first and last those of its ends.
    """
    step = seconds / max(round(seconds / PERIOD), 8)
    grid = np.arange(round(seconds / step) + 1, dtype=np.float64) * step
    slowing = _slowing(joints, tip, grid, step, limits)
    for _ in range(_MOST_ROUNDS):
        own = _inverse(grid, slowing)
        rows = joints(own)
        rows[0], rows[-1] = joints(0.0), joints(seconds)
        beyond = excess(rows, tip(own), limits)
        if beyond <= 1.0:
            return rows, own
        slowing = slowing * max(beyond, 1.002) * 1.001
    raise HierbrushError("arm: no pace keeps these limits of speed, acceleration and jerk; choose wider ones")


def _slowing(
    joints: BSpline, tip: BSpline, grid: NDArray[np.float64], step: float, limits: tuple[Limits, Limits]
) -> NDArray[np.float64]:
    """Return by what factor time is stretched at each place of a path, [n] >= 1, smooth."""
    slowing = np.ones(len(grid))
    for order in (1, 2, 3):
        of_joints = (np.abs(joints.derivative(order)(grid)) / limits[0][order - 1]).max(axis=1)
        of_tip = np.linalg.norm(tip.derivative(order)(grid), axis=1) / limits[1][order - 1]
        slowing = np.maximum(slowing, _SLACK * np.maximum(of_joints, of_tip) ** (1 / order))
    reach = max(int(_LOOK / step), 1)
    wide = maximum_filter1d(slowing, 2 * reach + 1, mode="nearest")
    for _ in range(3):  # three boxes make a smooth bell that lies within what was widened
        wide = uniform_filter1d(wide, max(2 * reach // 3, 1), mode="nearest")
    return np.asarray(wide)


def _inverse(grid: NDArray[np.float64], slowing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the path's own times at every `PERIOD` of stretched time, both ends included."""
    stretch = CubicSpline(grid, slowing)
    clock = stretch.antiderivative()
    lasting = float(clock(grid[-1]))
    count = max(int(np.ceil(lasting / PERIOD - 1e-9)), 1)
    wanted = np.arange(count + 1) * (lasting / count)
    own = np.interp(wanted, clock(grid), grid)
    for _ in range(3):
        own = np.clip(own - (clock(own) - wanted) / stretch(own), 0.0, grid[-1])
    return np.asarray(own)
