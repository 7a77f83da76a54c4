"""The strokes of a script that only a file knows are trained, packed and written like any."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hierbrush.curriculum import load_curriculum
from hierbrush.curriculum.goals import sample_goals
from hierbrush.learning.train import train
from hierbrush.metrics import stroke_iou
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes import script
from hierbrush.strokes.rollout import write_strokes

TOY = {
    "script": "toy",
    "types": {
        "TOY_ARC": {"shapes": [[[0.3, 0.2, 0.03], [0.7, 0.3, 0.035], [0.75, 0.6, 0.035], [0.35, 0.8, 0.025]]]},
        "TOY_HOOK": {"shapes": [[[0.5, 0.1, 0.03], [0.5, 0.8, 0.035], [0.5, 0.8, 0.035], [0.3, 0.7, 0.02]]]},
    },
}


@pytest.mark.usefixtures("ray_running")
def test_a_scripts_strokes_are_trained_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "_KNOWN", {})
    stage = {"name": "only", "goals": {"count": 16, "basis": {}}}
    curriculum = {
        "format": 1,
        "name": "toy",
        "script": "toy.yaml",
        "strokes": "all",
        "stages": [{**stage, "promotion": {"threshold": 1.0, "maximum_steps": 100_000}}],
    }
    configuration = {
        "name": "toy",
        "curriculum": "curriculum.yaml",
        "environment": {"slots": 32},
        "training": {"steps": 2048, "fragment": 32, "minibatch": 256, "value_warmup": 0},
        "phases": [{"name": "specialists", "policies": "per_stroke"}],
        "output": {"tensorboard": False},
    }
    for name, document in (("toy", TOY), ("curriculum", curriculum), ("train", configuration)):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    trained = train(tmp_path / "train.yaml", output=tmp_path / "run", stroke="TOY_HOOK")
    assert (trained / "specialists" / "TOY_HOOK" / "weights.safetensors").exists()
    goals = sample_goals(load_curriculum(tmp_path / "curriculum.yaml").stages[0].goals, ["TOY_HOOK"], 4, 1)
    brush = BrushModel.preset("measured")
    for goal, path in zip(goals, write_strokes(goals, brush, policy=trained), strict=True):
        assert stroke_iou(trace(brush, [path], side=256), rasterise([goal.outline], 256)) > 0.6
