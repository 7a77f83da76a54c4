"""A font of what the brush writes: its glyphs are the ink, it is small, keeps what was done, and others accept it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from fontTools.ttLib import TTFont
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hierbrush import HierbrushError, write_character
from hierbrush.cli.font import font as command
from hierbrush.fonts import CHARSETS, FontInterrupted, charset, write_font
from hierbrush.fonts.curves import fitted
from hierbrush.fonts.tables import FontNames
from hierbrush.metrics import score

TEXT = "永和九，「一"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("font") / "mine.ttf"
    write_font(path, TEXT, names=FontNames(family="我的 Hand"))
    return path


def shown(path: Path, char: str, side: int = 256, samples: int = 4) -> NDArray[np.float64]:
    """Return the coverage of a glyph as Pillow draws it, the em being the picture."""
    big = side * samples
    picture = Image.new("L", (big, big))
    drawn = ImageFont.truetype(path, big)
    ImageDraw.Draw(picture).text((0, round(big * 0.88)), char, font=drawn, fill=255, anchor="ls")
    return np.asarray(picture, dtype=float).reshape(side, samples, side, samples).mean((1, 3)) / 255


@pytest.mark.parametrize("char", TEXT)
def test_a_glyph_is_the_ink(made: Path, char: str) -> None:
    ink = write_character(char).image(256)
    assert score(shown(made, char).astype(np.float32), ink).iou >= 0.97


def test_a_font_is_small_and_whole(made: Path) -> None:
    opened = TTFont(made)
    assert made.stat().st_size / len(TEXT) < 1024
    assert set(map(ord, TEXT)) | {0x20, 0x3000} == set(opened.getBestCmap())
    assert opened["head"].unitsPerEm == 1000
    assert (opened["hhea"].ascent, opened["hhea"].descent) == (880, -120)
    assert {advance for advance, _ in opened["vmtx"].metrics.values()} == {1000}
    assert opened["OS/2"].fsType == 0
    names = opened["name"]
    assert names.getDebugName(1) == "我的 Hand"
    assert names.getDebugName(6) == "Hand-Regular"
    assert "Arphic Public License" in names.getDebugName(13)


def test_marks_have_a_form_for_columns(made: Path) -> None:
    features = {record.FeatureTag for record in TTFont(made)["GSUB"].table.FeatureList.FeatureRecord}
    assert features == {"vert", "vrt2"}


def test_the_same_call_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.ttf"
    write_font(again, TEXT, names=FontNames(family="我的 Hand"))
    assert again.read_bytes() == made.read_bytes()


@pytest.mark.skipif(shutil.which("ots-sanitize") is None, reason="opentype-sanitizer is not installed")
def test_browsers_accept_it(made: Path) -> None:
    done = subprocess.run(["ots-sanitize", made, "/dev/null"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr


def test_ascii_digits_stand_close(tmp_path: Path) -> None:
    write_font(tmp_path / "mine.ttf", "2２")
    opened = TTFont(tmp_path / "mine.ttf")
    names = opened.getBestCmap()
    narrow, wide = (opened["glyf"][names[ord(char)]] for char in "2２")
    assert [opened["hmtx"][names[ord(char)]][0] for char in "2２"] == [560, 1000]
    assert 0 < narrow.xMin < narrow.xMax < 560
    assert wide.xMin - narrow.xMin == 220


def test_what_was_finished_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hierbrush.fonts.font as module

    monkeypatch.setattr(module, "_BATCH", 2)
    real, asked = module._glyphs_of, []

    def interrupted(batch: list[str], *, writing: Any) -> Any:
        asked.append("".join(batch))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(batch, writing=writing)

    monkeypatch.setattr(module, "_glyphs_of", interrupted)
    path = tmp_path / "mine.ttf"
    with pytest.raises(FontInterrupted) as told:
        write_font(path, "永和九年")
    assert told.value.finished == 2
    assert not path.exists()
    (part,) = told.value.folder.iterdir()
    seen: list[int] = []
    write_font(path, "永和九年", progress=seen.append)
    assert asked == ["永和", "九年", "九年"]
    assert sum(seen) == 4
    assert not told.value.folder.exists()

    # A part that was damaged is made again.
    part.parent.mkdir()
    part.write_bytes(b"PK\x03\x04 no archive")
    write_font(path, "永和九年")
    assert asked[3:] == ["永和", "九年"]


def test_what_cannot_be_written_is_left_out_and_told(tmp_path: Path) -> None:
    report = write_font(tmp_path / "mine.ttf", "一a")
    assert report.characters == ("一",)
    assert set(report.left_out) == {"a"}


def test_what_a_source_rejects_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hierbrush.sources import RejectedError
    from hierbrush.sources.glyph import GlyphSource

    plans = GlyphSource.plans

    def unsure(self: GlyphSource, texts: list[str]) -> list[Any]:
        return [RejectedError("丁") if text == "丁" else plans(self, [text])[0] for text in texts]

    monkeypatch.setattr(GlyphSource, "plans", unsure)
    report = write_font(tmp_path / "mine.ttf", "一丁七", goal="glyph")
    assert report.characters == ("一", "七")
    assert set(report.left_out) == {"丁"}


@pytest.mark.parametrize(
    ("path", "characters", "options", "message"),
    [
        ("mine.otf", "一", {}, r"^path: .*mine\.otf' does not end in \.ttf$"),
        ("mine.ttf", "", {}, r"^characters: none of ''"),
        ("mine.ttf", ["一二"], {}, r"^characters: '一二', expected single characters"),
        ("mine.ttf", 7, {}, r"^characters: 7, expected"),
        ("mine.ttf", "一", {"workers": 0}, r"^workers: 0"),
        ("mine.ttf", "一", {"policy": "lerned"}, r"policy"),
    ],
)
def test_one_line_says_what_is_wrong(
    tmp_path: Path, path: str, characters: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(HierbrushError, match=message) as told:
        write_font(tmp_path / path, characters, **options)
    assert len(str(told.value).splitlines()) == 1


def test_sets_have_the_characters_of_their_standards() -> None:
    counts = {name: sum("一" <= char <= "鿿" for char in charset(name)) for name in CHARSETS}
    assert counts == {"gb2312": 6763, "gb2312-1": 3755, "big5": 13051, "big5-1": 5401}
    assert set("，。、：；？！「」（）") <= set(charset("gb2312"))
    with pytest.raises(HierbrushError, match=r"^charset: 'gb2321' .*did you mean 'gb2312'"):
        charset("gb2321")


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "mine.ttf"
    done = CliRunner().invoke(command, ["-o", str(path), "--text", "一丁", "--family", "Mine"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "2 characters" in done.stdout
    assert "Arphic Public License" in done.stdout
    assert TTFont(path)["name"].getDebugName(4) == "Mine Regular"


def test_a_circle_takes_few_points() -> None:
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    points, on = fitted(100 * np.column_stack([np.cos(angle), np.sin(angle)]), 0.5)
    assert len(points) < 14
    assert on.sum() == 1
