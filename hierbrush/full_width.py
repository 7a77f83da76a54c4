"""What a Chinese keyboard types where YAML wants ASCII: ``：`` for a colon, U+3000 for a space, “ ” for quotes.

YAML takes all of these for text, and complains, if at all, some lines further down. Here a text is walked line by line,
comments, quoted and block scalars left out, and told are only the places where structure is expected: where a line, a
key or a value begins, and between brackets. A Chinese description keeps its punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SPACES = frozenset(
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u202f\u205f\u3000"
)
_QUOTES = dict.fromkeys("“”„‟«»「」『』＂〝〞", '"') | dict.fromkeys("‘’‚‛＇", "'")
_OPENING = dict.fromkeys("（［【〔", "[") | {"｛": "{"}
_CLOSING = dict.fromkeys("）］】〕", "]") | {"｝": "}"}
_COMMAS = dict.fromkeys("，、；﹐", ",")
_DASHES = dict.fromkeys("－—–−‐", "-")
_FULL_WIDTH = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_AT_START = _FULL_WIDTH | _DASHES | _QUOTES | _OPENING | _CLOSING | _COMMAS

_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*[ \t]*(?=[：﹕︰])")
_BLOCK = re.compile(r"(?:^|[:-])[ \t]+[|>][-+0-9]*[ \t]*(?:#.*)?$")
_INDENT = re.compile(r" *(?:- +)*")


@dataclass(frozen=True)
class Slip:
    """A character that YAML takes for text.

    Attributes:
        line: from 0.
        column: from 0.
        message: what it is and what would have been right.
        certain: whether it can hardly be meant; the others may be the beginning of a text.
    """

    line: int
    column: int
    message: str
    certain: bool


def slips(text: str) -> list[Slip]:
    """Return the places in a YAML text where structure is expected and something like it stands, in their order."""
    if text.isascii() and "\t" not in text:
        return []
    walk = _Walk()
    return [slip for number, line in enumerate(_BREAK.split(text)) for slip in walk.line(number, line)]


class _Walk:
    """What of a text goes on in the next line: brackets, a quotation, a block scalar."""

    def __init__(self) -> None:
        self.depth = 0
        self.quote = ""
        self.block: int | None = None

    def line(self, number: int, line: str) -> Iterator[Slip]:
        indent = len(_INDENT.match(line)[0])  # type: ignore[index]
        if self.block is not None and (not line.strip() or indent > self.block):
            return
        self.block = indent if _BLOCK.search(line) and not self.quote else None
        fresh, at = True, 0
        while at < len(line):
            char, following = line[at], line[at + 1 : at + 2]
            if self.quote:
                at += self._quoted(char, following)
                continue
            if char == "#" and line[:at][-1:] in ("", " ", "\t"):
                return
            if fresh and (key := _KEY.match(line, at)):
                at = key.end()
                yield Slip(number, at, _said(line[at], ":", " and a space after it"), certain=True)
            elif char == "\t" and not line[:at].strip():
                yield Slip(number, at, "a tab cannot indent or separate in YAML; use spaces", certain=False)
            elif char in _SPACES and fresh:
                yield Slip(number, at, f"U+{ord(char):04X} is no space of YAML's; use ordinary spaces", certain=True)
            elif fresh and char in _AT_START:
                yield Slip(number, at, _said(char, _AT_START[char]), certain=False)
                self._bracket(_AT_START[char])
                fresh = char in _OPENING or char in _DASHES
            elif self.depth and char in (_COMMAS | _CLOSING):
                yield Slip(number, at, _said(char, (_COMMAS | _CLOSING)[char]), certain=False)
                self._bracket((_COMMAS | _CLOSING)[char])
                fresh = char in _COMMAS
            elif char not in " \t" and char not in _SPACES:
                fresh = self._ordinary(char, following, fresh)
            at += 1

    def _quoted(self, char: str, following: str) -> int:
        """Return how many characters of a quotation to go on by."""
        if (char == "\\" and self.quote == '"') or (char == following == self.quote == "'"):
            return 2
        if char == self.quote:
            self.quote = ""
        return 1

    def _ordinary(self, char: str, following: str, fresh: bool) -> bool:
        """Return whether after this character a key or a value may begin."""
        if fresh and char in "\"'":
            self.quote = char
            return False
        separated = not following or following in " \t" or following in _SPACES
        if (char == ":" or (fresh and char in "-?")) and separated:
            return True
        if not fresh and not self.depth:
            return False
        self._bracket(char)
        return char in "[{" or (self.depth > 0 and char == ",")

    def _bracket(self, char: str) -> None:
        self.depth = max(0, self.depth + (char in "[{") - (char in "]}"))


def _said(char: str, wanted: str, further: str = "") -> str:
    return f"'{char}' (U+{ord(char):04X}) is text to YAML; write {wanted!r}{further}"
