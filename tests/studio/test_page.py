"""The studio's page in a real browser: every control is used, nothing is complained of, nothing is asked of others."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from studio.browser import Seen, opened

import hierbrush
from hierbrush.studio.desk import Desk
from hierbrush.studio.server import StudioServer
from hierbrush.writing.exports import html

TELEPHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
REFUSED = "Failed to load resource"  # what the console says of an answer that is no success


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    runs = tmp_path_factory.mktemp("runs")
    for name in ("first", "second"):
        (runs / name).mkdir()
        records = [{"steps": 1000 * n, "iou": 0.5 + n / 300, "return": n, "stage_name": "plain"} for n in range(60)]
        (runs / name / "metrics.jsonl").write_text("\n".join(map(json.dumps, records)))
        (runs / name / "config.json").write_text(json.dumps({"name": name}))
    studio = StudioServer(Desk(runs))
    thread = threading.Thread(target=studio.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield studio
    studio.shutdown()
    thread.join()
    studio.server_close()


def visit(chromium: Any, server: StudioServer, **context: Any) -> tuple[Any, Seen]:
    page, seen = opened(chromium, server.url, locale="en-GB", **context)
    page.goto(server.url)
    page.wait_for_selector("#player .hierbrush-player")
    page.wait_for_selector("#write:not([aria-busy])")
    return page, seen


@pytest.fixture
def page(chromium: Any, server: StudioServer) -> Iterator[Any]:
    page, seen = visit(chromium, server, viewport={"width": 1360, "height": 900})
    yield page
    page.context.close()
    assert [error for error in seen.errors if REFUSED not in error] == []
    assert seen.elsewhere == []


def write(page: Any, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")
    page.wait_for_function("(text) => document.querySelector('#status').textContent.startsWith(text)", arg=text)


def test_a_line_is_typed_and_watched(page: Any) -> None:
    write(page, "永和九年")
    player = page.locator("#player .player")
    assert player.get_attribute("aria-label") == "Brush writing: 永和九年"
    slider = page.get_by_label("Position, in ticks")
    page.wait_for_function("() => document.activeElement.id === 'text'")
    before = int(slider.input_value())
    page.wait_for_function(
        "(before) => Number(document.querySelector('#player > div').shadowRoot.querySelector('input').value) > before",
        arg=before,
    )
    page.get_by_role("button", name="Pause").click()
    assert page.get_by_role("button", name="Play", exact=True).is_visible()


def test_every_choice_is_taken(page: Any) -> None:
    page.locator("#paper-choices summary").click()
    for name, value, found in (
        ("goal", "decomposition", "goal='decomposition'"),
        ("composer", "component means", "composer='component means'"),
        ("policy", "scripted", "policy='scripted'"),
        ("brush", "round", "brush='round'"),
        ("ink", "dry", 'ink="dry"'),
        ("dip", "character", "dip='character'"),
        ("direction", "vertical", "'vertical'"),
        ("grid", "米", "grid='米'"),
        ("missing", "box", "missing='box'"),
        ("paper", "A4", "Layout.on('A4'"),
    ):
        page.fill("#text", "永a") if name == "missing" else page.fill("#text", "永和")
        page.select_option(f"#{name}", value)
        page.wait_for_function("(text) => document.querySelector('#python').textContent.includes(text)", arg=found)
    for name, found in (("rows", "rows=5"), ("columns", "columns=4")):
        page.fill(f"#{name}", found.split("=")[1])
        page.locator(f"#{name}").dispatch_event("change")
        page.wait_for_function("(text) => document.querySelector('#python').textContent.includes(text)", arg=found)
    page.select_option("#paper", "")
    page.fill("#per_line", "1")
    page.locator("#per_line").dispatch_event("change")
    page.wait_for_function("() => document.querySelector('#python').textContent.includes('per_line=1')")
    page.locator("#weight").fill("1.5")
    page.locator("#weight").dispatch_event("change")
    page.wait_for_function("() => document.querySelector('#python').textContent.includes('weight=1.5')")
    assert page.locator("#message").text_content() == ""


@pytest.mark.parametrize("kind", ["PNG", "SVG", "PDF", "GIF", "JSON", "NPZ", "G-code", "HTML"])
def test_files_are_downloaded(page: Any, kind: str, tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.get_by_role("button", name=kind, exact=True).click()
    file = tmp_path / "file"
    download.value.save_as(file)
    assert download.value.suggested_filename == f"永.{'gcode' if kind == 'G-code' else kind.lower()}"
    assert len(file.read_bytes()) > 500


def test_the_python_call_is_copied(page: Any) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the Python call").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert "write_character('永')" in page.evaluate("navigator.clipboard.readText()")


def test_the_composition_is_shown_and_lit(page: Any) -> None:
    page.select_option("#goal", "decomposition")
    write(page, "歡")
    assert page.locator("#tree button").count() >= 3
    page.locator("#tree button").nth(1).click()
    assert "composed by" in page.locator("#source").text_content()
    assert page.locator("#facts dt").all_text_contents()[:2] == ["IoU with the glyph", "IoU with the goal"]


def test_sheets_and_characters_are_turned(page: Any) -> None:
    page.locator("#paper-choices summary").click()
    page.select_option("#paper", "A4")
    for name in ("rows", "columns"):
        page.fill(f"#{name}", "2")
    write(page, "永和九年歲在")
    assert page.locator("#sheet-shown").text_content() == "Sheet 1 of 2"
    page.get_by_role("button", name="Next sheet").click()
    assert page.locator("#sheet-shown").text_content() == "Sheet 2 of 2"
    page.select_option("#which", "1")
    assert page.locator("#tree button").first.text_content() == "在"
    page.get_by_role("button", name="Sheet before").click()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hello", "is no Chinese character"),
        ("永" * 700, "700 characters, expected at most 600"),
        ("", "text: is empty"),
    ],
)
def test_bad_text_is_told(page: Any, text: str, told: str) -> None:
    page.fill("#text", text)
    page.get_by_role("button", name="Write", exact=True).click()
    page.wait_for_function("(told) => document.querySelector('#message').textContent.includes(told)", arg=told)
    write(page, "永")
    assert page.locator("#message").text_content() == ""


def test_a_file_that_is_no_font_is_told(page: Any) -> None:
    page.locator("#file").set_input_files({"name": "x.ttf", "mimeType": "font/ttf", "buffer": b"no font"})
    page.wait_for_function(
        "() => document.querySelector('#message').textContent.includes(\"'x.ttf' is neither a font\")"
    )


def test_a_picture_is_dropped_and_written_after(page: Any, tmp_path: Path) -> None:
    picture = hierbrush.write_character("年").save(tmp_path / "nian.png")
    page.fill("#text", "年")
    page.locator("#file").set_input_files(picture)
    page.wait_for_function("() => document.querySelector('#python').textContent.includes(\"goal='nian.png'\")")
    assert page.locator("#source").text_content() == "its strokes found in the picture"
    assert page.locator("#goal option:checked").text_content() == "nian.png"


def test_a_picture_that_is_damaged_is_told(page: Any) -> None:
    page.locator("#file").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": b"\x89PNG no more"})
    page.wait_for_function("() => document.querySelector('#message').textContent.includes(\"'x.png'\")")
    page.wait_for_function("() => document.querySelector('#goal').value === ''")


def drawn(page: Any, stroke: int) -> None:
    """Write a stroke of 永 with the mouse along its middle."""
    median = hierbrush.write_character("永").strokes[stroke].goal.skeleton
    area = page.locator("#mine canvas.brush").bounding_box()
    places = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in median.tolist()]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()


def test_a_stroke_is_written_along_and_scored(page: Any) -> None:
    page.get_by_role("tab", name="Write along").click()
    page.select_option("#practise-stroke", "1")
    drawn(page, 1)
    assert page.locator("#verdict").text_content().endswith("right stroke")
    row = page.locator("#marks tbody tr").first.locator("td").all_text_contents()
    assert row[0] == "2 横折钩 HZG"
    assert 0.3 < float(row[1]) < float(row[2]) <= 1
    page.get_by_role("button", name="Show it").click()
    page.get_by_role("button", name="Clear").click()
    drawn(page, 4)
    assert page.locator("#verdict").text_content().endswith("another stroke")


def test_a_stroke_is_written_by_keyboard(page: Any) -> None:
    page.get_by_role("tab", name="Write along").click()
    page.select_option("#practise-stroke", "0")
    page.locator("#mine canvas.brush").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    for _ in range(9):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    assert page.locator("#verdict").text_content().endswith("right stroke")
    assert float(page.locator("#marks tbody td").nth(1).text_content()) > 0.3


def test_a_quiz_is_written_to_its_end(page: Any) -> None:
    page.get_by_role("tab", name="Write along").click()
    page.get_by_role("button", name="Quiz: all strokes in order").click()
    for stroke in range(5):
        drawn(page, stroke)
    page.wait_for_function("() => document.querySelector('#verdict').textContent === 'Finished; strokes missed: 0'")


def test_policies_stand_side_by_side(page: Any) -> None:
    page.get_by_role("tab", name="Compare").click()
    page.wait_for_selector("#compare-table tbody tr")
    assert page.locator("#compare-table thead th").all_text_contents() == ["Stroke", "1 learned", "2 scripted"]
    scores = page.locator("#compare-table tbody tr").first.locator("td").all_text_contents()
    assert float(scores[1]) > float(scores[2])
    first, second = page.locator(".variant").nth(0), page.locator(".variant").nth(1)
    first.get_by_role("button", name="Previous stroke").click()
    first.get_by_role("button", name="One tick forward").click()
    values = [each.get_by_label("Position, in ticks").input_value() for each in (first, second)]
    assert values[0] == values[1] != "0"
    page.get_by_role("button", name="One more").click()
    page.locator(".variant").nth(2).locator("select").nth(2).select_option("round")
    page.get_by_role("button", name="Write all").click()
    page.wait_for_function("() => document.querySelectorAll('#compare-table thead th').length === 4")
    page.locator(".variant").nth(2).get_by_role("button", name="Take away").click()
    assert page.locator(".variant").count() == 2


def test_trainings_and_episodes_are_shown(page: Any) -> None:
    page.get_by_role("tab", name="Research").click()
    page.wait_for_selector("#measures input")
    assert "59,000 steps" in page.locator("#chart-shown").text_content()
    page.locator("#measures label", has_text="return").click()
    page.locator("#chart").hover(position={"x": 300, "y": 100})
    assert "59,000 steps" not in page.locator("#chart-shown").text_content()
    before = page.locator("#chart-shown").text_content()
    page.locator("#chart").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#chart-shown").text_content() != before
    page.select_option("#run", "first")
    page.locator("#config summary").click()
    page.wait_for_function("() => document.querySelector('#config-text').textContent.includes('first')")
    page.select_option("#curriculum", "dots")
    page.select_option("#policy-b", "scripted")
    page.get_by_role("button", name="Draw", exact=True).click()
    page.wait_for_selector(".episode")
    assert page.locator(".episode").count() == 6
    assert page.locator(".episode").first.locator(".hierbrush-player").count() == 2
    page.locator("#episodes-tick").fill("5")
    assert page.locator("#episodes-shown").text_content() == "5"
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("() => Number(document.querySelector('#episodes-tick').value) > 6")


def test_tabs_are_reached_by_keys(page: Any) -> None:
    page.locator("#tab-watch").focus()
    for name in ("Write along", "Compare", "Research", "Watch"):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.textContent") == name
        assert page.get_by_role("tab", name=name).get_attribute("aria-selected") == "true"


def test_keys_move_the_brush_wherever_nothing_is_typed(page: Any) -> None:
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("End")
    slider = page.get_by_label("Position, in ticks")
    assert slider.input_value() == slider.get_attribute("max")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert slider.input_value() == "1"


UNNAMED = """() => [...document.querySelectorAll("button, input, select, textarea, canvas[role=img]")].filter((each) =>
  each.offsetParent !== null && !each.labels?.length && !each.getAttribute("aria-label") && !each.textContent.trim())
  .map((each) => each.outerHTML)"""


def test_everything_has_a_name_in_both_languages(page: Any) -> None:
    english = page.locator("[data-word]").all_text_contents()
    page.select_option("#language", "zh")
    chinese = page.locator("[data-word]").all_text_contents()
    assert page.evaluate("document.documentElement.lang") == "zh"
    assert [pair for pair in zip(english, chinese, strict=True) if pair[0] == pair[1]] == []
    assert page.get_by_label("位置（刻）").is_visible()
    for name in ("跟写", "比较", "研究", "观看"):
        page.get_by_role("tab", name=name).click()
        assert page.evaluate(UNNAMED) == []
    page.wait_for_selector("#compare-run:not([aria-busy])", state="attached")


WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_telephone_and_can_be_read(chromium: Any, server: StudioServer, scheme: str) -> None:
    page, seen = visit(chromium, server, color_scheme=scheme, **TELEPHONE)
    for name in ("Watch", "Write along", "Compare", "Research"):
        page.get_by_role("tab", name=name).tap()
        assert page.evaluate(WIDE) <= 0
    page.wait_for_selector("#compare-run:not([aria-busy])", state="attached")
    contrast = page.evaluate(
        """() => {
          const light = (text) => {
            const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            const [r, g, b] = text.match(/[0-9.]+/g).map((v) => linear(Number(v) / 255));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ground = light(getComputedStyle(document.documentElement).backgroundColor);
          return [...document.querySelectorAll(".hint, .field, h1, .tabs button, summary")].map((each) => {
            const text = light(getComputedStyle(each).color);
            return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05); });
        }"""
    )
    assert min(contrast) >= 4.5
    page.context.close()
    assert seen.errors == []


def test_light_and_dark_are_chosen(page: Any) -> None:
    grounds = []
    for theme in ("light", "dark"):
        page.select_option("#theme", theme)
        grounds.append(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
    assert grounds[0] != grounds[1]


def test_a_server_that_is_gone_is_told(page: Any) -> None:
    page.route("**/api/write", lambda route: route.abort())
    page.fill("#text", "和")
    page.press("#text", "Enter")
    page.wait_for_function("() => document.querySelector('#message').textContent.includes('still running')")


def test_a_saved_page_plays_from_disk(chromium: Any, tmp_path: Path) -> None:
    file = tmp_path / "yong.html"
    file.write_bytes(html.render(hierbrush.write_text("永和", layout="horizontal")))
    page, seen = opened(chromium, file.as_uri(), locale="en-GB")
    page.goto(file.as_uri())
    page.get_by_label("Position, in ticks").wait_for()
    page.wait_for_function(
        "() => Number(document.querySelector('#sheet > div').shadowRoot.querySelector('input').value) > 3"
    )
    page.context.close()
    assert seen.errors == []
    assert seen.elsewhere == []


def test_a_notebooks_frame_plays(chromium: Any) -> None:
    page, seen = opened(chromium, "about:")
    page.set_content(f"<!doctype html><html><body>{hierbrush.write_character('永')._repr_html_()}</body></html>")
    frame = page.frame_locator("iframe")
    frame.get_by_role("slider").wait_for()
    page.context.close()
    assert seen.errors == []
    assert seen.elsewhere == []
