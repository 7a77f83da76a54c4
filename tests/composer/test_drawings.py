"""Drawings of training characters, those of the library and further ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from hierbrush.characters import load_library, split
from hierbrush.characters.repertoire import TYPEFACES
from hierbrush.composer.drawings import Drawing, FurtherDrawing, drawing_of, further_drawings, pack
from hierbrush.composer.place import PLACE_SIZE, stroke_goals
from hierbrush.errors import HierbrushError
from hierbrush.metrics import SIDE
from hierbrush.metrics.recognition import GlyphIndex
from hierbrush.sim import rasterise

LIBRARY = load_library()


@pytest.fixture(scope="module")
def shipped() -> list[Drawing]:
    return further_drawings()


def test_no_test_or_validation_character_is_drawn(shipped: list[Drawing]) -> None:
    assert len(shipped) > 10_000
    assert {split(drawing.char) for drawing in shipped} == {"train"}


def test_further_drawings_are_other_characters_or_in_another_typeface(shipped: list[Drawing]) -> None:
    again = [drawing for drawing in shipped if drawing.char in LIBRARY]
    assert len(again) > 2000
    assert {TYPEFACES[drawing.repertoire.typeface] for drawing in again} == {"KaitiM Big5"}
    assert len({drawing.char for drawing in shipped}) == len(shipped)


def test_drawings_are_whole(shipped: list[Drawing]) -> None:
    for drawing in shipped:
        count = len(drawing.stroke_types)
        assert sorted(drawing.tree.strokes) == list(range(count))
        assert drawing.places.shape == (count, PLACE_SIZE)
        assert (drawing.places[:, 2:4] > 0).all()


def test_none_looks_like_a_test_character(shipped: list[Drawing]) -> None:
    held_out = [char for char in LIBRARY if split(char) == "test"][::7]
    index = GlyphIndex(
        rasterise([stroke.outline for stroke in LIBRARY[char].strokes], SIDE, supersample=1) for char in held_out
    )
    inks = []
    for drawing in shipped[::60]:
        widths = np.zeros(len(drawing.stroke_types), np.float32)
        goals = stroke_goals(drawing.stroke_types, drawing.places, widths)
        inks.append(rasterise([goal.outline for goal in goals], SIDE, supersample=1))
    assert index.ious(inks).max() < 0.65


def test_what_is_packed_is_read(tmp_path: Path) -> None:
    own = drawing_of("语", LIBRARY)
    again = FurtherDrawing("语", 1, "", tuple(range(9)), own.places, own.stroke_types)
    types = ("H", "H", "S", "T", "H", "S", "H")
    other = FurtherDrawing("𤣰", 2, "⿰王土", (0, 1, 2, 3, 4, 6, 5), own.places[:7], types)
    tensors, strings = pack([again, other])
    path = tmp_path / "drawings.safetensors"
    save_file(tensors, path)
    path.with_suffix(".json").write_text(json.dumps(strings))
    first, second = further_drawings(path)
    assert (first.char, first.tree, first.stroke_types) == ("语", own.tree, own.stroke_types)
    np.testing.assert_allclose(first.places, own.places, atol=2e-3)
    assert [child.name for child in second.tree.children] == ["王", "土"]
    assert second.tree.children[1].strokes == (4, 5, 6)
    assert second.repertoire.typeface == 2


def test_file_that_holds_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "drawings.safetensors"
    save_file({"places": np.zeros((3, PLACE_SIZE), np.float32)}, path)
    with pytest.raises(HierbrushError, match="holds no drawings"):
        further_drawings(path)
