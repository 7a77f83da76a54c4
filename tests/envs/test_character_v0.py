"""PettingZoo's own tests on the character."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from short_curriculum import short_curriculum

pytest.importorskip("pettingzoo")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its tests import old environments of its own
    from pettingzoo.test import api_test, seed_test

from hierbrush.composer.composers import COMPOSER
from hierbrush.envs import character_v0

CURRICULUM = short_curriculum((2, 4), count=4)


def make(**options: Any) -> Any:
    return character_v0.env(curriculum=CURRICULUM, **options)


# What the checker would have of every environment, but not of ours, whose agents differ in kind.
@pytest.mark.filterwarnings("ignore:Agents have different observation space sizes")
@pytest.mark.filterwarnings("ignore:We recommend agents to be named")
@pytest.mark.filterwarnings("ignore:Action space for each agent probably should be")
@pytest.mark.filterwarnings("ignore:The observation contains negative numbers and is in the shape of a graphical")
@pytest.mark.filterwarnings("ignore:Observations have different number of dimensions")
@pytest.mark.filterwarnings("ignore:The class of")
def test_pettingzoos_checker_passes() -> None:
    api_test(make(), num_cycles=100)


def test_a_seed_gives_the_same_episode() -> None:
    seed_test(make, 30)


@pytest.mark.parametrize("edge", [-4.0, 4.0])
def test_the_edges_of_the_action_space_can_be_written(edge: float) -> None:
    env = make()
    for seed in range(3):
        env.reset(seed=seed)
        draw = np.random.default_rng(seed)
        for agent in env.agent_iter():
            _, _, over, _, info = env.last()
            if over or agent != COMPOSER:
                env.step(None if over else np.zeros(3, np.float32))
                continue
            place = env.action_space(agent)["place"]
            stroke = int(np.argmax(info["action_mask"]["stroke"]))
            env.step({"stroke": stroke, "place": np.float32(edge * draw.choice([-1.0, 1.0], place.shape))})


def test_masks_and_scores_are_in_the_composers_info() -> None:
    env = make(render_mode="rgb_array")
    env.reset(seed=1)
    for agent in env.agent_iter():
        _, _, over, _, info = env.last()
        if agent == COMPOSER and not over:
            assert info["action_mask"]["stroke"].any()
        space = env.action_space(agent)
        env.step(None if over else space.sample(info["action_mask"]) if agent == COMPOSER else np.zeros(3, np.float32))
        if agent == COMPOSER and over:
            assert info["scores"]["allowed"] == 1.0
    assert env.render().shape == (512, 512, 3)
    env.close()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["copy", "pickle"])
def test_a_copy_goes_on_by_itself(copied: Any) -> None:
    env = make()
    env.reset(seed=2)
    env.step({"stroke": 0, "place": np.zeros(16, np.float32)})
    other = copied(env)
    for each in (env, other):
        each.step(np.full(3, 0.3, np.float32))
    assert env.agent_selection == other.agent_selection
    assert np.array_equal(env.last()[0], other.last()[0])
