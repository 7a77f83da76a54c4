"""Text from a file or a pipe, in UTF-8, UTF-16, GB 18030 or Big5: found out by what the bytes can mean, or told."""

from __future__ import annotations

import codecs
from os import PathLike
from typing import BinaryIO

from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.files import read_whole

MOST_BYTES = 16 * 2**20
"""More than any text that is written by brush."""

_MARKED = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_OTHERS = ("gb18030", "big5hkscs")
_NAMES = ["utf-8", "utf-16", "gb18030", "gbk", "gb2312", "big5", "big5hkscs"]

# The bytes that the standards' own common characters have: GB 2312's and Big5's first levels.
_COMMON = {"gb18030": (b"\xb0\xa1", b"\xd7\xf9"), "big5hkscs": (b"\xa4\x40", b"\xc6\x7e")}
_SURE, _AHEAD = 0.8, 0.1  # share of common characters that decides, and by which it has to lead


def read_text(path: str | PathLike[str] | BinaryIO, *, encoding: str | None = None) -> str:
    """Return the text of a file.

    Args:
        path: the file, or a stream of bytes such as ``sys.stdin.buffer``.
        encoding: a name that Python knows; found out unless given: by its first bytes, as UTF-8 if it is that, else as
            whichever of GB 18030 and Big5 makes common characters of it.

    Raises:
        HierbrushError: it cannot be read, is larger than 16 MiB, is not in that encoding, or cannot be told.
    """
    if hasattr(path, "read"):
        name, content = "standard input", path.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise HierbrushError(f"file: {name} is longer than {MOST_BYTES // 2**20} MiB")
    else:
        name, content = shown(path), read_whole(path, most=MOST_BYTES, argument="file")
    return decoded(content, encoding, name)


def decoded(content: bytes, encoding: str | None, name: str) -> str:
    """Return bytes as text; ``name`` is what messages call where they come from.

    Raises:
        HierbrushError: as of `read_text`.
    """
    if encoding is None:
        encoding = _found(content, name)
    try:
        codec = codecs.lookup(encoding)
        if not getattr(codec, "_is_text_encoding", True):  # hex and the like
            raise LookupError
    except (LookupError, ValueError, TypeError):
        hint = closest(encoding, _NAMES) or f"; expected a name such as {', '.join(_NAMES)}"
        raise HierbrushError(f"encoding: {shown(encoding)} is none that is known{hint}") from None
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise HierbrushError(
            f"encoding: {name} is no {encoding} text: byte {error.start + 1}, in line {line}, cannot be read"
        ) from None
    except UnicodeError:
        raise HierbrushError(f"encoding: {name} is no {encoding} text") from None


def _found(content: bytes, name: str) -> str:
    marked = next((encoding for mark, encoding in _MARKED if content.startswith(mark)), None)
    if marked is not None:
        return marked
    if _decodes(content, "utf-8"):
        return "utf-8"
    shares = {encoding: _common(content, encoding) for encoding in _OTHERS if _decodes(content, encoding)}
    ranked = sorted(shares, key=shares.__getitem__, reverse=True)
    if (
        ranked
        and shares[ranked[0]] >= _SURE
        and all(shares[ranked[0]] - shares[other] >= _AHEAD for other in ranked[1:])
    ):
        return ranked[0]
    if not ranked:
        raise HierbrushError(
            f"encoding: {name} is no text in UTF-8, GB 18030 or Big5, or it is damaged; name its encoding"
        )
    raise HierbrushError(f"encoding: {name} may be GB 18030 or Big5; name which it is")


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeError:
        return False
    return True


def _common(content: bytes, encoding: str) -> float:
    """Return which share of the Chinese characters in a text is common in what the encoding was made for."""
    first, last = _COMMON[encoding]
    codes = [char.encode(encoding) for char in content.decode(encoding) if char >= "\u2e80" and char.isalpha()]
    return sum(len(code) == 2 and first <= code <= last for code in codes) / max(len(codes), 1)
