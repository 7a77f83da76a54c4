"""An export is one file: what it registers is found by `save`, the command line and the lists."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module, reload
from pathlib import Path

import pytest
from click.testing import CliRunner

import hierbrush.writing.exports
from hierbrush.errors import HierbrushError
from hierbrush.writing import Writing, outputs
from hierbrush.writing.outputs import kind_of

TOY = """
from hierbrush.arguments import check_whole
from hierbrush.writing.outputs import Export, Flag, Option, register

LOUD = Option(
    "loud",
    lambda value: 1 if value is None else check_whole("loud", value, 1, 9),
    what="a loudness",
    lacking="make no noise",
    none="makes a noise",
    flags=(Flag("--loud", "How loud it is.", int, metavar="NUMBER"),),
)

register(Export("toy.txt", lambda sheet, loud: (sheet.text + "!" * loud).encode(), options=(LOUD,)))
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "toy.py").write_text(TOY, encoding="utf-8")
    monkeypatch.setattr(hierbrush.writing.exports, "__path__", [*hierbrush.writing.exports.__path__, str(folder)])
    outputs._find.cache_clear()
    yield
    del outputs._EXPORTS["toy.txt"], sys.modules["hierbrush.writing.exports.toy"]
    outputs._find.cache_clear()


@pytest.mark.usefixtures("toy")
def test_an_export_is_one_file(yong: Writing, tmp_path: Path) -> None:
    assert yong.save(tmp_path / "yong.toy.txt").read_text(encoding="utf-8") == "永!"
    assert yong.save(tmp_path / "x.toy.txt", loud=3).read_text(encoding="utf-8") == "永!!!"
    assert yong.save(tmp_path / "y", format="toy.txt", loud=None).read_bytes() == "永!".encode()
    with pytest.raises(HierbrushError, match="loud: 10, expected a whole number from 1 to 9"):
        yong.save(tmp_path / "x.toy.txt", loud=10)
    with pytest.raises(HierbrushError, match=r"^loud: png files make no noise; save as .toy.txt$"):
        yong.save(tmp_path / "x.png", loud=3)
    with pytest.raises(HierbrushError, match=r"^size: toy.txt files have no pixels; only png and gif take a size$"):
        yong.save(tmp_path / "x.toy.txt", size=64)
    with pytest.raises(HierbrushError, match=r"^lowd: is no option of any kind of file; did you mean 'loud'\?$"):
        yong.save(tmp_path / "x.toy.txt", lowd=3)


def test_the_command_line_finds_an_export(toy: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = import_module("hierbrush.cli.write")
    try:
        command = reload(module).write
        told = CliRunner().invoke(command, ["--help"]).output
        assert "--loud NUMBER" in told
        assert "toy.txt" in told
        assert CliRunner().invoke(command, ["一", "-o", "x.toy.txt", "--loud", "2"]).output == "x.toy.txt\n"
        assert Path("x.toy.txt").read_text(encoding="utf-8") == "一!!"
        refused = CliRunner().invoke(command, ["一", "-o", "x.png", "--loud", "2"]).exception
        assert str(refused) == "--loud: none of the files makes a noise; name one that ends in .toy.txt"
    finally:
        reload(module)


def test_the_longest_ending_tells_the_kind(toy: None) -> None:
    assert kind_of(Path("a.toy.txt")) == "toy.txt"
    with pytest.raises(HierbrushError, match=r"unknown suffix '\.txt'"):
        kind_of(Path("a.txt"))
    with pytest.raises(HierbrushError, match="has no suffix"):
        kind_of(Path("png"))


def test_lists_begin_with_what_is_looked_at() -> None:
    assert list(outputs.exports())[:7] == ["png", "svg", "pdf", "gif", "json", "npz", "gcode"]


def test_every_kind_and_option_is_documented() -> None:
    formats = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    assert [kind for kind in outputs.exports() if f"`{kind}`" not in formats] == []
    flags = [flag.name for option, _ in outputs.options().values() for flag in option.flags]
    assert [name for name in flags if f"`{name}`" not in formats] == []
