"""Writing with ink, dips and the inkstone: pictures, movements and files."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hierbrush
from hierbrush.errors import HierbrushError
from hierbrush.ink import Ink, InkStone
from hierbrush.writing import Writing
from hierbrush.writing.trajectory import MotionLimits, motion_peaks


@pytest.fixture(scope="module")
def plain() -> Writing:
    return hierbrush.write_character("永", policy="scripted")


@pytest.fixture(scope="module")
def shaped() -> Writing:
    return hierbrush.write_character("永", policy="scripted", stone={"strokes": 4})


def test_plain_is_what_is_drawn_unless_asked(plain: Writing) -> None:
    assert plain.image(64, "plain").tobytes() == plain.image(64).tobytes()
    assert np.abs(plain.image(64, "dry") - plain.image(64)).max() > 0.3
    assert plain.image(64, {"load": 0.3}).tobytes() == plain.image(64, Ink(load=0.3)).tobytes()
    with pytest.raises(HierbrushError, match="ink: 'dri' is not one of plain, wet, dry"):
        plain.image(64, "dri")


def test_the_papers_grain_runs_on_over_a_page() -> None:
    page = hierbrush.write_text("永永", layout="horizontal", policy="scripted")
    picture = page.image(128, "dry")
    boxes = [picture[top : top + 128, left : left + 128] for top, left in
             ((round(cell.y / cell.side * 128), round(cell.x / cell.side * 128)) for cell in page.cells)]  # fmt: skip
    assert np.abs(boxes[0] - boxes[1]).max() > 0.3
    assert (np.abs(page.image(128)[:, :0]) == 0).all()


@pytest.mark.parametrize("kind", ["png", "gif", "pdf"])
def test_files_show_the_ink(plain: Writing, tmp_path: Path, kind: str) -> None:
    dry, same = plain.save(tmp_path / f"dry.{kind}", ink="dry"), plain.save(tmp_path / f"plain.{kind}", ink="plain")
    bare = plain.save(tmp_path / f"bare.{kind}")
    assert same.read_bytes() == bare.read_bytes() != dry.read_bytes()


def test_an_animation_ends_with_the_picture(plain: Writing) -> None:
    file = BytesIO()
    plain.save(file, format="gif", size=96, ink="dry")
    animation = Image.open(file)
    animation.seek(animation.n_frames - 1)
    last = 1.0 - np.asarray(animation.convert("L"), np.float32) / 255
    assert np.corrcoef(last.ravel(), plain.image(96, "dry").ravel())[0, 1] > 0.97


def test_files_of_vectors_refuse_an_ink(plain: Writing, tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match="ink: svg files show no ink but plain"):
        plain.save(tmp_path / "a.svg", ink="dry")


@pytest.mark.parametrize("dip", ["stroke", "character", "auto"])
def test_dips_are_in_the_movement(dip: str) -> None:
    writing = hierbrush.write_character("永", policy="scripted", dip=dip)
    rests = np.flatnonzero(np.diff(writing.trajectory["dip"].astype(int)) == 1)
    assert len(rests) == sum(writing.stroke_dips) == {"stroke": 5}.get(dip, 1)
    assert writing.trajectory["stroke"].max() == 4


def test_a_tuft_that_is_not_dipped_stays_bent() -> None:
    plain, carried = (hierbrush.write_character("永", dip=dip) for dip in ("stroke", "character"))
    assert plain.starts is None
    assert carried.starts is not None
    turned = [float(start @ carried.starts[0]) for start in carried.starts[1:]]
    assert min(turned) < 0.5
    strokes = [carried.stroke_ink(index, 256) for index in range(5)]
    assert any((ink != plain.stroke_ink(index, 256)).any() for index, ink in enumerate(strokes))
    whole = np.max([carried.stroke_ink(index, 64) for index in range(5)], axis=0)
    assert (whole <= carried.image(64) + 1e-6).all()


def test_the_routine_leaves_it_straight_and_without_it_bend_stays(plain: Writing, shaped: Writing) -> None:
    assert shaped.starts is None
    assert shaped.image(64).tobytes() == plain.image(64).tobytes()
    unshaped = hierbrush.write_character("永", policy="scripted", stone={"strokes": 0})
    assert unshaped.starts is not None
    assert all(unshaped.stroke_dips)


def test_the_movement_on_the_stone_keeps_the_limits(shaped: Writing) -> None:
    limits = MotionLimits()
    assert all(np.less_equal(motion_peaks(shaped.trajectory), (limits.speed, limits.acceleration, limits.jerk)))
    rows = shaped.trajectory[shaped.trajectory["dip"]]
    stone = InkStone(strokes=4)
    x, y = stone.middle(shaped.width, shaped.height)
    assert (np.hypot(rows["x"] - x, rows["y"] - y) <= stone.radius + 1e-9).all()
    assert rows["z"].max() == pytest.approx(stone.press - stone.height)
    assert not rows["down"].any()


def test_the_stone_is_in_every_file_of_movement(shaped: Writing, tmp_path: Path) -> None:
    for kind in ("json", "npz"):
        path = shaped.save(tmp_path / f"a.{kind}")
        assert hierbrush.load(path) == shaped
    carried = hierbrush.write_character("永", policy="scripted", dip="character", stone={})
    assert hierbrush.load(carried.save(tmp_path / "b.json")) == carried != shaped
    program = shaped.save(tmp_path / "a.gcode", gcode={"work_x": (0, 400)}).read_text()
    short = hierbrush.write_character("永", policy="scripted").save(tmp_path / "b.gcode").read_text()
    assert program.count("\nG4 ") == short.count("\nG4 ") == 5
    assert program.count("\n") > short.count("\n") + 5 * 4 * 3
    with pytest.raises(HierbrushError, match="gcode: the movement needs x"):
        shaped.save(tmp_path / "c.gcode")


def test_a_pen_of_four_methods_gets_plain_dips(shaped: Writing) -> None:
    from hierbrush.writing.pens import RecordingPen

    pen = RecordingPen()
    shaped.draw(pen)
    assert [call[0] for call in pen.calls].count("dip") == 5


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"dip": "never"}, "dip: 'never' is not one of stroke, character, auto"),
        ({"stone": {"radios": 1}}, "stone: unknown field 'radios'; did you mean 'radius'"),
        ({"stone": 3}, "stone: 3, expected a InkStone"),
        ({"brush": "rond"}, "brush: 'rond' is not one of measured, round"),
        ({"brush": 3}, "brush: 3, expected the name of a preset"),
        ({"dip": "character", "policy": "planned"}, "dip: what is planned begins each stroke with a straight tuft"),
    ],
)
def test_what_cannot_be_is_told(how: dict[str, object], message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        hierbrush.write_character("永", **how)  # type: ignore[arg-type]


def test_damaged_dips_are_refused(plain: Writing) -> None:
    with pytest.raises(HierbrushError, match=r"dips: \[True\], expected True or False for each of the 5 strokes"):
        Writing(plain.plan, brush=plain.brush, policy="scripted", seed=0, stroke_paths=plain.stroke_paths, dips=[True])
