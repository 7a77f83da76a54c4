"""Ink comes out of pictures as people have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from hierbrush import write_character, write_text
from hierbrush.errors import HierbrushError
from hierbrush.metrics import stroke_iou
from hierbrush.styles.pages import read_page
from hierbrush.styles.pictures import box_ink, read_ink

TRUE = write_character("永").image(256)


def grey(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.round(255 * (1 - ink)).astype(np.uint8)


def nearness(picture: object) -> float:
    return stroke_iou(box_ink(picture), TRUE)  # type: ignore[arg-type]


def test_black_on_white_is_taken_as_it_is(tmp_path: Path) -> None:
    assert nearness(grey(TRUE)) > 0.98
    assert nearness(TRUE) == 1.0
    assert nearness(TRUE >= 0.5) > 0.98
    Image.fromarray(grey(TRUE)).save(tmp_path / "x.png")
    assert nearness(tmp_path / "x.png") > 0.98


def test_white_on_black_is_turned_round() -> None:
    noise = np.random.default_rng(0).normal(0, 6, TRUE.shape)
    assert nearness(np.clip(235 * TRUE + 15 + noise, 0, 255).astype(np.uint8)) > 0.9


def test_a_shadow_is_divided_out() -> None:
    rng = np.random.default_rng(1)
    down, across = np.mgrid[:256, :256] / 256
    light = 0.95 - 0.5 * across * (0.4 + 0.6 * down)
    paper = 1 - 0.06 * gaussian_filter(rng.standard_normal((256, 256)), 2) * 4
    photo = light * np.where(TRUE >= 0.5, 0.15, 0.9 * paper) + rng.normal(0, 0.02, (256, 256))
    assert nearness((255 * np.clip(gaussian_filter(photo, 0.7), 0, 1)).astype(np.uint8)) > 0.88


def test_red_grids_vanish_and_red_ink_stays() -> None:
    page = np.repeat(grey(TRUE)[..., None], 3, axis=2)
    picture = Image.fromarray(page)
    pen = ImageDraw.Draw(picture)
    for line in ((0, 0, 255, 255), (255, 0, 0, 255), (128, 0, 128, 255), (0, 128, 255, 128)):
        pen.line(line, fill=(230, 90, 80), width=2)
    drawn = np.asarray(picture).copy()
    drawn[TRUE >= 0.5] = 0
    assert nearness(drawn) > 0.95
    red = np.stack([np.full((256, 256), 225), 255 - 200 * TRUE, 255 - 200 * TRUE], axis=2).astype(np.uint8)
    assert nearness(red) > 0.95


def test_a_frame_around_the_box_is_no_writing() -> None:
    framed = TRUE.copy()
    framed[:3], framed[-3:], framed[:, :3], framed[:, -3:] = 1, 1, 1, 1
    noisy = 255 - 225 * framed + np.random.default_rng(2).normal(0, 8, framed.shape)
    assert nearness(np.clip(noisy, 0, 255).astype(np.uint8)) > 0.9


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((64, 64)), "holds no ink"),
        (np.full((64, 64), 200, np.uint8), "holds no ink"),
        (np.zeros((4, 4)), "shape"),
        (np.full((64, 64), 3.0), "values from 3 to 3"),
        ("nowhere.png", "No such file"),
    ],
)
def test_what_is_no_picture_is_told(picture: object, message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        read_ink(picture)  # type: ignore[arg-type]


def test_a_file_that_is_no_picture_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no picture")
    with pytest.raises(HierbrushError, match="it is no picture"):
        read_ink(tmp_path / "x.png")


def close(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ink in its own bounding box, 64 pixels a side."""
    row, column = np.nonzero(ink >= 0.5)
    part = ink[row.min() : row.max() + 1, column.min() : column.max() + 1]
    return np.clip(np.asarray(Image.fromarray(part).resize((64, 64), Image.Resampling.BILINEAR)), 0, 1)


@pytest.mark.parametrize("direction", ["vertical", "horizontal"])
def test_a_page_is_cut_into_its_characters(direction: str) -> None:
    text = "永和九年歲在癸丑暮春之初"
    lines = "\n".join(text[at : at + 4] for at in range(0, 12, 4))
    page = write_text(lines, layout={"direction": direction, "cell": 0.03}, policy="scripted")
    tilted = Image.fromarray(grey(page.image(96))).rotate(
        2, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC
    )
    cells = read_page(np.asarray(tilted), lines, direction=None)
    assert "".join(cell.char for cell in cells) == text
    true = {char: close(write_character(char, policy="scripted").image(256)) for char in text}
    for cell in cells:
        near = {char: stroke_iou(close(cell.ink), ink) for char, ink in true.items()}
        assert max(near, key=near.__getitem__) == cell.char


def test_a_page_without_text_is_told() -> None:
    with pytest.raises(HierbrushError, match="text: has 0 characters"):
        read_page(TRUE, " \n ")


def ruled(lines: list[tuple[int, int, int, int]], ink: NDArray[np.float32] = TRUE) -> Image.Image:
    """Return a character, smaller, in a black frame with lines."""
    page = Image.new("L", (400, 400), 255)
    page.paste(Image.fromarray(grey(ink)), (72, 72))
    pen = ImageDraw.Draw(page)
    pen.rectangle((10, 10, 389, 389), outline=0, width=4)
    for line in lines:
        pen.line(line, fill=0, width=2)
    return page


CROSS = [(10, 200, 389, 200), (200, 10, 200, 389)]
CORNERS = [(10, 10, 389, 389), (389, 10, 10, 389)]


@pytest.mark.parametrize("lines", [[], CROSS, CROSS + CORNERS], ids=["frame", "田", "米"])
@pytest.mark.parametrize("tilt", [0, 3])
def test_black_grids_vanish(lines: list[tuple[int, int, int, int]], tilt: int) -> None:
    page = ruled(lines).rotate(tilt, fillcolor=255, resample=Image.Resampling.BICUBIC)
    ink = read_ink(np.asarray(page))
    assert (ink >= 0.5).sum() == pytest.approx((TRUE >= 0.5).sum(), rel=0.08)
    if not tilt:
        assert stroke_iou(ink[72:328, 72:328], TRUE) > 0.9


def test_a_character_that_is_a_frame_stays() -> None:
    ink = write_character("田", weight=0.5).image(256)
    assert stroke_iou(read_ink(grey(ink)), ink) > 0.94


def test_a_sheet_on_a_dark_table_is_the_page() -> None:
    rng = np.random.default_rng(3)
    photo = np.full((400, 480), 60.0)
    photo[60:316, 100:356] = 235 - 215 * TRUE
    photo += rng.normal(0, 5, photo.shape)
    ink = read_ink(np.clip(photo, 0, 255).astype(np.uint8))
    assert (ink >= 0.5).sum() == pytest.approx((TRUE >= 0.5).sum(), rel=0.1)


def test_a_long_stroke_is_no_frame() -> None:
    ink = write_character("中").image(256)
    rows = np.flatnonzero((ink >= 0.5).any(axis=1))
    columns = np.flatnonzero((ink >= 0.5).any(axis=0))
    close = ink[rows[0] - 2 : rows[-1] + 3, columns[0] - 2 : columns[-1] + 3]
    noise = np.random.default_rng(4).normal(0, 6, close.shape)
    found = read_ink(np.clip(240 - 220 * close + noise, 0, 255).astype(np.uint8))
    assert (found >= 0.5).sum() == pytest.approx((close >= 0.5).sum(), rel=0.05)


def test_lines_between_the_characters_of_a_page_are_no_ink() -> None:
    page = Image.new("L", (600, 600), 255)
    pen = ImageDraw.Draw(page)
    for row, column in np.ndindex(2, 2):
        page.paste(Image.fromarray(grey(TRUE)), (22 + 300 * column, 22 + 300 * row))
        pen.rectangle((300 * column + 2, 300 * row + 2, 300 * column + 297, 300 * row + 297), outline=0, width=4)
    for cell in read_page(np.asarray(page), "永永永永"):
        assert stroke_iou(close(cell.ink), close(TRUE)) > 0.9
