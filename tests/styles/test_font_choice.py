"""Fonts in collections, variable fonts, and fonts without outlines."""

from __future__ import annotations

from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont
from fontTools.ttLib.tables.TupleVariation import TupleVariation

from hierbrush import write_character
from hierbrush.errors import HierbrushError
from hierbrush.styles.fonts import Font
from hierbrush.styles.suffixes import is_font


def bar(height: int) -> object:
    """Return a glyph: a bar across the em."""
    pen = TTGlyphPen(None)
    pen.moveTo((80, 400))
    for point in ((80, 400 + height), (920, 400 + height), (920, 400)):
        pen.lineTo(point)
    pen.closePath()
    return pen.glyph()


def built(height: int, *, variable: bool = False, blank: bool = False) -> TTFont:
    """Return a font of one character, 一."""
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "uni4E00"])
    builder.setupCharacterMap({0x4E00: "uni4E00"})
    empty = TTGlyphPen(None).glyph()
    builder.setupGlyf({".notdef": empty if blank else bar(10), "uni4E00": empty if blank else bar(height)})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "uni4E00": (1000, 0 if blank else 80)})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupOS2(sTypoAscender=880, sTypoDescender=-120)
    builder.setupNameTable({"familyName": "Bar", "styleName": "Regular"})
    builder.setupPost()
    if variable:
        builder.setupFvar([("wght", 400, 400, 900, "Weight")], [])
        wider = [(0, 0), (0, 60), (0, 60), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0)]
        builder.setupGvar({"uni4E00": [TupleVariation({"wght": (0, 1, 1)}, wider)]})
    return builder.font


def test_a_font_of_a_collection_is_chosen_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "both.ttc"
    both = TTCollection()
    both.fonts = [built(60), built(100)]
    both.save(path)
    thin, bold = (Font(f"{path}{which}").ink("一").sum() for which in ("", "#1"))
    assert bold > 1.4 * thin
    assert is_font(f"{path}#1")
    assert write_character("一", goal=f"{path}#1").goal == "font"
    with pytest.raises(HierbrushError, match=r"both.ttc' has no font 2; the first is 0"):
        Font(f"{path}#2")


def test_a_variable_font_stands_where_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "bar.ttf"
    built(60, variable=True).save(path)
    usual, bold = (Font(f"{path}{where}").ink("一").sum() for where in ("", "#wght=900"))
    assert bold > 1.7 * usual
    with pytest.raises(HierbrushError, match=r"wght=1000 of .*expected 400 to 900"):
        Font(f"{path}#wght=1000")
    with pytest.raises(HierbrushError, match="has no axis 'slnt'; it has wght"):
        Font(f"{path}#slnt=9")


def test_a_font_of_pictures_is_told(tmp_path: Path) -> None:
    built(60, blank=True).save(tmp_path / "x.ttf")
    with pytest.raises(HierbrushError, match=r"'x\.ttf' has pictures and no outlines"):
        Font(tmp_path / "x.ttf").ink("一")


def test_a_packed_font_is_read(tmp_path: Path) -> None:
    font = built(60)
    font.flavor = "woff"
    font.save(tmp_path / "x.woff")
    assert Font(tmp_path / "x.woff").ink("一").sum() > 0
