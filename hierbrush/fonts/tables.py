"""The tables of a TrueType font, by fontTools."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hierbrush.errors import HierbrushError, shown
from hierbrush.fonts.curves import Contour
from hierbrush.fonts.glyph import ASCENT, UNITS

ARPHIC = "Derived from AR PL KaitiM, (c) 1994-1999 Arphic Technology Co., Ltd., under the Arphic Public License"
ARPHIC_URL = "https://ftp.gnu.org/non-gnu/chinese-fonts-truetype/LICENSE"

_DESCENT = UNITS - ASCENT
_SPACE = UNITS // 2
_NARROW = 560  # what ASCII digits, which are drawn in the middle of their box, take of a line
_EPOCH = 3786912000  # seconds from 1904 to 2024: a fixed date, so that the same font has the same bytes


@dataclass(frozen=True)
class FontNames:
    """What a font says of itself.

    ``family`` names it in menus; ``licence`` and ``licence_url`` say what may be done with it. Unless told otherwise
    that is the licence of the glyphs that the hand was learned from, which what is made of them stays under.
    """

    family: str = "Hierbrush"
    version: str = "1.000"
    licence: str = ARPHIC
    licence_url: str = ARPHIC_URL

    def __post_init__(self) -> None:
        name = self.family
        if not isinstance(name, str) or not name.strip() or len(name) > 60 or not name.isprintable():
            raise HierbrushError(f"family: {shown(name)}, expected a name of 1 to 60 printable characters")

    @property
    def postscript(self) -> str:
        """The name without what PostScript does not allow."""
        kept = "".join(c for c in self.family if c.isascii() and (c.isalnum() or c == "-"))
        return f"{kept or 'Hierbrush'}-Regular"


def font_bytes(glyphs: Mapping[str, Sequence[Contour]], names: FontNames) -> bytes:
    """Return a TrueType font.

    Args:
        glyphs: contours by character; a name such as ``"（.vert"`` is the form that stands in columns.
        names: what the font says of itself.
    """
    from fontTools.fontBuilder import FontBuilder

    by_name = {".notdef": _box(), "space": _glyph(()), "uni3000": _glyph(())}
    by_name |= {_name(char): _glyph(_placed(char, contours)) for char, contours in glyphs.items()}
    advances = dict.fromkeys(by_name, UNITS) | {"space": _SPACE} | {_name(c): _NARROW for c in glyphs if c.isascii()}

    builder = FontBuilder(UNITS, isTTF=True)
    builder.setupGlyphOrder(list(by_name))
    builder.setupCharacterMap({0x20: "space", 0x3000: "uni3000"} | {ord(c): _name(c) for c in glyphs if len(c) == 1})
    builder.setupGlyf(by_name)
    table = builder.font["glyf"]
    for glyph in by_name.values():
        glyph.recalcBounds(table)
    builder.setupHorizontalMetrics({name: (advance, by_name[name].xMin) for name, advance in advances.items()})
    builder.setupVerticalMetrics({name: (UNITS, ASCENT - by_name[name].yMax) for name in by_name})
    builder.setupHorizontalHeader(ascent=ASCENT, descent=-_DESCENT)
    builder.setupVerticalHeader(ascent=UNITS // 2, descent=-UNITS // 2, advanceHeightMax=UNITS)
    builder.setupNameTable(_names(names))
    builder.setupOS2(
        sTypoAscender=ASCENT, sTypoDescender=-_DESCENT, sTypoLineGap=0, usWinAscent=ASCENT, usWinDescent=_DESCENT,
        fsType=0, achVendID="HBRU", usWeightClass=400, sxHeight=UNITS // 2, sCapHeight=ASCENT,
        ulCodePageRange1=1 << 18 | 1 << 20, ulUnicodeRange2=1 << 27 | 1 << 16,
    )  # fmt: skip
    builder.setupPost(keepGlyphNames=False)
    builder.updateHead(created=_EPOCH, modified=_EPOCH)
    _in_columns(builder.font, glyphs)
    builder.font.recalcTimestamp = False
    stream = io.BytesIO()
    builder.save(stream)
    return stream.getvalue()


def _name(char: str) -> str:
    """Return a glyph's name: ``uni`` and the code point, by which tools find the character again."""
    code = ord(char[0])
    return (f"uni{code:04X}" if code < 0x10000 else f"u{code:X}") + char[1:]


def _glyph(contours: Sequence[Contour]) -> Any:
    from fontTools.ttLib.tables._g_l_y_f import Glyph, GlyphCoordinates
    from fontTools.ttLib.tables.ttProgram import Program

    glyph = Glyph()
    glyph.numberOfContours = len(contours)
    if not contours:
        return glyph
    points = [tuple(map(int, point)) for contour in contours for point in contour.points]
    glyph.coordinates = GlyphCoordinates(points)
    glyph.flags = bytearray(bool(on) for contour in contours for on in contour.on)
    ends, last = [], -1
    for contour in contours:
        last += len(contour.points)
        ends.append(last)
    glyph.endPtsOfContours = ends
    glyph.program = Program()
    glyph.program.fromBytecode(b"")
    return glyph


def _placed(char: str, contours: Sequence[Contour]) -> Sequence[Contour]:
    if not char.isascii():
        return contours
    aside = np.array([(UNITS - _NARROW) // 2, 0])
    return [Contour(points - aside, on) for points, on in contours]


def _box() -> Any:
    """Return the empty box that stands for what the font does not have."""

    def square(low: int, high: int) -> Any:
        return np.array([[low, low], [low, high], [high, high], [high, low]]) - [0, _DESCENT]

    on = np.ones(4, dtype=bool)
    return _glyph([Contour(square(60, 940), on), Contour(square(100, 900)[::-1], on)])


def _names(names: FontNames) -> dict[str, Any]:
    return {
        "familyName": names.family,
        "styleName": "Regular",
        "uniqueFontIdentifier": f"{names.version};{names.postscript}",
        "fullName": f"{names.family} Regular",
        "psName": names.postscript,
        "version": f"Version {names.version}",
        "description": "Written with a simulated brush by hierbrush.",
        "licenseDescription": names.licence,
        "licenseInfoURL": names.licence_url,
        "sampleText": "永和九年",
    }


def _in_columns(font: Any, glyphs: Mapping[str, Any]) -> None:
    """Add the feature by which vertical text takes the forms of marks that stand in columns."""
    from fontTools.feaLib.builder import addOpenTypeFeaturesFromString

    turned = [(_name(name[0]), _name(name)) for name in glyphs if name.endswith(".vert")]
    if turned:
        lines = " ".join(f"sub {flat} by {upright};" for flat, upright in turned)
        addOpenTypeFeaturesFromString(font, f"feature vert {{ {lines} }} vert; feature vrt2 {{ {lines} }} vrt2;")
