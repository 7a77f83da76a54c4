"""The fast path learns what stock RLlib learns: same environment, networks, settings and seeds, same returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

from hierbrush.learning.algorithm import algorithm_config
from hierbrush.learning.config import TrainingConfig
from hierbrush.learning.module import ResidualPolicyModule

ITERATIONS = 20
SEEDS = (0, 1, 2)
# Returns run from -0.77 (standing still) to +0.77 (the best policy without noise).
BAND_MIDDLE, BAND_END = 0.12, 0.05


def stock(config: TrainingConfig) -> PPOConfig:
    training, policy = config.training, config.policy
    return (
        PPOConfig()
        .environment(config.environment.id, normalize_actions=False, clip_actions=False)
        .env_runners(
            gym_env_vectorize_mode="vector_entry_point",
            num_env_runners=0,
            num_envs_per_env_runner=config.environment.slots,
            rollout_fragment_length=training.fragment,
        )
        .rl_module(
            rl_module_spec=RLModuleSpec(
                module_class=ResidualPolicyModule,
                model_config={"hidden": policy.hidden, "value_hidden": policy.value_hidden, "sigma": policy.sigma},
            )
        )
        .training(
            train_batch_size_per_learner=config.batch,
            minibatch_size=training.minibatch,
            num_epochs=training.epochs,
            lr=[[0, training.lr], [training.steps, training.lr_final]],
            gamma=training.gamma,
            lambda_=training.gae_lambda,
            clip_param=training.clip,
            grad_clip=training.grad_clip,
            vf_loss_coeff=training.value_coefficient,
            entropy_coeff=0.0,
            use_kl_loss=False,
        )
        .debugging(seed=config.seed, log_level="ERROR")
    )


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
    configs = [TrainingConfig.model_validate({**toy_settings, "seed": seed}) for seed in SEEDS]
    ours = np.mean([returns(algorithm_config(config)) for config in configs], axis=0)
    theirs = np.mean([returns(stock(config)) for config in configs], axis=0)
    print(f"ours {np.round(ours, 3)}\nstock {np.round(theirs, 3)}")
    assert ours[0] == pytest.approx(theirs[0], abs=BAND_MIDDLE)
    assert np.abs(ours - theirs).max() < BAND_MIDDLE
    assert np.abs(ours - theirs)[-5:].mean() < BAND_END
    assert theirs[-1] > theirs[0] + 0.8, "the task is too short to tell anything"
