"""A reward of one's own: a subclass of the stroke environment that also charges for pressing the brush down.

    python examples/own_reward.py                           # two trainings, with and without, two minutes on one core
    python examples/own_reward.py --cost 0.05

What one sees: two tables of the IoU, then how deep both policies press. With the cost the hand is lighter and its
strokes agree less with their goals: after ``--updates 12``, 5.1 instead of 5.4 mm and an IoU of .89 instead of .94. A
reward may well have such a price, so look at both figures when you try one of your own.

``_advance`` is the one method that ``step``, ``step_batch`` and the single environment all come through, so a reward
that is changed there holds everywhere, on RLlib too. `hierbrush train` finds this file by its name, from its folder:

    cd examples && hierbrush train configs/primitives.yaml --stroke SG --set environment.id=own_reward:LightHand-v0

Needs ``pip install "hierbrush[train]"``.
"""

from __future__ import annotations

import argparse
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from single_file_ppo import Agent, Settings, train

from hierbrush.envs.stroke import StrokeVectorEnv

UNIT = 0.003  # metres of depth that cost ``cost`` a tick


class LightHand(StrokeVectorEnv):
    """Strokes for which depth costs.

    Args:
        num_envs: strokes side by side.
        cost: reward a tick for each 3 mm below first touch; a whole stroke well written is worth 1.
        options: those of `StrokeVectorEnv`.
    """

    def __init__(self, num_envs: int = 1, *, cost: float = 0.02, **options: Any) -> None:
        self.cost = cost
        super().__init__(num_envs, **options)

    def _advance(self, actions: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        reward, over = super()._advance(actions)
        reward -= (self.cost / UNIT * pressed(self)).astype(np.float32)
        return reward, over


def pressed(env: StrokeVectorEnv) -> NDArray[np.float64]:
    """Return how far each brush is below first touch, in metres; 0 in the air."""
    return np.maximum(env.batch.position[:, 2], 0.0)


gymnasium.register("LightHand-v0", vector_entry_point=f"{__name__}:LightHand")


@torch.inference_mode()
def mean_depth(env: StrokeVectorEnv, agent: Agent, ticks: int) -> float:
    """Return the mean depth in metres over some ticks, written without noise."""
    seen, _ = env.reset(seed=12345)
    depths = []
    for _ in range(ticks):
        seen, *_ = env.step_batch(agent.act(seen))
        depths.append(pressed(env).mean())
    return float(np.mean(depths))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cost", type=float, default=0.02, help="reward a tick for each 3 mm of depth")
    parser.add_argument("--stroke", default="SG", help="one of the 38 stroke types, such as H, D or HZG")
    parser.add_argument("--slots", type=int, default=512, help="strokes written side by side")
    parser.add_argument("--updates", type=int, default=40)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    depths = {}
    for cost in (0.0, arguments.cost):
        print(f"cost {cost}")
        env = LightHand(arguments.slots, cost=cost, stroke=arguments.stroke)
        torch.manual_seed(0)
        agent = Agent(env.single_observation_space.shape[0], env.single_action_space.shape[0])
        train(env, agent, arguments.updates, Settings())
        depths[cost] = mean_depth(env, agent, ticks=40)
    for cost, depth in depths.items():
        print(f"cost {cost}: presses {1000 * depth:.2f} mm deep")


if __name__ == "__main__":
    main()
