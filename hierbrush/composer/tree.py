"""Trees of components as the composer reads them: nodes with their surroundings, and forms with ordered strokes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hierbrush.characters import Component
from hierbrush.strokes.types import NUMBER

OPERATORS = "⿰⿱⿲⿳⿴⿵⿶⿷⿸⿹⿺⿻"
SLOTS = 3

ROOT_STEP = 0


def step_code(operator: str, slot: int) -> int:
    """Return a number for a place in a parent: 0 for the root, else from operator and slot, at most the third."""
    return 1 + OPERATORS.index(operator) * SLOTS + min(slot, SLOTS - 1) if operator in OPERATORS else ROOT_STEP


@dataclass(frozen=True)
class ComponentForm:
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


def form_of(node: Node, canonical_types: Sequence[str]) -> ComponentForm:
    """Return the form of a node of a tree with canonical strokes of the given types."""
    types = tuple(canonical_types[node.first : node.first + node.count])
    return ComponentForm(node.component.name, str(node.component), types)


def in_order_of(form: ComponentForm | None, strokes: Sequence[int], types: Sequence[str]) -> list[int]:
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
