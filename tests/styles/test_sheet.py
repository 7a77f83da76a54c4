"""Practice sheets are read from photographs: askew, in uneven light, blurred, noisy and coarse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.transform import ProjectiveTransform, warp

from hierbrush.characters import load_library
from hierbrush.errors import HierbrushError
from hierbrush.metrics import stroke_iou
from hierbrush.sim import rasterise
from hierbrush.styles.sheet import CELL, PER_SHEET, _box_of, drawn_sheet, read_sheet, sheet_characters, write_sheet
from hierbrush.styles.style import Style
from hierbrush.writing import write_text

FINE = 200
ROOM = 0.06


def glyph(char: str, side: int) -> NDArray[np.float32]:
    return rasterise([stroke.outline for stroke in load_library()[char].strokes], side)


def filled(chars: list[str], number: int, count: int) -> NDArray[np.float64]:
    """Return a sheet with every character written in its box, 1 = white."""
    page = np.asarray(drawn_sheet(chars, number, count, dpi=FINE), np.float64) / 255
    scale = FINE / 25.4
    side = round(CELL * (1 - 2 * ROOM) * scale)
    for at, char in enumerate(chars):
        x, y = (round((edge + ROOM * CELL) * scale) for edge in _box_of(at))
        page[y : y + side, x : x + side] *= 1 - 0.88 * glyph(char, side)[..., None]
    return page


def photographed(page: NDArray[np.float64], dpi: int, seed: int, turned: float = 0.0) -> NDArray[np.uint8]:
    """Return a photograph of a page from a camera that looks at it askew by up to 15 degrees."""
    rng = np.random.default_rng(seed)
    height, width = page.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    across, down = np.radians(rng.uniform(-15, 15, 2))
    around = np.radians(turned + rng.uniform(-5, 5))
    flat = (corners - [width / 2, height / 2]) @ np.array(
        [[np.cos(around), np.sin(around)], [-np.sin(around), np.cos(around)]]
    )
    depth = 1 + (np.sin(across) * flat[:, 0] + np.sin(down) * flat[:, 1]) / (2.2 * height)
    seen = flat * [np.cos(across), np.cos(down)] / depth[:, None] * (dpi / FINE)
    seen += 20 - seen.min(axis=0)
    columns, rows = np.ceil(seen.max(axis=0) + 20).astype(int)
    sharp = gaussian_filter(page, (0.5 * FINE / dpi, 0.5 * FINE / dpi, 0))
    picture = warp(sharp, ProjectiveTransform.from_estimate(seen, corners), output_shape=(rows, columns), cval=0.4)
    light = np.clip(1 - 0.5 * np.linspace(0, 1, columns)[None] * np.linspace(0.3, 1, rows)[:, None], 0, 1)
    picture = picture * light[..., None] * [1, 0.97, 0.9] + rng.normal(0, 0.02, picture.shape)
    return np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8)


@pytest.mark.parametrize(("dpi", "turned"), [(150, 0.0), (100, 180.0), (72, 0.0)])
def test_cells_are_found_and_read(dpi: int, turned: float) -> None:
    chars = sheet_characters(50)
    number = 1 if turned else 0
    mine = chars[number * PER_SHEET : (number + 1) * PER_SHEET]
    cells = read_sheet(photographed(filled(mine, number, 50), dpi, seed=dpi, turned=turned))
    assert [cell.char for cell in cells] == mine
    side = round(256 * (1 - 2 * ROOM))
    at = round(256 * ROOM)
    near = []
    for cell in cells:
        true = np.zeros((256, 256), np.float32)
        true[at : at + side, at : at + side] = glyph(cell.char, side)
        near.append(stroke_iou(cell.ink, true))
    assert min(near) > 0.5
    assert np.mean(near) > 0.8


def test_empty_boxes_are_left_out() -> None:
    chars = sheet_characters(10)
    page = filled(chars, 0, 10)
    empty = np.asarray(drawn_sheet(chars, 0, 10, dpi=FINE), np.float64) / 255
    half = page.shape[1] // 2
    page[:, half:] = empty[:, half:]
    assert 0 < len(read_sheet(np.round(255 * page).astype(np.uint8))) < 10
    with pytest.raises(HierbrushError, match="nothing written"):
        read_sheet(np.round(255 * empty).astype(np.uint8))


def test_sheets_of_given_characters_need_their_text(tmp_path: Path) -> None:
    assert write_sheet(tmp_path / "own.pdf", "永和九年" * 2) == 1
    assert (tmp_path / "own.txt").read_text(encoding="utf-8") == "永和九年\n"
    assert (tmp_path / "own.pdf").read_bytes().startswith(b"%PDF")
    page = np.round(255 * filled(list("永和九年"), 0, 0)).astype(np.uint8)
    with pytest.raises(HierbrushError, match="characters: the sheet's own are needed"):
        read_sheet(page)
    assert [cell.char for cell in read_sheet(page, "永和九年")] == list("永和九年")


def test_what_is_no_sheet_is_told(tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match="four markers"):
        read_sheet(np.full((400, 300, 3), 255, np.uint8))
    with pytest.raises(HierbrushError, match=r"output: .* expected the name of a pdf"):
        write_sheet(tmp_path / "x.png")
    with pytest.raises(HierbrushError, match="characters: 'x' is no character"):
        write_sheet(tmp_path / "x.pdf", "永x")


def test_a_passage_is_written_in_the_hand_of_a_photographed_sheet(tmp_path: Path) -> None:
    chars = sheet_characters(PER_SHEET)
    Image.fromarray(photographed(filled(chars, 0, PER_SHEET), 150, 3)).save(tmp_path / "photograph.jpg", quality=80)
    style = Style.learn(tmp_path / "photograph.jpg", name="mine")
    assert len(style.characters) >= 0.9 * len(chars)
    page = write_text("湖光", style=style.save(tmp_path / "mine.style"))
    assert [cell.writing.goal for cell in page.cells] == ["style", "style"]
    # The sheet is filled in our own hand, so that what it did not show is near to our glyph.
    assert min(cell.writing.scores.iou for cell in page.cells) > 0.85
