"""Recordings of a simulated arm that writes, as a LeRobot data set: joints told and reached, a character an episode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from hierbrush.arguments import check_whole
from hierbrush.arms.arm import Arm
from hierbrush.arms.timing import PERIOD
from hierbrush.lerobot import Episode, write_lerobot
from hierbrush.sim import BrushModel
from hierbrush.writing.layout import Layout
from hierbrush.writing.on_arm import DrawnByArm
from hierbrush.writing.write import write_text

PLACE = ("x", "y", "press")


def make_arm_dataset(
    folder: str | PathLike[str],
    characters: Sequence[str],
    *,
    arm: Arm | str | dict[str, Any] = "so101",
    cell: float = 0.03,
    fps: int = 30,
    policy: str = "learned",
    brush: BrushModel | str = "measured",
    feedback: float = 1.0,
    seed: int = 0,
) -> Path:
    """Write a LeRobot data set of version 3.0 in which an arm writes characters, one episode each.

    ``action`` are the joint angles that the arm was told and ``observation.state`` those that it had, in radians;
    ``observation.tip`` is where its tip was: x, y on the paper and press depth in metres.

    Args:
        folder: new or empty.
        characters: to write, in this order.
        arm: which arm, as of `Sheet.on`.
        cell: side of a character's box in metres.
        fps: frames a second, a divisor of 500 or near one.
        policy: who moves the brush, as of `write_text`.
        brush: what writes, as of `write_text`.
        feedback: as of `ArmSheet.simulate`.
        seed: of the encoders' noise; each episode has its own.

    Raises:
        HierbrushError: a character that cannot be written or reached, a folder that holds something, or no pyarrow.
    """
    fps = check_whole("fps", fps, 1, round(1 / PERIOD))
    chosen = Arm.of(arm)
    layout = Layout("horizontal", cell=cell, margin=0.01)

    def episodes() -> Iterator[Episode]:
        for at, character in enumerate(characters):
            page = write_text(character, layout=layout, policy=policy, brush=brush)
            yield episode(page.on(chosen).simulate(seed=seed + at, feedback=feedback), fps)

    recorded = list(episodes())
    joints = tuple(f"{name}.pos" for name in _joints(chosen, layout))
    names = {"action": joints, "observation.state": joints, "observation.tip": PLACE}
    return write_lerobot(Path(folder), recorded, names, fps=fps, robot=chosen.name)


def episode(drawn: DrawnByArm, fps: int) -> Episode:
    """Return a simulated writing as an episode of ``fps`` frames a second."""
    run = drawn.run
    rows = np.rint(np.arange(0.0, run.motion.t[-1], 1.0 / fps) / PERIOD).astype(int)
    features = {"action": run.motion.q[rows], "observation.state": run.q[rows], "observation.tip": run.tip[rows]}
    task = f"Write the character {drawn.wanted.text} with a brush."
    return Episode(task, {name: values.astype(np.float32) for name, values in features.items()})


def _joints(arm: Arm, layout: Layout) -> tuple[str, ...]:
    from hierbrush.arms.scene import build

    paper = layout.paper("一")
    return build(arm, arm.calibration(paper.width, paper.height)).joints
