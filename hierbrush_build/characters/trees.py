"""Trees out of top cuts: components are expanded by their own cuts, sides without a name by what they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters.data_file import ANONYMOUS, Part
from hierbrush.strokes.types import ABBREVIATIONS
from hierbrush_build.characters.cuts import KNOWN, SINGLE, GlyphCut
from hierbrush_build.characters.matching import POINTS, GlyphStrokes, Side

Key = tuple[str, str]
"""A component's name and its place, such as ``("木", "⿰0")``; empty where they do not matter."""


def same_shapes(strokes: GlyphStrokes, sides: Sequence[tuple[Side, Key]]) -> list[tuple[Key, list[Side]]]:
    """Group sides that have one key, like stroke types and near shapes, the largest group first."""
    leaders: dict[tuple[Key, tuple[int, ...]], list[tuple[NDArray[np.float32], list[Side]]]] = {}
    for side, key in sides:
        exemplar = strokes.exemplar("", side)
        groups = leaders.setdefault((key, tuple((exemplar.types // 64).tolist())), [])
        for leader, members in groups:
            if np.sqrt(((leader - exemplar.shape) ** 2).sum() / (len(side[1]) * POINTS)) <= KNOWN:
                members.append(side)
                break
        else:
            groups.append((exemplar.shape, [side]))
    found = [(key, members) for (key, _), groups in leaders.items() for _, members in groups]
    return sorted(found, key=lambda group: (-len(group[1]), group[1]))


def build_trees(
    strokes: GlyphStrokes, cuts: Mapping[str, GlyphCut], insides: Mapping[Side, GlyphCut]
) -> tuple[dict[str, Part], dict[int, int]]:
    """Expand top cuts to trees.

    Args:
        strokes: of all characters.
        cuts: top cut of every character that has one.
        insides: cuts of sides without a name; their strokes are places in the side.

    Returns:
        A tree for every character, and how many characters have each anonymous component.
    """
    nameless = [
        ((char, side), ("", ""))
        for char, cut in cuts.items()
        for side, name in zip(cut.strokes, cut.names, strict=True)
        if name is None and not (len(side) == 1 and _kind(strokes, (char, side)) in SINGLE)
    ]
    groups = same_shapes(strokes, nameless)
    numbers = {side: number for number, (_, members) in enumerate(groups, 1) for side in members}
    inside = {number: _common([insides.get(side) for side in members]) for number, (_, members) in enumerate(groups, 1)}

    def tree(name: str | None, side: Side, own: Sequence[int], depth: int) -> Part:
        """The tree of ``side``, known as ``name``, where its strokes are ``own`` in the character of the whole tree."""
        if name is not None:
            code, cut = ord(name), cuts.get(name)
            char, whole = name, tuple(range(len(own)))
            if depth > 12 or not _written_alike(strokes, name, side):
                cut = None
        elif side in numbers:
            code, cut = ANONYMOUS + numbers[side], inside[numbers[side]]
            char, whole = side
        else:
            return Part(ord(SINGLE[_kind(strokes, side)]), strokes=tuple(own))
        if cut is None:
            return Part(code, strokes=tuple(own))
        children = [
            tree(part, (char, tuple(whole[place] for place in places)), [own[place] for place in places], depth + 1)
            for places, part in zip(cut.strokes, cut.names, strict=True)
        ]
        return Part(code, cut.operator, children=tuple(children))

    trees = {}
    for char in strokes.chars:
        whole = tuple(range(len(strokes.points[char])))
        trees[char] = tree(char, (char, whole), whole, 0)
    return trees, {number: len(members) for number, (_, members) in enumerate(groups, 1)}


def _common(cuts: Sequence[GlyphCut | None]) -> GlyphCut | None:
    """Return what most members of a group are made of, so that all are taken apart alike or none is."""
    ways: dict[object, list[GlyphCut]] = {}
    for cut in cuts:
        if cut is not None:
            ways.setdefault((cut.operator, cut.strokes, cut.names), []).append(cut)
    best = max(ways.values(), key=len, default=[])
    return best[0] if 2 * len(best) > len(cuts) else None


def _written_alike(strokes: GlyphStrokes, name: str, side: Side) -> bool:
    """Whether a side has its component's strokes in its order, so that the component's own cut applies."""
    if name not in strokes.types or len(strokes.types[name]) != len(side[1]):
        return False
    mine, theirs = strokes.types[side[0]][list(side[1])] // 64, strokes.types[name] // 64
    return bool(4 * (mine != theirs).sum() <= len(mine))


def _kind(strokes: GlyphStrokes, side: Side) -> str:
    return ABBREVIATIONS[int(strokes.types[side[0]][side[1][0]]) % 64]
