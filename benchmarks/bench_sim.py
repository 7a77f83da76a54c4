"""How fast the simulator writes: control ticks a second, threads, and ratios to its NumPy twin and to libmypaint.

    python benchmarks/bench_sim.py            # a table
    python benchmarks/bench_sim.py --json     # the same as JSON

Strokes are those of training characters, tracked by the scripted follower with random residuals; only ticks of strokes
that are not over yet count. Rates on one thread are by CPU seconds (best of the repetitions), so that other work on the
machine counts less; the ratio of two threads is by wall seconds, and the load average stands beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import load_library, split
from hierbrush.sim import BOX, BrushBatch, BrushModel, GoalBank, StrokeBatch, core_info, reference
from hierbrush.strokes.follower import FOLLOWER
from hierbrush.strokes.goal import StrokeGoal

SLOTS = 2048
# What issue 2 asks of the simulator, in ticks a second on one core and as a ratio.
WANTED = {"track": 1_000_000, "full": 250_000, "threads": 1.6}


def training_goals(count: int) -> list[StrokeGoal]:
    """Return the strokes of evenly spread training characters."""
    library = load_library()
    training = [char for char in library.characters if split(char) == "train"]
    goals: list[StrokeGoal] = []
    for char in training[:: max(1, len(training) // (count // 8))]:
        goals += [stroke.goal() for stroke in library[char].strokes]
    return goals[:count]


def build_bank(goals: list[StrokeGoal], side: int) -> GoalBank:
    """Return a bank, longest strokes first, so that those still being written are a range of slots."""
    tracks = [FOLLOWER.track(goal, BrushModel(), BOX) for goal in goals]
    order = sorted(range(len(goals)), key=lambda i: -len(tracks[i]))
    return GoalBank.build([goals[i].outline for i in order], [tracks[i] for i in order], side=side, box=BOX)


class Episode:
    """All slots of a batch writing their stroke once, with the same random residuals each time."""

    def __init__(self, bank: GoalBank, slots: int, layout: str, threads: int = 1, ticks: int | None = None) -> None:
        self.batch = StrokeBatch(bank, BrushModel(), slots, observation=layout, threads=threads)
        self.goals = np.sort(np.arange(slots) % len(bank))
        most = int(bank.ticks.max()) if ticks is None else ticks
        self.writing = [int(np.count_nonzero(bank.ticks[self.goals] > tick)) for tick in range(most)]
        rng = np.random.default_rng(0)
        self.actions = rng.uniform(-0.3, 0.3, (most, slots, 3)).astype(np.float32)

    def run(self) -> None:
        """Write all strokes from the beginning; assigning goals is the environment's work and not timed here."""
        for action, writing in zip(self.actions, self.writing, strict=True):
            self.batch.track(action, 0, writing)

    def best(self, repeats: int, clock: Callable[[], float]) -> float:
        """Return ticks a second in the best of several runs."""
        seconds = []
        for _ in range(repeats):
            self.batch.assign(self.goals)
            start = clock()
            self.run()
            seconds.append(clock() - start)
        return sum(self.writing) / min(seconds)


def on_twin(build: Callable[[], Any]) -> Any:
    """Build something on the NumPy twin."""
    with patch("hierbrush.sim.batch.kernels", reference):
        return build()


def handle_paths(bank: GoalBank) -> list[NDArray[np.float64]]:
    """Return what the follower's handles do: float64 [2 ticks + 1, 4], x, y, depth and the mark's width in metres."""
    batch = StrokeBatch(bank, BrushModel(), len(bank), observation="none")
    batch.assign(np.arange(len(bank)))
    poses = [batch.position.copy()]
    for _ in range(int(bank.ticks.max())):
        batch.track(np.zeros(3))
        poses += [batch.midway.copy(), batch.position.copy()]
    model, paths = BrushModel(), []
    for slot, ticks in enumerate(bank.ticks):
        path = np.stack([pose[slot] for pose in poses[: 2 * int(ticks) + 1]])
        paths.append(np.column_stack([path, [model.width(depth) for depth in path[:, 2]]]))
    return paths


def draw_strokes(paths: list[NDArray[np.float64]], supersample: int, repeats: int) -> float:
    """Return seconds a stroke that we take for given handle paths on papers of 256 pixels."""
    longest = max(len(path) for path in paths)
    # Strokes that are over stay lifted where they ended: that costs next to nothing.
    poses = np.stack([np.pad(path[:, :3], ((0, longest - len(path)), (0, 0)), mode="edge") for path in paths])
    for slot, path in enumerate(paths):
        poses[slot, len(path) :, 2] = -1e-3
    batch = BrushBatch(BrushModel(), len(paths), side=256, box=BOX, supersample=supersample)
    best = np.inf
    for _ in range(repeats):
        batch.clear()
        batch.dip()
        batch.place(poses[:, 0])
        start = time.thread_time()
        for row in range(1, longest):
            batch.step(poses[:, row])
        best = min(best, time.thread_time() - start)
    return best / len(paths)


def mypaint(paths: list[NDArray[np.float64]], repeats: int) -> dict[str, float] | str:
    """Return libmypaint's seconds a stroke by dabs a radius, or why it could not be measured."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    if not shutil.which("pkg-config") or not shutil.which(compiler[0]):
        return "skipped: needs a C compiler and pkg-config"
    found = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmypaint"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        return "skipped: libmypaint is not installed (Debian: apt-get install libmypaint-dev)"
    source = Path(__file__).with_name("mypaint_bench.c")
    with tempfile.TemporaryDirectory() as folder:
        program, data = Path(folder, "bench"), Path(folder, "strokes")
        flags = found.stdout.split()
        subprocess.run([*compiler, "-O3", str(source), "-o", str(program), *flags, "-lm"], check=True)
        with data.open("wb") as file:
            file.write(np.int32(len(paths)).tobytes())
            for path in paths:
                rows = np.column_stack([path[:, :2], path[:, 3] / 2]) * (256 / BOX)
                file.write(np.int32(len(rows)).tobytes() + rows.astype(np.float32).tobytes())
        radius = float(np.mean(np.concatenate([path[path[:, 3] > 0, 3] for path in paths]))) / 2 * 256 / BOX
        result = {}
        # libmypaint's own default, and one that is as dense as our stamps, half a pixel apart, on average.
        for name, dabs in (("default", 2.0), ("half a pixel", 2.0 * radius)):
            command = [str(program), str(data), "256", str(dabs), str(repeats)]
            run = subprocess.run(
                command, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
            )
            result[name] = float(run.stdout) / len(paths)
    return result


def cpu() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def measure(repeats: int, slots: int = SLOTS) -> dict[str, Any]:
    """Return all figures."""
    goals = training_goals(slots)
    figures: dict[str, Any] = {
        "machine": f"{cpu()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "python": f"{platform.python_version()}, NumPy {np.__version__}",
        "core": core_info(),
        "command": " ".join(["python", *sys.argv]),
        "slots": slots,
        "rates": {},
    }
    for name, side in (("track", 64), ("full", 256)):
        bank = build_bank(goals, side)
        one = Episode(bank, slots, name)
        rate = one.best(repeats, time.thread_time)
        two = Episode(bank, slots, name, threads=2)
        # Alternating, so that both meet the same neighbours; two threads need two free cores only once.
        walls = [(one.best(1, time.perf_counter), two.best(1, time.perf_counter)) for _ in range(2 * repeats)]
        cpu_two = two.best(repeats, time.process_time)
        few = on_twin(partial(Episode, bank, 16, name, ticks=8))
        figures["rates"][name] = {
            "side": side,
            "columns": one.batch.observation.shape[1],
            "ticks_per_second": rate,
            "wall_ticks_per_second": max(first for first, _ in walls),
            "two_threads_ratio": max(second for _, second in walls) / max(first for first, _ in walls),
            "two_threads_ratio_by_cpu": 2 * cpu_two / rate,
            "twin_ratio": rate / few.best(2, time.thread_time),
            "bytes_per_slot": one.batch.nbytes / slots,
            "bytes_per_goal": bank.nbytes / len(bank),
        }
    bank = build_bank(goals[:512], 256)
    paths = handle_paths(bank)
    ours = {f"{k} x {k} samples": draw_strokes(paths, k, repeats) for k in (1, 4)}
    figures["seconds_per_stroke"] = {"hierbrush": ours, "libmypaint": mypaint(paths, repeats)}
    return figures


def table(figures: dict[str, Any]) -> str:
    """Return the figures as text."""
    lines = [figures["machine"], figures["python"], f"core: {figures['core']['core']}, {figures['core']['build']}", ""]
    lines.append(f"{figures['slots']} slots            64 px, 64 columns   256 px, 219 columns   wanted")
    track, full = figures["rates"]["track"], figures["rates"]["full"]

    def row(label: str, key: str, form: str, wanted: str = "") -> None:
        lines.append(f"{label:<22} {form.format(track[key]):>18} {form.format(full[key]):>21}   {wanted}".rstrip())

    both = f"{WANTED['track']:,} and {WANTED['full']:,}"
    row("ticks/s, one core", "ticks_per_second", "{:,.0f}", both)
    row("two threads, wall", "two_threads_ratio", "{:.2f} x", f"{WANTED['threads']} x (needs two idle cores)")
    row("two threads, CPU", "two_threads_ratio_by_cpu", "{:.2f} x", "2 x when nothing is lost to threads")
    row("NumPy twin", "twin_ratio", "{:,.0f} x")
    row("bytes a slot", "bytes_per_slot", "{:,.0f}")
    row("bytes a goal", "bytes_per_goal", "{:,.0f}")
    lines += ["", "one stroke drawn, 256 px, one core"]
    strokes = figures["seconds_per_stroke"]
    ours = strokes["hierbrush"]
    for name, seconds in ours.items():
        lines.append(f"hierbrush, {name:<26} {1e6 * seconds:8.1f} us")
    if isinstance(strokes["libmypaint"], str):
        lines.append(f"libmypaint {strokes['libmypaint']}")
    else:
        smooth = ours["4 x 4 samples"]
        for name, seconds in strokes["libmypaint"].items():
            ratio = f"{seconds / smooth:.1f} x ours with 4 x 4 samples"
            lines.append(f"libmypaint, {name + ' spacing':<25} {1e6 * seconds:8.1f} us   {ratio}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--repeats", type=int, default=7, help="repetitions of each measurement; the best counts")
    parser.add_argument("--slots", type=int, default=SLOTS, help="strokes written side by side")
    arguments = parser.parse_args()
    figures = measure(arguments.repeats, arguments.slots)
    print(json.dumps(figures, indent=2) if arguments.json else table(figures))


if __name__ == "__main__":
    main()
