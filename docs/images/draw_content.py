"""Draw docs/images/content.png: a line as a Song face has it (grey), and below it that content in the styles that ship.

    python docs/images/draw_content.py uming.ttc

Where strokes stand is the Song face's (AR PL UMing, Arphic Public License), how they are drawn the hand's.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import hierbrush

TEXT = "永和九年歲在癸丑"
SIDE = 120


def draw(font: str, styles: tuple[str, ...] = ("mashan", "wenkai")) -> Image.Image:
    """Return the line in the font, and below it in each style's hand."""
    picture = Image.new("L", (len(TEXT) * SIDE, (1 + len(styles)) * SIDE), 255)
    pen, face = ImageDraw.Draw(picture), ImageFont.truetype(font, SIDE - 10)
    for column, char in enumerate(TEXT):
        pen.text((column * SIDE + SIDE // 2, SIDE // 2), char, font=face, fill=150, anchor="mm")
    for row, style in enumerate(styles, start=1):
        for column, writing in enumerate(hierbrush.write_characters(TEXT, goal=font, style=style)):
            ink = np.rint(255 - 255 * writing.image(SIDE)).astype(np.uint8)
            picture.paste(Image.fromarray(ink), (column * SIDE, row * SIDE))
    return picture


if __name__ == "__main__":
    draw(sys.argv[1]).quantize(16).save(Path(__file__).with_name("content.png"), optimize=True)
