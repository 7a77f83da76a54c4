"""How components are written as parts of training characters."""

from __future__ import annotations

from hierbrush.characters.orders import order_classes
from hierbrush.composer.exemplars import exemplars


def test_a_part_is_written_as_training_characters_write_it() -> None:
    part = exemplars().part("五")
    assert part is not None
    assert order_classes(part.stroke_types) == "1251"
    assert exemplars().part("五", "1111") is None
    assert exemplars().part("㐀") is None


def test_a_part_is_written_alike_in_like_places() -> None:
    # Only 辨 辩 辫 瓣 have 辛 at the left: its last stroke is a 撇 there, and in 辣.
    form = exemplars().form("辛", "⿰", 0)
    assert form is not None
    assert order_classes(form.stroke_types) == "4143113"
