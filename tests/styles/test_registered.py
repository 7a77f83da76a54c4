"""Registered drawings: found in fonts, kept in a file, gone on with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hierbrush.characters import load_library, split
from hierbrush.cli import main
from hierbrush.composer.place import shaped_goals
from hierbrush.errors import HierbrushError
from hierbrush.metrics import stroke_iou
from hierbrush.sim import rasterise
from hierbrush.styles import registered
from hierbrush.styles.registered import Registered, register_fonts


@pytest.fixture(scope="module")
def made(font: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drawings") / "mine.drawings"
    register_fonts([font], path, characters=3)
    return path


def test_training_characters_alone_are_registered_and_kept(made: Path, font: Path) -> None:
    found = Registered.load(made)
    chars = [drawing.char for drawing in found.drawings]
    assert len(chars) >= 2
    assert {split(char) for char in chars} == {"train"}
    assert found.fonts == (font.name,)
    for drawing in found.drawings:
        types = load_library().stroke_types(drawing.char)
        assert drawing.places.shape == (len(types), 16)
        goals = shaped_goals(types, drawing.places, drawing.half_widths.astype(float))
        ink = rasterise([goal.outline for goal in goals], 256)
        assert stroke_iou(ink, drawing.page.astype(np.float32)) > 0.7


def test_what_is_there_is_not_done_again(made: Path, font: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Registered.load(made)
    asked: list[str] = []
    find = registered.drawing_of

    def counted(char: str, font: object) -> object:
        asked.append(char)
        return find(char, font)  # type: ignore[arg-type]

    monkeypatch.setattr(registered, "drawing_of", counted)
    done: list[int] = []
    after = register_fonts([font], made, characters=4, progress=done.append)
    assert len(asked) == 1
    assert sum(done) == 4
    assert [drawing.char for drawing in after.drawings][: len(before.drawings)] == [
        drawing.char for drawing in before.drawings
    ]


def test_an_interruption_keeps_what_is_found(font: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find, calls = registered.drawing_of, []

    def interrupted(char: str, font: object) -> object:
        calls.append(char)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return find(char, font)  # type: ignore[arg-type]

    monkeypatch.setattr(registered, "drawing_of", interrupted)
    path = tmp_path / "x.drawings"
    with pytest.raises(KeyboardInterrupt):
        register_fonts([font], path, characters=3)
    assert Registered.load(path).of(font.name) == {calls[0]}


def test_other_files_are_refused(made: Path, tmp_path: Path) -> None:
    content = made.read_bytes()
    for name, data, reason in (
        ("text", b"no drawings", "it holds no drawings"),
        ("cut", content[:-5], "it holds no drawings"),
        ("version", content.replace(b'\\"format\\": 1', b'\\"format\\": 7'), "it is of version 7"),
    ):
        path = tmp_path / f"{name}.drawings"
        path.write_bytes(data)
        with pytest.raises(HierbrushError, match=f"goals.drawings: cannot read .*{name}.drawings.: {reason}"):
            Registered.load(path, argument="goals.drawings")


def test_the_command_line(font: Path, made: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as left:
            main(["goals", *arguments])
        return int(str(left.value.code))

    path = tmp_path / "x.drawings"
    assert run("register", str(font), "-o", str(path), "--characters", "1") == 0
    assert f"  {font.name}: " in capfd.readouterr().out
    assert run("show", str(made)) == 0
    assert "drawings" in capfd.readouterr().out
    assert run("register", str(font), "-o", str(tmp_path / "x.txt")) == 2
    assert "expected a name that ends in .drawings" in capfd.readouterr().err
    assert run("show", str(font)) == 2
    assert "cannot read" in capfd.readouterr().err
