"""Steps per second of one PPO iteration: stock RLlib, ours, and a bare torch loop, over the same simulator.

    python benchmarks/bench_rllib.py                                  # hierbrush/Stroke-v0
    PYTHONPATH=tests/learning python benchmarks/bench_rllib.py --env toy:toy/Reach-v0

Everything runs in one process on one thread, with the same networks, batch, minibatches and epochs. Seconds are CPU
seconds of the process, so that other work on the machine counts little; on an idle machine they are wall seconds.
All take turns, an iteration each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Generator, Mapping
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
Seconds = dict[str, float]
Rates = dict[str, float]
Measure = Callable[[], Generator[Seconds, None, None]]
PARTS = {"sampling": "sampling", "learner": "learner", "total": "end to end"}
SINGLE_ENVS = 64
PYTHON, STOCK = f"stock, {SINGLE_ENVS} Python environments", "stock, vector_entry_point"
OURS, HALF, BARE = "hierbrush", "hierbrush, bfloat16", "bare torch loop"
GOALS = 38  # drawn goals per environment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="hierbrush/Stroke-v0", help="id of a vector environment with step_batch")
    parser.add_argument("--slots", type=int, default=512, help="environments stepped together")
    parser.add_argument("--fragment", type=int, default=40, help="ticks between updates")
    parser.add_argument("--minibatch", type=int, default=2048)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=5, help="measured iterations; the median counts")
    parser.add_argument("--only", action="append", metavar="ROW", help="only this row of the table; may be repeated")
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
    half = config.model_copy(update={"policy": config.policy.model_copy(update={"precision": "bfloat16"})})
    variants: dict[str, Measure] = {
        PYTHON: lambda: time_rllib(stock(config, vector=False)),
        STOCK: lambda: time_rllib(stock(config, vector=True)),
        f"{STOCK}, actions untouched": lambda: time_rllib(stock(config, vector=True, raw=True)),
        OURS: lambda: time_rllib(algorithm_config(config)),
        HALF: lambda: time_rllib(algorithm_config(half)),
        BARE: lambda: time_bare_loop(config),
    }
    chosen = {name: measure for name, measure in variants.items() if name in (arguments.only or variants)}
    with ray_session(1):
        times = interleaved(chosen, arguments.iterations)
    rows = {name: rates(name, found, config.batch) for name, found in times.items()}
    print(
        f"\n{arguments.env}, {arguments.slots} slots x {arguments.fragment} ticks, minibatch {arguments.minibatch} x "
        f"{arguments.epochs} epochs; steps per CPU second (ratio to stock vector_entry_point)\n"
    )
    print(table(rows, rows.get(STOCK, rows[next(iter(rows))])))
    for name in (OURS, HALF):
        if name in times and BARE in times:
            shares = [bare / ours for bare, ours in zip(times[BARE]["total"], times[name]["total"], strict=True)]
            print(
                f"\n{name} reaches {statistics.median(shares):.0%} of the bare loop end to end, iteration by iteration."
            )
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


def interleaved(
    variants: Mapping[str, Callable[[], Generator[Seconds, None, None]]], iterations: int
) -> dict[str, Times]:
    """Return the seconds of each part of each variant, one iteration of each in turn: the machine changes for all."""
    running = {name: measure() for name, measure in variants.items()}
    times: dict[str, Times] = {name: {part: [] for part in PARTS} for name in running}
    for iteration in range(iterations + 1):
        for name, measured in running.items():
            seconds = next(measured)
            if iteration:  # the first one warms up
                for part, spent in seconds.items():
                    times[name][part].append(spent)
    for measured in running.values():
        measured.close()
    return times


def time_rllib(config: PPOConfig) -> Generator[Seconds, None, None]:
    """Yield CPU seconds of sampling, of the learner's update, and of ``training_step``, iteration by iteration."""
    algorithm = config.build_algo()
    runner, group = algorithm.env_runner_group.local_env_runner, algorithm.learner_group
    inner: Times = {"sampling": [], "learner": []}
    runner.sample = _timed(runner.sample, inner["sampling"])
    group.update = _timed(group.update, inner["learner"])
    try:
        while True:
            for part in inner.values():
                part.clear()
            started = time.process_time()
            algorithm.training_step()
            yield {"total": time.process_time() - started, **{name: sum(part) for name, part in inner.items()}}
    finally:
        algorithm.stop()


def _timed(call: Callable[..., Any], into: list[float]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        started = time.process_time()
        result = call(*args, **kwargs)
        into.append(time.process_time() - started)
        return result

    return timed


def time_bare_loop(config: PPORecipe) -> Generator[Seconds, None, None]:
    """Yield the same for PPO in plain torch (``examples``): what the simulator and the arithmetic alone cost."""
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
    while True:
        started = time.process_time()
        rollout = collect(env, agent, current, ticks)
        sampled = time.process_time()
        update(agent, optimiser, rollout, settings)
        ended = time.process_time()
        current = rollout.obs[-1].numpy()
        yield {"sampling": sampled - started, "learner": ended - sampled, "total": ended - started}


if __name__ == "__main__":
    main()
