"""The build, on packages made here from a few characters of the library."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hierbrush.characters import CharacterLibrary, load_library
from hierbrush.characters.data_file import DataFile
from hierbrush.characters.library import DATA_FILE
from hierbrush.errors import HierbrushError
from hierbrush.resources import folder
from hierbrush.strokes.shape_basis import features
from hierbrush.strokes.types import ABBREVIATIONS
from hierbrush_build.characters.__main__ import build, rebuild
from hierbrush_build.characters.corrections import Correction, load_corrections
from hierbrush_build.characters.costs import ERROR, fit_costs
from hierbrush_build.characters.cuts import CutOption, Features, GlyphCut
from hierbrush_build.characters.hints import Hint
from hierbrush_build.characters.labels import LETTER_TYPES, resample, resolve, vote
from hierbrush_build.characters.orders import OrderReferences
from hierbrush_build.characters.report import agreement
from hierbrush_build.characters.shapes import fit_basis, write_shape_bases
from hierbrush_build.characters.sources import Sources, parse_path, read_sources

CHARS = (
    "一二三十土木林森相目日口品古胡月湖江河可何人从众大天夫女好子如妈马吗王玉国因困回田男力加边过寸村对又双"
    "火炎秋禾和利言语吾五计地他她也池汉汗干早章立音意心想念今令冷冰水永泳沐休体本末未味"
)
NO_REFERENCES = OrderReferences({}, {}, {}, [])
LETTER = {kind: letter for letter, kind in LETTER_TYPES.items() if letter != "d"} | {
    "SP": "s", "HG": "e", "TN": "l", "BXG": "y", "SW": "b", "HXWG": "o", "HZZZG": "w",
}  # fmt: skip


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The four packages in the forms that npm and pip give them."""
    root = tmp_path_factory.mktemp("packages")
    writer, order, trad, split = (root / name for name in ("writer", "order", "trad", "split.whl"))
    for place in (writer, order, trad):
        (place / "package").mkdir(parents=True)
    file = DataFile(DATA_FILE)
    library = load_library()
    letters = {}
    for char in CHARS:
        row = file.index(char)
        assert row is not None
        paths = file.geometry(row)
        entry = {"strokes": [path.svg for path in paths], "medians": [path.median.tolist() for path in paths]}
        (writer / "package" / f"{char}.json").write_text(json.dumps(entry), encoding="utf-8")
        letters[char] = "".join(LETTER[kind] for kind in library.stroke_types(char))
    unlabelled = {"林", "湖"}
    simplified = {char: word for char, word in letters.items() if char not in unlabelled}
    for place, name, table in ((order, "order", simplified), (trad, "trad", {"一": "f"})):
        text = json.dumps(table, ensure_ascii=False)
        shapes = '{"j":{"shape":"一","name":"横"}}'
        script = f"!function(){{e=JSON.parse('{shapes}');o=JSON.parse('{text}')}}();"
        (place / "package" / f"cnchar.{name}.min.js").write_text(script, encoding="utf-8")
    with zipfile.ZipFile(split, "w") as archive:
        general = "# comment\n湖\t湖 [30]:氵 [40]:胡\n林\t林 [30]:木 [40]:木\n国\t国 [90]:囗 [0]:玉\n"
        for name in ("zh-Hans-general", "zh-Hant-general"):
            archive.writestr(f"chinese_decompose/data/decomp_{name}.txt", general)
    return [writer, order, trad, split]


@pytest.fixture(scope="module")
def sources(packages: list[Path]) -> Sources:
    return read_sources(*packages)


@pytest.fixture
def primitives(tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder("primitives"), tmp_path / "primitives"))


def test_the_same_packages_give_the_same_bytes(sources: Sources, packages: list[Path], primitives: Path) -> None:
    files = [primitives.parent / f"{number}" / "characters.bin" for number in (1, 2)]
    for path, read in zip(files, (sources, read_sources(*packages)), strict=True):
        path.parent.mkdir()
        build(read, NO_REFERENCES, path, primitives)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].with_name("report.json").read_bytes() == files[1].with_name("report.json").read_bytes()


def test_what_was_built_can_be_read(sources: Sources, primitives: Path, tmp_path: Path) -> None:
    path = tmp_path / "characters.bin"
    report = build(sources, NO_REFERENCES, path, primitives, sheets=tmp_path / "sheets")
    library = CharacterLibrary(path)
    assert set(library) == set(CHARS)
    for char in CHARS:
        assert [stroke.path for stroke in library[char].strokes] == [p.svg for p in sources.paths[char]]
        for ours, theirs in zip(library[char].strokes, load_library()[char].strokes, strict=True):
            np.testing.assert_array_equal(ours.median, theirs.median)
    assert {stroke.label_source for stroke in library["林"].strokes} == {"classified"}
    assert library.stroke_types("林") == load_library().stroke_types("林")
    assert [child.name for child in library.decomposition("湖").children][1] == "胡"
    assert str(library.decomposition("林")) == "⿰木木"
    assert report["characters"] == len(CHARS)
    text = (primitives / "H.yaml").read_text(encoding="utf-8")
    horizontals = sum(library.stroke_types(char).count("H") for char in CHARS)
    assert f"\nstrokes: {horizontals}\n" in text


def test_the_simplified_table_counts_where_both_know_a_character(sources: Sources) -> None:
    assert sources.letters["一"] == "j"
    assert sources.parts["国"] == ((("囗", 90), ("玉", 0)),)


def test_a_wrong_package_is_named(packages: list[Path], tmp_path: Path) -> None:
    writer, order, trad, split = packages
    with pytest.raises(HierbrushError, match=r"holds no cnchar\.trad\.min\.js"):
        read_sources(writer, order, order, split)
    with pytest.raises(HierbrushError, match=r"hanzi-writer-data: .* holds no file such as"):
        read_sources(order, order, trad, split)
    with pytest.raises(HierbrushError, match="lacks decomp_zh-Hans"):
        read_sources(writer, order, trad, writer)
    nothing = tmp_path / "nothing.tgz"
    nothing.write_bytes(b"no archive")
    with pytest.raises(HierbrushError, match=r"nothing\.tgz: is no folder"):
        read_sources(nothing, order, trad, split)


@pytest.mark.parametrize("path", ["M 0 0 L 1 1", "M 0 0 L 5 5 L 6 6 Z", "M 0 0 H 5 Z", "M 0 0 Q 5 5 Z"])
def test_a_broken_path_is_refused(path: str) -> None:
    with pytest.raises(HierbrushError, match="path "):
        parse_path(path, np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prc: {永: {order: 1 1, types: H S}}", "永: order is no permutation of 1 to 2"),
        ("prc: {永: {order: 1 3}}", "永: order is no permutation of 1 to 2"),
        ("prc: {永: {order: 2-1x}}", "永: order: '2-1x' is no stroke's number and no run such as 5-11"),
        ("prc: {永: {types: H SGG}}", "永: 'SGG' is no stroke type; did you mean 'SG'"),
        ("cn: {永: {order: 2 1}}", "'cn' is not one of prc, tw, types"),
        ("{prc: {永: {order: 2 1}}, tw: {永: {order: 2 1}}}", "永 stands under prc and tw"),
    ],
)
def test_a_broken_correction_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "corrections.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HierbrushError, match=message):
        load_corrections(path)


def test_corrections_are_read(tmp_path: Path) -> None:
    path = tmp_path / "corrections.yaml"
    path.write_text("prc: {永: {order: 2 1 3-5}}\ntypes: {十: {types: H S}}", encoding="utf-8")
    assert load_corrections(path) == {
        "永": Correction((1, 0, 2, 3, 4), (), "prc"),
        "十": Correction((0, 1), ("H", "S"), "types"),
    }


def test_a_built_file_can_be_corrected_again(sources: Sources, primitives: Path, tmp_path: Path) -> None:
    path = tmp_path / "characters.bin"
    report = build(sources, NO_REFERENCES, path, primitives)
    again = tmp_path / "again" / "characters.bin"
    again.parent.mkdir()
    assert rebuild(path, sources, NO_REFERENCES, again, primitives) == report
    assert again.read_bytes() == path.read_bytes()
    path.with_name("report.json").unlink()
    with pytest.raises(HierbrushError, match=r"--keep: .*report\.json cannot be read"):
        rebuild(path, sources, NO_REFERENCES, again, primitives)


@pytest.mark.parametrize(
    ("letter", "points", "kind"),
    [
        ("b", [[0, 300], [0, 0], [200, 0]], "SZ"),
        ("b", [[0, 300], [0, 150], [10, 80], [40, 30], [90, 5], [200, 0]], "SW"),
        ("e", [[0, 100], [400, 110], [350, 50]], "HG"),
        ("e", [[0, 100], [200, 110], [20, -200]], "HP"),
        ("y", [[0, 400], [60, 100], [180, 0], [190, 60]], "XG"),
        ("y", [[0, 100], [60, 10], [180, 0], [240, 20], [230, 90]], "BXG"),
        ("s", [[200, 500], [200, 200], [150, 50], [0, 0]], "SP"),
        ("s", [[200, 300], [120, 120], [0, 0]], "P"),
        ("j", [[0, 0], [300, 10]], "H"),
    ],
)
def test_merged_letters_are_parted_by_shape(letter: str, points: list[list[float]], kind: str) -> None:
    assert kind in ABBREVIATIONS
    assert resolve(letter, resample(np.array(points, dtype=float), 49), slanted_hook=False) == kind


def test_agreement_counts_equal_partitions_only(sources: Sources, tmp_path: Path) -> None:
    reference = tmp_path / "reference.json"
    entry = {"ids": "⿰木木", "matches": [[0]] * 4 + [[1]] * 4}
    reference.write_text(json.dumps({"林": entry, "明": {"ids": "？", "matches": [None] * 8}}), encoding="utf-8")
    good = GlyphCut("⿰", ((0, 1, 2, 3), (4, 5, 6, 7)), ("木", "木"), (0.0, 0.0), 0.0, "mined")
    bad = GlyphCut("⿰", ((0, 1, 2), (3, 4, 5, 6, 7)), ("木", "木"), (0.0, 0.0), 0.0, "mined")
    assert agreement({"林": good, "明": good}, {}, reference)["all"] == {"judged": 1, "partition": 1, "operator": 1}
    assert agreement({"林": bad}, {}, reference)["all"]["partition"] == 0


def circles(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return sides, and shapes whose outline is a circle in its own box and whose skeleton its diameter."""
    rng = np.random.default_rng(0)
    turn = np.linspace(0.0, 2 * np.pi, 128, endpoint=False)
    line = np.stack([np.linspace(-0.4, 0.4, 32), np.zeros(32)], axis=1)
    shape = np.concatenate(
        [line.ravel(), np.full(32, 0.1), 0.5 * np.stack([np.cos(turn), np.sin(turn)], axis=1).ravel()]
    )
    return rng.uniform(0.1, 0.6, (count, 2)), np.tile(shape, (count, 1))


def test_a_component_is_what_varies_across_the_outline_in_standard_deviations() -> None:
    rng = np.random.default_rng(1)
    sides, shapes = circles(200)
    scores = rng.normal(size=200)
    across, along = np.zeros(352), np.zeros(352)
    outline = shapes[0, 96:].reshape(128, 2)
    across[96:] = (0.04 * outline).ravel()
    along[96:] = (0.1 * outline[:, ::-1] * (-1, 1)).ravel()  # slides further, which changes no ink
    shapes = shapes + scores[:, None] * across + rng.normal(size=(200, 1)) * along
    slopes, components, _ = fit_basis(shapes, sides)
    assert slopes.shape == (8, 352)
    assert components.shape == (12, 352)
    cosines = components @ across / np.linalg.norm(across) / np.linalg.norm(components, axis=1)
    assert abs(cosines[0]) > 0.95
    assert np.linalg.norm(components[0]) == pytest.approx(np.linalg.norm(across) * scores.std(), rel=0.1)
    largest = np.abs(components).argmax(axis=1)
    assert (components[np.arange(12), largest] > 0).all()


def test_the_mean_follows_the_box() -> None:
    sides, shapes = circles(300)
    shapes[:, 97] += 0.04 / sides[:, 0]
    slopes, components, usual = fit_basis(shapes, sides)
    missed = features(sides, usual) @ slopes - shapes
    assert shapes[:, 97].std() > 0.05
    assert missed[:, 97].std() < 0.005
    assert np.linalg.norm(components) < 0.05


@pytest.mark.parametrize(("count", "size"), [(4, 3), (12, 11), (13, 12), (29, 12)])
def test_few_strokes_have_a_constant_mean_and_fewer_components(count: int, size: int) -> None:
    sides, shapes = circles(count)
    shapes += 0.01 * np.random.default_rng(2).normal(size=shapes.shape)
    slopes, components, usual = fit_basis(shapes, sides)
    assert len(components) == size
    assert not slopes[1:].any()
    assert not usual.any()
    weight = np.linalg.norm(sides, axis=1)
    np.testing.assert_allclose(slopes[0], weight @ shapes / weight.sum())


def test_a_missing_shape_basis_is_named(tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match=f"the shape basis of {ABBREVIATIONS[0]} is missing"):
        write_shape_bases(tmp_path / "bases.safetensors", {})


def test_of_equally_near_strokes_the_earlier_ones_vote() -> None:
    # Nine equal neighbours for seven votes: the first four are of class 0, so 0 wins; the last seven would elect 1.
    known = np.ones((9, 2), np.float32)
    winners, shares = vote(known, np.array([0, 0, 0, 0, 1, 1, 1, 1, 1]), np.ones((1, 2), np.float32))
    assert winners.tolist() == [0]
    assert shares == pytest.approx([4.3 / 7.3])


def test_costs_are_fitted_to_what_the_hints_say() -> None:
    """Where hints prefer cuts without overlap, overlap comes to cost something; error keeps its price."""
    rng = np.random.default_rng(0)

    def option(first: int, **given: float) -> CutOption:
        features = Features(**(dict.fromkeys(Features._fields, 0.0) | given))
        return CutOption("⿰", (tuple(range(first)), tuple(range(first, 8))), ("木", "相"), (0.0, 0.0), features, False)

    possible, hints = {}, {}
    for number in range(60):
        char = chr(0x4E00 + number)
        error, overlap = rng.uniform(0.0, 0.1, 2)
        possible[char] = [
            option(3, error=error, overlap=overlap),
            option(4, error=error + rng.uniform(0.0, 0.1), overlap=overlap + 0.3),
            option(5, error=error + 0.05, overlap=overlap + 0.1, anonymous=1.0),
        ]
        hints[char] = [Hint((3, 5), frozenset("木相"), True)]
    costs = fit_costs(possible, hints)
    assert costs.characters == 60
    assert costs.agreeing == 1.0
    assert costs.weights.error == pytest.approx(ERROR)
    assert costs.weights.overlap > 0
    assert costs.weights.anonymous > 0
    assert costs.weights.hinted == costs.weights.hinted_names < 0
    assert costs == fit_costs(possible, hints)
