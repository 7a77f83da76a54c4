"""The configuration's limits, its phases, the shipped file, and the table of its fields in the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hierbrush.curriculum import load_curriculum, load_model, read_yaml, validate
from hierbrush.curriculum.model import curriculum_file
from hierbrush.envs import FLAT_ENV
from hierbrush.errors import HierbrushError
from hierbrush.learning.recipe import TrainingRequest
from hierbrush.learning.recipes.hierarchical import HierarchicalRecipe
from hierbrush.learning.recipes.ppo import PPORecipe
from hierbrush.learning.runs.sweep import variants
from hierbrush.learning.train import train
from hierbrush.resources import folder
from hierbrush.strokes.types import ABBREVIATIONS

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "configs" / "primitives.yaml"


def test_shipped_configuration_trains_all_types_from_one_generalist() -> None:
    config = load_model(SHIPPED, PPORecipe)
    (generalist,), specialists = config.jobs(TrainingRequest(SHIPPED, Path("out")))
    assert generalist.stroke is None
    assert tuple(run.stroke for run in specialists) == ABBREVIATIONS
    assert {run.initial_weights for run in specialists} == {generalist.folder / "weights.safetensors"}
    assert specialists[0].steps < generalist.steps
    alone = config.jobs(TrainingRequest(SHIPPED, Path("out"), stroke="HZG"))
    assert [job.name for jobs in alone for job in jobs] == ["generalist", "specialists/HZG"]


def test_shipped_sweep_tries_what_it_says() -> None:
    path = ROOT / "configs" / "sweep.yaml"
    document = read_yaml(path)
    tried = dict(variants(document, validate(document, PPORecipe)))
    assert list(tried)[:2] == ["000-lr=0.0002_outside=1", "001-lr=0.0002_outside=1.5"]
    assert len(tried) == 6
    for variant, config in tried.items():
        ((run,),) = config.jobs(TrainingRequest(path, Path("out"), variant))
        assert run.folder == Path("out", variant, "generalist")
        assert run.curriculum is not None
        assert {stage.reward.outside for stage in run.curriculum.stages} == {config.reward.outside}


def test_the_flat_policy_gets_the_steps_and_the_curriculum_of_the_composer() -> None:
    flat, composer = ROOT / "configs" / "flat.yaml", ROOT / "configs" / "composer.yaml"
    ((run,),) = load_model(flat, PPORecipe).jobs(TrainingRequest(flat, Path("out")))
    assert isinstance(run.recipe, PPORecipe)
    assert run.recipe.environment.id == FLAT_ENV
    assert run.steps == load_model(composer, HierarchicalRecipe).training.steps
    assert run.curriculum == load_curriculum(ROOT / "curricula" / "composer.yaml")


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        ([{"name": "a"}, {"name": "a"}], "two phases have the name 'a'"),
        ([{"name": "a", "start_from": "b"}], "no earlier phase"),
        (
            [{"name": "a", "policies": "per_stroke"}, {"name": "b", "start_from": "a"}],
            "no earlier phase with one policy",
        ),
    ],
)
def test_phases_that_do_not_fit_are_refused(phases: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PPORecipe.model_validate({"name": "x", "training": {"steps": 1}, "phases": phases})


def test_phase_replaces_only_what_it_names() -> None:
    config = PPORecipe.model_validate(
        {"name": "x", "training": {"steps": 9, "lr": 0.5}, "phases": [{"name": "a", "steps": 3, "sigma": 0.2}]}
    )
    changed = config.for_phase(config.phases[0])
    assert (changed.training.steps, changed.training.lr, changed.policy.sigma) == (3, 0.5, 0.2)
    assert changed.policy.sigma_final == config.policy.sigma_final


@pytest.mark.parametrize("shipped", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.name)
def test_a_shipped_configuration_finds_its_curriculum(shipped: Path, tmp_path: Path) -> None:
    wanted = read_yaml(shipped).data.get("curriculum")
    if wanted is None:
        pytest.skip("practises nothing by a curriculum")
    assert curriculum_file(wanted, beside=shipped) == folder("curricula") / wanted
    # Nor is a copied configuration taken for a curriculum; a curriculum beside it goes first.
    for config in (ROOT / "configs").glob("*.yaml"):
        (tmp_path / config.name).write_bytes(config.read_bytes())
    assert curriculum_file(wanted, beside=tmp_path / shipped.name) == folder("curricula") / wanted
    (tmp_path / wanted).write_bytes((folder("curricula") / wanted).read_bytes())
    assert curriculum_file(wanted, beside=tmp_path / "mine.yaml") == tmp_path / wanted


def test_a_configuration_that_is_nowhere_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(HierbrushError) as told:
        train("primitves", output=tmp_path / "out")
    assert str(told.value).startswith("CONFIG: there is no file 'primitves'; hierbrush's own configs are composer, ")
    assert str(told.value).endswith("; did you mean 'primitives'?")
    config = tmp_path / "mine.yaml"
    config.write_text("name: mine\ncurriculum: dot.yaml\ntraining: {steps: 2048}\nenvironment: {slots: 64}\n")
    with pytest.raises(HierbrushError) as told:
        train(config, output=tmp_path / "out")
    assert str(told.value) == (
        f"curriculum: there is no file 'dot.yaml', neither beside {str(config)!r} nor here; hierbrush's own curricula "
        f"are {', '.join(sorted(file.stem for file in folder('curricula').glob('*.yaml')))}; did you mean 'dots'?"
    )
    assert not (tmp_path / "out").exists()
