"""Every benchmark starts and prints its figures, at a tiny size, as a script and from any folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
RunScript = Callable[..., str]

# What each is given, and a piece of what it prints at its end.
QUICK = {
    "bench_brushes.py": ("straighten --characters 1", "dips as the ink lasts"),
    "bench_fonts.py": ("--warped 2", "warped characters"),
    "bench_goals.py": ("--relabelled 2", "relabelled characters, centres off"),
    "bench_ink.py": ("--strokes 2", ", spreading "),
    "bench_joins.py": ("", "no font is named"),
    "bench_own_font.py": ("", "no font is named"),
    "bench_machines.py": ("--every 5000", "decomposition"),
    "bench_planner.py": ("rollouts characters dataset --count 1 --budget 300 --ticks 100", '"9600 from follower"'),
    "bench_sim.py": ("--slots 32 --repeats 1", "libmypaint"),
    "bench_styles.py": ("", "no font is named"),
    "bench_studio.py": ("一 --side 128 --seconds 1", "a line is watched after"),
    "bench_unicode.py": ("--limit 40", "refused:"),
    "bench_writing.py": ("--limit 4 --every 2 --workers 1", "decomposition: cold, wall"),
}
SLOW = {
    "bench_arms.py": ("--text 一 --large 40", "three times as stiff"),
    "bench_hierarchy.py": ("--slots 4 --environments 2 --iterations 1", "| hierbrush, 4 characters |"),
    "bench_offline.py": ("--ticks 300 --budget 20 --steps 16384 --count 4 --seeds 1 --ppo 20480", '"PPO"'),
    "bench_passages.py": ("--limit 8 --workers 1", "written s"),
    "bench_rllib.py": ("--slots 64 --fragment 4 --minibatch 64 --epochs 1 --iterations 1", "of the bare loop end"),
    "bench_scaling.py": ("--runners 1 2 --iterations 1", "nine tenths"),
}


def test_none_is_forgotten() -> None:
    assert {*QUICK, *SLOW} == {path.name for path in BENCHMARKS.glob("bench_*.py")}
    readme = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    assert [name for name in (*QUICK, *SLOW) if f"python benchmarks/{name}" not in readme] == []


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_it_starts(name: str, run_script: RunScript) -> None:
    if name == "bench_studio.py":
        pytest.importorskip("playwright", reason="Playwright is not installed")
        if shutil.which("chromium") is None:
            pytest.skip("there is no Chromium (Debian: apt-get install chromium)")
    arguments, printed = {**QUICK, **SLOW}[name]
    assert printed in run_script(f"benchmarks/{name}", *arguments.split())
