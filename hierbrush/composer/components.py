"""What training characters know about components: stroke order, layout, and where a component stands in its character.

Of every component the library keeps all its occurrences in training characters. A new character is laid out from them
in two steps. *Context*: a child's box within its parent's, by operator, slot and stroke counts alone, from all nodes in
such a place. *Component*: by how much its occurrences differ from what their own contexts expected, and how their
strokes lie within them, weighted by how much their surroundings are like those asked for. The outermost two parts are
moved half the way to where their *layout* expects them, which looks at both together (`layout`). A training character's
own occurrences can be left out, so that a network does not learn to trust a prior that has seen the answer. Occurrences
in characters that were drawn for something else (`hierbrush.characters.repertoire`) count less.

The files ``data/components.safetensors`` and ``.json`` are built by ``python -m hierbrush_build.components``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component
from hierbrush.characters.repertoire import Repertoire
from hierbrush.composer import stored
from hierbrush.composer.boxes import WHOLE, absolute, applied, laid_out, laid_within, union
from hierbrush.composer.contexts import Contexts
from hierbrush.composer.expectation import NodeExpectation, interleaved, median, mode, proportioned
from hierbrush.composer.memory import Memory
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.composer.sharing import Sharings, load_sharings
from hierbrush.composer.tree import SLOTS, ComponentForm, Node, nodes_of

F32 = NDArray[np.float32]
Index = NDArray[np.int64]

FILE = Path(__file__).resolve().parent / "data" / "components.safetensors"

# How much an occurrence in other surroundings counts: factors exp(-x) for another slot, another place of the parent
# and another neighbour, and the width of the kernel over logarithms of stroke counts. Found by random search for the
# least error of centres and sizes on 800 training and validation characters; the neighbour itself says next to nothing.
_OTHER_STEP, _OTHER_PARENT, _OTHER_SIBLING = 4.0, 4.0, 0.15
_COUNT_WIDTH = 0.95
# The same for another typeface, level of GB 2312 and level of Big5.
_OTHER_REPERTOIRE = np.array([0.5, 0.15, 0.15], np.float32)
_MOST_OCCURRENCES = 100
_SHRINKAGE = 0.02
"""Weight of the context's own answer, in occurrences."""

_SAME_PLACE = 0.01
"""Mean difference of centres and sides at which a component stands in hardly the same place."""


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
        relative: f32 [n, 4], box in the parent's, see `relative_to`.
        excess: f32 [n, 4], by how much the box differs from what the context expects, see `difference`.
        strokes: f32 [m, PLACE_SIZE + 1], boxes, coefficients and writing position of all characters' strokes in
            canonical order.
        names: names of neighbours.
        layouts: how two parts share a character.
    """

    forms: tuple[ComponentForm, ...]
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
    layouts: Sharings
    _form_number: dict[ComponentForm, int] = field(init=False, default_factory=dict)
    _leaf_forms: dict[str, list[int]] = field(init=False, default_factory=lambda: defaultdict(list))
    _name_number: dict[str, int] = field(init=False, default_factory=dict)
    _contexts: dict[int, Contexts] = field(init=False, default_factory=dict)
    _remembered: Memory[_Met | None] = field(init=False, default_factory=Memory)

    def __post_init__(self) -> None:
        for number, form in enumerate(self.forms):
            self._form_number[form] = number
            if form.is_leaf:
                self._leaf_forms[form.name].append(number)
        self._name_number.update({name: number for number, name in enumerate(self.names)})
        step = self.surroundings[:, 0].astype(np.int64)
        for code in np.unique(step).tolist():
            self._contexts[code] = Contexts.of(self.surroundings[step == code], self.relative[step == code])

    def occurrences(self, form: ComponentForm, exclude: str | None = None) -> Index:
        """Return the numbers of a form's occurrences outside the character ``exclude``."""
        number = self._form_number.get(form)
        if number is None:
            return np.empty(0, np.int64)
        found = np.arange(self.form_ends[number - 1] if number else 0, self.form_ends[number])
        return found if exclude is None else found[self.char[found] != ord(exclude)]

    def leaf_form(self, name: str, stroke_types: Sequence[str], exclude: str | None = None) -> ComponentForm | None:
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

    def within_wholes(self, form: ComponentForm, exclude: str | None = None) -> F32 | None:
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
        boxes = union(strokes[..., :4])
        apart = np.abs(boxes[:, None] - boxes).mean(axis=2)
        # Not the mean, for a component that stands in two places stands between them nowhere.
        alike = np.exp(-0.5 * (apart / _SAME_PLACE) ** 2).sum(axis=1)
        likest: F32 = strokes[int(alike.argmax())]
        return likest

    def expect(
        self,
        tree: Component,
        forms: Mapping[int, ComponentForm],
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
            parent = expectations[node.parent].context if node.parent >= 0 else WHOLE
            context = absolute(parent, self.context(node, exclude))
            met = self._met_in(node, forms[at], len(tree.strokes), repertoire, exclude) if at in forms else None
            layout = next(outermost) if node.parent == 0 else None
            expectations.append(_expected(node, context, layout, met))
        return [interleaved(e, expectations) for e in expectations]

    def context(self, node: Node, exclude: str | None) -> F32:
        """Return a node's box in its parent's by its slot and stroke counts: f32 [4], see `relative_to`."""
        contexts = self._contexts.get(node.step)
        if contexts is None:
            return np.array([0, 0, -0.3, -0.3], np.float32)
        left_out = None
        if exclude is not None:
            own = np.flatnonzero(self.char == ord(exclude))
            own = own[self.surroundings[own, 0] == node.step]
            left_out = self.surroundings[own, 2:4], self.relative[own]
        return contexts.mean(node, left_out)

    def _met_in(
        self, node: Node, form: ComponentForm, total: int, repertoire: Repertoire, exclude: str | None
    ) -> _Met | None:
        """Return what is known of a component in a node's surroundings; None for one never met."""
        key = (form, node.count, node.step, node.parent_step, node.sibling, node.rest, total, repertoire)
        return self._remembered.of(self._met, *key) if exclude is None else self._met(*key, exclude)

    def _met(
        self,
        form: ComponentForm,
        count: int,
        step: int,
        parent_step: int,
        sibling: str,
        rest: int,
        total: int,
        repertoire: Repertoire,
        exclude: str | None = None,
    ) -> _Met | None:
        found = self.occurrences(form, exclude)
        if not len(found):
            return None
        around = self.surroundings[found]
        away = around[:, 2:] - np.log1p(np.array([count, rest, total], np.float32))
        same_step = around[:, 0] == step
        strangeness = (
            _OTHER_STEP * ~same_step
            + _OTHER_PARENT * (around[:, 1] != parent_step)
            + _OTHER_SIBLING * (self.sibling[found] != self._name_number.get(sibling, -1))
            + (self.repertoire[found] != repertoire) @ _OTHER_REPERTOIRE
            + (away[:, 1:] ** 2).sum(axis=1) / (2 * _COUNT_WIDTH**2)
        )
        if len(found) > _MOST_OCCURRENCES:
            likest = np.argpartition(strangeness, _MOST_OCCURRENCES)[:_MOST_OCCURRENCES]
            found, strangeness, same_step = found[likest], strangeness[likest], same_step[likest]
        weight = np.exp(-strangeness).astype(np.float32) + np.float32(1e-4)
        total_weight = float(weight.sum())
        excess = weight @ self.excess[found] / np.float32(total_weight + _SHRINKAGE)
        share = weight / np.float32(total_weight)

        strokes = self.strokes[self.span[found, :1] + np.arange(count)]
        boxes = union(strokes[..., :4])
        inside = laid_within(boxes[:, None], strokes[..., :4])
        mean = np.tensordot(share, inside, 1)
        deviation = np.sqrt(np.tensordot(share, (inside[..., :2] - mean[:, :2]) ** 2, 1)).astype(np.float32)
        coefficients = np.tensordot(share, strokes[..., 4:PLACE_SIZE], 1)
        position = strokes[..., PLACE_SIZE]
        rank = mode(position.argsort(axis=1).argsort(axis=1), share)
        before = None
        if rest and same_step.any():
            here = share[same_step] / share[same_step].sum()
            before = median(self._before(found[same_step], position[same_step]), here).astype(np.float32)
        elsewhere = (boxes, share) if count == 1 and not same_step.any() else None
        return _Met(total_weight, excess, mean, deviation, coefficients, rank, before, elsewhere)

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
        layouts = load_sharings()
        with stored.read(path, "components") as (tensors, strings):
            if tensors["strokes"].shape[1:] != (PLACE_SIZE + 1,):
                raise ValueError(
                    f"strokes: shape {tensors['strokes'].shape}, expected (n, {PLACE_SIZE + 1}); rebuild it with "
                    "python -m hierbrush_build.components"
                )
            return cls(
                forms=tuple(
                    ComponentForm(name, structure, tuple(types.split())) for name, structure, types in strings["forms"]
                ),
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


class _Met(NamedTuple):
    """What the occurrences of a component say of it in certain surroundings.

    Attributes:
        weight: of all of them together.
        excess: f32 [4], by how much its box differs from what the context expects.
        inside: f32 [S, 4], its strokes' boxes in its own.
        deviation: f32 [S, 2], of these boxes' centres.
        coefficients: f32 [S, SHAPE_SIZE], of their shapes.
        rank: f32 [S], order in which they are written.
        before: f32 [S], share of the parent's other strokes written before each; None where it was never met there.
        elsewhere: boxes and weights of a single stroke that was never met there; None for all else.
    """

    weight: float
    excess: F32
    inside: F32
    deviation: F32
    coefficients: F32
    rank: F32
    before: F32 | None
    elsewhere: tuple[F32, F32] | None


def _expected(node: Node, context: F32, layout: F32 | None, met: _Met | None) -> NodeExpectation:
    count = node.count
    slot = (node.step - 1) % SLOTS if node.step else 0
    before = np.full(count, float(slot > 0), np.float32)
    if met is None:
        rank = np.arange(count, dtype=np.float32)
        spread = np.zeros((count, 2), np.float32)
        box = context if layout is None else layout
        return NodeExpectation(node, context, layout, box, 0.0, None, spread, rank, before, met_here=False)
    box = applied(context, met.excess)
    if layout is not None:  # neither knows all: one the component, the other what stands beside it
        box = ((box + layout) / 2).astype(np.float32)
    elif met.elsewhere is not None:
        box = proportioned(box, *met.elsewhere)
    places = np.empty((count, PLACE_SIZE), np.float32)
    places[:, :4] = laid_out(box, met.inside)
    places[:, 4:] = met.coefficients
    met_here = met.before is not None
    return NodeExpectation(
        node, context, layout, box, met.weight, places, met.deviation, met.rank,
        before if met.before is None else met.before, met_here,
    )  # fmt: skip


@lru_cache(maxsize=1)
def load_components() -> ComponentLibrary:
    """Return the component library that ships with hierbrush, read once a process."""
    return ComponentLibrary.load()
