"""The fast path learns what stock RLlib learns: same environment, networks, settings and seeds, same returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bench_rllib import stock
from ray.rllib.algorithms.ppo import PPOConfig

from hierbrush.learning.ppo.algorithm import algorithm_config
from hierbrush.learning.recipes.ppo import PPORecipe

ITERATIONS = 20
SEEDS = (0, 1, 2)
# Returns run from -0.77 (standing still) to +0.77 (the best policy without noise).
BAND_MIDDLE, BAND_END = 0.12, 0.05


def returns(config: PPOConfig) -> list[float]:
    algorithm = config.build_algo()
    curve = [algorithm.train()["env_runners"]["episode_return_mean"] for _ in range(ITERATIONS)]
    algorithm.stop()
    return curve


@pytest.mark.slow
@pytest.mark.usefixtures("ray_running")
def test_returns_are_those_of_stock_rllib(toy_settings: dict[str, Any]) -> None:
    toy_settings["policy"].update(sigma=0.4, sigma_final=0.4)
    toy_settings["training"].update(value_warmup=0, lr=3e-3, lr_final=3e-3)
    configs = [PPORecipe.model_validate({**toy_settings, "seed": seed}) for seed in SEEDS]
    ours = np.mean([returns(algorithm_config(config)) for config in configs], axis=0)
    theirs = np.mean([returns(stock(config, vector=True, raw=True)) for config in configs], axis=0)
    print(f"ours {np.round(ours, 3)}\nstock {np.round(theirs, 3)}")
    assert ours[0] == pytest.approx(theirs[0], abs=BAND_MIDDLE)
    assert np.abs(ours - theirs).max() < BAND_MIDDLE
    assert np.abs(ours - theirs)[-5:].mean() < BAND_END
    assert theirs[-1] > theirs[0] + 0.8, "the task is too short to tell anything"
