"""Text from files in the encodings of Chinese."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from hierbrush.errors import HierbrushError
from hierbrush.writing.text_file import MOST_BYTES, read_text

SIMPLIFIED = "床前明月光，疑是地上霜。举头望明月，低头思故乡。"
TRADITIONAL = "床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (SIMPLIFIED, "utf-8"), (SIMPLIFIED, "utf-8-sig"), (SIMPLIFIED, "utf-16"), (SIMPLIFIED, "gb18030"),
        (SIMPLIFIED, "gb2312"), (TRADITIONAL, "utf-8"), (TRADITIONAL, "big5"), (TRADITIONAL, "big5hkscs"),
        ("2026", "ascii"),
    ],
)  # fmt: skip
def test_the_encoding_is_found_out(text: str, encoding: str, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(text.encode(encoding))
    assert read_text(tmp_path / "x.txt") == text
    assert read_text(BytesIO(text.encode(encoding)), encoding=encoding) == text


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (TRADITIONAL.encode("gb18030")[:40] + b"\xff\xff", None, "encoding: .* is no text in UTF-8, GB 18030 or Big5"),
        ("永".encode("gb18030"), "utf-8", "encoding: .* is no utf-8 text: byte 1, in line 1, cannot be read"),
        ("永\n".encode() + b"\xff", "utf-8", "byte 5, in line 2"),
        (b"", "utf9", "encoding: 'utf9' is none that is known; did you mean 'utf-8'"),
        (b"", "hex", "encoding: 'hex' is none that is known"),
        (b"", "a\0b", "encoding: .* is none that is known"),
        (bytes([0xA9, 0xFA, 0xB5, 0xBD]), None, "may be GB 18030 or Big5; name which it is"),
        (b"a" * (MOST_BYTES + 1), None, "file: .* longer than 16 MiB"),
    ],
)
def test_what_is_undecided_or_broken_is_told(content: bytes, encoding: str | None, message: str) -> None:
    with pytest.raises(HierbrushError, match=message) as caught:
        read_text(BytesIO(content), encoding=encoding)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match=r"file: cannot read .*no\.txt"):
        read_text(tmp_path / "no.txt")
