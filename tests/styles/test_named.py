"""Styles that come with hierbrush are found by name, have cards and licences, and write."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from hierbrush import write_character
from hierbrush.characters import split
from hierbrush.cli.style import style as command
from hierbrush.errors import HierbrushError
from hierbrush.styles.named import card, shipped, style_place
from hierbrush.styles.style import Style


@pytest.mark.parametrize("name", shipped())
def test_each_has_a_card_a_licence_and_training_characters_alone(name: str) -> None:
    told, style = card(name), Style.load(name)
    assert (told["name"], told["characters"]) == (name, len(style.characters))
    licence = (shipped()[name].parent / told["licence_file"]).read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert {split(char) for char in style.characters} == {"train"}
    assert shipped()[name].stat().st_size < 1_000_000


def test_a_name_writes_what_was_drawn_and_what_was_not() -> None:
    style = Style.load("mashan")
    assert write_character(style.characters[0], style="mashan").confidence is not None
    assert write_character("永", style="mashan").goal == "style"


def test_a_file_goes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert style_place("mashan") == shipped()["mashan"]
    (tmp_path / "mashan").write_bytes(b"")
    assert style_place("mashan") == Path("mashan")


def test_a_folder_of_copies_does_not_hide_a_style(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mashan").mkdir()
    assert style_place("mashan") == shipped()["mashan"]


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(HierbrushError, match=r"style: there is no file 'mashn'.* did you mean 'mashan'\?"):
        write_character("永", style="mashn")


def test_the_command_lists_them() -> None:
    answer = CliRunner().invoke(command, ["list"], catch_exceptions=False)
    assert "mashan" in answer.output
    assert "SIL Open Font License" in answer.output
