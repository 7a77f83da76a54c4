"""GIF: the brush at work, twenty frames a second, with the tuft's footprint and the handle over the growing ink."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from hierbrush.writing.grid import drawn
from hierbrush.writing.ink_option import INK
from hierbrush.writing.outputs import Export, pixels, register
from hierbrush.writing.paper import Paper, check_size, picture_shape, pixel_corner

if TYPE_CHECKING:
    from hierbrush.ink import Ink
    from hierbrush.writing.result import Sheet

_FRAME_MS = 50
_MOST_FRAMES = 400
_MOST_PIXELS = 2_000_000
_ROWS_A_FRAME = 2  # paths have 40 rows a second
_LAST_MS = 2500


def render(sheet: Sheet, size: int, ink: Ink | None = None) -> bytes:
    """Return the GIF file of a sheet whose character boxes are ``size`` pixels wide.

    Twenty frames a second show the strokes as fast as they are written, a long text faster. The dip between strokes is
    shown as a short way through the air.

    Raises:
        HierbrushError: ``size`` is no whole number from 32 to 1024, or the picture would pass 2 million pixels.
    """
    from hierbrush.writing.film import TRAVEL_ROWS, frame, moments

    rows, columns = _shape(sheet.paper, check_size(size))
    grid = drawn([pixel_corner(cell, size) for cell in sheet.cells], size, (rows, columns))
    rows_written = sum(len(path) + TRAVEL_ROWS for path in sheet.paths)
    stride = max(_ROWS_A_FRAME, -(-rows_written // _MOST_FRAMES))
    frames = [frame(grid, inked, brush) for inked, brush in moments(sheet, size, (rows, columns), stride, ink)]
    file = BytesIO()
    durations = [_FRAME_MS] * (len(frames) - 1) + [_LAST_MS]
    frames[0].save(
        file, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=False, disposal=1
    )
    return file.getvalue()


def _shape(paper: Paper, size: int) -> tuple[int, int]:
    return picture_shape(paper, size, "gif", _MOST_PIXELS)


register(
    Export(
        "gif",
        render,
        options=(pixels(240), INK),
        binary=True,
        check=lambda paper, bounds, size, ink: _shape(paper, size),
        place=3,
    )
)
