"""A style keeps what a hand has drawn, and foretells what it has not; its file holds no code and damage is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from hierbrush import write_character
from hierbrush.characters import load_library
from hierbrush.cli.copy import copy
from hierbrush.cli.style import style as command
from hierbrush.errors import HierbrushError
from hierbrush.sim import rasterise
from hierbrush.styles.chosen import chosen, is_common
from hierbrush.styles.examples import character_of
from hierbrush.styles.style import Style
from tests.styles.conftest import TEXT

DRAWN = "永和九年春風花月"
TREE = load_library().decomposition("湖")


@pytest.fixture(scope="module")
def learned(font: Path) -> Style:
    return Style.learn(font, DRAWN, name="ours")


@pytest.fixture(scope="module")
def file(learned: Style, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return learned.save(tmp_path_factory.mktemp("style") / "ours.style")


def test_a_style_comes_back_equal(learned: Style, file: Path) -> None:
    back = Style.load(file)
    assert (back.name, back.characters, back.rejected) == (learned.name, learned.characters, learned.rejected)
    assert np.abs(back.lines - learned.lines).max() < 5e-4
    assert np.abs(back.outlines - learned.outlines).max() < 1e-3


def test_what_was_drawn_is_copied_and_the_rest_is_deformed(learned: Style, file: Path) -> None:
    char = learned.characters[0]
    copied = write_character(char, style=file)
    assert copied.goal == "style"
    assert copied.confidence is not None
    assert np.abs(copied.strokes[0].goal.outline - learned.drawn(char)[0].outline).max() < 1e-3
    other = write_character("湖", style=file)
    assert (other.goal, len(other.strokes)) == ("style", 12)
    # This hand is our own, so what it has not drawn is near to our glyph.
    assert write_character("湖", style=file).scores.iou > 0.9


def test_a_described_character_is_written_in_a_style(file: Path) -> None:
    assert write_character("⿰木月", style=file).goal == "style"


def test_fewer_examples_make_a_style_too(learned: Style) -> None:
    fewer = learned.of(learned.characters[:5])
    assert fewer.characters == learned.characters[:5]
    assert len(fewer.strokes([stroke.goal() for stroke in load_library()["湖"].strokes], TREE)) == 12
    with pytest.raises(HierbrushError, match=r"characters: the style has 2 of them, expected 5 or more"):
        learned.of(learned.characters[:2])


def test_an_empty_folder_and_names_that_tell_no_character_are_told(tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match=r"source: .* has no pictures, expected files such as 永.png"):
        Style.learn(tmp_path)
    Image.new("L", (64, 64), 255).save(tmp_path / "one.png")
    with pytest.raises(HierbrushError, match=r"source: |sheet|marker"):
        Style.learn(tmp_path)


def test_pictures_of_other_characters_are_rejected(tmp_path: Path) -> None:
    for name, char in zip("永和九年春風", "風春年九和永", strict=True):
        ink = rasterise([stroke.outline for stroke in load_library()[char].strokes], 256)
        Image.fromarray(np.round(255 * (1 - ink)).astype(np.uint8)).save(tmp_path / f"{name}.png")
    with pytest.raises(HierbrushError, match=r"has \d characters whose strokes are surely found, .* not found: "):
        Style.learn(tmp_path)


def test_content_of_a_font_in_another_hand(font: Path, file: Path) -> None:
    writing = write_character("水", goal=font, style=file)
    assert (writing.goal, len(writing.strokes)) == ("style", 4)


def test_a_folder_of_pictures_is_learned(tmp_path: Path) -> None:
    for char in "永和九年春":
        ink = rasterise([stroke.outline for stroke in load_library()[char].strokes], 256)
        Image.fromarray(np.round(255 * (1 - ink)).astype(np.uint8)).save(tmp_path / f"U+{ord(char):04X}.png")
    assert Style.learn(tmp_path).characters == tuple(sorted("永和九年春"))


@pytest.mark.parametrize(
    ("name", "char"), [("永", "永"), ("U+6C38", "永"), ("06C38-永", "永"), ("6c38", "永"), ("page 1", None)]
)
def test_names_of_files_tell_characters(name: str, char: str | None) -> None:
    assert character_of(Path(f"{name}.png")) == char


def test_too_few_examples_are_told(font: Path) -> None:
    with pytest.raises(HierbrushError, match=r"source: .* has 2 characters .* expected 5 or more"):
        Style.learn(font, "永和")


def test_what_a_font_lacks_is_told(font: Path) -> None:
    with pytest.raises(HierbrushError, match=r"font: 'mine.ttf' has no '龍'"):
        Style.learn(font, "永龍")
    with pytest.raises(HierbrushError, match=r"source: 'x.doc' is no font"):
        Style.learn("x.doc")


def test_damaged_files_and_other_versions_are_told(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    broken = tmp_path / "x.style"
    for content in (b"", b"nonsense", whole[: len(whole) // 2], whole[:-1]):
        broken.write_bytes(content)
        with pytest.raises(HierbrushError, match=r"style: cannot read .*x.style"):
            Style.load(broken)
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    for change, message in (
        ({"format": 1}, "version 1, this hierbrush reads version 3"),
        ({"characters": "永"}, "strokes"),
    ):
        card = json.loads(header["__metadata__"]["style"]) | change
        text = json.dumps(header | {"__metadata__": {"style": json.dumps(card)}}).encode()
        text += b" " * (-len(text) % 8)
        broken.write_bytes(len(text).to_bytes(8, "little") + text + whole[8 + length :])
        with pytest.raises(HierbrushError, match=message):
            Style.load(broken)


def test_chosen_characters_are_common_training_ones_and_show_much() -> None:
    few = chosen(40)
    assert len(set(few)) == 40
    assert all(map(is_common, few))
    library = load_library()

    def shown(chars: list[str]) -> int:
        return len({leaf.name for char in chars for leaf in library.decomposition(char).leaves()})

    assert shown(few) > 1.1 * shown(sorted(few[:1] + list(chosen(400)[200:239])))
    assert chosen(40) == few


def test_the_command_learns_shows_and_copies(font: Path, tmp_path: Path) -> None:
    run = CliRunner()
    made = tmp_path / "x.style"
    answer = run.invoke(command, ["learn", str(font), "-o", str(made), "--characters", DRAWN], catch_exceptions=False)
    assert answer.exit_code == 0
    answer = run.invoke(command, ["show", str(made)], catch_exceptions=False)
    assert "strokes" in answer.output
    folder = tmp_path / "copies"
    arguments = [str(font), "-o", str(folder), "--text", TEXT[:2] + "，", "--workers", "1"]
    answer = run.invoke(copy, arguments, catch_exceptions=False)
    assert answer.exit_code == 0
    assert (folder / "06C38-永.png").exists()
    assert len((folder / "copies.csv").read_text(encoding="utf-8").splitlines()) == 4
    assert "nothing new; 3 were there" in run.invoke(copy, arguments, catch_exceptions=False).output
