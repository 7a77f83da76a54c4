"""Where a training on many cores stops getting faster: what is measured here, and what follows from it.

    python benchmarks/bench_scaling.py                                # measures, predicts, prints the tables
    python benchmarks/bench_scaling.py --plot docs/images/scaling.png

Measured in seconds of the processes' own CPU time, so that other work on the machine counts as little as can be: what a
step costs a runner and the learner, how many bytes it has on its way, and what an iteration costs however short it is.
A model of one iteration turns these into steps per second for more cores than this machine has. That is a prediction:
no such cluster was there to try.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pickle
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SLOTS, FRAGMENT = 512, 40
CORES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
NETWORK = 1.25e9  # bytes a second: 10 Gbit/s between machines


@dataclass(frozen=True)
class Costs:
    """What one policy's training costs, on a core like those measured on.

    Attributes:
        sample: seconds a step in a runner.
        learn: seconds a step in the learner, all epochs together.
        receive: seconds a step in the learner for what comes from another process: unpickling and copying.
        fixed: seconds an iteration for calls between processes and new weights for the runners.
        step_bytes: bytes a step on its way from a runner to the learner.
        weight_bytes: bytes of the weights on their way to a runner, once an iteration.
    """

    sample: float
    learn: float
    receive: float
    fixed: float
    step_bytes: float
    weight_bytes: float


@dataclass(frozen=True)
class Prediction:
    """One policy's training on some cores.

    Attributes:
        runners: remote runners, 0 where the learner samples itself.
        seconds: seconds of an iteration by part: sampling, network, learner, fixed.
        steps_per_second: of the whole iteration.
    """

    runners: int
    seconds: dict[str, float]
    steps_per_second: float

    @property
    def bottleneck(self) -> str:
        """The part that takes most of an iteration."""
        return max(self.seconds, key=lambda part: self.seconds[part])


def predict(costs: Costs, cores: int, *, batch: int = SLOTS * FRAGMENT, network: float = NETWORK) -> Prediction:
    """Predict one policy's training with all of ``cores``.

    An iteration samples, sends, learns and sends new weights, one after the other: PPO learns from what the newest
    policy did. So the learner's core is free while runners sample, and there is a runner a core, each with a batch.

    Args:
        costs: of a step.
        cores: on however many machines.
        batch: steps that a runner samples for an iteration.
        network: bytes a second into the learner's machine; one core has nothing to send.
    """
    if cores == 1:
        seconds = {"sampling": batch * costs.sample, "learner": batch * costs.learn}
        return Prediction(0, seconds, batch / sum(seconds.values()))
    steps = batch * cores
    seconds = {
        "sampling": batch * costs.sample,
        "network": (steps * costs.step_bytes + cores * costs.weight_bytes) / network,
        "learner": steps * (costs.learn + costs.receive),
        "fixed": costs.fixed,
    }
    return Prediction(cores, seconds, steps / sum(seconds.values()))


def side_by_side(costs: Costs, cores: int, *, batch: int = SLOTS * FRAGMENT) -> float:
    """Predict steps per second of as many policies as there are cores, one core each: they do not need one another."""
    return cores * predict(costs, 1, batch=batch).steps_per_second


def saturation(costs: Costs, share: float = 0.9) -> int:
    """Return the cores from which one policy has ``share`` of the rate that it cannot exceed."""
    limit = 1.0 / (costs.learn + costs.receive + costs.step_bytes / NETWORK)
    cores = 2
    while predict(costs, cores).steps_per_second < share * limit and cores < 10_000:
        cores += 1
    return cores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--iterations", type=int, default=5, help="measured iterations; the median counts")
    parser.add_argument("--runners", type=int, nargs="+", default=[1, 2, 4], help="numbers of remote runners")
    parser.add_argument("--plot", type=Path, help="draw the prediction here")
    parser.add_argument("--json", type=Path, help="write the figures here, or read them from here if they are there")
    arguments = parser.parse_args()
    if arguments.json and arguments.json.exists():
        figures = json.loads(arguments.json.read_bytes())
    else:
        figures = measure(arguments.runners, arguments.iterations)
        if arguments.json:
            arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    costs = Costs(**figures["costs"])
    print(f"\n{os.cpu_count()} cores, hierbrush/Stroke-v0, {SLOTS} slots x {FRAGMENT} ticks, 128 x 128 networks")
    print(f"a step costs a runner {costs.sample * 1e6:.1f} us and the learner {costs.learn * 1e6:.1f} us,")
    print(f"{costs.receive * 1e6:.1f} us more when it comes from a remote runner as {costs.step_bytes:,.0f} bytes;")
    print(f"an iteration {costs.fixed * 1e3:.0f} ms and {costs.weight_bytes:,.0f} bytes of weights a runner\n")
    print("| measured | steps per CPU second of a runner | steps per second of all, wall |\n|---|---|---|")
    for row in figures["runners"]:
        print(f"| {row['runners']} remote runners | {row['cpu']:,.0f} | {row['wall']:,.0f} |")
    print(
        "\n| cores | one policy, steps/s | most of an iteration | policies side by side, steps/s |\n|---|---|---|---|"
    )
    for cores in CORES:
        one = predict(costs, cores)
        share = one.seconds[one.bottleneck] / sum(one.seconds.values())
        many = side_by_side(costs, cores)
        print(f"| {cores} | {one.steps_per_second:,.0f} | {one.bottleneck}, {share:.0%} | {many:,.0f} |")
    print(f"\none policy has nine tenths of all that it can get from {saturation(costs)} cores on")
    if arguments.plot:
        draw(costs, arguments.plot)


def measure(runners: list[int], iterations: int) -> dict[str, Any]:
    """Return the costs, and sampling with each number of remote runners."""
    import numpy as np

    from hierbrush.learning.runs.session import ray_session
    from hierbrush.learning.runs.threads import use_one_thread

    use_one_thread()
    with ray_session(max(runners) + 1):
        local = _measure(0, iterations)
        remote = [_measure(count, iterations) for count in runners]
    # What the driver does besides learning: something an iteration, and something more for every step it receives.
    receive, fixed = np.polyfit([each["steps"] for each in remote], [each["overhead"] for each in remote], 1)
    costs = Costs(
        sample=local["sample"],
        learn=local["learn"],
        receive=max(0.0, float(receive)),
        fixed=max(0.0, float(fixed)),
        step_bytes=local["step_bytes"],
        weight_bytes=local["weight_bytes"],
    )
    rows = [{"runners": each["runners"], "cpu": 1 / each["sample"], "wall": each["wall"]} for each in remote]
    return {"costs": dataclasses.asdict(costs), "runners": rows}


def _measure(runners: int, iterations: int) -> dict[str, float]:
    from bench_rllib import options

    import hierbrush.envs
    from hierbrush.learning.ppo.algorithm import algorithm_config
    from hierbrush.learning.recipes.ppo import PPORecipe

    config = PPORecipe.model_validate(
        {
            "name": "bench",
            "environment": {"slots": SLOTS, "options": options(hierbrush.envs.STROKE_ENV)},
            "training": {"steps": 10**9, "fragment": FRAGMENT, "value_warmup": 0},
            "resources": {"runners": runners},
        }
    )
    algorithm = algorithm_config(config).build_algo()
    steps = SLOTS * FRAGMENT * max(1, runners)
    group = algorithm.env_runner_group
    learner: list[float] = []
    update = algorithm.learner_group.update

    def timed_update(*args: Any, **kwargs: Any) -> Any:
        started = time.process_time()
        result = update(*args, **kwargs)
        learner.append((time.process_time() - started) / steps)
        return result

    algorithm.learner_group.update = timed_update
    overhead, sampled, waited = [], [], []
    for iteration in range(iterations + 1):
        before, started = _runner_seconds(group), time.process_time()
        algorithm.training_step()
        if iteration:  # the first one warms up
            overhead.append(time.process_time() - started - learner[-1] * steps)
            waited.append(algorithm.metrics.peek(("timers", "env_runner_sampling_timer"), default=0.0))
            sampled.append((_runner_seconds(group) - before) / steps)
    (fragment,) = group.foreach_env_runner(_sample, local_env_runner=not runners)[0]
    state = group.local_env_runner.get_state(components=["rl_module"])
    figures = {
        "runners": runners,
        "steps": steps,
        # A local runner's seconds are the driver's, apart from the learner's.
        "sample": statistics.median(sampled) if runners else _local_sample(algorithm, iterations),
        "learn": statistics.median(learner[1:]),
        "overhead": statistics.median(overhead),
        "wall": steps / statistics.median(waited),
        "step_bytes": len(pickle.dumps(fragment, protocol=5)) / len(fragment),
        "weight_bytes": float(len(pickle.dumps(state, protocol=5))),
    }
    algorithm.stop()
    print({name: f"{value:.3g}" for name, value in figures.items()}, flush=True)
    return figures


def _sample(runner: Any) -> Any:
    return runner.sample(num_timesteps=SLOTS * FRAGMENT, explore=True)


def _local_sample(algorithm: Any, iterations: int) -> float:
    seconds = []
    for _ in range(iterations):
        started = time.process_time()
        _sample(algorithm.env_runner_group.local_env_runner)
        seconds.append((time.process_time() - started) / (SLOTS * FRAGMENT))
    return statistics.median(seconds)


def _runner_seconds(group: Any) -> float:
    return float(sum(group.foreach_env_runner(lambda runner: time.process_time(), local_env_runner=False)))


def draw(costs: Costs, path: Path) -> None:
    """Draw steps per second over cores, and where an iteration's time goes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    rates, parts = figure.subplots(1, 2)
    one = [predict(costs, cores) for cores in CORES]
    rates.plot(CORES, [each.steps_per_second for each in one], marker=".", label="one policy")
    rates.plot(CORES, [side_by_side(costs, cores) for cores in CORES], marker=".", label="a policy a core")
    rates.axhline(1 / (costs.learn + costs.receive), color="tab:gray", linestyle=":", label="one learner's limit")
    rates.set(xscale="log", yscale="log", xlabel="cores", ylabel="environment steps a second", title="Predicted")
    rates.legend()
    names = ("sampling", "learner", "network", "fixed")
    shares = [[each.seconds.get(name, 0.0) / sum(each.seconds.values()) for each in one] for name in names]
    parts.stackplot(CORES, shares, labels=names)
    parts.set(xscale="log", xlabel="cores", ylabel="share of an iteration", title="One policy's iteration", ylim=(0, 1))
    parts.legend(loc="lower left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
