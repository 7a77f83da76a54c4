"""Characters with one component in another of its forms."""

from __future__ import annotations

from hierbrush.characters.orders import order_classes
from hierbrush.composer.exemplars import exemplars
from hierbrush.composer.ids import MOST_STROKES, parse_ids
from hierbrush.composer.reforming import reformed


def test_every_other_form_of_a_component_is_tried() -> None:
    form = parse_ids("⿰酉发", max_strokes=MOST_STROKES)
    found = list(reformed(form.tree, form.stroke_types, exemplars()))
    assert {"⿰酉发"} == {str(other.tree) for other in found}
    orders = {order_classes(other.stroke_types) for other in found}
    assert "125351153544" in orders
    assert order_classes(form.stroke_types) not in orders


def test_a_form_may_have_another_number_of_strokes() -> None:
    form = parse_ids("⿱艹⿰木目", max_strokes=MOST_STROKES)
    found = list(reformed(form.tree, form.stroke_types, exemplars()))
    longer = next(other for other in found if len(other.stroke_types) == len(form.stroke_types) + 1)
    assert [stroke for leaf in longer.tree.leaves() for stroke in leaf.strokes] == list(range(len(longer.stroke_types)))
    grass, rest = longer.tree.children
    assert len(grass.strokes) == 4
    assert [longer.stroke_types[stroke] for stroke in rest.strokes] == [
        form.stroke_types[stroke] for stroke in form.tree.children[1].strokes
    ]
