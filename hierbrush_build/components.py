"""Builds component library and layouts from the drawings of training characters.

``python -m hierbrush_build.components``, five minutes and 6 GB. How BLAS rounds depends on its number of threads, and
so do the last digits of the layouts, by 6e-8 at most.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component
from hierbrush.characters.repertoire import IN_PLACE
from hierbrush.composer import joints, sharing, stored
from hierbrush.composer.boxes import WHOLE, absolute, difference, relative_to, union
from hierbrush.composer.components import FILE, ComponentLibrary
from hierbrush.composer.drawings import Drawing, further_drawings, training_drawings
from hierbrush.composer.exemplars import renumbered
from hierbrush.composer.sharing import Sharings
from hierbrush.composer.tree import ComponentForm, Node, form_of, in_order_of, nodes_of

F32 = NDArray[np.float32]


class _Occurrence(NamedTuple):
    """A component of a drawing while the library is built; ``span``, ``relative`` and ``box`` as in the library."""

    form: ComponentForm
    drawing: Drawing
    node: Node
    span: tuple[int, int, int, int]
    relative: F32
    box: F32


def build_components(drawings: Sequence[Drawing], layouts: Sharings) -> ComponentLibrary:
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
            box = union(placed[node.first : node.first + node.count, :4])
            around = union(placed[parent.first : parent.first + parent.count, :4]) if node.parent >= 0 else WHOLE
            span = start + node.first, node.count, start + parent.first, parent.count
            occurrences.append(_Occurrence(form, drawing, node, span, relative_to(around, box), box))
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
            around = context[span[2], span[3]] if node.parent >= 0 else WHOLE
            here = absolute(around, library.context(node, char))
            context[span[0], span[1]] = here
            library.excess[at] = difference(here, box)
    return library


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
    return in_order_of(ComponentForm(leaf.name, leaf.name, order), leaf.strokes, types)


def main() -> None:
    """Build the files."""
    drawings = [*training_drawings(), *further_drawings()]
    # A component cut out of a larger character fills a part of its box only: no example of how parts share a whole one.
    tensors, names = sharing.build([drawing for drawing in drawings if drawing.repertoire.typeface != IN_PLACE])
    stored.write(sharing.FILE, tensors, {"names": names})
    components = build_components(drawings, sharing.Sharings(tensors, names))
    stored.write(FILE, components.tensors(), components.strings())
    stored.write(joints.FILE, joints.build(drawings, components), {"strokes": len(components.strokes)})
    print(f"{FILE}: {len(drawings)} drawings, {len(components.forms)} forms, {len(components.char)} occurrences")


if __name__ == "__main__":
    main()
