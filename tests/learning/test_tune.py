"""The algorithm under Ray Tune: trials with different settings, a checkpoint each, and a restore from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray import tune
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.utils.metrics import ENV_RUNNER_RESULTS, EPISODE_RETURN_MEAN, NUM_ENV_STEPS_SAMPLED_LIFETIME

from hierbrush.learning.ppo.algorithm import CurriculumPPO, algorithm_config
from hierbrush.learning.recipes.ppo import PPORecipe


@pytest.mark.usefixtures("ray_running")
def test_trials_run_side_by_side_and_leave_checkpoints(
    toy_settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AIR_NEW_OUTPUT", "0")
    config = algorithm_config(PPORecipe.model_validate(toy_settings)).training(lr=tune.grid_search([0.0, 5e-3]))
    results = tune.Tuner(
        CurriculumPPO,
        param_space=config,
        run_config=tune.RunConfig(
            storage_path=str(tmp_path),
            stop={"training_iteration": 4},
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=True),
            verbose=0,
        ),
    ).fit()
    assert not results.errors
    assert len(results) == 2
    for result in results:
        assert result.metrics[ENV_RUNNER_RESULTS][NUM_ENV_STEPS_SAMPLED_LIFETIME] == 4 * 2048
        restored = CurriculumPPO.from_checkpoint(result.checkpoint.path)
        try:
            state = restored.learner_group.get_weights([DEFAULT_MODULE_ID])[DEFAULT_MODULE_ID]
            assert np.isfinite(state["policy.0.weight"]).all()
            assert restored.iteration == 4
        finally:
            restored.stop()
    best = results.get_best_result(f"{ENV_RUNNER_RESULTS}/{EPISODE_RETURN_MEAN}", mode="max")
    assert best.config["lr"] == 5e-3
