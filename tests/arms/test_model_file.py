"""Arms of users' own: what they bring works, or is refused in one line."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import GRIPPER, MESH, busy_mjcf, gantry_mjcf, seven_mjcf, ur_urdf
from test_calibration import corners

from hierbrush.arms import PRESETS, Arm
from hierbrush.arms.motion import TILT_ERROR, TIP_ERROR
from hierbrush.arms.timing import differences
from hierbrush.errors import HierbrushError
from hierbrush.writing import Layout, Page, write_text
from hierbrush.writing.on_arm import ArmSheet

HOME = PRESETS["ur5e"].home


@pytest.fixture(scope="module")
def stroke() -> Page:
    return write_text("一", layout=Layout(cell=0.03), policy="scripted")


def paper(centre: tuple[float, float, float] = (0.48, -0.1, 0.0), tilt: float = 0.0) -> Any:
    points = corners(0.1, 0.1, tilt=tilt, turn=-np.pi / 2)
    return tuple(map(tuple, points + np.array(centre) - points.mean(axis=0)))


def written(stroke: Page, file: Path, text: str, **options: Any) -> ArmSheet:
    file.write_text(text)
    moved = stroke.on(Arm(str(file), **{"home": HOME, "points": paper(), **options}))
    assert moved.motion.tip_error < TIP_ERROR
    assert moved.motion.tilt_error < TILT_ERROR
    return moved


@pytest.mark.parametrize(
    "options",
    [{}, {"kind": "continuous"}, {"mass": False}, {"more": GRIPPER}],
    ids=["fixed links", "continuous", "no masses", "gripper"],
)
def test_a_urdf_as_ros_has_it_writes(tmp_path: Path, stroke: Page, options: dict[str, Any]) -> None:
    moved = written(stroke, tmp_path / "ur.urdf", ur_urdf(**options))
    assert len(moved.joints) == 6
    assert moved.simulate().iou > 0.98


@pytest.mark.parametrize("model", [seven_mjcf, busy_mjcf])
def test_seven_joints_and_what_model_collections_bring(tmp_path: Path, stroke: Page, model: Any) -> None:
    joints = 7 if model is seven_mjcf else 6
    moved = written(stroke, tmp_path / "arm.xml", model(), home=(*HOME, 0.0)[:joints])
    assert len(moved.joints) == joints
    # The file's own drives would hold every joint at 0.
    assert moved.simulate().iou > 0.98


def test_three_slides_write_on_flat_paper(tmp_path: Path, stroke: Page) -> None:
    options = {"home": (0.2, 0.0, 0.05), "points": paper((0.2, 0.0, 0.0))}
    moved = written(stroke, tmp_path / "gantry.xml", gantry_mjcf(), **options)
    assert moved.joints == ("x", "y", "z")
    assert moved.simulate().iou > 0.98
    # A brush that always points down cannot write on a tilted sheet, whatever the place.
    tilted = {"home": (0.2, 0.0, 0.05), "points": paper((0.2, 0.0, 0.02), tilt=0.2)}
    with pytest.raises(HierbrushError, match="its 3 joints cannot point the brush into the paper there"):
        stroke.on(Arm(str(tmp_path / "gantry.xml"), **tilted))


def test_slides_keep_millimetres_from_the_ends_of_their_range(tmp_path: Path, stroke: Page) -> None:
    (tmp_path / "gantry.xml").write_text(gantry_mjcf().replace('range="0 .25"', 'range="0 .203"'))
    arm = {"model": str(tmp_path / "gantry.xml"), "home": (0.2, 0.0, 0.05), "points": paper((0.2, 0.0, 0.0))}
    with pytest.raises(HierbrushError, match="joint z would come to the end of its range"):
        stroke.on(arm)
    stroke.on({**arm, "limit_margin": 0.0})


def test_a_urdf_s_own_speeds_are_kept(tmp_path: Path, stroke: Page) -> None:
    slow = written(stroke, tmp_path / "slow.urdf", ur_urdf(speed=0.1))
    assert np.array_equal(slow.motion.limits[0].speed, np.full(6, 0.1))
    assert np.abs(differences(slow.q)[0]).max() <= 0.1 + 1e-9
    # What a strict reader of XML refuses, MuJoCo may read; speeds are then not known.
    (tmp_path / "odd.urdf").write_text(ur_urdf(speed=0.1).replace("<link ", "<odd:note/><link ", 1))
    odd = stroke.on(Arm(str(tmp_path / "odd.urdf"), home=HOME, points=paper()))
    assert odd.motion.limits[0].speed[0] == pytest.approx(np.pi / 2)
    told = stroke.on(Arm(str(tmp_path / "slow.urdf"), home=HOME, points=paper(), joint_speed=0.5))
    assert np.array_equal(told.motion.limits[0].speed, np.full(6, 0.5))


def test_meshes_that_cannot_be_read_are_left_out_with_a_warning(tmp_path: Path, stroke: Page) -> None:
    with pytest.warns(UserWarning, match=r"left out meshes that are not there or are no .stl, .obj, .msh: base.stl"):
        moved = written(stroke, tmp_path / "ur.urdf", ur_urdf(shapes=MESH))
    assert moved.motion.scene.model.nmesh == 0


def test_meshes_are_found_in_their_package(tmp_path: Path, stroke: Page) -> None:
    # A tetrahedron of a centimetre as binary STL.
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]) * 0.01
    faces = [(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)]
    triangles = b"".join(struct.pack("<12fH", 0, 0, 0, *points[list(face)].ravel(), 0) for face in faces)
    meshes = tmp_path / "ur" / "meshes"
    meshes.mkdir(parents=True)
    (meshes / "base.stl").write_bytes(bytes(80) + struct.pack("<I", len(faces)) + triangles)
    folder = tmp_path / "ur" / "urdf"
    folder.mkdir()
    moved = written(stroke, folder / "ur.urdf", ur_urdf(shapes=MESH))
    assert moved.motion.scene.model.nmesh >= 1


BOMB = '<!DOCTYPE a [<!ENTITY a "a"><!ENTITY b "&a;&a;&a;&a;">]><robot name="&b;"><link name="tip"/></robot>'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (BOMB, "declares a document type"),
        ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><mujoco model="&a;"/>', "declares a document type"),
        ("", "no arm that MuJoCo can read"),
        ("\0\1\2<mujoco>", "no arm that MuJoCo can read"),
        ('<mujoco><include file="arm.xml"/></mujoco>', "no arm that MuJoCo can read"),
        ('<mujoco><include file="/etc/hostname"/></mujoco>', "no arm that MuJoCo can read"),
        ("<mujoco><worldbody>" + "<body>" * 9000 + "</body>" * 9000 + "</worldbody></mujoco>", "MuJoCo can read"),
        (ur_urdf(more='<link name="tip"/>'), "no arm that MuJoCo can read: .*repeated"),
        (ur_urdf().replace('"tip"', '"nib"'), "'tip' is no site or body of .*; there are base_link, .*nib"),
        (ur_urdf(kind="floating"), "expected 3 hinges|neither a hinge nor a slide"),
        ("<mujoco><worldbody/></mujoco>", "'tip' is no site or body of .*, which has none with a name"),
        ('<mujoco><worldbody><body><joint axis="nan 0 0"/><site name="tip"/></body></worldbody></mujoco>', "1 joints"),
        ("<mujoco>" + " " * (17 << 20) + "</mujoco>", "larger than 16 MiB"),
    ],
    ids=range(13),
)
def test_what_is_no_arm_is_refused_in_one_line(
    tmp_path: Path, stroke: Page, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], content: str,
    told: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "arm.xml").write_text(content)
    with pytest.raises(HierbrushError, match=told) as found:
        stroke.on(Arm("arm.xml", points=paper()))
    assert "\n" not in str(found.value)
    # MuJoCo would print, and write a log.
    assert [file.name for file in tmp_path.iterdir()] == ["arm.xml"]
    assert capfd.readouterr() == ("", "")


def test_unstable_drives_are_told_and_leave_no_log(
    tmp_path: Path, on_ur5e: ArmSheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hierbrush.arms.servo import simulate

    monkeypatch.chdir(tmp_path)
    wild = PRESETS["ur5e"].servo._replace(stiffness=(1e9,) * 6, damping=(1e7,) * 6, torque=(np.inf,) * 6)
    with pytest.raises(HierbrushError, match="the simulated drives became unstable"):
        simulate(on_ur5e.motion, servo=wild)
    assert list(tmp_path.iterdir()) == []
