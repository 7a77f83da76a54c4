"""Draw docs/images/hands.png: the fonts named on the command line in grey, their copies beside them in black.

The README's picture has Ma Shan Zheng, LXGW WenKai and Zhi Mang Xing (SIL Open Font License), and AR PL UMing (Arphic
Public License).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import hierbrush

TEXT = "永和九年"
SIDE, GAP = 150, 14


def draw(fonts: list[str]) -> Image.Image:
    """Return the line in hierbrush's own hand, and below it in every font's."""
    width = len(TEXT) * SIDE
    picture = Image.new("L", (2 * width + 60, (len(fonts) + 1) * (SIDE + GAP)), 255)
    pen = ImageDraw.Draw(picture)
    pen.text((10, SIDE // 2), "hierbrush", fill=90, font=ImageFont.load_default(18), anchor="lm")
    for row, font in enumerate([None, *fonts]):
        top = row * (SIDE + GAP) + GAP // 2
        for column, writing in enumerate(hierbrush.write_characters(TEXT, goal=font)):
            if font is not None:
                middle = (column * SIDE + SIDE // 2, top + SIDE // 2)
                pen.text(middle, writing.char, font=ImageFont.truetype(font, SIDE), fill=150, anchor="mm")
            ink = np.rint(255 - 255 * writing.image(SIDE)).astype(np.uint8)
            picture.paste(Image.fromarray(ink), (width + 60 + column * SIDE, top))
    return picture


if __name__ == "__main__":
    draw(sys.argv[1:]).quantize(16).save(Path(__file__).with_name("hands.png"), optimize=True)
