"""Every example runs, at a tiny size, as its docstring says: in a process of its own, from any folder."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))
TINY = ("--slots", "16", "--updates", "2", "--stroke", "H")

RunScript = Callable[..., str]


def rates_of(table: str) -> list[float]:
    """Return the column IoU of what a training printed."""
    return [float(value) for value in re.findall(r"^ +[\d,]+ +(\d\.\d+) ", table, re.MULTILINE)]


def test_ppo_in_one_file(run_script: RunScript, tmp_path: Path) -> None:
    printed = run_script("examples/single_file_ppo.py", *TINY, "--picture", "strokes.png")
    assert len(rates_of(printed)) == 2
    assert "(the follower)" in printed
    assert (tmp_path / "strokes.png").stat().st_size


@pytest.mark.slow
def test_ppo_in_one_file_learns(run_script: RunScript) -> None:
    before, *_, after = rates_of(run_script("examples/single_file_ppo.py", "--updates", "15"))
    assert after > before + 0.015


def test_a_reward_of_ones_own(run_script: RunScript) -> None:
    printed = run_script("examples/own_reward.py", *TINY)
    assert len(re.findall(r"presses \d\.\d+ mm deep", printed)) == 2


def test_the_cost_is_taken_off_the_reward_of_every_interface() -> None:
    pytest.importorskip("torch")
    import numpy as np
    from own_reward import UNIT, LightHand, pressed

    from hierbrush.envs.stroke import StrokeVectorEnv

    plain, dear = StrokeVectorEnv(4, stroke="H", seed=1), LightHand(4, cost=0.5, stroke="H", seed=1)
    idle = np.zeros((4, 3), np.float32)
    for step in ("step_batch", "step"):
        plain.reset(seed=3), dear.reset(seed=3)
        for _ in range(10):
            rewards = [getattr(env, step)(idle)[1].copy() for env in (plain, dear)]
        assert pressed(dear).all()
        np.testing.assert_allclose(rewards[0] - rewards[1], 0.5 / UNIT * pressed(dear), rtol=1e-4)


def test_a_pen_of_ones_own(run_script: RunScript, tmp_path: Path) -> None:
    run_script("examples/own_pen.py", "十", "-o", "ten.hpgl")
    commands = (tmp_path / "ten.hpgl").read_text(encoding="ascii").split(";\n")
    assert commands[:2] == ["IN", "SP1"]
    assert commands[-2:] == ["SP0", ""]
    travels = [number for number, command in enumerate(commands) if command.startswith("PU") and command != "PU"]
    assert [commands.count("PU"), len(travels)] == [2, 2]
    places = [[int(value) for value in command[2:].split(",")] for command in commands if "," in command]
    across, down = places[: travels[1] - travels[0] - 1], places[travels[1] - travels[0] - 1 :]
    # 横 is written from left to right, then 竖 from above: a plotter's y points up.
    assert across[0][0] < across[-1][0]
    assert down[0][1] > down[-1][1]
    assert 0 < min(map(min, places)) < max(map(max, places)) < 0.16 * 40_000


@pytest.mark.slow
def test_stock_rllib(run_script: RunScript) -> None:
    printed = run_script("examples/stock_rllib.py", "--slots", "8", "--batch", "320", "--iterations", "2")
    assert re.search(r"^iteration 2: 6[4-9]\d steps, return -?\d\.\d+$", printed, re.MULTILINE)


@pytest.mark.skipif(importlib.util.find_spec("stable_baselines3") is None, reason="stable-baselines3 is not installed")
def test_stable_baselines3(run_script: RunScript) -> None:
    tiny = ("--environments", "2", "--rollout", "32", "--steps", "64", "--episodes", "2", "--stroke", "H")
    printed = run_script("examples/stable_baselines3_ppo.py", *tiny)
    assert len(re.findall(r" return -?\d\.\d+$", printed, re.MULTILINE)) == 3


@pytest.mark.skipif(importlib.util.find_spec("stable_baselines3") is not None, reason="stable-baselines3 is installed")
def test_what_is_missing_is_said(run_script: RunScript) -> None:
    assert run_script("examples/stable_baselines3_ppo.py", statuses=(1,)) == ""


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_says_how_to_run_it_and_what_one_sees(name: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / "examples" / name).read_text(encoding="utf-8")))
    assert docstring is not None
    assert f"python examples/{name}" in docstring
    assert "What one sees: " in docstring


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_readme_names_every_example(name: str) -> None:
    assert f"(examples/{name})" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in EXAMPLES if "stable" not in name])
def test_the_lines_of_docstrings_are_understood(name: str, run_script: RunScript) -> None:
    text = (ROOT / "examples" / name).read_text(encoding="utf-8")
    usage = run_script(f"examples/{name}", "--help")
    for line in re.findall(rf"python examples/{name} (.*)$", text, re.MULTILINE):
        for option in (word for word in shlex.split(line, comments=True) if word.startswith("--")):
            assert option in usage
