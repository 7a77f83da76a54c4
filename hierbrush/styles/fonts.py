"""What a font's characters look like in the box that the font itself gives them."""

from __future__ import annotations

import logging
from functools import cached_property, lru_cache
from io import BytesIO
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_path, check_whole
from hierbrush.characters.text import check_single, describe
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import MIB, read_whole
from hierbrush.styles.suffixes import CHOICE

Floats = NDArray[np.float32]

MOST_BYTES = 256 * MIB
MOST_FONTS = 1024

_USUAL_ASCENT = 0.88
"""Height of the em box above the baseline where a font says nothing that makes sense."""

_IDEOGRAPHS = range(0x3007, 0x3008), range(0x3400, 0xA000), range(0xF900, 0xFB00), range(0x20000, 0x33480)


class Font:
    """A TrueType or OpenType font, alone, in a collection, or packed as WOFF.

    Args:
        path: the file; ``"uming.ttc#2"`` is font 2 of a collection, ``"serif.ttf#wght=700"`` a variable font at that
            place of its axes.
        number: which font of a collection, from 0, where the path does not say it.

    Raises:
        HierbrushError: the file is no font that can be read, or has no such font or axis.
    """

    def __init__(self, path: str | PathLike[str], number: int = 0) -> None:
        place, chosen = _split(path)
        self.path = check_path("font", place)
        self.number = check_whole("number", chosen["number"] or number, 0, MOST_FONTS)
        self._bytes = read_whole(self.path, most=MOST_BYTES, argument="font")
        self._tables = self._opened()
        self._axes = self._placed(chosen["axes"])

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
            why = "it has pictures and no outlines" if self._is_of_pictures else str(error)
            raise HierbrushError(f"font: cannot draw {describe(char)} of {shown(self.path.name)}: {why}") from None
        ink = np.asarray(page, np.float32) / np.float32(255)
        if not (ink >= 0.5).any():
            if self._is_of_pictures:
                raise HierbrushError(f"font: {shown(self.path.name)} has pictures and no outlines; take another font")
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
            raise HierbrushError(f"font: {shown(self.path)} is one font, no collection with a number {self.number}")
        log = logging.getLogger("fontTools")
        level = log.level
        log.setLevel(logging.CRITICAL + 1)  # what is wrong is told by the error, once
        try:
            # Only the tables that are asked for are unpacked.
            tables = TTFont(BytesIO(self._bytes), fontNumber=self.number, lazy=True)
            if tables.getBestCmap() is None:
                raise ValueError("it has no table of characters")
        except ImportError as error:
            raise HierbrushError(
                f"font: cannot read {shown(self.path)}: {error}; WOFF2 needs it (pip install brotli)"
            ) from None
        except Exception as error:  # fontTools raises what its parsers happen to meet
            if self.number:
                raise HierbrushError(f"font: {shown(self.path)} has no font {self.number}; the first is 0") from None
            raise HierbrushError(f"font: cannot read {shown(self.path)}: it is no font ({error})") from None
        finally:
            log.setLevel(level)
        return tables

    def _placed(self, wanted: dict[str, float]) -> list[float] | None:
        """Return the place on each axis of a variable font, None if it stands where it stands by itself.

        Raises:
            HierbrushError: the font has no such axis, or a place is beyond its ends.
        """
        if not wanted:
            return None
        axes = {axis.axisTag: axis for axis in self._tables["fvar"].axes} if "fvar" in self._tables else {}
        for tag, value in wanted.items():
            if tag not in axes:
                there = f"it has {', '.join(axes)}" if axes else "it is not variable"
                raise HierbrushError(f"font: {shown(self.path)} has no axis {shown(tag)}; {there}")
            if not axes[tag].minValue <= value <= axes[tag].maxValue:
                ends = f"{axes[tag].minValue:g} to {axes[tag].maxValue:g}"
                raise HierbrushError(f"font: {tag}={value:g} of {shown(self.path)}, expected {ends}")
        return [float(wanted.get(tag, axis.defaultValue)) for tag, axis in axes.items()]

    @property
    def _is_of_pictures(self) -> bool:
        return not any(table in self._tables for table in ("glyf", "CFF ", "CFF2")) or not self._has_outlines

    @cached_property
    def _has_outlines(self) -> bool:
        try:
            glyphs = self._tables.get("glyf", None)
            names = list(self._tables.getBestCmap().values())[:64]
            return glyphs is None or any(glyphs[name].numberOfContours for name in names)
        except Exception:  # fontTools raises what its parsers happen to meet
            return True

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
            if self._axes is not None:
                self._faces[side].set_variation_by_axes(self._axes)
        return self._faces[side]

    @cached_property
    def _faces(self) -> dict[int, Any]:
        return {}


class _Chosen(TypedDict):
    number: int
    axes: dict[str, float]


def _split(path: str | PathLike[str]) -> tuple[str | PathLike[str], _Chosen]:
    """Return a font's file, and what is said after it of which font or form is meant."""
    chosen: _Chosen = {"number": 0, "axes": {}}
    text = fspath(path) if isinstance(path, str | PathLike) else ""
    found = CHOICE.search(text) if isinstance(text, str) else None
    if found is None or Path(text).exists():
        return path, chosen
    if found["number"]:
        chosen["number"] = int(found["number"])
    else:
        for pair in found["axes"].split(","):
            tag, _, value = pair.partition("=")
            chosen["axes"][tag] = _float(value, text)
    return text[: found.start()], chosen


def _float(value: str, text: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise HierbrushError(f"font: {shown(text)}, expected numbers such as #wght=700") from None


@lru_cache(maxsize=8)
def _font(path: str, number: int, modified: int) -> Font:
    return Font(path, number)


def open_font(path: str | PathLike[str], number: int = 0) -> Font:
    """Return a font; the latest eight are kept until their files change.

    Raises:
        HierbrushError: as of `Font`.
    """
    check_path("font", path)
    try:
        modified = Path(_split(path)[0]).stat().st_mtime_ns
    except (OSError, ValueError):
        modified = 0
    return _font(fspath(path), number, modified)
