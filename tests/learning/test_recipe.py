"""Kinds of training: one file each, and the same runner for all."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from hierbrush.cli import main
from hierbrush.cli.train import train as command
from hierbrush.curriculum import ConfigError
from hierbrush.errors import HierbrushError
from hierbrush.learning import recipes
from hierbrush.learning.recipe import check_configuration
from hierbrush.learning.recipes import any_recipe, kinds
from hierbrush.learning.runs.logs import read_metrics
from hierbrush.learning.train import train
from hierbrush.resources import folder

COUNTING = '''
"""Counts: a kind of training in one file."""
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from hierbrush.learning.config import Count, Positive, Section
from hierbrush.learning.recipe import Recipe
from hierbrush.learning.runs.weights import Weights


class Counter:
    """What the runner asks of an algorithm of RLlib's."""

    logdir = "/nonexistent"

    def __init__(self):
        self.count = 0

    def train(self):
        self.count += 1
        return {}

    def save_to_path(self, path):
        Path(path, "count").write_text(str(self.count))

    def restore_from_path(self, path):
        self.count = int(Path(path, "count").read_text())

    def stop(self):
        pass


class Training(Section):
    steps: Count
    """How far."""

    by: Positive = 1.0
    """What a step counts."""


class CountingRecipe(Recipe):
    kind: Literal["counting"]
    training: Training
    weights: ClassVar = ("count.safetensors",)
    metric: ClassVar = "sum"
    figures: ClassVar = (("sum", "sum"),)

    def algorithm(self, job):
        return Counter()

    def record(self, job, algorithm, result):
        return {"steps": algorithm.count, "sum": algorithm.count * self.training.by}

    def export(self, job, algorithm, record):
        return [Weights({"count": np.array([algorithm.count])}, {"sum": record["sum"]})]
'''


@pytest.fixture
def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A configuration of a kind whose file has been put beside the others."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "counting.py").write_text(COUNTING)
    monkeypatch.setattr(recipes, "__path__", [*recipes.__path__, str(tmp_path / "more")])
    kinds.cache_clear()
    config = tmp_path / "counting.yaml"
    settings = {"kind": "counting", "name": "count", "training": {"steps": 3}, "output": {"tensorboard": False}}
    config.write_text(yaml.safe_dump(settings))
    yield config
    kinds.cache_clear()
    sys.modules.pop("hierbrush.learning.recipes.counting")


@pytest.mark.usefixtures("ray_running")
def test_a_kind_in_one_file_has_all_that_the_others_have(
    counting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = train(counting, output=tmp_path / "out")
    assert [record["sum"] for record in read_metrics(out / "metrics.jsonl")] == [1, 2, 3]
    card = json.loads((out / "count.json").read_bytes())
    assert (card["steps"], card["sum"], card["config"]["kind"]) == (3, 3.0, "counting")
    with pytest.raises(HierbrushError, match="already holds a training of count; add --resume"):
        train(counting, output=out)
    with pytest.raises(HierbrushError, match=r"--resume: training\.by \(1\.0, now 2\.0\): cannot change"):
        train(counting, output=out, resume=True, overrides=("training.by=2",))
    train(counting, output=out, resume=True, overrides=("training.steps=5",))
    assert [record["steps"] for record in read_metrics(out / "metrics.jsonl")] == [1, 2, 3, 4, 5]

    swept = train(counting, output=tmp_path / "swept", overrides=("sweep={values: {training.by: [1, 3]}}",))
    assert (swept / "results.csv").read_text().splitlines()[1].startswith("001-by=3")
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["runs", str(tmp_path)])
    listed = capsys.readouterr().out
    assert listed.count("finished") == 3
    assert "swept/000-by=1" in listed
    with pytest.raises(HierbrushError, match="--stroke: a training of kind counting has no stroke types"):
        train(counting, output=tmp_path / "other", stroke="H")


def test_every_shipped_configuration_is_of_a_kind_and_comes_back_from_json() -> None:
    assert {"ppo", "hierarchical", "imitation"} <= set(kinds())
    for kind, model in kinds().items():
        assert model.model_fields["kind"].annotation.__args__ == (kind,)  # type: ignore[union-attr]
    settings = {"kind": "imitation", "name": "a", "training": {"steps": 9}}
    assert any_recipe().validate_python(settings) == kinds()["imitation"].model_validate(settings)
    old = {"name": "a", "training": {"steps": 20480}}  # as written before there were kinds
    assert any_recipe().validate_json(json.dumps(old)) == kinds()["ppo"].model_validate(old)


def test_an_unknown_kind_is_told_where_it_stands(tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text("name: mine\nkind: imitaton\ntraining: {steps: 1}\n")
    with pytest.raises(ConfigError) as told:
        check_configuration(config)
    (line,) = str(told.value).splitlines()
    assert "mine.yaml:2:7: kind: 'imitaton', expected one of " in line
    assert line.endswith("did you mean 'imitation'?")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["primitives", "--stroke", "HGZ"], "--stroke: 'HGZ' is not trained by phase 'specialists'"),
        (["flat", "--stroke", "H"], "--stroke: no phase of the configuration has policies: per_stroke"),
        (["imitation", "--stroke", "H"], "--stroke: an imitation has no stroke types"),
        (["composer", "--stroke", "H"], "--stroke: a hierarchical training names its stroke types"),
        (["composer", "--set", "composer.weights=none"], "composer.weights: 'none' is neither a file nor"),
        (["imitation", "--set", "resources.runners=2"], "resources.runners, resources.learners: an imitation samples"),
    ],
)
def test_what_can_be_seen_to_be_wrong_is_told_before_ray_and_torch_are_imported(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "hierbrush.learning.train", None)
    refused = CliRunner().invoke(command, arguments)
    assert isinstance(refused.exception, HierbrushError)
    assert message in str(refused.exception)


@pytest.mark.slow
@pytest.mark.usefixtures("ray_running")
def test_a_sweep_of_imitations_runs_side_by_side(tmp_path: Path) -> None:
    short = ("further=false", "limit=20", "training.steps=4", "training.batch=64", "training.minibatch=32")
    small = ("network.width=32", "network.layers=1", "output.tensorboard=false", "resources.processes=2")
    sweep = "sweep={values: {training.lr: [1e-3, 2e-3]}}"
    out = train(folder("configs") / "imitation.yaml", overrides=(*short, *small, sweep), output=tmp_path / "out")
    for variant in ("000-lr=0.001", "001-lr=0.002"):
        assert json.loads((out / variant / "composer.json").read_bytes())["steps"] == 4
    assert "box_iou" in (out / "results.csv").read_text().splitlines()[0]
