from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from hierbrush.curriculum import load_curriculum
from hierbrush.curriculum.goals import sample_goals
from hierbrush.errors import HierbrushError
from hierbrush.learning.recipe import check_configuration
from hierbrush.learning.runs.logs import read_metrics
from hierbrush.learning.train import train
from hierbrush.strokes.learned import shipped_policies
from hierbrush.strokes.policy import PolicySet, read_safetensors


def configuration(tmp_path: Path, **training) -> Path:
    settings = {
        "kind": "guided",
        "name": "taught",
        "training": {"steps": 2, "strokes": 12, "validation": 12, **training},
        "output": {"tensorboard": False},
    }
    file = tmp_path / "taught.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


@pytest.mark.usefixtures("ray_running")
def test_a_primitive_is_taught_and_goes_on_where_it_was(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    whole = train(config, output=tmp_path / "whole", stroke="P")
    records = read_metrics(whole / "P" / "metrics.jsonl")
    assert [record["steps"] for record in records] == [1, 2]
    assert records[-1]["iou"] > 0.93
    assert json.loads((whole / "P" / "card.json").read_bytes())["trained_by"] == "guided policy search"
    packed = PolicySet.load(whole / "policies.safetensors")
    assert not np.array_equal(packed.policies["P"].layers[0][0], shipped_policies().policies["P"].layers[0][0])
    assert np.array_equal(packed.policies["H"].layers[0][0], shipped_policies().policies["H"].layers[0][0])

    train(config, output=tmp_path / "parts", stroke="P", overrides=("training.steps=1", "training.lr_final=1e-3"))
    train(config, output=tmp_path / "parts", stroke="P", overrides=("training.lr_final=1e-3",), resume=True)
    assert [record["steps"] for record in read_metrics(tmp_path / "parts" / "P" / "metrics.jsonl")] == [1, 2]
    assert (tmp_path / "parts" / "P" / "lessons" / "lessons-001.npz").exists()
    assert read_safetensors(tmp_path / "parts" / "P" / "weights.safetensors")


def test_what_is_taught_is_better_than_what_was_done() -> None:
    from hierbrush.learning.guided.teaching import teach, write
    from hierbrush.sim import BrushModel

    stage = load_curriculum("specialists.yaml").stages[-1]
    goals = sample_goals(stage.goals, ["S", "H"], 4, 0)

    def follower(seen: np.ndarray) -> np.ndarray:
        return np.zeros((len(seen), 3), np.float32)

    taught = teach(goals, follower, np.random.default_rng(0), brush=0.0, noise=0.0)
    rows = np.repeat(BrushModel().parameters()[None], 4, axis=0)
    ticks = [len(written.actions) for written in write(goals, rows, follower, 0.0, np.random.default_rng(0))]
    assert taught.obs.shape == (sum(ticks), 219)
    assert taught.actions.shape == (sum(ticks), 3)
    assert (np.abs(taught.actions) > 0.01).mean() > 0.3
    assert 0.8 < taught.fitness.mean() < 0.95


def test_lessons_come_back_from_their_file(tmp_path: Path) -> None:
    from hierbrush.learning.guided.teaching import Taught

    taught = Taught(*(np.random.default_rng(0).random((3, size)).astype(np.float32) for size in (4, 3, 9, 1)))
    taught.save(tmp_path / "a.npz")
    assert all(map(np.array_equal, taught, Taught.load(tmp_path / "a.npz")))
    (tmp_path / "a.npz").write_bytes(b"PK")
    with pytest.raises(HierbrushError, match="cannot be read"):
        Taught.load(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("policies=one", "cannot begin as the shipped ones"),
        ("initial_weights=nowhere.safetensors", "initial_weights: 'nowhere.safetensors' is not a file"),
        ("curriculum=composer.yaml", "curriculum"),
        ("resources.runners=1", "resources.runners, resources.learners"),
    ],
)
def test_what_cannot_be_taught_is_told(tmp_path: Path, change: str, message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        check_configuration(configuration(tmp_path), [change])


def test_a_stroke_type_that_is_none_is_told() -> None:
    with pytest.raises(HierbrushError, match="--stroke: 'HGZ' is not taught by specialists"):
        check_configuration("guided", stroke="HGZ")


def test_an_arm_may_hold_the_brush(tmp_path: Path) -> None:
    pytest.importorskip("mujoco")
    from hierbrush.arms.hands import ArmHands
    from hierbrush.learning.offline.validation import validation_scores
    from hierbrush.learning.recipes.guided import GuidedRecipe

    settings = {"kind": "guided", "name": "arm", "hand": {"arm": "so101", "slots": 2}, "training": {"steps": 1}}
    recipe = GuidedRecipe.model_validate(settings)
    assert recipe.hand is not None
    hand = recipe.hand.build(0)
    assert isinstance(hand, ArmHands)
    assert (hand.slots, hand.cell, hand.feedback) == (2, 0.03, 1.0)
    network = shipped_policies().policies["H"]
    without, through = (validation_scores(network, ["H"], 4, None, held) for held in (None, hand))
    assert through["iou"] < without["iou"] - 0.05

    file = configuration(tmp_path)
    for wrong, told in (({"cell": 1.0}, "hand.cell"), ({"arms": 2}, "unknown key 'arms'"), ({"slots": 0}, "slots")):
        content = yaml.safe_load(file.read_text()) | {"hand": wrong}
        (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(content))
        with pytest.raises(HierbrushError, match=told):
            check_configuration(tmp_path / "wrong.yaml")
