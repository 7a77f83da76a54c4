"""The order of writing that public references give, a class for every stroke, and how an order agrees with it.

References tell orders as the five classes of GF 0023-2020: 1 横, 2 竖, 3 撇, 4 点, 5 折. 提 counts as 横 and 捺 as 点.
``orders.json`` says where the PRC's or Taiwan's order is the glyph's, and what it is elsewhere;
`hierbrush_build.characters` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from hierbrush.characters.library import CharacterLibrary, load_library
from hierbrush.characters.regions import REGIONS
from hierbrush.errors import HierbrushError
from hierbrush.strokes.types import ABBREVIATIONS

FILE = Path(__file__).resolve().parent / "data" / "orders.json"

_STRAIGHT = {"H": "1", "T": "1", "S": "2", "SG": "2", "P": "3", "SP": "3", "D": "4", "N": "4", "TN": "4"}
_CLASSES = {kind: _STRAIGHT.get(kind, "5") for kind in ABBREVIATIONS}
# Where a region counts a stroke elsewhere: Taiwan 竖钩 as one that turns and the 提 of 氵 as 点; Japan's 竖钩 may be
# either, and its dots lean as they are drawn.
_ELSEWHERE: dict[str, dict[str, str]] = {
    "prc": {},
    "tw": {"SG": "5", "T": "14"},
    "jp": {"SG": "25", "T": "14", "D": "234"},
}


def order_classes(stroke_types: Iterable[str]) -> str:
    """Return a digit for every stroke, such as ``"45534"`` for 永, as the PRC classes them.

    Args:
        stroke_types: abbreviations of stroke types in the order of writing.
    """
    return "".join(_CLASSES[kind] for kind in stroke_types)


def in_order(stroke_types: Sequence[str], order: str, region: str) -> bool:
    """Return whether strokes are written in an order that a region's reference gives.

    Args:
        stroke_types: abbreviations of stroke types in the order of writing.
        order: a digit for every stroke.
        region: ``"prc"``, ``"tw"`` or ``"jp"``; regions class some strokes differently.
    """
    elsewhere = _ELSEWHERE[region]
    return len(stroke_types) == len(order) and all(
        digit in elsewhere.get(kind, _CLASSES[kind]) for kind, digit in zip(stroke_types, order, strict=True)
    )


class OrderReference:
    """The orders that references give for characters of the library.

    Args:
        path: the file.
        library: the characters that the file is about; those that ship with hierbrush unless given.

    Raises:
        HierbrushError: the file is missing or broken.
    """

    def __init__(self, path: Path = FILE, library: CharacterLibrary | None = None) -> None:
        self._library = library or load_library()
        try:
            document = json.loads(path.read_bytes())
            self._same = {region: frozenset(document[region]["as_glyph"]) for region in REGIONS}
            self._other: dict[str, dict[str, str]] = {region: dict(document[region]["other"]) for region in REGIONS}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HierbrushError(f"{path}: holds no orders of writing ({error!r}); reinstall hierbrush") from None

    def order(self, char: str, region: str) -> str | None:
        """Return the order that a region's references give for ``char``, or None if they do not have it.

        Where that is the glyph's, it comes in the PRC's classes.
        """
        if char in self._same[region]:
            return order_classes(self._library.stroke_types(char))
        return self._other[region].get(char)

    def agrees(self, char: str, stroke_types: Sequence[str], region: str) -> bool | None:
        """Return whether strokes are written in the order of a region's references.

        Returns:
            None where there is nothing to compare: the references do not have the character, or they have another
            written form of it, with another number of strokes.
        """
        order = self.order(char, region)
        if order is None or len(order) != len(stroke_types):
            return None
        # The glyph's own order stands in the PRC's classes, whatever the region.
        return in_order(stroke_types, order, "prc" if char in self._same[region] else region)


@lru_cache(maxsize=1)
def load_order_reference() -> OrderReference:
    """Return the reference that ships with hierbrush, read once a process.

    Raises:
        HierbrushError: the data file is missing or broken.
    """
    return OrderReference()


@dataclass(frozen=True)
class OrderShare:
    """How many of some characters are written in a right order.

    Attributes:
        judged: characters for which references give an order with as many strokes.
        right: those of them that are written in it.
    """

    judged: int
    right: int

    @property
    def share(self) -> float:
        """Right of judged; 1 where nothing can be judged."""
        return self.right / self.judged if self.judged else 1.0


def order_shares(written: Iterable[tuple[str, Sequence[str]]]) -> dict[str, OrderShare]:
    """Return for each region, and for ``"either"``, how many characters are written in the order of its references.

    Args:
        written: characters with their stroke types in the order of writing.
    """
    reference = load_order_reference()
    verdicts = [[reference.agrees(char, types, region) for region in REGIONS] for char, types in written]
    columns = {region: [row[at] for row in verdicts] for at, region in enumerate(REGIONS)}
    columns["either"] = [True if True in row else (False if False in row else None) for row in verdicts]
    return {
        name: OrderShare(sum(verdict is not None for verdict in column), sum(verdict is True for verdict in column))
        for name, column in columns.items()
    }


def order_line(shares: dict[str, OrderShare]) -> str:
    """Return `order_shares` as one line for people."""
    names = {**REGIONS, "either": "either of them"}
    told = ", ".join(f"{names[name]} {share.share:.3f} of {share.judged:,}" for name, share in shares.items())
    return f"order by references, of characters whose number of strokes they give: {told}"
