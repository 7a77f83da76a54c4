"""PPO in one file: networks, sampling, advantages and the update, all in plain torch, on strokes written side by side.

    python examples/single_file_ppo.py                      # 竖钩 (SG), about a minute on one core
    python examples/single_file_ppo.py --stroke HZG --seed 1 --picture strokes.png

What one sees: the mean IoU of the ink with its goal, first that of the scripted follower (action 0, where the policy
starts), then after every few updates that of the policy's most likely actions. It goes from about .91 to about .95.
The picture shows four goals as the follower writes them, and below as the policy does.

This is the whole algorithm for reading and changing. `hierbrush train` does the same with RLlib, and adds what a long
training needs: stages, specialists, checkpoints, runners on other machines, and files that `hierbrush write` reads.
Needs ``pip install "hierbrush[train]"``.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from hierbrush.envs.stroke import StrokeEnv, StrokeVectorEnv

F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """PPO's numbers; a step is one environment's tick, 0.05 s of brush movement."""

    ticks: int = 40  # steps of each environment between updates
    epochs: int = 3  # how often an update goes over them
    minibatch: int = 2048
    lr: float = 1e-3
    gamma: float = 0.99  # discount a tick
    gae_lambda: float = 0.95
    clip: float = 0.2
    value_coefficient: float = 0.5
    grad_clip: float = 0.5


class Agent(nn.Module):
    """Gaussian policy and value function.

    The policy's last layer starts at zero, so that it begins as the scripted follower, and its noise is fixed: it stays
    close to a controller that is good already.
    """

    def __init__(self, observations: int, actions: int, sigma: float = 0.15, width: int = 128) -> None:
        super().__init__()
        self.policy, self.value = network(observations, actions, width), network(observations, 1, width)
        self.sigma = sigma

    def act(self, obs: F32) -> F32:
        """Return the most likely actions, f32 [..., A] in [-1, 1]."""
        actions: F32 = self.policy(torch.tensor(obs)).clamp(-1, 1).numpy()
        return actions

    def log_probability(self, noise: Tensor) -> Tensor:
        """Return that of actions which are ``sigma * noise``, f32 [..., actions], away from the mean."""
        return (-0.5 * noise.square() - math.log(self.sigma) - 0.5 * math.log(2 * math.pi)).sum(-1)


def network(inputs: int, outputs: int, width: int) -> nn.Sequential:
    """Return two hidden layers and a last one that starts at zero."""
    last = nn.Linear(width, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), last)


@dataclass(frozen=True)
class Rollout:
    """What N environments did for T ticks; ``obs`` [T + 1, N, D] has one row more, what followed the last tick."""

    obs: Tensor
    actions: Tensor  # [T, N, A], before they were cut to [-1, 1]
    log_probability: Tensor  # [T, N]
    rewards: F32  # [T, N]
    ends: NDArray[np.bool_]  # [T, N], whether the tick was its episode's last


@torch.inference_mode()
def collect(env: Any, agent: Agent, first: F32, ticks: int) -> Rollout:
    """Let the policy act for some ticks, with noise, beginning with observations ``first`` [N, D]."""
    slots, size = first.shape
    action_size = env.single_action_space.shape[0]
    obs, actions = torch.empty(ticks + 1, slots, size), torch.empty(ticks, slots, action_size)
    log_probability = torch.empty(ticks, slots)
    rewards, ends = np.empty((ticks, slots), np.float32), np.empty((ticks, slots), np.bool_)
    obs[0].numpy()[:] = first
    for tick in range(ticks):
        noise = torch.randn(slots, action_size)
        actions[tick] = agent.policy(obs[tick]) + agent.sigma * noise
        log_probability[tick] = agent.log_probability(noise)
        # Begins finished episodes anew within the tick; its arrays belong to the environment, so they are copied.
        seen, rewards[tick], ends[tick], _ = env.step_batch(actions[tick].clamp(-1, 1).numpy())
        obs[tick + 1].numpy()[:] = seen
    return Rollout(obs, actions, log_probability, rewards, ends)


@torch.no_grad()
def advantages(agent: Agent, rollout: Rollout, gamma: float, gae_lambda: float) -> tuple[Tensor, Tensor]:
    """Return generalised advantage estimates (Schulman et al. 2016, equation 16) and value targets, both f32 [T, N]."""
    values = torch.stack([agent.value(row).squeeze(-1) for row in rollout.obs])  # a row at a time stays in the cache
    rewards, goes_on = torch.from_numpy(rollout.rewards), torch.from_numpy(~rollout.ends).float()
    estimates, running = torch.empty_like(rewards), torch.zeros(rewards.shape[1])
    for tick in reversed(range(len(rewards))):
        # Episodes end because the stroke is over, never because time is up: nothing follows, and its value is 0.
        error = rewards[tick] + gamma * goes_on[tick] * values[tick + 1] - values[tick]
        running = error + gamma * gae_lambda * goes_on[tick] * running
        estimates[tick] = running
    return estimates, estimates + values[:-1]


def update(agent: Agent, optimiser: torch.optim.Optimizer, rollout: Rollout, settings: Settings) -> None:
    """Improve policy and value function with PPO's clipped objective (Schulman et al. 2017, equation 7)."""
    estimates, targets = advantages(agent, rollout, settings.gamma, settings.gae_lambda)
    scaled = (estimates - estimates.mean()) / estimates.std()
    columns = (rollout.obs[:-1], rollout.actions, rollout.log_probability, scaled, targets)
    batch = [column.flatten(0, 1) for column in columns]
    for _ in range(settings.epochs):
        for index in torch.randperm(len(batch[0])).split(settings.minibatch):
            obs, actions, old, advantage, target = (column[index] for column in batch)
            new = agent.log_probability((actions - agent.policy(obs)) / agent.sigma)
            ratio = (new - old).exp()
            clipped = ratio.clamp(1 - settings.clip, 1 + settings.clip)
            policy_loss = -torch.min(ratio * advantage, clipped * advantage).mean()
            value_loss = (agent.value(obs).squeeze(-1) - target).square().mean()
            optimiser.zero_grad(set_to_none=True)
            (policy_loss + settings.value_coefficient * value_loss).backward()
            nn.utils.clip_grad_norm_(agent.parameters(), settings.grad_clip)
            optimiser.step()


@torch.inference_mode()
def evaluate(env: Any, agent: Agent) -> float:
    """Return the mean IoU of one episode of every environment, written without noise from a seed of its own."""
    seen, _ = env.reset(seed=12345)
    iou = np.full(env.num_envs, np.nan)
    while np.isnan(iou).any():
        seen, _, over, _ = env.step_batch(agent.act(seen))
        first = over & np.isnan(iou)
        iou[first] = env.episode_metrics["iou"][first]
    return float(iou.mean())


def train(env: Any, agent: Agent, updates: int, settings: Settings, *, seed: int = 0, report: int = 5) -> None:
    """Train on a vector environment with ``step_batch``; say every ``report`` updates how good the policy is."""
    torch.manual_seed(seed)
    optimiser = torch.optim.Adam(agent.parameters(), lr=settings.lr, fused=True)
    started, steps = time.process_time(), 0
    print(f"     steps    IoU  CPU seconds\n{0:10,} {evaluate(env, agent):6.3f} {0:12.0f}  (the follower)", flush=True)
    seen, _ = env.reset(seed=seed)
    for number in range(1, updates + 1):
        for group in optimiser.param_groups:
            group["lr"] = settings.lr * (1 - (number - 1) / updates)
        rollout = collect(env, agent, seen, settings.ticks)
        update(agent, optimiser, rollout, settings)
        seen, steps = rollout.obs[-1].numpy(), steps + rollout.rewards.size
        if number % report == 0 or number == updates:
            iou, seconds = evaluate(env, agent), time.process_time() - started
            print(f"{steps:10,} {iou:6.3f} {seconds:12.0f}", flush=True)
            seen, _ = env.reset(seed=seed + number)


@torch.inference_mode()
def draw(agent: Agent, stroke: str, path: Path, count: int = 4) -> None:
    """Draw a few goals as the follower writes them, and below as the policy does."""
    rows = []
    for scale in (0.0, 1.0):
        env = StrokeEnv(stroke=stroke, render_mode="rgb_array")
        frames = []
        for seed in range(count):
            seen, _ = env.reset(seed=seed)
            over = False
            while not over:
                seen, _, over, _, _ = env.step(scale * agent.act(seen))
            frames.append(env.render())
        rows.append(np.hstack(frames))
    Image.fromarray(np.vstack(rows)).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stroke", default="SG", help="one of the 38 stroke types, such as H, D or HZG")
    parser.add_argument("--slots", type=int, default=512, help="strokes written side by side")
    parser.add_argument("--updates", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", type=Path, help="draw strokes here, before and after")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    env = StrokeVectorEnv(arguments.slots, stroke=arguments.stroke)
    agent = Agent(env.single_observation_space.shape[0], env.single_action_space.shape[0])
    train(env, agent, arguments.updates, Settings(), seed=arguments.seed)
    if arguments.picture:
        draw(agent, arguments.stroke, arguments.picture)


if __name__ == "__main__":
    main()
