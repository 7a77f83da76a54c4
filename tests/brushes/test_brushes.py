"""Brushes from pictures: the sheet, its scan, the fit, and the file that it makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import hierbrush
from hierbrush.brushes import CalibrationSheet, fit_brush, read_scan, residual_picture
from hierbrush.brushes.brush_file import brush_of, load_brush
from hierbrush.brushes.fit import NAMES
from hierbrush.brushes.identified import BrushFile, brush_text
from hierbrush.brushes.neural import Footprints, _reaches, fit_network, movements, reach_of
from hierbrush.brushes.scan import find_sheet
from hierbrush.cli import main
from hierbrush.curriculum import load_curriculum
from hierbrush.errors import HierbrushError
from hierbrush.resources import folder
from hierbrush.sim import PRESETS, BrushModel, NeuralBrush
from hierbrush.sim.network_brush import SIZE
from hierbrush.yaml_source import ConfigError

TRUE = BrushModel(width_slope=1.3, width_intercept=-2.5e-4, length_slope=0.75, length_intercept=9e-4,
                  offset_slope=0.8, root_ratio=0.3, back_ratio=0.85, max_depth=0.0135)  # fmt: skip


@pytest.fixture(scope="module")
def sheet() -> CalibrationSheet:
    return CalibrationSheet()


@pytest.fixture(scope="module")
def ink(sheet: CalibrationSheet) -> NDArray[np.float32]:
    return sheet.render(TRUE)


@pytest.fixture(scope="module")
def page(sheet: CalibrationSheet, ink: NDArray[np.float32]) -> NDArray[np.float32]:
    return (sheet.picture(ink, 150) / 255.0).astype(np.float32)


class TestSheet:
    def test_strokes_stay_in_their_cells(self, sheet: CalibrationSheet, ink: NDArray[np.float32]) -> None:
        assert len(sheet.cells) == 45
        assert not ink[:, [0, 1, -2, -1]].any()
        assert not ink[:, :, [0, 1, -2, -1]].any()
        assert all(cell.path[0, 2] < 0 > cell.path[-1, 2] for cell in sheet.cells)

    def test_the_pdf_is_one_page_of_a4(self, sheet: CalibrationSheet) -> None:
        content = sheet.pdf()
        assert content.startswith(b"%PDF-1.4")
        assert b"/MediaBox [0 0 595.276 841.890]" in content
        assert content.rstrip().endswith(b"%%EOF")


class TestScan:
    def test_a_scan_gives_the_cells_back(self, page: NDArray[np.float32], ink: NDArray[np.float32]) -> None:
        scan = find_sheet(page)
        assert scan.filled.all()
        assert scan.dpi == pytest.approx(150, rel=0.01)
        assert np.abs(scan.ink - ink).mean() < 0.004

    @pytest.mark.parametrize("turn", [1, 2, 3])
    def test_it_may_lie_any_way_round(self, page: NDArray[np.float32], ink: NDArray[np.float32], turn: int) -> None:
        assert np.abs(find_sheet(np.rot90(page, turn).copy()).ink - ink).mean() < 0.004

    def test_it_may_be_askew_and_grey(self, page: NDArray[np.float32], ink: NDArray[np.float32]) -> None:
        picture = Image.fromarray((40 + 180 * page).astype(np.uint8))
        turned = np.asarray(picture.rotate(2.5, Image.Resampling.BICUBIC, expand=True, fillcolor=220))
        assert np.abs(find_sheet(turned.astype(np.float32) / 255).ink - ink).mean() < 0.01

    def test_a_shadow_is_no_ink(self, page: NDArray[np.float32], ink: NDArray[np.float32]) -> None:
        """A shadow across the page that takes nearly half of the light."""
        _, x = np.mgrid[: page.shape[0], : page.shape[1]] / page.shape[1]
        shaded = page * (1.0 - 0.45 / (1.0 + np.exp((0.6 - x) / 0.04)))
        assert np.abs(find_sheet(shaded.astype(np.float32)).ink - ink).mean() < 0.01

    def test_guides_and_empty_cells_are_no_ink(self, sheet: CalibrationSheet, ink: NDArray[np.float32]) -> None:
        some = ink.copy()
        some[::3] = 0
        scan = find_sheet((sheet.picture(np.maximum(some, 0.15), 150) / 255.0).astype(np.float32))
        assert (scan.filled == np.array([bool(at % 3) for at in range(45)])).all()

    @pytest.mark.parametrize("spoil", ["white", "noise", "three", "outside", "empty", "coarse"])
    def test_what_is_no_scan_is_told_in_one_line(
        self, sheet: CalibrationSheet, page: NDArray[np.float32], ink: NDArray[np.float32], spoil: str
    ) -> None:
        dpi = 150 / 0.0254
        pictures = {
            "white": (np.ones_like(page), "four ring-shaped markers"),
            "noise": (np.random.default_rng(0).random((400, 300)).astype(np.float32), "four ring-shaped markers"),
            "three": (
                np.where(np.arange(len(page))[:, None] > 0.28 * dpi, 1, page).astype(np.float32),
                "four ring-sha",
            ),
            "outside": (np.where(np.abs(np.arange(page.shape[1]) - 0.048 * dpi) < 4, 0, page), "ink across the border"),
            "empty": ((sheet.picture(ink * 0, 150) / 255.0).astype(np.float32), "0 of 45 cells filled"),
            "coarse": ((sheet.picture(ink, 70) / 255.0).astype(np.float32), "dots an inch|four ring-shaped markers"),
        }
        picture, message = pictures[spoil]
        with pytest.raises(HierbrushError, match=message) as caught:
            find_sheet(picture.astype(np.float32))
        assert "\n" not in str(caught.value)

    def test_a_file_that_is_no_picture_is_told(self, tmp_path: Path) -> None:
        file = tmp_path / "scan.png"
        file.write_bytes(b"nothing")
        with pytest.raises(HierbrushError, match="is no picture; a PNG, JPEG or TIFF can be read"):
            read_scan(file)
        with pytest.raises(HierbrushError, match="cannot read"):
            read_scan(tmp_path / "missing.png")


class TestFit:
    def test_a_known_brush_is_found_again(self, ink: NDArray[np.float32]) -> None:
        fit = fit_brush(ink, scatter=0.0)
        error = fit.model.parameters() / TRUE.parameters() - 1
        assert dict(zip(NAMES, np.abs(error) < 0.03, strict=True)) == dict.fromkeys(NAMES, True)
        assert fit.undetermined == ()
        assert residual_picture(ink, fit).shape == (9 * 94, 5 * 128, 3)

    @pytest.mark.slow
    def test_what_the_strokes_do_not_tell_is_said(self, sheet: CalibrationSheet) -> None:
        deep = TRUE.replace(max_depth=0.025)  # never pressed that far
        fit = fit_brush(sheet.render(deep), scatter=0.0)
        assert "max_depth" in fit.undetermined

    @pytest.mark.slow
    def test_strokes_that_differ(self, sheet: CalibrationSheet) -> None:
        rows = TRUE.randomised(45, 0.2, np.random.default_rng(0))
        fit = fit_brush(sheet.render(rows), starts=1)
        error = np.abs(fit.model.parameters() / rows.mean(axis=0) - 1)
        assert dict(zip(NAMES, error < 0.10, strict=True)) == dict.fromkeys(NAMES, True)
        width = [fit.model.width(depth) / TRUE.width(depth) - 1 for depth in (0.003, 0.006, 0.012)]
        assert np.abs(width).max() < 0.10
        assert 0.07 < fit.spread["width"] < 0.16  # 0.2 / sqrt(3) = 0.115

    def test_pictures_of_another_shape_are_refused(self) -> None:
        with pytest.raises(HierbrushError, match=r"ink: shape \(3, 94, 128\), expected \[45, 94, 128\]"):
            fit_brush(np.zeros((3, 94, 128), np.float32))


class TestFile:
    def test_it_is_read_wherever_a_presets_name_is(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.brush.yaml"
        file.write_text(brush_text(BrushFile(TRUE, {"width": 0.1}, ("max_depth",)), ["by hand"]), encoding="utf-8")
        found = load_brush(file)
        assert found.model == TRUE
        assert found.spread == {"width": 0.1}
        assert found.undetermined == ("max_depth",)
        assert brush_of(str(file)) == brush_of(file) == TRUE
        assert brush_of("round") is PRESETS["round"]
        assert hierbrush.write_character("一", brush=str(file), policy="scripted").brush == TRUE

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("widht_slope: 1", "1:1: unknown key 'widht_slope'; did you mean 'width_slope'?"),
            ("tip: parabola\nwidth_slope: 99", "2:14: width_slope: 99, expected a number from 0 to 10 m/m"),
            ("spread: {widht: 0.1}", "1:10: unknown key 'widht'; did you mean 'width'?"),
            ("spread: {width: 7}", "1:17: spread.width: 7, expected a share from 0 to 1"),
            ("spread: 3", "1:9: spread: 3, expected shares of width"),
            ("undetermined: [what]", "undetermined: ['what'], expected names of parameters"),
            ("tip: square", "tip: 'square' is not one of parabola, ellipse"),
            ("root_ratio: 2", "1:13: root_ratio: 2, expected a number from 0 to 1 (where the root lies"),
            (
                "tip: ellipse\nwidth_slope: 0",
                "2:14: the brush leaves no mark: at its greatest depth, 15 mm, its width is 0; expected a larger "
                "width_slope or width_intercept",
            ),
            ("length_slope: 0\nlength_intercept: -0.001", "its length is 0; expected a larger length_slope"),
        ],
    )
    def test_mistakes_are_told_with_file_line_and_column(self, tmp_path: Path, text: str, message: str) -> None:
        file = tmp_path / "bad.brush.yaml"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            load_brush(file)
        assert f"{file}:" in str(caught.value)
        assert message in str(caught.value)

    def test_a_name_that_is_none_is_told(self) -> None:
        with pytest.raises(HierbrushError, match=r"brush: 'rond' is not one of measured, round.*did you mean 'round'"):
            brush_of("rond")
        with pytest.raises(HierbrushError, match="brush: 3, expected"):
            brush_of(3)


def status_of(arguments: list[str]) -> object:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code


class TestEndToEnd:
    def scanned(self, sheet: CalibrationSheet, ink: NDArray[np.float32]) -> NDArray[np.uint8]:
        """A page photographed: seen from one side, lit from another, with noise."""
        page = Image.fromarray(sheet.picture(ink, 130))
        width, height = page.size
        corners = [(-0.03, 0.01), (1.01, -0.02), (1.03, 1.02), (-0.01, 1.0)]
        # Where the corners of the photograph lie on the page.
        places = [(x * width, y * height) for x, y in corners]
        rows, values = [], []
        for (x, y), (u, v) in zip([(0, 0), (width, 0), (width, height), (0, height)], places, strict=True):
            rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
            values += [u, v]
        map_ = np.linalg.solve(np.array(rows), np.array(values))
        seen = np.asarray(
            page.transform(
                page.size, Image.Transform.PERSPECTIVE, tuple(map_), Image.Resampling.BICUBIC, fillcolor=255
            ),
            np.float32,
        )
        y, x = np.mgrid[0:height, 0:width] / [[[height]], [[width]]]
        light = 0.72 + 0.25 * x - 0.12 * y
        noise = np.random.default_rng(0).normal(0.0, 4.0, seen.shape)
        return np.asarray(np.clip(25 + 0.9 * seen * light + noise, 0, 255), np.uint8)

    def test_a_photograph_becomes_a_brush_that_writes_is_judged_and_trained(
        self, sheet: CalibrationSheet, ink: NDArray[np.float32], tmp_path: Path
    ) -> None:
        photo, mine = tmp_path / "photo.png", tmp_path / "mine.brush.yaml"
        Image.fromarray(self.scanned(sheet, ink)).save(photo)
        assert (
            status_of(
                ["brush", "fit", str(photo), "-o", str(mine), "--alike", "--residuals", str(tmp_path / "rest.png")]
            )
            == 0
        )
        assert (tmp_path / "rest.png").is_file()
        found = load_brush(mine).model
        for what in ("width", "length"):
            for depth in (0.004, 0.008, 0.012):
                assert getattr(found, what)(depth) == pytest.approx(getattr(TRUE, what)(depth), rel=0.05)
        written = tmp_path / "yi.png"
        assert status_of(["write", "一", "-o", str(written), "--brush", str(mine), "--policy", "scripted"]) == 0
        assert status_of(["evaluate", "--limit", "1", "--brush", str(mine), "--policy", "scripted"]) == 0
        stage = load_curriculum(folder("curricula") / "specialists.yaml").written_with(str(mine)).stages[-1]
        assert stage.brush.build() == found

    def test_what_cannot_be_fitted_is_told_in_one_line(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        plain, out = tmp_path / "plain.png", tmp_path / "mine.brush.yaml"
        Image.new("L", (400, 600), 255).save(plain)
        bad = tmp_path / "bad.brush.yaml"
        bad.write_text("width_slope: -3\n")
        cases = [
            (["brush", "fit", str(plain), "-o", str(out)], "four ring-shaped markers"),
            (["brush", "fit", str(plain), "-o", str(tmp_path / "x.png")], "must end in .yaml"),
            (["brush", "fit", str(plain), "-o", str(out), "--start", str(bad)], "width_slope: -3, expected a number"),
            (["brush", "sheet", "-o", str(tmp_path / "a.gcode"), "--pages", "2"], "--pages: a machine runs the same"),
            (["brush", "sheet", "-o", str(tmp_path / "a.pdf"), "--pages", "0"], "pages: 0, expected"),
            (["write", "一", "-o", str(tmp_path / "a.png"), "--brush", str(bad)], "width_slope: -3, expected a number"),
        ]
        for arguments, message in cases:
            assert status_of(arguments) == 2
            told = capsys.readouterr().err
            assert message in told
            assert told.count("\n") == 1
            assert not out.exists()


class TestSheets:
    def test_a_pdf_has_as_many_pages_as_asked_for(self) -> None:
        assert CalibrationSheet(3).pdf().count(b"/Type/Page/") == 3
        assert len(CalibrationSheet(3).cells) == 135
        assert len(CalibrationSheet(3).paths) == 45

    @pytest.mark.slow
    def test_a_fit_says_what_it_does_not_know(self, sheet: CalibrationSheet) -> None:
        rows = TRUE.randomised(45, 0.25, np.random.default_rng(1))
        fit = fit_brush(sheet.render(rows), starts=2)
        error = np.abs(fit.model.parameters() / rows.mean(axis=0) - 1)
        unknown = {name for name, off in zip(NAMES, error, strict=True) if off > 0.3}
        assert unknown <= set(fit.undetermined)
        assert all((fit.sheets > 1) == np.isin(NAMES, fit.undetermined))


class TestNeural:
    def test_a_network_learns_what_the_numbers_do_not_say(self, tmp_path: Path) -> None:
        """Footprints of a brush that drags more of its tuft than the one that is fitted."""
        paths = movements(6, 16, 0)
        true = BrushModel(root_ratio=1.0, width_slope=1.35)
        reach = _reaches(true, paths, np.zeros(SIZE))
        told: list[float] = []
        found = fit_network(BrushModel(), Footprints(paths, reach), rounds=3, progress=lambda _, rms: told.append(rms))
        before = 1e3 * (_reaches(BrushModel(), paths, np.zeros(SIZE)) - reach)
        assert told == sorted(told, reverse=True)
        assert 1e3 * told[-1] < 0.5 * np.sqrt(np.nanmean(before**2))
        file = tmp_path / "mine.brush.yaml"
        file.write_text(brush_text(BrushFile(found)), encoding="utf-8")
        again = load_brush(file).model
        assert isinstance(again, NeuralBrush)
        np.testing.assert_allclose(again.network, found.network, rtol=1e-5, atol=1e-9)

    def test_shapes_that_do_not_fit_are_told(self) -> None:
        with pytest.raises(HierbrushError, match=r"seen: shapes .*, expected paths \[n, rows \+ 1, 3\]"):
            fit_network(BrushModel(), Footprints(np.zeros((2, 5, 3)), np.zeros((2, 5, 16))))

    def test_a_picture_tells_how_far_a_footprint_reaches(self) -> None:
        y, x = np.mgrid[0:41, 0:41]
        reach = reach_of((x - 20) ** 2 + (y - 20) ** 2 <= 100, 1e-3)
        np.testing.assert_allclose(reach, 0.0105, atol=4e-4)
        assert np.isnan(reach_of(np.zeros((5, 5), bool), 1e-3)).all()
