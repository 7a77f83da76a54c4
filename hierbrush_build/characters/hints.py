"""What cjk-semantic-split says about the top cut of a character."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hierbrush_build.characters.sources import Sources

# Its names for forms that the library holds under another code point.
ALIASES: Mapping[str, str] = {"𥫗": "⺮", "𧾷": "足", "訁": "讠", "𦍌": "羊", "𭕄": "⺍"}


@dataclass(frozen=True)
class Hint:
    """One opinion.

    Attributes:
        counts: strokes of the first and the second side.
        parts: names of the parts.
        sure: whether the number of strokes of every part is known, not inferred from the others'.
    """

    counts: tuple[int, int]
    parts: frozenset[str]
    sure: bool


def hints_of(char: str, sources: Sources, strokes_of: Mapping[str, int]) -> list[Hint]:
    """Return the opinions on a character whose parts' stroke counts add up; ``strokes_of`` components of that name."""
    found = []
    for split in sources.parts.get(char, ()):
        parts = [ALIASES.get(part, part) for part, _ in split]
        positions = [position for _, position in split]
        counts = [strokes_of.get(part) for part in parts]
        total = len(sources.paths[char])
        for cut in _ends_of_first_side(positions):
            first, second = _sum(counts[:cut]), _sum(counts[cut:])
            sure = first is not None and second is not None
            if first is None and second is not None:
                first = total - second
            if second is None and first is not None:
                second = total - first
            if first and second and first > 0 and second > 0 and first + second == total:
                found.append(Hint((first, second), frozenset(parts), sure))
    return found


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _ends_of_first_side(positions: Sequence[int]) -> list[int]:
    """Return after how many parts the first side may end; nested parts are flattened upstream."""
    first = positions[0]
    if first == 50:
        column = 1
        while column < len(positions) and positions[column] in ((50, 70) if 70 in positions[:3] else (50, 60)):
            column += 1
        return [column] if column < len(positions) else []
    if first in (10, 30):
        run = 1
        while run < len(positions) - 1 and positions[run] == first:
            run += 1
        return list(range(1, run + 1))
    return [1]
