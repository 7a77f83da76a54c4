"""PNG: the ink as black on white, 8 bits of grey."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from hierbrush.writing.result import Sheet


def render(sheet: Sheet, size: int) -> bytes:
    """Return the PNG file of a sheet whose character boxes are ``size`` pixels wide."""
    grey = np.rint(255.0 * (1.0 - sheet.image(size))).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(grey).save(file, "PNG", optimize=True)
    return file.getvalue()
