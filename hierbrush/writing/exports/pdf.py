"""PDF: sheets as pages of their own size, the ink as outlines as in SVG, the grid as lines.

A page of plain ink needs no fonts and no pictures.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hierbrush.pdf_file import POINTS, pdf_file, stream
from hierbrush.writing.grid import COLOUR, guides
from hierbrush.writing.ink_option import INK
from hierbrush.writing.outlines import UNITS, Outlines
from hierbrush.writing.outputs import Export, register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hierbrush.ink import Ink
    from hierbrush.writing.result import Sheet

_INK = (0x16, 0x13, 0x10)
_DOTS = 300  # an inch, of pictures of ink


def render(sheets: Iterable[Sheet], title: str = "", *, ink: Ink | None = None) -> bytes:
    """Return the PDF file of one or more sheets, a page each.

    Ctrl-C between two pages leaves those that are done, if there are any.
    """
    objects: list[bytes] = [b"", b"", _information(title)]  # the first two once all pages are known
    kids, traced = [], Outlines()
    try:
        for sheet in sheets:
            pictures = [] if ink is None else _pictures(sheet, ink)
            named = ""
            for number, picture in enumerate(pictures):
                objects.append(picture)
                objects.append(_black(len(objects)))
                named += f"/I{number} {len(objects)} 0 R"
            objects.append(stream(_content(sheet, traced if ink is None else None)))
            drawn = f"/XObject<<{named}>>" if named else ""
            box = f"[0 0 {sheet.width * POINTS:.3f} {sheet.height * POINTS:.3f}]"
            page = f"<</Type/Page/Parent 2 0 R/MediaBox {box}/Resources<<{drawn}>>/Contents {len(objects)} 0 R>>"
            objects.append(page.encode())
            kids.append(f"{len(objects)} 0 R")
    except KeyboardInterrupt:
        if not kids:
            raise
    objects[0] = b"<</Type/Catalog/Pages 2 0 R>>"
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>".encode()
    return pdf_file(objects, "/Info 3 0 R")


def _content(sheet: Sheet, traced: Outlines | None) -> bytes:
    """Return the commands that draw a page, in hundredths of a millimetre with y down as in SVG."""
    scale = POINTS / UNITS
    lines = [f"{scale:.8f} 0 0 {-scale:.8f} 0 {sheet.height * POINTS:.3f} cm", *_grid(sheet), _colour(_INK, "rg")]
    for number, cell in enumerate(sheet.cells):
        if traced is None:
            side, x, y = cell.side * UNITS, cell.x * UNITS, (cell.y + cell.side) * UNITS
            lines.append(f"q {side:.1f} 0 0 {-side:.1f} {x:.1f} {y:.1f} cm /I{number} Do Q")
            continue
        for _, loops in traced.of(cell):
            for loop in loops:
                points = [f"{x} {y}" for x, y in loop.tolist()]
                lines.append(f"{points[0]} m {' l '.join(points[1:])} l h")
            if loops:
                lines.append("f*")
    return "\n".join(lines).encode()


def _pictures(sheet: Sheet, ink: Ink) -> list[bytes]:
    """Return how black each character's box is, as soft masks."""
    from hierbrush.writing.inked import pictures

    size = round(min(max(_DOTS * sheet.paper.cell / 0.0254, 64), 1024))
    return [_mask(picture) for picture in pictures(sheet, size, ink)]


def _mask(tone: NDArray[np.float32]) -> bytes:
    import numpy as np

    packed = zlib.compress(np.rint(255.0 * tone).astype(np.uint8).tobytes(), 6)
    rows, columns = tone.shape
    head = f"<</Type/XObject/Subtype/Image/Width {columns}/Height {rows}/ColorSpace/DeviceGray/BitsPerComponent 8"
    return f"{head}/Length {len(packed)}/Filter/FlateDecode>>\nstream\n".encode() + packed + b"\nendstream"


def _black(mask: int) -> bytes:
    """Return a picture of one dot of ink, as transparent as the object ``mask`` says."""
    head = "<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceRGB/BitsPerComponent 8/SMask"
    return f"{head} {mask} 0 R/Length 3>>\nstream\n".encode() + bytes(_INK) + b"\nendstream"


def _grid(sheet: Sheet) -> list[str]:
    boxes, side = sheet.grid_boxes, sheet.paper.cell * UNITS
    if not boxes or sheet.grid is None:
        return []
    lines = [_colour(COLOUR, "RG"), f"{side / 200:.2f} w"]
    lines += [f"{x * UNITS:.1f} {y * UNITS:.1f} {side:.1f} {side:.1f} re" for x, y in boxes]
    lines += ["S", f"[{side / 40:.2f} {side / 40:.2f}] 0 d {side / 300:.2f} w"]
    for x, y in boxes:
        for a, b, c, d in guides(sheet.grid):
            left, top = x * UNITS, y * UNITS
            lines.append(f"{left + a * side:.1f} {top + b * side:.1f} m {left + c * side:.1f} {top + d * side:.1f} l")
    return [*lines, "S"]


def _colour(colour: tuple[int, int, int], operator: str) -> str:
    return " ".join(f"{part / 255:.3f}" for part in colour) + f" {operator}"


def _information(title: str) -> bytes:
    # A surrogate can stand in no title; others are told in UTF-16 as PDF wants it.
    text = b"\xfe\xff" + title.encode("utf-16-be", "ignore")
    return b"<</Title<" + text.hex().encode() + b">/Producer(hierbrush)>>"


register(
    Export(
        "pdf",
        lambda sheet, ink: render([sheet], ink=ink),
        options=(INK,),
        binary=True,
        check=lambda paper, bounds, ink: None,
        render_all=render,
        place=2,
    )
)
