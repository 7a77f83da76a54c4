"""RLlib as it comes on `hierbrush/Stroke-v0`: its own PPO, networks, runners and connectors, nothing of ours.

    python examples/stock_rllib.py                          # three minutes on one core

What one sees: the mean return of an episode after every iteration. A stroke that is written perfectly is worth 1, one
that is not written at all 0. It starts at about .25, for RLlib's network begins with large random actions, and passes
.6 within ten iterations. `hierbrush train` begins with the scripted follower instead, which is worth .9, and takes a
third of the time for a step (`benchmarks/bench_rllib.py`). This file is for those who want to try another algorithm of
RLlib, or one of their own.

Needs ``pip install "hierbrush[train]"``.
"""

from __future__ import annotations

import argparse

from ray.rllib.algorithms.ppo import PPOConfig

from hierbrush.learning.runs.session import ray_session


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stroke", default="H", help="one of the 38 stroke types, such as H, D or HZG")
    parser.add_argument("--slots", type=int, default=64, help="strokes written side by side")
    parser.add_argument("--batch", type=int, default=8192, help="steps an iteration")
    parser.add_argument("--iterations", type=int, default=40)
    arguments = parser.parse_args()
    config = (
        PPOConfig()
        # "hierbrush:" imports hierbrush, which registers the environment, in RLlib's remote processes too.
        .environment("hierbrush:hierbrush/Stroke-v0", env_config={"stroke": arguments.stroke})
        .env_runners(
            num_env_runners=0, num_envs_per_env_runner=arguments.slots, gym_env_vectorize_mode="vector_entry_point"
        )
        .training(
            train_batch_size_per_learner=arguments.batch,
            minibatch_size=min(512, arguments.batch),
            num_epochs=5,
            lr=3e-4,
            gamma=0.99,
            lambda_=0.95,
            vf_clip_param=float("inf"),
        )
        .debugging(seed=0, log_level="ERROR")
    )
    # `ray.init()` does as well; this one also waits patiently on a busy machine, and nobody outside can reach it.
    with ray_session(1):
        algorithm = config.build_algo()
        for number in range(1, arguments.iterations + 1):
            runners = algorithm.train()["env_runners"]
            steps, value = runners["num_env_steps_sampled_lifetime"], runners.get("episode_return_mean", float("nan"))
            print(f"iteration {number}: {steps:,.0f} steps, return {value:.3f}", flush=True)
        algorithm.stop()


if __name__ == "__main__":
    main()
