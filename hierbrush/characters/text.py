"""Which text can be written, and to which part of the data a character belongs."""

from __future__ import annotations

import unicodedata
from hashlib import sha256
from typing import Literal

from hierbrush.errors import HierbrushError, shown

Split = Literal["train", "validation", "test"]

_LETTERS = (("LATIN", "Latin letters"), ("HIRAGANA", "kana"), ("KATAKANA", "kana"))
"""Words in the names of letters that stand in Chinese and Japanese texts, and what those are called."""


class UnknownCharacterError(HierbrushError):
    """A character that the library does not hold."""


def split(char: str) -> Split:
    """Return the fixed part of the data that ``char`` belongs to.

    ``sha256(UTF-8)[0] % 10``: 0 is test, 1 is validation, the rest is for training. It holds for every character,
    whether or not the library knows it.

    Raises:
        HierbrushError: ``char`` is not exactly one character.
    """
    check_single(char)
    residue = sha256(char.encode("utf-8")).digest()[0] % 10
    return "test" if residue == 0 else "validation" if residue == 1 else "train"


def check_single(char: str) -> None:
    """Raise HierbrushError unless ``char`` is a string of one code point that UTF-8 can carry."""
    if not isinstance(char, str):
        raise HierbrushError(f"char: {shown(char)}, expected a string of one character such as '永'")
    if len(char) != 1:
        raise HierbrushError(f"char: {shown(char)} has {len(char)} characters, expected one such as '永'")
    if 0xD800 <= ord(char) <= 0xDFFF:
        raise HierbrushError(f"char: {describe(char)} is half of a surrogate pair, expected a whole character")


def describe(char: str) -> str:
    """Return ``"'永' (U+6C38)"``; characters that would garble a line are shown by code point and name only."""
    code = f"U+{ord(char):04X}"
    if char.isprintable() and not char.isspace() and not unicodedata.category(char).startswith("M"):
        return f"{char!r} ({code})"
    name = unicodedata.name(char, "")
    return f"{code} ({name})" if name else code


def hint(char: str) -> str:
    """Say what is wrong with a character that the library does not hold, and what would have been right."""
    code = ord(char)
    category = unicodedata.category(char)
    folded = unicodedata.normalize("NFKC", char)
    if category == "Cs":
        return "is half of a surrogate pair; decode the text as UTF-8 or UTF-16 first"
    if category == "Cc":
        return "is a control character; pass the characters only, and use a layout to break lines"
    if category in ("Zs", "Zl", "Zp"):
        return "is white space, which no brush writes; leave it out"
    if category == "Cf" or code in range(0xFE00, 0xFE10) or code in range(0xE0100, 0xE01F0):
        return "is an invisible format character; leave it out"
    if code in range(0x1F000, 0x20000) or code in range(0x2600, 0x27C0):
        return "is an emoji or a pictograph; expected Chinese characters such as '永'"
    if category == "Co":
        return "lies in a private use area and means nothing outside its font"
    if category.startswith("P"):
        return "is punctuation, which is not written yet; leave it out"
    if len(folded) == 1 and folded != char and _is_han(ord(folded)):
        return f"is a compatibility form of {describe(folded)}; write that"
    if _is_han(code):
        return "is a Chinese character without a glyph here; there are those of GB 2312 and of some 2,800 more"
    letters = next((letters for word, letters in _LETTERS if word in unicodedata.name(char, "")), "")
    if letters:
        return f"is no Chinese character, and {letters} are not written yet; leave it out"
    return "is no Chinese character; expected characters such as '永'"


def _is_han(code: int) -> bool:
    return any(
        low <= code <= high
        for low, high in ((0x2E80, 0x2FDF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x33FFF))
    )
