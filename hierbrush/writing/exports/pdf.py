"""PDF: sheets as pages of their own size, the ink as outlines as in SVG, the grid as lines.

A page needs no fonts and no pictures, so the file is written here, by ISO 32000-1, 7.5 and 8.5.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hierbrush.writing.grid import COLOUR, guides
from hierbrush.writing.outlines import UNITS, Outlines
from hierbrush.writing.outputs import Export, register

if TYPE_CHECKING:
    from hierbrush.writing.result import Sheet

_POINTS = 72 / 0.0254  # in a metre
_INK = (0x16, 0x13, 0x10)


def render(sheets: Iterable[Sheet], title: str = "") -> bytes:
    """Return the PDF file of one or more sheets, a page each.

    Ctrl-C between two pages leaves those that are done, if there are any.
    """
    objects: list[bytes] = [b"", b"", _information(title)]  # the first two once all pages are known
    kids, traced = [], Outlines()
    try:
        for sheet in sheets:
            objects.append(_stream(_content(sheet, traced)))
            box = f"[0 0 {sheet.width * _POINTS:.3f} {sheet.height * _POINTS:.3f}]"
            page = f"<</Type/Page/Parent 2 0 R/MediaBox {box}/Resources<<>>/Contents {len(objects)} 0 R>>"
            objects.append(page.encode())
            kids.append(f"{len(objects)} 0 R")
    except KeyboardInterrupt:
        if not kids:
            raise
    objects[0] = b"<</Type/Catalog/Pages 2 0 R>>"
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>".encode()
    return _file(objects)


def _content(sheet: Sheet, traced: Outlines) -> bytes:
    """Return the commands that draw a page, in hundredths of a millimetre with y down as in SVG."""
    scale = _POINTS / UNITS
    lines = [f"{scale:.8f} 0 0 {-scale:.8f} 0 {sheet.height * _POINTS:.3f} cm", *_grid(sheet), _colour(_INK, "rg")]
    for cell in sheet.cells:
        for _, loops in traced.of(cell):
            for loop in loops:
                points = [f"{x} {y}" for x, y in loop.tolist()]
                lines.append(f"{points[0]} m {' l '.join(points[1:])} l h")
            if loops:
                lines.append("f*")
    return "\n".join(lines).encode()


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


def _stream(content: bytes) -> bytes:
    packed = zlib.compress(content, 6)
    return f"<</Length {len(packed)}/Filter/FlateDecode>>\nstream\n".encode() + packed + b"\nendstream"


def _file(objects: list[bytes]) -> bytes:
    file = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(file))
        file += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    start = len(file)
    file += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    file += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    file += f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R/Info 3 0 R>>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(file)


register(Export("pdf", lambda sheet: render([sheet]), binary=True, render_all=render, place=2))
