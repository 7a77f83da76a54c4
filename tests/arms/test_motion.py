"""Joints over time: exact, within limits, smooth, on one side, and clear of everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_calibration import corners

from hierbrush.arms import Arm
from hierbrush.arms.kinematics import Target
from hierbrush.arms.motion import TILT_ERROR, TIP_ERROR, deviation
from hierbrush.arms.timing import PERIOD, differences
from hierbrush.errors import HierbrushError
from hierbrush.ink import InkStone
from hierbrush.writing import Layout, MotionLimits, Page, write_character, write_text
from hierbrush.writing.on_arm import ArmSheet

ARMS = ("on_ur5e", "on_so101")


@pytest.fixture(params=ARMS)
def moved(request: pytest.FixtureRequest) -> ArmSheet:
    sheet: ArmSheet = request.getfixturevalue(request.param)
    return sheet


def test_the_tip_is_where_it_should_be_between_rows_too(moved: ArmSheet) -> None:
    motion = moved.motion
    assert motion.tip_error < TIP_ERROR
    assert motion.tilt_error < TILT_ERROR
    middle = (motion.q[1:] + motion.q[:-1]) / 2
    off = deviation(motion.scene, middle, (motion.tip[1:] + motion.tip[:-1]) / 2)
    assert off[0] < TIP_ERROR
    assert off[1] < TILT_ERROR


def test_strokes_follow_the_paths_of_the_sheet(moved: ArmSheet, page: Page) -> None:
    motion = moved.motion
    assert len(motion.spans) == len(page.paths)
    for span, path in zip(motion.spans, page.paths, strict=True):
        drawn = motion.tip[span]
        for row in path:
            assert np.linalg.norm(drawn - row, axis=1).min() < 2e-4  # rows are 2 ms apart
        assert np.allclose(drawn[[0, -1]], path[[0, -1]], atol=2e-6)


def test_no_limit_is_passed(moved: ArmSheet) -> None:
    motion = moved.motion
    for order, name in enumerate(("speed", "acceleration", "jerk")):
        joints, tip = motion.limits
        assert (np.abs(differences(motion.q)[order]) <= joints[order] * (1 + 1e-9)).all(), name
        assert np.linalg.norm(differences(motion.tip)[order], axis=1).max() <= tip[order] * (1 + 1e-9), name


def test_slower_limits_take_longer_and_hold(page: Page) -> None:
    slow = page.on(Arm("ur5e", joint_speed=0.1, joint_acceleration=0.5, joint_jerk=5.0))
    assert np.abs(differences(slow.q)[0]).max() <= 0.1 + 1e-9
    assert np.abs(differences(slow.q)[1]).max() <= 0.5 + 1e-9
    assert np.abs(differences(slow.q)[2]).max() <= 5.0 + 1e-7
    assert slow.t[-1] > 1.5 * page.on("ur5e").t[-1]


def test_the_writing_s_own_limits_count() -> None:
    calm = write_text("一", layout=Layout(cell=0.03), policy="scripted", motion=MotionLimits(speed=0.05))
    assert np.linalg.norm(differences(calm.on("ur5e").tip)[0], axis=1).max() <= 0.05 + 1e-9


def test_the_elbow_stays_on_its_side(moved: ArmSheet) -> None:
    elbow = moved.q[:, 2]
    assert (np.sign(elbow) == np.sign(elbow[0])).all()
    assert np.abs(elbow).min() > 0.3


def test_nothing_touches_and_the_brush_is_wetted_before_each_stroke(moved: ArmSheet) -> None:
    motion = moved.motion
    for q in motion.q[::100]:
        assert motion.scene.touching(q) is None
    for before, after in zip([0, *(span.stop for span in motion.spans)], motion.spans, strict=False):
        assert motion.dip[before : after.start].any()


def test_no_move_goes_below_the_table_but_by_the_brush_s_depth(moved: ArmSheet, page: Page) -> None:
    motion = moved.motion
    deepest = max(float(path[:, 2].max()) for path in page.paths)
    assert motion.tip[:, 2].max() <= deepest + 5e-6  # between its rows a curve swings out by a few µm
    between = motion.stroke < 0
    assert motion.tip[between, 2].max() <= 1e-9
    with pytest.raises(HierbrushError, match=r"max_depth: 一 .character 1., stroke 1 goes"):
        page.on(Arm("ur5e", max_depth=1e-4))


def test_ink_deep_in_the_table_is_refused(page: Page) -> None:
    for height, points in ((0.0, None), (-0.05, corners(0.12, 0.08, turn=-np.pi / 2) - [0.0, 0.0, 0.1])):
        given = {} if points is None else {"points": tuple(map(tuple, points))}
        with pytest.raises(HierbrushError, match=r"stone: lies 20.0 mm below the table.*expected max_depth at most"):
            page.on(Arm("ur5e", stone=(0.45, -0.25, height - 0.02), **given))


@pytest.mark.parametrize("name", ["ur5e", "so101"])
def test_no_row_goes_below_the_table_of_a_tilted_sheet_with_lower_ink(name: str) -> None:
    page = write_text("一", layout=Layout(cell=0.03), policy="scripted")
    points = corners(0.1, 0.1, tilt=0.15, turn=-np.pi / 2)
    points += np.array([0.32 if name == "so101" else 0.48, 0.0, 0.03]) - points.mean(axis=0)
    stone = points[2] + [0.02, -0.04, 0.0]
    motion = page.on(Arm(name, points=tuple(map(tuple, points)), stone=tuple(stone))).motion
    world = motion.scene.calibration.world(motion.tip)
    assert world[:, 2].min() >= motion.scene.calibration.table - motion.arm.max_depth
    assert motion.tip[motion.stroke < 0][:, 2].max() <= max(0.0, motion.scene.calibration.stone_on_paper[2]) + 1e-9
    assert motion.dip.any()


def test_joints_stay_away_from_limits_and_singularities(moved: ArmSheet) -> None:
    scene, solver = moved.motion.scene, moved.motion.scene.solver
    margin = np.minimum(moved.q - solver.low, solver.high - moved.q).min()
    assert margin >= scene.arm.limit_margin
    across = None if solver.joints < 6 else solver.pose(moved.q[0])[1][:, 0].copy()
    places = scene.calibration.world(moved.tip)
    weakest = min(
        solver.weakness(moved.q[at], Target(places[at], scene.axis, across)) for at in range(0, len(moved.q), 100)
    )
    assert weakest >= 0.004


def test_a_paper_turned_far_away_is_told_where_to_lie(page: Page) -> None:
    far = corners(0.12, 0.08, turn=-np.pi / 2 + 0.4) + [0.5, -0.7, 0.1]
    with pytest.raises(HierbrushError, match=r"mm along -x and \d+ mm along \+y") as told:
        page.on(Arm("so101", points=tuple(map(tuple, far))))
    place = [float(part) / 1e3 for part in str(told.value).rsplit("lies at ", 1)[1].removesuffix(" mm").split(", ")]
    page.on(Arm("so101", points=tuple(map(tuple, far + (np.array(place) - far[0])))))  # what was advised works


def test_planning_and_simulating_tell_how_far_they_are(page: Page) -> None:
    told: list[float] = []
    planned = page.on("so101", progress=told.append)
    assert sum(told) == pytest.approx(1.0)
    told.clear()
    planned.simulate(progress=told.append)
    assert sum(told) == pytest.approx(1.0)
    assert len(told) > 5


def test_the_first_way_down_to_ink_and_paper_is_slow(moved: ArmSheet) -> None:
    motion = moved.motion
    speed = np.linalg.norm(np.diff(motion.tip, axis=0), axis=1) / PERIOD
    first_dip = int(motion.dip.argmax())
    assert speed[:first_dip].max() <= motion.arm.approach_speed + 1e-9
    start = motion.spans[0].start
    lowering = np.flatnonzero(motion.tip[:start, 2] < -0.019)[-1]
    assert speed[lowering:start].max() <= motion.arm.approach_speed + 1e-9


def test_a_dry_run_is_the_same_movement_higher_up(page: Page, on_ur5e: ArmSheet) -> None:
    dry = page.on("ur5e", lift=0.02)
    assert np.allclose(dry.tip + [0, 0, 0.02], on_ur5e.tip, atol=1e-4) or len(dry.tip) != len(on_ur5e.tip)
    assert dry.tip[:, 2].max() <= max(float(path[:, 2].max()) for path in page.paths) - 0.02 + 5e-6
    with pytest.raises(HierbrushError, match="a dry run touches no paper"):
        dry.simulate()


@pytest.mark.parametrize("name", ["ur5e", "so101"])
def test_tilted_and_turned_paper_works(name: str) -> None:
    page = write_text("一", layout=Layout(cell=0.03), policy="scripted")
    # Turned so that the writer stands at the arm, tilted towards it.
    points = corners(0.1, 0.1, tilt=0.15, turn=-np.pi / 2 + 0.3)
    points += np.array([0.29 if name == "so101" else 0.48, 0.0, 0.02]) - points.mean(axis=0)
    motion = page.on(Arm(name, points=tuple(map(tuple, points)))).motion
    assert motion.tip_error < TIP_ERROR
    axis = motion.scene.axis
    assert axis[2] == pytest.approx(-np.cos(0.15))
    for q in motion.q[::200]:
        assert np.allclose(motion.scene.solver.pose(q)[1][:, 2], axis, atol=1e-6)


def test_what_cannot_be_reached_is_told_with_a_place_for_the_paper(page: Page) -> None:
    far = corners(0.2, 0.1, turn=-np.pi / 2) + [0.45, 0.0, -0.05]
    with pytest.raises(HierbrushError) as told:
        page.on(Arm("so101", points=tuple(map(tuple, far))))
    message = str(told.value)
    assert "\n" not in message
    assert "so101 cannot write" in message
    assert "out of reach" in message
    assert "along -x" in message
    place = [float(part) / 1e3 for part in message.rsplit("lies at ", 1)[1].removesuffix(" mm").split(", ")]
    moved = far + (np.array(place) - far[0])
    page.on(Arm("so101", points=tuple(map(tuple, moved))))  # what was advised works


def test_a_sheet_larger_than_the_touched_paper_is_refused(page: Page) -> None:
    small = corners(0.05, 0.05, turn=-np.pi / 2)
    with pytest.raises(HierbrushError, match=r"the sheet's width is 106 mm, but the paper that was touched has 50 mm"):
        page.on(Arm("ur5e", points=tuple(map(tuple, small))))


URDF = """<robot name="crane"><link name="base"/>
{links}
<link name="pen"/><joint name="hold" type="fixed"><parent link="l5"/><child link="pen"/><origin xyz="0 0 0.12"
rpy="0 0 0"/></joint></robot>"""


def urdf() -> str:
    """Return the SO-101's like as URDF: another format, links with shapes of their own, a tip that is a link."""
    from hierbrush.arms.presets import _SO101

    parts, parent = [], "base"
    for at, (name, place, axis, reach, end, mass) in enumerate(_SO101, 1):
        middle = " ".join(str(value / 2) for value in end)
        xyz, turning = " ".join(map(str, place)), " ".join(map(str, axis))
        parts.append(
            f'<link name="l{at}"><inertial><mass value="{mass}"/><origin xyz="{middle}"/><inertia ixx="1e-4" '
            f'iyy="1e-4" izz="1e-4" ixy="0" ixz="0" iyz="0"/></inertial></link><joint name="{name}" type="revolute">'
            f'<parent link="{parent}"/><child link="l{at}"/><origin xyz="{xyz}"/><axis xyz="{turning}"/>'
            f'<limit lower="-{reach}" upper="{reach}" effort="3" velocity="4"/></joint>'
        )
        parent = f"l{at}"
    return URDF.format(links="\n".join(parts)).replace(
        'xyz="0 0 0.12"\nrpy="0 0 0"', 'xyz="0.0981 0 -0.1" rpy="3.14159265 0 0"'
    )


def test_an_arm_of_the_user_s_own_writes_from_its_urdf(tmp_path: Path) -> None:
    (tmp_path / "crane.urdf").write_text(urdf())
    page = write_text("一", layout=Layout(cell=0.03), policy="scripted")
    points = corners(0.1, 0.1, turn=-np.pi / 2)
    points += np.array([0.3, 0.0, 0.0]) - points.mean(axis=0)
    arm = Arm(
        str(tmp_path / "crane.urdf"), tip="pen", points=tuple(map(tuple, points)), home=(0.0, -0.6, 0.8, -0.2, 0.0)
    )
    moved = page.on(arm)
    assert moved.joints == ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll")
    assert moved.motion.tip_error < TIP_ERROR
    assert moved.simulate().iou > 0.9


def test_an_mjcf_with_a_named_site_writes(tmp_path: Path) -> None:
    from hierbrush.arms import PRESETS

    (tmp_path / "mine.xml").write_text(PRESETS["ur5e"].mjcf.replace('"tip"', '"nib"'))
    page = write_text("一", layout=Layout(cell=0.03), policy="scripted")
    points = corners(0.1, 0.1, turn=-np.pi / 2)
    points += np.array([0.48, -0.1, 0.0]) - points.mean(axis=0)
    known = {"points": points.tolist(), "home": PRESETS["ur5e"].home}
    moved = page.on({"model": str(tmp_path / "mine.xml"), "tip": "nib", **known})
    assert moved.motion.tip_error < TIP_ERROR
    with pytest.raises(HierbrushError, match=r"'nob' is no site or body of .*; there are root, nib"):
        page.on({"model": str(tmp_path / "mine.xml"), "tip": "nob", **known})
    with pytest.raises(HierbrushError, match="home: 2 angles, but the arm has 6 joints"):
        page.on({"model": str(tmp_path / "mine.xml"), "tip": "nib", "points": points.tolist(), "home": (0.0, 1.0)})


@pytest.mark.parametrize(
    ("arm", "told"),
    [
        ("ur5", "'ur5' is none of ur5e, so101.*did you mean 'ur5e'"),
        ("mine.urdf", "points: are needed"),
        ({"modle": "ur5e"}, "unknown field 'modle'; did you mean 'model'"),
        ({"travel": "high"}, "travel: 'high', expected m from"),
        ({"points": [[0, 0, 0]]}, "points: shape"),
        (3, "expected an Arm"),
    ],
)
def test_what_is_no_arm_is_told(page: Page, arm: object, told: str) -> None:
    with pytest.raises(HierbrushError, match=told):
        page.on(arm)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<mujoco><worldbody></mujoco>", "no arm that MuJoCo can read"),
        ("nothing", "no arm that MuJoCo can read"),
        ("<mujoco/>", "'tip' is no site or body"),
        ('<mujoco><worldbody><body><geom size=".1"/><site name="tip"/></body></worldbody></mujoco>', "0 joints lead"),
    ],
)
def test_a_file_that_is_no_arm_is_told_in_one_line(tmp_path: Path, page: Page, content: str, told: str) -> None:
    (tmp_path / "arm.xml").write_text(content)
    points = corners(0.2, 0.1, turn=-np.pi / 2)
    with pytest.raises(HierbrushError, match=told) as found:
        page.on(Arm(str(tmp_path / "arm.xml"), points=tuple(map(tuple, points))))
    assert "\n" not in str(found.value)


def test_the_same_movement_every_time(page: Page, on_so101: ArmSheet) -> None:
    assert np.array_equal(page.on("so101").q, on_so101.q)


def test_what_would_touch_is_told(page: Page) -> None:
    # The ink stands inside the arm's reach but under its elbow, where the forearm meets the table.
    points = corners(0.2, 0.1, turn=-np.pi / 2)
    points += np.array([0.3, 0.0, 0.0]) - points.mean(axis=0)
    scene = page.on(Arm("so101", points=tuple(map(tuple, points)))).motion.scene
    low = np.array([0.0, 1.2, 0.4, 0.0, 0.0])
    touching = scene.touching(low)
    assert touching is not None
    assert {"table", "board"} & set(touching)
    with pytest.raises(HierbrushError, match=r"and .* would touch|out of reach|come to the end"):
        page.on(Arm("so101", points=tuple(map(tuple, points)), stone=(0.12, 0.0, 0.0)))


def test_shapes_that_overlap_at_home_may_go_on_overlapping(tmp_path: Path) -> None:
    from hierbrush.arms import PRESETS
    from hierbrush.arms.scene import build

    fat = PRESETS["so101"].mjcf.replace('size="0.016"', 'size="0.05"')
    (tmp_path / "fat.xml").write_text(fat)
    points = corners(0.1, 0.1, turn=-np.pi / 2)
    points += np.array([0.3, 0.0, 0.0]) - points.mean(axis=0)
    arm = Arm(str(tmp_path / "fat.xml"), points=tuple(map(tuple, points)), home=PRESETS["so101"].home)
    scene = build(arm, arm.calibration(0.07, 0.07))
    assert scene.close
    assert scene.touching(scene.solver.home) is None


def test_the_brush_is_dipped_where_the_sheet_says(tmp_path: Path) -> None:
    layout = Layout("horizontal", cell=0.03)
    once, each = (
        write_text("十", layout=layout, dip=dip, policy="scripted").on("so101") for dip in ("character", "stroke")
    )
    starts = [arm.motion.spans[1].start for arm in (once, each)]
    assert starts[0] < starts[1]  # no way to the ink and back
    assert [arm.motion.dip[arm.motion.spans[0].stop :].any() for arm in (once, each)] == [False, True]
    assert "dips before strokes 1\n" in once.save(tmp_path / "a.yaml").read_text()
    assert "dips before each stroke\n" in each.save(tmp_path / "b.yaml").read_text()


def test_a_stone_shapes_the_brush_by_the_arms_movement() -> None:
    stone = InkStone(radius=0.02, strokes=3)
    moved = write_character("一", stone=stone, policy="scripted").on("so101")
    motion = moved.motion
    place = moved.arm.calibration(moved.sheet.width, moved.sheet.height).stone_on_paper
    off = motion.tip[motion.dip] - place
    assert 0.5 * stone.radius < np.hypot(off[:, 0], off[:, 1]).max() <= stone.radius + 1e-4
    assert off[:, 2].max() == pytest.approx(0.0, abs=1e-6)  # pressed flat where it is dipped
    peaks = motion.peaks()
    assert peaks["tip_speed"] <= motion.limits[1].speed * 1.001
    assert peaks["tip_jerk"] <= motion.limits[1].jerk * 1.001
