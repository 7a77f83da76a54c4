"""What the composer is told, and that it is told nothing of the answer."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from hierbrush.characters import Component, load_library, split
from hierbrush.characters.repertoire import IN_PLACE, TYPEFACES, Repertoire
from hierbrush.composer.brief import (
    TOKEN_SIZE,
    brief_from_ids,
    brief_of,
    make_brief,
    truth_of,
)
from hierbrush.composer.components import ComponentLibrary, load_components
from hierbrush.composer.exemplars import renumbered
from hierbrush.composer.ids import MOST_STROKES
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.errors import HierbrushError

LIBRARY = load_library()
TEST = [char for char in LIBRARY if split(char) == "test"][::40]


@pytest.mark.parametrize("char", ["永", "国", "語", *TEST])
def test_a_brief_covers_every_stroke_once(char: str) -> None:
    brief = brief_of(char)
    strokes = len(LIBRARY.stroke_types(char))
    assert len(brief) == strokes
    assert Counter(brief.stroke_types) == Counter(LIBRARY.stroke_types(char))
    assert brief.tokens.shape == (strokes, TOKEN_SIZE)
    assert brief.prior.shape == (strokes, PLACE_SIZE)
    assert brief.tree.strokes == tuple(range(strokes))
    assert np.isfinite(brief.tokens).all()
    assert np.isfinite(brief.prior).all()
    assert (brief.prior[:, 2:4] > 0).all()
    assert sorted(brief.library_order) == list(range(strokes))


@pytest.mark.parametrize("char", TEST)
def test_the_truth_is_in_the_rows_of_the_brief(char: str) -> None:
    brief, truth = brief_of(char), truth_of(char)
    assert tuple(brief.stroke_types[row] for row in truth.order) == LIBRARY.stroke_types(char)
    for row, stroke in zip(truth.order, LIBRARY[char].strokes, strict=True):
        left, top, right, bottom = stroke.goal().box
        assert truth.places[row, :2] == pytest.approx([(left + right) / 2, (top + bottom) / 2], abs=1e-5)


def relabelled(tree: Component, types: tuple[str, ...], seed: int) -> tuple[Component, tuple[str, ...]]:
    """Return the character with its strokes numbered in another order."""
    numbers = np.random.default_rng(seed).permutation(len(types)).tolist()
    other = [""] * len(types)
    for stroke, number in enumerate(numbers):
        other[number] = types[stroke]
    return renumbered(tree, dict(enumerate(numbers))), tuple(other)


@pytest.mark.parametrize("char", TEST)
def test_no_feature_depends_on_the_order_of_writing(char: str) -> None:
    tree, types = LIBRARY.decomposition(char), LIBRARY.stroke_types(char)
    known, _ = make_brief(tree, types, exclude=char)
    for seed in range(3):
        shuffled, _ = make_brief(*relabelled(tree, types, seed), exclude=char)
        assert shuffled.stroke_types == known.stroke_types
        assert np.array_equal(shuffled.tokens, known.tokens)
        assert np.array_equal(shuffled.prior, known.prior)


def test_the_component_library_knows_training_characters_only() -> None:
    characters = {chr(code) for code in np.unique(load_components().char).tolist()}
    assert {split(char) for char in characters} == {"train"}
    assert characters > {char for char in LIBRARY if split(char) == "train"}


@pytest.mark.parametrize("char", ["语", "国", "盟"])
def test_a_training_character_is_told_nothing_of_itself(char: str) -> None:
    """Changing its own strokes in the component library changes nothing in its brief."""
    components = load_components()
    strokes = components.strokes.copy()
    for first, count, *_ in components.span[components.char == ord(char)].tolist():
        strokes[first : first + count, :4] = 0.9
    own = components.char == ord(char)
    excess = np.where(own[:, None], np.float32(3), components.excess)
    spoilt = replace(components, strokes=strokes, excess=excess)
    assert np.array_equal(brief_of(char, components=spoilt).tokens, brief_of(char).tokens)


def test_a_description_is_a_brief_too() -> None:
    brief = brief_from_ids("⿰木月")
    assert len(brief) == 8
    assert brief.unknown == ()
    wood, moon = brief.tree.children
    assert brief.prior[list(wood.strokes), 0].max() < brief.prior[list(moon.strokes), 0].min() + 0.1
    assert set(brief.library_order[:4]) == set(wood.strokes)


def test_a_described_character_is_drawn_for_what_its_code_point_says() -> None:
    # 羣 is in Big5 and not in GB 2312; the description alone is drawn as the commonest are.
    told, untold = brief_from_ids("⿱君羊", char="羣"), brief_from_ids("⿱君羊")
    assert (told.tokens != untold.tokens).any()
    assert told.stroke_types == untold.stroke_types


def test_too_many_strokes_are_refused() -> None:
    types = ("H",) * (MOST_STROKES + 1)
    with pytest.raises(HierbrushError, match="expected at most 128"):
        make_brief(Component("#1", "", tuple(range(len(types)))), types)


def test_an_unknown_component_is_named_and_still_gets_a_place() -> None:
    brief, _ = make_brief(Component("#999999", "", (0, 1, 2)), ("S", "H", "H"))
    assert brief.unknown == ("#999999",)
    assert (brief.prior[:, 2:4] > 0).all()


def test_a_list_tells_the_order_within_unknown_components_and_nothing_else() -> None:
    tree = Component(
        "⿰木?", "⿰", tuple(range(7)), (Component("木", "", (0, 1, 2, 3)), Component("#?", "", (4, 5, 6)))
    )
    types = ("H", "S", "P", "D", "S", "HZ", "H")
    one, _ = make_brief(tree, types, listed=True)
    other, order = make_brief(*swapped(tree, types, 4, 6), listed=True)
    assert one.stroke_types[4:] == ("S", "HZ", "H")
    assert other.stroke_types[4:] == ("H", "HZ", "S")
    assert order[4:] == [4, 5, 6]
    unlisted, _ = make_brief(tree, types)
    assert np.array_equal(make_brief(*swapped(tree, types, 4, 6))[0].tokens, unlisted.tokens)
    # Known components keep the library's order, whatever they are numbered.
    assert np.array_equal(make_brief(*swapped(tree, types, 0, 1), listed=True)[0].tokens, one.tokens)


def swapped(tree: Component, types: tuple[str, ...], a: int, b: int) -> tuple[Component, tuple[str, ...]]:
    """Return the character with two of its strokes numbered the other way round."""
    numbers = {**{stroke: stroke for stroke in tree.strokes}, a: b, b: a}
    return renumbered(tree, numbers), tuple(types[numbers[stroke]] for stroke in range(len(types)))


def test_the_repertoire_is_part_of_what_is_told() -> None:
    tree, types = LIBRARY.decomposition("明"), LIBRARY.stroke_types("明")
    here, there = (make_brief(tree, types, repertoire=Repertoire(number))[0].tokens for number in (0, 1))
    differs = (here != there).any(axis=0)
    assert differs[-9:-6].tolist() == [True, True, False]
    assert not differs[-6:].any()
    # 門 stands in Big5 and not in GB 2312, and so does what is made of it.
    assert np.array_equal(brief_from_ids("⿵門月").tokens[0, -9:], [0, 1, 0, 1, 0, 0, 0, 1, 0])
    assert np.array_equal(brief_from_ids("⿵门月").tokens[0, -9:], [1, 0, 0, 0, 1, 0, 0, 1, 0])


def test_what_was_cut_out_of_a_character_is_expected_where_it_stands_there() -> None:
    # 斦, which no typeface draws, is the upper part of 質.
    expected, whole = brief_of("斦").prior, LIBRARY["質"]
    part = next(child for child in whole.decomposition.children if len(child.strokes) == 8)
    outlines = np.concatenate([whole.strokes[stroke].outline for stroke in part.strokes])
    low = (expected[:, :2] - expected[:, 2:4] / 2).min(axis=0)
    high = (expected[:, :2] + expected[:, 2:4] / 2).max(axis=0)
    np.testing.assert_allclose([*low, *high], [*outlines.min(axis=0), *outlines.max(axis=0)], atol=0.01)
    # It has no typeface, though what it is put together from has.
    assert not brief_of("斦").tokens[:, -9:-6].any()


def test_radicals_forms_of_ukai_are_expected_where_they_stand_in_characters() -> None:
    box = brief_of("訁").prior[:, :4]
    assert (box[:, 0] + box[:, 2] / 2).max() < 0.5  # on the left
    box = brief_of("⺮").prior[:, :4]
    assert (box[:, 1] + box[:, 3] / 2).max() < 0.5  # above


def test_what_was_cut_out_of_no_known_character_is_expected_like_any_other() -> None:
    tree, types = LIBRARY.decomposition("犾"), LIBRARY.stroke_types("犾")
    in_place, drawn = (
        make_brief(tree, types, repertoire=Repertoire(typeface, 0, 0), exclude="犾")[0].prior[:, :4]
        for typeface in (IN_PLACE, TYPEFACES.index("UKai"))
    )
    np.testing.assert_allclose(in_place, drawn, atol=0.02)


def test_stroke_by_itself_keeps_its_proportions() -> None:
    # No training character is 一, and contexts alone would have it as high as half its width.
    (_, _, width, height) = brief_of("一").prior[0, :4]
    assert width > 0.7
    assert height < 0.25 * width


def test_what_was_met_more_often_says_which_of_two_comes_first() -> None:
    # Inside 辶, where it was met, 召 comes first; 走 was met with much else that it comes before.
    brief = brief_from_ids("⿺走召")
    assert list(brief.library_order) == list(range(12))


def test_parts_of_a_stack_never_met_there_do_not_mingle() -> None:
    brief = brief_of("器")
    assert list(brief.library_order) == list(range(16))


@pytest.mark.parametrize("frame", ["辶", "廴"])
def test_what_a_frame_holds_is_ordered_by_the_frame(frame: str) -> None:
    """No training character has so strange a part there, but each has its inside before the frame."""
    brief = brief_from_ids(f"⿺{frame}{{S HZ H S HZ H}}")
    outside, inside = brief.tree.children
    assert list(brief.library_order) == [*inside.strokes, *outside.strokes]


def test_library_of_other_shapes_says_how_to_rebuild_it(tmp_path: Path) -> None:
    tensors = load_components().tensors()
    path = tmp_path / "components.safetensors"
    save_file({**tensors, "strokes": np.ascontiguousarray(tensors["strokes"][:, :-4])}, path)
    path.with_suffix(".json").write_text(json.dumps(load_components().strings()))
    with pytest.raises(HierbrushError, match=r"rebuild it with python -m hierbrush_build\.components"):
        ComponentLibrary.load(path)


@pytest.mark.parametrize("char", list("圹塋瑩魅"))
def test_occurrences_written_in_two_ways_are_not_averaged(char: str) -> None:
    # A mean of two orders wrote 圹 as the first half of 土, 广, and the rest of 土.
    np.testing.assert_array_equal(brief_of(char).library_order, truth_of(char).order)
