"""What simulated arms do: what is promised of their movements, how well they write, and what each error costs.

    python benchmarks/bench_arms.py                         # ten minutes on one core; the tables of docs/arms.md
    python benchmarks/bench_arms.py --only claims           # claims, page, errors or speed alone
    python benchmarks/bench_arms.py --practised runs/guided-arm --characters 24

``claims`` measures every row of movements. ``page`` and ``errors`` have IoUs of the ink that the arm drew with the ink
that was commanded, character by character. ``speed`` is that of `hierbrush/ArmStroke-v0`. ``--practised`` lets policies
write test characters through arms, with their eyes open: at every tick they see where the arm really took the brush.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from hierbrush.arms import PRESETS, Arm
from hierbrush.arms.hands import ArmHands
from hierbrush.arms.kinematics import Target
from hierbrush.arms.motion import Motion, deviation
from hierbrush.arms.servo import simulate
from hierbrush.arms.stroke_env import ArmStrokeVectorEnv
from hierbrush.arms.timing import PERIOD, differences
from hierbrush.characters import load_library, split
from hierbrush.envs.stroke import StrokeVectorEnv
from hierbrush.strokes.rollout import write_strokes
from hierbrush.writing import Layout, Writing, write_characters, write_text
from hierbrush.writing.on_arm import ArmSheet, DrawnByArm

COLUMNS = (
    "tip off, µm", "brush off, °", "from joint limits, rad", "weakest direction, mm/rad", "elbow", "touching",
    "most of a limit", "deepest between strokes (in them), mm", "first ways down, mm/s",
)  # fmt: skip
SHARES = (0.0, 0.5, 1.0)
WITHOUT: dict[str, dict[str, Any]] = {
    "as it is": {},
    "no backlash": {"backlash": 0.0},
    "1° of backlash, as owners measure": {"backlash": 0.01745},
    "encoders without steps and noise": {"steps": 0, "noise": 0.0},
    "no latency": {"latency": 0.0},
    "its weight made up for": {"gravity": 1.0},
    "three times as stiff": {},
}


def row(name: str, drawn: DrawnByArm) -> None:
    errors = drawn.run.errors * 1e3
    scores = " / ".join(f"{found.iou:.3f}" for found in drawn.scores)
    print(f"| {name} | **{drawn.iou:.3f}** | {scores} | {errors.mean():.2f} | {errors.max():.2f} |", flush=True)


def head(text: str) -> None:
    print(f"\n| | mean IoU | {' / '.join(text)} | line off, mm, mean | most |\n|---|---|---|---|---|")


def on(arm: str, text: str, cell: float) -> ArmSheet:
    layout = Layout("horizontal", cell=cell / 1e3, margin=0.02 if cell < 50 else 0.005)
    page = write_text(text, layout=layout)
    began = time.process_time()
    planned = page.on(arm)
    motion = planned.motion
    print(
        f"\n{arm}, boxes of {cell:g} mm: {planned.t[-1]:.0f} s of movement, planned in "
        f"{time.process_time() - began:.1f} s; tip within {motion.tip_error * 1e6:.2f} µm, brush within "
        f"{motion.tilt_error * 57.3:.5f}° of upright"
    )
    return planned


def claims(text: str, cell: float) -> None:
    """Print what is promised of every movement, measured row by row, on flat, tilted and turned paper."""
    layout = Layout("horizontal", cell=cell / 1e3, margin=0.02)
    page = write_text(text, layout=layout)
    print(f"| | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 1)}")
    for name, tilt, turn in (("ur5e", 0, 0), ("ur5e", 15, 20), ("so101", 0, 0), ("so101", -8, 15)):
        motion = page.on(_tilted(name, page.width, page.height, tilt, turn)).motion
        print(f"| {name}, tilted by {tilt}°, turned by {turn}° | {' | '.join(measured(motion))} |", flush=True)


def _tilted(name: str, width: float, height: float, tilt: float, turn: float) -> Arm:
    """Return an arm whose paper was touched at four corners: tilted about its lower edge's direction, and turned."""
    placed = PRESETS[name].paper(width, height)
    middle = placed.corners.mean(axis=0)
    about_z, about_right = (Rotation.from_rotvec(np.radians(angle) * axis) for angle, axis in
                            ((turn, placed.axes[2]), (tilt, placed.axes[0])))  # fmt: skip
    points = (about_z * about_right).apply(placed.corners - middle) + middle
    points[:, 2] += 0.02 if tilt else 0.0
    return Arm(name, points=tuple(map(tuple, points.tolist())))


def measured(motion: Motion) -> list[str]:
    scene, solver = motion.scene, motion.scene.solver
    middles = [(rows[1:] + rows[:-1]) / 2 for rows in (motion.q, motion.tip)]
    off = np.maximum(deviation(scene, motion.q, motion.tip), deviation(scene, *middles))
    margin = float(np.minimum(motion.q - solver.low, solver.high - motion.q).min())
    some = range(0, len(motion.q), 25)
    targets = scene.calibration.world(motion.tip)
    across = None if solver.joints < 6 else solver.pose(motion.q[0])[1][:, 0].copy()
    weakest = min(solver.weakness(motion.q[at], Target(targets[at], scene.axis, across)) for at in some)
    touching = sum(scene.touching(motion.q[at]) is not None for at in some)
    elbow = "one side" if np.ptp(np.sign(motion.q[:, 2])) == 0 else "CHANGES"
    ratio = 0.0
    for order, (joints, tip) in enumerate(zip(differences(motion.q), differences(motion.tip), strict=True)):
        of_tip = float(np.linalg.norm(tip, axis=1).max() / motion.limits[1][order])
        ratio = max(ratio, of_tip, float((np.abs(joints) / motion.limits[0][order]).max()))
    between = motion.stroke < 0
    deepest = f"{motion.tip[between, 2].max() * 1e3:.2f} ({motion.tip[~between, 2].max() * 1e3:.2f})"
    speed = np.linalg.norm(np.diff(motion.tip, axis=0), axis=1) / PERIOD
    start = motion.spans[0].start
    low = np.flatnonzero(motion.tip[:start, 2] < -motion.arm.travel + 1e-3)[-1]
    slow = max(float(speed[: int(motion.dip.argmax())].max()), float(speed[low:start].max()))
    return [
        f"{off[0] * 1e6:.3f}", f"{np.degrees(off[1]):.6f}", f"{margin:.2f}", f"{weakest * 1e3:.0f}", elbow,
        f"{touching} of {len(some)} poses", f"{ratio:.4f}", deepest, f"{slow * 1e3:.1f}",
    ]  # fmt: skip


def practised(policies: list[str], count: int, cell: float) -> None:
    """Print how test characters come out that are written through arms by policies which see where the brush is."""
    characters = [char for char in load_library() if split(char) == "test"]
    chosen = [characters[at] for at in np.random.default_rng(31).permutation(len(characters))[:count]]
    asked = write_characters(chosen, policy="scripted", goal="glyph")
    goals = [stroke.goal for writing in asked for stroke in writing.strokes]
    print(f"\n{count} test characters, {len(goals)} strokes, boxes of {cell:g} mm; IoU with the glyph, 5th percentile")
    print("\n| | no arm | so101, feedback 1 | so101, feedback 0 |\n|---|---|---|---|")
    hands = [None, *(ArmHands(16, cell=cell / 1e3, feedback=share) for share in (1.0, 0.0))]
    for name in ("zero", "learned", *policies):
        cells = []
        for hand in hands:
            if hand is not None:
                hand.reseed(5)
            paths = iter(write_strokes(goals, asked[0].brush, policy=name, hand=hand))
            ious = [
                Writing(each.plan, brush=each.brush, policy=name, seed=0, motion=each.motion,
                        stroke_paths=[next(paths) for _ in each.strokes]).scores.iou
                for each in asked
            ]  # fmt: skip
            cells.append(f"{np.mean(ious):.3f}  {np.percentile(ious, 5):.3f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def speed(slots: int = 8, ticks: int = 400) -> None:
    """Print how many control ticks a second of the processor's time the environment does."""
    print("\n| control ticks a second, one core | |\n|---|---|")
    for name, env in (("so101", ArmStrokeVectorEnv(slots)), ("ur5e", ArmStrokeVectorEnv(slots, arm="ur5e")),
                      ("no arm", StrokeVectorEnv(slots))):  # fmt: skip
        env.reset(seed=5)
        actions = np.zeros((slots, 3), np.float32)
        began = time.process_time()
        for _ in range(ticks // slots if name != "no arm" else ticks):
            env.step(actions)
        done = ticks // slots * slots if name != "no arm" else ticks * slots
        print(f"| {name} | {done / (time.process_time() - began):,.0f} |", flush=True)


def page(text: str, cell: float, large: float) -> None:
    for arm in ("ur5e", "so101"):
        planned = on(arm, text, cell)
        head(text)
        for share in SHARES:
            row(f"{arm}, feedback {share:g}", planned.simulate(feedback=share))
    planned = on("so101", text[:1], large)
    head(text[:1])
    for share in SHARES:
        row(f"so101, {large:g} mm, feedback {share:g}", planned.simulate(feedback=share))


def errors(text: str, cell: float) -> None:
    planned = on("so101", text, cell)
    head(text)
    servo = planned.arm.servo
    assert servo is not None
    for name, changes in WITHOUT.items():
        other = servo._replace(**changes)
        if name.startswith("three"):
            other = servo._replace(stiffness=tuple(3 * value for value in servo.stiffness))
        row(f"so101, {name}", DrawnByArm(planned.sheet, simulate(planned.motion, servo=other)))
    hasty = planned.sheet.on(Arm("so101", joint_speed=4.0, joint_acceleration=20.0, joint_jerk=600.0))
    row("so101, as fast as its servos can", hasty.simulate())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", default="永和九年")
    parser.add_argument("--cell", type=float, default=30.0, help="side of a character's box in mm")
    parser.add_argument(
        "--large", type=float, default=80.0, help="side of the box of the first character written large"
    )
    parser.add_argument("--only", choices=("claims", "page", "errors", "speed"))
    parser.add_argument("--practised", nargs="+", metavar="POLICY", help="let policies write test characters")
    parser.add_argument("--characters", type=int, default=24, help="test characters for that")
    told = parser.parse_args()
    if told.practised:
        practised(told.practised, told.characters, told.cell)
        return
    parts: dict[str, Callable[[], None]] = {
        "claims": lambda: claims(told.text, told.cell),
        "page": lambda: page(told.text, told.cell, told.large),
        "errors": lambda: errors(told.text, told.cell),
        "speed": speed,
    }
    for name, part in parts.items():
        if told.only in (None, name):
            part()


if __name__ == "__main__":
    main()
