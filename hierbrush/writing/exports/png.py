"""PNG: the ink as black on white, 8 bits of grey; in colour where a grid lies beneath."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hierbrush.files import png_bytes
from hierbrush.writing.grid import COLOUR, drawn
from hierbrush.writing.ink_option import INK
from hierbrush.writing.outputs import Export, pixels, register
from hierbrush.writing.paper import picture_shape

if TYPE_CHECKING:
    from hierbrush.ink import Ink
    from hierbrush.writing.result import Sheet


def render(sheet: Sheet, size: int, ink: Ink | None = None) -> bytes:
    """Return the PNG file of a sheet whose character boxes are ``size`` pixels wide."""
    import numpy as np
    from PIL import Image

    inked = sheet.image(size, ink)
    picture = np.rint(255.0 * (1.0 - inked)).astype(np.uint8)
    if sheet.grid is not None:
        scale = size / sheet.paper.cell
        corners = [(round(y * scale), round(x * scale)) for x, y in sheet.grid_boxes]
        lines = drawn(corners, size, inked.shape, sheet.grid)
        coloured = np.where(lines[..., None], np.array(COLOUR, np.uint8), np.uint8(255))
        # Ink lies over the lines.
        picture = np.minimum(coloured, picture[..., None])
    return png_bytes(Image.fromarray(picture))


register(
    Export(
        "png",
        render,
        options=(pixels(256), INK),
        binary=True,
        check=lambda paper, bounds, size, ink: picture_shape(paper, size),
        place=0,
    )
)
