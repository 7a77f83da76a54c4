"""What the README shows works."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import hierbrush
from hierbrush.cli import hierbrush as command_line
from hierbrush.cli import main
from hierbrush.writing.exports.gcode import DIALECTS
from hierbrush.writing.machine import load_machine

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(example, names)
    assert {path.name for path in tmp_path.iterdir()} == {"yong.svg", "yong.json", "page.png", "page.gcode"}


def shown(*commands: str) -> list[list[str]]:
    """Return the arguments of the commands that the README shows, in its order."""
    lines = re.findall(r"^\$ hierbrush (.*)$", README, re.MULTILINE)
    words = [shlex.split(line.split("#")[0]) for line in lines]
    return [line for line in words if not commands or line[0] in commands]


def test_every_writing_command_shown_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    # What follows a training runs in tests/learning/test_readme_lines.py.
    lines = [line for line in shown("write", "machine", "doctor") if not any("runs/" in word for word in line)]
    assert len(lines) >= 6
    Path("moon.txt").write_text("床前明月光，疑是地上霜。", encoding="utf-8")
    for arguments in lines:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert (left.value.code, capsys.readouterr().err) == (0, ""), arguments
        named = [value for option, value in itertools.pairwise(arguments) if option in ("-o", "--hierarchy")]
        assert all((tmp_path / name).stat().st_size for name in named)
    # The picture that stands below one of them is that one's.
    assert "how.png" in {path.name for path in tmp_path.iterdir()}


def test_what_is_scored_is_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (arguments,) = [line for line in shown("evaluate") if "--sheet" in line]
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--limit", "2", "--workers", "1"])
    assert left.value.code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"scores.json", "worst.png"}
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ndemo:")[2].partition("\n\n")[0]
    assert recipe.count("$(LINE)") == 3  # written, written in a learned hand, and scored
    assert "--goal" not in recipe


def test_the_formats_shown_are_those_written(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    writing = hierbrush.write_character("一")
    document = json.loads(writing.save(tmp_path / "x.json").read_text(encoding="utf-8"))
    character = document["characters"][0]
    for key in (*document, *character, *character["strokes"][0], *document["trajectory"]["columns"]):
        assert f"`{key}`" in page, key
    with np.load(writing.save(tmp_path / "x.npz")) as arrays:
        for name in arrays.files:
            assert f"`{name}`" in page, name
    for option in dataclasses.fields(hierbrush.GcodeOptions):
        assert f"| `{option.name}` |" in page, option.name
    for dialect in DIALECTS:
        assert f"| `{dialect}` |" in page
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "machine.yaml").write_text(example)
    assert load_machine(tmp_path / "machine.yaml").before == ("G28",)


def test_every_command_shown_is_understood() -> None:
    for name, *arguments in shown():
        command = command_line.get_command(command_line.make_context("hierbrush", ["doctor"]), name)
        assert command is not None, name
        command.make_context(name, arguments)


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", *(ROOT / "docs" / name for name in ("architecture.md", "formats.md"))],
    ids=lambda page: page.name,
)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_make_target_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:\$ |`)make ([a-z-]+)", README)) <= targets
