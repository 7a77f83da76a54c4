"""Whole characters as an RLlib ``MultiAgentEnv``: the plain form, for stock runners and for comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
from ray.rllib.env.multi_agent_env import MultiAgentEnv

from hierbrush.composer.composers import COMPOSER
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.envs.character import character_spaces
from hierbrush.envs.picture import Frame
from hierbrush.envs.turns import AGENTS, CharacterTurns, Turn, turn_spaces
from hierbrush.envs.window import MODES, Watched


class CharacterEnv(Watched, MultiAgentEnv):  # type: ignore[misc]
    """One character, written by the agent ``composer`` and one agent for each stroke type.

    Spaces, the mask of the strokes that may be chosen, and what a choice against it means are described in
    `hierbrush.envs.turns`. Only the agent that acts next is observed: the composer before every stroke, then the
    primitive of the stroke's type at every control tick. A primitive is rewarded every tick; the composer when the
    stroke that it decided is over. The episode ends for all with the last stroke; ``infos["composer"]`` then holds the
    character's scores. As an agent of RLlib a primitive lives as long as the character, though each of its strokes is a
    task of its own; `HierarchicalToBatch` treats it so, RLlib's own GAE does not.

    Gymnasium knows it as ``hierbrush/Character-v0``.

    Args:
        config: keyword arguments of `CharacterBatch` but its slots, and ``render_mode``, as RLlib's ``env_config``
            gives them.
        options: more of them, as ``gymnasium.make`` gives them.

    Raises:
        HierbrushError: an argument is out of range or the curriculum cannot be used.
    """

    metadata = MODES

    def __init__(self, config: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__()
        given = {**(config or {}), **options}
        self._show_in(given.pop("render_mode", None))
        self.turns = CharacterTurns(**given)
        self.observation_spaces, self.action_spaces = self._spaces()
        self.possible_agents = list(AGENTS)
        self.agents = list(AGENTS)

    def _spaces(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return turn_spaces(self.turns.size)

    def _composer_sees(self) -> Any:
        return {"action_mask": self.turns.mask, "observations": self.turns.tokens}

    def _carry_out(self, action: Any) -> Turn:
        return self.turns.act(action)

    def _observed(self) -> dict[str, Any]:
        agent = self.turns.agent
        return {agent: self._composer_sees() if agent == COMPOSER else self.turns.brush}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict[str, Any], Any]:
        """Begin another character; the composer is due."""
        super().reset(seed=seed, options=options)
        self.turns.reset(seed)
        self._watch()
        return self._observed(), {}

    def step(self, action_dict: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        """Carry out the action of the agent that is due; ``infos["composer"]`` holds a finished character's scores.

        Raises:
            HierbrushError: the character is finished, or the action is none of the agent's.
        """
        turn = self._carry_out(action_dict.get(self.turns.agent))
        observations: dict[str, Any] = {turn.agent: self.turns.brush} if turn.over else {}
        observations.update(self._observed())
        infos = {COMPOSER: dict(turn.scores)} if turn.over else {}
        self._watch()
        return observations, turn.rewards, {"__all__": turn.over}, {"__all__": False}, infos

    def get_observation_space(self, agent_id: str) -> Any:
        """Return the observation space of an agent."""
        return self.observation_spaces[agent_id]

    def get_action_space(self, agent_id: str) -> Any:
        """Return the action space of an agent."""
        return self.action_spaces[agent_id]

    def _picture(self) -> Frame:
        """Return the glyph, the ink and the brush as a picture, uint8 [512, 512, 3]."""
        return self.turns.picture()


class DecisionEnv(CharacterEnv):
    """`CharacterEnv` as `ComposerModule` knows it, for our modules on RLlib's own runner (benchmark and comparison).

    The composer sees its tokens alone, which tell what is written, and answers f32 [1 + PLACE_SIZE], the row first.
    """

    def _spaces(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return character_spaces(self.turns.size)

    def _composer_sees(self) -> Any:
        return self.turns.tokens

    def _carry_out(self, action: Any) -> Turn:
        if self.turns.agent != COMPOSER:
            return self.turns.act(action)
        decision = np.asarray(action, np.float32).reshape(1 + PLACE_SIZE)
        return self.turns.decide(int(np.rint(decision[0])), decision[1:])
