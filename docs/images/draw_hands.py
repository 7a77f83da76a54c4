"""Draw docs/images/hands.png: a line in fonts (grey), as the brush copies it, and as styles learned from them write it.

The README's picture has Ma Shan Zheng, LXGW WenKai and Zhi Mang Xing (SIL Open Font License), and AR PL UMing (Arphic
Public License). Each style is learned from 200 of the font's characters, none of them in the line.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import hierbrush
from hierbrush.characters import load_library, split
from hierbrush.styles.chosen import chosen, is_common
from hierbrush.styles.fonts import Font
from hierbrush.styles.style import Style

TEXT = "永和九年"
SIDE, GAP, BETWEEN = 120, 10, 40
WIDE = len(TEXT) * SIDE + BETWEEN


def style_of(path: str, folder: Path) -> Path:
    """Return the file of a style learned from characters of a font that are not in the line."""
    font, library = Font(path), load_library()
    known = [char for char in font.characters if char in library and split(char) == "train" and is_common(char)]
    style = Style.learn(path, chosen(200, [char for char in known if char not in TEXT]))
    return style.save(folder / f"{Path(path).stem}.style")


def draw(fonts: list[str]) -> Image.Image:
    """Return the line in hierbrush's own hand, and below it in every font's: the font, its copy, its learned style."""
    picture = Image.new("L", (3 * WIDE - BETWEEN, (len(fonts) + 1) * (SIDE + GAP)), 255)
    pen = ImageDraw.Draw(picture)
    pen.text((WIDE - BETWEEN, GAP // 2 + SIDE // 2), "hierbrush", fill=90, font=ImageFont.load_default(18), anchor="rm")
    paste(picture, 0, WIDE, hierbrush.write_characters(TEXT))
    with tempfile.TemporaryDirectory() as folder:
        for row, font in enumerate(fonts, start=1):
            face = ImageFont.truetype(font, SIDE)
            for column, char in enumerate(TEXT):
                middle = column * SIDE + SIDE // 2, row * (SIDE + GAP) + GAP // 2 + SIDE // 2
                pen.text(middle, char, font=face, fill=150, anchor="mm")
            paste(picture, row, WIDE, hierbrush.write_characters(TEXT, goal=font))
            learned = hierbrush.write_characters(TEXT, style=style_of(font, Path(folder)))
            paste(picture, row, 2 * WIDE, learned)
    return picture


def paste(picture: Image.Image, row: int, left: int, writings: list[hierbrush.Writing]) -> None:
    """Draw characters into a row, from an edge on."""
    for column, writing in enumerate(writings):
        ink = np.rint(255 - 255 * writing.image(SIDE)).astype(np.uint8)
        picture.paste(Image.fromarray(ink), (left + column * SIDE, row * (SIDE + GAP) + GAP // 2))


if __name__ == "__main__":
    draw(sys.argv[1:]).quantize(16).save(Path(__file__).with_name("hands.png"), optimize=True)
