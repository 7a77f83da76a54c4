"""Both levels in one multi-agent RLlib algorithm."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import torch
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

from hierbrush.composer.composers import COMPOSER
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.curriculum import Curriculum
from hierbrush.envs.character import character_spaces, composer_size
from hierbrush.errors import HierbrushError, shown
from hierbrush.learning.character_env import DecisionEnv
from hierbrush.learning.ppo.algorithm import CurriculumPPOConfig, common_config
from hierbrush.learning.ppo.character_runner import GAMMA, HierarchicalRunner
from hierbrush.learning.ppo.composer_module import ComposerModule
from hierbrush.learning.ppo.connector import HierarchicalToBatch
from hierbrush.learning.ppo.learner import HierarchicalLearner
from hierbrush.learning.ppo.module import ResidualPolicyModule
from hierbrush.learning.recipes.hierarchical import HierarchicalRecipe
from hierbrush.strokes.policy import MLPPolicy, PolicySet
from hierbrush.strokes.types import ABBREVIATIONS

_UNFIT = "composer.weights: {} {}, but the curriculum {}"
_SEEING = {
    True: ("sees pictures", "names no hands whose pictures are the goals (characters.goals)"),
    False: ("sees no pictures", "has pictures as goals; begin with an imitation of pictures (configs/goals.yaml)"),
}


class PretrainedComposer(ComposerModule):
    """`ComposerModule` that begins with the weights in ``model_config["weights"]``.

    Loading belongs to the module, so that runners, learners and restarted actors all begin alike.
    """

    def setup(self) -> None:
        """Build the networks and read the weights."""
        super().setup()
        tensors = _composer(self.model_config["weights"]).tensors()
        self.net.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in tensors.items()})


class PretrainedPrimitive(ResidualPolicyModule):
    """`ResidualPolicyModule` that begins with the policy of ``model_config["stroke"]`` in the file of its weights."""

    def setup(self) -> None:
        """Build the networks and read the weights."""
        super().setup()
        linear = [layer for layer in self.policy if isinstance(layer, torch.nn.Linear)]
        for layer, (weight, bias) in zip(linear, _primitive(**_source(self.model_config)).layers, strict=True):
            layer.weight.data.copy_(torch.from_numpy(weight.T.copy()))
            layer.bias.data.copy_(torch.from_numpy(bias.copy()))


def _source(model_config: dict[str, Any]) -> dict[str, str]:
    return {"weights": model_config["weights"], "stroke": model_config["stroke"]}


@lru_cache(maxsize=2)
def _composer(weights: str) -> ComposerPolicy:
    return ComposerPolicy.load(weights)


@lru_cache(maxsize=2)
def _primitives(weights: str) -> PolicySet:
    return PolicySet.load(weights)


def _primitive(weights: str, stroke: str) -> MLPPolicy:
    policies = _primitives(weights).policies
    if stroke not in policies:
        raise HierbrushError(f"primitives.weights: {shown(weights)} has no policy for {stroke}")
    return policies[stroke]


def module_of(agent: str, *args: Any, **kwargs: Any) -> str:
    """Return the module of an agent: they have the same names."""
    return agent


def module_specs(config: HierarchicalRecipe, curriculum: Curriculum) -> MultiRLModuleSpec:
    """Return the specifications of the composer and of one primitive for each stroke type.

    Raises:
        HierbrushError: weights cannot be used.
    """
    observations, actions = character_spaces(composer_size(curriculum))
    composer = config.composer
    composer_weights, primitive_weights = config.weight_files
    net = _composer(composer_weights)
    if net.inputs != composer_size(curriculum):
        raise HierbrushError(_UNFIT.format(shown(composer.weights), *_SEEING[net.sees]))
    width, layers, hidden = net.sizes
    specs = {
        COMPOSER: RLModuleSpec(
            module_class=PretrainedComposer,
            observation_space=observations[COMPOSER],
            action_space=actions[COMPOSER],
            model_config={
                "width": width,
                "layers": layers,
                "hidden": hidden,
                "inputs": net.inputs,
                "value_width": composer.value_width,
                "sigma": [composer.sigma, composer.sigma * composer.shape_noise],
                "weights": composer_weights,
            },
        )
    }
    for name in ABBREVIATIONS:
        policy = _primitive(primitive_weights, name)
        specs[name] = RLModuleSpec(
            module_class=PretrainedPrimitive,
            observation_space=observations[name],
            action_space=actions[name],
            model_config={
                "hidden": [weight.shape[1] for weight, _ in policy.layers[:-1]],
                "value_hidden": config.primitives.hidden,
                "sigma": config.primitives.sigma,
                "weights": primitive_weights,
                "stroke": name,
            },
        )
    return MultiRLModuleSpec(rl_module_specs=specs)


def hierarchical_algorithm_config(config: HierarchicalRecipe, curriculum: Curriculum) -> CurriculumPPOConfig:
    """Return the RLlib configuration that a hierarchical training configuration stands for.

    Raises:
        HierbrushError: weights cannot be used.
    """
    training, composer, primitives = config.training, config.composer, config.primitives
    levels = {name: composer if name == COMPOSER else primitives for name in (COMPOSER, *ABBREVIATIONS)}
    gamma = {name: level.gamma for name, level in levels.items()}
    near = composer.anchor_choice + composer.anchor_place
    result: CurriculumPPOConfig = (
        common_config(config)
        .environment(
            DecisionEnv,
            env_config={"supersample": config.environment.supersample, "seed": config.seed},
            disable_env_checking=True,
        )
        .curriculum(curriculum)
        .env_runners(
            env_runner_cls=HierarchicalRunner,
            add_default_connectors_to_env_to_module_pipeline=False,
            add_default_connectors_to_module_to_env_pipeline=False,
        )
        .multi_agent(policies=tuple(levels), policy_mapping_fn=module_of, policies_to_train=list(config.trained))
        .learners(
            learner_connector=partial(
                _connector,
                trained=config.trained,
                gamma=gamma,
                lambda_={name: level.gae_lambda for name, level in levels.items()},
                anchor=config.weight_files[0] if composer.train and near else None,
            ),
        )
        .rl_module(rl_module_spec=module_specs(config, curriculum))
        .training(
            learner_class=HierarchicalLearner,
            learner_config_dict={
                # Not RLlib's overrides per module: for each it copies the whole configuration, earlier copies included.
                "lr": {name: [[0, level.lr], [training.steps, level.lr_final]] for name, level in levels.items()},
                "sigma": [[0, primitives.sigma], [training.steps, primitives.sigma_final]],
                "composer_sigma": [[0, composer.sigma], [training.steps, composer.sigma_final]],
                "shape_noise": composer.shape_noise,
                "anchor_choice": composer.anchor_choice,
                "anchor_place": composer.anchor_place,
                "entropy": composer.entropy,
                "epochs": {name: levels[name].epochs for name in config.trained},
                GAMMA: gamma,
            },
            num_epochs=max(levels[name].epochs for name in config.trained),
            lr=composer.lr,
        )
    )
    return result


def _connector(observation_space: Any, action_space: Any, **settings: Any) -> HierarchicalToBatch:
    return HierarchicalToBatch(observation_space, action_space, **settings)
