"""SVG: the ink as outlines, one path a stroke, and the grid beneath as lines."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from hierbrush.writing.grid import COLOUR, guides
from hierbrush.writing.outlines import UNITS, Outlines
from hierbrush.writing.outputs import Export, register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hierbrush.writing.outlines import Outlines
    from hierbrush.writing.paper import Cell
    from hierbrush.writing.result import Sheet

_INK = "#161310"


def render(sheet: Sheet, *, longest: int | None = None) -> str:
    """Return the SVG document of a sheet.

    It is as large as the paper, in millimetres, or ``longest`` pixels on its longer side.
    """
    from xml.sax.saxutils import escape  # it loads urllib, which no other kind of file needs

    width, height = round(sheet.width * UNITS), round(sheet.height * UNITS)
    if longest is None:
        shown = f'width="{_short(sheet.width * 1e3)}mm" height="{_short(sheet.height * 1e3)}mm"'
    else:
        scale = longest / max(width, height)
        shown = f'width="{round(width * scale)}" height="{round(height * scale)}"'
    text = escape(" ".join(sheet.text.split("\n")))
    traced = Outlines()
    strokes = sum(len(cell.writing.stroke_paths) for cell in sheet.cells)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" {shown}>',
            f"<title>{text}</title>",
            f"<desc>{text} written with a simulated brush in {strokes} strokes; one path a stroke.</desc>",
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            *_grid(sheet),
            f'<g fill="{_INK}" fill-rule="evenodd">',
            *(line for cell in sheet.cells for line in _cell(cell, traced)),
            "</g>",
            "</svg>",
            "",
        ]
    )


def _cell(cell: Cell, traced: Outlines) -> Iterator[str]:
    from xml.sax.saxutils import quoteattr

    yield f"<g data-character={quoteattr(cell.writing.char)}>"
    for stroke_type, outlines in traced.of(cell):
        data = "".join(_commands(outline) for outline in outlines)
        yield f'<path data-stroke="{stroke_type}" d="{data}"/>'
    yield "</g>"


def _grid(sheet: Sheet) -> Iterator[str]:
    """Yield the grid, where the sheet has one: one path of the boxes, one of the dashed lines within."""
    boxes, side = sheet.grid_boxes, round(sheet.paper.cell * UNITS)
    if not boxes or sheet.grid is None:
        return
    corners = [(round(x * UNITS), round(y * UNITS)) for x, y in boxes]
    colour = "#" + bytes(COLOUR).hex()
    yield f'<g fill="none" stroke="{colour}">'
    frames = "".join(f"M{x} {y}h{side}v{side}h-{side}z" for x, y in corners)
    yield f'<path stroke-width="{side / 200:.2f}" d="{frames}"/>'
    lines = "".join(
        f"M{x + a * side:.0f} {y + b * side:.0f}L{x + c * side:.0f} {y + d * side:.0f}"
        for x, y in corners
        for a, b, c, d in guides(sheet.grid)
    )
    if lines:
        yield f'<path stroke-width="{side / 300:.2f}" stroke-dasharray="{side / 40:.2f}" d="{lines}"/>'
    yield "</g>"


def _commands(points: NDArray[np.int64]) -> str:
    rows = points.tolist()
    steps = ((x - to_x, y - to_y) for (to_x, to_y), (x, y) in pairwise(rows))
    moves = " ".join(f"{x} {y}" for x, y in steps).replace(" -", "-")
    return f"M{rows[0][0]} {rows[0][1]}l{moves}z"


def _short(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


register(Export("svg", lambda sheet, longest=None: render(sheet, longest=longest).encode(), place=1))
