"""Whole characters as an RLlib ``MultiAgentEnv``: the plain form, for stock runners and for comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
from ray.rllib.env.multi_agent_env import MultiAgentEnv

from hierbrush.envs.character import COMPOSER, CharacterBatch, character_spaces
from hierbrush.strokes.types import ABBREVIATIONS


class CharacterEnv(MultiAgentEnv):  # type: ignore[misc]
    """One character, written by the agent ``composer`` and one agent for each stroke type.

    Only the agent that acts next is observed: the composer before every stroke, then the primitive of the stroke's type
    at every control tick. A primitive is rewarded every tick; the composer when the stroke that it decided is over. The
    episode ends for all with the last stroke. As an agent of RLlib a primitive lives as long as the character, though
    each of its strokes is a task of its own; `HierarchicalToBatch` treats it so, RLlib's own GAE does not.

    Args:
        config: keyword arguments of `CharacterBatch`.
    """

    def __init__(self, config: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.batch = CharacterBatch(1, autoreset=False, **dict(config or {}))
        self.observation_spaces, self.action_spaces = character_spaces()
        self.possible_agents = [COMPOSER, *ABBREVIATIONS]
        self.agents = list(self.possible_agents)

    def _observed(self) -> dict[str, Any]:
        if self.batch.due[0]:
            return {COMPOSER: self.batch.observe_composer()[0]}
        return {ABBREVIATIONS[self.batch.stroke_type[0]]: self.batch.observation[0].copy()}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict[str, Any], Any]:
        """Begin another character; the composer is due."""
        self.batch.reset(seed)
        return self._observed(), {}

    def step(self, action_dict: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        """Carry out the action of the agent that is due; ``infos["composer"]`` holds a finished character's scores."""
        batch = self.batch
        rewards: dict[str, float] = {}
        infos: dict[str, Any] = {}
        over = False
        observations: dict[str, Any] = {}
        if batch.due[0]:
            batch.begin(np.zeros(1, np.int64), np.asarray(action_dict[COMPOSER], np.float32)[None])
        else:
            agent = ABBREVIATIONS[batch.stroke_type[0]]
            tick = batch.tick(np.asarray(action_dict[agent], np.float32)[None])
            rewards[agent] = float(tick.stroke_reward[0])
            over = bool(tick.character_over[0])
            if tick.stroke_over[0]:
                rewards[COMPOSER] = float(tick.composer_reward[0])
            if over:
                observations[agent] = batch.observation[0].copy()
                infos[COMPOSER] = {name: float(column[0]) for name, column in batch.episode_metrics.items()}
        observations.update(self._observed())
        return observations, rewards, {"__all__": over}, {"__all__": False}, infos

    def get_observation_space(self, agent_id: str) -> Any:
        """Return the observation space of an agent."""
        return self.observation_spaces[agent_id]

    def get_action_space(self, agent_id: str) -> Any:
        """Return the action space of an agent."""
        return self.action_spaces[agent_id]
