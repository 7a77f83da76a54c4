"""Steps per second of one PPO iteration: stock RLlib, ours, and a bare torch loop, over the same simulator.

    python benchmarks/bench_rllib.py                                  # hierbrush/Stroke-v0
    PYTHONPATH=tests/learning python benchmarks/bench_rllib.py --env toy:toy/Reach-v0

Everything runs in one process on one thread, with the same networks, batch, minibatches and epochs. Seconds are CPU
seconds of the process, so that other work on the machine does not count; on an idle machine they are wall seconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

import hierbrush.envs
from hierbrush.curriculum import load_curriculum
from hierbrush.learning.ppo.algorithm import algorithm_config
from hierbrush.learning.ppo.module import ResidualPolicyModule
from hierbrush.learning.recipes.ppo import PPORecipe
from hierbrush.learning.runs.session import ray_session
from hierbrush.learning.runs.threads import use_one_thread
from hierbrush.resources import folder

sys.path.append(str(Path(__file__).resolve().parents[1] / "examples"))
from single_file_ppo import Agent, Settings, collect, update

Times = dict[str, list[float]]
Rates = dict[str, float]
PARTS = {"sampling": "sampling", "learner": "learner", "total": "end to end"}
SINGLE_ENVS = 64
GOALS = 38  # drawn goals per environment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="hierbrush/Stroke-v0", help="id of a vector environment with step_batch")
    parser.add_argument("--slots", type=int, default=512, help="environments stepped together")
    parser.add_argument("--fragment", type=int, default=40, help="ticks between updates")
    parser.add_argument("--minibatch", type=int, default=2048)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=5, help="measured iterations; the median counts")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    use_one_thread()
    config = PPORecipe.model_validate(
        {
            "name": "bench",
            "environment": {"id": arguments.env, "slots": arguments.slots, "options": options(arguments.env)},
            "training": {
                "steps": 10**9,
                "fragment": arguments.fragment,
                "minibatch": arguments.minibatch,
                "epochs": arguments.epochs,
                "value_warmup": 0,
            },
        }
    )
    variants: dict[str, Callable[[int], Times]] = {
        f"stock, {SINGLE_ENVS} Python environments": lambda n: time_rllib(stock(config, vector=False), n),
        "stock, vector_entry_point": lambda n: time_rllib(stock(config, vector=True), n),
        "stock, vector_entry_point, actions untouched": lambda n: time_rllib(stock(config, vector=True, raw=True), n),
        "hierbrush": lambda n: time_rllib(algorithm_config(config), n),
        "bare torch loop": lambda n: time_bare_loop(config, n),
    }
    steps = config.batch
    rows: dict[str, Rates] = {}
    with ray_session(1):
        for name, measure in variants.items():
            rows[name] = rates(name, measure(arguments.iterations), steps)
    print(
        f"\n{arguments.env}, {arguments.slots} slots x {arguments.fragment} ticks, minibatch {arguments.minibatch} x "
        f"{arguments.epochs} epochs; steps per CPU second (ratio to stock vector_entry_point)\n"
    )
    print(table(rows, rows["stock, vector_entry_point"]))
    share = rows["hierbrush"]["total"] / rows["bare torch loop"]["total"]
    print(f"\nhierbrush reaches {share:.0%} of the bare loop end to end.")
    if arguments.json:
        stock_rates = rows["stock, vector_entry_point"]
        ratios = {name: {part: row[part] / stock_rates[part] for part in row} for name, row in rows.items()}
        figures = {"settings": vars(arguments) | {"json": None}, "rates": rows, "ratios": ratios}
        arguments.json.write_text(json.dumps(figures, indent=1))


def rates(name: str, times: Times, steps: int) -> Rates:
    """Print and return the steps a second of each part, by the median of its seconds."""
    found = {part: steps / statistics.median(seconds) for part, seconds in times.items()}
    print(f"{name}: " + ", ".join(f"{part} {rate:,.0f}/s" for part, rate in found.items()), flush=True)
    return found


def table(rows: dict[str, Rates], base: Rates) -> str:
    """Return a Markdown table of rates, each with its ratio to the one in ``base``."""
    lines = [f"| | {' | '.join(PARTS.values())} |", "|---|---|---|---|"]
    for name, row in rows.items():
        cells = [f"{row[part]:,.0f} ({row[part] / base[part]:.2f}x)" for part in PARTS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def options(env: str) -> dict[str, Any]:
    """Return environment options: few goals for ours, because every Python environment draws its own."""
    if env != hierbrush.envs.STROKE_ENV:
        return {}
    curriculum = load_curriculum(folder("curricula") / "primitives.yaml").model_dump(mode="json")
    for stage in curriculum["stages"]:
        stage["goals"]["count"] = GOALS
    return {"curriculum": curriculum}


def stock(config: PPORecipe, *, vector: bool, raw: bool = False) -> PPOConfig:
    """Return stock PPO with our networks: RLlib's runner, connectors and learner.

    Args:
        config: of a training of ours.
        vector: whether the runner steps a vector environment of ours, or `SINGLE_ENVS` Python environments.
        raw: whether actions reach the environment as the policy drew them, as ours do.
    """
    training, policy = config.training, config.policy
    slots = config.environment.slots if vector else SINGLE_ENVS
    untouched = {"normalize_actions": False, "clip_actions": False} if raw else {}
    return (
        PPOConfig()
        .environment(config.environment.id, env_config=config.environment.options, **untouched)
        .env_runners(
            gym_env_vectorize_mode="vector_entry_point" if vector else "sync",
            num_env_runners=0,
            num_envs_per_env_runner=slots,
            rollout_fragment_length=config.batch // slots,
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


def time_rllib(config: PPOConfig, iterations: int) -> Times:
    """Return CPU seconds of sampling, of the learner's update, and of ``training_step``."""
    algorithm = config.build_algo()
    runner, group = algorithm.env_runner_group.local_env_runner, algorithm.learner_group
    times: Times = {"sampling": [], "learner": [], "total": []}
    inner: Times = {"sampling": [], "learner": []}
    runner.sample = _timed(runner.sample, inner["sampling"])
    group.update = _timed(group.update, inner["learner"])
    for iteration in range(iterations + 1):
        for part in inner.values():
            part.clear()
        started = time.process_time()
        algorithm.training_step()
        total = time.process_time() - started
        if iteration:  # the first one warms up
            times["total"].append(total)
            for name, part in inner.items():
                times[name].append(sum(part))
    algorithm.stop()
    return times


def _timed(call: Callable[..., Any], into: list[float]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        started = time.process_time()
        result = call(*args, **kwargs)
        into.append(time.process_time() - started)
        return result

    return timed


def time_bare_loop(config: PPORecipe, iterations: int) -> Times:
    """Return the same for PPO in plain torch (``examples``): what the simulator and the arithmetic alone cost."""
    training = config.training
    slots, ticks = config.environment.slots, training.fragment
    env = gymnasium.make_vec(
        config.environment.id, slots, vectorization_mode="vector_entry_point", **config.environment.options
    ).unwrapped
    torch.manual_seed(config.seed)
    agent = Agent(env.single_observation_space.shape[0], env.single_action_space.shape[0], config.policy.sigma)
    optimiser = torch.optim.Adam(agent.parameters(), lr=training.lr, fused=True)
    names = ("epochs", "minibatch", "lr", "gamma", "gae_lambda", "clip", "value_coefficient", "grad_clip")
    settings = Settings(ticks, **{name: getattr(training, name) for name in names})
    current, _ = env.reset(seed=config.seed)
    times: Times = {"sampling": [], "learner": [], "total": []}
    for iteration in range(iterations + 1):
        started = time.process_time()
        rollout = collect(env, agent, current, ticks)
        sampled = time.process_time()
        update(agent, optimiser, rollout, settings)
        ended = time.process_time()
        current = rollout.obs[-1].numpy()
        if iteration:  # the first one warms up
            times["sampling"].append(sampled - started)
            times["learner"].append(ended - sampled)
            times["total"].append(ended - started)
    return times


if __name__ == "__main__":
    main()
