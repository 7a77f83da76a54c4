"""Where the characters of a text stand on the paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from hierbrush.arguments import check_choice, check_kind, check_list, check_number, check_whole
from hierbrush.errors import HierbrushError
from hierbrush.writing.options import from_mapping

DIRECTIONS = ("vertical", "horizontal")

_SIDES = (0.001, 2.0)
_MOST_GAP = 2.0
_MOST_CHARACTERS = 1_000_000  # in a line


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


@dataclass(frozen=True)
class Layout:
    """How a text is set on the paper; lengths in metres.

    ``direction`` is ``"vertical"``, columns read from top to bottom and from right to left, or ``"horizontal"``, rows
    read from left to right and from top to bottom. ``cell`` is the side of a character's box, ``spacing`` the gap
    between characters, ``line_spacing`` the gap between lines, ``margin`` the paper left free around the text.
    ``per_line`` starts a new line after that many characters; without it only the text's own line breaks do.

    A brush of the same make but of the cell's size is taken to write: the movement for the 0.12 m box is scaled in x,
    y and z alike, as calligraphers take a smaller brush for smaller characters.

    Raises:
        HierbrushError: an unknown direction, a cell that is not from 1 mm to 2 m, another length that is not from 0 to
            2 m, or fewer than one character a line.
    """

    direction: str = "vertical"
    cell: float = 0.12
    spacing: float = 0.006
    line_spacing: float = 0.018
    margin: float = 0.02
    per_line: int | None = None

    def __post_init__(self) -> None:
        check_choice("layout: direction", self.direction, DIRECTIONS)
        for name in ("cell", "spacing", "line_spacing", "margin"):
            low, high = _SIDES if name == "cell" else (0.0, _MOST_GAP)
            object.__setattr__(self, name, check_number(f"layout: {name}", getattr(self, name), low, high, "metres"))
        if self.per_line is not None:
            object.__setattr__(self, "per_line", check_whole("layout: per_line", self.per_line, 1, unit="characters"))

    def lines(self, text: str) -> list[str]:
        """Return the text's lines, those longer than ``per_line`` characters broken.

        Raises:
            HierbrushError: ``text`` is no string.
        """
        check_kind("text", text, str, "a string of Chinese characters")
        lines: list[str] = []
        for line in text.split("\n"):
            step = self.per_line or max(len(line), 1)
            lines += [line[at : at + step] for at in range(0, max(len(line), 1), step)]
        return lines

    def place(self, lengths: Iterable[int]) -> tuple[float, float, list[tuple[float, float]]]:
        """Place lines of ``lengths`` characters.

        Returns the paper's width and height and, in reading order, the top left corner of each character's box.

        Raises:
            HierbrushError: there is no line, or a length is no whole number from 0.
        """
        expected = "the number of characters of each line"
        lengths = [
            check_whole("lengths", length, 0, _MOST_CHARACTERS, unit="characters")
            for length in check_list("lengths", lengths, expected)
        ]
        if not lengths:
            raise HierbrushError(f"lengths: there are none, expected {expected}")
        pitch, advance = self.cell + self.spacing, self.cell + self.line_spacing
        longest = max(lengths)
        along = 2 * self.margin + longest * pitch - self.spacing
        across = 2 * self.margin + len(lengths) * advance - self.line_spacing
        corners = []
        for line, length in enumerate(lengths):
            for at in range(length):
                if self.direction == "vertical":
                    corners.append((across - self.margin - self.cell - line * advance, self.margin + at * pitch))
                else:
                    corners.append((self.margin + at * pitch, self.margin + line * advance))
        width, height = (across, along) if self.direction == "vertical" else (along, across)
        return width, height, corners

    def paper(self, text: str) -> Paper:
        """Return the paper that a text fills.

        Raises:
            HierbrushError: there is no character in the text.
        """
        lengths = [len(line) for line in self.lines(text)]
        if not any(lengths):
            raise HierbrushError("text: is empty, expected Chinese characters such as '永和九年'")
        width, height, corners = self.place(lengths)
        return Paper(width, height, self.cell, corners)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> Layout:
        """Return the layout with these fields, as a file or the command line names them.

        Raises:
            HierbrushError: no mapping, an unknown field, or a value the layout refuses.
        """
        return from_mapping("layout", cls, mapping)
