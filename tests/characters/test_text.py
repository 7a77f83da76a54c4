"""Which text can be written, and the fixed split."""

from __future__ import annotations

from collections import Counter

import pytest

from hierbrush.characters import UnknownCharacterError, check_text, load_library, split
from hierbrush.errors import HierbrushError


def test_the_split_never_changes() -> None:
    assert Counter(map(split, load_library().characters)) == {"train": 7642, "validation": 952, "test": 980}
    assert [split(char) for char in "永和九年"] == [split(char) for char in "永和九年"]


def test_good_text_passes() -> None:
    check_text("永和九年歲在癸丑")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "text: is empty"),
        ("永a", r"character 2 of 2, 'a' \(U\+0061\) is no Chinese character"),
        ("😀", r"'😀' \(U\+1F600\) is an emoji"),
        ("永\n", r"character 2 of 2, U\+000A is a control character"),
        ("\ud800", r"U\+D800 is half of a surrogate pair"),
        ("永 和", r"U\+0020 \(SPACE\) is white space"),
        ("龘", r"'龘' \(U\+9F98\) is a Chinese character without a glyph here"),
        ("永，", r"'，' \(U\+FF0C\) is punctuation"),
        ("\u2f00", r"is a compatibility form of '一' \(U\+4E00\)"),
        ("\u200b", r"U\+200B \(ZERO WIDTH SPACE\) is an invisible format character"),
        ("永\ufe0f", r"U\+FE0F .* is an invisible format character"),
        ("\ue000", r"U\+E000 lies in a private use area"),
    ],
)
def test_other_text_is_refused_with_the_character_its_code_point_and_a_hint(text: str, message: str) -> None:
    with pytest.raises(HierbrushError, match=message) as caught:
        check_text(text)
    assert "\n" not in str(caught.value)
    str(caught.value).encode("utf-8")


def test_an_unknown_character_has_its_own_error() -> None:
    with pytest.raises(UnknownCharacterError):
        check_text("龘")


@pytest.mark.parametrize("text", [None, 7, b"\xe6\xb0\xb8"])
def test_what_is_no_string_is_refused(text: object) -> None:
    with pytest.raises(HierbrushError, match=r"text: .*expected a string"):
        check_text(text)  # type: ignore[arg-type]


@pytest.mark.parametrize("char", ["", "永和", "\udfff", None])
def test_split_wants_one_character(char: object) -> None:
    with pytest.raises(HierbrushError, match="char: "):
        split(char)  # type: ignore[arg-type]
