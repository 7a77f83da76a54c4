"""Characters with one component in another of its forms: 艹 of four strokes for three, the 发 of 泼 for that of 拔.

Training characters may have several forms of a component under one name, and no table of decompositions tells which of
them a character has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hierbrush.characters import Component
from hierbrush.characters.orders import order_classes
from hierbrush.composer.exemplars import Exemplars, Form, renumbered


def reformed(tree: Component, stroke_types: Sequence[str], known: Exemplars) -> Iterator[Form]:
    """Yield a character once for every component and every other form of it that training characters have.

    Args:
        tree: a decomposition.
        stroke_types: types of its strokes.
        known: the forms.
    """
    for node in _parts(tree):
        own = order_classes(stroke_types[stroke] for stroke in node.strokes)
        for form in known.forms(node.name):
            if order_classes(form.stroke_types) != own:
                yield _with_form(tree, stroke_types, node, form)


def _parts(tree: Component) -> Iterator[Component]:
    for child in tree.children:
        yield child
        yield from _parts(child)


def _with_form(tree: Component, stroke_types: Sequence[str], part: Component, form: Form) -> Form:
    """Return a character with a part in another form, its strokes numbered leaf by leaf."""
    types: list[str] = []

    def rebuilt(node: Component) -> Component:
        if node is part or node.is_leaf:
            first = len(types)
            types.extend(form.stroke_types if node is part else [stroke_types[stroke] for stroke in node.strokes])
            whole = form.tree if node is part else node
            return renumbered(whole, {stroke: first + at for at, stroke in enumerate(sorted(whole.strokes))})
        children = tuple(rebuilt(child) for child in node.children)
        strokes = sorted(stroke for child in children for stroke in child.strokes)
        return Component(node.name, node.operator, tuple(strokes), children)

    return Form(rebuilt(tree), tuple(types))
