"""A composer that sees pictures: what it is taught, its twin without Torch, imitation of it and PPO after that."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from pydantic import ValidationError

from hierbrush.cli import main
from hierbrush.composer.brief import MAX_STROKES
from hierbrush.composer.observation import EXISTS, GOAL, LAST, OBSERVATION_SIZE, PLACED, WRITTEN
from hierbrush.composer.pictured import PICTURED_SIZE, PictureBank, PicturedDrafts, copy_pictures
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.curriculum import load_curriculum
from hierbrush.errors import HierbrushError
from hierbrush.learning.imitation.goal_expert import GoalExpert, Lesson, relabelled_lessons
from hierbrush.learning.imitation.scores import copying_scores
from hierbrush.learning.ppo.both_levels import hierarchical_algorithm_config
from hierbrush.learning.ppo.composer_module import ComposerModule
from hierbrush.learning.recipes.hierarchical import HierarchicalRecipe
from hierbrush.learning.recipes.imitation import DisturbanceSection, ImitationRecipe
from hierbrush.learning.train import train
from hierbrush.resources import folder

SHORT = (
    *("training.steps=6", "training.batch=64", "training.minibatch=16", "goals.relabelled=6", "limit=6"),
    *("network.width=32", "network.layers=1", "network.hidden=32", "output.tensorboard=false"),
)


@pytest.fixture(scope="module")
def lessons() -> list[Lesson]:
    return list(relabelled_lessons("train", 6, np.random.default_rng(0)))


@pytest.fixture(scope="module")
def expert(lessons: list[Lesson]) -> GoalExpert:
    return GoalExpert(lessons)


def test_what_the_learner_sees_is_what_the_runners_see(lessons: list[Lesson], expert: GoalExpert) -> None:
    every = np.arange(len(lessons))
    bank = PictureBank.pictured(
        [each.brief for each in lessons], [each.expected for each in lessons], [each.page for each in lessons]
    )
    drafts = PicturedDrafts(bank, len(lessons))
    drafts.start(every, every)
    told = expert.decisions(every, np.zeros_like(every), None, np.random.default_rng(0))
    assert np.allclose(told.observation, drafts.observe()[:, : told.observation.shape[1]], atol=2e-3)
    actions = expert.actions(every, np.zeros_like(every))
    drafts.write(every, actions[:, 0].astype(np.int64), actions[:, 1:])
    then = expert.decisions(every, np.ones_like(every), None, np.random.default_rng(0))
    seen = drafts.observe()[:, : then.observation.shape[1]]
    # Only the ink is written otherwise: by the brush there, as the strokes' outlines here.
    assert np.allclose(then.observation[..., :-25], seen[..., :-25], atol=2e-3)
    assert then.observation[..., -25:].max() > 0.3


def test_disturbed_decisions_look_everywhere_and_learn_the_same(lessons: list[Lesson], expert: GoalExpert) -> None:
    every = np.repeat(np.arange(len(lessons)), 20)
    steps = np.full(len(every), 1)
    own = np.zeros((len(every), int(expert.bank.counts.max()), PLACE_SIZE), np.float32)
    plain = expert.decisions(every, steps, None, np.random.default_rng(0))
    disturbed = expert.decisions(every, steps, DisturbanceSection(afresh=0.3), np.random.default_rng(0), own)
    assert np.array_equal(plain.places, disturbed.places)
    for column in (EXISTS, *range(20)):
        assert np.array_equal(plain.observation[..., column], disturbed.observation[..., column])
    exists = plain.observation[..., EXISTS] > 0
    believed, first = (told.observation[..., GOAL : GOAL + PLACE_SIZE] for told in (disturbed, plain))
    same = np.isclose(believed, first).all(axis=(1, 2))
    assert 0.15 < same.mean() < 0.6
    afresh = ~(disturbed.observation[..., WRITTEN] > 0).any(axis=1)
    assert 0.1 < afresh.mean() < 0.5
    assert not disturbed.observation[afresh][..., PLACED : PLACED + PLACE_SIZE].any()
    assert not disturbed.observation[afresh][..., LAST].any()
    assert (disturbed.remaining.sum(axis=1)[afresh] == exists.sum(axis=1)[afresh]).all()


def test_the_numpy_twin_gives_the_same_answers(expert: GoalExpert) -> None:
    torch.manual_seed(0)
    module = ComposerModule(
        observation_space=gymnasium.spaces.Box(-np.inf, np.inf, (MAX_STROKES, PICTURED_SIZE), np.float32),
        action_space=gymnasium.spaces.Box(-np.inf, np.inf, (1 + PLACE_SIZE,), np.float32),
        model_config={
            "width": 64,
            "layers": 2,
            "hidden": 96,
            "inputs": PICTURED_SIZE,
            "value_width": 16,
            "sigma": (0.1, 0.3),
        },
    )
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    every = np.arange(3)
    observed = expert.decisions(every, np.ones_like(every), None, np.random.default_rng(0)).observation
    state = {name.removeprefix("net."): p.detach().numpy() for name, p in module.named_parameters() if "net." in name}
    policy = ComposerPolicy(state)
    assert policy.sees
    with torch.no_grad():
        _, places = module.net(torch.from_numpy(observed))
    exists = observed[..., EXISTS] > 0
    assert np.abs(policy.heads(observed)[1] - places.numpy())[exists].max() < 2e-5


def test_scores_of_pictures_tell_how_far_the_first_look_was(lessons: list[Lesson]) -> None:
    class Stays(ComposerPolicy):
        def heads(self, observation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return observation[..., 0], observation[..., GOAL : GOAL + PLACE_SIZE]

    stays = Stays.__new__(Stays)
    stays._inputs = PICTURED_SIZE
    scores = copying_scores(lessons, stays)
    assert scores["centre"] == pytest.approx(scores["centre_first"], abs=2e-3)
    assert 0.01 < scores["centre"] < 0.1


def test_settings_that_do_not_fit_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    goals = {"kind": "imitation", "name": "x", "training": {"steps": 1}, "goals": {"relabelled": 0}}
    with pytest.raises(ValidationError, match="no pictures; name a file of drawings, or set relabelled above 0"):
        ImitationRecipe.model_validate(goals)
    taught = {**goals, "goals": {}, "practice": {"teachers": ["x.safetensors"], "characters": 1}}
    with pytest.raises(ValidationError, match=r"practice\.teachers: compose without pictures"):
        ImitationRecipe.model_validate(taught)

    def told(*arguments: str) -> str:
        with pytest.raises(SystemExit) as stopped:
            main(["train", *arguments, "--output", str(tmp_path / "run")])
        assert stopped.value.code == 2
        return capsys.readouterr().err

    config = str(folder("configs") / "goals.yaml")
    assert "goals.drawings: 'no.drawings' is not a file; hierbrush goals register" in told(
        config, "--set", "goals.drawings=no.drawings"
    )


def test_weights_and_curriculum_see_the_same() -> None:
    def built(weights: str, curriculum: str) -> None:
        settings = {"kind": "hierarchical", "name": "x", "training": {"steps": 1}, "composer": {"weights": weights}}
        hierarchical_algorithm_config(
            HierarchicalRecipe.model_validate(settings), load_curriculum(folder("curricula") / curriculum)
        )

    with pytest.raises(HierbrushError, match="'shipped' sees no pictures, but the curriculum has pictures as goals"):
        built("shipped", "goals.yaml")
    with pytest.raises(HierbrushError, match="'goal-conditioned' sees pictures, but the curriculum names no hands"):
        built("goal-conditioned", "composer.yaml")


@pytest.mark.slow
@pytest.mark.usefixtures("ray_running")
def test_copying_is_imitated_and_then_practised_on_ink(tmp_path: Path, lessons: list[Lesson]) -> None:
    train(folder("configs") / "goals.yaml", overrides=SHORT, output=tmp_path / "first")
    card = json.loads((tmp_path / "first" / "composer.json").read_text())
    assert card["goals"]["relabelled"] == 6
    assert 0 < card["validation"]["centre"] < 0.2
    policy = ComposerPolicy.load(tmp_path / "first" / "composer.safetensors")
    assert (policy.sees, policy.sizes) == (True, (32, 1, 32))
    overrides = (
        f"composer.weights={tmp_path / 'first' / 'composer.safetensors'}",
        *("environment.slots=4", "training.steps=600", "training.fragment=60", "training.minibatch=32"),
        "training.value_warmup=0",
        "output.tensorboard=false",
    )
    train(folder("configs") / "goals-ink.yaml", overrides=overrides, output=tmp_path / "second")
    after = ComposerPolicy.load(tmp_path / "second" / "composer.safetensors")
    before, tensors = policy.tensors(), after.tensors()
    assert any((before[name] != tensors[name]).any() for name in before)
    assert tensors["embed.weight"].shape == (32, PICTURED_SIZE) != (32, OBSERVATION_SIZE)
    copy_pictures([lessons[0].brief], [lessons[0].expected], [lessons[0].page], after)
