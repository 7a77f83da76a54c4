"""The player in a real browser: its brush is the simulator's, its calls do what docs/studio.md says."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from studio.browser import opened

import hierbrush
from hierbrush.resources import page_file
from hierbrush.sim import BrushBatch
from hierbrush.writing.exports.html import player_data

HOME = "http://player.test/"
PLAYER = page_file("hierbrush-player.js").read_text("utf-8")
FIFTY = "永和九年歲在癸丑暮春之初會于稽山陰蘭亭修禊事也群賢畢至少長咸集此地有崇峻嶺茂林竹又清流激湍映帶左"
BODY = """<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,">
<style>#box { width: 256px }</style><div id="box"></div>
<script type="module">import * as player from "./hierbrush-player.js"; window.hb = player;</script>"""
LIKE_C = 0.001  # share of pixels that may differ


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    page, seen = opened(chromium, HOME)
    served = {HOME: ("text/html", BODY), HOME + "hierbrush-player.js": ("text/javascript", PLAYER)}
    page.route(
        "**/*",
        lambda route: (
            route.fulfill(content_type=served[route.request.url][0], body=served[route.request.url][1])
            if route.request.url in served
            else route.abort()
        ),
    )
    page.goto(HOME)
    page.wait_for_function("window.hb")
    yield page
    page.context.close()
    assert seen.errors == []
    assert seen.elsewhere == []


def put(page: Any, text: str = "永", **options: Any) -> dict[str, Any]:
    """Put a player that shows a text into the page, as ``player``."""
    data = player_data(hierbrush.write_character(text))
    page.evaluate(
        "([data, options]) => { window.player = hb.create('box', data, options) }",
        [data, {"pixels": 256, "lang": "en", **options}],
    )
    return data


def frames_of(writing: hierbrush.Writing) -> Iterator[NDArray[np.uint8]]:
    """Yield the samples inked of each pixel, 0 to 16, every ten ticks of every stroke and at the end."""
    paper = BrushBatch(writing.brush, 1, side=256, supersample=4)
    for number, path in enumerate(writing.stroke_paths):
        paper.dip()
        if writing.starts is not None:
            paper.turn(writing.starts[number])
        paper.place(path[0])
        for row, pose in enumerate(path[1:], 1):
            paper.step(pose)
            if row % 20 == 0:
                yield np.rint(paper.coverage(0) * 16).astype(np.uint8)
    yield np.rint(paper.coverage(0) * 16).astype(np.uint8)


FRAMES = """async (text) => {
  const data = JSON.parse(text), parts = [];
  const player = hb.create("box", data, { pixels: 256 }), { movement } = player.cells[0];
  const keep = () => parts.push(movement.paper.counts.slice());
  player.characters[0].strokes.forEach((stroke, number) => {
    for (let row = 20; row < stroke.path.length / 3; row += 20) { movement.show(movement.at(number, row)); keep(); }
  });
  movement.show(movement.total); keep();
  player.destroy();
  const packed = new Blob(parts).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}"""


def shown_by(page: Any, writing: hierbrush.Writing) -> NDArray[np.uint8]:
    """Return the page's frames of a writing, as `frames_of` yields the core's."""
    packed = base64.b64decode(page.evaluate(FRAMES, json.dumps(player_data(writing))))
    return np.frombuffer(gzip.decompress(packed), np.uint8).reshape(-1, 256, 256)


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        (FIFTY, {}),
        ("永年", {"dip": "character"}),
        ("歡龍", {"goal": "decomposition"}),
        ("永和", {"brush": "round"}),
        ("年", {"weight": 1.6}),
    ],
    ids=["fifty characters", "seldom dipped", "composed", "round brush", "bold"],
)
def test_the_ink_is_the_cores_at_every_tenth_tick(page: Any, texts: str, options: dict[str, Any]) -> None:
    for writing in hierbrush.write_characters(texts, **options):
        for frame, want in zip(shown_by(page, writing), frames_of(writing), strict=True):
            assert np.count_nonzero(frame != want) <= LIKE_C * want.size, writing.char


def test_the_ink_is_the_cores_sample_by_sample(page: Any) -> None:
    writing = hierbrush.write_character("永")
    assert np.array_equal(shown_by(page, writing), list(frames_of(writing)))


WATCH = """(ticks) => {
  const copy = new OffscreenCanvas(256, 256).getContext("2d", { willReadFrequently: true });
  const ink = (tick) => {
    player.seek(tick);
    copy.clearRect(0, 0, 256, 256);
    copy.drawImage(player.layers.ink, 0, 0);
    return copy.getImageData(0, 0, 256, 256).data.filter((_, i) => i % 4 === 3);
  };
  return ticks(ink);
}"""


def test_painted_pixels_never_vanish(page: Any) -> None:
    put(page)
    shown = page.evaluate(
        "() => ("
        + WATCH
        + """)((ink) => {
          let before = new Uint8Array(65536), kept = true;
          for (let tick = 0; tick <= player.ticks; tick++) {
            const now = ink(tick);
            kept &&= now.every((value, i) => value >= before[i]);
            before = now;
          }
          return [kept, Math.max(...before)];
        })"""
    )
    assert shown == [True, 255]


def test_going_back_shows_what_was_shown_before(page: Any) -> None:
    put(page)
    same = page.evaluate(
        "() => ("
        + WATCH
        + """)((ink) => {
          const forward = [40, 80, 120].map((tick) => ink(tick).join());
          ink(player.ticks);
          return [120, 80, 40].map((tick) => ink(tick).join()).reverse().every((now, i) => now === forward[i])
            && forward[0] !== forward[1];
        })"""
    )
    assert same


def test_ink_is_as_black_as_its_tone_says(page: Any) -> None:
    data = player_data(hierbrush.write_character("永"))
    tone = np.full((64, 64), 255, np.uint8)
    tone[:, 32:] = 128
    tone[60:] = 40  # where no brush was: ink that crept there
    file = BytesIO()
    Image.fromarray(tone).save(file, "PNG")
    data["characters"][0]["tone"] = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    page.evaluate("(data) => { window.player = hb.create('box', data, { pixels: 64, width: 64 }) }", data)
    page.evaluate("player.ready")
    shown = "[player.seek(player.ticks - 1), player.cells[0].image.data.filter((_, i) => i % 4 === 3)][1]"
    wet, plain = page.evaluate(f"[[...{shown}], [...player.cells[0].movement.paper.counts]]")
    wanted = np.round(np.array(plain).reshape(64, 64) * tone.astype(float) / 16)
    assert np.abs(np.array(wet).reshape(64, 64) - wanted).max() <= 1
    dry = page.evaluate("player.seek(player.ticks), [...player.cells[0].image.data.filter((_, i) => i % 4 === 3)]")
    assert np.array_equal(np.array(dry).reshape(64, 64), tone)
    again = page.evaluate(f"[...{shown}]")
    assert again == wet


HASH = """async () => {
  const shown = [...Object.values(player.layers)].map((canvas) => canvas.toDataURL()).join();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(shown));
  return [...new Uint8Array(digest)].join();
}"""


def test_with_a_frozen_clock_two_runs_are_identical(chromium: Any) -> None:
    def run() -> list[str]:
        page, seen = opened(chromium, HOME)
        page.clock.install(time=0)
        page.route("**/*", lambda route: route.fulfill(content_type="text/html", body=BODY.split("<script")[0]))
        # crypto.subtle is for secure contexts alone.
        page.goto("https://player.test/")
        page.evaluate(
            "(source) => import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})))"
            ".then((player) => { window.hb = player })",
            PLAYER,
        )
        page.clock.pause_at(60_000)
        put(page, showHandlePath=True, showTipPath=True, controls=True)
        page.evaluate("void player.animateCharacter()")
        hashes = []
        for _ in range(5):
            page.clock.run_for(500)
            hashes.append(page.evaluate(HASH))
        page.context.close()
        assert seen.errors == []
        return hashes

    first = run()
    assert first == run()
    assert len(set(first)) == 5


def test_a_character_is_animated_paused_and_resumed(page: Any) -> None:
    put(page, strokeAnimationSpeed=1)
    page.evaluate("window.ended = null; void player.animateCharacter().then((result) => { window.ended = result })")
    page.wait_for_function("player.tick > 3")
    page.evaluate("player.pauseAnimation()")
    stopped = page.evaluate("player.tick")
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    assert page.evaluate("player.tick") == stopped
    page.evaluate("player.set({strokeAnimationSpeed: 1000}); player.resumeAnimation()")
    page.wait_for_function("window.ended")
    assert page.evaluate("window.ended") == {"canceled": False}
    assert page.evaluate("player.tick === player.ticks")


def test_a_new_animation_ends_the_one_before(page: Any) -> None:
    put(page)
    page.evaluate("player.animateCharacter().then((result) => { window.ended = result }); void player.animateStroke(2)")
    page.wait_for_function("window.ended")
    assert page.evaluate("window.ended.canceled")
    assert page.evaluate("player.stroke") == 2


def test_a_stroke_alone_is_animated_to_its_end(page: Any) -> None:
    put(page, strokeAnimationSpeed=1000)
    page.evaluate("player.animateStroke(1).then(() => { window.ended = true })")
    page.wait_for_function("window.ended")
    assert page.evaluate("player.time === player.strokes[1].end")


def test_stepping(page: Any) -> None:
    put(page)
    page.evaluate("player.seekStroke(2)")
    start = page.evaluate("player.tick")
    page.evaluate("player.stepTick(1)")
    assert page.evaluate("player.tick") == start + 1
    page.evaluate("player.stepStroke(-1)")
    assert page.evaluate("player.tick") == start
    page.evaluate("player.stepStroke(-1)")
    assert page.evaluate("player.stroke") == 1
    for _ in range(9):
        page.evaluate("player.stepStroke(1)")
    assert page.evaluate("player.tick === player.ticks")


def test_keys_do_what_buttons_do(page: Any) -> None:
    put(page, controls=True)
    page.locator(".player").focus()
    page.keyboard.press("Home")
    assert page.evaluate("player.tick") == 0
    page.keyboard.press("ArrowRight")
    assert page.evaluate("player.tick") == 1
    page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate("player.stroke") == 1
    page.keyboard.press("End")
    assert page.evaluate("player.tick === player.ticks")
    for key, option in {
        "o": "showOutline",
        "g": "showGrid",
        "b": "showBrush",
        "f": "showFootprint",
        "h": "showHandlePath",
        "t": "showTipPath",
        "l": "loop",
    }.items():
        before = page.evaluate(f"player.options.{option}")
        page.keyboard.press(key)
        assert page.evaluate(f"player.options.{option}") is not before
    page.keyboard.press("-")
    assert page.evaluate("player.options.strokeAnimationSpeed") == 0.5
    page.keyboard.press(" ")
    assert page.evaluate("player.playing")


def test_every_control_has_a_name_and_works(page: Any) -> None:
    put(page, controls=True)
    buttons = page.locator(".bar button, .strokes button")
    assert buttons.count() == 6 + 6 + 5
    for index in range(buttons.count()):
        button = buttons.nth(index)
        assert button.get_attribute("aria-label") or button.text_content()
        button.click()
    page.get_by_label("Speed", exact=True).select_option("4")
    assert page.evaluate("player.options.strokeAnimationSpeed") == 4
    page.evaluate("player.seek(10)")
    assert page.get_by_label("Position, in ticks").get_attribute("aria-valuetext") == "Stroke 1 of 5: 点 D"
    page.locator(".curves").click(position={"x": 200, "y": 50})
    assert page.evaluate("player.tick") > 10


WRITE = """async (number) => {
  const stroke = player.characters[0].strokes[number], { median } = stroke;
  const canvas = player.layers.brush, area = canvas.getBoundingClientRect();
  const fire = (name, i) => canvas.dispatchEvent(new PointerEvent(name, {
    pointerId: 1, pointerType: "pen", pressure: 0.6, bubbles: true,
    clientX: area.left + median[2 * i] * area.width, clientY: area.top + median[2 * i + 1] * area.height,
  }));
  canvas.setPointerCapture = () => {};
  fire("pointerdown", 0);
  for (let i = 1; i < median.length / 2; i++) fire("pointermove", i);
  fire("pointerup", median.length / 2 - 1);
}"""


def test_a_quiz_takes_the_right_strokes_and_refuses_wrong_ones(page: Any) -> None:
    put(page)
    page.evaluate(
        """() => { window.told = []; player.quiz({
          onCorrectStroke: (each) => told.push(["right", each.strokeNum, each.iou, each.modelIou]),
          onMistake: (each) => told.push(["wrong", each.strokeNum, each.totalMistakes]),
          onComplete: (each) => told.push(["done", each.totalMistakes]),
        }).then((result) => { window.result = result }) }"""
    )
    page.evaluate(WRITE, 3)
    for number in range(5):
        page.evaluate(WRITE, number)
    page.wait_for_function("window.result")
    told = page.evaluate("told")
    assert told[0] == ["wrong", 0, 1]
    assert [each[:2] for each in told[1:6]] == [["right", number] for number in range(5)]
    assert all(0.2 < each[2] <= each[3] <= 1 for each in told[1:6])
    assert told[-1] == ["done", 1]
    assert page.evaluate("result") == {"canceled": False, "totalMistakes": 1}


def test_scores_of_the_page_are_those_of_the_library(page: Any) -> None:
    writing = hierbrush.write_character("永")
    put(page)
    for number, stroke in enumerate(writing.strokes):
        found = page.evaluate(
            f"""() => {{ const s = player.characters[0].strokes[{number}];
              const counts = hb.trace(player.brush, [s.path]).map((count) => (count >= 8 ? 1 : 0));
              return hb.iou(counts, hb.rasterise([s.outline])) }}"""
        )
        assert found == pytest.approx(stroke.iou, abs=0.003)


def test_data_can_be_loaded_by_text(page: Any) -> None:
    data = player_data(hierbrush.write_character("一"))
    loaded = page.evaluate(
        "(data) => hb.create('box', '一', {dataLoader: async (text) => data}).then((player) => player.getData().text)",
        data,
    )
    assert loaded == "一"


@pytest.mark.parametrize("data", [None, {}, {"format": "hierbrush-writing", "version": 2}])
def test_other_data_is_refused_by_name(page: Any, data: object) -> None:
    told = page.evaluate("(data) => { try { hb.create('box', data) } catch (error) { return error.message } }", data)
    assert "format" in told or "hierbrush-player" in told


def test_it_is_small() -> None:
    assert len(gzip.compress(PLAYER.encode(), 9)) <= 30_000
