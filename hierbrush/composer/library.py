"""What training characters know about components: stroke order, layout, and where a component stands in its character.

Of every component the library keeps all its occurrences in training characters. A new character is laid out from them
in two steps. *Context*: a child's box within its parent's, by operator, slot and stroke counts alone, from all nodes in
such a place. *Component*: by how much its occurrences differ from what their own contexts expected, and how their
strokes lie within them, weighted by how much their surroundings are like those asked for. The outermost two parts are
moved half the way to where their *layout* expects them, which looks at both together (`layout`). A training character's
own occurrences can be left out, so that a network does not learn to trust a prior that has seen the answer. Occurrences
in characters that were drawn for something else (`hierbrush.characters.repertoire`) count less.

The files ``data/components.safetensors`` and ``.json`` are built by ``python -m hierbrush.composer.build``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component
from hierbrush.characters.repertoire import Repertoire
from hierbrush.composer import stored
from hierbrush.composer.drawings import Drawing
from hierbrush.composer.exemplars import renumbered
from hierbrush.composer.layout import Layouts, load_layouts
from hierbrush.composer.place import PLACE_SIZE, sides
from hierbrush.strokes.types import NUMBER

F32 = NDArray[np.float32]
Index = NDArray[np.int64]

FILE = Path(__file__).resolve().parent / "data" / "components.safetensors"

THICKNESS = 0.04
"""A stroke's usual thickness. Boxes are mapped without it: a wider component has longer strokes, not bolder ones."""

OPERATORS = "⿰⿱⿲⿳⿴⿵⿶⿷⿸⿹⿺⿻"
SLOTS = 3

ROOT_STEP = 0

# How much an occurrence in other surroundings counts: factors exp(-x) for another slot, another place of the parent
# and another neighbour, and the width of the kernel over logarithms of stroke counts. Found by random search for the
# least error of centres and sizes on 800 training and validation characters; the neighbour itself says next to nothing.
_OTHER_STEP, _OTHER_PARENT, _OTHER_SIBLING = 4.0, 4.0, 0.15
_COUNT_WIDTH = 0.95
_CONTEXT_WIDTH = 0.25
# The same for another typeface, level of GB 2312 and level of Big5.
_OTHER_REPERTOIRE = np.array([0.5, 0.15, 0.15], np.float32)
_MOST_OCCURRENCES = 100
_SHRINKAGE = 0.02
"""Weight of the context's own answer, in occurrences."""

_SAME_PLACE = 0.01
"""Mean difference of centres and sides at which a component stands in hardly the same place."""

_LONGEST = 0.8
"""Side of a single stroke that fills the character's box."""

_CONTRADICTION = 0.5
"""Two siblings contradict each other if the shares that each expects before it add up to a sum this far from 1."""


def step_code(operator: str, slot: int) -> int:
    """Return a number for a place in a parent: 0 for the root, else from operator and slot, at most the third."""
    return 1 + OPERATORS.index(operator) * SLOTS + min(slot, SLOTS - 1) if operator in OPERATORS else ROOT_STEP


@dataclass(frozen=True)
class Form:
    """One way to write a component.

    Attributes:
        name: the component.
        structure: how it is taken apart, ``str(Component)``; its own name for a leaf.
        stroke_types: abbreviations in canonical order: writing order for a leaf, leaf by leaf for a structure.
    """

    name: str
    structure: str
    stroke_types: tuple[str, ...]

    @property
    def is_leaf(self) -> bool:
        """Whether the component is not taken apart."""
        return self.structure in (self.name, f"{{{self.name}}}")


@dataclass(frozen=True)
class Node:
    """A node of a tree with its surroundings; the tree's strokes are canonical, so every node has a slice of them.

    Attributes:
        component: the node.
        first: its first stroke.
        count: number of its strokes.
        step: its place in its parent, see `step_code`.
        parent_step: its parent's place.
        parent: index of the parent in the list of nodes, -1 for the root.
        sibling: name of the first other child of the parent, "".
        rest: strokes of the parent that are not the node's.
    """

    component: Component
    first: int
    count: int
    step: int
    parent_step: int
    parent: int
    sibling: str
    rest: int


def nodes_of(tree: Component) -> list[Node]:
    """Return all nodes, parents before their children, siblings in the order of the operator."""
    nodes: list[Node] = []

    def visit(component: Component, first: int, step: int, parent: int, sibling: str, rest: int) -> None:
        at = len(nodes)
        above = nodes[parent].step if parent >= 0 else ROOT_STEP
        nodes.append(Node(component, first, len(component.strokes), step, above, parent, sibling, rest))
        for slot, child in enumerate(component.children):
            other = component.children[1 if slot == 0 else 0].name
            rest_here = len(component.strokes) - len(child.strokes)
            visit(child, first, step_code(component.operator, slot), at, other, rest_here)
            first += len(child.strokes)

    visit(tree, 0, ROOT_STEP, -1, "", 0)
    return nodes


@dataclass(frozen=True, eq=False)
class NodeExpectation:
    """What the library expects of one node of a tree.

    Attributes:
        node: the node.
        context: f32 [4], its box by operators and stroke counts alone.
        layout: f32 [4], its box by what stands beside it, see `hierbrush.composer.layout`; None for a part that is not
            one of two outermost ones.
        box: f32 [4], its box with what its occurrences and its layout say.
        weight: occurrences in such surroundings, in whole similar ones; 0 for a component or form never met.
        places: f32 [count, PLACE_SIZE], its strokes' boxes and coefficients; None if never met.
        spread: f32 [count, 2], standard deviation of the strokes' centres among the occurrences.
        rank: f32 [count], place in the order that most occurrences by weight are written in.
        before: f32 [count], share of the parent's other strokes that are written before the stroke, by the weighted
            median of the occurrences.
        met_here: whether ``before`` comes from occurrences in this slot, and not from the slot alone.
    """

    node: Node
    context: F32
    layout: F32 | None
    box: F32
    weight: float
    places: F32 | None
    spread: F32
    rank: F32
    before: F32
    met_here: bool


# Occurrences that are written in two ways are not averaged: the mean of two orders is often neither.


def _mode(orders: Index, weight: F32) -> F32:
    """Return the order of highest weight, f32 [count] of [occurrences, count]."""
    mode: Index = orders[0]
    if not (orders == mode).all():  # nearly always they are, and to ask takes a tenth of the time
        distinct, which = np.unique(orders, axis=0, return_inverse=True)
        mode = distinct[np.bincount(which.ravel(), weight).argmax()]
    return mode.astype(np.float32)


def _median(values: F32, weight: F32) -> F32:
    """Return the weighted median of every column, f32 [count] of [occurrences, count]; of two the lower.

    The weights f32 [occurrences] have a sum of 1.
    """
    ascending = values.argsort(axis=0, kind="stable")
    middle = (weight[ascending].cumsum(axis=0) >= 0.5 - 1e-6).argmax(axis=0)
    columns = np.arange(values.shape[1])
    median: F32 = values[ascending[middle, columns], columns]
    return median


def _proportioned(box: F32, boxes: F32, share: F32) -> F32:
    """Return the box of a single stroke in a place where it was never met, with the proportions that it has elsewhere.

    Contexts stretch a component to what stands in its place, but 一 by itself is no square.

    Args:
        box: f32 [4], as large.
        boxes: f32 [occurrences, 4], of the stroke elsewhere.
        share: f32 [occurrences], their weights.
    """
    half = np.exp(share @ np.log(boxes[:, 2] / boxes[:, 3]) / 2)
    sides = np.sqrt(box[2] * box[3]) * np.array([half, 1 / half])
    return np.concatenate([box[:2], sides * min(1.0, _LONGEST / sides.max())]).astype(np.float32)


def _interleaved(e: NodeExpectation, all_nodes: Sequence[NodeExpectation]) -> NodeExpectation:
    """Return a node's expectation with ``before`` as its siblings tell it, where they know better.

    What stands inside 辶 is written before it, whatever it is; 辶 has been met there, and tells. Where two contradict
    each other the one that was met more often is right: 召 is written before 辶, but 走 is written before 召. Three are
    written one after the other: what share of the others' strokes comes before the middle one depends on how many they
    have, and was another where it was met.
    """
    siblings = [other for other in all_nodes if other.node.parent == e.node.parent and other is not e]
    if e.node.parent < 0 or not siblings:
        return e
    if len(siblings) > 1:
        earlier = sum(other.node.count for other in siblings if other.node.first < e.node.first)
        return replace(e, before=np.full(e.node.count, earlier / e.node.rest, np.float32))
    (sibling,) = siblings
    if not sibling.met_here:
        return e
    told = 1 - float(sibling.before.mean())
    contradicted = abs(float(e.before.mean()) - told) > _CONTRADICTION and sibling.weight > e.weight
    if e.met_here and not contradicted:
        return e
    return replace(e, before=np.full(e.node.count, told, np.float32))


@dataclass(frozen=True, eq=False)
class _Contexts:
    """Boxes of all nodes in one slot of one operator, added up by their stroke counts.

    Attributes:
        counts: f32 [k, 2], log(1 + count) and log(1 + rest), as in `ComponentLibrary.surroundings`.
        number: f32 [k], nodes with these counts.
        total: f32 [k, 4], sum of their relative boxes.
    """

    counts: F32
    number: F32
    total: F32

    @classmethod
    def of(cls, surroundings: F32, relative: F32) -> _Contexts:
        counts, which = np.unique(surroundings[:, 2:4], axis=0, return_inverse=True)
        total = np.zeros((len(counts), 4))
        np.add.at(total, which.ravel(), relative)
        return cls(counts, np.bincount(which.ravel()).astype(np.float32), total.astype(np.float32))

    def mean(self, node: Node, left_out: tuple[F32, F32] | None) -> F32:
        """Return the mean box [4] of nodes with stroke counts like the node's, without some nodes' counts and boxes."""
        mine = np.log1p(np.array([node.count, node.rest], np.float32))
        weight = _kernel(self.counts, mine)
        total, number = weight @ self.total, weight @ self.number
        if left_out is not None:
            weight = _kernel(left_out[0], mine)
            # Rounding must not leave a ghost of the only one there was.
            if number - weight.sum() < 1e-3:
                return np.array([0, 0, -0.3, -0.3], np.float32)
            total, number = total - weight @ left_out[1], number - weight.sum()
        mean: F32 = total / number
        return mean


def _kernel(counts: F32, mine: F32) -> F32:
    away = (counts - mine) / _CONTEXT_WIDTH
    weight: F32 = np.exp(-0.5 * (away * away).sum(axis=1)) + np.float32(1e-6)
    return weight


@dataclass(frozen=True, eq=False)
class ComponentLibrary:
    """Occurrences of components in training characters.

    Attributes:
        forms: every form met; occurrences lie in the order of their forms.
        form_ends: int64 [forms], end of each form's occurrences.
        char: int64 [n], code point of the occurrence's character.
        surroundings: f32 [n, 5]: ``step``, ``parent_step``, log(1 + x) of ``count``, ``rest``, the character's strokes.
        sibling: int64 [n], number of the neighbour's name in ``names``.
        repertoire: int64 [n, 3], what the occurrence's character was drawn for.
        span: int64 [n, 4]: the first stroke and the number of strokes of the occurrence and of its parent.
        relative: f32 [n, 4], box in the parent's, see `_relative`.
        excess: f32 [n, 4], by how much the box differs from what the context expects, see `_difference`.
        strokes: f32 [m, PLACE_SIZE + 1], boxes, coefficients and writing position of all characters' strokes in
            canonical order.
        names: names of neighbours.
        layouts: how two parts share a character.
    """

    forms: tuple[Form, ...]
    form_ends: Index
    char: Index
    surroundings: F32
    sibling: Index
    repertoire: Index
    span: Index
    relative: F32
    excess: F32
    strokes: F32
    names: tuple[str, ...]
    layouts: Layouts
    _form_number: dict[Form, int] = field(init=False, default_factory=dict)
    _leaf_forms: dict[str, list[int]] = field(init=False, default_factory=lambda: defaultdict(list))
    _name_number: dict[str, int] = field(init=False, default_factory=dict)
    _contexts: dict[int, _Contexts] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for number, form in enumerate(self.forms):
            self._form_number[form] = number
            if form.is_leaf:
                self._leaf_forms[form.name].append(number)
        self._name_number.update({name: number for number, name in enumerate(self.names)})
        step = self.surroundings[:, 0].astype(np.int64)
        for code in np.unique(step).tolist():
            self._contexts[code] = _Contexts.of(self.surroundings[step == code], self.relative[step == code])

    def occurrences(self, form: Form, exclude: str | None = None) -> Index:
        """Return the numbers of a form's occurrences outside the character ``exclude``."""
        number = self._form_number.get(form)
        if number is None:
            return np.empty(0, np.int64)
        found = np.arange(self.form_ends[number - 1] if number else 0, self.form_ends[number])
        return found if exclude is None else found[self.char[found] != ord(exclude)]

    def leaf_form(self, name: str, stroke_types: Sequence[str], exclude: str | None = None) -> Form | None:
        """Return the form that orders a leaf's strokes, or None for a component never met with so many strokes.

        Args:
            name: the component.
            stroke_types: its strokes' types in any order; where no form has just these, the form that shares most.
            exclude: character whose own occurrences do not count.
        """
        wanted = Counter(stroke_types)
        best: tuple[int, int] | None = None
        found = None
        for number in self._leaf_forms.get(name, ()):
            form = self.forms[number]
            if len(form.stroke_types) != len(stroke_types):
                continue
            occurrences = len(self.occurrences(form, exclude))
            rank = (sum((Counter(form.stroke_types) & wanted).values()), occurrences)
            if occurrences and (best is None or rank > best):
                best, found = rank, form
        return found

    def within_wholes(self, form: Form, exclude: str | None = None) -> F32 | None:
        """Return the strokes of a component where it stands in whole characters: f32 [S, PLACE_SIZE], canonical.

        They are those of the occurrence that is most like others; None for what is no character's component.

        Args:
            form: the component.
            exclude: character whose own occurrences do not count.
        """
        found = self.occurrences(form, exclude)
        found = found[self.surroundings[found, 0] > 0]
        if not len(found):
            return None
        strokes = self.strokes[self.span[found, :1] + np.arange(len(form.stroke_types)), :PLACE_SIZE]
        boxes = _union(strokes[..., :4])
        apart = np.abs(boxes[:, None] - boxes).mean(axis=2)
        # Not the mean, for a component that stands in two places stands between them nowhere.
        alike = np.exp(-0.5 * (apart / _SAME_PLACE) ** 2).sum(axis=1)
        likest: F32 = strokes[int(alike.argmax())]
        return likest

    def expect(
        self,
        tree: Component,
        forms: Mapping[int, Form],
        exclude: str | None = None,
        repertoire: Repertoire = Repertoire(),  # noqa: B008 (immutable)
    ) -> list[NodeExpectation]:
        """Return what is expected of every node of a tree, in the order of `nodes_of`.

        Args:
            tree: with canonical strokes.
            forms: form of every node by its index in `nodes_of`.
            exclude: training character whose own occurrences do not count.
            repertoire: what the character is drawn for.
        """
        expectations: list[NodeExpectation] = []
        layouts: Sequence[F32 | None] = (None,) * len(tree.children)
        together = self.layouts.boxes(tree, forms[0].stroke_types, exclude, repertoire)
        if together is not None:
            layouts = list(together)
        outermost = iter(layouts)
        for at, node in enumerate(nodes_of(tree)):
            parent = expectations[node.parent].context if node.parent >= 0 else _WHOLE
            context = _absolute(parent, self._context(node, exclude))
            found = self.occurrences(forms[at], exclude) if at in forms else np.empty(0, np.int64)
            layout = next(outermost) if node.parent == 0 else None
            expectations.append(self._expect(node, context, layout, found, len(tree.strokes), repertoire))
        return [_interleaved(e, expectations) for e in expectations]

    def _context(self, node: Node, exclude: str | None) -> F32:
        """Return a node's box in its parent's by its slot and stroke counts: f32 [4], see `_relative`."""
        contexts = self._contexts.get(node.step)
        if contexts is None:
            return np.array([0, 0, -0.3, -0.3], np.float32)
        left_out = None
        if exclude is not None:
            own = np.flatnonzero(self.char == ord(exclude))
            own = own[self.surroundings[own, 0] == node.step]
            left_out = self.surroundings[own, 2:4], self.relative[own]
        return contexts.mean(node, left_out)

    def _expect(
        self, node: Node, context: F32, layout: F32 | None, found: Index, total: int, repertoire: Repertoire
    ) -> NodeExpectation:
        count = node.count
        slot = (node.step - 1) % SLOTS if node.step else 0
        before = np.full(count, float(slot > 0), np.float32)
        if not len(found):
            rank = np.arange(count, dtype=np.float32)
            spread = np.zeros((count, 2), np.float32)
            box = context if layout is None else layout
            return NodeExpectation(node, context, layout, box, 0.0, None, spread, rank, before, met_here=False)
        around = self.surroundings[found]
        away = around[:, 2:] - np.log1p(np.array([count, node.rest, total], np.float32))
        same_step = around[:, 0] == node.step
        strangeness = (
            _OTHER_STEP * ~same_step
            + _OTHER_PARENT * (around[:, 1] != node.parent_step)
            + _OTHER_SIBLING * (self.sibling[found] != self._name_number.get(node.sibling, -1))
            + (self.repertoire[found] != repertoire) @ _OTHER_REPERTOIRE
            + (away[:, 1:] ** 2).sum(axis=1) / (2 * _COUNT_WIDTH**2)
        )
        if len(found) > _MOST_OCCURRENCES:
            likest = np.argpartition(strangeness, _MOST_OCCURRENCES)[:_MOST_OCCURRENCES]
            found, strangeness, same_step = found[likest], strangeness[likest], same_step[likest]
        weight = np.exp(-strangeness).astype(np.float32) + np.float32(1e-4)
        total_weight = float(weight.sum())
        box = _apply(context, weight @ self.excess[found] / np.float32(total_weight + _SHRINKAGE))
        if layout is not None:  # neither knows all: one the component, the other what stands beside it
            box = ((box + layout) / 2).astype(np.float32)
        share = weight / np.float32(total_weight)

        rows = self.span[found, :1] + np.arange(count)
        strokes = self.strokes[rows]
        boxes = _union(strokes[..., :4])
        inside = _inside(boxes[:, None], strokes[..., :4])
        if count == 1 and layout is None and not same_step.any():
            box = _proportioned(box, boxes, share)
        mean = np.tensordot(share, inside, 1)
        deviation = np.sqrt(np.tensordot(share, (inside[..., :2] - mean[:, :2]) ** 2, 1))
        places = np.empty((count, PLACE_SIZE), np.float32)
        places[:, :4] = _outside(box, mean)
        places[:, 4:] = np.tensordot(share, strokes[..., 4:PLACE_SIZE], 1)
        position = strokes[..., PLACE_SIZE]
        rank = _mode(position.argsort(axis=1).argsort(axis=1), share)
        met_here = bool(node.rest and same_step.any())
        if met_here:
            here = share[same_step] / share[same_step].sum()
            before = _median(self._before(found[same_step], position[same_step]), here).astype(np.float32)
        return NodeExpectation(
            node, context, layout, box, total_weight, places, deviation.astype(np.float32), rank, before, met_here
        )

    def _before(self, found: Index, position: F32) -> F32:
        """Return for each stroke of each occurrence the share of the parent's other strokes written before it."""
        span = self.span[found]
        widest = int(span[:, 3].max())
        rows = span[:, 2:3] + np.arange(widest)
        other = (np.arange(widest) < span[:, 3:4]) & ((rows < span[:, :1]) | (rows >= span[:, :1] + span[:, 1:2]))
        others = self.strokes[np.minimum(rows, len(self.strokes) - 1), PLACE_SIZE]
        earlier = (others[:, None, :] < position[:, :, None]) & other[:, None, :]
        share: F32 = earlier.sum(axis=2) / np.maximum(other.sum(axis=1), 1)[:, None]
        return share

    def tensors(self) -> dict[str, NDArray[np.floating]]:
        """Return the arrays as `load` reads them: float32 for numbers that float16 cannot hold."""
        half = {"surroundings": self.surroundings, "relative": self.relative, "excess": self.excess}
        half |= {"strokes": self.strokes, "repertoire": self.repertoire.astype(np.float32)}
        whole = {"char": self.char, "sibling": self.sibling, "span": self.span, "form_ends": self.form_ends}
        return {
            **{name: array.astype(np.float16) for name, array in half.items()},
            **{name: array.astype(np.float32) for name, array in whole.items()},
        }

    def strings(self) -> dict[str, object]:
        """Return the names and forms as they stand in the JSON file beside the arrays."""
        forms = [[form.name, form.structure, " ".join(form.stroke_types)] for form in self.forms]
        return {"names": self.names, "forms": forms}

    @classmethod
    def load(cls, path: Path = FILE) -> ComponentLibrary:
        """Return the library in a file.

        Raises:
            HierbrushError: the file or the JSON file beside it is missing or broken.
        """
        layouts = load_layouts()
        with stored.read(path, "components") as (tensors, strings):
            if tensors["strokes"].shape[1:] != (PLACE_SIZE + 1,):
                raise ValueError(
                    f"strokes: shape {tensors['strokes'].shape}, expected (n, {PLACE_SIZE + 1}); rebuild it with "
                    "python -m hierbrush.composer.build"
                )
            return cls(
                forms=tuple(Form(name, structure, tuple(types.split())) for name, structure, types in strings["forms"]),
                form_ends=tensors["form_ends"].astype(np.int64),
                char=tensors["char"].astype(np.int64),
                surroundings=tensors["surroundings"],
                sibling=tensors["sibling"].astype(np.int64),
                repertoire=tensors["repertoire"].astype(np.int64),
                span=tensors["span"].astype(np.int64),
                relative=tensors["relative"],
                excess=tensors["excess"],
                strokes=tensors["strokes"],
                names=tuple(strings["names"]),
                layouts=layouts,
            )


@lru_cache(maxsize=1)
def load_components() -> ComponentLibrary:
    """Return the component library that ships with hierbrush, read once a process."""
    return ComponentLibrary.load()


class _Occurrence(NamedTuple):
    """A component of a drawing while the library is built; ``span``, ``relative`` and ``box`` as in the library."""

    form: Form
    drawing: Drawing
    node: Node
    span: tuple[int, int, int, int]
    relative: F32
    box: F32


def build(drawings: Sequence[Drawing], layouts: Layouts) -> ComponentLibrary:
    """Build the library.

    Args:
        drawings: of training characters; of one character there may be several.
        layouts: of the same drawings.
    """
    leaf_forms = _commonest_forms(drawings)
    occurrences: list[_Occurrence] = []
    strokes: list[F32] = []
    start = 0
    for drawing in drawings:
        types = drawing.stroke_types
        order = [s for leaf in drawing.tree.leaves() for s in _canonical(leaf, types, leaf_forms)]
        tree = renumbered(drawing.tree, {stroke: row for row, stroke in enumerate(order)})
        canonical_types = tuple(types[stroke] for stroke in order)
        placed = drawing.places[order]
        strokes.append(np.column_stack([placed, np.array(order, np.float32)]))
        nodes = nodes_of(tree)
        for node in nodes:
            form = form_of(node, canonical_types)
            parent = nodes[node.parent] if node.parent >= 0 else node
            box = _union(placed[node.first : node.first + node.count, :4])
            around = _union(placed[parent.first : parent.first + parent.count, :4]) if node.parent >= 0 else _WHOLE
            span = start + node.first, node.count, start + parent.first, parent.count
            occurrences.append(_Occurrence(form, drawing, node, span, _relative(around, box), box))
        start += len(order)
    occurrences.sort(key=lambda entry: (entry.form.name, entry.form.structure, entry.form.stroke_types))
    forms = list(dict.fromkeys(entry.form for entry in occurrences))
    counts = Counter(entry.form for entry in occurrences)
    names = sorted({entry.node.sibling for entry in occurrences})
    number = {name: at for at, name in enumerate(names)}
    library = ComponentLibrary(
        forms=tuple(forms),
        form_ends=np.cumsum([counts[form] for form in forms]),
        char=np.array([ord(entry.drawing.char) for entry in occurrences]),
        surroundings=np.array(
            [
                [node.step, node.parent_step, *np.log1p([node.count, node.rest, len(drawing.stroke_types)])]
                for _, drawing, node, _, _, _ in occurrences
            ],
            np.float32,
        ),
        sibling=np.array([number[entry.node.sibling] for entry in occurrences]),
        repertoire=np.array([entry.drawing.repertoire for entry in occurrences]),
        span=np.array([entry.span for entry in occurrences]),
        relative=np.array([entry.relative for entry in occurrences], np.float32),
        excess=np.zeros((len(occurrences), 4), np.float32),
        strokes=np.concatenate(strokes).astype(np.float32),
        names=tuple(names),
        layouts=layouts,
    )
    # Contexts of a character are composed from its root downward, so a node is met after its parent.
    of_char: dict[str, list[int]] = defaultdict(list)
    for at, entry in enumerate(occurrences):
        of_char[entry.drawing.char].append(at)
    for char, members in of_char.items():
        context: dict[tuple[int, int], F32] = {}
        for at in sorted(members, key=lambda at: (-occurrences[at].node.count, occurrences[at].node.parent)):
            _, _, node, span, _, box = occurrences[at]
            around = context[span[2], span[3]] if node.parent >= 0 else _WHOLE
            here = _absolute(around, library._context(node, char))
            context[span[0], span[1]] = here
            library.excess[at] = _difference(here, box)
    return library


def form_of(node: Node, canonical_types: Sequence[str]) -> Form:
    """Return the form of a node of a tree with canonical strokes of the given types."""
    types = tuple(canonical_types[node.first : node.first + node.count])
    return Form(node.component.name, str(node.component), types)


def in_order_of(form: Form | None, strokes: Sequence[int], types: Sequence[str]) -> list[int]:
    """Return a leaf's strokes in the order of a form: like types are matched in turn, what is left over by type.

    Without a form, too, strokes are ordered by the number of their type, which tells nothing of how they are written.
    """
    left = sorted(strokes, key=lambda stroke: (NUMBER[types[stroke]], stroke))
    if form is None:
        return left
    row: list[int | None] = []
    for wanted in form.stroke_types:
        match = next((stroke for stroke in left if types[stroke] == wanted), None)
        row.append(match)
        if match is not None:
            left.remove(match)
    remaining: Iterator[int] = iter(left)
    return [next(remaining) if stroke is None else stroke for stroke in row]


_LeafForms = dict[tuple[str, tuple[str, ...]], tuple[str, ...]]


def _commonest_forms(drawings: Sequence[Drawing]) -> _LeafForms:
    """Return the commonest order of every leaf component's types, by name and sorted types."""
    seen: dict[tuple[str, tuple[str, ...]], Counter[tuple[str, ...]]] = defaultdict(Counter)
    for drawing in drawings:
        for leaf in drawing.tree.leaves():
            written = tuple(drawing.stroke_types[stroke] for stroke in leaf.strokes)
            seen[leaf.name, tuple(sorted(written))][written] += 1
    return {key: max(counts, key=counts.__getitem__) for key, counts in seen.items()}


def _canonical(leaf: Component, types: Sequence[str], forms: _LeafForms) -> list[int]:
    order = forms[leaf.name, tuple(sorted(types[stroke] for stroke in leaf.strokes))]
    return in_order_of(Form(leaf.name, leaf.name, order), leaf.strokes, types)


# Boxes are (centre x, centre y, width, height). Layouts map boxes without the strokes' thickness.

_WHOLE = np.array([0.5, 0.5, 1.0, 1.0], np.float32)


def _union(boxes: F32) -> F32:
    low, high = np.split(sides(boxes), 2, axis=-1)
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def _relative(parent: F32, box: F32) -> F32:
    """Return centre in the parent's sides and logarithm of the sides' ratio: f32 [..., 4]."""
    shift = (box[..., :2] - parent[..., :2]) / parent[..., 2:]
    return np.concatenate([shift, np.log(box[..., 2:] / parent[..., 2:])], axis=-1)


def _absolute(parent: F32, relative: F32) -> F32:
    return np.concatenate([parent[:2] + relative[:2] * parent[2:], parent[2:] * np.exp(relative[2:])])


def _difference(expected: F32, box: F32) -> F32:
    """Return shift of the centre in the unit box and logarithm of the sides' ratio."""
    return np.concatenate([box[:2] - expected[:2], np.log(box[2:] / expected[2:])])


def _apply(expected: F32, difference: F32) -> F32:
    return np.concatenate([expected[:2] + difference[:2], expected[2:] * np.exp(difference[2:])])


def _thin(sides: F32) -> F32:
    thin: F32 = np.maximum(sides - THICKNESS, 0.01)
    return thin


def _inside(around: F32, boxes: F32) -> F32:
    sides = _thin(around[..., 2:])
    return np.concatenate([(boxes[..., :2] - around[..., :2]) / sides, _thin(boxes[..., 2:]) / sides], axis=-1)


def _outside(around: F32, layout: F32) -> F32:
    sides = _thin(around[2:])
    boxes: F32 = np.concatenate([around[:2] + layout[:, :2] * sides, layout[:, 2:] * sides + THICKNESS], axis=1)
    return boxes
