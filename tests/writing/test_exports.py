from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hierbrush.errors import HierbrushError
from hierbrush.metrics import score
from hierbrush.sim import rasterise
from hierbrush.writing import GcodeOptions, Page, Sheet, Writing, write_character
from hierbrush.writing.exports import gcode, gif, png, svg

SVG = "{http://www.w3.org/2000/svg}"


def test_png_is_the_image(yong: Writing) -> None:
    picture = Image.open(BytesIO(png.render(yong, 128)))
    assert picture.mode == "L"
    assert np.array_equal(np.asarray(picture), np.rint(255 * (1 - yong.image(128))))


def svg_polygons(document: str, unit: float) -> list[np.ndarray]:
    """Read back the only path commands that are written: M, relative l, z."""
    polygons = []
    for path in ET.fromstring(document).iter(f"{SVG}path"):
        data = path.attrib["d"]
        assert re.fullmatch(r"(M\d+ \d+l[-\d ]+z)+", data)
        for loop in re.findall(r"M([^z]+)z", data):
            start, steps = loop.split("l")
            numbers = np.array(re.findall(r"-?\d+", steps), float).reshape(-1, 2)
            polygons.append(np.concatenate([[np.array(start.split(), float)], numbers]).cumsum(0) / unit)
    return polygons


def test_svg_ink_is_the_image_to_a_fraction_of_a_pixel(yong: Writing) -> None:
    document = svg.render(yong)
    polygons = svg_polygons(document, 12_000)
    assert len(polygons) >= len(yong.strokes)
    drawn, image = rasterise(polygons, 256), yong.image(256)
    assert score(drawn, image).iou > 0.99
    assert np.abs(drawn - image).mean() < 0.002
    assert len(document) < 20_000


def test_svg_of_a_page_puts_every_character_into_its_box(page: Page) -> None:
    polygons = svg_polygons(svg.render(page), 1e5)
    for cell in page.cells:
        boxed = [(polygon - [cell.x, cell.y]) / cell.side for polygon in polygons]
        assert score(rasterise(boxed, 256), cell.writing.image(256)).iou > 0.99


def test_svg_says_what_it_shows(yong: Writing, page: Page) -> None:
    root = ET.fromstring(svg.render(page))
    assert root.attrib["role"] == "img"
    assert root.findtext(f"{SVG}title") == "永和 九"
    assert "simulated brush" in (root.findtext(f"{SVG}desc") or "")
    assert root.attrib["width"] == f"{page.width * 1e3:.3f}".rstrip("0").rstrip(".") + "mm"
    kinds = [path.attrib["data-stroke"] for path in ET.fromstring(svg.render(yong)).iter(f"{SVG}path")]
    assert kinds == [stroke.stroke_type for stroke in yong.strokes]


def test_notebooks_get_pictures_of_a_handy_size(page: Page) -> None:
    root = ET.fromstring(page._repr_svg_())
    assert max(float(root.attrib["width"]), float(root.attrib["height"])) == 480
    assert page._repr_png_().startswith(b"\x89PNG")


def test_gif_shows_the_brush_over_growing_ink(yong: Writing) -> None:
    content = gif.render(yong, 120)
    film = Image.open(BytesIO(content))
    assert film.size == (120, 120)
    strokes = sum(len(stroke.path) for stroke in yong.strokes)
    # A frame every other row at least: 20 a second, as the eye needs, of the 40 rows that a robot gets.
    assert strokes * 0.45 < film.n_frames <= 400
    assert film.info["duration"] == 50
    dark, red = [], []
    for frame in range(film.n_frames):
        film.seek(frame)
        colours = np.asarray(film.convert("RGB")).astype(int)
        dark.append(int((colours.max(2) < 90).sum()))
        red.append(int(((colours[..., 0] > 120) & (colours[..., 1] < 90)).sum()))
    assert film.info["duration"] >= 1000
    assert dark[0] < 20
    # The brush hides a little of the ink while it passes over it.
    assert dark[-1] == max(dark)
    assert red[-1] == 0
    assert np.mean(np.array(red[:-1]) > 5) > 0.95


def test_gif_of_one_character_is_small(yong: Writing) -> None:
    assert len(gif.render(yong, 240)) < 400_000


def test_gif_of_an_endless_text_leaves_ticks_out(page: Page) -> None:
    film = Image.open(BytesIO(gif.render(page, 32)))
    assert film.n_frames <= 401


def test_gif_refuses_what_no_browser_would_show(page: Page) -> None:
    with pytest.raises(
        HierbrushError, match=r"size: 1024 makes a gif of .* pixels, more than 2,000,000; ask for \d+ or less"
    ):
        gif.render(page, 1024)


class Machine:
    """Runs G-code as a controller would, refusing what it does not know."""

    def __init__(self, program: str, codes_of_dialect: tuple[str, ...] = ("G94", "M2")) -> None:
        self.codes_of_dialect = codes_of_dialect
        self.rest = 0.0
        self.position = {"X": None, "Y": None, "Z": None}
        self.visited: list[dict[str, float]] = []
        self.codes: list[str] = []
        self.dwells = 0
        for line in program.splitlines():
            self.run(line)

    def run(self, line: str) -> None:
        line.encode("ascii")
        assert len(line) <= 80, "longer than a firmware's line buffer"
        if line.startswith("; "):
            return
        # Klipper takes a comment on a line of its own alone.
        assert not set(line) & set(";()")
        words = line.split()
        code, arguments = words[0], {word[0]: float(word[1:]) for word in words[1:]}
        assert code in ("G1", "G4", "G21", "G90", *self.codes_of_dialect), line
        assert not self.codes or self.codes[-1] not in ("M2", "M400"), "nothing runs after the end"
        self.codes.append(code)
        if code == "G1":
            assert "G21" in self.codes
            assert "G90" in self.codes
            assert arguments.keys() <= {"X", "Y", "Z", "F"}
            assert arguments["F"] > 0
            self.position.update({axis: value for axis, value in arguments.items() if axis != "F"})
            self.visited.append(dict(self.position))
        elif code == "G4":
            self.dwells += 1
            self.rest = arguments["P"]
        else:
            assert not arguments


def test_gcode_stays_inside_the_work_area_and_writes_the_strokes(yong: Writing) -> None:
    options = GcodeOptions()
    machine = Machine(gcode.render(yong, options))
    assert machine.codes[-1] == "M2"
    assert machine.dwells == len(yong.strokes)
    for place in machine.visited:
        for axis, (low, high) in (("X", options.work_x), ("Y", options.work_y), ("Z", options.work_z)):
            assert place[axis] is None or low <= place[axis] <= high
    # Every row of every stroke is visited, to the micrometre, with y away from the operator and z up.
    places = {(place["X"], place["Y"], place["Z"]) for place in machine.visited}
    for stroke in yong.strokes:
        for x, y, z in (stroke.path * 1e3).tolist():
            assert (round(20 + x, 3), round(20 + 120 - y, 3), round(0 - z, 3)) in places


@pytest.mark.parametrize(
    ("dialect", "rest", "own", "end"),
    [("grbl", 0.5, ("G94", "M2"), "M2"), ("marlin", 500, ("M400",), "M400"), ("klipper", 500, ("M400",), "M400")],
)
def test_each_dialect_gets_what_its_firmware_reads(
    yong: Writing, dialect: str, rest: float, own: tuple[str, ...], end: str
) -> None:
    program = gcode.render(yong, GcodeOptions(dialect=dialect))
    machine = Machine(program, own)
    assert machine.rest == rest
    assert machine.codes[-1] == end
    assert f"; dialect {dialect}:" in program
    # The first movement brings a feed: the firmware has none of its own to go on with.
    assert re.search(r"^G1 Z20 F\d+$", program, re.MULTILINE)


def test_own_lines_stand_around_the_movement(yong: Writing) -> None:
    lines = gcode.render(yong, GcodeOptions(before="G28\nM3 S90", after=["M5"])).splitlines()
    assert lines.index("G94") < lines.index("G28") < lines.index("M3 S90") < lines.index("G1 Z20 F1200")
    assert lines[-2:] == ["M5", "M2"]


def test_numbers_of_numpy_describe_a_machine_too() -> None:
    options = GcodeOptions(work_x=np.array([0, 400]), lift=np.float32(15), dip_x=np.int64(280))  # type: ignore[arg-type]
    assert options == GcodeOptions(work_x=(0, 400), lift=15)


def test_a_dry_run_is_the_same_program_higher_up(yong: Writing) -> None:
    wet, dry = (gcode.render(yong, GcodeOptions(dry=by)).splitlines() for by in (0.0, 20.0))
    told = dry.pop(2)
    assert told == "; dry run: everything 20 mm higher"
    assert len(wet) == len(dry)
    for low, high in zip(wet, dry, strict=True):
        (before, *low_z), (after, *high_z) = (re.split(r" Z(-?[\d.]+)", line) for line in (low, high))
        assert before == after
        if low_z:
            assert float(high_z[0]) == pytest.approx(float(low_z[0]) + 20.0)
    assert min(place["Z"] for place in Machine("\n".join(dry)).visited) > 0


def test_gcode_travels_above_the_paper_only(yong: Writing) -> None:
    machine = Machine(gcode.render(yong, GcodeOptions(lift=15, surface_z=3)))
    for before, after in zip(machine.visited[1:], machine.visited[2:], strict=False):
        dips = 280.0 in (before["X"], after["X"])
        if dips and before["X"] != after["X"]:
            assert before["Z"] == after["Z"] == 18


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"work_x": (0, 100)}, "gcode: the movement needs x from .* but work_x ends at 0.0 and 100.0"),
        ({"paper_y": 150}, "gcode: the movement needs y"),
        ({"work_z": (-1, 60)}, "gcode: the movement needs z"),
        ({"lift": 70.0}, "gcode: the movement needs z"),
        ({"dip_y": -1}, "gcode: the movement needs y"),
    ],
)
def test_gcode_refuses_to_leave_the_work_area(yong: Writing, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        gcode.render(yong, GcodeOptions(**fields))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lift": 0}, "gcode: lift: 0, expected mm from 0.1 to 1000"),
        ({"write_feed": -1}, "gcode: write_feed: -1, expected mm/min from 1 to 600000"),
        ({"dip_seconds": -1}, "gcode: dip_seconds"),
        ({"paper_x": float("nan")}, "gcode: paper_x: nan, expected mm"),
        ({"work_x": (5, 5)}, "gcode: work_x: .* expected the lowest position before the highest"),
        ({"work_x": 5}, "gcode: work_x: 5, expected two numbers"),
        ({"dip_x": "5"}, "gcode: dip_x: '5', expected mm"),
        ({"write_feed": 1e-12}, "gcode: write_feed: 1e-12, expected mm/min from 1"),
        ({"work_x": (0, "3")}, "gcode: work_x: '3', expected mm"),
        ({"dialect": "merlin"}, "gcode: dialect: 'merlin' is not one of .*did you mean 'marlin'"),
        ({"before": ["G28 ; 家"]}, "gcode: before: .* expected a line of G-code"),
        ({"before": "G28\x07"}, "gcode: before: .* expected a line of G-code"),
        ({"after": 3}, "gcode: after: 3, expected up to 1000 lines"),
    ],
)
def test_wrong_machines_are_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        GcodeOptions(**fields)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".gif", ".json", ".npz", ".gcode", ".PNG"])
def test_save_writes_the_same_bytes_again(yong: Writing, suffix: str, tmp_path: Path) -> None:
    size = 48 if suffix == ".gif" else None
    first = yong.save(tmp_path / f"a{suffix}", size=size).read_bytes()
    again = write_character("永", goal="glyph").save(str(tmp_path / f"b{suffix}"), size=size).read_bytes()
    assert first == again
    assert len(first) > 100


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("x.pgn", {}, "unknown suffix '.pgn'.*did you mean '.png'"),
        ("x", {}, "has no suffix, expected one of .png"),
        ("x.svg", {"size": 64}, "size: svg files have no pixels"),
        ("x.png", {"gcode": GcodeOptions()}, "gcode: png files take no G-code options"),
        ("x.png", {"size": 2000}, "size: 2000, expected a whole number of pixels from 32 to 1024"),
        ("missing/x.png", {}, "path: cannot write .*No such file"),
        ("a\0b.png", {}, "path: cannot write"),
    ],
)
def test_save_names_what_is_wrong(
    yong: Writing, name: str, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(HierbrushError, match=message):
        yong.save(tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["png", "svg", "json", "npz", "gcode"])
def test_save_fills_an_open_file(yong: Writing, kind: str, tmp_path: Path) -> None:
    file = BytesIO()
    assert yong.save(file, format=kind) is None
    assert file.getvalue() == yong.save(tmp_path / f"x.{kind}").read_bytes()


def test_a_format_counts_more_than_a_suffix(yong: Writing, tmp_path: Path) -> None:
    assert yong.save(tmp_path / "picture", format=".PNG").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("file", "options", "message"),
    [
        (BytesIO(), {}, "format: is needed"),
        (BytesIO(), {"format": "pgn"}, "format: 'pgn' is not one of .*did you mean 'png'"),
        (BytesIO(), {"format": 3}, "format: 3 is not one of"),
        (StringIO(), {"format": "svg"}, "path: .* takes text, expected a file that is open for bytes"),
        (3, {}, "path: 3, expected a path"),
        ("x.gcode", {"gcode": 5}, "gcode: 5, expected a GcodeOptions or a mapping of its fields"),
        ("x.gcode", {"gcode": {"lfit": 5}}, "gcode: unknown field 'lfit'; did you mean 'lift'"),
        ("x.gcode", {"gcode": {"lift": None}}, "gcode: lift: None, expected mm"),
    ],
)
def test_save_names_a_wrong_kind(yong: Writing, file: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        yong.save(file, **options)


def test_a_machine_may_be_a_mapping(yong: Writing, tmp_path: Path) -> None:
    file = yong.save(tmp_path / "x.gcode", gcode={"dialect": "klipper", "lift": 15})
    assert file.read_text() == gcode.render(yong, GcodeOptions(dialect="klipper", lift=15))


@pytest.mark.parametrize("suffix", [".png", ".svg", ".gif", ".json", ".npz", ".gcode"])
def test_pages_save_too(page: Page, suffix: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"size": 32} if suffix in (".png", ".gif") else {}
    if suffix == ".gcode":
        options["gcode"] = GcodeOptions(work_x=(0, 600), work_y=(0, 600), dip_x=500)
    assert isinstance(page, Sheet)
    assert page.save(tmp_path / f"page{suffix}", **options).stat().st_size > 100
