"""`CharacterEnv` on stock RLlib: its checker, its runner and its PPO."""

from __future__ import annotations

import copy
import logging
import pickle
import re
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.multi_agent_env import MultiAgentEnv
from ray.rllib.utils.pre_checks.env import check_multiagent_environments
from short_curriculum import short_curriculum

from hierbrush.composer.composers import COMPOSER
from hierbrush.envs import CHARACTER_ENV
from hierbrush.errors import HierbrushError
from hierbrush.learning.character_env import CharacterEnv

CURRICULUM = short_curriculum((2, 3), count=4)


def make(**options: Any) -> CharacterEnv:
    env = gymnasium.make(CHARACTER_ENV, curriculum=CURRICULUM, **options)
    assert isinstance(env, CharacterEnv)
    return env


def rollout(env: CharacterEnv, seed: int | None, samples: bool = True) -> list[Any]:
    """Return what a character's agents see and earn; its actions are samples, or zeros."""
    observed, _ = env.reset(seed=seed)
    for number, space in enumerate(env.action_spaces.values()):
        space.seed(number)
    seen, over = [observed], False
    while not over:
        (agent, observation), *others = observed.items()
        assert not others
        assert env.observation_spaces[agent].contains(observation)
        action = env.action_spaces[agent].sample()
        if not samples:
            action = {name: value * 0 for name, value in action.items()} if agent == COMPOSER else action * 0
        observed, rewards, terminated, truncated, infos = env.step({agent: action})
        assert not truncated["__all__"]
        over = terminated["__all__"]
        seen += [observed, rewards, infos]
    assert {"iou", "character_iou", "allowed"} <= infos[COMPOSER].keys()
    return seen


@pytest.mark.parametrize("samples", [True, False])
def test_samples_and_zeros_write_a_character(samples: bool) -> None:
    rollout(make(), 0, samples)


def test_rllibs_checker_passes(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        check_multiagent_environments(make())
    assert not caplog.records


def test_a_seed_gives_the_same_rollout_on_one_environment() -> None:
    env = make()
    first = rollout(env, 3)
    rollout(env, None)
    for again in (rollout(env, 3), rollout(copy.deepcopy(env), 3), rollout(pickle.loads(pickle.dumps(env)), 3)):
        np.testing.assert_equal(again, first)


def test_options_come_as_rllib_and_as_gymnasium_give_them() -> None:
    assert isinstance(CharacterEnv({"curriculum": CURRICULUM, "seed": 1}), MultiAgentEnv)
    with pytest.raises(HierbrushError, match=r"^render_mode: 'none', expected None, 'human' or 'rgb_array'"):
        CharacterEnv({"curriculum": CURRICULUM}, render_mode="none")
    env = make(render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().shape == (512, 512, 3)
    env.close()


def documented_config() -> PPOConfig:
    """Return the configuration that the documentation shows."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.S) if "PPOConfig" in block)
    names: dict[str, Any] = {}
    exec(code, names)
    config: PPOConfig = names["config"]
    return config


@pytest.mark.parametrize("masked", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_stock_ppo_trains_it(ray_running: None, masked: bool) -> None:
    """One iteration of RLlib's own PPO, runner and connectors with the documented configuration; and the networks."""
    config = documented_config()
    config.environment(env_config={"curriculum": CURRICULUM})
    config.env_runners(num_envs_per_env_runner=2)
    config.training(train_batch_size_per_learner=300, minibatch_size=64, num_epochs=1)
    config.debugging(seed=0, log_level="ERROR")
    if not masked:
        modules = {name: RLModuleSpec() for name in (COMPOSER, "primitive")}
        config.rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs=modules))
    algorithm = config.build_algo()
    try:
        result = algorithm.train()
        episodes = algorithm.env_runner.sample(num_episodes=4, random_actions=False)
    finally:
        algorithm.stop()
    assert result["env_runners"]["num_env_steps_sampled_lifetime"] >= 300
    assert np.isfinite(result["env_runners"]["episode_return_mean"])
    for module in (COMPOSER, "primitive"):
        assert np.isfinite(result["learners"][module]["total_loss"])
    allowed = [episode.agent_episodes[COMPOSER].get_infos(-1)["allowed"] for episode in episodes if episode.is_done]
    assert allowed
    assert (min(allowed) == 1.0) is masked
