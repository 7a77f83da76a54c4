"""What the README shows works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from hierbrush.cli import hierbrush as command_line

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(example, names)
    assert {path.name for path in tmp_path.iterdir()} == {"yong.svg", "yong.json", "page.png"}


def test_every_command_shown_is_understood() -> None:
    shown = re.findall(r"^\$ hierbrush (.*)$", README, re.MULTILINE)
    assert len(shown) >= 3
    for line in shown:
        name, *arguments = shlex.split(line.split("#")[0])
        command = command_line.get_command(command_line.make_context("hierbrush", ["doctor"]), name)
        assert command is not None, name
        command.make_context(name, arguments)


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "architecture.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_make_target_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", README)) <= targets
