"""What is shipped of a training: for each type the better of its specialist and the policy that it began as."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hierbrush.errors import HierbrushError
from hierbrush.learning.recipes.guided import GuidedRecipe
from hierbrush.learning.recipes.ppo import PPORecipe
from hierbrush.learning.runs.weights import write_weights
from hierbrush.sim.observation import OBSERVATIONS
from hierbrush.strokes.learned import WEIGHTS as SHIPPED
from hierbrush.strokes.policy import PolicySet, read_safetensors
from hierbrush.strokes.types import ABBREVIATIONS
from hierbrush_build.ship import _is_better, main, ship

CONFIG = {
    "name": "toy",
    "training": {"steps": 20480},
    "phases": [{"name": "all"}, {"name": "each", "policies": "per_stroke", "start_from": "all"}],
}


def save_constant(folder: Path, across: float) -> None:
    """A policy that is always ``across`` reaches beside the path."""
    columns = OBSERVATIONS["full"]
    tensors = {
        "policy.0.weight": np.zeros((8, columns), np.float32),
        "policy.0.bias": np.zeros(8, np.float32),
        "policy.2.weight": np.zeros((3, 8), np.float32),
        "policy.2.bias": np.array([0.0, across, 0.0], np.float32),
    }
    folder.mkdir(parents=True)
    write_weights(folder / "weights.safetensors", tensors, {"steps": 1, "observation_size": columns, "action_size": 3})


def test_the_better_policy_of_every_type_is_packed_and_the_card_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(PPORecipe.model_validate(CONFIG).model_dump_json())
    save_constant(tmp_path / "all", 0.3)
    save_constant(tmp_path / "each" / "H", 0.0)
    save_constant(tmp_path / "each" / "HZG", 0.9)
    target = tmp_path / "shipped"
    target.mkdir()
    found = ship(tmp_path, target, without=[kind for kind in ABBREVIATIONS if kind not in ("H", "HZG")], most=4)
    assert set(found) == {"H", "HZG"}
    assert found["H"]["specialist"] > found["H"]["common"]
    assert found["HZG"]["specialist"] < found["HZG"]["common"]
    packed = target / "policies.safetensors"
    policies = PolicySet.load(packed).policies
    obs = np.zeros((1, OBSERVATIONS["full"]), np.float32)
    np.testing.assert_allclose(policies["H"](obs), [[0.0, 0.0, 0.0]], atol=1e-3)
    np.testing.assert_allclose(policies["HZG"](obs), [[0.0, 0.3, 0.0]], atol=1e-3)
    assert not any(name.startswith("HZG/") and "up" in name for name in read_safetensors(packed))
    cards = json.loads((target / "policies.json").read_bytes())["policies"]
    assert cards["H"]["validation"] == found["H"]
    assert "validation" not in cards["base"]


def test_what_was_taught_is_shipped_where_it_is_better(tmp_path: Path) -> None:
    recipe = GuidedRecipe.model_validate({"kind": "guided", "name": "toy", "training": {"steps": 1}})
    (tmp_path / "config.json").write_text(recipe.model_dump_json())
    save_constant(tmp_path / "H", 0.9)  # its path is nowhere near
    found = ship(tmp_path, tmp_path, most=4)
    assert found["H"]["specialist"] < found["H"]["zero"] < found["H"]["common"]
    before, after = PolicySet.load(SHIPPED).policies, PolicySet.load(tmp_path / "policies.safetensors").policies
    assert set(before) == set(after)
    assert all(np.array_equal(a, b) for kind in before for one, other in zip(before[kind].layers, after[kind].layers,
               strict=True) for a, b in zip(one, other, strict=True))  # fmt: skip
    cards = json.loads((tmp_path / "policies.json").read_bytes())["policies"]
    assert cards["H"]["validation"] != found["H"]
    assert "shipped" not in cards["H"]


@pytest.mark.parametrize(
    ("change", "better"),
    [
        ({}, True),
        ({"specialist": 0.959}, False),
        ({"specialist_brush_off": 0.92}, False),
        ({"specialist_ink": 1.03}, False),
        ({"zero": 0.98}, False),
    ],
)
def test_better_is_better_in_all_respects(change: dict[str, float], better: bool) -> None:
    scores = {"specialist": 0.962, "specialist_brush_off": 0.95, "specialist_ink": 1.0, "zero": 0.9}
    common = {"common": 0.96, "common_brush_off": 0.94, "common_ink": 0.995}
    assert _is_better({**scores, **common, **change}) is better


def test_what_is_no_such_training_is_said(tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match="holds no training"):
        ship(tmp_path, tmp_path)
    single = {**CONFIG, "phases": [{"name": "all"}]}
    (tmp_path / "config.json").write_text(PPORecipe.model_validate(single).model_dump_json())
    with pytest.raises(HierbrushError, match="no phase trains a policy per stroke type"):
        ship(tmp_path, tmp_path)
    (tmp_path / "config.json").write_text(PPORecipe.model_validate(CONFIG).model_dump_json())
    with pytest.raises(HierbrushError, match="holds no finished policy"):
        ship(tmp_path, tmp_path)


@pytest.fixture
def of_one_type(tmp_path: Path) -> Path:
    run = tmp_path / "run"
    save_constant(run / "all", 0.3)
    save_constant(run / "each" / "H", 0.0)
    (run / "config.json").write_text(PPORecipe.model_validate(CONFIG).model_dump_json())
    return run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{run}", "{run}"], "has no finished policy for T, WG, .*, SZP; .* --without TYPE leaves a type out"),
        (["{run}", "{run}", "--without", "t"], "'t' is none of the 38 stroke types"),
        (["{run}", "{run}/none"], "TARGET: '.*none' is no folder"),
        (["{run}", str(SHIPPED.parent), "--without", "T"], "is this installation's own"),
        (["{run}/none", "{run}"], "holds no training"),
        (["{run}"], "Missing argument 'TARGET'"),
    ],
)
def test_nothing_is_shipped_that_is_not_asked_for_or_lacks_something(
    of_one_type: Path, arguments: list[str], message: str
) -> None:
    before = SHIPPED.read_bytes()
    done = CliRunner().invoke(main, [argument.format(run=of_one_type) for argument in arguments])
    assert done.exit_code == 2
    assert re.search(message, done.output), done.output
    assert SHIPPED.read_bytes() == before
    assert not (of_one_type / "policies.safetensors").exists()


def test_the_command_explains_itself() -> None:
    done = CliRunner().invoke(main, ["--help"])
    assert done.exit_code == 0
    assert "RUN TARGET" in done.output
