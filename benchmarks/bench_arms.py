"""How well simulated arms write a page, without feedback and with it, and what each error of a weak arm costs.

    python benchmarks/bench_arms.py                         # ten minutes on one core; the tables of docs/arms.md
    python benchmarks/bench_arms.py --practised H runs/through-arm

The figures are IoUs of the ink that the arm drew with the ink that was commanded, character by character. With
``--practised`` they are stroke IoUs in `hierbrush/ArmStroke-v0` of a stroke type that was trained there, beside the
follower and the shipped primitives, and what a control tick costs.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from hierbrush.arms import Arm
from hierbrush.arms.servo import simulate
from hierbrush.writing import Layout, write_text
from hierbrush.writing.on_arm import ArmSheet, DrawnByArm

SHARES = (0.0, 0.5, 1.0)
WITHOUT: dict[str, dict[str, Any]] = {
    "as it is": {},
    "no backlash": {"backlash": 0.0},
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


def practised(stroke: str, policy: str, episodes: int = 48, slots: int = 8) -> None:
    from hierbrush.arms.stroke_env import ArmStrokeVectorEnv
    from hierbrush.envs.stroke import StrokeVectorEnv
    from hierbrush.strokes.rollout import stroke_policy

    stage = {"name": "all", "goals": {"glyphs": {}, "count": 24}}
    passed = {"threshold": 0.9, "maximum_steps": 1000}
    curriculum = {"format": 1, "name": "bench", "strokes": [stroke], "stages": [{**stage, "promotion": passed}]}
    print(f"| {stroke}, mean stroke IoU of {episodes} | so101, feedback 1 | ur5e | no arm |\n|---|---|---|---|")
    for name in ("zero", "learned", policy):
        found = []
        for arm in ("so101", "ur5e", None):
            options = {"curriculum": curriculum}
            env = ArmStrokeVectorEnv(slots, arm=arm, **options) if arm else StrokeVectorEnv(slots, **options)
            act = stroke_policy(name).bind([stroke] * slots)
            observation, _ = env.reset(seed=5)
            scores: list[float] = []
            ticks, began = 0, time.process_time()
            while len(scores) < episodes:
                observation, _, over, _, info = env.step(act(observation))
                ticks += slots
                if over.any():
                    scores += info["episode_metrics"]["iou"][over].tolist()
            rate = ticks / (time.process_time() - began)
            found.append(f"{sum(scores[:episodes]) / episodes:.3f} ({rate:,.0f} ticks/s)")
        print(f"| {name} | {' | '.join(found)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", default="永和九年")
    parser.add_argument("--cell", type=float, default=30.0, help="side of a character's box in mm")
    parser.add_argument(
        "--large", type=float, default=80.0, help="side of the box of the first character written large"
    )
    parser.add_argument("--practised", nargs=2, metavar=("STROKE", "POLICY"), help="score a policy in the environment")
    arguments = parser.parse_args()
    if arguments.practised:
        practised(*arguments.practised)
        return
    for arm in ("ur5e", "so101"):
        planned = on(arm, arguments.text, arguments.cell)
        head(arguments.text)
        for share in SHARES:
            row(f"{arm}, feedback {share:g}", planned.simulate(feedback=share))
    large = on("so101", arguments.text[:1], arguments.large)
    head(arguments.text[:1])
    for share in SHARES:
        row(f"so101, {arguments.large:g} mm, feedback {share:g}", large.simulate(feedback=share))
    head(arguments.text)
    servo = planned.arm.servo
    assert servo is not None
    for name, changes in WITHOUT.items():
        other = servo._replace(**changes)
        if name.startswith("three"):
            other = servo._replace(stiffness=tuple(3 * value for value in servo.stiffness))
        row(f"so101, {name}", DrawnByArm(planned.sheet, simulate(planned.motion, servo=other)))
    hasty = planned.sheet.on(Arm("so101", joint_speed=4.0, joint_acceleration=20.0, joint_jerk=600.0))
    row("so101, as fast as its servos can", hasty.simulate())


if __name__ == "__main__":
    main()
