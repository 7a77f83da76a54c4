"""PPO on a curriculum: RLlib's PPO, the pieces of this package put together, and the stage that they share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from ray.rllib.algorithms.ppo import PPO, PPOConfig
from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    EPISODE_RETURN_MEAN,
    LEARNER_RESULTS,
    NUM_ENV_STEPS_SAMPLED,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
)

from hierbrush.curriculum import METRICS, Curriculum, StageMachine, StageState
from hierbrush.learning.config import FaultsSection
from hierbrush.learning.ppo.connector import FragmentsToBatch
from hierbrush.learning.ppo.faults import RunnerWatch, fault_settings
from hierbrush.learning.ppo.learner import PrimitiveLearner
from hierbrush.learning.ppo.module import ResidualPolicyModule
from hierbrush.learning.ppo.runner import EPISODE_METRICS, BatchedEnvRunner
from hierbrush.learning.recipes.ppo import PPORecipe
from hierbrush.learning.runs.loop import RUNNERS, TOLD

CURRICULUM_RESULTS = "curriculum"
SAMPLED = "sampled"
"""Key of a result: whether the iteration had steps."""


class CurriculumCallback(RLlibCallback):  # type: ignore[misc]
    """After every iteration: says whether it was one, and lets the stage machine see its metrics.

    RLlib hook: ``on_train_result``, so that the stage moves under ``Algorithm.train``, under Tune and in the driver
    alike.
    """

    def on_train_result(self, *, algorithm: CurriculumPPO, result: dict[str, Any], **kwargs: Any) -> None:
        """Check and advance; adds the keys ``sampled``, ``runners``, ``told`` and ``curriculum`` to the result."""
        runners = result.get(ENV_RUNNER_RESULTS, {})
        steps = float(runners.get(NUM_ENV_STEPS_SAMPLED, math.nan))
        group = algorithm.env_runner_group
        result[RUNNERS] = group.num_healthy_remote_env_runners()
        result[SAMPLED] = algorithm.watch.sampled(group, steps)
        if result[SAMPLED]:
            result[TOLD] = algorithm.advance_curriculum(runners.get(EPISODE_METRICS, {}), int(steps))
        if algorithm.stage_state is not None:
            result[CURRICULUM_RESULTS] = {
                "stage": algorithm.stage_state.stage,
                "name": algorithm.stage_state.name,
                "status": algorithm.stage_state.status,
            }


class CurriculumPPO(PPO):  # type: ignore[misc]
    """PPO whose curriculum stage is part of its state, and which survives the loss of remote runners.

    RLlib hooks: ``setup``; ``restore_env_runners``, called before every iteration; and ``get_state`` / ``set_state``,
    through which checkpoints, Tune restores and ``from_checkpoint`` go. ``training_step`` is PPO's own.
    """

    stage_state: StageState | None = None

    @classmethod
    def get_default_config(cls) -> CurriculumPPOConfig:
        """Return the configuration that belongs to this algorithm."""
        return CurriculumPPOConfig()

    def setup(self, config: CurriculumPPOConfig) -> None:
        """Build runners and learners, then begin the first stage."""
        self.watch = RunnerWatch(config.patience)
        try:
            super().setup(config)
        except IndexError:
            # RLlib logs why no remote runner could be built, then stumbles over having none: build one, for its error.
            config.env_runner_cls(config=config.copy(copy_frozen=False), worker_index=1)
            raise
        if self.config.curriculum_data is not None:
            self._machine = StageMachine(Curriculum.model_validate_json(self.config.curriculum_data))
            self._move(self._machine.start())

    def restore_env_runners(self, env_runner_group: Any) -> list[int]:
        """Look after lost and hanging runners, then bring back those that Ray has started again.

        Raises:
            Exception: whatever a runner raised.
        """
        self.watch.inspect(env_runner_group)
        restored: list[int] = super().restore_env_runners(env_runner_group)
        return restored

    def advance_curriculum(self, metrics: dict[str, Any], steps: int) -> list[str]:
        """Show the stage machine one iteration's metrics; move every runner when the stage changes, and say so."""
        if self.stage_state is None:
            return []
        values: dict[str, float] = {name: float(metrics.get(name, math.nan)) for name in METRICS}
        state, event = self._machine.advance(self.stage_state, values, steps)
        if state.stage != self.stage_state.stage:
            self._move(state)
        self.stage_state = state
        return [] if event is None else [str(event)]

    def restore_from_path(self, path: Any, *args: Any, **kwargs: Any) -> None:
        """Restore a checkpoint, with the random numbers that follow its steps: it must not repeat its first ones."""
        super().restore_from_path(path, *args, **kwargs)
        seed = np.random.SeedSequence([self.config.seed or 0, self._sampled]).generate_state(1)[0]
        self.learner_group.foreach_learner(partial(_seed_torch, seed=int(seed)))

    @property
    def _sampled(self) -> int:
        """Environment steps so far."""
        return int(self.metrics.peek((ENV_RUNNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME), default=0))

    def _move(self, state: StageState) -> None:
        self.stage_state = state
        for group in (self.env_runner_group, self.eval_env_runner_group):
            if group is not None:
                group.foreach_env_runner(partial(_set_stage, stage=state.stage))

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return PPO's state and the stage."""
        state: dict[str, Any] = super().get_state(*args, **kwargs)
        return {**state, CURRICULUM_RESULTS: self.stage_state.to_dict() if self.stage_state else None}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore PPO's state, then the count of steps and the stage, in every runner."""
        super().set_state(state)
        # RLlib sends the count before it has restored it; with zero, runners would repeat a training's first goals.
        self.env_runner_group.foreach_env_runner(partial(_set_steps, steps=self._sampled))
        if state.get(CURRICULUM_RESULTS) is not None:
            self._move(StageState.from_dict(state[CURRICULUM_RESULTS]))


def _seed_torch(learner: Any, seed: int) -> None:
    torch.manual_seed(seed)


def _set_steps(runner: Any, steps: int) -> None:
    runner.set_state({NUM_ENV_STEPS_SAMPLED_LIFETIME: steps})


def _set_stage(runner: BatchedEnvRunner, stage: int) -> None:
    runner.set_stage(stage)


class CurriculumPPOConfig(PPOConfig):  # type: ignore[misc]
    """`PPOConfig` with two more settings.

    Attributes:
        curriculum_data: a `Curriculum` as JSON, or None for an environment without stages.
        patience: seconds without a step of any remote runner after which the training ends.
    """

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or CurriculumPPO)
        self.curriculum_data: str | None = None
        self.faults(FaultsSection())

    def faults(self, faults: FaultsSection) -> CurriculumPPOConfig:
        """Set what is done about runners that are lost or hang."""
        self.patience = faults.patience
        self.env_runners(
            sample_timeout_s=faults.sample_timeout,
            # Runners have no connectors whose states could be merged, and asking a hanging one takes ten seconds.
            merge_env_runner_states=False,
            # Weights and counts go out as two calls of one kind, and RLlib drops a call while as many as this are
            # unanswered: with its default of one, a busy runner resumes without its weights.
            max_requests_in_flight_per_env_runner=4,
        )
        self.fault_tolerance(**fault_settings(faults))
        return self

    def curriculum(self, curriculum: Curriculum | None) -> CurriculumPPOConfig:
        """Set the curriculum; the environment gets it too, as its ``curriculum`` option."""
        if curriculum is not None:
            self.curriculum_data = curriculum.model_dump_json()
            self.environment(env_config={"curriculum": curriculum.model_dump(mode="json")})
        return self


def common_config(config: Any) -> CurriculumPPOConfig:
    """Return what PPO of one level and of both have in common.

    Args:
        config: a recipe with the sections ``environment`` and ``training`` of either.
    """
    training, resources = config.training, config.resources
    result: CurriculumPPOConfig = (
        CurriculumPPOConfig()
        # Observations come scaled and actions are bounded by the environment.
        .environment(normalize_actions=False, clip_actions=False)
        .env_runners(
            num_env_runners=resources.runners,
            num_cpus_per_env_runner=resources.cpus_per_runner,
            num_envs_per_env_runner=config.environment.slots,
            rollout_fragment_length=training.fragment,
        )
        .learners(
            num_learners=resources.learners,
            num_gpus_per_learner=resources.gpus_per_learner,
            add_default_connectors_to_learner_pipeline=False,
        )
        .training(
            train_batch_size_per_learner=config.batch,
            minibatch_size=training.minibatch,
            clip_param=training.clip,
            vf_loss_coeff=training.value_coefficient,
            entropy_coeff=0.0,
            use_kl_loss=False,
            grad_clip=training.grad_clip,
            learner_config_dict={"value_warmup_updates": training.value_warmup, "adam_eps": 1e-5},
        )
        # RLlib would look for NaN in every gradient of every minibatch; the learner looks once an update.
        .framework("torch", torch_skip_nan_gradients=True)
        .callbacks(CurriculumCallback)
        .faults(config.faults)
        .debugging(seed=config.seed, log_level="ERROR")
    )
    return result


def algorithm_config(
    config: PPORecipe, *, curriculum: Curriculum | None = None, stroke: str | None = None
) -> CurriculumPPOConfig:
    """Return the RLlib configuration that a training configuration stands for.

    Args:
        config: the configuration of one phase.
        curriculum: what the environment practises; None leaves it to the environment.
        stroke: stroke type to train on alone; None trains one policy on all.
    """
    training, policy = config.training, config.policy
    options = {**config.environment.options, **({"stroke": stroke} if stroke is not None else {})}
    result: CurriculumPPOConfig = (
        common_config(config)
        .environment(config.environment.id, env_config=options)
        .curriculum(curriculum)
        .env_runners(env_runner_cls=BatchedEnvRunner, gym_env_vectorize_mode="vector_entry_point")
        .learners(learner_connector=partial(_connector, gamma=training.gamma, lambda_=training.gae_lambda))
        .rl_module(rl_module_spec=ResidualPolicyModule.spec(policy))
        .training(
            learner_class=PrimitiveLearner,
            learner_config_dict={"sigma": [[0, policy.sigma], [training.steps, policy.sigma_final]]},
            num_epochs=training.epochs,
            lr=[[0, training.lr], [training.steps, training.lr_final]],
            gamma=training.gamma,
            lambda_=training.gae_lambda,
        )
    )
    return result


def _connector(observation_space: Any, action_space: Any, *, gamma: float, lambda_: float) -> FragmentsToBatch:
    return FragmentsToBatch(observation_space, action_space, gamma=gamma, lambda_=lambda_)


def iteration_record(result: Mapping[str, Any], module: str = DEFAULT_MODULE_ID) -> dict[str, Any] | None:
    """Return what is written down of a result: stage, return, scores, and a module's losses; None without samples."""
    if not result[SAMPLED]:
        return None
    episodes, learner = result[ENV_RUNNER_RESULTS], result[LEARNER_RESULTS].get(module, {})
    curriculum = result.get(CURRICULUM_RESULTS, {})
    numbers = {
        "return": episodes.get(EPISODE_RETURN_MEAN),
        **episodes.get(EPISODE_METRICS, {}),
        **{name: learner.get(name) for name in ("policy_loss", "vf_loss", "vf_explained_var", "approx_kl", "sigma")},
        "lr": learner.get("default_optimizer_learning_rate"),
    }
    return {
        "steps": int(episodes[NUM_ENV_STEPS_SAMPLED_LIFETIME]),
        "runners": result[RUNNERS],
        "stage": curriculum.get("stage"),
        "stage_name": curriculum.get("name"),
        "status": curriculum.get("status"),
        **{name: None if value is None else float(value) for name, value in numbers.items()},
    }
