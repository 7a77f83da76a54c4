"""Arms of our own making: capsules with public dimensions, so that no mesh and no download is needed.

``ur5e`` has the Denavit-Hartenberg numbers and link masses that Universal Robots publishes for the UR5e, so its joint
angles are the controller's. ``so101`` has the link lengths, joint ranges and servos of the SO-101, LeRobot's arm; its
angles count from the middle of each joint's range. Both hang a brush with a tip of 30 mm from their last link: the UR5e
along the flange, the SO-101 across its jaws, as people hold a pen in it: so its five joints reach a tilted sheet too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hierbrush.arms.calibration import Calibration


class Servo(NamedTuple):
    """How an arm's drives follow what they are told, for simulation.

    Attributes:
        stiffness: torque in Nm a radian of error, for each joint.
        damping: torque in Nm for each radian a second of error.
        torque: the most that each joint gives, Nm.
        integral: how fast an error that stays is made up for, 1/s; 0 is a drive that does not.
        gravity: share of the links' weight that the controller makes up for.
        rate: commands that the arm takes a second.
        latency: seconds until a command acts.
        noise: standard deviation of what an encoder reads, radians.
        steps: steps of an encoder's turn; 0 counts as infinitely many.
        backlash: play of each joint behind its motor, radians from end to end.
        computed: whether stiffness and damping are accelerations, 1/s² and 1/s, that the arm's own inertia turns into
            torques: a controller that knows its arm (computed torque).
    """

    stiffness: tuple[float, ...]
    damping: tuple[float, ...]
    torque: tuple[float, ...]
    integral: float
    gravity: float
    rate: float
    latency: float
    noise: float
    steps: int
    backlash: float
    computed: bool = False


@dataclass(frozen=True)
class Preset:
    """An arm that hierbrush brings.

    Attributes:
        mjcf: the arm and its brush as MuJoCo's XML, the brush's tip a site ``tip`` whose z leaves the tip.
        home: joint angles from which the search for others begins, radians.
        speed, acceleration, jerk: limits of each joint, rad/s, rad/s², rad/s³.
        centre: middle of the paper where nobody touched it, in the base frame, metres.
        right: direction of writing there, seen from the base.
        servo: its drives.
    """

    mjcf: str
    home: tuple[float, ...]
    speed: float
    acceleration: float
    jerk: float
    centre: tuple[float, float, float]
    right: tuple[float, float, float]
    servo: Servo

    def paper(self, width: float, height: float) -> Calibration:
        """Return a paper of these metres in front of the arm, flat, its lower edge towards the base."""
        right = np.array(self.right)
        up = np.array([0.0, 0.0, 1.0])
        axes = np.stack([right, np.cross(right, up), up])
        corner = np.array(self.centre) - width / 2 * axes[0] - height / 2 * axes[1]
        return Calibration.of(corner, axes, width, height)


class _Link(NamedTuple):
    """A row of Denavit and Hartenberg's, with the capsules that stand for the link: from, to, radius."""

    a: float
    d: float
    alpha: float
    mass: float
    capsules: tuple[tuple[tuple[float, float, float], tuple[float, float, float], float], ...]


_HALF = math.pi / 2
_UR5E = (
    _Link(0.0, 0.1625, _HALF, 3.761, (((0, 0, 0.09), (0, 0, 0.1625), 0.06),)),
    _Link(-0.425, 0.0, 0.0, 8.058, (((0, 0, 0.02), (0, 0, 0.13), 0.055), ((0, 0, 0.13), (-0.425, 0, 0.13), 0.05))),
    _Link(-0.3922, 0.0, 0.0, 2.846, (((0, 0, 0.11), (0, 0, 0.01), 0.045), ((0, 0, 0.01), (-0.3922, 0, 0.01), 0.042))),
    _Link(0.0, 0.1333, _HALF, 1.37, (((0, 0, 0.02), (0, 0, 0.1333), 0.04),)),
    _Link(0.0, 0.0997, -_HALF, 1.3, (((0, 0, 0.02), (0, 0, 0.0997), 0.04),)),
    _Link(0.0, 0.0996, 0.0, 0.365, (((0, 0, 0.02), (0, 0, 0.07), 0.035),)),
)
_UR5E_JOINTS = ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
_UR5E_RANGES = (2 * math.pi, 2 * math.pi, math.pi, 2 * math.pi, 2 * math.pi, 2 * math.pi)

TUFT = 0.03
"""Metres of hair above the brush's tip."""


def _vector(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.10g}" for value in values)


def _capsule(name: str, start: tuple[float, ...], end: tuple[float, ...], radius: float, mass: float) -> str:
    return f'<geom name="{name}" type="capsule" fromto="{_vector((*start, *end))}" size="{radius}" mass="{mass:.4f}"/>'


def brush_xml(length: float, above: float = 0.0) -> str:
    """Return the brush as a body's content: its axis along z, the tip ``length`` metres out, ``above`` metres behind.

    The tuft touches what it likes, so that it has no shape of its own here.
    """
    return (
        f'<geom name="handle" type="capsule" fromto="0 0 {-above} 0 0 {length - TUFT - 0.006}" size="0.005" '
        'mass="0.02"/>'
        f'<site name="root" pos="0 0 {length - TUFT}" size="0.004"/><site name="tip" pos="0 0 {length}" size="0.002"/>'
    )


def _ur5e() -> str:
    inner = '<body name="brush" pos="0 0 0">' + brush_xml(0.15) + "</body>"
    for at in reversed(range(len(_UR5E))):
        link, name, reach = _UR5E[at], _UR5E_JOINTS[at], _UR5E_RANGES[at]
        geoms = "".join(
            _capsule(f"{name}_{part}", *capsule, mass=link.mass / len(link.capsules))
            for part, capsule in enumerate(link.capsules)
        )
        before = _UR5E[at - 1] if at else _Link(0.0, 0.0, 0.0, 0.0, ())
        turn = _vector((math.cos(before.alpha / 2), math.sin(before.alpha / 2), 0.0, 0.0))
        if at == len(_UR5E) - 1:
            inner = f'<body name="flange" pos="{_vector((link.a, 0.0, link.d))}">{inner}</body>'
        inner = (
            f'<body name="{name}_link" pos="{_vector((before.a, 0.0, before.d))}" quat="{turn}">'
            f'<joint name="{name}" range="{-reach:.6f} {reach:.6f}" armature="{0.8 if at < 3 else 0.2}" damping="2" '
            f'frictionloss="{4.0 if at < 3 else 1.0}"/>{geoms}{inner}</body>'
        )
    return _mjcf(
        "ur5e",
        f'<geom name="foot" type="cylinder" fromto="0 0 0 0 0 0.08" size="0.075" contype="0" conaffinity="0"/>{inner}',
    )


# Joint by joint: where it sits on the link before, its axis, its range, the capsule to the next, the link's mass.
_SO101 = (
    ("shoulder_pan", (0.0388, 0.0, 0.0624), (0, 0, 1), 1.91986, (0.0304, 0.0, 0.0542), 0.1),
    ("shoulder_lift", (0.0304, 0.0, 0.0542), (0, 1, 0), 1.74533, (0.028, 0.0, 0.11257), 0.103),
    ("elbow_flex", (0.028, 0.0, 0.11257), (0, 1, 0), 1.69, (0.1349, 0.0, -0.0052), 0.104),
    ("wrist_flex", (0.1349, 0.0, -0.0052), (0, 1, 0), 1.65806, (0.0611, 0.0, 0.0), 0.079),
    ("wrist_roll", (0.0611, 0.0, 0.0), (1, 0, 0), 2.74385, (0.0981, 0.0, 0.0), 0.1),
)


def _so101() -> str:
    # The handle's axis lies across the gripper's: z of the brush points down when the gripper points ahead.
    inner = '<body name="brush" pos="0.0981 0 0" quat="0 1 0 0">' + brush_xml(0.1, above=0.06) + "</body>"
    for name, place, axis, reach, end, mass in reversed(_SO101):
        inner = (
            f'<body name="{name}_link" pos="{_vector(place)}"><joint name="{name}" axis="{_vector(axis)}" '
            f'range="{-reach} {reach}" armature="0.028" damping="0.6" frictionloss="0.052"/>'
            f"{_capsule(name, (0.0, 0.0, 0.0), end, 0.016, mass)}{inner}</body>"
        )
    return _mjcf(
        "so101",
        f'<geom name="foot" type="box" pos="0.02 0 0.025" size="0.04 0.03 0.025" contype="0" conaffinity="0"/>{inner}',
    )


def _mjcf(name: str, world: str) -> str:
    return (
        f'<mujoco model="{name}"><compiler angle="radian" autolimits="true"/>'
        f'<default><joint type="hinge"/></default><worldbody>{world}</worldbody></mujoco>'
    )


PRESETS = {
    "ur5e": Preset(
        mjcf=_ur5e(),
        home=(0.07, -1.7, -2.2, -0.81, _HALF, 0.0),
        speed=math.pi,
        acceleration=14.0,
        jerk=400.0,
        centre=(0.48, -0.1, 0.0),
        right=(0.0, -1.0, 0.0),
        servo=Servo(
            stiffness=(2e4, 3e4, 1.5e4, 3e3, 2e3, 1e3),
            damping=(800.0, 1000.0, 500.0, 80.0, 60.0, 30.0),
            torque=(150.0, 150.0, 150.0, 28.0, 28.0, 28.0),
            integral=8.0,
            gravity=0.98,
            rate=500.0,
            latency=0.004,
            noise=1e-5,
            steps=1 << 19,
            backlash=0.0,
        ),
    ),
    "so101": Preset(
        mjcf=_so101(),
        home=(0.0, -0.6, 0.8, -0.2, 0.0),
        # The servos could do 4, 20 and 600; so gently the weak drives write a third more slowly, but err half as much.
        speed=1.5,
        acceleration=5.0,
        jerk=80.0,
        centre=(0.3, 0.0, 0.0),
        right=(0.0, -1.0, 0.0),
        servo=Servo(
            stiffness=(35.6,) * 5,
            damping=(0.4,) * 5,
            torque=(2.94,) * 5,
            integral=0.0,
            gravity=0.0,
            rate=100.0,
            latency=0.02,
            noise=4e-4,
            steps=4096,
            backlash=0.0087,
        ),
    ),
}
