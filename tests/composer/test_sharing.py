"""Sharings: how two parts share a character's box."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hierbrush.characters import Component, load_library, split
from hierbrush.characters.repertoire import repertoire
from hierbrush.composer.brief import brief_of, truth_of
from hierbrush.composer.drawings import Drawing, drawing_of
from hierbrush.composer.sharing import LEAST, Sharings, build, load_sharings
from hierbrush.errors import HierbrushError


def drawings(chars: str) -> list[Drawing]:
    return [drawing_of(char, load_library()) for char in chars]


@pytest.fixture(scope="module")
def side_by_side() -> str:
    """Some training characters of two parts side by side."""
    library = load_library()
    found = (char for char in library.characters if split(char) == "train")
    chosen = [char for char in found if library.decomposition(char).operator == "⿰"]
    return "".join(chosen[:60])


def test_left_out_character_is_expected_as_if_it_had_never_been_seen(side_by_side: str) -> None:
    everyone = Sharings(*build(drawings(side_by_side)))
    for char in side_by_side[:5]:
        own = drawing_of(char, load_library())
        others = Sharings(*build(drawings(side_by_side.replace(char, ""))))
        without = others.boxes(own.tree, own.stroke_types, repertoire=own.repertoire)
        assert without is not None
        # Not exactly, since the mean and the deviation of the targets have moved a little.
        told = own.tree, own.stroke_types, char, own.repertoire
        assert everyone.boxes(*told) == pytest.approx(without, abs=2e-3)
        assert everyone.boxes(own.tree, own.stroke_types) != pytest.approx(without, abs=2e-3)


def test_drawings_of_one_character_are_left_out_together(side_by_side: str) -> None:
    char, others = side_by_side[0], drawings(side_by_side[1:])
    own = drawing_of(char, load_library())
    twin = replace(own, repertoire=repertoire(char, 1), places=own.places + np.float32(0.02))
    twice, once = (Sharings(*build([*others, *more])) for more in ((own, twin), (own,)))
    left_out = [layouts.boxes(own.tree, own.stroke_types, char, own.repertoire) for layouts in (twice, once)]
    assert left_out[0] == pytest.approx(left_out[1], abs=2e-3)


def test_wide_neighbour_makes_room_scarce() -> None:
    library, layouts = load_library(), load_sharings()
    widths = {}
    for char in "汀灘":  # 氵 beside two strokes, and beside nineteen
        boxes = layouts.boxes(library.decomposition(char), library.stroke_types(char))
        assert boxes is not None
        widths[char] = float(boxes[0, 2])
    assert widths["灘"] < widths["汀"]


def test_validation_characters_are_laid_out_better_than_by_their_operator() -> None:
    library, layouts = load_library(), load_sharings()
    chars = [char for char in library.characters if split(char) == "validation"]
    chars = [char for char in chars if library.decomposition(char).operator == "⿰"][:100]
    expected, true = [], []
    for char in chars:
        tree, places = brief_of(char).tree, truth_of(char).places
        boxes = layouts.boxes(tree, brief_of(char).stroke_types, char, repertoire(char))
        assert boxes is not None
        expected.append(boxes)
        rows = [places[list(child.strokes), :4] for child in tree.children]
        low = np.array([(row[:, :2] - row[:, 2:] / 2).min(axis=0) for row in rows])
        high = np.array([(row[:, :2] + row[:, 2:] / 2).max(axis=0) for row in rows])
        true.append(np.concatenate([(low + high) / 2, high - low], axis=1))
    answers, truth = np.array(expected), np.array(true)
    error = np.abs(answers - truth).mean(axis=0)
    scatter = np.abs(truth - truth.mean(axis=0)).mean(axis=0)
    assert (error < 0.75 * scatter).all()
    assert error.mean() < 0.3 * scatter.mean()


def test_says_nothing_of_what_has_not_two_parts() -> None:
    layouts = load_sharings()
    assert layouts.boxes(Component("永", "", tuple(range(5))), ["D", "HZG", "HP", "P", "N"]) is None
    library = load_library()
    three = next(char for char in library.characters if library.decomposition(char).operator == "⿲")
    assert layouts.boxes(library.decomposition(three), library.stroke_types(three)) is None


def test_rare_operator_is_left_to_the_library(side_by_side: str) -> None:
    tensors, names = build(drawings(side_by_side[: LEAST - 1]))
    assert not tensors
    assert not names


def test_file_that_holds_none_is_named(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / "layouts.safetensors"
    save_file({"⿰.chars": np.zeros(3, np.float32)}, path)
    path.with_suffix(".json").write_text('{"names": []}')
    with pytest.raises(HierbrushError, match="holds no layouts"):
        Sharings.load(path)
