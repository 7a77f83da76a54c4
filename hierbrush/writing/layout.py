"""Where the characters of a text stand on the paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from hierbrush.errors import HierbrushError, closest

DIRECTIONS = ("vertical", "horizontal")


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
        HierbrushError: an unknown direction, a length that is negative or not finite, a cell of no size, or fewer than
            one character a line.
    """

    direction: str = "vertical"
    cell: float = 0.12
    spacing: float = 0.006
    line_spacing: float = 0.018
    margin: float = 0.02
    per_line: int | None = None

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            hint = closest(str(self.direction), list(DIRECTIONS))
            raise HierbrushError(f"layout: direction {self.direction!r} is not one of {', '.join(DIRECTIONS)}{hint}")
        for name in ("cell", "spacing", "line_spacing", "margin"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 100.0:
                raise HierbrushError(f"layout: {name} must be a length from 0 to 100 m, not {value!r}")
            object.__setattr__(self, name, float(value))
        if self.cell < 1e-3:
            raise HierbrushError(f"layout: cell must be at least 0.001 m, not {self.cell}")
        if self.per_line is not None and (
            isinstance(self.per_line, bool) or not isinstance(self.per_line, int) or self.per_line < 1
        ):
            raise HierbrushError(f"layout: per_line must be a whole number of at least 1, not {self.per_line!r}")

    def lines(self, text: str) -> list[str]:
        """Return the text's lines, those longer than ``per_line`` characters broken."""
        lines: list[str] = []
        for line in text.split("\n"):
            step = self.per_line or max(len(line), 1)
            lines += [line[at : at + step] for at in range(0, max(len(line), 1), step)]
        return lines

    def place(self, lengths: Sequence[int]) -> tuple[float, float, list[tuple[float, float]]]:
        """Place lines of ``lengths`` characters.

        Returns the paper's width and height and, in reading order, the top left corner of each character's box.
        """
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
        if not math.isfinite(width * height):
            raise HierbrushError("layout: the paper has no finite size")
        return width, height, corners

    @classmethod
    def from_mapping(cls, mapping: dict[str, object]) -> Layout:
        """Return the layout with these fields, as a file or the command line names them.

        Raises:
            HierbrushError: an unknown field, or a value the layout refuses.
        """
        known = [field.name for field in fields(cls)]
        for name in mapping:
            if name not in known:
                raise HierbrushError(f"layout: unknown field {name!r}{closest(name, known)}")
        return cls(**mapping)  # type: ignore[arg-type]  # __post_init__ checks every type itself
