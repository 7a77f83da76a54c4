"""Copies of fonts and pictures: their strokes where they are surely found, their skeleton elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from hierbrush import load, write_character, write_characters, write_text
from hierbrush.cli.write import _tell_of_guesses
from hierbrush.composer.pictured import PICTURED_SIZE
from hierbrush.composer.policy import parameter_shapes
from hierbrush.errors import HierbrushError
from hierbrush.fonts import write_font
from hierbrush.fonts.tables import FontNames
from hierbrush.metrics import stroke_iou
from hierbrush.styles.fonts import Font


@pytest.fixture(scope="module")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("font") / "mine.ttf"
    write_font(path, "永湖，", names=FontNames(family="Mine"))
    return path


def test_a_font_is_copied_and_compared_with(font: Path, tmp_path: Path) -> None:
    writing = write_character("永", goal=font)
    assert (writing.goal, len(writing.strokes)) == ("font", 5)
    assert writing.scores.iou > 0.93
    assert writing.confidence is not None
    assert writing.confidence > 0.4
    assert load(writing.save(tmp_path / "x.json")) == writing
    assert write_character("永", goal=str(font), weight=1.3).image().sum() > writing.image().sum()


def test_what_is_not_known_is_written_by_its_skeleton(font: Path) -> None:
    assert write_character("，", goal=font).goal == "skeleton"
    hu = write_character("湖", goal=font)
    assert hu.goal == "font"
    # The ink of one character is not taken for another's.
    assert write_character("森", goal=hu.image()).goal == "skeleton"


def test_a_picture_of_another_character_is_told(font: Path, tmp_path: Path) -> None:
    page = np.round(255 - 255 * write_character("湖", goal=font).image(256)).astype(np.uint8)
    Image.fromarray(page).save(tmp_path / "lake.png")
    with pytest.raises(HierbrushError, match=r"^goal: .*lake.png' seems to show '湖' .*, expected '森'"):
        write_character("森", goal=tmp_path / "lake.png")


def test_a_picture_of_two_characters_is_told(font: Path, tmp_path: Path) -> None:
    inks = [write_character(char, goal=font).image(256) for char in "永永"]
    page = np.concatenate(inks, axis=1)
    Image.fromarray(np.uint8(255 * (1 - page))).save(tmp_path / "two.png")
    with pytest.raises(HierbrushError, match="seems to show more than '永'"):
        write_character("永", goal=tmp_path / "two.png")


def test_a_tilted_picture_is_turned_upright(tmp_path: Path) -> None:
    page = Image.fromarray(np.round(255 - 255 * write_character("林").image(256)).astype(np.uint8))
    page.rotate(9, fillcolor=255, expand=True).save(tmp_path / "tilted.png")
    upright, tilted = write_character("林"), write_character("林", goal=tmp_path / "tilted.png")
    assert tilted.goal == "picture"

    def own_box(ink: np.ndarray) -> Image.Image:
        row, column = np.nonzero(ink >= 0.5)
        part = ink[row.min() : row.max() + 1, column.min() : column.max() + 1]
        return Image.fromarray(part).resize((200, 200), Image.Resampling.BILINEAR)

    assert stroke_iou(*(np.asarray(own_box(each.image(256))) for each in (upright, tilted))) > 0.75


def test_a_batch_gives_what_one_gives(font: Path) -> None:
    batch = write_characters("永湖", goal=font)
    assert batch == [write_character(char, goal=font) for char in "永湖"]
    assert [cell.goal for cell in write_text("永，", goal=font)] == ["font", "skeleton"]


def test_it_is_told_whose_strokes_were_not_found(font: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ink = write_character("湖", goal=font).image()
    _tell_of_guesses([write_character("森", goal=ink), write_character("湖", goal=ink)])
    assert capsys.readouterr().err == "hierbrush: strokes not surely found, the ink's skeleton is written: 森\n"


def test_texts_have_what_only_the_goal_has(font: Path) -> None:
    ink = write_character("永").image()
    assert [(cell.char, cell.goal) for cell in write_text("か", goal=ink)] == [("か", "skeleton")]
    with pytest.raises(HierbrushError, match=r"^text: line 1, column 1: 'か' .*is not in the font 'mine.ttf'"):
        write_text("か永", goal=font)


def test_a_picture_is_copied() -> None:
    ink = write_character("永").image()
    writing = write_character("永", goal=ink)
    assert writing.goal == "picture"
    assert writing.scores.iou > 0.93
    assert write_character("永", goal=np.round(255 - 255 * ink).astype(np.uint8)).goal == "picture"


@pytest.mark.parametrize(
    ("char", "goal", "message"),
    [
        ("永", "no.ttf", "font: cannot read 'no.ttf'"),
        ("永", "no.png", "goal: cannot read 'no.png'"),
        ("永", np.zeros((64, 64)), "goal: the array holds no ink"),
        ("永", np.zeros((2, 3, 4, 5)), "goal: shape"),
        ("⿰木月", np.ones((64, 64)), "goal: the description"),
    ],
)
def test_what_cannot_be_copied_is_told(char: str, goal: object, message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        write_character(char, goal=goal)


def test_a_font_without_the_character_says_so(font: Path, tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match=r"font: 'mine.ttf' has no '龍' .*it has 2 ideographs"):
        write_character("龍", goal=font)
    with pytest.raises(HierbrushError, match="goal: a picture shows one character, but 2"):
        write_text("永和", goal=write_character("永").image())
    (tmp_path / "x.ttf").write_bytes(b"no font")
    with pytest.raises(HierbrushError, match=r"font: cannot read .*x.ttf'?: it is no font"):
        Font(tmp_path / "x.ttf")
    with pytest.raises(HierbrushError, match="is one font, no collection with a number 3"):
        Font(font, 3)


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a composer that sees pictures and leaves strokes where they are looked for."""
    shapes = parameter_shapes(32, 1, 32, PICTURED_SIZE)
    path = tmp_path_factory.mktemp("composer") / "composer.safetensors"
    save_file({name: np.zeros(shape, np.float32) for name, shape in shapes.items()}, path)
    return path


def test_a_composer_that_sees_pictures_copies_them(font: Path, seeing: Path, tmp_path: Path) -> None:
    writing = write_character("永", goal=font, composer=seeing)
    assert (writing.goal, writing.composer, len(writing.strokes)) == ("font", str(seeing), 5)
    # It was looked for where our glyph has it, in the font's box; this font is our own hand's.
    assert writing.scores.iou > 0.8
    assert writing.confidence is None
    assert load(writing.save(tmp_path / "x.json")) == writing
    bold = write_character("永", goal=font, composer=str(seeing), weight=1.4)
    assert bold.image().sum() > 1.1 * writing.image().sum()
    assert write_character("湖", goal=writing.image(), composer=seeing).goal == "picture"


def test_who_cannot_copy_is_refused(font: Path, seeing: Path) -> None:
    for composer, reason in (
        ("learned", r"composer: 'learned' sees no pictures; to copy one, leave it out or use 'goal-conditioned'"),
        ("goal-condition", r"did you mean 'goal-conditioned'\?"),
        (str(seeing.with_name("none.safetensors")), "cannot be read"),
    ):
        with pytest.raises(HierbrushError, match=reason):
            write_character("永", goal=font, composer=composer)
    with pytest.raises(HierbrushError, match="composer: this one copies pictures; give it a font or a picture as goal"):
        write_character("永", composer=seeing)
