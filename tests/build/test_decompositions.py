"""Rules of the decompositions, each on characters of the library or on boxes drawn here."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.characters import Component, load_library
from hierbrush.characters.data_file import DataFile
from hierbrush.characters.library import DATA_FILE
from hierbrush_build.characters.cuts import CutOption, Features, GlyphCut, candidates, identify, options
from hierbrush_build.characters.decompositions import choose, learn
from hierbrush_build.characters.frames import FRAME_OPERATORS, FRAMES, arrange
from hierbrush_build.characters.hints import Hint, hints_of
from hierbrush_build.characters.labels import Label
from hierbrush_build.characters.matching import CUT_OUTS, GlyphStrokes, Matcher
from hierbrush_build.characters.sources import Sources
from hierbrush_build.characters.trees import build_trees

CHARS = "王刂班口犬吅器一大羊美木林土吉女好日旦丿乙亿夫二人十亠小京衣哀中衷目葉"


def read(chars: str) -> tuple[Sources, dict[str, list[Label]]]:
    file, library = DataFile(DATA_FILE), load_library()
    paths, labels = {}, {}
    for char in chars:
        row = file.index(char)
        if row is not None:
            paths[char] = tuple(file.geometry(row))
            labels[char] = [Label(kind, "cnchar") for kind in library.stroke_types(char)]
    return Sources(paths, {}, {}), labels


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    strokes = GlyphStrokes(*read(CHARS))
    return Matcher(strokes, strokes.exemplars())


def ways(matcher: Matcher, char: str) -> list[CutOption]:
    sides: dict[int, list[tuple[str, tuple[int, ...]]]] = {}
    for side in sorted({side for cut in candidates(len(matcher.strokes.points[char])) for side in cut}):
        sides.setdefault(len(side), []).append((char, side))
    return options(char, matcher, matcher.match_all(sides), ())


def shown(options: list[CutOption]) -> set[str]:
    return {option.operator + "".join(name or "?" for name in option.names) for option in options}


def test_a_component_between_two_equal_ones_makes_three_parts(matcher: Matcher) -> None:
    assert "⿲王?王" in shown(ways(matcher, "班"))


def test_a_belt_under_a_lid_makes_three_parts(matcher: Matcher) -> None:
    assert "⿳亠口小" in shown(ways(matcher, "京"))


def test_clothes_are_one_component_around_another(matcher: Matcher) -> None:
    found = shown(ways(matcher, "哀"))
    assert "⿻衣口" in found
    assert not any(way.startswith("⿳") for way in found)


def test_small_characters_do_not_fall_apart_into_single_strokes(matcher: Matcher) -> None:
    assert ways(matcher, "土") == ways(matcher, "王") == []


def test_sides_that_cross_are_no_sides(matcher: Matcher) -> None:
    assert "⿰二人" not in shown(ways(matcher, "夫"))


def test_a_form_that_is_no_character_is_known_by_a_cut_out() -> None:
    strokes = GlyphStrokes(*read("美葉大木"))
    names = {(exemplar.name, len(exemplar.types)) for exemplar in strokes.exemplars()}
    assert {("羊", 6), ("艹", 4)} <= names


@pytest.mark.parametrize("name", CUT_OUTS)
def test_cut_outs_are_strokes_of_their_characters(name: str) -> None:
    library = load_library()
    for place in CUT_OUTS[name]:
        (exemplar,) = [e for e in GlyphStrokes(*read(place[0])).exemplars() if e.name == name and e.source == place[0]]
        assert 2 <= len(exemplar.types) < len(library[place[0]].strokes)


def test_a_character_is_no_exemplar_of_its_own_parts(matcher: Matcher) -> None:
    side = ("美", (0, 1, 2, 3, 4, 5))
    name, error = identify(side, matcher, matcher.match_all({6: [side]}), ())
    assert (name, error > 0.02) != ("羊", False)


def box(left: float, bottom: float, right: float, top: float) -> list[float]:
    return [left, bottom, right, top]


@pytest.mark.parametrize(
    ("first", "second", "names", "operator"),
    [
        (box(0, 0, 400, 900), box(450, 0, 900, 900), ("木", "目"), "⿰"),
        (box(0, 500, 900, 900), box(0, 0, 900, 450), ("木", "目"), "⿱"),
        (box(0, 0, 900, 900), box(300, 0, 900, 600), ("厂", "目"), "⿸"),
        (box(0, 0, 900, 900), box(300, 0, 900, 600), ("木", "目"), None),
        (box(0, 0, 900, 900), box(300, 300, 800, 900), ("走", "目"), "⿺"),
    ],
)
def test_boxes_and_frames_say_how_sides_lie(
    first: list[float], second: list[float], names: tuple[str, str], operator: str | None
) -> None:
    arranged = arrange(np.array([first, second]), (0,), (1,), {(0,): names[0], (1,): names[1]}, gap=False)
    assert (arranged and arranged[0]) == operator


def test_a_component_may_frame_in_several_ways() -> None:
    assert FRAME_OPERATORS["風"] == ("⿺", "⿵")
    assert set(FRAME_OPERATORS) == set("".join(FRAMES.values()))


def test_a_hint_infers_the_strokes_of_the_part_that_is_missing() -> None:
    sources, _ = read("林木美大")
    told = Sources(sources.paths, {}, {"林": ((("木", 30), ("木", 40)),), "美": ((("𦍌", 10), ("大", 20)),)})
    assert hints_of("林", told, {"木": 4}) == [Hint((4, 4), frozenset("木"), True)]
    assert hints_of("美", told, {"大": 3}) == [Hint((6, 3), frozenset("羊大"), False)]
    assert hints_of("大", told, {}) == []


def option(names: tuple[str | None, str | None], **features: float) -> CutOption:
    blank = dict.fromkeys(Features._fields, 0.0)
    return CutOption("⿰", ((0,), (1,)), names, (0.0, 0.0), Features(**(blank | features)), False)


def test_what_is_familiar_elsewhere_is_cheaper() -> None:
    near = {char: [option(("木", char), error=0.1)] for char in "甲乙丙丁"}
    chosen = choose({**near, "戊": [option(("金", "水"), error=0.19), option(("木", "水"), error=0.2)]})
    assert chosen["戊"].names == ("木", "水")


def test_what_costs_too_much_stays_whole() -> None:
    assert choose({"甲": [option(("木", None), overlap=1.0, anonymous_size=1.0)], "乙": []}) == {}


def test_forms_are_learned_in_their_places(matcher: Matcher) -> None:
    strokes = GlyphStrokes(*read("林村材杆相目寸干"))
    sides = {
        char: CutOption("⿰", ((0, 1, 2, 3), (4, 5, 6)), ("木", None), (0.0, 0.0), Features(*[0] * 12), False)
        for char in "村材杆"
    }
    learned = learn(strokes, {char: way.cut(0.0) for char, way in sides.items()})
    assert [(exemplar.name, len(exemplar.types)) for exemplar in learned] == [("木", 4)]


def test_sides_without_a_name_are_made_of_named_ones() -> None:
    strokes = GlyphStrokes(*read("好女子"))
    top = GlyphCut("⿱", ((0, 1, 2, 3, 4), (5,)), (None, None), (0.0, 0.0), 0.0, "mined")
    inside = GlyphCut("⿰", ((0, 1, 2), (3, 4)), ("女", "了"), (0.0, 0.0), 0.0, "mined")
    trees, anonymous = build_trees(strokes, {"好": top}, {("好", (0, 1, 2, 3, 4)): inside})
    assert trees["好"].operator == "⿱"
    assert trees["好"].children[0].operator == "⿰"
    assert chr(trees["好"].children[1].name) == "一"
    assert trees["女"].strokes == (0, 1, 2)
    assert anonymous


@pytest.mark.parametrize(
    ("char", "tree"),
    [
        ("美", "⿱羊大"), ("摩", "⿸麻手"), ("載", "⿹𢦏車"), ("行", "⿰彳亍"),
    ],
)  # fmt: skip
def test_the_shipped_trees_know_the_rules(char: str, tree: str) -> None:
    top = load_library().decomposition(char)
    assert top.operator + "".join(child.name for child in top.children) == tree


def test_no_shipped_leaf_is_a_lone_stroke_of_a_small_character() -> None:
    library = load_library()
    assert all(library.decomposition(char).is_leaf for char in "王土木口女")
    assert isinstance(library.decomposition("王"), Component)
