"""The calibration sheet: strokes whose ink tells a brush's numbers, as movements and as a page to fill."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_whole
from hierbrush.pdf_file import POINTS, pdf_file, stream
from hierbrush.sim import BrushBatch, BrushModel

WIDTH, HEIGHT = 0.210, 0.297
"""The page, A4, in metres."""

CELL_WIDTH, CELL_HEIGHT = 0.038, 0.028
COLUMNS, ROWS = 5, 9
_LEFT, _TOP = 0.010, 0.0225
MARGIN = 0.0012
"""Metres along a cell's border that strokes keep free."""

PIXEL = 0.038 / 128
"""Side of the pixels in which cells are compared, metres."""

CELL_SHAPE = (94, 128)
"""Rows and columns of a cell's picture."""

# Rings with a dot at the corners; a bar beside the first says which corner is which.
MARKERS = ((0.010, 0.010), (0.200, 0.010), (0.200, 0.287), (0.010, 0.287))
RING, HOLE, DOT = 0.004, 0.0026, 0.0013
BAR = (0.018, 0.010)
BAR_SIDE = 0.004

_AIR = -0.001


@dataclass(frozen=True, eq=False)
class Cell:
    """One stroke of the sheet: what it is, its box on the page, and the handle's path in that box, metres."""

    name: str
    x: float
    y: float
    path: NDArray[np.float64]


class CalibrationSheet:
    """45 strokes on A4: footprints at several depths, lines, ramps and turns, a dip before each.

    Args:
        pages: how often the sheet is filled: what strokes differ by averages out.
    """

    def __init__(self, pages: int = 1) -> None:
        self.pages = check_whole("pages", pages, 1, 50)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The strokes in the order in which they are drawn."""
        return self.pages * tuple(
            Cell(name, _LEFT + at % COLUMNS * CELL_WIDTH, _TOP + at // COLUMNS * CELL_HEIGHT, _centred(path))
            for at, (name, path) in enumerate(_strokes())
        )

    @property
    def paths(self) -> list[NDArray[np.float64]]:
        """Handle paths on the page, metres, x right and y down from its top left corner."""
        return [cell.path + [cell.x, cell.y, 0.0] for cell in self._page_cells]

    @property
    def _page_cells(self) -> tuple[Cell, ...]:
        return self.cells[: len(self.cells) // self.pages]

    def render(self, model: BrushModel | NDArray[np.float64], *, supersample: int = 4) -> NDArray[np.float32]:
        """Return what a brush leaves in each cell: float32 [45 pages, 94, 128], coverage.

        Args:
            model: the brush, or a row of parameters for each cell, float64 [45 pages, 10].
            supersample: samples a pixel side, 1, 2 or 4.
        """
        cells = self.cells
        batch = BrushBatch(model, len(cells), side=128, box=CELL_WIDTH, supersample=supersample)
        length = max(len(cell.path) for cell in cells)
        rows = np.stack([np.concatenate([c.path, np.repeat(c.path[-1:], length - len(c.path), axis=0)]) for c in cells])
        batch.dip()
        batch.place(rows[:, 0])
        for at in range(1, length):
            batch.step(rows[:, at])
        return np.stack([batch.coverage(slot)[: CELL_SHAPE[0]] for slot in range(len(cells))])

    def picture(self, cells: NDArray[np.float32], dpi: float = 300.0) -> NDArray[np.uint8]:
        """Return the page filled with the ink of the cells [45, 94, 128], as scanned: uint8 [rows, columns]."""
        from PIL import Image

        scale = dpi / 0.0254
        page = self._page(dpi)
        for cell, ink in zip(self._page_cells, cells, strict=True):
            left, top = cell.x * scale, cell.y * scale
            right, bottom = left + CELL_WIDTH * scale, top + CELL_SHAPE[0] * PIXEL * scale
            first, last = (int(np.floor(left)), int(np.floor(top))), (int(np.ceil(right)), int(np.ceil(bottom)))
            size = last[0] - first[0], last[1] - first[1]
            factor = 1.0 / (scale * PIXEL)
            moved = Image.fromarray(np.ascontiguousarray(ink, np.float32)).transform(
                size,
                Image.Transform.AFFINE,
                (factor, 0, (first[0] - left) * factor, 0, factor, (first[1] - top) * factor),
                Image.Resampling.BILINEAR,
            )
            place = np.s_[first[1] : last[1], first[0] : last[0]]
            page[place] = np.minimum(page[place], 255.0 * (1.0 - np.asarray(moved)))
        return np.rint(page).astype(np.uint8)

    def _page(self, dpi: float) -> NDArray[np.float32]:
        """Return the empty page as a picture, 255 is white."""
        scale = dpi / 0.0254
        rows, columns = round(HEIGHT * scale), round(WIDTH * scale)
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
        x, y = (x + 0.5) / scale, (y + 0.5) / scale
        page = np.full((rows, columns), 255.0, np.float32)
        soft = np.float32(scale)
        for mx, my in MARKERS:
            far = np.sqrt((x - mx) ** 2 + (y - my) ** 2)
            ring = np.clip((RING - far) * soft + 0.5, 0, 1) * np.clip((far - HOLE) * soft + 0.5, 0, 1)
            page *= 1.0 - np.maximum(ring, np.clip((DOT - far) * soft + 0.5, 0, 1))
        bar = (abs(x - BAR[0]) < BAR_SIDE / 2) & (abs(y - BAR[1]) < BAR_SIDE / 2)
        page[bar] = 0.0
        return page

    def pdf(self) -> bytes:
        """Return the pages to be filled, all alike: markers, boxes, and in each how the stroke goes, in a pale grey."""
        lines = [f"{POINTS:.6f} 0 0 {-POINTS:.6f} 0 {HEIGHT * POINTS:.3f} cm", "0 g"]
        for x, y in MARKERS:
            lines += [*_disc(x, y, RING), *_disc(x, y, HOLE, hole=True), "f*", *_disc(x, y, DOT), "f"]
        corner = BAR[0] - BAR_SIDE / 2, BAR[1] - BAR_SIDE / 2
        lines += [f"{corner[0]:.5f} {corner[1]:.5f} {BAR_SIDE} {BAR_SIDE} re f", "0.85 G 0.0002 w"]
        for cell in self._page_cells:
            lines.append(f"{cell.x:.5f} {cell.y:.5f} {CELL_WIDTH} {CELL_HEIGHT} re S")
            points = [f"{cell.x + x:.5f} {cell.y + y:.5f}" for x, y, _ in cell.path]
            lines.append(f"{points[0]} m {' l '.join(points[1:])} l S")
            place = f"1 0 0 -1 {cell.x + 0.0008:.5f} {cell.y + 0.0026:.5f} Tm"
            lines.append(f"BT /F 0.0022 Tf 0.85 g {place} ({cell.name}) Tj ET 0 g")
        return _pdf("\n".join(lines).encode(), self.pages)


def _strokes() -> list[tuple[str, NDArray[np.float64]]]:
    """Return names and paths in a cell, metres: down, along, up."""
    made: list[tuple[str, NDArray[np.float64]]] = []

    def add(name: str, *points: tuple[float, float, float]) -> None:
        rows = np.array(points) * 1e-3
        ends = rows[[0, -1]].copy()
        ends[:, 2] = _AIR
        made.append((name, np.concatenate([ends[:1], rows, ends[1:]])))

    for depth in (3.0, 5.0, 7.0, 9.0, 11.0, 14.0, 17.0):
        add(f"press {depth:g} mm", (21 + 0.25 * depth, 15 + 0.4 * depth, depth))
    for depth in (2.5, 4.0, 6.0, 8.0, 10.0, 12.0):
        add(f"right, {depth:g} mm", (13, 15, depth), (28 - 0.45 * depth, 15, depth))
    for depth in (3.0, 6.0, 9.0):
        add(f"left, {depth:g} mm", (27, 15, depth), (12 + 0.45 * depth, 15, depth))
    for depth in (2.0, 4.0, 7.0, 10.0):
        add(f"down, {depth:g} mm", (20, 9 + 0.2 * depth, depth), (20, 22 - 0.5 * depth, depth))
    for first, last in ((1, 5), (1, 8), (1, 11), (5, 1), (8, 1), (2, 13), (4, 9), (9, 4), (2, 16), (10, 2)):
        add(f"right, {first} to {last} mm", (12, 15, first), (26, 15, last))
    for first, last in ((1, 7), (7, 1), (3, 10)):
        add(f"down, {first} to {last} mm", (19, 9, first), (19, 19, last))
    for depth in (3.0, 5.0, 8.0):
        add(
            f"turn down, {depth:g} mm",
            (12, 10, depth),
            (25 - depth / 2, 10, depth),
            (25 - depth / 2, 20 - depth / 2, depth),
        )
    for depth in (4.0, 7.0):
        add(f"turn left, {depth:g} mm", (16, 9, depth), (24, 16, depth), (12, 18, depth))
    for depth in (3.0, 5.0, 7.0, 9.0):
        add(f"back, {depth:g} mm", (16, 15, depth), (25, 15, depth), (19, 15, depth))
    for first, last in ((2, 8), (8, 3), (3, 6)):
        add(f"rise, {first} to {last} mm", (13, 20, first), (25, 11, last))
    return made


def _centred(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a stroke moved so that an ordinary brush's ink has as much room on its left as on its right, and so on."""
    batch = BrushBatch(BrushModel(), 1, side=64, box=2 * CELL_WIDTH)
    middle = np.array([CELL_WIDTH, CELL_WIDTH, 0.0])
    start = path[0] * [1, 1, 0]
    batch.place(path[:1] - start + middle)
    for row in path[1:]:
        batch.step(row - start + middle)
    rows, columns = np.nonzero(batch.coverage(0) > 0)
    pixel = 2 * CELL_WIDTH / 64
    ink = np.array([columns.min() + columns.max() + 1, rows.min() + rows.max() + 1]) * pixel / 2
    shift = np.array([CELL_WIDTH, CELL_HEIGHT]) / 2 - ink
    return np.asarray(np.round(path - start + middle + [*shift, 0.0], 6))


def _disc(x: float, y: float, radius: float, *, hole: bool = False) -> list[str]:
    turns = np.linspace(0, 2 * np.pi, 49)[:-1]
    points = [f"{x + radius * np.cos(t):.6f} {y + radius * np.sin(t):.6f}" for t in (turns[::-1] if hole else turns)]
    return [f"{points[0]} m {' l '.join(points[1:])} l h"]


def _pdf(content: bytes, pages: int) -> bytes:
    """Return a PDF of pages that are all alike."""
    box = f"[0 0 {WIDTH * POINTS:.3f} {HEIGHT * POINTS:.3f}]"
    page = f"<</Type/Page/Parent 2 0 R/MediaBox {box}/Resources<</Font<</F 4 0 R>>>>/Contents 3 0 R>>".encode()
    kids = " ".join(f"{5 + at} 0 R" for at in range(pages))
    return pdf_file(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            f"<</Type/Pages/Count {pages}/Kids[{kids}]>>".encode(),
            stream(content),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            *[page] * pages,
        ]
    )
