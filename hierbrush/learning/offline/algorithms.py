"""RLlib's BC, MARWIL and IQL, on strokes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from ray.rllib.algorithms.bc import BC, BCConfig
from ray.rllib.algorithms.iql import IQL, IQLConfig
from ray.rllib.algorithms.marwil import MARWIL, MARWILConfig
from ray.rllib.core import COMPONENT_LEARNER_GROUP, DEFAULT_MODULE_ID
from ray.rllib.utils.metrics import LEARNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME

from hierbrush.datasets.settings import KINDS
from hierbrush.learning.offline.data import StrokeData
from hierbrush.learning.offline.learners import CloningLearner, QLearner
from hierbrush.learning.offline.q_module import QModule
from hierbrush.learning.offline.validation import network_of, validation_scores
from hierbrush.learning.ppo.module import ResidualPolicyModule
from hierbrush.learning.recipes.offline import OfflineRecipe
from hierbrush.sim.observation import OBSERVATIONS


class OnStrokes:
    """What the three have in common here: validation strokes, and going on where they were in their data.

    RLlib hooks: ``setup`` and ``restore_from_path``.
    """

    learner_group: Any
    offline_data: StrokeData
    metrics: Any

    def setup(self, config: Any) -> None:
        """Build the learner."""
        self._settings = config.learner_config_dict["offline"]
        super().setup(config)  # type: ignore[misc]
        self._validated = time.monotonic()

    def record(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return ticks learned from and losses of a result, and the scores when they are due."""
        learner, settings = self.learner_group._learner, self._settings
        losses = result[LEARNER_RESULTS][DEFAULT_MODULE_ID]
        record: dict[str, Any] = {"steps": learner.batches * settings["batch"]}
        record |= {name: float(losses[name]) for name in ("policy_loss", "vf_loss", "qf_loss") if name in losses}
        if record["steps"] >= settings["steps"] or time.monotonic() - self._validated > settings["validate_every"]:
            record |= validation_scores(network_of(self), settings["strokes"], settings["validation"])
            self._validated = time.monotonic()
        return record

    def restore_from_path(self, path: Any, *args: Any, **kwargs: Any) -> None:
        """Restore the learner, which is all: there are no runners that RLlib's own way would look for."""
        self.learner_group.restore_from_path(str(Path(path) / COMPONENT_LEARNER_GROUP))
        self.offline_data.drawn = self.learner_group._learner.batches
        ticks = self.offline_data.drawn * self._settings["batch"]
        self.metrics.log_value(NUM_ENV_STEPS_SAMPLED_LIFETIME, ticks, reduce="lifetime_sum")


class StrokeBC(OnStrokes, BC):  # type: ignore[misc]
    """Behaviour cloning."""


class StrokeMARWIL(OnStrokes, MARWIL):  # type: ignore[misc]
    """Cloning weighted by the exponential of advantages; Wang et al., 2018."""


class StrokeIQL(OnStrokes, IQL):  # type: ignore[misc]
    """Implicit Q-learning; Kostrikov et al., 2021."""


def offline_config(recipe: OfflineRecipe, folder: Path) -> Any:
    """Return RLlib's configuration of a recipe that learns from the data set in a folder."""
    training = recipe.training
    if recipe.method == "iql":
        # RLlib's default copies the critic at every update, which is no target at all.
        config = IQLConfig(algo_class=StrokeIQL).training(
            learner_class=QLearner,
            beta=1.0,  # RLlib allows no more, so the rewards are scaled instead
            expectile=training.expectile,
            tau=training.tau,
            target_network_update_freq=0,
            actor_lr=_schedule(recipe),
            critic_lr=_schedule(recipe),
            value_lr=_schedule(recipe),
        )
    elif recipe.method == "marwil":
        config = MARWILConfig(algo_class=StrokeMARWIL).training(
            learner_class=CloningLearner, beta=training.beta, lr=_schedule(recipe)
        )
    else:
        config = BCConfig(algo_class=StrokeBC).training(learner_class=CloningLearner, lr=_schedule(recipe))
    network = QModule if recipe.method == "iql" else ResidualPolicyModule
    return without_runners(config, recipe, network, StrokeData, folder).training(
        train_batch_size_per_learner=training.batch,
        gamma=training.gamma,
        learner_config_dict={
            "offline": {
                "kinds": list(recipe.data.kinds or KINDS),
                "strokes": list(recipe.data.strokes),
                "gamma": training.gamma,
                "scale": training.temperature if recipe.method == "iql" else 1.0,
                "batch": training.batch,
                "minibatch": training.minibatch,
                "steps": training.steps,
                "validate_every": training.validate_every,
                "validation": training.validation,
            }
        },
    )


def without_runners(config: Any, recipe: Any, network: type[ResidualPolicyModule], data: type, folder: Path) -> Any:
    """Return RLlib's configuration of a primitive that learns in this process from data in memory.

    Args:
        config: of the algorithm.
        recipe: one with the sections ``policy`` and ``training``.
        network: the module.
        data: RLlib's class of the data, which reads them in ``folder``.
        folder: where they are.
    """
    return (
        config.environment(
            observation_space=gymnasium.spaces.Box(-np.inf, np.inf, (OBSERVATIONS["full"],), np.float32),
            action_space=gymnasium.spaces.Box(-1.0, 1.0, (3,), np.float32),
        )
        .offline_data(input_=[str(folder)], offline_data_class=data, dataset_num_iters_per_learner=1)
        .rl_module(rl_module_spec=network.spec(recipe.policy))
        .training(grad_clip=recipe.training.grad_clip, grad_clip_by="global_norm")
        .learners(num_learners=0)
        .env_runners(num_env_runners=0)
        .debugging(seed=recipe.seed, log_level="ERROR")
    )


def _schedule(recipe: OfflineRecipe) -> list[list[float]]:
    training = recipe.training
    return [[0, training.lr], [training.steps, training.lr_final]]
