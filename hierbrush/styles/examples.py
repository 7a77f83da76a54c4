"""Examples of a hand: characters with their ink, from a font, from pictures, or from filled practice sheets."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_list, check_whole
from hierbrush.characters import load_library, split
from hierbrush.errors import HierbrushError, shown
from hierbrush.styles.chosen import chosen, is_common
from hierbrush.styles.fonts import Font
from hierbrush.styles.pictures import box_ink, is_picture
from hierbrush.styles.suffixes import PICTURES, is_font

Ink = NDArray[np.float32]
Wanted = Iterable[str] | int | None

OF_FONT = 200
"""Characters that are taken of a font unless told otherwise."""

_CODE = re.compile(r"(?:U\+|u)?([0-9A-Fa-f]{4,6})(?![0-9A-Fa-f])")


def examples_of(source: Path, wanted: Wanted = None) -> Iterator[tuple[str, Ink]]:
    """Yield characters and their ink, float32 [256, 256]; see `Style.learn` for what a source is.

    Raises:
        HierbrushError: there is no such source, or it has none of the characters.
    """
    if is_font(source):
        yield from _of_font(source, wanted)
    elif source.is_dir():
        yield from _of_folder(source, wanted)
    elif is_picture(source):
        yield from _of_sheets([source], wanted)
    else:
        known = ", ".join(PICTURES[:3])
        raise HierbrushError(
            f"source: {shown(source)} is no font (.ttf, .otf, .ttc, .woff), no folder of pictures and no picture "
            f"({known} ...) of a practice sheet"
        )


def _of_font(path: Path, wanted: Wanted) -> Iterator[tuple[str, Ink]]:
    font, library = Font(path), load_library()
    if wanted is None or isinstance(wanted, int):
        count = check_whole("characters", OF_FONT if wanted is None else wanted, 1, 9574)
        # What test and validation characters look like is learned from no font.
        known = [char for char in font.characters if char in library and split(char) == "train"]
        common = [char for char in known if is_common(char)]
        named = chosen(count, common if len(common) >= count else known)
    else:
        named = _named(wanted)
        for char in named:
            font.check(char)
    for char in named:
        yield char, font.ink(char)


def _of_folder(folder: Path, wanted: Wanted) -> Iterator[tuple[str, Ink]]:
    files = sorted(path for path in folder.iterdir() if is_picture(path))
    if not files:
        raise HierbrushError(f"source: {shown(folder)} has no pictures, expected files such as 永.png or U+6C38.png")
    by_char = {char: path for path in files if (char := character_of(path)) is not None}
    if not by_char:
        yield from _of_sheets(files, wanted)
        return
    named = _some(by_char, wanted)
    for char in named:
        if char not in by_char:
            raise HierbrushError(f"characters: {shown(folder)} has no picture of {shown(char)}; name one {char}.png")
        yield char, box_ink(by_char[char], argument="source")


def _of_sheets(files: Iterable[Path], wanted: Wanted) -> Iterator[tuple[str, Ink]]:
    from hierbrush.styles.sheet import read_sheet

    cells = {cell.char: cell.ink for path in files for cell in read_sheet(path)}
    for char in _some(cells, wanted):
        if char in cells:
            yield char, cells[char]


def _some(known: Iterable[str], wanted: Wanted) -> list[str]:
    if wanted is None:
        return list(known)
    if isinstance(wanted, int):
        return list(known)[: check_whole("characters", wanted, 1)]
    return _named(wanted)


def _named(wanted: Wanted) -> list[str]:
    """Return those of the characters that strokes are known of; the others, such as a text's commas, are told."""
    named = list(dict.fromkeys(check_list("characters", wanted, "characters such as '永和九年', or how many")))
    library = load_library()
    known = [char for char in named if isinstance(char, str) and char in library]
    others = [char for char in named if char not in known and not (isinstance(char, str) and char.isspace())]
    if not known:
        raise HierbrushError(f"characters: {shown(wanted)} has no character of the library")
    if others:
        warnings.warn(f"characters: not of the library, so not learned from: {shown(others)}", stacklevel=2)
    return known


def character_of(path: Path) -> str | None:
    """Return the character that a file's name tells: itself, or its code point; None if it tells none."""
    library = load_library()
    found = [char for char in path.stem if char in library]
    if len(found) == 1:
        return found[0]
    code = _CODE.match(path.stem)
    char = chr(int(code[1], 16)) if code and int(code[1], 16) < 0x110000 else ""
    return char if char in library else None
