"""Joint angles reach poses; the UR5e's are the angles of its controller."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.arms import PRESETS, Arm
from hierbrush.arms.kinematics import Solver, Target
from hierbrush.arms.scene import build

# Universal Robots' published Denavit-Hartenberg rows: a, d, alpha.
UR5E = [
    (0, 0.1625, np.pi / 2), (-0.425, 0, 0), (-0.3922, 0, 0), (0, 0.1333, np.pi / 2), (0, 0.0997, -np.pi / 2),
    (0, 0.0996, 0),
]  # fmt: skip


def solver(name: str) -> Solver:
    arm = Arm(name)
    return build(arm, arm.calibration(0.16, 0.07)).solver


def denavit_hartenberg(q: np.ndarray) -> np.ndarray:
    pose = np.eye(4)
    for angle, (a, d, alpha) in zip(q, UR5E, strict=True):
        c, s, ca, sa = np.cos(angle), np.sin(angle), np.cos(alpha), np.sin(alpha)
        row = [[c, -s * ca, s * sa, a * c], [s, c * ca, -c * sa, a * s], [0, sa, ca, d], [0, 0, 0, 1]]
        pose = pose @ np.array(row)
    return pose


def test_the_ur5e_stands_where_denavit_and_hartenberg_say() -> None:
    arm = solver("ur5e")
    rng = np.random.default_rng(1)
    for _ in range(20):
        q = rng.uniform(-3, 3, 6)
        place, axes = arm.pose(q)
        wanted = denavit_hartenberg(q)
        assert np.allclose(place, wanted[:3, 3] + 0.15 * wanted[:3, 2], atol=1e-9)
        assert np.allclose(axes, wanted[:3, :3], atol=1e-9)


@pytest.mark.parametrize("name", PRESETS)
def test_the_jacobian_is_the_pose_s_derivative(name: str) -> None:
    arm = solver(name)
    q = arm.home + 0.1
    jacobian = arm.jacobian(q).copy()
    for joint in range(arm.joints):
        step = np.zeros(arm.joints)
        step[joint] = 1e-6
        ahead = arm.pose(q + step)[0].copy()
        behind = arm.pose(q - step)[0].copy()
        assert np.allclose((ahead - behind) / 2e-6, jacobian[:3, joint], atol=1e-7)


@pytest.mark.parametrize("name", PRESETS)
def test_a_solution_reaches_place_and_axis(name: str) -> None:
    arm = solver(name)
    rng = np.random.default_rng(2)
    centre = np.array(PRESETS[name].centre)
    for _ in range(20):
        target = Target(centre + rng.uniform(-0.04, 0.04, 3) + [0, 0, 0.04], np.array([0.0, 0.0, -1.0]))
        q = arm.solve(target, arm.home)
        assert q is not None
        place, axes = arm.pose(q)
        assert np.linalg.norm(place - target.place) < 1e-7
        assert axes[2, 2] == pytest.approx(-1.0, abs=1e-9)


def test_five_joints_reach_a_tilted_sheet() -> None:
    arm = solver("so101")
    axis = np.array([-0.2, 0.15, -1.0])
    axis /= np.linalg.norm(axis)
    q = arm.solve(Target(np.array([0.3, 0.02, 0.02]), axis), arm.home)
    assert q is not None
    assert np.allclose(arm.pose(q)[1][:, 2], axis, atol=1e-7)


def test_out_of_reach_is_no_answer() -> None:
    for name in PRESETS:
        assert solver(name).solve(Target(np.array([3.0, 0, 0]), np.array([0, 0, -1.0])), solver(name).home) is None
