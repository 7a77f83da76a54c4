"""Steps per second of both levels of the hierarchy: stock RLlib on `DecisionEnv`, and ours on one batch.

    python benchmarks/bench_hierarchy.py

Composer trained, primitives frozen; the same networks, minibatches and epochs; one process, one thread. A step is a
control tick or a decision. Seconds are CPU seconds of the process, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

from bench_rllib import PARTS, Rates, interleaved, rates, table, time_rllib
from ray.rllib.algorithms.ppo import PPOConfig

from hierbrush.composer.composers import COMPOSER
from hierbrush.curriculum import Curriculum, load_curriculum
from hierbrush.learning.character_env import DecisionEnv
from hierbrush.learning.ppo.both_levels import hierarchical_algorithm_config, module_of, module_specs
from hierbrush.learning.recipes.hierarchical import HierarchicalRecipe
from hierbrush.learning.runs.session import ray_session
from hierbrush.learning.runs.threads import use_one_thread
from hierbrush.resources import folder
from hierbrush.strokes.types import ABBREVIATIONS

_OURS = "hierbrush"
CHARACTERS = 60  # of each stage; every environment of stock RLlib prepares its own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--slots", type=int, nargs="+", default=[256, 1024], help="characters written side by side by ours"
    )
    parser.add_argument("--environments", type=int, nargs="+", default=[1, 16, 64, 128], help="those of stock RLlib")
    parser.add_argument("--fragment", type=int, default=128, help="ticks between updates")
    parser.add_argument("--iterations", type=int, default=3, help="measured iterations; the median counts")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    use_one_thread()
    curriculum = load_curriculum(folder("curricula") / "composer.yaml").model_dump(mode="json")
    for stage in curriculum["stages"]:
        stage["characters"]["count"] = CHARACTERS
    variants: dict[str, tuple[PPOConfig, int]] = {
        f"stock, {count} environments": (stock(settings(1, arguments.fragment), curriculum, count), 64 * 64)
        for count in arguments.environments
    }
    for slots in arguments.slots:
        ours = hierarchical_algorithm_config(settings(slots, arguments.fragment), Curriculum.model_validate(curriculum))
        variants[f"{_OURS}, {slots:,} characters"] = ours, slots * arguments.fragment
    rows: dict[str, Rates] = {}
    with ray_session(1):
        for name, (algorithm, steps) in variants.items():
            # One after the other: the largest batches leave no room for others beside them.
            times = interleaved({name: partial(time_rllib, algorithm)}, arguments.iterations)
            rows[name] = rates(name, times[name], steps)
    best = {part: max(row[part] for name, row in rows.items() if not name.startswith(_OURS)) for part in PARTS}
    print(f"\n{arguments.fragment} ticks a fragment; steps per CPU second (ratio to the best of stock)\n")
    print(table(rows, best))
    if arguments.json:
        arguments.json.write_text(json.dumps({"settings": vars(arguments) | {"json": None}, "rates": rows}, indent=1))


def settings(slots: int, fragment: int) -> HierarchicalRecipe:
    """Return the configuration of a run of ours, whose networks and minibatches stock RLlib gets as well."""
    return HierarchicalRecipe.model_validate(
        {
            "kind": "hierarchical",
            "name": "bench",
            "environment": {"slots": slots},
            "composer": {"epochs": 2},
            "training": {"steps": 10**9, "fragment": fragment, "minibatch": 256, "value_warmup": 0},
        }
    )


def stock(config: HierarchicalRecipe, curriculum: dict[str, object], environments: int) -> PPOConfig:
    """Return stock PPO with our networks: RLlib's multi-agent runner, connectors and learner."""
    training = config.training
    return (
        PPOConfig()
        .environment(
            DecisionEnv,
            env_config={"curriculum": curriculum},
            normalize_actions=False,
            clip_actions=False,
            disable_env_checking=True,
        )
        .env_runners(
            num_env_runners=0, num_envs_per_env_runner=environments, rollout_fragment_length=64 * 64 // environments
        )
        .multi_agent(policies={COMPOSER, *ABBREVIATIONS}, policy_mapping_fn=module_of, policies_to_train=[COMPOSER])
        .rl_module(rl_module_spec=module_specs(config, Curriculum.model_validate(curriculum)))
        .training(
            train_batch_size_per_learner=64 * 64,
            minibatch_size=training.minibatch,
            num_epochs=config.composer.epochs,
            lr=config.composer.lr,
            gamma=config.composer.gamma,
            lambda_=config.composer.gae_lambda,
            grad_clip=training.grad_clip,
            vf_loss_coeff=training.value_coefficient,
            entropy_coeff=0.0,
            use_kl_loss=False,
        )
        .debugging(seed=config.seed, log_level="ERROR")
    )


if __name__ == "__main__":
    main()
