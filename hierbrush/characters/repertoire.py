"""Which typeface and which levels of character sets a character was drawn for. Its code point tells; no geometry does.

The outlines come from three typefaces: AR PL KaitiM GB, which holds GB 2312, AR PL KaitiM Big5, and AR PL UKai for
characters that neither holds. Each draws the same component a little differently, and so do the two levels of both
character sets: characters of Big5's second level lie a hundredth of the box lower than those of its first. At equal
numbers of strokes the ink of characters that GB 2312 lacks is 1 to 2 % larger. Characters that no typeface holds are
components that were cut out of a larger character. They lie in their box where they lay in that character's, and so do
the forms of radicals that AR PL UKai draws.
"""

from __future__ import annotations

from typing import NamedTuple

from hierbrush.arguments import check_whole
from hierbrush.characters.text import check_single

TYPEFACES = ("KaitiM GB", "KaitiM Big5", "UKai")
"""In the order of preference: the first draws GB 2312, the second Big5."""

IN_PLACE = len(TYPEFACES)
"""Instead of a typeface's index: the character lies where it lies in larger ones that have it as a component."""

LEVELS = 3
"""Typefaces, and values of each of a `Repertoire`'s other fields."""

# Encoding, and the first byte of the second level's first character.
_SETS = (("gb2312", 0xD8), ("big5", 0xC9))

# Of the library's characters those that GB 2312, Big5 and the character map of AR PL UKai 0.2.20080216 lack.
_CUT_OUT = frozenset(
    "㐆㐌㐬㐭㐱㒸㓞㝵㠯㡭㢆㢟㣎㥯㳄㼌㿽䍃䙴䜌䧹匛厃厷厽叀叕呑啚嘼圤圼夋寽尗屚巤巸帀戜敄斦旉昬昷枼棥欮歨歰殸殹爯犾産甤畐皃皅箓"
    "罙肰臱臽菐蒦虘豙貇遀録隺雐魝"
)

# What is no character by itself but one side of others: radicals' forms (the block CJK Radicals Supplement, and others
# that Unicode counts among the ideographs). AR PL UKai draws most training characters among them in place (爫 above,
# 釒 on the left; 糹 is as narrow as there, but centred). KaitiM GB does not: its 忄 and 艹 are centred.
_FORMS = frozenset((*map(chr, range(0x2E80, 0x2F00)), *"爫癶糹罒覀訁釒飠龶龹龺"))


class Repertoire(NamedTuple):
    """What a character was drawn for.

    Attributes:
        typeface: index in `TYPEFACES`, or `IN_PLACE` for what was cut out of others and radicals' forms of UKai.
        gb_level: level of GB 2312 that holds it, 1 or 2; 0 if none does.
        big5_level: level of Big5 that holds it, 1 or 2; 0 if none does.
    """

    typeface: int = 0
    gb_level: int = 1
    big5_level: int = 1


def repertoire(char: str, typeface: int | None = None) -> Repertoire:
    """Return what a character was drawn for.

    Args:
        char: the character.
        typeface: index in `TYPEFACES`; unless given the first whose character set holds ``char``, or `IN_PLACE` for
            components that were cut out of larger characters and for such forms of radicals.

    Raises:
        HierbrushError: ``char`` is not exactly one character, or there is no such typeface.
    """
    check_single(char)
    if typeface is not None:
        typeface = check_whole("typeface", typeface, 0, IN_PLACE)
    levels = []
    for encoding, second in _SETS:
        try:
            levels.append(1 + (char.encode(encoding)[0] >= second))
        except UnicodeEncodeError:
            levels.append(0)
    if typeface is None:
        typeface = next((at for at, level in enumerate(levels) if level), len(levels))
        if typeface == len(levels) and (char in _CUT_OUT or char in _FORMS):
            typeface = IN_PLACE
    return Repertoire(typeface, *levels)
