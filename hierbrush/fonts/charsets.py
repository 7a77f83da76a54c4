"""Sets of characters that fonts are made for, from the codecs that Python has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hierbrush.errors import HierbrushError, closest, shown


def _codes(codec: str, rows: range, cells: tuple[range, ...]) -> list[str]:
    """Return the characters of a two-byte code in its own order, those that it leaves free left out."""
    pairs = (bytes([row, cell]) for row in rows for part in cells for cell in part)
    decoded = (pair.decode(codec, errors="ignore") for pair in pairs)
    return [char for char in decoded if len(char) == 1]


_GB = partial(_codes, "gb2312", cells=(range(0xA1, 0xFF),))
_BIG5 = partial(_codes, "big5", cells=(range(0x40, 0x7F), range(0xA1, 0xFF)))

CHARSETS: dict[str, tuple[str, Callable[[], list[str]]]] = {
    "gb2312": ("the 6,763 simplified characters of GB 2312, and its punctuation", lambda: _GB(range(0xB0, 0xF8))),
    "gb2312-1": ("the 3,755 common ones of GB 2312, and its punctuation", lambda: _GB(range(0xB0, 0xD8))),
    "big5": ("the 13,051 traditional characters of Big5, and its punctuation", lambda: _big5(0xF9)),
    "big5-1": ("the 5,401 common ones of Big5, and its punctuation", lambda: _big5(0xC6)),
}
"""What each named set is, and a function that returns its ideographs."""

_GB_MARKS, _BIG5_MARKS = range(0xA1, 0xA4), range(0xA1, 0xA4)


def charset(name: str) -> list[str]:
    """Return a named set: its ideographs in their order, then those of its marks and digits that can be written.

    Raises:
        HierbrushError: there is no such set.
    """
    from hierbrush.characters.marks import is_mark

    if name not in CHARSETS:
        hint = closest(name, list(CHARSETS)) or f"; expected {', '.join(CHARSETS)}"
        raise HierbrushError(f"charset: {shown(name)} is none that is known{hint}")
    marks = _GB(_GB_MARKS) if name.startswith("gb") else _BIG5(_BIG5_MARKS)
    digits = [chr(code) for code in range(0x30, 0x3A)]
    return list(dict.fromkeys([*CHARSETS[name][1](), *filter(is_mark, [*marks, *digits])]))


def _big5(last_row: int) -> list[str]:
    """Return Big5's ideographs up to a row; two of its 13,053 are duplicates, which Unicode has once."""
    return [char for char in _BIG5(range(0xA4, last_row + 1)) if "\u4e00" <= char <= "\u9fff"]
