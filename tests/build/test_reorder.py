"""Further drawings in a corrected order, on drawings made here."""

from __future__ import annotations

import numpy as np

from hierbrush.characters import load_library
from hierbrush.characters.orders import load_order_reference
from hierbrush.composer.drawings import FurtherDrawing, further_drawings
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.sources import Request, plans_of
from hierbrush_build.characters.corrections import load_corrections
from hierbrush_build.fitting.reorder import reordered


def test_the_strokes_of_a_corrected_component_are_put_in_order() -> None:
    right = load_library().stroke_types("韋")
    types = ("D", "D", "T", right[1], right[0], *right[2:])
    places = np.repeat(np.arange(12, dtype=np.float32)[:, None], PLACE_SIZE, axis=1)
    drawing = FurtherDrawing("湋", 1, "⿰氵韋", tuple(range(12)), places, types)
    corrections = load_corrections()
    after = reordered(drawing, corrections)
    assert after.stroke_types == ("D", "D", "T", *right)
    assert after.places[:, 0].tolist() == [0, 1, 2, 4, 3, *range(5, 12)], "places go with their strokes"
    assert after.order == drawing.order, "numbers are those of the description"
    assert reordered(after, corrections) is after, "what is in order stays as it is"


def test_parts_beside_and_above_each_other_are_written_as_they_are_numbered() -> None:
    types = load_library().stroke_types("塞")
    order = (*range(12), 13, 12, 14)
    places = np.repeat(np.arange(15, dtype=np.float32)[:, None], PLACE_SIZE, axis=1)
    written = tuple(("P", "S", *types)[number] for number in order)
    after = reordered(FurtherDrawing("僿", 1, "⿰亻塞", order, places, written), load_corrections())
    assert after.order == tuple(range(15))
    assert after.stroke_types == ("P", "S", *types)
    assert after.places[:, 0].tolist() == list(order)


def test_no_further_drawing_that_ships_is_in_an_order_that_was_corrected() -> None:
    library = load_library()
    corrections = load_corrections()
    drawn = {drawing.char: drawing for drawing in further_drawings()}
    for char in "兜夔燮虐衙躞":
        assert drawn[char].stroke_types == library.stroke_types(char)
        assert char in corrections
    assert drawn["僿"].stroke_types[2:] == library.stroke_types("塞")


def test_the_composer_has_learned_the_corrected_order() -> None:
    # 僿, fitted in the order that the library of its time expected, had taught it to write 土 as 竖横横.
    reference = load_order_reference()
    chars = "塞噻陧韋"
    for char, plan in zip(chars, plans_of(chars, Request("decomposition")), strict=True):
        written = tuple(goal.stroke_type for goal in plan.goals)
        assert reference.agrees(char, written, "prc"), f"{char}: {' '.join(written)}"
