"""Composers that learned nothing, which a learned one is measured against.

``fixed splits`` divides the box by the operator alone and scales each component's shape into its share;
``nearest character`` divides it as the training character or component does whose structure and parts are nearest. Both
write in the order of training characters: component after component, an enclosing one split as it mostly is.
``component means`` takes place, shape and order from the component library: what a learned composer starts from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import CharacterLibrary, Component, load_library, split
from hierbrush.composer.brief import Brief
from hierbrush.composer.compose import Composition
from hierbrush.composer.exemplars import Exemplars, exemplars
from hierbrush.composer.place import PLACE_SIZE, measured_place

F32 = NDArray[np.float32]
Edges = NDArray[np.float64]
"""Left, top, right, bottom in the unit box."""

_MARGIN = 0.08
# Where the parts of each operator lie in the box of the whole.
_SPLITS: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "⿰": ((0, 0, 0.48, 1), (0.52, 0, 1, 1)),
    "⿱": ((0, 0, 1, 0.48), (0, 0.52, 1, 1)),
    "⿲": ((0, 0, 0.31, 1), (0.345, 0, 0.655, 1), (0.69, 0, 1, 1)),
    "⿳": ((0, 0, 1, 0.31), (0, 0.345, 1, 0.655), (0, 0.69, 1, 1)),
    "⿴": ((0, 0, 1, 1), (0.2, 0.2, 0.8, 0.8)),
    "⿵": ((0, 0, 1, 1), (0.2, 0.3, 0.8, 0.95)),
    "⿶": ((0, 0, 1, 1), (0.2, 0.05, 0.8, 0.7)),
    "⿷": ((0, 0, 1, 1), (0.25, 0.2, 0.95, 0.8)),
    "⿸": ((0, 0, 1, 1), (0.3, 0.3, 1, 1)),
    "⿹": ((0, 0, 1, 1), (0, 0.3, 0.7, 1)),
    "⿺": ((0, 0, 1, 1), (0.3, 0, 1, 0.7)),
    "⿻": ((0, 0, 1, 1), (0, 0, 1, 1)),
}


def fixed_splits(briefs: Sequence[Brief]) -> list[Composition]:
    """Compose with a fixed division for each operator."""
    return [_divided(brief, _fixed) for brief in briefs]


def nearest_character(briefs: Sequence[Brief]) -> list[Composition]:
    """Compose with the divisions of the nearest training characters; the first call reads them all, some 5 s."""
    divisions = _divisions()
    return [_divided(brief, divisions.nearest) for brief in briefs]


def component_means(briefs: Sequence[Brief]) -> list[Composition]:
    """Compose with what the component library expects of every stroke."""
    return [Composition(brief, brief.library_order, brief.prior) for brief in briefs]


CONTROLS: dict[str, Callable[[Sequence[Brief]], list[Composition]]] = {
    "fixed splits": fixed_splits,
    "nearest character": nearest_character,
    "component means": component_means,
}


def writing_order(node: Component, known: Exemplars) -> list[int]:
    """Return the numbers of a tree's strokes in the order in which training characters write such a tree."""
    if node.is_leaf:
        return list(node.strokes)
    parts = [writing_order(child, known) for child in node.children]
    if len(parts) > 2:
        return [stroke for part in parts for stroke in part]
    outside, inside = parts
    before = len(outside) - known.closing(node.operator, node.children[0])
    return [*outside[:before], *inside, *outside[before:]]


class _Division(NamedTuple):
    names: tuple[str, ...]
    counts: tuple[int, ...]
    edges: Sequence[tuple[float, float, float, float]]


class _Divisions:
    """How training characters and their components divide their boxes."""

    def __init__(self, library: CharacterLibrary) -> None:
        found: defaultdict[tuple[str, int], list[_Division]] = defaultdict(list)
        for char in library.characters:
            if split(char) == "train":
                glyph = library[char]
                edges = np.array([[*stroke.outline.min(0), *stroke.outline.max(0)] for stroke in glyph.strokes])
                self._read(glyph.decomposition, edges, found)
        self._found = dict(found)
        self._names = {key: np.array([entry.names for entry in entries]) for key, entries in found.items()}
        self._counts = {key: np.array([entry.counts for entry in entries]) for key, entries in found.items()}

    def _read(self, node: Component, edges: Edges, found: defaultdict[tuple[str, int], list[_Division]]) -> None:
        if node.is_leaf:
            return
        whole = _hull(edges, node.strokes)
        parts = tuple(_relative(_hull(edges, child.strokes), whole) for child in node.children)
        entry = _Division(
            tuple(child.name for child in node.children), tuple(len(child.strokes) for child in node.children), parts
        )
        found[node.operator, len(parts)].append(entry)
        for child in node.children:
            self._read(child, edges, found)

    def nearest(self, node: Component) -> Sequence[tuple[float, float, float, float]]:
        """Return the division of the nearest node: most parts in common, then the nearest stroke counts."""
        key = node.operator, len(node.children)
        if key not in self._found:
            return _fixed(node)
        differing = (self._names[key] != [child.name for child in node.children]).sum(1)
        apart = np.abs(self._counts[key] - [len(child.strokes) for child in node.children]).sum(1)
        return self._found[key][int(np.lexsort((apart, differing))[0])].edges


@lru_cache(maxsize=1)
def _divisions() -> _Divisions:
    return _Divisions(load_library())


def _fixed(node: Component) -> Sequence[tuple[float, float, float, float]]:
    return _SPLITS[node.operator]


def _divided(brief: Brief, divide: Callable[[Component], Sequence[tuple[float, float, float, float]]]) -> Composition:
    places = np.zeros((len(brief), PLACE_SIZE), np.float32)

    def put(node: Component, operator: str, slot: int, edges: Edges) -> None:
        origin, size = np.tile(edges[:2], 2), np.tile(edges[2:] - edges[:2], 2)
        for at, (child, share) in enumerate(zip(node.children, divide(node) if node.children else (), strict=True)):
            put(child, node.operator, at, origin + np.array(share) * size)
        if node.is_leaf:
            kinds = [brief.stroke_types[row] for row in node.strokes]
            places[list(node.strokes)] = _leaf_places(kinds, _drawn(node.name, operator, slot), edges)

    put(brief.tree, "", 0, np.array([_MARGIN, _MARGIN, 1 - _MARGIN, 1 - _MARGIN]))
    return Composition(brief, np.array(writing_order(brief.tree, exemplars()), np.int64), places)


@cache
def _drawn(name: str, operator: str, slot: int) -> tuple[tuple[str, ...], F32] | None:
    """Return the stroke types of a component and their boxes and coefficients f32 [n, PLACE_SIZE], or None."""
    strokes = exemplars().drawn(name, operator, slot)
    if strokes is None:
        return None
    places = np.array([measured_place(stroke.goal()) for stroke in strokes], np.float32)
    return tuple(stroke.stroke_type for stroke in strokes), places


def _leaf_places(kinds: Sequence[str], drawn: tuple[tuple[str, ...], F32] | None, edges: Edges) -> F32:
    """Return a component's strokes as a training character draws them, scaled into ``edges``: f32 [n, PLACE_SIZE]."""
    places = np.zeros((len(kinds), PLACE_SIZE), np.float32)
    if drawn is None or len(drawn[0]) != len(kinds):
        # Nothing is known of how the strokes lie to each other: each has a slice of the box.
        tops = np.linspace(edges[1], edges[3], len(kinds) + 1)
        width, height = edges[2] - edges[0], tops[1] - tops[0]
        places[:, :4] = [(edges[0] + width / 2, top + height / 2, width, 0.9 * height) for top in tops[:-1]]
        return places
    types, shapes = drawn
    left = list(range(len(types)))
    chosen = []
    for kind in kinds:
        # A type that the training character does not have takes the place of the first one left over.
        chosen.append(min(left, key=lambda at: types[at] != kind))
        left.remove(chosen[-1])
    shapes = shapes[chosen]
    corners = np.concatenate([shapes[:, :2] - shapes[:, 2:4] / 2, shapes[:, :2] + shapes[:, 2:4] / 2], axis=1)
    own = _hull(corners, range(len(kinds)))
    size, wanted = own[2:] - own[:2], edges[2:] - edges[:2]
    # A lone horizontal stroke does not become a bar because its share of the box is a square.
    scale = np.where(size < 0.2 * size.max(), np.minimum(wanted / size, wanted.max() / size.max()), wanted / size)
    places[:, :2] = (edges[:2] + edges[2:]) / 2 + scale * (shapes[:, :2] - (own[:2] + own[2:]) / 2)
    places[:, 2:4] = np.maximum(scale * shapes[:, 2:4], 0.01)
    same = [types[at] == kind for at, kind in zip(chosen, kinds, strict=True)]
    places[same, 4:] = shapes[same, 4:]
    return places


def _hull(edges: Edges, strokes: Sequence[int]) -> Edges:
    chosen = edges[list(strokes)]
    return np.concatenate([chosen[:, :2].min(0), chosen[:, 2:].max(0)])


def _relative(part: Edges, whole: Edges) -> tuple[float, float, float, float]:
    size = np.maximum(whole[2:] - whole[:2], 1e-6)
    left, top, right, bottom = ((part.reshape(2, 2) - whole[:2]) / size).ravel().tolist()
    return left, top, right, bottom
