"""The studio in this machine's Chromium: frames a second at 1024 x 1024 pixels, and seconds from command to writing.

    python benchmarks/bench_studio.py 永 龍

A character is played at its own speed with everything shown: target, grid, ink, brush, footprint, both paths. Frames
are those that Chromium asked for; a display allows 60 a second, a busy machine fewer. What they cost is counted in CPU
time of the page's main thread, which others on the machine do not change, so `1000 / ms` is how many a second one core
could make. The seconds are those from the start of `hierbrush studio` until a line that was typed is seen being
written.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import time
from typing import Any

import hierbrush
from hierbrush.resources import page_file
from hierbrush.writing.exports.html import player_data

HOME = "http://player.test/"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
BODY = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><div id="box"></div>
<script type="module">import { create } from "./hierbrush-player.js"; window.create = create;</script>"""
PLAY = """async ([data, side, seconds]) => {
  const box = document.getElementById("box");
  box.replaceChildren();
  const options = { width: side, pixels: side, showCharacter: false, showHandlePath: true, showTipPath: true };
  window.player = create(box, data, options);
  await new Promise((resolve) => setTimeout(resolve, 200));
  let frames = 0;
  player.on("tick", () => frames++);
  player.seekTime(0);
  const start = performance.now(), stop = new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  await Promise.race([player.play(player.seconds), stop]);
  return [frames, performance.now() - start];
}"""

LINE = "永和九年"
WATCHED = """(line) => {
  const player = document.querySelector("#player > div")?.shadowRoot;
  return player?.querySelector(".player").getAttribute("aria-label").endsWith(line)
    && Number(player.querySelector("input").value) > 0;
}"""


def first_line(browser: Any) -> tuple[float, float]:
    """Return the seconds until the studio listens, and until a line is seen being written."""
    page = browser.new_page()
    start = time.perf_counter()
    command = [sys.executable, "-m", "hierbrush", "studio", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as studio:
        assert studio.stdout is not None
        address = re.search(r"http://\S+", studio.stdout.readline())
        assert address is not None
        listening = time.perf_counter() - start
        page.goto(address[0])
        page.fill("#text", LINE)
        page.press("#text", "Enter")
        page.wait_for_function(WATCHED, arg=LINE)
        watching = time.perf_counter() - start
        studio.terminate()
    page.close()
    return listening, watching


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("characters", nargs="*", default=["永", "龍"])
    parser.add_argument("--side", type=int, default=1024, help="pixels of the paper's side")
    parser.add_argument("--seconds", type=float, default=8.0, help="to play, at most")
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    served = {
        HOME: ("text/html", BODY),
        HOME + "hierbrush-player.js": ("text/javascript", page_file("hierbrush-player.js").read_text("utf-8")),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": arguments.side + 60, "height": arguments.side + 60})
        page.route(
            "**/*",
            lambda route: route.fulfill(content_type=served[route.request.url][0], body=served[route.request.url][1]),
        )
        page.goto(HOME)
        page.wait_for_function("'create' in window")
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def spent() -> dict[str, float]:
            return {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}

        for character in arguments.characters:
            data = player_data(hierbrush.write_character(character))
            before = spent()
            frames, milliseconds = page.evaluate(PLAY, [data, arguments.side, arguments.seconds])
            after = spent()
            each = {name: 1000 * (after[name] - before[name]) / frames for name in ("TaskDuration", "ScriptDuration")}
            pixels = f"{arguments.side} x {arguments.side}"
            print(
                f"{character}: {1000 * frames / milliseconds:.1f} frames a second at {pixels}; "
                f"{each['TaskDuration']:.2f} ms of CPU a frame, of which script {each['ScriptDuration']:.2f} ms"
            )
        listening, watching = first_line(browser)
        print(f"hierbrush studio listens after {listening:.1f} s, and a line is watched after {watching:.1f} s")
        browser.close()


if __name__ == "__main__":
    main()
