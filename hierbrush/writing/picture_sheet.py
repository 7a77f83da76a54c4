"""A sheet of pictures: ink with the glyph's outline over it, labelled with code point and IoU."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hierbrush.writing.result import Writing

_TILE, _GAP, _LABEL, _COLUMNS = 256, 16, 26, 4
_INK, _OUTLINE, _TEXT = (92, 92, 96), (208, 44, 30), (40, 40, 40)


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
        label = f"U+{ord(writing.char):04X}   IoU {writing.scores.iou:.3f}" if len(writing.char) == 1 else "described"
        draw.text((left + 2, top + _TILE + 5), label, fill=_TEXT, font=font)
    file = BytesIO()
    sheet.save(file, "PNG", optimize=True)
    return file.getvalue()


def _tile(writing: Writing) -> Image.Image:
    ink = writing.image(_TILE)[..., None]
    picture = Image.fromarray(np.rint(255 + (np.array(_INK) - 255) * ink).astype(np.uint8), "RGB")
    # Drawn at twice the size and reduced, since Pillow's lines are not smoothed.
    lines = Image.new("L", (2 * _TILE, 2 * _TILE))
    draw = ImageDraw.Draw(lines)
    for stroke in writing.strokes:
        ring = [tuple(point) for point in (stroke.reference * 2 * _TILE).tolist()]
        draw.line([*ring, ring[0]], fill=255, width=3, joint="curve")
    picture.paste(_OUTLINE, mask=lines.reduce(2))
    return picture
