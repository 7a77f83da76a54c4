"""Stable-Baselines3's PPO on `hierbrush/Stroke-v0`, which is an ordinary Gymnasium environment.

    pip install "hierbrush[train]" stable-baselines3
    python examples/stable_baselines3_ppo.py                # about three minutes on one core

What one sees: the mean return of strokes written without noise, for the scripted follower (action 0), for the network
as it starts and as it ends; a stroke that is written perfectly is worth 1. The first two are .90, and with ``--steps
65000`` the last is .91. The noise starts small, for the same reason as in ``single_file_ppo.py``. Stable-Baselines3
steps Python environments one after the other, so a step takes several times as long as in that file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch

import hierbrush  # noqa: F401  (registers the environments)

try:
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
except ImportError:
    sys.exit("stable-baselines3 is not installed: pip install stable-baselines3")


def mean_return(env: gymnasium.Env[Any, Any], act: Callable[[Any], Any], episodes: int) -> float:
    """Return the mean return of some episodes, the same ones every time."""
    total = 0.0
    for seed in range(episodes):
        seen, _ = env.reset(seed=seed)
        over = False
        while not over:
            seen, reward, over, _, _ = env.step(act(seen))
            total += float(reward)
    return total / episodes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stroke", default="SG", help="one of the 38 stroke types, such as H, D or HZG")
    parser.add_argument("--environments", type=int, default=16)
    parser.add_argument("--rollout", type=int, default=512, help="steps of each environment between updates")
    parser.add_argument("--steps", type=int, default=200_000, help="steps in all")
    parser.add_argument("--episodes", type=int, default=64, help="strokes that are scored")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    options = {"stroke": arguments.stroke}
    env = gymnasium.make("hierbrush/Stroke-v0", **options)
    model = PPO(
        "MlpPolicy",
        make_vec_env("hierbrush/Stroke-v0", n_envs=arguments.environments, seed=0, env_kwargs=options),
        n_steps=arguments.rollout,
        batch_size=min(512, arguments.rollout),
        n_epochs=5,
        learning_rate=5e-4,
        policy_kwargs={"log_std_init": np.log(0.15), "net_arch": [128, 128]},
        device="cpu",
        seed=0,
    )

    def most_likely(seen: Any) -> Any:
        return model.predict(seen, deterministic=True)[0]

    def report(who: str, act: Callable[[Any], Any]) -> None:
        print(f"{who:28} return {mean_return(env, act, arguments.episodes):.3f}", flush=True)

    report("scripted follower", lambda seen: np.zeros(3, np.float32))
    report("network as it starts", most_likely)
    model.learn(arguments.steps)
    report(f"after {model.num_timesteps:,} steps", most_likely)


if __name__ == "__main__":
    main()
