"""Files for arms, each read back by a strict parser: what is in them is the movement, and keeps what they promise."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from hierbrush.arms.timing import differences
from hierbrush.errors import HierbrushError
from hierbrush.writing import Page
from hierbrush.writing.on_arm import ArmSheet, DrawnByArm

UNREACHED = (226, 176, 160)
NUMBER = r"-?\d+(?:\.\d+)?"
ROW = rf"\[{NUMBER}(?:, {NUMBER}){{5}}\]"
SERVOJ = re.compile(rf"  servoj\(({ROW}), t=({NUMBER}), lookahead_time=({NUMBER}), gain=({NUMBER})\)")


class Script:
    """URScript as hierbrush writes it, and nothing else."""

    def __init__(self, text: str) -> None:
        lines = text.split("\n")
        head = [line for line in lines if line.startswith("#")]
        self.head = " ".join(line[2:] for line in head)
        body = lines[len(head) :]
        assert body[0] == "def hierbrush_writing():"
        first = re.fullmatch(rf"  movej\(({ROW}), a=({NUMBER}), v=({NUMBER})\)", body[1])
        assert first is not None
        self.first, self.approach = np.array(json.loads(first[1])), float(first[3])
        assert body[-4:] == ["  stopj(2.0)", "end", "hierbrush_writing()", ""]
        rows = [SERVOJ.fullmatch(line) for line in body[2:-4]]
        assert all(rows)
        self.q = np.array([json.loads(row[1]) for row in rows if row])
        settings = {row.groups()[1:] for row in rows if row}
        assert len(settings) == 1
        self.period, self.lookahead, self.gain = map(float, settings.pop())

    def limit(self, what: str, kind: str) -> float:
        found = re.search(rf"{what} limits: .*?{kind} ({NUMBER})", self.head)
        assert found is not None
        return float(found[1])


def test_urscript_is_the_movement_within_the_limits_that_its_head_names(on_ur5e: ArmSheet, tmp_path: Path) -> None:
    text = on_ur5e.save(tmp_path / "page.script").read_text("ascii")
    script = Script(text)
    assert script.period == 0.002
    assert 0.03 <= script.lookahead <= 0.2
    assert 100 <= script.gain <= 2000
    assert np.abs(script.q - on_ur5e.q).max() < 1e-9
    assert np.array_equal(script.first, script.q[0])
    assert "U+4E00 U+4EBA" in script.head
    for order, kind in enumerate(("speed", "acceleration", "jerk")):
        joints, tip = on_ur5e.motion.limits
        assert script.limit("joint", kind) == pytest.approx(float(np.max(joints[order])), rel=1e-5)
        assert script.limit("tip", kind) == pytest.approx(float(tip[order]))
        assert np.abs(differences(script.q)[order]).max() <= script.limit("joint", kind)


def test_urscript_takes_gain_and_lookahead(on_ur5e: ArmSheet, tmp_path: Path) -> None:
    place = on_ur5e.save(tmp_path / "page.script", gain=500, lookahead=0.1, approach=0.05)
    script = Script(place.read_text())
    assert (script.gain, script.lookahead, script.approach) == (500, 0.1, 0.05)
    for option, value in (("gain", 5000), ("lookahead", 0.01), ("approach", 0)):
        with pytest.raises(HierbrushError, match=option):
            on_ur5e.save(tmp_path / "page.script", **{option: value})
    with pytest.raises(HierbrushError, match="gian: no option of script files; did you mean 'gain'"):
        on_ur5e.save(tmp_path / "page.script", gian=5)


def test_limits_in_files_are_those_of_the_options(page: Page, tmp_path: Path) -> None:
    options = {"joint_speed": 0.4, "joint_acceleration": 2.5, "joint_jerk": 30.0}
    moved = page.on({"model": "ur5e", **options})
    script = Script(moved.save(tmp_path / "page.script").read_text())
    head = moved.save(tmp_path / "page.yaml").read_text().split("header:")[0]
    for order, (kind, value) in enumerate(zip(("speed", "acceleration", "jerk"), options.values(), strict=True)):
        assert script.limit("joint", kind) == value
        assert re.search(rf"joint limits: .*{kind} {value:g} rad", head)
        assert np.abs(differences(script.q)[order]).max() <= value


def test_urscript_moves_six_joints(on_so101: ArmSheet, tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match="URScript moves 6 joints, but so101 has 5"):
        on_so101.save(tmp_path / "page.script")
    assert list(tmp_path.iterdir()) == []


def check_message(message: dict[str, Any]) -> None:
    """Check every field of a trajectory_msgs/JointTrajectory, as a ROS node that fills the message would."""
    assert set(message) == {"header", "joint_names", "points"}
    assert set(message["header"]) == {"stamp", "frame_id"}
    names = message["joint_names"]
    assert all(isinstance(name, str) for name in names)
    before = -1
    for point in message["points"]:
        assert set(point) == {"positions", "velocities", "accelerations", "effort", "time_from_start"}
        assert all(len(point[key]) == len(names) for key in ("positions", "velocities", "accelerations"))
        assert all(isinstance(value, float) for value in point["positions"])
        at = point["time_from_start"]
        assert set(at) == {"sec", "nanosec"}
        assert 0 <= at["nanosec"] < 10**9
        assert at["sec"] * 10**9 + at["nanosec"] > before  # controllers refuse times that do not grow
        before = at["sec"] * 10**9 + at["nanosec"]


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_joint_trajectory_is_the_message_of_ros(on_so101: ArmSheet, tmp_path: Path, suffix: str) -> None:
    text = on_so101.save(tmp_path / f"page.{suffix}", rate=100).read_text()
    message = json.loads(text) if suffix == "json" else yaml.safe_load(text)
    check_message(message)
    assert message["joint_names"] == list(on_so101.joints)
    at = np.array([p["time_from_start"]["sec"] + p["time_from_start"]["nanosec"] * 1e-9 for p in message["points"]])
    rows = np.rint(at / 0.002).astype(int)
    assert rows[-1] == len(on_so101.q) - 1
    assert np.allclose([p["positions"] for p in message["points"]], on_so101.q[rows], atol=1e-8)
    speeds = np.array([p["velocities"] for p in message["points"]])
    assert np.allclose(speeds[1:-1], (on_so101.q[rows[1:-1] + 1] - on_so101.q[rows[1:-1] - 1]) / 0.004, atol=1e-6)
    assert not speeds[[0, -1]].any()


def test_ros_own_types_take_the_message(on_so101: ArmSheet, tmp_path: Path) -> None:
    stores = pytest.importorskip("rosbags.typesys")
    store = stores.get_typestore(stores.Stores.ROS2_HUMBLE)
    types = {name: store.types[name] for name in store.types}
    message = json.loads(on_so101.save(tmp_path / "page.json").read_text())
    duration = types["builtin_interfaces/msg/Duration"]
    points = [
        types["trajectory_msgs/msg/JointTrajectoryPoint"](
            *(np.array(p[key]) for key in ("positions", "velocities", "accelerations", "effort")),
            duration(**p["time_from_start"]),
        )
        for p in message["points"]
    ]
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, 0), message["header"]["frame_id"])
    whole = types["trajectory_msgs/msg/JointTrajectory"](header, message["joint_names"], points)
    kind = "trajectory_msgs/msg/JointTrajectory"
    back = store.deserialize_cdr(store.serialize_cdr(whole, kind), kind)
    assert np.allclose(back.points[-1].positions, on_so101.q[-1], atol=1e-8)


def test_csv_has_every_row(on_so101: ArmSheet, tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(on_so101.save(tmp_path / "page.csv").read_text())))
    assert rows[0] == ["t", *on_so101.joints, "x", "y", "z", "stroke", "dip"]
    numbers = np.array(rows[1:], float)
    assert np.allclose(numbers[:, 1:6], on_so101.q, atol=1e-8)
    assert np.allclose(numbers[:, 6:9], on_so101.tip, atol=1e-6)
    assert np.array_equal(numbers[:, 9], on_so101.stroke)


def test_a_preview_shows_paper_stone_and_path(on_ur5e: ArmSheet, tmp_path: Path) -> None:
    picture = Image.open(on_ur5e.save(tmp_path / "preview.png", side=600))
    assert max(picture.size) == 600
    colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}
    assert {(250, 247, 239), (214, 206, 194), (70, 74, 82)} <= colours  # paper, table, stone
    assert min(sum(colour) for colour in colours) < 200  # strokes
    assert UNREACHED not in colours


def test_a_preview_shows_what_the_arm_does_not_reach(page: Page) -> None:
    wide = [[0.37, 0.06, 0], [0.37, -0.45, 0], [0.27, -0.45, 0], [0.27, 0.06, 0]]
    moved = page.on({"model": "so101", "points": wide, "stone": [0.33, 0.1, 0.0]})
    picture = np.asarray(moved.preview(400).convert("RGB"))
    red = (picture == UNREACHED).all(axis=2)
    assert red[:, 350:].mean() > 0.5  # the far end
    assert not red[25:60, 60:120].any()  # where it writes


def test_an_animation_shows_the_arm_and_the_ink_growing(drawn: DrawnByArm, tmp_path: Path) -> None:
    with Image.open(drawn.save(tmp_path / "arm.gif", size=200)) as film:
        assert film.n_frames > 20
        film.seek(0)
        first = np.asarray(film.convert("L"))
        film.seek(film.n_frames - 1)
        last = np.asarray(film.convert("L"))
    below = slice(round(200 * 0.62), None)
    assert (last[below] < 80).sum() > (first[below] < 80).sum() + 50
    still = Image.open(drawn.save(tmp_path / "arm.png", size=200)).convert("L")
    assert np.abs(np.asarray(still, float) - last).mean() < 6


def test_mp4_where_a_library_for_it_is(drawn: DrawnByArm, tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")
    assert drawn.save(tmp_path / "arm.mp4", size=160).read_bytes()[4:8] == b"ftyp"


def test_mp4_says_what_is_missing(drawn: DrawnByArm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(HierbrushError, match=r"mp4: needs imageio-ffmpeg.*hierbrush\[render\]"):
        drawn.save(tmp_path / "arm.mp4", size=160)


def test_unknown_kinds_are_told(on_ur5e: ArmSheet, drawn: DrawnByArm, tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match=r"expected one of .script, .yaml, .json, .csv, .png"):
        on_ur5e.save(tmp_path / "page.gcode")
    with pytest.raises(HierbrushError, match=r"expected one of .gif, .mp4, .png"):
        drawn.save(tmp_path / "page.avi")


def test_without_mujoco_the_advice_is_to_install_it(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [name for name in sys.modules if name.startswith(("hierbrush.arms", "hierbrush.writing.on_arm"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(
        HierbrushError, match=r'arm: needs mujoco, which is not installed; pip install "hierbrush\[arm\]"'
    ):
        page.on("ur5e")


def test_a_sheet_saves_them_too(page: Page, on_ur5e: ArmSheet, tmp_path: Path) -> None:
    script = Script(page.save(tmp_path / "page.script", arm="ur5e").read_text())
    assert np.abs(script.q - on_ur5e.q).max() < 1e-9
    check_message(json.loads(page.save(tmp_path / "page.joints.json", arm="so101").read_text()))
    check_message(yaml.load(page.save(tmp_path / "page.joints.yaml", arm="so101").read_text(), yaml.CSafeLoader))
    with pytest.raises(HierbrushError, match=r"arm: png files are for no arm"):
        page.save(tmp_path / "page.png", arm="ur5e")


def test_the_command_line_refuses_before_writing_what_an_arm_does_not_reach(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from hierbrush.cli.write import write

    told = ["一人", "--policy", "scripted", "-o", str(tmp_path / "a.joints.json"), "--layout", "horizontal", "--arm"]
    refused = CliRunner().invoke(write, [*told, "so101", "--cell", "300"])
    assert refused.exit_code != 0
    assert "arm: so101 cannot write character 2: the tip at " in refused.output
    assert "out of reach along" in refused.output
    assert list(tmp_path.iterdir()) == []
    CliRunner().invoke(write, [*told, "so101", "--cell", "30", "--arm-lift", "20"], catch_exceptions=False)
    message = json.loads((tmp_path / "a.joints.json").read_text())
    check_message(message)


def test_ros_1_has_other_names_for_times(on_so101: ArmSheet, tmp_path: Path) -> None:
    message = json.loads(on_so101.save(tmp_path / "page.json", ros=1).read_text())
    assert message["header"] == {"seq": 0, "stamp": {"secs": 0, "nsecs": 0}, "frame_id": "base"}
    assert message["points"][1]["time_from_start"] == {"secs": 0, "nsecs": 20_000_000}
    with pytest.raises(HierbrushError, match="ros: 3, expected"):
        on_so101.save(tmp_path / "page.json", ros=3)


def test_a_long_movement_is_parted_where_the_brush_is_in_the_ink(on_ur5e: ArmSheet, tmp_path: Path) -> None:
    motion = on_ur5e.motion
    files = on_ur5e.save_parts(tmp_path / "page.script", seconds=8.0)
    assert [file.name for file in files] == ["page-1.script", "page-2.script", "page-3.script"]
    parts = [Script(file.read_text()) for file in files]
    ready, strokes = motion.q[0], [motion.q[span] for span in motion.spans]
    for script, stroke in zip(parts, strokes, strict=True):
        # From above the ink to above the ink, at rest, with the stroke in between, within the limits of the whole.
        assert np.allclose(script.q[[0, -1]], ready, atol=1e-6)
        rows = [np.abs(script.q - row).max(axis=1).min() for row in stroke[::50]]
        assert max(rows) < 1e-8
        for order, kind in enumerate(("speed", "acceleration", "jerk")):
            assert np.abs(differences(script.q)[order]).max() <= script.limit("joint", kind)
    assert len(motion.parts(1e6)) == 1
    assert np.array_equal(motion.parts(1e6)[0].q, motion.q)
    for part in motion.parts(8.0):
        assert part.spans[0].start > 0
        assert part.tip[:, 2].max() <= motion.tip[:, 2].max()
