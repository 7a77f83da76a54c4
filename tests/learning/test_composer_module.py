"""The composer for RLlib: the same answers as in NumPy, and a distribution of stroke and place."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch
from ray.rllib.core.columns import Columns

from hierbrush.composer.brief import MAX_STROKES, brief_of
from hierbrush.composer.observation import OBSERVATION_SIZE, BriefBank, Drafts
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.composer.policy import OUT_OF_REACH, ComposerPolicy
from hierbrush.learning.ppo.composer_module import ComposerDistribution, ComposerModule


@pytest.fixture
def module() -> ComposerModule:
    torch.manual_seed(0)
    made = ComposerModule(
        observation_space=gymnasium.spaces.Box(-np.inf, np.inf, (MAX_STROKES, OBSERVATION_SIZE), np.float32),
        action_space=gymnasium.spaces.Box(-np.inf, np.inf, (1 + PLACE_SIZE,), np.float32),
        model_config={"width": 64, "layers": 2, "hidden": 96, "value_width": 16, "sigma": (0.1, 0.3)},
    )
    for parameter in made.parameters():  # heads start at zero, and zeros are equal too easily
        torch.nn.init.normal_(parameter, std=0.1)
    return made


@pytest.fixture(scope="module")
def observation() -> np.ndarray:
    briefs = [brief_of(char) for char in "永国語盟繁"]
    drafts = Drafts(BriefBank.of(briefs), len(briefs))
    rows = np.arange(len(briefs))
    drafts.begin(rows, rows)
    for step in range(3):
        index = np.array([brief.library_order[step] for brief in briefs])
        drafts.write(rows, index, np.full((len(rows), PLACE_SIZE), 0.3, np.float32))
    return drafts.observe()


def test_the_numpy_twin_gives_the_same_answers(module: ComposerModule, observation: np.ndarray) -> None:
    state = {name.removeprefix("net."): p.detach().numpy() for name, p in module.named_parameters() if "net." in name}
    policy = ComposerPolicy(state)
    with torch.no_grad():
        logits, places = (part.numpy() for part in module.heads(torch.from_numpy(observation)))
    twin_logits, twin_places = policy.heads(observation)
    reachable = logits > OUT_OF_REACH / 2
    assert np.array_equal(reachable, twin_logits > OUT_OF_REACH / 2)
    assert np.abs(twin_logits - logits)[reachable].max() < 1e-5
    exists = observation.any(axis=2)
    assert np.abs(twin_places - places)[exists].max() < 1e-5


def test_only_what_remains_can_be_chosen(module: ComposerModule, observation: np.ndarray) -> None:
    inputs = module._forward({Columns.OBS: torch.from_numpy(observation)})[Columns.ACTION_DIST_INPUTS]
    assert inputs.shape == (len(observation), ComposerDistribution.required_input_dim(None))
    distribution = ComposerDistribution.from_logits(inputs.detach())
    for _ in range(20):
        chosen = distribution.sample()[:, 0].long().numpy()
        rows = observation[np.arange(len(chosen)), chosen]
        assert rows.any(axis=1).all()
        assert np.isfinite(distribution.logp(distribution.sample()).numpy()).all()


def test_the_distribution_agrees_with_torch(module: ComposerModule, observation: np.ndarray) -> None:
    inputs = module._forward({Columns.OBS: torch.from_numpy(observation)})[Columns.ACTION_DIST_INPUTS].detach()
    distribution = ComposerDistribution.from_logits(inputs.detach())
    action = distribution.sample()
    index = action[:, 0].long()
    logits = inputs[:, :MAX_STROKES]
    places = inputs[:, MAX_STROKES:-PLACE_SIZE].reshape(-1, MAX_STROKES, PLACE_SIZE)
    choice = torch.distributions.Categorical(logits=logits)
    place = torch.distributions.Normal(places[torch.arange(len(index)), index], inputs[:, -PLACE_SIZE:].exp())
    expected = choice.log_prob(index) + place.log_prob(action[:, 1:]).sum(dim=1)
    assert torch.allclose(distribution.logp(action), expected, atol=1e-4)
    assert torch.allclose(distribution.entropy(), choice.entropy() + place.entropy().sum(dim=1), atol=1e-4)
    assert torch.allclose(distribution.kl(distribution), torch.zeros(len(index)), atol=1e-5)
    other = ComposerDistribution.from_logits(inputs + 0.01 * torch.randn_like(inputs))
    assert (distribution.kl(other) > 0).all()


def test_the_likeliest_action_is_a_choice_at_its_mean_place(module: ComposerModule, observation: np.ndarray) -> None:
    inputs = module._forward({Columns.OBS: torch.from_numpy(observation)})[Columns.ACTION_DIST_INPUTS]
    action = ComposerDistribution.from_logits(inputs).to_deterministic().sample().detach()
    logits, places = module.heads(torch.from_numpy(observation))
    assert torch.equal(action[:, 0].long(), logits.argmax(dim=1))
    assert torch.allclose(action[:, 1:], places[torch.arange(len(action)), logits.argmax(dim=1)])


def test_a_batch_of_zeros_gives_finite_numbers(module: ComposerModule) -> None:
    zeros = {Columns.OBS: torch.zeros(3, MAX_STROKES, OBSERVATION_SIZE)}
    inputs = module._forward(zeros)[Columns.ACTION_DIST_INPUTS]
    assert inputs.isfinite().all()
    assert ComposerDistribution.from_logits(inputs).sample().isfinite().all()
    assert module.compute_values(zeros).shape == (3,)


def test_an_untrained_module_writes_what_the_library_expects(observation: np.ndarray) -> None:
    module = ComposerModule(
        observation_space=gymnasium.spaces.Box(-np.inf, np.inf, (MAX_STROKES, OBSERVATION_SIZE), np.float32),
        action_space=gymnasium.spaces.Box(-np.inf, np.inf, (1 + PLACE_SIZE,), np.float32),
        model_config={"width": 64, "layers": 1, "hidden": 64, "value_width": 16, "sigma": 0.1},
    )
    logits, places = module.heads(torch.from_numpy(observation))
    assert logits.argmax(dim=1).tolist() == [brief_of(char).library_order[3] for char in "永国語盟繁"]
    assert not places.any()
