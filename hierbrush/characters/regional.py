"""A glyph's strokes in the order of another region: Taiwan's, where its reference and the glyph leave no doubt.

References tell a class for every stroke and not which of two like strokes comes first. Where Taiwan's order is another
one than the glyph's, it is parted into the shortest blocks in which the same classes change places. A block counts if
it is a known one, each looked at: two strokes of unlike classes that change places, in the component that does so, or
the 出 whose middle 竖 comes first. What has any other block, another number of strokes or other classes is another
written form, or cannot be told.
"""

from __future__ import annotations

from collections.abc import Sequence

from hierbrush.characters.library import CharacterLibrary, load_library
from hierbrush.characters.orders import load_order_reference, order_classes
from hierbrush.characters.text import UnknownCharacterError, describe

# Pairs that change places, by their types, and what the strokes before them have to be: 忄, 戈 and 必; then 馬 長 角,
# 里 重 再, 母 舟, 乃 秀, 皮, 万, 婆, 升 昇, where the pair alone is enough.
_SWAPS: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("D", "S"): (("D",),),
    ("P", "D"): (("XG",), ("BXG", "D")),
    **dict.fromkeys(
        [
            ("H", "S"), ("S", "H"), ("H", "D"), ("HZZZG", "P"), ("HG", "SP"), ("HP", "SP"), ("HZG", "P"), ("HG", "P"),
            ("H", "SP"), ("H", "P"),
        ],
        ((),),
    ),
}  # fmt: skip
_OUT = ("SZ", "S", "S", "SZ", "S")
_OUT_ORDER = (2, 0, 1, 3, 4)


def order_in(char: str, order: str, library: CharacterLibrary | None = None) -> tuple[int, ...]:
    """Return the numbers of a glyph's strokes in the order of writing of a region.

    Args:
        char: a character of the library.
        order: one of `hierbrush.characters.regions.ORDERS`; ``"prc"`` is the glyph's own.
        library: the characters; those that ship with hierbrush unless given.

    Raises:
        UnknownCharacterError: there is no glyph, or it is not surely known how the region writes it; the message says
            why.
    """
    types = (library or load_library()).stroke_types(char)
    if order == "prc":
        return tuple(range(len(types)))
    reference = load_order_reference()
    wanted = reference.order(char, order)
    if wanted is None:
        raise UnknownCharacterError(f"char: {describe(char)} is in no reference of Taiwan's order; use order='prc'")
    if len(wanted) != len(types):
        raise UnknownCharacterError(
            f"char: {describe(char)} has {len(wanted)} strokes in Taiwan and {len(types)} in this glyph, which is "
            "another written form; use order='prc'"
        )
    if reference.agrees(char, types, order):
        return tuple(range(len(types)))
    found = _permuted(types, wanted)
    if found is None:
        raise UnknownCharacterError(
            f"char: {describe(char)} has other strokes in Taiwan than this glyph, or nobody tells which of its like "
            "strokes comes first there; use order='prc'"
        )
    return found


def _permuted(types: Sequence[str], wanted: str) -> tuple[int, ...] | None:
    order: list[int] = []
    while len(order) < len(types):
        start = len(order)
        if _may_be(types[start], wanted[start]):
            order.append(start)
            continue
        block = _block(types, wanted, start)
        if block is None:
            return None
        order += [start + at for at in block]
    return tuple(order)


def _block(types: Sequence[str], wanted: str, start: int) -> tuple[int, ...] | None:
    """Return the order of the strokes of the block that begins here, from 0; None if it is not known."""
    rest = tuple(types[start:])
    if rest[:5] == _OUT and wanted[start : start + 5] == "25252":
        return _OUT_ORDER
    if len(rest) < 2:
        return None
    pair, before = (rest[0], rest[1]), tuple(types[:start])
    fits = any(before[len(before) - len(needed) :] == needed for needed in _SWAPS.get(pair, ()))
    if fits and _may_be(pair[1], wanted[start]) and _may_be(pair[0], wanted[start + 1]):
        return 1, 0
    return None


def _may_be(kind: str, digit: str) -> bool:
    """Return whether Taiwan counts a type in a class: its 竖钩 turns, and 提 may be a dot."""
    return digit in {"SG": "5", "T": "14"}.get(kind, order_classes([kind]))
