"""Joint angles for a brush's pose: damped least squares on MuJoCo's Jacobian of the tip.

The step is Levenberg and Marquardt's as Wampler (1986) and Nakamura and Hanafusa (1986) use it for arms:
``dq = Jᵀ (J Jᵀ + λ² I)⁻¹ e``. Damping fades as the error does, so that a solution is exact to rounding.
"""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

TIP_TOLERANCE = 1e-8
"""Metres (and radians) at which a solution counts as found; what is promised of a movement is 20 µm and 0.1°."""
_STEPS = 60
_LONGEST_STEP = 0.3  # radians
_TURN = 0.1  # metres that a radian of tilt counts as


class Target(NamedTuple):
    """What a brush is to do: ``place`` [3] of its tip, ``axis`` [3] where it points, ``across`` [3] its x or None.

    ``across`` holds the handle's turn about itself, which an arm of five joints has no say in.
    """

    place: NDArray[np.float64]
    axis: NDArray[np.float64]
    across: NDArray[np.float64] | None = None


def cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cross product of two vectors [3]; NumPy's takes ten times as long for so few."""
    x, y, z = a.tolist()
    u, v, w = b.tolist()
    return np.array([y * w - z * v, z * u - x * w, x * v - y * u])


class Solver:
    """Inverse kinematics of one site of a MuJoCo model.

    Args:
        model: the compiled arm; its first ``len(home)`` joints are hinges or slides.
        site: number of the tip's site.
        home: joint angles that redundant joints are drawn to, [n].
    """

    def __init__(self, model: mujoco.MjModel, site: int, home: NDArray[np.float64]) -> None:
        self.model, self.site, self.home = model, site, home
        self.data = mujoco.MjData(model)
        self.joints = len(home)
        self._jacobian = np.zeros((6, model.nv))
        limited = model.jnt_limited[: self.joints].astype(bool)
        self.low = np.where(limited, model.jnt_range[: self.joints, 0], -np.inf)
        self.high = np.where(limited, model.jnt_range[: self.joints, 1], np.inf)

    def pose(self, angles: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the tip's place [3] and its axes as columns [3, 3]: live arrays, until the next call."""
        self.data.qpos[: self.joints] = angles
        mujoco.mj_kinematics(self.model, self.data)
        return self.data.site_xpos[self.site], self.data.site_xmat[self.site].reshape(3, 3)

    def jacobian(self, angles: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how tip and orientation change with the joints, [6, n]: metres, then radians about the base's axes."""
        self.pose(angles)
        return self._jacobian_here()

    def _jacobian_here(self) -> NDArray[np.float64]:
        mujoco.mj_comPos(self.model, self.data)
        mujoco.mj_jacSite(self.model, self.data, self._jacobian[:3], self._jacobian[3:], self.site)
        return self._jacobian[:, : self.joints]

    def error(self, target: Target) -> NDArray[np.float64]:
        """Return what lacks from the current pose to a target: metres [3] and a rotation [3] about the base's axes."""
        place = self.data.site_xpos[self.site]
        axes = self.data.site_xmat[self.site].reshape(3, 3)
        turn = cross(axes[:, 2], target.axis)
        if target.across is not None:
            turn = turn + target.axis * (target.axis @ cross(axes[:, 0], target.across))
        if axes[:, 2] @ target.axis < 0:  # from the far side a cross product points the right way, but is short
            turn = turn / max(float(np.linalg.norm(turn)), 1e-3)
        return np.concatenate([target.place - place, turn])

    def rows(self, target: Target) -> NDArray[np.float64]:
        """Return the directions [5 or 6, 6] in which a target says anything, rotations weighed as metres."""
        aside = np.array([1.0, 0.0, 0.0] if abs(target.axis[0]) < 0.9 else [0.0, 1.0, 0.0])
        first = cross(target.axis, aside)
        first /= np.linalg.norm(first)
        turns = [first, cross(target.axis, first), *([] if target.across is None else [target.axis])]
        select = np.zeros((3 + len(turns), 6))
        select[:3, :3] = np.eye(3)
        for at, direction in enumerate(turns):
            select[3 + at, 3:] = direction * _TURN
        return select

    def solve(self, target: Target, start: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return joint angles [n] near ``start`` that reach a target within `TIP_TOLERANCE`, or None."""
        angles = start.copy()
        select = self.rows(target)
        identity = np.eye(len(select))
        best = np.inf
        for step in range(_STEPS):
            self.pose(angles)
            error = select @ self.error(target)
            size = float(np.sqrt(error @ error))
            if size < TIP_TOLERANCE:
                return angles
            if step > 25 and size > 0.9 * best:
                return None
            best = min(best, size)
            jacobian = select @ self._jacobian_here()
            damping = min(1e-2 * size * size, 1e-4) + 1e-12
            square = np.linalg.solve(jacobian @ jacobian.T + damping * identity, np.column_stack([error, jacobian]))
            change = jacobian.T @ square[:, 0]
            if self.joints > len(select):
                # What the task leaves free goes home.
                idle = self.home - angles
                change = change + 0.2 * (idle - jacobian.T @ (square[:, 1:] @ idle))
            longest = float(np.abs(change).max())
            angles = np.clip(angles + change * min(1.0, _LONGEST_STEP / max(longest, 1e-12)), self.low, self.high)
        return None

    def weakness(self, angles: NDArray[np.float64], target: Target) -> float:
        """Return the smallest singular value of the task's Jacobian, metres a radian: 0 where a direction is lost."""
        return float(np.linalg.svd(self.rows(target) @ self.jacobian(angles), compute_uv=False)[-1])
