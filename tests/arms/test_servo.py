"""The simulated arm draws what its tip did: well on the UR5e, with its real errors on the SO-101."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.arms import PRESETS
from hierbrush.arms.servo import simulate
from hierbrush.errors import HierbrushError
from hierbrush.sim import trace
from hierbrush.writing import Page
from hierbrush.writing.on_arm import ArmSheet, DrawnByArm
from hierbrush.writing.paper import BOX


def test_the_ur5e_draws_what_was_commanded(drawn: DrawnByArm) -> None:
    assert min(found.iou for found in drawn.scores) >= 0.95
    assert drawn.run.tilt.max() < np.radians(0.3)


def test_the_ink_is_what_the_tip_drew(drawn: DrawnByArm, page: Page) -> None:
    cell, paths = page.cells[1], drawn.run.paths[1:]
    assert len(paths) == 2
    fine = [(path - [cell.x, cell.y, 0.0]) * (BOX / cell.side) for path in paths]
    ink = trace(page.brush, fine, box=BOX)
    shown = drawn.sheet.cells[1].writing.image(256)
    assert np.abs(ink - shown).mean() < 0.002
    assert not np.array_equal(shown, cell.writing.image(256))
    assert isinstance(drawn.sheet, Page)
    assert drawn.sheet.text == page.text


def test_the_same_seed_draws_the_same(on_ur5e: ArmSheet, drawn: DrawnByArm) -> None:
    assert np.array_equal(on_ur5e.simulate(seed=3).run.q, drawn.run.q)
    assert not np.array_equal(on_ur5e.simulate(seed=4).run.q, drawn.run.q)


def test_feedback_wins_back_most_of_what_gravity_takes(on_so101: ArmSheet) -> None:
    blind, seeing = (on_so101.simulate(feedback=share) for share in (0.0, 1.0))
    assert blind.run.errors.mean() > 3e-3  # a weak servo sags by millimetres
    assert seeing.run.errors.mean() < 0.2 * blind.run.errors.mean()
    assert seeing.iou > blind.iou + 0.2


def test_each_error_of_a_drive_costs_something(on_so101: ArmSheet) -> None:
    servo = PRESETS["so101"].servo
    clean = servo._replace(backlash=0.0, steps=0, noise=0.0)
    best = simulate(on_so101.motion, servo=clean).errors.mean()
    assert simulate(on_so101.motion, servo=servo).errors.mean() > best
    assert simulate(on_so101.motion, servo=clean._replace(steps=400)).errors.mean() > best


def test_sag_is_weight_over_stiffness(on_so101: ArmSheet) -> None:
    """A pose that is held sags by the torque of gravity over the drive's stiffness."""
    import mujoco

    from hierbrush.arms.servo import Plant

    scene = on_so101.motion.scene
    servo = PRESETS["so101"].servo._replace(backlash=0.0, steps=0, noise=0.0)
    plant = Plant(scene, servo, 0)
    pose = on_so101.q[0]
    plant.place(pose)
    for _ in range(1500):
        plant.follow(pose)
    data = mujoco.MjData(scene.model)
    data.qpos[:5] = plant.angles
    mujoco.mj_forward(scene.model, data)
    wanted = data.qfrc_bias[:5] / np.array(servo.stiffness)
    friction = 0.052 / np.array(servo.stiffness)
    assert np.abs((pose - plant.angles) - wanted).max() < friction.max() + 1e-4


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"seed": -1}, "seed"),
        ({"feedback": 1.5}, "feedback: 1.5, expected a share"),
        ({"feedback": "much"}, "feedback"),
    ],
)
def test_what_cannot_be_simulated_is_told(on_ur5e: ArmSheet, options: dict[str, object], told: str) -> None:
    with pytest.raises(HierbrushError, match=told):
        on_ur5e.simulate(**options)  # type: ignore[arg-type]
