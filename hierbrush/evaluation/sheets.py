"""Sheets of pictures: ink with the glyph's outline over it, and composed characters by the dozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hierbrush.files import png_bytes
from hierbrush.writing.result import Writing

_TILE, _GAP, _LABEL, _COLUMNS = 256, 16, 26, 4
_SMALL, _SMALL_COLUMNS = 112, 12
_RIGHT, _WRONG, _UNJUDGED = (120, 170, 120), (208, 44, 30), (160, 160, 160)
_INK, _OUTLINE, _TEXT = (92, 92, 96), (208, 44, 30), (40, 40, 40)


DESCRIBED = (
    "⿰木月", "⿰氵龙", "⿱山水", "⿱竹风", "⿰火雨", "⿴囗心", "⿺辶鱼", "⿸厂木", "⿵门龙", "⿸广鱼",
    "⿰钅火", "⿱艹虎", "⿲木水木", "⿳山石田", "⿰女⿱山云", "⿱⿰日月心", "⿰亻⿱木火", "⿸疒水", "⿺走月", "⿰马鸟",
)  # fmt: skip
"""Twenty characters that nobody writes, by their components: every operator but ⿶⿷⿹⿻, and some that are nested."""


def composition_sheet(writings: Sequence[Writing], places: Mapping[str, int]) -> bytes:
    """Return a PNG of composed characters, twelve to a row, in ink alone as a reader meets it.

    Args:
        writings: what was composed.
        places: for characters with a glyph its place among all by likeness; a frame is green for 1, red for any other
            and grey where there is none.
    """
    pitch = _SMALL + 6
    rows = -(-len(writings) // _SMALL_COLUMNS)
    sheet = Image.new("RGB", (min(_SMALL_COLUMNS, len(writings)) * pitch + 6, rows * pitch + 6), "white")
    draw = ImageDraw.Draw(sheet)
    for index, writing in enumerate(writings):
        left, top = 6 + index % _SMALL_COLUMNS * pitch, 6 + index // _SMALL_COLUMNS * pitch
        grey = np.rint(255 * (1 - writing.image(_SMALL))).astype(np.uint8)
        sheet.paste(Image.fromarray(grey), (left, top))
        place = places.get(writing.char)
        frame = _UNJUDGED if place is None else _RIGHT if place == 1 else _WRONG
        draw.rectangle((left - 2, top - 2, left + _SMALL + 1, top + _SMALL + 1), outline=frame, width=2)
    return png_bytes(sheet)


def picture_sheet(writings: Sequence[Writing]) -> bytes:
    """Return a PNG of the writings, four to a row: grey ink, the glyph's outlines in red, code point and IoU below."""
    columns = min(_COLUMNS, len(writings))
    rows = -(-len(writings) // _COLUMNS)
    pitch_x, pitch_y = _TILE + _GAP, _TILE + _LABEL + _GAP
    sheet = Image.new("RGB", (columns * pitch_x + _GAP, rows * pitch_y + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    for index, writing in enumerate(writings):
        left, top = _GAP + index % _COLUMNS * pitch_x, _GAP + index // _COLUMNS * pitch_y
        sheet.paste(_tile(writing), (left, top))
        draw.rectangle((left - 1, top - 1, left + _TILE, top + _TILE), outline=(205, 205, 205))
        label = f"U+{ord(writing.char):04X}   IoU {writing.scores.iou:.3f}"
        draw.text((left + 2, top + _TILE + 5), label, fill=_TEXT, font=font)
    return png_bytes(sheet)


def _tile(writing: Writing) -> Image.Image:
    ink = writing.image(_TILE)[..., None]
    picture = Image.fromarray(np.rint(255 + (np.array(_INK) - 255) * ink).astype(np.uint8))
    # Drawn at twice the size and reduced, since Pillow's lines are not smoothed.
    lines = Image.new("L", (2 * _TILE, 2 * _TILE))
    draw = ImageDraw.Draw(lines)
    for stroke in writing.strokes:
        ring = [tuple(point) for point in (stroke.reference * 2 * _TILE).tolist()]
        draw.line([*ring, ring[0]], fill=255, width=3, joint="curve")
    picture.paste(_OUTLINE, mask=lines.reduce(2))
    return picture
