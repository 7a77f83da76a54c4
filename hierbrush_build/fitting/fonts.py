"""Characters and their ink in TrueType fonts whose em is the character's box."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from fontTools.ttLib import TTCollection, TTFont
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hierbrush.errors import HierbrushError

_ASCENT = 900 / 1024
"""Height of the box above the baseline, in sides."""

_IDEOGRAPHS = range(0x3400, 0xA000), range(0x20000, 0x30000)


def characters(font: Path) -> list[str]:
    """Return the ideographs that a font has, by code point; of a collection those of its first font.

    Raises:
        HierbrushError: the file is no TrueType font.
    """
    try:
        opened = TTCollection(font).fonts[0] if font.suffix == ".ttc" else TTFont(font)
        codes = opened.getBestCmap()
    except Exception as error:  # fontTools raises what its parsers happen to meet
        raise HierbrushError(f"{font}: is no TrueType font: {error}") from None
    return [chr(code) for code in sorted(codes) if any(code in block for block in _IDEOGRAPHS)]


def coverage(font: Path, char: str, side: int) -> NDArray[np.float64]:
    """Return the coverage of the character's box by a glyph's ink: f64 [side, side]."""
    page = Image.new("L", (side, side), 0)
    ImageDraw.Draw(page).text((0, _ASCENT * side), char, font=_face(font, side), fill=255, anchor="ls")
    return np.asarray(page, np.float64) / 255


@cache
def _face(font: Path, side: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font), side, layout_engine=ImageFont.Layout.BASIC)
