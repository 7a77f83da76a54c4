"""README's lines on training and curricula run as they stand, in an empty folder; only their size is smaller here."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from cluster import ENVIRONMENT, PATIENCE

from hierbrush.strokes.types import ABBREVIATIONS

ROOT = Path(__file__).resolve().parents[2]
TINY = {
    "train": (
        *("--set", "environment.slots=64", "--set", "training.steps=2560", "--set", "training.epochs=1"),
        *("--set", "phases.1.steps=2560", "--set", "output.tensorboard=false"),
    ),
    "evaluate": ("--limit", "2"),
}


def lines_of(section: str) -> list[list[str]]:
    """Return the commands that a section of README shows, as arguments of ``hierbrush``."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (part,) = re.findall(rf"^## {section}$(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    return [shlex.split(line, comments=True) for line in re.findall(r"^\$ hierbrush (.*)$", part, re.MULTILINE)]


def run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-W",
        "ignore::DeprecationWarning",
        "-m",
        "hierbrush",
        *arguments,
        *TINY.get(arguments[0], ()),
    ]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, env=ENVIRONMENT, check=False
    )
    assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stdout}{done.stderr}"
    return done


def test_lines_on_curricula(tmp_path: Path) -> None:
    check, show = lines_of("Curricula")
    assert "primitives.yaml: fine: teaches 38 stroke types" in run(check, tmp_path).stdout
    run(show, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["dots.sheet.png"]


@pytest.mark.slow
def test_lines_on_training(tmp_path: Path) -> None:
    everything, evaluation, one, writing = lines_of("Training")
    run(everything, tmp_path)
    cards = json.loads((tmp_path / "runs" / "primitives" / "policies.json").read_bytes())["policies"]
    assert set(cards) == {"base", *ABBREVIATIONS}
    assert not any(card.get("shipped") for card in cards.values())
    done = run(evaluation, tmp_path)
    assert "runs/primitives/policies.safetensors" in done.stdout
    assert "as shipped" not in done.stderr
    assert "HZG of this training, the other 37 stroke types as shipped" in run(one, tmp_path).stderr
    assert "'runs/hzg' has HZG of its own; the other 37 stroke types as shipped" in run(writing, tmp_path).stderr
    assert (tmp_path / "yong.png").is_file()


@pytest.mark.slow
def test_a_training_of_one_type_grows_type_by_type(tmp_path: Path) -> None:
    _, evaluation, one, _ = lines_of("Training")
    without_output = one[: one.index("--output")]
    run(without_output, tmp_path)
    # The line that README shows after the training of all types works after one type, too.
    assert "has HZG of its own; the other 37 stroke types as shipped" in run(evaluation, tmp_path).stderr
    more = ["H" if argument == "HZG" else argument for argument in without_output]
    assert "H, HZG of this training" in run([*more, "--resume"], tmp_path).stderr
    assert "36 stroke types as shipped" in run(evaluation, tmp_path).stderr
