"""Composers that learned nothing, which a learned one is measured against.

``fixed splits`` divides the box by the operator alone and scales each component's shape into its share;
``nearest character`` divides it as the training character or component does whose structure and parts are nearest. Both
write in the order of training characters: component after component, an enclosing one split as it mostly is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import CharacterLibrary, Component, load_library, split
from hierbrush.composer.exemplars import Exemplars, Form, exemplars
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.shape_basis import shape_basis

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


@dataclass(frozen=True, eq=False)
class Composition:
    """What a composer decided.

    Attributes:
        order: numbers of the strokes in the order of writing.
        goals: the strokes in that order.
    """

    order: tuple[int, ...]
    goals: tuple[StrokeGoal, ...]

    @property
    def boxes(self) -> NDArray[np.float64]:
        """float64 [strokes, 4]: centre x, centre y, width, height in the unit box, in the order of writing."""
        edges = np.array([goal.box for goal in self.goals])
        return np.concatenate([(edges[:, :2] + edges[:, 2:]) / 2, edges[:, 2:] - edges[:, :2]], axis=1)


def fixed_splits(told: Sequence[Form]) -> list[Composition]:
    """Compose with a fixed division for each operator."""
    return [_compose(form, _fixed) for form in told]


def nearest_character(told: Sequence[Form]) -> list[Composition]:
    """Compose with the divisions of the nearest training characters; the first call reads them all, some 5 s."""
    divisions = _divisions()
    return [_compose(form, divisions.nearest) for form in told]


BASELINES: dict[str, Callable[[Sequence[Form]], list[Composition]]] = {
    "fixed splits": fixed_splits,
    "nearest character": nearest_character,
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


def _compose(form: Form, divide: Callable[[Component], Sequence[tuple[float, float, float, float]]]) -> Composition:
    known = exemplars()
    goals: dict[int, StrokeGoal] = {}

    def place(node: Component, operator: str, slot: int, edges: Edges) -> None:
        for at, (child, share) in enumerate(zip(node.children, divide(node) if node.children else (), strict=True)):
            origin, size = np.tile(edges[:2], 2), np.tile(edges[2:] - edges[:2], 2)
            place(child, node.operator, at, origin + np.array(share) * size)
        if node.is_leaf:
            kinds = [form.stroke_types[stroke] for stroke in node.strokes]
            goals.update(zip(node.strokes, _leaf_goals(node.name, operator, slot, kinds, edges, known), strict=True))

    place(form.tree, "", 0, np.array([_MARGIN, _MARGIN, 1 - _MARGIN, 1 - _MARGIN]))
    order = tuple(writing_order(form.tree, known))
    return Composition(order, tuple(goals[stroke] for stroke in order))


def _leaf_goals(
    name: str, operator: str, slot: int, kinds: list[str], edges: Edges, known: Exemplars
) -> list[StrokeGoal]:
    """Return a component's strokes as a training character draws them, scaled into ``edges``."""
    drawn = known.drawn(name, operator, slot)
    if drawn is None or len(drawn) != len(kinds):
        # Nothing is known of how the strokes lie to each other: each has a slice of the box.
        tops = np.linspace(edges[1], edges[3], len(kinds) + 1)
        width, height = edges[2] - edges[0], tops[1] - tops[0]
        return [
            shape_basis(kind).goal((edges[0] + width / 2, top + height / 2, width, height * 0.9))
            for kind, top in zip(kinds, tops[:-1], strict=True)
        ]
    own = _hull(np.array([goal.box for goal in drawn]), range(len(drawn)))
    size, wanted = own[2:] - own[:2], edges[2:] - edges[:2]
    # A lone horizontal stroke does not become a bar because its share of the box is a square.
    scale = np.where(size < 0.2 * size.max(), np.minimum(wanted / size, wanted.max() / size.max()), wanted / size)
    shift = (edges[:2] + edges[2:]) / 2 - scale * (own[:2] + own[2:]) / 2
    placed = [goal.transformed(scale, shift) for goal in drawn]
    return [goal if goal.stroke_type == kind else _other(goal, kind) for goal, kind in zip(placed, kinds, strict=True)]


def _other(goal: StrokeGoal, kind: str) -> StrokeGoal:
    """Return a stroke of another type in the same place."""
    left, top, right, bottom = goal.box
    return shape_basis(kind).goal(((left + right) / 2, (top + bottom) / 2, right - left, bottom - top))


def _hull(edges: Edges, strokes: Sequence[int]) -> Edges:
    chosen = edges[list(strokes)]
    return np.concatenate([chosen[:, :2].min(0), chosen[:, 2:].max(0)])


def _relative(part: Edges, whole: Edges) -> tuple[float, float, float, float]:
    size = np.maximum(whole[2:] - whole[:2], 1e-6)
    left, top, right, bottom = ((part.reshape(2, 2) - whole[:2]) / size).ravel().tolist()
    return left, top, right, bottom
