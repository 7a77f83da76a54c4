"""The arm in its place as MuJoCo sees it: brush, paper, table and inkstone around a model from us or from a file."""

from __future__ import annotations

from typing import Any, NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

from hierbrush.arms.arm import Arm
from hierbrush.arms.calibration import Calibration
from hierbrush.arms.kinematics import Solver
from hierbrush.arms.model_file import compiled, joint_speeds, keep_only, quiet, read_model
from hierbrush.arms.presets import TUFT
from hierbrush.arms.timing import Limits
from hierbrush.errors import HierbrushError, closest, shown

FIXTURES = ("table", "board", "stone")
_PREFIX = "hierbrush_"
_RIM, _RIM_RADIUS, _RIM_PARTS = 0.008, 0.022, 12
_CLEAR = 0.003
"""Metres nearer than which two things count as touching."""
_FEWEST_JOINTS = 3


class Scene(NamedTuple):
    """A compiled arm in its place.

    ``joints`` are the names of its moving joints from the base to the tip; ``site`` is the number of the tip's site;
    ``close`` are pairs of the arm's own shapes that touch in its home pose already, as crude ones of neighbours do.
    """

    arm: Arm
    calibration: Calibration
    model: mujoco.MjModel
    joints: tuple[str, ...]
    site: int
    solver: Solver
    close: frozenset[tuple[int, int]] = frozenset()

    @property
    def limits(self) -> Limits:
        """Limits of the joints: what the arm is told, and unless that says otherwise what its URDF does."""
        limits, arm = self.arm.limits(len(self.joints)), self.arm
        if arm.preset is not None or arm.joint_speed is not None:
            return limits
        return limits._replace(speed=np.minimum(limits.speed, joint_speeds(arm.model, self.joints)))

    @property
    def margin(self) -> NDArray[np.float64]:
        """What each joint keeps from the ends of its range: radians, of slides a tenth as many metres."""
        slides = self.model.jnt_type[: len(self.joints)] == int(mujoco.mjtJoint.mjJNT_SLIDE)
        return np.where(slides, 0.1, 1.0) * self.arm.limit_margin

    @property
    def axis(self) -> NDArray[np.float64]:
        """The direction in which the brush points: into the paper."""
        return np.asarray(-self.calibration.axes[2])

    def touching(self, angles: NDArray[np.float64]) -> tuple[str, str] | None:
        """Return the names of two things that touch each other in a pose, or None; the tuft may touch anything."""
        found = self._touching(angles) - self.close
        if not found:
            return None
        first, second = min(found)
        return self._named(first), self._named(second)

    def _touching(self, angles: NDArray[np.float64]) -> set[tuple[int, int]]:
        solver = self.solver
        tip, _ = solver.pose(angles)
        with quiet():
            mujoco.mj_collision(self.model, solver.data)
        contacts = solver.data.contact
        near = np.flatnonzero(contacts.dist < _CLEAR)
        if not len(near):
            return set()
        near = near[np.linalg.norm(contacts.pos[near] - tip, axis=1) > TUFT + _CLEAR]
        return {(int(first), int(second)) for first, second in contacts.geom[near]}

    def _is_fixture(self, geom: int) -> bool:
        name: str = self.model.geom(geom).name
        return name.startswith(_PREFIX)

    def _named(self, geom: int) -> str:
        name: str = self.model.geom(geom).name or self.model.body(self.model.geom_bodyid[geom]).name
        plain = name.removeprefix(_PREFIX).rstrip("_0123456789")
        return plain.removesuffix("_link") or name


def build(arm: Arm, calibration: Calibration, *, backlash: float = 0.0, contacts: bool = True) -> Scene:
    """Return an arm before its paper.

    Args:
        arm: which one.
        calibration: where its paper lies.
        backlash: play in radians that each joint has behind its motor, as a second joint on the same axis.
        contacts: whether things can touch; a simulation of the drives needs none.

    Raises:
        HierbrushError: the arm's file cannot be used, or has no such tip.
    """
    spec = _spec(arm)
    tip = _tip_site(spec, arm)
    chain = _chain(spec, tip, arm)
    if arm.preset is None:
        keep_only(spec, chain)
    _fixtures(spec, calibration)
    if not contacts:
        spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONTACT
    if backlash:
        _add_play(spec, chain, backlash)
    model = compiled(spec, arm.model)
    site = model.site(tip.name).id
    scene = Scene(arm, calibration, model, tuple(chain), site, Solver(model, site, arm.start(len(chain))))
    if not contacts:
        return scene
    # Whoever drew an arm with shapes that overlap at its joints still wants it to move.
    pairs = scene._touching(scene.solver.home)
    return scene._replace(close=frozenset(pair for pair in pairs if not any(map(scene._is_fixture, pair))))


def _spec(arm: Arm) -> Any:
    preset = arm.preset
    return read_model(arm.model) if preset is None else mujoco.MjSpec.from_string(preset.mjcf)


def _tip_site(spec: Any, arm: Arm) -> Any:
    for site in spec.sites:
        if site.name == arm.tip:
            return site
    for body in spec.bodies:
        if body.name == arm.tip and body.name != "world":
            return body.add_site(name=f"{_PREFIX}tip", size=[0.002, 0.002, 0.002])
    sites = [site.name for site in spec.sites if site.name]
    there = sites or [body.name for body in spec.bodies if body.name not in ("", "world")]
    known = f"; there are {', '.join(there[:20])}{closest(arm.tip, there)}" if there else ", which has none with a name"
    raise HierbrushError(f"arm: tip: {shown(arm.tip)} is no site or body of {shown(arm.model)}{known}")


def _chain(spec: Any, tip: Any, arm: Arm) -> list[str]:
    """Return the names of the hinges and slides from the base to the tip.

    Raises:
        HierbrushError: there are fewer than three, or a ball or free joint among them.
    """
    found: list[str] = []
    body = tip.parent
    while body is not None and body.name != "world":
        for joint in reversed(list(body.joints)):
            if joint.type not in (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE):
                raise HierbrushError(f"arm: joint {shown(joint.name)} is neither a hinge nor a slide")
            if not joint.name:
                joint.name = f"{_PREFIX}joint_{len(found)}"
            found.insert(0, joint.name)
        body = body.parent
    if len(found) < _FEWEST_JOINTS:
        raise HierbrushError(
            f"arm: tip: {len(found)} joints lead to {shown(arm.tip)}, expected {_FEWEST_JOINTS} hinges or slides"
        )
    return found


def _fixtures(spec: Any, calibration: Calibration) -> None:
    world, axes = spec.worldbody, calibration.axes
    near = {"margin": 2 * _CLEAR, "gap": 2 * _CLEAR, "contype": 1, "conaffinity": 1}
    plane = mujoco.mjtGeom.mjGEOM_PLANE
    below = calibration.table - 0.001
    world.add_geom(name=f"{_PREFIX}table", type=plane, size=[2, 2, 0.1], pos=[0, 0, below], **near)
    turn = np.zeros(4)
    mujoco.mju_mat2Quat(turn, np.stack([axes[0], -axes[1], axes[2]], axis=1).reshape(-1))
    middle = calibration.corners.mean(axis=0) - 0.003 * axes[2]
    size = [calibration.width / 2, calibration.height / 2, 0.003]
    world.add_geom(name=f"{_PREFIX}board", type=mujoco.mjtGeom.mjGEOM_BOX, size=size, pos=middle, quat=turn, **near)
    for part in range(_RIM_PARTS):
        angle = [2 * np.pi * (part + side) / _RIM_PARTS for side in (0, 1)]
        ends = [
            calibration.stone + _RIM_RADIUS * (np.cos(a) * axes[0] + np.sin(a) * axes[1]) + (_RIM - 0.003) * axes[2]
            for a in angle
        ]
        world.add_geom(
            name=f"{_PREFIX}stone_{part}", type=mujoco.mjtGeom.mjGEOM_CAPSULE, fromto=[*ends[0], *ends[1]],
            size=[0.003, 0, 0], **near,
        )  # fmt: skip


def _add_play(spec: Any, chain: list[str], backlash: float) -> None:
    """Let every joint play behind its motor; half of its friction and damping then acts on each side of the play."""
    for body in spec.bodies:
        for joint in list(body.joints):
            if joint.name not in chain:
                continue
            body.add_joint(
                name=f"{joint.name}_play", type=joint.type, axis=joint.axis, pos=joint.pos,
                range=[-backlash / 2, backlash / 2], limited=True, armature=1e-4, solref_limit=[0.004, 1.0],
            )  # fmt: skip
            joint.frictionloss, joint.damping = joint.frictionloss / 2, joint.damping / 2
            output = spec.add_tendon(
                name=f"{joint.name}_output", frictionloss=joint.frictionloss, damping=joint.damping
            )
            output.wrap_joint(joint.name, 1.0)
            output.wrap_joint(f"{joint.name}_play", 1.0)
