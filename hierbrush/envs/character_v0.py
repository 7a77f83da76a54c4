"""Whole characters as a PettingZoo environment (AEC), as PettingZoo's own are called.

>>> from hierbrush.envs import character_v0
>>> env = character_v0.env()  # doctest: +SKIP

Needs ``pip install pettingzoo``. Agents, spaces and rules are those of `hierbrush.envs.turns`, but the composer
observes its tokens alone; the strokes that it may choose are in ``infos["composer"]["action_mask"]``, in the form that
``action_space(agent).sample`` takes. Once the character is finished its scores are in ``infos["composer"]["scores"]``.
"""

from __future__ import annotations

from typing import Any

from gymnasium import spaces
from pettingzoo import AECEnv
from pettingzoo.utils.wrappers import OrderEnforcingWrapper

from hierbrush.composer.composers import COMPOSER
from hierbrush.envs.picture import Frame
from hierbrush.envs.turns import AGENTS, F32, CharacterTurns, turn_spaces
from hierbrush.envs.window import MODES, Watched


def env(**options: Any) -> Any:
    """Return the environment with PettingZoo's checks of the order of calls around it."""
    return OrderEnforcingWrapper(raw_env(**options))


class raw_env(Watched, AECEnv):  # noqa: N801  (PettingZoo's own name)
    """One character, written by the agent ``composer`` and one agent for each stroke type.

    Args:
        render_mode: ``"rgb_array"``, ``"human"`` or None.
        options: keyword arguments of `hierbrush.envs.character.CharacterBatch` but its slots.

    Raises:
        HierbrushError: an argument is out of range or the curriculum cannot be used.
    """

    metadata = {**MODES, "name": "character_v0", "is_parallelizable": False}  # noqa: RUF012  (PettingZoo's own form)

    def __init__(self, *, render_mode: str | None = None, **options: Any) -> None:
        super().__init__()
        self._show_in(render_mode)
        self.turns = CharacterTurns(**options)
        self.possible_agents = list(AGENTS)
        seen, acted = turn_spaces(self.turns.size)
        self.action_spaces = acted
        self.observation_spaces = {**seen, COMPOSER: seen[COMPOSER]["observations"]}  # type: ignore[index]

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Return the observation space of an agent, always the same object."""
        space: spaces.Space[Any] = self.observation_spaces[agent]
        return space

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Return the action space of an agent, always the same object."""
        space: spaces.Space[Any] = self.action_spaces[agent]
        return space

    def observe(self, agent: str) -> F32:
        """Return what an agent sees; of a primitive that does not write it means nothing."""
        return self.turns.tokens if agent == COMPOSER else self.turns.brush

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin another character; the composer is due."""
        self.turns.reset(seed)
        self.agents = list(AGENTS)
        self.rewards = dict.fromkeys(AGENTS, 0.0)
        self._cumulative_rewards = dict.fromkeys(AGENTS, 0.0)
        self.terminations = dict.fromkeys(AGENTS, False)
        self.truncations = dict.fromkeys(AGENTS, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in AGENTS}
        self._tell()

    def step(self, action: Any) -> None:
        """Carry out the action of ``agent_selection``; None once it is terminated.

        Raises:
            HierbrushError: the action is none of the agent's.
        """
        agent = self.agent_selection
        if self.terminations[agent]:
            self._was_dead_step(action)
            return
        turn = self.turns.act(action)
        self._cumulative_rewards[agent] = 0.0
        self.rewards = {**dict.fromkeys(self.agents, 0.0), **turn.rewards}
        self._accumulate_rewards()
        if turn.over:
            self.terminations = dict.fromkeys(self.agents, True)
            self.infos[COMPOSER]["scores"] = dict(turn.scores)
        self._tell()

    def _tell(self) -> None:
        """Say whose turn it is, and show it."""
        self.agent_selection = self.turns.agent
        # None lets every place be sampled.
        self.infos[COMPOSER]["action_mask"] = {"stroke": self.turns.mask, "place": None}
        self._watch()

    def _picture(self) -> Frame:
        """Return the glyph, the ink and the brush as a picture, uint8 [512, 512, 3]."""
        return self.turns.picture()
