"""What an arm does with a movement: MuJoCo moves the links, drives as real ones follow the commands with errors.

The drives see what their encoders read, late and in steps; gravity, friction and backlash act on the links. The tuft
weighs nothing beside an arm, so paper and ink push back on nothing. What the tip does is given as a path on the paper,
whose ink is then the simulator's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_kind, check_number, check_whole
from hierbrush.arms.model_file import quiet
from hierbrush.arms.motion import Motion
from hierbrush.arms.presets import Servo
from hierbrush.arms.scene import Scene, build
from hierbrush.arms.timing import PERIOD
from hierbrush.errors import HierbrushError
from hierbrush.sim import TICK_SECONDS

_SUBSTEPS = 2
_STEP = PERIOD / _SUBSTEPS
_SETTLE = 1.0  # seconds that the arm holds its first pose before the movement begins, so that it hangs in its drives
_NATURAL = 200.0  # 1/s, of the drives of an arm from a file
_TOLD_ROWS = 500
UNSTABLE = "arm: the simulated drives became unstable; give the servo less stiffness or more damping"
_FARTHEST = 3.0  # metres
_TRUST = 0.3  # share of what a control tick's encoders tell that the next correction believes; the rest is noise


@dataclass(frozen=True, eq=False)
class Run:
    """What an arm did, row by row of its `Motion`.

    Attributes:
        motion: what it was told.
        servo: the drives that were simulated.
        seed: of the encoders' noise.
        feedback: share of the error that encoders saw and the next command took off.
        q: joint angles as they were, float64 [n, joints] radians.
        tip: the brush's tip as it was, on the paper, float64 [n, 3] metres.
        tilt: the brush's angle off upright, float64 [n] radians.
    """

    motion: Motion
    servo: Servo
    seed: int
    feedback: float
    q: NDArray[np.float64]
    tip: NDArray[np.float64]
    tilt: NDArray[np.float64]

    @property
    def paths(self) -> tuple[NDArray[np.float64], ...]:
        """What the tip really did in each stroke, float64 [n, 3] metres on the paper, a row every 2 ms."""
        return tuple(self.tip[span] for span in self.motion.spans)

    @property
    def errors(self) -> NDArray[np.float64]:
        """How far the drawn line lies from the wanted one at each row of the strokes, float64 [n] metres.

        What only comes late leaves the same ink, so the nearest wanted place within a tenth of a second counts.
        """
        return np.concatenate(
            [
                _off(self.tip[span], self.motion.tip[max(span.start - _LATE, 0) : span.stop])
                for span in self.motion.spans
            ]
        )


_LATE = 50


def _off(drawn: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each drawn place [n, 3] from the wanted ones of the last `_LATE` rows."""
    before = len(wanted) - len(drawn)
    nearest = np.full(len(drawn), np.inf)
    for late in range(_LATE + 1):
        shifted = np.clip(np.arange(len(drawn)) + before - late, 0, None)
        np.minimum(nearest, np.linalg.norm(drawn - wanted[shifted], axis=1), out=nearest)
    return nearest


def simulate(
    motion: Motion,
    *,
    seed: int = 0,
    feedback: float = 1.0,
    servo: Servo | None = None,
    told: Callable[[float], object] | None = None,
) -> Run:
    """Return what an arm does with a movement.

    Args:
        motion: joint angles over time.
        seed: of the encoders' noise.
        feedback: share (0 to 1) of the error that encoders see in a control tick and the next one takes off.
        servo: the drives; those of the arm unless told otherwise, stiff and free of errors for an arm from a file.
        told: is called with the share that was simulated since the last call.

    Raises:
        HierbrushError: an argument of the wrong kind or out of range, or the simulation became unstable.
    """
    check_kind("motion", motion, Motion, "a Motion")
    seed = check_whole("seed", seed, 0)
    feedback = check_number("feedback", feedback, 0.0, 1.0, "a share")
    with quiet() as warned:
        plant = Plant(motion.scene, servo or motion.arm.servo, seed)
        plant.place(motion.q[0])
        for _ in range(round(_SETTLE / PERIOD)):
            plant.follow(motion.q[0], feedback)
        count = len(motion.q)
        q, tip, tilt = np.empty_like(motion.q), np.empty((count, 3)), np.empty(count)
        for at, wanted in enumerate(motion.q):
            plant.follow(wanted, feedback)
            q[at] = plant.angles
            tip[at], tilt[at] = plant.tip
            if told is not None and at % _TOLD_ROWS == 0:
                told(min(_TOLD_ROWS, count - at) / count)
    # What becomes unstable MuJoCo puts back to where it began, and says so.
    if warned or not np.isfinite(tip).all() or np.abs(tip).max() > _FARTHEST:
        raise HierbrushError(UNSTABLE)
    paper = motion.scene.calibration.paper(tip)
    return Run(motion, plant.servo, seed, feedback, q, paper, tilt)


def stiff_servo(joints: int) -> Servo:
    """Return drives for an arm of which nothing is known: a controller that knows its inertia, without errors."""
    return Servo(
        stiffness=(_NATURAL**2,) * joints,
        damping=(2 * _NATURAL,) * joints,
        torque=(np.inf,) * joints,
        integral=0.0,
        gravity=1.0,
        rate=1 / PERIOD,
        latency=0.0,
        noise=0.0,
        steps=0,
        backlash=0.0,
        computed=True,
    )


class Rest(NamedTuple):
    """How an arm hangs in its drives: positions off those wanted, the commands' correction, the drives' integral."""

    offset: NDArray[np.float64]
    correction: NDArray[np.float64]
    integral: NDArray[np.float64]


class Plant:
    """An arm with drives that is told joint angles, a row every `PERIOD`.

    Args:
        scene: the arm in its place.
        servo: its drives; None for stiff ones without errors.
        seed: of the encoders' noise.
    """

    def __init__(self, scene: Scene, servo: Servo | None, seed: int) -> None:
        self.servo = servo or stiff_servo(len(scene.joints))
        play = self.servo.backlash
        built = build(scene.arm, scene.calibration, backlash=play, contacts=False)
        self.model, self.site = built.model, built.site
        self.model.opt.timestep = _STEP
        self.model.opt.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        self._axis = scene.axis
        self._places = np.array([self.model.joint(name).qposadr[0] for name in scene.joints])
        self._drives = np.array([self.model.joint(name).dofadr[0] for name in scene.joints])
        self._plays = np.array(
            [self.model.joint(f"{name}_play").qposadr[0] for name in scene.joints] if play else [], np.int64
        )
        self._stiffness, self._damping, self._torque = (
            np.array(row, np.float64) for row in (self.servo.stiffness, self.servo.damping, self.servo.torque)
        )
        self.data: Any = mujoco.MjData(self.model)
        self._hold = max(round(1 / (self.servo.rate * PERIOD)), 1)
        self._late = round(self.servo.latency / PERIOD)
        self._tick = round(TICK_SECONDS / PERIOD)
        # How long a drive takes to do what it is told: the latency, half the time that a command is held, and what it
        # trails behind because of the joint's own damping.
        held = 0.0 if self.servo.computed else self.model.dof_damping[self._drives] / self._stiffness
        trailing = float(np.mean(held))
        self.behind = self._late + self._hold // 2 + round(trailing / PERIOD)
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Draw the encoders' noise anew from a seed."""
        self._rng = np.random.default_rng([seed, 31])

    def rest(self, wanted: NDArray[np.float64]) -> Rest:
        """Return how the arm hangs in its drives now, having held joint angles [n] for a while."""
        offset = self.data.qpos.copy()
        offset[self._places] -= wanted
        return Rest(offset, self._correction.copy(), self._sum.copy())

    def place(self, angles: NDArray[np.float64], rest: Rest | None = None) -> None:
        """Hold the arm at joint angles [n], not moving; with ``rest`` as it hung elsewhere, else before it sags."""
        mujoco.mj_resetData(self.model, self.data)
        if rest is not None:
            self.data.qpos[:] = rest.offset
        self.data.qpos[self._places] = angles if rest is None else angles + rest.offset[self._places]
        mujoco.mj_forward(self.model, self.data)
        told = angles if rest is None else angles + rest.correction
        self._queue = [told.copy() for _ in range(self.behind + self._hold + 1)]
        self._command, self._speed = told.copy(), np.zeros_like(angles)
        self._correction = self._aim = np.zeros_like(angles) if rest is None else rest.correction
        self._sum = np.zeros_like(angles) if rest is None else rest.integral
        self._seen, self._count = np.zeros_like(angles), 0

    @property
    def angles(self) -> NDArray[np.float64]:
        """Joint angles as they are, [n]."""
        there: NDArray[np.float64] = self.data.qpos[self._places]
        return there + self.data.qpos[self._plays] if len(self._plays) else there

    @property
    def tip(self) -> tuple[NDArray[np.float64], float]:
        """The tip's place [3] in the base frame, and the brush's angle off upright in radians."""
        turned = np.array(self.data.site_xmat[self.site][2::3]) - self._axis
        return self.data.site_xpos[self.site], 2.0 * math.asin(min(math.sqrt(float(turned @ turned)) / 2, 1.0))

    def follow(self, wanted: NDArray[np.float64], feedback: float = 0.0) -> None:
        """Tell the arm joint angles [n] and let `PERIOD` pass."""
        # The correction of a control tick comes in over the tick, so that no command jumps.
        self._correction = self._correction + (self._aim - self._correction) * (4.0 / self._tick)
        self._queue.append(wanted + self._correction)
        self._queue.pop(0)
        if self._count % self._hold == 0:
            old, self._command = self._command, self._queue[-1 - self._late]
            self._speed = (self._command - old) / (self._hold * PERIOD)
        for _ in range(_SUBSTEPS):
            read = self._read()
            self._drive(read)
            mujoco.mj_step(self.model, self.data)
        self._seen = self._seen + (read - self._queue[-1 - self.behind])
        self._count += 1
        if self._count % self._tick == 0:
            self._aim = self._aim + _TRUST * (-feedback * self._seen / self._tick - self._aim)
            self._seen = np.zeros_like(self._seen)

    def _read(self) -> NDArray[np.float64]:
        read = self.angles
        if self.servo.noise:
            read = read + self.servo.noise * self._rng.standard_normal(len(read))
        if self.servo.steps:
            turn = 2 * np.pi / self.servo.steps
            read = np.rint(read / turn) * turn
        return read

    def _drive(self, read: NDArray[np.float64]) -> None:
        data = self.data
        speed = data.qvel[self._drives]
        error = self._command - read
        self._sum = self._sum + error * (_STEP * self.servo.integral)
        torque = self._stiffness * (error + self._sum) + self._damping * (self._speed - speed)
        if self.servo.computed:
            torque = self._by_inertia(torque) - data.qfrc_passive[self._drives]
        if self.servo.gravity:
            torque = torque + self.servo.gravity * data.qfrc_bias[self._drives]
        data.qfrc_applied[self._drives] = np.minimum(np.maximum(torque, -self._torque), self._torque)

    def _by_inertia(self, accelerations: NDArray[np.float64]) -> NDArray[np.float64]:
        wanted, torques = np.zeros(self.model.nv), np.zeros(self.model.nv)
        wanted[self._drives] = accelerations
        mujoco.mj_mulM(self.model, self.data, torques, wanted)
        return np.asarray(torques[self._drives])
