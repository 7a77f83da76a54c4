"""Files by which an arm is told a movement: URScript, ROS's JointTrajectory, and plain rows.

Every file says at its head which arm, text and limits it was made for, and holds the movement that was planned, row by
row: nothing is smoothed or left to the controller.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_number, check_whole
from hierbrush.arms.motion import Motion
from hierbrush.arms.timing import PERIOD, differences
from hierbrush.errors import HierbrushError, closest, shown

_URS_JOINTS = 6
_CODES = 12
_JOINT_RATE = (
    50.0  # rows a second of a JointTrajectory: controllers interpolate with positions, speeds and accelerations
)
_ROS = 2


def render(motion: Motion, kind: str, text: str, **options: Any) -> bytes:
    """Return the content of a file.

    Args:
        motion: what the arm is to do.
        kind: one of `KINDS`.
        text: what is written, for the head.
        options: ``lookahead`` (s), ``gain`` and ``approach`` (rad/s) for URScript, ``rate`` (rows a second) for
            JointTrajectory and ``ros``, 1 or 2, whose names its times have.

    Raises:
        HierbrushError: an unknown option or a value out of range; URScript for an arm that has not six joints.
    """
    write, known = KINDS[kind]
    for name in options:
        if name not in known:
            hint = closest(name, list(known)) or (f"; there are {', '.join(known)}" if known else "")
            raise HierbrushError(f"{name}: no option of {kind} files{hint}")
    return write(motion, text, **options).encode()


def _head(motion: Motion, text: str) -> list[str]:
    """Return what a file says of itself, in ASCII."""
    codes = [f"U+{ord(char):04X}" for char in text if char != "\n"]
    shown_codes = " ".join(codes[:_CODES]) + (f" and {len(codes) - _CODES} more" if len(codes) > _CODES else "")
    joints, tip = motion.limits
    arm, lift = motion.arm, motion.lift
    return [
        f"written by hierbrush: {shown_codes}",
        f"arm {shown(arm.name)[1:-1]}: {len(motion.q)} rows of {PERIOD:g} s, {motion.t[-1]:.3f} s",
        f"joint limits: speed {_most(joints.speed)} rad/s, acceleration {_most(joints.acceleration)} rad/s2, "
        f"jerk {_most(joints.jerk)} rad/s3",
        f"tip limits: speed {_most(tip.speed)} m/s, acceleration {_most(tip.acceleration)} m/s2, "
        f"jerk {_most(tip.jerk)} m/s3",
        _dips(motion),
        f"deepest {max(float(motion.tip[:, 2].max()), 0.0) * 1e3:.3f} mm below first touch"
        + (f"; dry run, raised by {lift * 1e3:g} mm" if lift else ""),
    ]


def _dips(motion: Motion) -> str:
    """Return before which strokes the brush is dipped: the ink is gone to before their paths begin."""
    starts = np.array([span.start for span in motion.spans])
    begun = np.flatnonzero(np.diff(motion.dip.astype(np.int8), prepend=0) > 0)
    before = sorted(set(np.searchsorted(starts, begun).tolist()))
    if len(before) == len(starts):
        return "dips before each stroke"
    return "dips before strokes " + ", ".join(str(number + 1) for number in before)


def _most(value: NDArray[np.float64] | float) -> str:
    return f"{float(np.max(value)):g}"


def _urscript(motion: Motion, text: str, lookahead: float = 0.03, gain: float = 2000.0, approach: float = 0.2) -> str:
    if len(motion.joints) != _URS_JOINTS:
        raise HierbrushError(
            f"script: URScript moves {_URS_JOINTS} joints, but {motion.arm.name} has {len(motion.joints)}; "
            "save as yaml or json"
        )
    lookahead = check_number("lookahead", lookahead, 0.03, 0.2, "seconds")
    gain = check_number("gain", gain, 100.0, 2000.0, "a gain")
    approach = check_number("approach", approach, 0.01, 3.0, "rad/s")
    rows = [f"  servoj({_list(row)}, t={PERIOD:g}, lookahead_time={lookahead:g}, gain={gain:g})" for row in motion.q]
    return "\n".join(
        [
            *(f"# {line}" for line in _head(motion, text)),
            "def hierbrush_writing():",
            f"  movej({_list(motion.q[0])}, a=0.5, v={approach:g})",
            *rows,
            "  stopj(2.0)",
            "end",
            "hierbrush_writing()",
            "",
        ]
    )


def _list(row: NDArray[np.float64]) -> str:
    return "[" + ", ".join(f"{value:.9f}" for value in row.tolist()) + "]"


def _rows(motion: Motion, rate: float) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Return times [n] and positions, speeds and accelerations [n, joints], ``rate`` rows a second and the last."""
    rate = check_number("rate", rate, 1.0, 1 / PERIOD, "rows a second")
    stride = max(round(1 / (rate * PERIOD)), 1)
    chosen = np.unique(np.append(np.arange(0, len(motion.q), stride), len(motion.q) - 1))
    speed, acceleration, _ = differences(motion.q)
    # The difference before and the one after a row, on average; at both ends the arm rests.
    centred = (speed[2:-3] + speed[3:-2]) / 2
    curved = acceleration[2:-2]
    for ends in (centred, curved):
        ends[[0, -1]] = 0.0
    return motion.t[chosen], [motion.q[chosen], centred[chosen], curved[chosen]]


def trajectory_message(motion: Motion, rate: float = _JOINT_RATE, ros: int = _ROS) -> dict[str, Any]:
    """Return a movement as a ``trajectory_msgs/JointTrajectory`` of ROS 1 or 2: plain lists, numbers and text."""
    old = check_whole("ros", ros, 1, 2) == 1
    seconds, rest = ("secs", "nsecs") if old else ("sec", "nanosec")
    times, (positions, speeds, accelerations) = _rows(motion, rate)
    points = []
    for t, q, v, a in zip(times.tolist(), positions.tolist(), speeds.tolist(), accelerations.tolist(), strict=True):
        nanoseconds = round(t * 1e9)
        points.append(
            {
                "positions": [round(value, 9) for value in q],
                "velocities": [round(value, 9) for value in v],
                "accelerations": [round(value, 7) for value in a],
                "effort": [],
                "time_from_start": {seconds: nanoseconds // 10**9, rest: nanoseconds % 10**9},
            }
        )
    header = {**({"seq": 0} if old else {}), "stamp": {seconds: 0, rest: 0}, "frame_id": "base"}
    return {"header": header, "joint_names": list(motion.joints), "points": points}


def _json(motion: Motion, text: str, rate: float = _JOINT_RATE, ros: int = _ROS) -> str:
    return json.dumps(trajectory_message(motion, rate, ros), indent=None, separators=(",", ":")) + "\n"


def _yaml(motion: Motion, text: str, rate: float = _JOINT_RATE, ros: int = _ROS) -> str:
    message = trajectory_message(motion, rate, ros)
    lines = [f"# {line}" for line in _head(motion, text)]
    lines += [
        f"header: {json.dumps(message['header'])}",
        f"joint_names: {json.dumps(message['joint_names'])}",
        "points:",
    ]
    return "\n".join([*lines, *(f"- {_flow(point)}" for point in message["points"]), ""])


def _flow(value: Any) -> str:
    """Return YAML on one line. YAML 1.1, which ROS reads, takes 1e-07 for text, so that no number has an exponent."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return f"{value:.9f}" if isinstance(value, float) else str(value)


def _csv(motion: Motion, text: str) -> str:
    names = ",".join(motion.joints)
    lines = [f"t,{names},x,y,z,stroke,dip"]
    for t, q, tip, stroke, dip in zip(
        motion.t.tolist(),
        motion.q.tolist(),
        motion.tip.tolist(),
        motion.stroke.tolist(),
        motion.dip.tolist(),
        strict=True,
    ):
        numbers = [f"{t:.3f}", *(f"{value:.9f}" for value in q), *(f"{value:.6f}" for value in tip)]
        lines.append(",".join([*numbers, str(stroke), str(int(dip))]))
    return "\n".join([*lines, ""])


KINDS: dict[str, tuple[Callable[..., str], tuple[str, ...]]] = {
    "script": (_urscript, ("lookahead", "gain", "approach")),
    "yaml": (_yaml, ("rate", "ros")),
    "json": (_json, ("rate", "ros")),
    "csv": (_csv, ()),
}
"""Kinds of file by their suffix, each with its writer and the options that it takes."""
