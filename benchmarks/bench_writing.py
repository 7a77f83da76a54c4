"""How long writing takes: a character alone, GB 2312 in one call, and a picture from a cold start.

    python benchmarks/bench_writing.py

GB 2312 has 6,763 characters; those that the library lacks are left out and counted. *Alone* is the median over every
``--every``-th of them, warm, on one core, of CPU seconds, so that other work on the machine counts little. *In one
call* is ``write_characters`` over all on ``--workers`` processes, by the clock. *Cold* is ``hierbrush write 永 -o
x.png`` in a process of its own with compiled modules, as after any first use; the best of five. *Alone against batch*
is how many of the characters timed alone have exactly the same ink in a batch: all.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from hierbrush.characters import load_library
from hierbrush.writing import write_character, write_characters

GOALS = ("decomposition", "glyph")


def gb2312() -> tuple[list[str], int]:
    """Return the characters of GB 2312's two levels that the library holds, and how many it lacks."""
    rows = range(0xB0, 0xF8)
    codes = [
        bytes((row, cell)) for row in rows for cell in range(0xA1, 0xFF) if (row, cell) < (0xD7, 0xFA) or row > 0xD7
    ]
    everything = [code.decode("gb2312") for code in codes]
    known = set(load_library().characters)
    held = [char for char in everything if char in known]
    return held, len(everything) - len(held)


def measure(every: int, workers: int, limit: int | None = None) -> dict[str, float]:
    """Return the figures by name, seconds unless the name says otherwise."""
    characters, lacking = gb2312()
    characters = characters[:limit]
    figures: dict[str, float] = {"characters": len(characters), "not in the library": lacking}
    chosen = characters[::every]
    for goal in GOALS:
        write_character("永", goal=goal)
        seconds, alone = [], []
        for char in chosen:
            start = time.process_time()
            alone.append(write_character(char, goal=goal))
            seconds.append(time.process_time() - start)
        figures[f"{goal}: alone, median"] = float(np.median(seconds))
        figures[f"{goal}: alone, 95 %"] = float(np.percentile(seconds, 95))
        together = write_characters(chosen, goal=goal)
        same = [np.array_equal(a.image(), b.image()) for a, b in zip(alone, together, strict=True)]
        figures[f"{goal}: same ink alone and in a batch, share"] = float(np.mean(same))
    start = time.perf_counter()
    write_characters(characters, goal="decomposition", workers=workers)
    figures["decomposition: all in one call, wall"] = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hierbrush", "write", "永", "-o", str(Path(folder) / "x.png")]
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for goal in GOALS:
            times = []
            for _ in range(6):
                start = time.perf_counter()
                subprocess.run([*command, "--goal", goal], check=True, capture_output=True, env=environment)
                times.append(time.perf_counter() - start)
            figures[f"{goal}: cold, wall"] = min(times[1:])
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=20, help="time alone every so many of the characters")
    parser.add_argument("--workers", type=int, default=2, help="processes of the one call")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--limit", type=int, help="only the first so many characters")
    arguments = parser.parse_args()
    figures = measure(arguments.every, arguments.workers, arguments.limit)
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, NumPy {np.__version__}")
    for name, value in figures.items():
        print(f"{name:48s}{value:10.4g}")


if __name__ == "__main__":
    main()
