"""What a font's characters look like in the box that the font itself gives them."""

from __future__ import annotations

from functools import cached_property, lru_cache
from io import BytesIO
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_path, check_whole
from hierbrush.characters.text import check_single, describe
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import MIB, read_whole
from hierbrush.styles.suffixes import FONTS

Floats = NDArray[np.float32]

"""Suffixes by which a file is taken for a font."""

MOST_BYTES = 256 * MIB
MOST_FONTS = 1024

_USUAL_ASCENT = 0.88
"""Height of the em box above the baseline where a font says nothing that makes sense."""

_IDEOGRAPHS = range(0x3007, 0x3008), range(0x3400, 0xA000), range(0xF900, 0xFB00), range(0x20000, 0x33480)


class Font:
    """A TrueType or OpenType font, alone, in a collection, or packed as WOFF.

    Args:
        path: the file.
        number: which font of a collection.

    Raises:
        HierbrushError: the file is no font that can be read, or the collection has no such font.
    """

    def __init__(self, path: str | PathLike[str], number: int = 0) -> None:
        self.path = check_path("font", path)
        self.number = check_whole("number", number, 0, MOST_FONTS)
        self._bytes = read_whole(self.path, most=MOST_BYTES, argument="font")
        self._tables = self._opened()

    def __repr__(self) -> str:
        return f"<Font {shown(self.path.name)}: {len(self._codes)} characters>"

    def __contains__(self, char: object) -> bool:
        return isinstance(char, str) and len(char) == 1 and ord(char) in self._codes

    @property
    def name(self) -> str:
        """The family as the font calls itself, or the file's name without its suffix."""
        try:
            return str(self._tables["name"].getBestFamilyName() or self.path.stem)
        except Exception:  # fontTools raises what its parsers happen to meet
            return self.path.stem

    @cached_property
    def characters(self) -> tuple[str, ...]:
        """The ideographs that the font has, by code point."""
        return tuple(chr(code) for code in sorted(self._codes) if any(code in block for block in _IDEOGRAPHS))

    def ink(self, char: str, side: int = 256) -> Floats:
        """Return the coverage of a character's box by its glyph: float32 [side, side], 1 = ink.

        The box is the em square as the font places it on its baseline; a narrower glyph stands in its middle.

        Raises:
            HierbrushError: the font does not have the character, or its glyph is blank.
        """
        from PIL import Image, ImageDraw

        self.check(char)
        page = Image.new("L", (side, side), 0)
        try:
            face = self._face(side)
            left = max(0.0, (side - face.getlength(char)) / 2)
            ImageDraw.Draw(page).text((left, self._ascent * side), char, font=face, fill=255, anchor="ls")
        except (OSError, ValueError) as error:
            raise HierbrushError(f"font: cannot draw {describe(char)} of {shown(self.path.name)}: {error}") from None
        ink = np.asarray(page, np.float32) / np.float32(255)
        if not (ink >= 0.5).any():
            raise HierbrushError(f"font: the glyph of {describe(char)} in {shown(self.path.name)} is blank")
        return ink

    def check(self, char: str) -> None:
        """Raise `HierbrushError` unless ``char`` is a character that the font has."""
        check_single(char)
        if char not in self:
            raise HierbrushError(
                f"font: {shown(self.path.name)} has no {describe(char)}; it has {len(self.characters)} ideographs"
            )

    def _opened(self) -> Any:
        from fontTools.ttLib import TTFont

        if self.number and not self._bytes.startswith(b"ttcf"):
            raise HierbrushError(f"number: {self.number}, but {shown(self.path)} is no collection; leave it out")
        try:
            # Only the tables that are asked for are unpacked.
            tables = TTFont(BytesIO(self._bytes), fontNumber=self.number, lazy=True)
            if tables.getBestCmap() is None:
                raise ValueError("it has no table of characters")
        except ImportError as error:
            raise HierbrushError(f"font: cannot read {shown(self.path)}: {error} (pip install brotli)") from None
        except Exception as error:  # fontTools raises what its parsers happen to meet
            if self.number:
                raise HierbrushError(f"number: {self.number}, but {shown(self.path)} has no such font") from None
            raise HierbrushError(f"font: cannot read {shown(self.path)}: it is no font ({error})") from None
        return tables

    @cached_property
    def _codes(self) -> frozenset[int]:
        return frozenset(self._tables.getBestCmap())

    @cached_property
    def _ascent(self) -> float:
        """Height of the em box above the baseline, in ems."""
        try:
            units, metrics = self._tables["head"].unitsPerEm, self._tables["OS/2"]
            up, down = metrics.sTypoAscender, -metrics.sTypoDescender
        except Exception:  # a table is missing or broken
            return _USUAL_ASCENT
        # Only where these two make an em are they the box; otherwise they are about lines of text.
        return up / units if up > 0 and abs(up + down - units) <= 0.02 * units else _USUAL_ASCENT

    def _face(self, side: int) -> Any:
        from PIL import ImageFont

        if side not in self._faces:
            basic = ImageFont.Layout.BASIC
            try:
                self._faces[side] = ImageFont.truetype(
                    BytesIO(self._bytes), side, index=self.number, layout_engine=basic
                )
            except OSError:  # FreeType without brotli: the tables are unpacked by fontTools
                unpacked = BytesIO()
                self._tables.flavor = None
                self._tables.save(unpacked)
                self._faces[side] = ImageFont.truetype(BytesIO(unpacked.getvalue()), side, layout_engine=basic)
        return self._faces[side]

    @cached_property
    def _faces(self) -> dict[int, Any]:
        return {}


@lru_cache(maxsize=8)
def _font(path: str, number: int, modified: int) -> Font:
    return Font(path, number)


def open_font(path: str | PathLike[str], number: int = 0) -> Font:
    """Return a font; the latest eight are kept until their files change.

    Raises:
        HierbrushError: as of `Font`.
    """
    place = check_path("font", path)
    try:
        modified = Path(place).stat().st_mtime_ns
    except (OSError, ValueError):
        modified = 0
    return _font(fspath(place), number, modified)


def is_font(path: str | PathLike[str]) -> bool:
    """Whether a path's suffix is a font's."""
    return Path(path).suffix.lower() in FONTS
