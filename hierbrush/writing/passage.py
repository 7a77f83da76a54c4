"""A text as people paste it, cut into what is written in one cell each, with the place of whatever cannot be written.

A cell holds a character, a mark, a description of a character, or nothing. A description stands in braces,
``心無{⿱罒圭}礙``, which may be left out where it begins with an operator, since its end is where its parts are whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from hierbrush.arguments import check_choice, check_kind
from hierbrush.characters.descriptions import PARTS
from hierbrush.characters.marks import BOX_MARK, half_of, is_mark
from hierbrush.characters.text import UnknownCharacterError, describe, hint
from hierbrush.composer.descriptions import VARIATION_SELECTORS, written_as
from hierbrush.composer.ids import MOST_STROKES, parse_ids
from hierbrush.errors import HierbrushError, shown
from hierbrush.sources import Request, asked, check
from hierbrush.styles.suffixes import is_font

BLANK = "\u3000"
"""A cell that stays empty."""

MISSING = ("error", "blank", "box")
"""What may be done with what cannot be written, besides asking a function."""

Missing = str | Callable[[str], str | None]

_INVISIBLE = frozenset(VARIATION_SELECTORS)
_PLACES, _PROBLEMS = 4, 20  # that one message names
_LIST = "#ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # what a component begins with that is given by number or by its strokes


class Unit(NamedTuple):
    """What goes into one cell, and the line and column of the text, from 1, where it begins."""

    text: str
    line: int
    column: int


def rows_of(text: str) -> list[list[Unit]]:
    """Return the units of each line of a text.

    Line breaks are those of any system. Marks that no brush writes (byte order, zero width, direction, variation
    selectors) are left out, and so are blanks at the end of a line.

    Raises:
        HierbrushError: ``text`` is no string, or a brace is not closed or was never opened.
    """
    check_kind("text", text, str, "a string of Chinese characters")
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        row = list(_units(line, number))
        while row and row[-1].text == BLANK:
            row.pop()
        rows.append(row)
    return rows


def _units(line: str, number: int) -> Iterator[Unit]:
    at = 0
    while at < len(line):
        char, start = line[at], at
        at += 1
        if char == "{":
            at = _closed(line, start, number)
            yield Unit(_described(_visible(line[start + 1 : at - 1])), number, start + 1)
        elif char == "}":
            raise HierbrushError(f"text: line {number}, column {at}: '}}' closes no description; leave it out")
        elif char in PARTS:
            at = _whole(line, start)
            yield Unit(_visible(line[start:at]), number, start + 1)
        elif unicodedata.category(char) == "Zs" or char == "\t":
            yield Unit(BLANK, number, start + 1)
        elif not _is_invisible(char):
            yield Unit(char, number, start + 1)


def _is_invisible(char: str) -> bool:
    return char in _INVISIBLE or unicodedata.category(char) == "Cf"


def _visible(text: str) -> str:
    return "".join(char for char in text if not _is_invisible(char))


def _closed(line: str, start: int, number: int) -> int:
    """Return where a brace's description is over."""
    depth = 0
    for at in range(start, len(line)):
        depth += {"{": 1, "}": -1}.get(line[at], 0)
        if depth == 0:
            return at + 1
    raise HierbrushError(f"text: line {number}, column {start + 1}: '{{' is not closed, expected as in '{{⿱罒圭}}'")


def _described(inside: str) -> str:
    """Return what braces hold as a description: with braces again if it is a single component that only they mark."""
    return f"{{{inside}}}" if inside[:1] in tuple(_LIST) else inside


def _whole(line: str, start: int) -> int:
    """Return where a description without braces is over: where every operator has its parts, or the line ends."""
    wanted, at = 1, start
    while wanted and at < len(line):
        if line[at] == "{":
            end = line.find("}", at)
            at = len(line) if end < 0 else end
        if not _is_invisible(line[at : at + 1] or "永"):
            wanted += PARTS.get(line[at : at + 1], 0) - 1
        at += 1
    return min(at, len(line))


def spelled(units: Iterable[str]) -> str:
    """Return a line of units as a text that `rows_of` cuts into the same."""
    return "".join(unit if len(unit) == 1 or unit.startswith("{") else f"{{{unit}}}" for unit in units)


def check_missing(missing: object) -> None:
    """Raise HierbrushError unless it says what to do with what cannot be written."""
    if not callable(missing):
        check_choice("missing", missing, MISSING)


def writable(text: object, missing: Missing = "error", request: Request | None = None) -> str:
    """Return a text as it will be written, without line breaks around it.

    Args:
        text: as people paste it.
        missing: what to do with what cannot be written: ``"error"``, tell all of it with its places; ``"blank"``, leave
            its cell empty; ``"box"``, draw the box □ that editions have in such places; or a function that is given
            a character or description and returns the text to write in its place (``""`` leaves it out, None refuses).
        request: where the strokes come from; a font has Latin letters and kana, too.

    Raises:
        UnknownCharacterError: something cannot be written; a line of the message for each such thing.
        HierbrushError: no string, nothing to write, braces that do not match, or no such ``missing``.
    """
    check_missing(missing)
    if not isinstance(text, str):
        raise HierbrushError(f"text: must be a string of Chinese characters, not {shown(text)}")
    broken = next((char for char in text if "\ud800" <= char <= "\udfff"), None)
    if broken is not None:  # then nothing else in it means what it seems to
        raise UnknownCharacterError(f"text: {describe(broken)} {hint(broken)}")
    refusals = _Refusals(request)
    rows, refused = [], []
    for row in rows_of(text):
        kept: list[str] = []
        for unit in row:
            stands = _stands_for(unit.text, missing, refusals)
            if stands is None:
                refused.append(unit)
            else:
                kept += stands
        rows.append(spelled(_paired(kept, request.direction) if request and _has_pairs(request) else kept))
    if refused:
        raise UnknownCharacterError(*_told(refused, refusals))
    written = "\n".join(rows).strip("\n")
    if not written.replace(BLANK, "").strip("\n"):
        raise HierbrushError("text: is empty, expected Chinese characters such as '永和九年'")
    return written


def _has_pairs(request: Request) -> bool:
    """Return whether the hand that is asked for has what two digits or marks in one cell look like."""
    return asked(request).pairs


def _paired(units: list[str], direction: str) -> list[str]:
    """Return units with what shares a cell as one.

    Neighbouring marks do, two by two, if half a cell is enough for each. Numbers of two digits do in a column, and in a
    row the digits of every number, from its end.
    """
    # A character for every unit: what is spelled with several shares no cell.
    text = "".join(unit if len(unit) == 1 else BLANK for unit in units)
    paired: list[str] = []
    at = 0
    for number in _NUMBERS[direction].finditer(text):
        paired += _coupled(units[at : number.start()], direction)
        at, odd = number.end(), number.end() - (number.end() - number.start()) // 2 * 2
        paired += units[number.start() : odd]
        paired += [text[start : start + 2] for start in range(odd, at, 2)]
    return paired + _coupled(units[at:], direction)


_NUMBERS = {
    "vertical": re.compile(r"(?<![0-9])[0-9]{2}(?![0-9])"),
    "horizontal": re.compile(r"[0-9]+(?:[.,:][0-9]+)*"),
}


def _coupled(units: list[str], direction: str) -> list[str]:
    coupled: list[str] = []
    for is_half, run in groupby(units, lambda unit: half_of(unit, direction) is not None):
        marks = list(run)
        coupled += ["".join(marks[at : at + 2]) for at in range(0, len(marks), 2)] if is_half else marks
    return coupled


def _stands_for(unit: str, missing: Missing, refusals: _Refusals) -> list[str] | None:
    """Return the units that are written for one, or None if it is refused."""
    if not refusals[unit]:
        return [unit]
    if not callable(missing):
        return {"blank": [BLANK], "box": [BOX_MARK]}.get(missing)
    answer = missing(unit)
    if answer is None:
        return None
    units = [one.text for row in rows_of(answer) for one in row] if isinstance(answer, str) else None
    if units is None or any(refusals[one] for one in units):
        raise HierbrushError(f"missing: gave {shown(answer)} for {shown(unit)}, expected text that can be written")
    return units


class _Refusals(dict[str, str]):
    """Why units cannot be written, "" for those that can; found out when asked for."""

    def __init__(self, request: Request | None) -> None:
        super().__init__()
        self._request = request

    def __missing__(self, unit: str) -> str:
        reason = "" if unit == BLANK or is_mark(unit) else _tried(unit)
        if reason:
            self[unit] = self._elsewhere(unit, reason)
        else:
            self[unit] = "" if is_mark(unit) or unit == BLANK else self._out_of_order(unit)
        return self[unit]

    def _out_of_order(self, unit: str) -> str:
        """Return why a character cannot be written in the order that is asked for; "" if it can."""
        if self._request is None or self._request.order == "prc":
            return ""
        try:
            check(unit, self._request)
        except HierbrushError as error:
            return _reason(error, unit)
        return ""

    def _elsewhere(self, unit: str, reason: str) -> str:
        """Return why the source that is asked for has not what hierbrush itself does not know, "" if it has it."""
        if self._request is None or self._request.is_open or len(unit) != 1:
            return reason
        try:
            check(unit, self._request)
        except HierbrushError:
            font = self._request.path_if(is_font)
            return reason if font is None else f"is not in the font {shown(font.name)}; leave it out"
        return ""


def _tried(unit: str) -> str:
    try:
        if len(unit) == 1:
            written_as(unit)
        else:
            parse_ids(unit, max_strokes=MOST_STROKES)
    except UnknownCharacterError as error:
        return _reason(error, unit)
    except HierbrushError as error:
        return f"is no description: {str(error).removeprefix('ids: ')}"
    return ""


def _reason(error: HierbrushError, unit: str) -> str:
    told = str(error).removeprefix("char: ").removeprefix("goal: ")
    return told.removeprefix(describe(unit)).strip() if len(unit) == 1 else told


def _told(refused: list[Unit], reasons: dict[str, str]) -> list[str]:
    """Return a line for each thing that cannot be written, with its places; neighbours of one reason are one thing."""
    places: dict[tuple[str, str], list[str]] = {}
    # Neighbours differ by one in what is left when their number is taken from their column.
    numbered = enumerate(refused)
    for (_, _, why), group in groupby(
        numbered, lambda one: (one[1].line, one[1].column - one[0], reasons[one[1].text])
    ):
        run = [unit for _, unit in group]
        what = "".join(unit.text for unit in run)
        places.setdefault((what, why), []).append(f"line {run[0].line}, column {run[0].column}")
    lines = []
    for (what, why), where in places.items():
        more = f" and {len(where) - _PLACES} more" if len(where) > _PLACES else ""
        named = describe(what) if len(what) == 1 else shown(what)
        lines.append(f"text: {'; '.join(where[:_PLACES])}{more}: {named} {why}")
    left = len(lines) - _PROBLEMS
    return lines if left <= 0 else [*lines[:_PROBLEMS], f"text: {left} more things cannot be written"]
