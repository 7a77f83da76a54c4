"""Files for machines, read back by programs that others wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hierbrush.writing import Page, Writing

DIALECTS = ("grbl", "marlin", "klipper")


def program(writing: Writing, dialect: str, tmp_path: Path) -> str:
    return writing.save(tmp_path / "yong.gcode", gcode={"dialect": dialect}).read_text("ascii")


def expected(writing: Writing) -> np.ndarray:
    """Return where the default machine's tip is to go while it writes, [n, 3] millimetres."""
    rows = np.concatenate(writing.paths)
    return np.column_stack([20 + rows[:, 0] * 1e3, 20 + (writing.height - rows[:, 1]) * 1e3, -rows[:, 2] * 1e3])


def check_strokes(places: np.ndarray, writing: Writing) -> None:
    """Check that a program's places pass those of the strokes, in their order."""
    at = 0
    for place in expected(writing):
        found = np.flatnonzero(np.abs(places[at:] - place).max(axis=1) < 6e-4)
        assert len(found), f"{place} is missing after line {at}"
        at += int(found[0])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_gcodeparser_reads_the_movement(yong: Writing, tmp_path: Path, dialect: str) -> None:
    gcodeparser = pytest.importorskip("gcodeparser")
    lines = list(gcodeparser.parse_gcode_lines(program(yong, dialect, tmp_path), include_comments=True))
    comments = [line for line in lines if line.command[0] == ";"]
    assert f"dialect {dialect}" in comments[-1].comment
    # Comments stand at the head alone, none behind a command.
    assert not any(line.comment for line in lines[len(comments) :])
    moves = [line.params for line in lines if line.command == ("G", 1)]
    assert all("F" in move for move in moves)
    dwells = {line.params["P"] for line in lines if line.command == ("G", 4)}
    assert dwells == {0.5 if dialect == "grbl" else 500}
    here, places = {"X": np.nan, "Y": np.nan, "Z": np.nan}, []
    for move in moves:
        here |= {axis: move[axis] for axis in here if axis in move}
        places.append(list(here.values()))
    check_strokes(np.array(places), yong)


def test_pygcode_s_machine_runs_it(yong: Writing, tmp_path: Path) -> None:
    pygcode = pytest.importorskip("pygcode")
    machine, places = pygcode.Machine(), []
    for text in program(yong, "grbl", tmp_path).splitlines():
        line = pygcode.Line(text)
        machine.process_gcodes(*[code for code in line.block.gcodes if not isinstance(code, pygcode.GCodeDwell)])
        places.append([machine.pos.values[axis] for axis in "XYZ"])
        # The machine's modes: millimetres, absolute, feed a minute, and a feed for every movement.
        if any(isinstance(code, pygcode.GCodeLinearMove) for code in line.block.gcodes):
            assert str(machine.mode.units) == "G21"
            assert str(machine.mode.distance) == "G90"
            assert float(machine.mode.feed_rate.word.value) > 0
    check_strokes(np.array(places), yong)


def read_svg(file: Path) -> list[Any]:
    svgelements = pytest.importorskip("svgelements")
    drawing = svgelements.SVG.parse(str(file), ppi=25.4)  # a pixel is then a millimetre
    return [element for element in drawing.elements() if isinstance(element, svgelements.Shape)]


def test_svgelements_reads_open_paths_in_millimetres(page: Page, tmp_path: Path) -> None:
    shapes = read_svg(page.save(tmp_path / "page.lines.svg"))
    assert len(shapes) == len(page.paths)
    for shape, path in zip(shapes, page.paths, strict=True):
        assert type(shape).__name__ == "Path"
        assert shape.fill is None or shape.fill.value is None
        points = np.array([(point.x, point.y) for point in shape.as_points()])
        down = path[path[:, 2] > 0] * 1e3
        assert np.abs(points[0] - down[0, :2]).max() < 1.0
        assert np.linalg.norm(points.max(axis=0) - down[:, :2].max(axis=0)) < 1e-2
