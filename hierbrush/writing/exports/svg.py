"""SVG: the ink as outlines, one path a stroke, to about a tenth of a pixel of a 512-pixel box."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import LinearRing

from hierbrush.sim import trace
from hierbrush.writing.contour import contours

if TYPE_CHECKING:
    from hierbrush.writing.result import Cell, Sheet

_SIDE = 512
_TOLERANCE = 0.1 / _SIDE
_UNITS = 1e5  # user units in a metre: hundredths of a millimetre, so that whole numbers are fine enough
_INK = "#161310"


def render(sheet: Sheet, *, longest: int | None = None) -> str:
    """Return the SVG document of a sheet.

    It is as large as the paper, in millimetres, or ``longest`` pixels on its longer side.
    """
    width, height = round(sheet.width * _UNITS), round(sheet.height * _UNITS)
    if longest is None:
        shown = f'width="{_short(sheet.width * 1e3)}mm" height="{_short(sheet.height * 1e3)}mm"'
    else:
        scale = longest / max(width, height)
        shown = f'width="{round(width * scale)}" height="{round(height * scale)}"'
    text = escape(" ".join(sheet.text.split("\n")))
    strokes = sum(len(cell.writing.stroke_paths) for cell in sheet.cells)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" {shown}>',
            f"<title>{text}</title>",
            f"<desc>{text} written with a simulated brush in {strokes} strokes; one path a stroke.</desc>",
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            f'<g fill="{_INK}" fill-rule="evenodd">',
            *(line for cell in sheet.cells for line in _cell(cell)),
            "</g>",
            "</svg>",
            "",
        ]
    )


def _cell(cell: Cell) -> Iterator[str]:
    writing = cell.writing
    yield f'<g data-character="{writing.char}">'
    box = writing.width
    for stroke in writing.strokes:
        coverage = trace(writing.brush, [stroke.path], side=_SIDE, box=box)
        outlines = [
            np.rint((np.array([cell.x, cell.y]) + simple * cell.side) * _UNITS).astype(np.int64)
            for simple in map(_simplified, contours(coverage))
        ]
        data = "".join(_commands(outline) for outline in outlines)
        yield f'<path data-stroke="{stroke.stroke_type}" d="{data}"/>'
    yield "</g>"


def _simplified(loop: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(LinearRing(loop).simplify(_TOLERANCE).coords)[:-1]


def _commands(points: NDArray[np.int64]) -> str:
    steps = np.diff(points, axis=0)
    moves = " ".join(f"{x} {y}" for x, y in steps.tolist()).replace(" -", "-")
    return f"M{points[0, 0]} {points[0, 1]}l{moves}z"


def _short(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
