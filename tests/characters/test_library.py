"""The character file that ships with hierbrush."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely

from hierbrush.characters import CharacterLibrary, Component, UnknownCharacterError, load_library
from hierbrush.characters.library import DATA_FILE
from hierbrush.errors import HierbrushError
from hierbrush.strokes.types import ABBREVIATIONS, stroke_type
from hierbrush_build.characters.matching import CUT_OUTS


@pytest.fixture(scope="module")
def library() -> CharacterLibrary:
    return load_library()


def types(library: CharacterLibrary, char: str) -> str:
    return " ".join(library.stroke_types(char))


def test_all_characters_and_strokes_are_there(library: CharacterLibrary) -> None:
    assert len(library) == len(library.characters) == len(set(library)) == 9574
    assert library.stroke_count == 112_617
    assert "永" in library
    assert "龘" not in library
    assert "永和" not in library


def test_the_file_stays_small() -> None:
    assert DATA_FILE.stat().st_size < 7_000_000


def test_every_stroke_has_one_of_the_38_types_and_the_table_counts_them(library: CharacterLibrary) -> None:
    strokes: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for char in library:
        strokes.update(library.stroke_types(char))
        characters.update(set(library.stroke_types(char)))
    assert sum(strokes.values()) == 112_617
    for kind in ABBREVIATIONS:
        assert (stroke_type(kind).strokes, stroke_type(kind).characters) == (strokes[kind], characters[kind]), kind


def nodes(component: Component) -> list[Component]:
    return [component, *(node for child in component.children for node in nodes(child))]


def test_every_decomposition_covers_each_stroke_once(library: CharacterLibrary) -> None:
    for char in library:
        root = library.decomposition(char)
        assert root.name == char
        assert root.strokes == tuple(range(len(library.stroke_types(char))))
        for node in nodes(root):
            below = sorted(stroke for leaf in node.leaves() for stroke in leaf.strokes)
            assert tuple(below) == node.strokes
            assert list(node.strokes) == sorted(set(node.strokes)), "strokes stand in writing order"
            assert node.is_leaf == (node.operator == "")
            assert len(node.children) in ({0} if node.is_leaf else {3} if node.operator in "⿲⿳" else {2})
            if not node.is_anonymous and node.name not in CUT_OUTS and node.name != char:
                assert len(node.strokes) == len(library.stroke_types(node.name))


def test_enough_characters_are_taken_apart(library: CharacterLibrary) -> None:
    taken_apart = sum(not library.decomposition(char).is_leaf for char in library)
    assert taken_apart / len(library) >= 0.91


@pytest.mark.parametrize(
    ("char", "wanted"),
    [
        ("永", "D HZG HP P N"),
        ("一", "H"),
        ("十", "H S"),
        ("口", "S HZ H"),
        ("国", "S HZ H H S H D H"),
        ("乙", "HXWG"),
        ("飞", "HXG P D"),
        ("九", "P HZWG"),
        ("女", "PD P H"),
        ("心", "D BXG D D"),
        ("四", "S HZ P SW H"),
        ("山", "S SZ S"),
        ("马", "HZ SZWG H"),
        ("专", "H H SZP D"),
        ("凹", "S HZZ S HZ H"),
        ("朵", "P HZW H S P N"),
        ("江", "D D T H S H"),
        ("凸", "S H S HZZZ H"),
        ("阳", "HPWG S S HZ H H"),
    ],
)
def test_known_characters_have_the_strokes_of_the_standard(library: CharacterLibrary, char: str, wanted: str) -> None:
    # Between P and SP the standard draws no line; nor does this test.
    assert types(library, char).replace("SP", "P") == wanted


@pytest.mark.parametrize(
    ("char", "wanted"),
    [
        ("翰", "H S S HZ H H H S P N HZG D T HZG D T"),
        ("瀚", "D D T H S S HZ H H H S P N HZG D T HZG D T"),
        ("肠", "SP HZG H H HZZZG P P"),
        ("隨", "HPWG S H P H S H S HZG H H D HZZP TN"),
    ],
)
def test_corrected_characters_are_written_in_the_order_of_the_standard(
    library: CharacterLibrary, char: str, wanted: str
) -> None:
    assert types(library, char) == wanted
    assert {stroke.label_source for stroke in library[char].strokes} == {"corrected"}


def test_corrections_reorder_the_geometry_too(library: CharacterLibrary) -> None:
    centre = [stroke.outline.mean(axis=0) for stroke in library["翰"].strokes]
    assert all(x < 0.5 for x, _ in centre[:8]), "the left part comes first"
    assert all(y < 0.45 for _, y in centre[8:10]), "then 人 above"
    assert all(left[0] < right[0] for left, right in zip(centre[10:13], centre[13:16], strict=True)), "then 羽"
    turning = library["肠"].strokes[4].median
    assert len(turning) > len(library["肠"].strokes[5].median), "横折折折钩 before its 撇"
    falling, level = library["隨"].strokes[3].median, library["隨"].strokes[2].median
    assert np.ptp(falling[:, 1]) > np.ptp(falling[:, 0])
    assert np.ptp(level[:, 0]) > np.ptp(level[:, 1])


def test_decompositions_read_as_expected(library: CharacterLibrary) -> None:
    assert str(library.decomposition("林")) == "⿰木木"
    guo = library.decomposition("国")
    assert (guo.operator, [child.name for child in guo.children]) == ("⿴", ["囗", "玉"])
    assert guo.children[0].strokes == (0, 1, 7)
    guo = library.decomposition("过")
    assert (guo.operator, [child.name for child in guo.children]) == ("⿺", ["辶", "寸"])
    assert guo.children[0].strokes == (3, 4, 5), "children stand in the order of the operator, not of the writing"
    assert [child.name for child in library.decomposition("湖").children] == ["氵", "胡"]
    song = library.decomposition("頌")
    assert (song.operator, song.children[1].strokes) == ("⿰", tuple(range(4, 13))), "頁 stays whole"
    assert library.decomposition("一").is_leaf


def test_outlines_and_medians_fit_the_unit_box_and_each_other(library: CharacterLibrary) -> None:
    for char in library.characters[::97]:
        for stroke in library[char].strokes:
            assert stroke.outline.dtype == stroke.median.dtype == np.float32
            assert not stroke.outline.flags.writeable
            assert stroke.outline.min() > -0.05
            assert stroke.outline.max() < 1.05
            polygon = shapely.Polygon(stroke.outline).buffer(0.03)
            assert shapely.covers(polygon, shapely.LineString(stroke.median)), (char, stroke.stroke_type)


def test_paths_are_hanzi_writers_own(library: CharacterLibrary) -> None:
    assert library["永"].strokes[0].path == (
        "M 440 788 Q 497 731 535 718 Q 553 717 562 732 Q 569 748 564 767 Q 546 815 477 828 Q 438 841 421 834 "
        "Q 414 831 418 817 Q 421 804 440 788 Z"
    )
    # One of the few with half units.
    assert "61.5" in library["亅"].strokes[0].path


def test_goals_are_made_once(library: CharacterLibrary) -> None:
    stroke = library["永"].strokes[1]
    assert stroke.goal() is stroke.goal()
    assert stroke.goal().stroke_type == "HZG"


def test_an_unknown_character_is_named(library: CharacterLibrary) -> None:
    with pytest.raises(UnknownCharacterError, match=r"char: '龘' \(U\+9F98\)"):
        library["龘"]
    with pytest.raises(HierbrushError, match="has 2 characters"):
        library["永和"]


def test_the_library_travels_to_other_processes(library: CharacterLibrary) -> None:
    copy = pickle.loads(pickle.dumps(library))
    assert copy.stroke_types("永") == library.stroke_types("永")


def test_a_missing_or_foreign_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match=r"none\.bin: cannot be read"):
        CharacterLibrary(tmp_path / "none.bin")
    foreign = tmp_path / "foreign.bin"
    foreign.write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(HierbrushError, match=r"foreign\.bin: does not start with"):
        CharacterLibrary(foreign)


def test_the_notice_says_what_was_changed(library: CharacterLibrary) -> None:
    assert "Arphic Public License" in library.notice
    assert "Changed by the hierbrush project" in library.notice
    assert {path.name for path in (DATA_FILE.parent / "LICENSES").iterdir()} == {
        "ARPHICPL.txt",
        "babelstone-ids.txt",
        "cnchar-MIT.txt",
        "cjk-semantic-split-MIT.txt",
    }


def test_opening_and_one_look_up_take_less_than_50_ms() -> None:
    code = (
        "import time, tracemalloc; from hierbrush.characters import load_library\n"
        "start = time.perf_counter(); load_library()['永'].strokes; print(time.perf_counter() - start)\n"
        "tracemalloc.start(); load_library()['和'].strokes; print(tracemalloc.get_traced_memory()[1])"
    )
    runs = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True) for _ in range(3)]
    seconds, peak = zip(*((float(word) for word in run.stdout.split()) for run in runs), strict=True)
    assert min(seconds) < 0.05
    assert min(peak) < 2_000_000


def test_the_report_agrees_with_the_file(library: CharacterLibrary) -> None:
    report = json.loads(DATA_FILE.with_name("report.json").read_text(encoding="utf-8"))
    assert report["strokes"] == library.stroke_count
    assert sum(report["label_sources"].values()) == library.stroke_count
    assert report["cross_validation"]["accuracy_against_cnchar"] >= 0.985
    assert report["decompositions"]["share"] >= 0.91


def test_characters_stand_in_the_order_of_their_code_points(library: CharacterLibrary) -> None:
    assert all(a < b for a, b in pairwise(library.characters))


@pytest.mark.parametrize("at", [8, 40, 3000, 100_000, 3_000_000])
def test_a_damaged_file_is_told_in_one_line(tmp_path: Path, at: int) -> None:
    content = bytearray(DATA_FILE.read_bytes())
    content[at : at + 2000] = b"\xff" * 2000
    (tmp_path / "x.bin").write_bytes(content)
    with pytest.raises(HierbrushError, match=r"^character file .*x\.bin: is damaged") as caught:  # noqa: PT012
        library = CharacterLibrary(str(tmp_path / "x.bin"))
        # To read all that stands before the damage would take seconds.
        for char in library.characters[int(0.8 * at / len(content) * len(library)) :]:
            library[char].strokes[0].goal()
    assert len(str(caught.value).splitlines()) == 1
