"""Characters to write for a style: few that show much, most components and stroke types, simple ones first."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from hierbrush.arguments import check_whole
from hierbrush.characters import load_library, split
from hierbrush.errors import HierbrushError

_AGAIN = 0.45
"""What a component is worth each further time that it is shown."""

_TYPES = 0.6
_CROWDED = 12.0
"""Strokes at which a character costs some three times what a simple one does."""


def chosen(count: int, among: Iterable[str] | None = None) -> list[str]:
    """Return ``count`` characters that together show most of what characters are made of.

    Each time the character is taken that adds most: a component or stroke type is worth the root of how often it
    occurs, and less each time that it is shown again (lazy greedy maximisation of a submodular sum, Minoux 1978).

    Args:
        count: how many.
        among: to choose from; training characters of GB 2312's first level unless given.

    Raises:
        HierbrushError: there are fewer.
    """
    candidates = _usual() if among is None else tuple(dict.fromkeys(among))
    count = check_whole("characters", count, 1)
    if count > len(candidates):
        raise HierbrushError(f"characters: {count}, expected at most {len(candidates)}, as many as there are")
    traits = {char: _traits(char) for char in candidates}
    often = Counter(trait for held in traits.values() for trait in held)
    shown: Counter[str] = Counter()

    def gain(char: str) -> float:
        worth = sum(often[trait] ** 0.5 * _AGAIN ** shown[trait] * (_TYPES if trait[0] == "*" else 1.0)
                    for trait in traits[char])  # fmt: skip
        return float(worth / (1 + len(load_library().stroke_types(char)) / _CROWDED) ** 1.5)

    heap = [(-gain(char), at, char) for at, char in enumerate(candidates)]
    heapq.heapify(heap)
    found: list[str] = []
    while len(found) < count:
        _, at, char = heapq.heappop(heap)
        now = gain(char)
        if heap and now < -heap[0][0]:
            heapq.heappush(heap, (-now, at, char))
            continue
        found.append(char)
        shown.update(traits[char])
    return found


@lru_cache(maxsize=1)
def _usual() -> tuple[str, ...]:
    return tuple(char for char in load_library() if split(char) == "train" and is_common(char, ("gb2312",)))


_LEVELS = {"gb2312": 0xD8, "big5": 0xC7}
"""Codes whose first bytes below this are those of common characters."""


def is_common(char: str, codes: Iterable[str] = tuple(_LEVELS)) -> bool:
    """Whether a character is on the first level of GB 2312 or Big5."""
    for code in codes:
        try:
            held = char.encode(code)
        except UnicodeError:
            continue
        if len(held) == 2 and held[0] < _LEVELS[code]:
            return True
    return False


def _traits(char: str) -> frozenset[str]:
    """Return a character's leaf components, and its stroke types with a star."""
    library = load_library()
    leaves = {leaf.name for leaf in library.decomposition(char).leaves()}
    return frozenset(leaves | {f"*{kind}" for kind in library.stroke_types(char)})
