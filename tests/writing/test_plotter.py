"""Lines for plotters: open paths where the pen is down, with depth and speed, inside the work area."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from hierbrush.errors import HierbrushError
from hierbrush.ink import InkStone
from hierbrush.writing import Page, Writing, write_character
from hierbrush.writing.exports.plotter import PlotterOptions
from hierbrush.writing.machine import example, load_machine

SVG = "{http://www.w3.org/2000/svg}"
PATH = re.compile(r"M(-?\d+\.\d{3} -?\d+\.\d{3})(L-?\d+\.\d{3} -?\d+\.\d{3})+")


def paths_of(text: str) -> list[tuple[dict[str, str], np.ndarray]]:
    """Read an SVG strictly: millimetres, open paths of straight lines, nothing filled, no rectangle."""
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.get("fill") == "none"
    width, height = (float(root.get(side, "").removesuffix("mm")) for side in ("width", "height"))
    assert root.get("viewBox") == f"0 0 {width:.3f} {height:.3f}"
    assert {child.tag for child in root} == {f"{SVG}title", f"{SVG}path"}
    found = []
    for path in root.iter(f"{SVG}path"):
        way = path.get("d", "")
        assert PATH.fullmatch(way)
        points = np.array([part.split() for part in re.split("[ML]", way)[1:]], float)
        assert (points >= 0).all()
        assert (points <= [width, height]).all()
        for name in ("depth-mm", "width-mm", "speed-mm-s"):
            assert len(path.get(f"data-{name}", "").split()) == len(points)
        found.append((dict(path.attrib), points))
    return found


def test_svg_holds_the_strokes_centre_lines(yong: Writing, tmp_path: Path) -> None:
    found = paths_of(yong.save(tmp_path / "yong.lines.svg").read_text())
    assert [int(attributes["data-stroke"]) for attributes, _ in found] == [0, 1, 2, 3, 4]
    rows = yong.trajectory
    for (attributes, points), stroke in zip(found, yong.strokes, strict=True):
        down = rows[stroke.span][rows[stroke.span]["down"]]
        assert attributes["class"] == stroke.stroke_type
        assert np.allclose(points, np.stack([down["x"], down["y"]], axis=1) * 1e3, atol=6e-4)
        depth = np.array(attributes["data-depth-mm"].split(), float)
        assert np.allclose(depth, down["z"] * 1e3, atol=6e-4)
        width = np.array(attributes["data-width-mm"].split(), float)
        assert np.allclose(width, [yong.brush.width(z / 1e3) * 1e3 for z in depth], atol=2e-3)
        speed = np.array(attributes["data-speed-mm-s"].split(), float)
        assert 0 < speed.max() <= yong.motion.speed * 1e3


def test_csv_holds_the_same(page: Page, tmp_path: Path) -> None:
    table = list(csv.reader(io.StringIO(page.save(tmp_path / "page.csv").read_text())))
    assert table[0] == ["stroke", "run", "x_mm", "y_mm", "depth_mm", "width_mm", "speed_mm_s", "dip"]
    rows = np.array(table[1:], float)
    assert (rows[:, 4] > 0).all()
    svg = paths_of(page.save(tmp_path / "page.lines.svg").read_text())
    assert np.array_equal(np.concatenate([points for _, points in svg]), rows[:, 2:4])
    assert len(svg) == rows[-1, 1] + 1


def test_lines_say_before_which_strokes_the_brush_is_dipped(tmp_path: Path) -> None:
    once = write_character("十", dip="character", policy="scripted")
    found = paths_of(once.save(tmp_path / "a.lines.svg").read_text())
    assert [attributes.get("data-dip") for attributes, _ in found] == ["1", None]
    table = np.loadtxt(once.save(tmp_path / "a.csv"), delimiter=",", skiprows=1)
    assert [set(table[table[:, 0] == stroke, 7]) for stroke in (0, 1)] == [{1.0}, {0.0}]


def test_a_dip_on_a_stone_is_a_movement_in_lines(tmp_path: Path) -> None:
    stone = InkStone(x=0.05, radius=0.02, strokes=3)
    writing = write_character("十", dip="character", stone=stone, policy="scripted")
    table = np.loadtxt(writing.save(tmp_path / "a.csv"), delimiter=",", skiprows=1)
    dip, strokes = table[table[:, 0] == -1], table[table[:, 0] >= 0]
    assert len(set(dip[:, 1])) == 3  # one run for each stroke to the edge
    assert dip[:, 1].max() < strokes[:, 1].min()
    middle = 1e3 * np.array(stone.middle(writing.width, writing.height))
    assert np.hypot(*(dip[:, 2:4] - middle).T).max() <= 1e3 * stone.radius
    assert dip[:, 4].max() == pytest.approx(1e3 * (stone.press - stone.height), abs=1e-3)
    classes = [path["class"] for path, _ in paths_of(writing.save(tmp_path / "a.lines.svg").read_text())]
    assert classes == ["dip"] * 3 + ["H", "S"]


def test_the_paper_lies_where_the_plotter_says(yong: Writing, tmp_path: Path) -> None:
    here, there = (
        paths_of(yong.save(tmp_path / "a.lines.svg", plotter=plotter).read_text())
        for plotter in (None, {"paper_x": 10.0, "paper_y": 20.0})
    )
    assert np.allclose(there[0][1] - here[0][1], [10, 20])


def test_leaving_the_work_area_is_refused_before_anything_is_written(yong: Writing, tmp_path: Path) -> None:
    for suffix in ("csv", "lines.svg"):
        with pytest.raises(HierbrushError, match=r"plotter: the pen needs x from .* mm, but work_x ends at 50.0"):
            yong.save(tmp_path / f"a.{suffix}", plotter={"work_x": 50.0})
    with pytest.raises(HierbrushError, match="plotter: the pen needs y from -"):
        yong.save(tmp_path / "a.csv", plotter={"paper_y": -60.0})
    assert list(tmp_path.iterdir()) == []


def test_a_plotter_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "plotter.yaml").write_text(example("plotter"))
    assert load_machine(tmp_path / "plotter.yaml", "plotter") == PlotterOptions()
    (tmp_path / "plotter.yaml").write_text("work_x: wide\n")
    with pytest.raises(HierbrushError, match=r"plotter.yaml:1:9: work_x: 'wide', expected mm from"):
        load_machine(tmp_path / "plotter.yaml", "plotter")
