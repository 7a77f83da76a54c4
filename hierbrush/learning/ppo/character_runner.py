"""Sampling both levels of the hierarchy on one batch of characters."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from ray.rllib.env import INPUT_ENV_SINGLE_SPACES, INPUT_ENV_SPACES
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.utils.metrics import (
    NUM_ENV_STEPS_SAMPLED,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
    NUM_EPISODES,
    NUM_EPISODES_LIFETIME,
    NUM_MODULE_STEPS_SAMPLED,
    NUM_MODULE_STEPS_SAMPLED_LIFETIME,
)

from hierbrush.composer.brief import MAX_STROKES
from hierbrush.composer.composers import COMPOSER
from hierbrush.composer.observation import EXISTS, WRITTEN
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.envs.character import CharacterBatch, character_spaces, composer_size
from hierbrush.learning.ppo.fragment import F32, HierarchicalFragment, OptionTransitions, StrokeTicks
from hierbrush.learning.ppo.runner import BatchRunner, chosen
from hierbrush.strokes.policy import MLPPolicy
from hierbrush.strokes.types import ABBREVIATIONS

GAMMA = "gamma"
"""Key of ``learner_config_dict``: discount per control tick, by module."""


def _decision(size: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of what is kept of a decision; ``size`` numbers are observed of a stroke."""
    return {
        "obs": (MAX_STROKES, size),
        "actions": (1 + PLACE_SIZE,),
        "action_logp": (),
        "rewards": (),
        "privileged": (MAX_STROKES, PLACE_SIZE),
    }


class _Env:
    """What RLlib asks of an environment that it does not step itself."""

    def __init__(self, batch: CharacterBatch) -> None:
        self.batch, self.num_envs = batch, batch.slots
        observations, actions = character_spaces(composer_size(batch.curriculum))
        self.observation_space = self.single_observation_space = spaces.Dict(observations)
        self.action_space = self.single_action_space = spaces.Dict(actions)

    @property
    def unwrapped(self) -> _Env:
        return self

    def close(self) -> None:
        """Nothing to close."""


class HierarchicalRunner(BatchRunner, MultiAgentEnvRunner):  # type: ignore[misc]
    """Env runner for `CharacterBatch`: one forward pass a module and one simulator call a tick, no episode objects.

    A decision of the composer is an option: it is open while its stroke is written, and becomes one semi-Markov
    transition when the stroke is over. Options that are open when a sample ends are carried over to the next.

    RLlib hooks: ``config.env_runners(env_runner_cls=...)``; overrides ``make_env`` and ``get_spaces``,
    beside what `BatchRunner` does. Modules that are not in ``policies_to_train`` act by their most likely action and
    leave no experience.
    """

    batch: CharacterBatch

    def make_env(self) -> None:
        """Make the batch of characters."""
        self.batch = self.batch_env = CharacterBatch(
            self.config.num_envs_per_env_runner, stage=self.stage, **dict(self.config.env_config)
        )
        self.env = _Env(self.batch)
        self.num_envs = self.batch.slots
        self.spaces = self.get_spaces()
        self._needs_initial_reset = True
        self._open: dict[str, NDArray[Any]] = {
            name: np.zeros((self.num_envs, *shape), np.float32)
            for name, shape in _decision(composer_size(self.batch.curriculum)).items()
        }
        self._ticks = np.zeros(self.num_envs, np.int64)

    def get_spaces(self) -> dict[str, Any]:
        """Return the spaces of every module."""
        observations, actions = character_spaces(composer_size(self.batch.curriculum))
        whole = spaces.Dict(observations), spaces.Dict(actions)
        modules = {name: (observations[name], actions[name]) for name in observations}
        return {INPUT_ENV_SPACES: whole, INPUT_ENV_SINGLE_SPACES: whole, **modules}

    def _reset(self, seed: int | None) -> None:
        self.batch.reset(seed)
        self._random = np.random.default_rng(seed)

    def _fragment(
        self, num_timesteps: int | None, num_episodes: int | None, *, explore: bool, random_actions: bool
    ) -> HierarchicalFragment:
        batch, count = self.batch, self.num_envs
        for module in self.module.values():
            module.eval()
        trained = set(self.config.policies_to_train or self.module.keys())
        frozen = {name: self._frozen(name) for name in ABBREVIATIONS if name not in trained}
        gamma = float(self.config.learner_config_dict[GAMMA][COMPOSER])
        composer, primitives = COMPOSER in trained, bool(trained - {COMPOSER})
        ticks: dict[str, list[NDArray[Any]]] = {}
        closed: dict[str, list[NDArray[Any]]] = {}
        finished: dict[str, list[NDArray[Any]]] = {}
        steps = decisions = episodes = 0
        module_steps = np.zeros(len(ABBREVIATIONS), np.int64)
        kind, observed = batch.stroke_type, batch.observation
        actions: F32 = np.empty(0, np.float32)
        logp: F32 = np.empty(0, np.float32)

        def decide(due: NDArray[np.int64]) -> F32:
            nonlocal decisions
            decisions += len(due)
            return self._decide(due, explore=explore and composer, random_actions=random_actions)

        def act() -> F32:
            nonlocal kind, observed, actions, logp
            kind, observed = batch.stroke_type.copy(), batch.observation.copy()
            actions, logp = self._act(kind, observed, frozen, explore=explore, random_actions=random_actions)
            return actions

        started = time.perf_counter()
        while (steps if num_episodes is None else episodes) < (num_timesteps or num_episodes or 0):
            before = decisions
            tick = batch.advance(decide, act)
            self._open["rewards"] += np.float32(gamma) ** self._ticks.astype(np.float32) * tick.composer_reward
            self._ticks += 1
            if primitives:
                row = (observed, actions, logp, tick.stroke_reward, tick.stroke_over, kind)
                for name, part in zip(StrokeTicks.__dataclass_fields__, row, strict=True):
                    ticks.setdefault(name, []).append(np.asarray(part))
            over = np.flatnonzero(tick.stroke_over)
            if over.size and composer:
                for name, opened in self._open.items():
                    closed.setdefault(name, []).append(opened[over])
                closed.setdefault("slot", []).append(over)
                closed.setdefault("ticks", []).append(self._ticks[over])
                closed.setdefault("ends", []).append(tick.character_over[over])
            self._returns += tick.composer_reward
            self._lengths += 1
            module_steps += np.bincount(kind, minlength=len(module_steps))
            done = tick.character_over
            if done.any():
                episodes += int(done.sum())
                self._end_episodes(done, batch.episode_metrics, finished)
            steps += count + decisions - before
        if not np.isfinite(self._returns).all():
            raise FloatingPointError(f"NaN or infinite reward of the composer at stage {self.stage}")
        self._count(
            steps, episodes, {COMPOSER: decisions, **dict(zip(ABBREVIATIONS, module_steps.tolist(), strict=True))}
        )
        self._log_episodes(finished, time.perf_counter() - started)
        strokes = None
        if primitives:
            ticks["obs"].append(batch.observation.copy())
            strokes = StrokeTicks(**{name: np.stack(parts) for name, parts in ticks.items()})
        return HierarchicalFragment(count, steps, strokes, self._decisions(closed) if composer else None)

    def _decide(self, due: NDArray[np.int64], *, explore: bool, random_actions: bool) -> F32:
        """Let the composer decide for the characters that are due, and remember the options that this opens."""
        self._look(due)
        observed = self.batch.observe_composer(due)
        if random_actions:
            left = (observed[:, :, EXISTS] > 0) & (observed[:, :, WRITTEN] == 0)
            choice = (left * self._random.random(left.shape)).argmax(axis=1)
            places = self._random.uniform(-1, 1, (len(due), PLACE_SIZE))
            actions = np.column_stack([choice, places]).astype(np.float32)
            logp = np.zeros(len(due), np.float32)
        else:
            actions, logp = chosen(self.module[COMPOSER], observed, explore)
        seen = self.batch.privileged(due)
        for name, values in (("obs", observed), ("actions", actions), ("action_logp", logp), ("privileged", seen)):
            self._open[name][due] = values
        self._open["rewards"][due] = 0.0
        self._ticks[due] = 0
        return actions

    def _look(self, due: NDArray[np.int64]) -> None:
        """Let the composer look at its pictures, if it has any, so that it knows better where to look."""
        looks = self.batch.looks(due)
        for look in range(int(looks.max(initial=0))):
            rows = due[looks > look]
            observed = torch.from_numpy(self.batch.observe_composer(rows))
            self.batch.believe(rows, self.module[COMPOSER].heads(observed)[1].numpy())

    def _frozen(self, name: str) -> MLPPolicy:
        """Return a primitive that is not trained without Torch: of its few rows a tick, most time went into calls."""
        state = self.module[name].policy.state_dict()
        return MLPPolicy.from_tensors({key: tensor.numpy() for key, tensor in state.items()}, source=name)

    def _act(
        self,
        kind: NDArray[np.int64],
        observed: F32,
        frozen: dict[str, MLPPolicy],
        *,
        explore: bool,
        random_actions: bool,
    ) -> tuple[F32, F32]:
        """Return actions f32 [N, A] and log-probabilities f32 [N] of the primitives of the strokes' types."""
        actions, logp = np.zeros((self.num_envs, 3), np.float32), np.zeros(self.num_envs, np.float32)
        if random_actions:
            return self._random.uniform(-1, 1, actions.shape).astype(np.float32), logp
        order = np.argsort(kind, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(kind[order])) + 1):
            name = ABBREVIATIONS[kind[rows[0]]]
            if name in frozen:
                actions[rows] = frozen[name](observed[rows])
            else:
                actions[rows], logp[rows] = chosen(self.module[name], observed[rows], explore)
        return actions, logp

    def _decisions(self, closed: dict[str, list[NDArray[Any]]]) -> OptionTransitions:
        """Return the closed options in the order of slots, and what the next decision of every slot is made from."""
        empty = {"slot": np.empty(0, np.int64), "ticks": np.empty(0, np.int64), "ends": np.empty(0, bool)}
        empty |= {name: values[:0] for name, values in self._open.items()}
        order = np.argsort(np.concatenate([empty["slot"], *closed.get("slot", [])]), kind="stable")
        row = np.empty_like(order)
        row[order] = np.arange(len(order))
        columns = {name: np.empty((len(order), *none.shape[1:]), none.dtype) for name, none in empty.items()}
        for name, parts in closed.items():
            # Observations are large: each goes to its row at once.
            first = 0
            for part in parts:
                columns[name][row[first : first + len(part)]] = part
                first += len(part)
        next_obs, next_privileged = self._open["obs"].copy(), self._open["privileged"].copy()
        due = np.flatnonzero(self.batch.due)
        next_obs[due], next_privileged[due] = self.batch.observe_composer(due), self.batch.privileged(due)
        return OptionTransitions(next_obs=next_obs, next_privileged=next_privileged, **columns)

    def _count(self, steps: int, episodes: int, modules: dict[str, int]) -> None:
        """Log the steps as RLlib's runners do; `PPO.training_step` counts by them."""
        self.num_env_steps_sampled_lifetime += steps
        log = self.metrics.log_value
        log(NUM_ENV_STEPS_SAMPLED, steps, reduce="sum")
        log(NUM_ENV_STEPS_SAMPLED_LIFETIME, steps, reduce="lifetime_sum", with_throughput=True)
        log(NUM_EPISODES, episodes, reduce="sum")
        log(NUM_EPISODES_LIFETIME, episodes, reduce="lifetime_sum")
        for name, count in modules.items():
            if count:
                log((NUM_MODULE_STEPS_SAMPLED, name), count, reduce="sum")
                log((NUM_MODULE_STEPS_SAMPLED_LIFETIME, name), count, reduce="lifetime_sum")
