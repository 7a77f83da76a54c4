"""Where the characters of a text stand on the paper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hierbrush.arguments import check_choice, check_list, check_number, check_whole
from hierbrush.box import BOX
from hierbrush.characters.marks import NEVER_FIRST, NEVER_LAST, folded, half_of, is_couple, is_pair
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.options import from_mapping, options_of
from hierbrush.writing.grid import GRIDS
from hierbrush.writing.paper import Paper
from hierbrush.writing.passage import BLANK, rows_of, spelled

DIRECTIONS = ("vertical", "horizontal")

PAPERS = {
    "A5": (0.148, 0.210), "A4": (0.210, 0.297), "A3": (0.297, 0.420), "A2": (0.420, 0.594), "Letter": (0.2159, 0.2794),
    "三尺": (0.55, 1.00), "四尺": (0.69, 1.38), "五尺": (0.84, 1.53), "六尺": (0.97, 1.80),
    "四尺对开": (0.345, 1.38), "四尺三开": (0.46, 0.69), "四尺斗方": (0.69, 0.69), "四尺六开": (0.345, 0.46),
}  # fmt: skip
"""Width and height in metres of papers that have a name, upright; 四尺 and its like are sheets of Xuan paper."""

_SIDES = (0.001, 2.0)
_MOST_GAP = 2.0
_PAPER_SIDES = (0.01, 5.0)
_MOST_CHARACTERS = 1_000_000  # in a line
_MOST_CELLS = 100_000  # on a paper of a given size
_ACROSS = 8  # cells along a paper's shorter side unless told otherwise
_MARGIN = 1 / 12  # of a paper's shorter side
_GAPS = (0.05, 0.15)  # between characters and between lines, in cells
_SLACK = 1e-9
_DIGITS = "０１２３４５６７８９"
_IN_NUMBERS = ",."  # half-width: 12,800 is one number
_MILLIMETRES = re.compile(r"(\d+(?:\.\d+)?)\s*[x×*]\s*(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Layout:
    """How a text is set on the paper; lengths in metres.

    ``direction`` is ``"vertical"``, columns read from top to bottom and from right to left, or ``"horizontal"``, rows
    read from left to right and from top to bottom. ``cell`` is the side of a character's box, ``spacing`` the gap
    between characters, ``line_spacing`` the gap between lines, ``margin`` the paper left free around the text.
    ``per_line`` starts a new line after that many characters; without it only the text's own line breaks do.

    A brush of the same make but of the cell's size is taken to write: the movement for the 0.12 m box is scaled in x,
    y and z alike, as calligraphers take a smaller brush for smaller characters.

    The paper is as large as the text unless ``paper_size`` gives its width and height or its name in `PAPERS`; the text
    then stands in its middle, in lines as long and as many as it holds. ``lines_per_page`` starts a new sheet after
    that many lines. ``grid``, one of `GRIDS`, is drawn around the characters in pictures; it is not inked. `on` works
    out the cell from rows and columns.

    Raises:
        HierbrushError: an unknown direction, grid or paper, a cell that is not from 1 mm to 2 m, another length that is
            not from 0 to 2 m, fewer than one character a line or line a sheet, or a paper that does not hold them.
    """

    direction: str = "vertical"
    cell: float = BOX
    spacing: float = 0.006
    line_spacing: float = 0.018
    margin: float = 0.02
    per_line: int | None = None
    lines_per_page: int | None = None
    paper_size: tuple[float, float] | str | None = None
    grid: str | None = None

    def __post_init__(self) -> None:
        check_choice("layout: direction", self.direction, DIRECTIONS)
        for name in ("cell", "spacing", "line_spacing", "margin"):
            low, high = _SIDES if name == "cell" else (0.0, _MOST_GAP)
            object.__setattr__(self, name, check_number(f"layout: {name}", getattr(self, name), low, high, "metres"))
        for name, unit in (("per_line", "characters"), ("lines_per_page", "lines")):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, check_whole(f"layout: {name}", getattr(self, name), 1, unit=unit))
        if self.grid is not None:
            check_choice("layout: grid", self.grid, GRIDS)
        if self.paper_size is not None:
            object.__setattr__(self, "paper_size", paper_size(self.paper_size))
            self._fill()

    def _fill(self) -> None:
        """Fill the paper as far as the number of lines and of characters in a line is not given; refuse too many."""
        assert isinstance(self.paper_size, tuple)
        for name, side, gap in zip(
            ("per_line", "lines_per_page"), self._sides(*self.paper_size), self._gaps, strict=True
        ):
            room = side - 2 * self.margin
            most = int((room + gap) / (self.cell + gap) + _SLACK)
            if most < (getattr(self, name) or 1):
                number = getattr(self, name) or 1
                raise HierbrushError(
                    f"layout: {name}: {number} of {1e3 * self.cell:.4g} mm and what lies between do not fit on a paper "
                    f"with {1e3 * room:.4g} mm within its margins; {most} do"
                )
            object.__setattr__(self, name, getattr(self, name) or most)
        if (self.per_line or 1) * (self.lines_per_page or 1) > _MOST_CELLS:
            raise HierbrushError(f"layout: cell: makes more than {_MOST_CELLS:,} on a paper; take a larger one")

    @property
    def _gaps(self) -> tuple[float, float]:
        return self.spacing, self.line_spacing

    def _sides(self, width: float, height: float) -> tuple[float, float]:
        """Return a paper's sides along and across the lines, or width and height of sides along and across."""
        return (height, width) if self.direction == "vertical" else (width, height)

    def rows(self, text: str) -> list[list[str]]:
        """Return what stands in each line: characters, descriptions and `passage.BLANK`.

        Lines longer than ``per_line`` are broken; no mark that closes begins one, and none that opens ends one. On a
        paper whose margin has room for it, such a mark hangs over the end of the line before.

        Raises:
            HierbrushError: ``text`` is no string, or its braces do not match.
        """
        rows = [[unit.text for unit in row] for row in rows_of(text)] or [[]]
        hanging = self.direction if self._has_room_to_hang() else None
        return [piece for row in rows for piece in (_broken(row, self.per_line, hanging) if self.per_line else [row])]

    def _has_room_to_hang(self) -> bool:
        """Return whether one cell more than a line has is still on the paper."""
        if not isinstance(self.paper_size, tuple) or self.per_line is None:
            return False
        along, _ = self._sides(*self.paper_size)
        return along - self.per_line * (self.cell + self.spacing) + self.spacing >= 2 * (self.cell + self.spacing)

    def lines(self, text: str) -> list[str]:
        """Return the text's lines as `rows` breaks them.

        Raises:
            HierbrushError: ``text`` is no string, or its braces do not match.
        """
        return [spelled(row) for row in self.rows(text)]

    def pages(self, text: str) -> list[str]:
        """Return the texts of the sheets that a text fills, one where the layout does not say how many lines it has.

        Sheets begin and end with something written, and every line of theirs ends with a line break.

        Raises:
            HierbrushError: ``text`` is no string, or its braces do not match.
        """
        if self.lines_per_page is None:
            return [text]
        pages, lines = [], self.lines(text)
        while lines:
            if not lines[0]:
                del lines[0]
                continue
            pages.append("\n".join(lines[: self.lines_per_page]).rstrip("\n"))
            del lines[: self.lines_per_page]
        return [page for page in pages if page.strip(f"\n{BLANK}")]

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
        count, longest = len(lengths), max(lengths)
        width, height = self._sides(
            2 * self.margin + longest * pitch - self.spacing, 2 * self.margin + count * advance - self.line_spacing
        )
        before_line = before_row = self.margin
        if isinstance(self.paper_size, tuple):
            # Full lines and a full sheet stand in the middle; what is shorter begins where they do.
            width, height = self.paper_size
            along, across = self._sides(width, height)
            before_line = (along - (self.per_line or longest) * pitch + self.spacing) / 2
            before_row = (across - (self.lines_per_page or count) * advance + self.line_spacing) / 2
        corners = []
        for line, length in enumerate(lengths):
            for at in range(length):
                down, over = before_line + at * pitch, before_row + line * advance
                vertical = self.direction == "vertical"
                corners.append((width - over - self.cell, down) if vertical else (down, over))
        return width, height, corners

    def paper(self, text: str) -> Paper:
        """Return the paper that a text stands on.

        Raises:
            HierbrushError: there is no character in the text, or the text fills more than one sheet.
        """
        rows = self.rows(text)
        if not any(unit != BLANK for row in rows for unit in row):
            raise HierbrushError("text: is empty, expected Chinese characters such as '永和九年'")
        if self.lines_per_page is not None and len(rows) > self.lines_per_page:
            sheets = len(self.pages(text))
            raise HierbrushError(f"text: fills {sheets} sheets of this layout; write_pages writes them")
        width, height, corners = self.place([len(row) for row in rows])
        written = [unit != BLANK for row in rows for unit in row]
        return Paper(width, height, self.cell, [at for at, ink in zip(corners, written, strict=True) if ink])

    def boxes(self, text: str) -> list[tuple[float, float]]:
        """Return the top left corners of the boxes that a grid has: all of the paper's, or of the text's lines."""
        rows = self.rows(text)
        longest, count = max(map(len, rows)), len(rows)
        if self.paper_size is not None:
            longest, count = self.per_line or longest, self.lines_per_page or count
        return self.place([longest] * count)[2]

    @classmethod
    def on(
        cls,
        paper: tuple[float, float] | str,
        *,
        direction: str = "vertical",
        rows: int | None = None,
        columns: int | None = None,
        cell: float | None = None,
        margin: float | None = None,
        spacing: float | None = None,
        line_spacing: float | None = None,
        grid: str | None = None,
    ) -> Layout:
        """Return the layout of sheets of a given paper; lengths in metres.

        Args:
            paper: a name in `PAPERS`, such as ``"A4"`` or ``"四尺"``, ``"width x height"`` in millimetres, or both in
                metres.
            direction: as in `Layout`.
            rows: of characters on a sheet, counted downward; as many as fit unless given.
            columns: counted across.
            cell: the side of a character's box; the largest of which the rows and columns fit unless given, and 8
                along the shorter side of the paper without those.
            margin: the paper left free; a twelfth of its shorter side unless given.
            spacing: the gap between characters; a twentieth of a cell unless given, none with a grid.
            line_spacing: the gap between lines; three twentieths of a cell unless given, none with a grid.
            grid: as in `Layout`.

        Raises:
            HierbrushError: there is no such paper, or it does not hold what is asked for.
        """
        width, height = paper_size(paper)
        check_choice("layout: direction", direction, DIRECTIONS)
        counts = [
            None if count is None else check_whole(f"layout: {name}", count, 1, _MOST_CELLS)
            for name, count in (("rows", rows), ("columns", columns))
        ]
        margin = _MARGIN * min(width, height) if margin is None else margin
        room = [side - 2 * check_number("layout: margin", margin, 0.0, _MOST_GAP, "metres") for side in (height, width)]
        shares = [0.0, 0.0] if grid is not None else list(_GAPS)
        gaps = [spacing, line_spacing]
        if direction == "horizontal":
            shares.reverse()
            gaps.reverse()
        if cell is None:
            asked = counts if any(counts) else [_ACROSS if side == min(room) else None for side in room]
            cell = min(
                _largest(side, count, gap, share)
                for side, count, gap, share in zip(room, asked, gaps, shares, strict=True)
                if count is not None
            )
            cell = max(cell * (1 - _SLACK), 0.0)
        made = [cell * share if gap is None else gap for gap, share in zip(gaps, shares, strict=True)]
        if direction == "horizontal":
            counts.reverse()
            made.reverse()
        return cls(direction, cell, made[0], made[1], margin, counts[0], counts[1], (width, height), grid)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> Layout:
        """Return the layout with these fields, as a file or the command line names them.

        Raises:
            HierbrushError: no mapping, an unknown field, or a value the layout refuses.
        """
        return from_mapping("layout", cls, mapping)


def layout_of(layout: object) -> Layout:
    """Return a layout given as one, as the name of its direction, or as a mapping of its fields.

    Raises:
        HierbrushError: it is none of these, or has a value that a layout refuses.
    """
    if isinstance(layout, str):
        return Layout(direction=layout)
    if not isinstance(layout, Layout | Mapping):
        directions = ", ".join(DIRECTIONS)
        raise HierbrushError(f"layout: {shown(layout)}, expected one of {directions}, a Layout or its fields")
    return options_of("layout", Layout, layout)


def paper_size(paper: object) -> tuple[float, float]:
    """Return the width and height in metres of a paper, given by its name, in millimetres, or as both.

    Raises:
        HierbrushError: there is no such paper, or a side that is not from 1 cm to 5 m.
    """
    if isinstance(paper, str):
        given = _MILLIMETRES.fullmatch(paper.strip())
        if given is None:
            names = {name.lower(): size for name, size in PAPERS.items()}
            found = names.get(paper.strip().lower().replace("對開", "对开").replace("開", "开"))
            if found is None:
                hint = closest(paper, list(PAPERS)) or f"; there are {', '.join(PAPERS)}, or '210x297' in mm"
                raise HierbrushError(f"paper: {shown(paper)} is no paper that is known{hint}")
            return found
        sides = [float(number) / 1e3 for number in given.groups()]
    else:
        sides = check_list("paper", paper, "a name such as 'A4', or width and height in metres")
        if len(sides) != 2:
            raise HierbrushError(f"paper: {shown(paper)}, expected a name such as 'A4', or width and height in metres")
    width, height = (check_number("paper", side, *_PAPER_SIDES, "metres") for side in sides)
    return width, height


def _largest(side: float, count: int, gap: float | None, share: float) -> float:
    """Return the largest cell of which a number fits along a side, gaps being given or a share of the cell."""
    if gap is None:
        return side / (count + (count - 1) * share)
    return (side - (count - 1) * gap) / count


def _broken(row: list[str], most: int, hanging: str | None) -> Iterator[list[str]]:
    """Yield a row in pieces of at most so many units, shorter ones where two neighbours must not be parted.

    Where no place is allowed, all are. ``hanging`` is the direction of lines that one closing mark may be longer than,
    since it takes the nearer half of its cell.
    """
    first = True
    while len(row) > most:
        hangs = hanging is not None and folded(row[most]) in NEVER_FIRST and half_of(row[most], hanging) == 0
        if hangs and (len(row) == most + 1 or _may_part(row[most], row[most + 1])):
            end, cut = most + 1, False
        else:
            end, cut = next(
                ((at, cut) for at in range(most, 0, -1) for cut in (False, True) if _may_end(row, at, cut)),
                (most, False),
            )
        before, row = row[:end], row[end:]
        if cut:
            before[-1:], row = before[-1][:1], [before[-1][1], *row]
        yield before
        first = False
    if row or first:
        yield row


def _may_end(row: list[str], at: int, cut: bool) -> bool:
    """Return whether a line may end before a unit; or, cut, within the couple of marks that is the last one on it."""
    if cut:
        return is_couple(row[at - 1]) and _may_part(*row[at - 1])
    return _may_part(row[at - 1], row[at])


def _may_part(before: str, after: str) -> bool:
    before, after = _sharing(before)[-1], _sharing(after)[0]
    pair = folded(before) == folded(after) and folded(after) in "—…"
    number = folded(after) in _DIGITS and (folded(before) in _DIGITS or before in _IN_NUMBERS)
    return folded(after) not in NEVER_FIRST and folded(before) not in NEVER_LAST and not pair and not number


def _sharing(unit: str) -> Sequence[str]:
    """Return what shares a cell: two marks, two digits, or one unit."""
    return unit if is_couple(unit) or is_pair(unit) else [unit]
