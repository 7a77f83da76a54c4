"""Damaged curricula and configurations: whatever is in the file, what comes back is a model or a ConfigError."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from hierbrush.curriculum import ConfigError, load_curriculum, load_model
from hierbrush.learning.recipes.hierarchical import HierarchicalRecipe
from hierbrush.learning.recipes.imitation import ImitationRecipe
from hierbrush.learning.recipes.ppo import PPORecipe
from hierbrush.resources import folder
from hierbrush.yaml_source import MAX_PROBLEMS

PIECES = (
    *"：，\u3000“”（）［］１－＃\t\n\r[]{},|>\"'\\#=~永\x00\ufeff\x85\u2028\U0001f58c",
    *(
        ":",
        ": ",
        "- ",
        "? ",
        "&a ",
        "*a",
        "!!int ",
        "!!python/object:os.system ",
        "%YAML 1.2\n---\n",
        "---",
        "...",
        "<<",
    ),
    *('"\\UFFFFFFFF"', '"\\ud800"', "null", "true", ".nan", "-.inf", "1e999", "0x" + "f" * 300, "9" * 400, "x" * 400),
    *("\x1b[2J", "[" * 40, "- " * 40, "a: " * 20),
)


def mutated(text: str, rng: random.Random, other: str) -> str:
    """Return a text with up to six places deleted, doubled, overwritten, filled or exchanged with another's."""
    for _ in range(rng.randint(1, 6)):
        lines = text.split("\n")
        at, line = rng.randrange(len(text) + 1), rng.randrange(len(lines))
        kind = rng.randrange(7)
        if kind == 0:
            text = text[:at] + rng.choice(PIECES) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + rng.choice((1, 1, 1, 5, 80)) :]
        elif kind == 2:
            text = text[:at] + rng.choice(PIECES) + text[at + 1 :]
        elif kind == 3:
            text = "\n".join([*lines[:line], *lines[rng.randrange(len(lines)) :]])
        elif kind == 4:
            text = "\n".join([*lines[:line], " " * rng.randrange(4) + lines[line].strip(), *lines[line + 1 :]])
        elif kind == 5:
            cut = rng.randrange(len(other))
            text = text[:at] + other[cut : cut + rng.randrange(200)] + text[at:]
        elif ":" in lines[line]:
            key = lines[line].partition(":")[0]
            text = "\n".join([*lines[:line], f"{key}: {rng.choice(PIECES)}", *lines[line + 1 :]])
    return text


@pytest.fixture(scope="module")
def files() -> list[tuple[str, Callable[[Path], object]]]:
    """The texts of all packaged files, each with what reads it."""
    found = [(path.read_text("utf-8"), load_curriculum) for path in sorted(folder("curricula").glob("*.yaml"))]
    models = (PPORecipe, HierarchicalRecipe, ImitationRecipe)
    for path in sorted(folder("configs").glob("*.yaml")):
        for model in models:
            try:
                load_model(path, model)
            except ConfigError:
                continue
            found.append((path.read_text("utf-8"), lambda file, model=model: load_model(file, model)))
    assert {reader is load_curriculum for _, reader in found} == {True, False}
    return found


def test_yaml(fuzz, tmp_path: Path, files: list[tuple[str, Callable[[Path], object]]]) -> None:
    file = tmp_path / "c.yaml"
    for rng in fuzz.cases(least=40):
        (text, read), (other, _) = rng.choice(files), rng.choice(files)
        spoiled = mutated(text, rng, other)
        file.write_bytes(spoiled.encode("utf-8", "surrogatepass"))
        fuzz.call(lambda text=spoiled: f"a file of {text!r}", read, file, expected=ConfigError, lines=MAX_PROBLEMS + 1)
