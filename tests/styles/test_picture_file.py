"""Pictures in every form that people have them in are read, and what cannot be read is told in a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hierbrush.errors import HierbrushError
from hierbrush.metrics import stroke_iou
from hierbrush.styles.picture_file import read_pixels
from hierbrush.styles.pictures import box_ink, read_ink


def drawn(side: int = 256) -> NDArray[np.float32]:
    """Return a cross and a bar, 1 = ink; no side of it is like another."""
    page = Image.new("L", (side, side))
    pen = ImageDraw.Draw(page)
    for line in ((40, 80, 216, 76), (128, 30, 124, 226), (60, 190, 110, 214)):
        pen.line([at * side / 256 for at in line], fill=255, width=side // 14)
    return np.asarray(page, np.float32) / 255


TRUE = drawn()
GREY = Image.fromarray(np.round(255 * (1 - TRUE)).astype(np.uint8))


def transparent(colour: tuple[int, int, int]) -> Image.Image:
    """Return the drawing as ink of a colour on nothing."""
    page = np.zeros((256, 256, 4), np.uint8)
    page[..., :3], page[..., 3] = colour, np.round(255 * TRUE).astype(np.uint8)
    return Image.fromarray(page)


FORMS = {
    "grey.png": GREY,
    "bits.png": GREY.convert("1"),
    "deep.png": Image.fromarray((1000 + 40000 * (1 - TRUE)).astype(np.uint16)),
    "float.tif": Image.fromarray(1 - TRUE),
    "palette.png": GREY.convert("RGB").quantize(8),
    "cmyk.jpg": GREY.convert("RGB").convert("CMYK"),
    "black.png": transparent((0, 0, 0)),
    "white.png": transparent((255, 255, 255)),
    "red.png": transparent((200, 30, 30)),
    "lossy.webp": GREY.convert("RGB"),
    "plain.bmp": GREY,
}


@pytest.mark.parametrize("name", list(FORMS))
def test_each_form_shows_the_same_ink(name: str, tmp_path: Path) -> None:
    FORMS[name].save(tmp_path / name)
    assert stroke_iou(box_ink(tmp_path / name), TRUE) > 0.95


def test_a_turned_camera_is_turned_back(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    GREY.rotate(90).save(tmp_path / "x.jpg", exif=tags)
    assert stroke_iou(box_ink(tmp_path / "x.jpg"), TRUE) > 0.95


@pytest.mark.parametrize("name", ["moving.gif", "pages.tif"])
def test_of_several_pictures_the_first_is_read(name: str, tmp_path: Path) -> None:
    GREY.save(tmp_path / name, save_all=True, append_images=[GREY.rotate(30), GREY.rotate(60)])
    with pytest.warns(UserWarning, match=f"{name}' has 3 pictures; the first is read"):
        ink = box_ink(tmp_path / name)
    assert stroke_iou(ink, TRUE) > 0.95


def test_a_large_picture_is_made_smaller(tmp_path: Path) -> None:
    GREY.resize((3000, 3000)).save(tmp_path / "x.png")
    assert max(read_pixels(tmp_path / "x.png").shape) == 2400


@pytest.mark.parametrize("side", [9000, 20000])
def test_a_huge_picture_is_told(side: int, tmp_path: Path) -> None:
    Image.new("1", (side, side), 1).save(tmp_path / "x.png")
    with pytest.raises(HierbrushError, match=r"x.png' has .* pixels.*, expected at most 60 million"):
        read_ink(tmp_path / "x.png")


@pytest.mark.parametrize(
    ("content", "message"), [(b"<svg/>", "it is no picture$"), (b"\x89PNG\r\n\x1a\n", "it is no picture")]
)
def test_what_is_no_picture_is_told_without_addresses(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(HierbrushError, match=message) as told:
        read_ink(tmp_path / "x.png")
    assert "0x" not in str(told.value)


@pytest.mark.parametrize("page", [Image.new("L", (99, 99), 255), Image.new("RGBA", (99, 99)), Image.new("1", (99, 99))])
def test_an_empty_picture_is_told(page: Image.Image, tmp_path: Path) -> None:
    page.save(tmp_path / "x.png")
    with pytest.raises(HierbrushError, match="holds no ink"):
        read_ink(tmp_path / "x.png")
