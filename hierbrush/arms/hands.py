"""Arms as hands: N simulated arms that take brushes where strokes are told to go, and miss as arms do."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_number, check_whole
from hierbrush.arms.arm import Arm
from hierbrush.arms.kinematics import Target
from hierbrush.arms.model_file import quiet
from hierbrush.arms.motion import first_pose
from hierbrush.arms.reach import Unreachable
from hierbrush.arms.scene import build
from hierbrush.arms.servo import UNSTABLE, Plant
from hierbrush.arms.timing import PERIOD
from hierbrush.errors import HierbrushError
from hierbrush.sim import BOX, TICK_SECONDS, StrokeBatch

_ROWS = round(TICK_SECONDS / PERIOD)
_SETTLE_ROWS = 500
_FIRST_ROWS = 10


class ArmHands:
    """N arms, one for each slot of a batch of strokes: a `hierbrush.strokes.rollout.Hand`.

    Args:
        slots: N.
        arm: ``"ur5e"``, ``"so101"``, a file, an `Arm` or its fields.
        cell: side in metres of the box that the arms write in; the simulated box is scaled to it.
        feedback: share (0 to 1) of the error that encoders see and the next command takes off.
        box: side in metres of the simulated box.
        seed: of the encoders' noise.

    Raises:
        HierbrushError: an argument is out of range, or the arm does not reach the middle of its box; while writing, it
            does not reach a place, or its drives became unstable.
    """

    def __init__(
        self,
        slots: int,
        *,
        arm: Any = "so101",
        cell: float = 0.03,
        feedback: float = 1.0,
        box: float = BOX,
        seed: int = 0,
    ) -> None:
        self.slots = check_whole("slots", slots, 1)
        self.arm = Arm.of(arm)
        self.cell = check_number("cell", cell, 0.005, 0.12, "metres")
        self.feedback = check_number("feedback", feedback, 0.0, 1.0, "a share")
        self._arms = [_ArmHand(self.arm, self.cell, box, self.feedback, seed + at) for at in range(self.slots)]

    def reseed(self, seed: int) -> None:
        """Draw the encoders' noise anew."""
        for at, hand in enumerate(self._arms):
            hand.reseed(seed + at)

    def begin(self, batch: StrokeBatch, slots: NDArray[np.int64]) -> None:
        """Hold the arms of slots where their strokes begin."""
        for slot in slots.tolist():
            self._arms[slot].begin(batch.position[slot].copy())

    def errors(self, batch: StrokeBatch, actions: NDArray[np.float32], count: int) -> NDArray[np.float64]:
        """Return by how much the first ``count`` arms are off after a tick of these actions, [slots, 3] metres.

        The batch stays where it was: it is to be tracked with these errors next.
        """
        before = batch.snapshot()
        batch.set_error(np.zeros(3))
        batch.track(actions, 0, count)
        midway, position = batch.midway.copy(), batch.position.copy()
        batch.restore(before)
        found = np.zeros((batch.slots, 3))
        with quiet() as warned:
            for slot in range(count):
                found[slot] = self._arms[slot].go(midway[slot], position[slot])
        if warned:
            raise HierbrushError(UNSTABLE)
        return found


class _ArmHand:
    """An arm that follows handle poses [3] in the simulator's box, a control tick at a time."""

    def __init__(self, arm: Arm, cell: float, box: float, feedback: float, seed: int) -> None:
        self._scale, self._feedback = cell / box, feedback
        self._scene = build(arm, arm.calibration(cell, cell))
        self._plant = Plant(self._scene, arm.servo, seed)
        try:
            self._home, self._across = first_pose(self._scene, np.array([cell / 2, cell / 2, 0.0]))
        except Unreachable:
            raise HierbrushError(
                f"arm: {arm.name} does not reach the middle of a box of {cell * 1e3:g} mm; move the paper"
            ) from None
        self._plant.place(self._home)
        for _ in range(_SETTLE_ROWS):
            self._plant.follow(self._home, feedback)
        self._rest = self._plant.rest(self._home)
        self._wanted: deque[NDArray[np.float64]] = deque(maxlen=self._plant.behind + 1)

    def reseed(self, seed: int) -> None:
        """Draw the encoders' noise anew."""
        self._plant.reseed(seed)

    def begin(self, pose: NDArray[np.float64]) -> None:
        """Hold the arm at a pose, as it hangs in its drives there."""
        self._pose, self._angles = pose, self._solved(pose, self._home)
        self._plant.place(self._angles, self._rest)
        self._wanted.extend([pose] * (self._plant.behind + 1))
        for _ in range(_FIRST_ROWS):
            self._plant.follow(self._angles, self._feedback)

    def go(self, midway: NDArray[np.float64], pose: NDArray[np.float64]) -> NDArray[np.float64]:
        """Let a control tick pass on the way to a pose, and return how far off the arm is, [3] metres.

        What only comes late is no error: it is compared with where it was told to be when the command was given.
        """
        angles = self._solved(midway, self._angles)
        target = self._solved(pose, angles)
        off = np.zeros(3)
        for row in range(1, _ROWS + 1):
            wanted = _through(self._angles, angles, target, row / _ROWS)
            self._plant.follow(wanted, self._feedback)
            self._wanted.append(_through(self._pose, midway, pose, row / _ROWS))
            if row in (_ROWS // 2, _ROWS):
                place = self._scene.calibration.paper(self._plant.tip[0][None])[0] / self._scale
                off += (place - self._wanted[0]) / 2
        self._pose, self._angles = pose, target
        return off

    def _solved(self, pose: NDArray[np.float64], near: NDArray[np.float64]) -> NDArray[np.float64]:
        place = self._scene.calibration.world(pose[None] * self._scale)[0]
        angles = self._scene.solver.solve(Target(place, self._scene.axis, self._across), near)
        if angles is None:
            at = ", ".join(f"{value * 1e3:.0f}" for value in place)
            raise HierbrushError(
                f"arm: {self._scene.arm.name} does not reach {at} mm; move the paper, or write smaller"
            )
        return angles


def _through(
    start: NDArray[np.float64], middle: NDArray[np.float64], end: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Return the parabola through three places at 0, one half and 1."""
    return (
        start * ((1 - share) * (1 - 2 * share)) + middle * (4 * share * (1 - share)) + end * (share * (2 * share - 1))
    )
