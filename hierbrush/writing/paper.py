"""Paper, the boxes on it, and how large a picture of it may be: what writings, layouts and files have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hierbrush.arguments import check_whole
from hierbrush.box import BOX
from hierbrush.errors import HierbrushError

if TYPE_CHECKING:
    from hierbrush.writing.result import Writing

_SIZES = (32, 1024)
_MOST_PIXELS = 64_000_000


class Paper(NamedTuple):
    """A paper before anything is written on it; lengths in metres.

    ``corners`` are the top left corners of the characters' boxes, x and y, in reading order; ``cell`` is their side.
    """

    width: float
    height: float
    cell: float
    corners: list[tuple[float, float]]

    def pixels(self, size: int) -> tuple[int, int]:
        """Return the rows and columns of a picture in which a character's box is ``size`` pixels wide."""
        scale = size / self.cell
        # Rounding may push the last box half a pixel past the paper's own rounded edge.
        rows = max(round(self.height * scale), *(round(y * scale) + size for _, y in self.corners))
        columns = max(round(self.width * scale), *(round(x * scale) + size for x, _ in self.corners))
        return rows, columns


ONE_BOX = Paper(BOX, BOX, BOX, [(0.0, 0.0)])
"""The paper of a character alone: its box."""


class Cell(NamedTuple):
    """A character on a paper: its writing and the top left corner and side of its box in metres."""

    writing: Writing
    x: float
    y: float
    side: float


def pixel_corner(cell: Cell, size: int) -> tuple[int, int]:
    """Return the row and column where a cell's box starts when boxes are ``size`` pixels wide."""
    scale = size / cell.side
    return round(cell.y * scale), round(cell.x * scale)


def check_size(size: object) -> int:
    """Return ``size`` if it is a character box's side in pixels that can be rendered.

    Raises:
        HierbrushError: it is no whole number from 32 to 1024.
    """
    return check_whole("size", size, *_SIZES, unit="pixels")


def picture_shape(paper: Paper, size: int, kind: str = "png", most: int = _MOST_PIXELS) -> tuple[int, int]:
    """Return the rows and columns of a picture whose character boxes are ``size`` pixels wide.

    Args:
        paper: what is drawn.
        size: pixels of a box's side.
        kind: of file, for the message.
        most: pixels that the picture may have.

    Raises:
        HierbrushError: they are more.
    """
    rows, columns = paper.pixels(size)
    if rows * columns > most:
        fitting = int(size * (most / (rows * columns)) ** 0.5)
        hint = f"ask for {fitting} or less" if fitting >= _SIZES[0] else "write less, or take a smaller paper"
        raise HierbrushError(f"size: {size} makes a {kind} of {columns} x {rows} pixels, more than {most:,}; {hint}")
    return rows, columns
