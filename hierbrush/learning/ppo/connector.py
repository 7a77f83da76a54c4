"""From fragments to training batches: values, generalised advantage estimation, flat tensors, of one level and both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from ray.rllib.connectors.connector_v2 import ConnectorV2
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing

from hierbrush.composer.composers import COMPOSER
from hierbrush.composer.observation import EXISTS, WRITTEN
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.learning.ppo.composer_module import PRIVILEGED
from hierbrush.learning.ppo.fragment import F32, Fragment, HierarchicalFragment, OptionTransitions, StrokeTicks
from hierbrush.strokes.types import ABBREVIATIONS, NUMBER


def advantages(
    rewards: F32,
    values: F32,
    next_values: F32,
    ends: NDArray[np.bool_],
    *,
    gamma: float,
    lambda_: float,
) -> F32:
    """Return generalised advantage estimates (Schulman et al. 2016, equation 16), f32 [T, N].

    Args:
        rewards: f32 [T, N].
        values: f32 [T, N], V of the observations that the steps started from.
        next_values: f32 [T, N], the value of what followed: zero after a terminal step, the value of the episode's own
            last observation after a truncated one.
        ends: bool [T, N], whether the step ended its episode in either way.
        gamma: discount per tick.
        lambda_: decay of the estimator.
    """
    deltas = rewards + gamma * next_values - values
    decay = np.where(ends, np.float32(0.0), np.float32(gamma * lambda_))
    result = np.empty_like(deltas)
    running = np.zeros(deltas.shape[1:], np.float32)
    for tick in range(len(deltas) - 1, -1, -1):
        running = deltas[tick] + decay[tick] * running
        result[tick] = running
    return result


class FragmentsToBatch(ConnectorV2):  # type: ignore[misc]
    """The whole learner connector pipeline: one value pass over all fragments, GAE, one flat batch.

    RLlib hook: ``config.learners(learner_connector=..., add_default_connectors_to_learner_pipeline=False)``. The stock
    pipeline rebuilds a list of episodes and takes most of a second for what this does in tens of milliseconds. As in
    stock PPO, advantages are scaled to mean 0 and standard deviation 1 over the batch.
    """

    def __init__(
        self,
        input_observation_space: Any = None,
        input_action_space: Any = None,
        *,
        gamma: float,
        lambda_: float,
    ) -> None:
        super().__init__(input_observation_space, input_action_space, gamma=gamma, lambda_=lambda_)
        self._gamma = gamma
        self._lambda = lambda_

    @torch.no_grad()
    def __call__(
        self, *, rl_module: Any, batch: dict[str, Any], episodes: list[Fragment], **kwargs: Any
    ) -> dict[str, Any]:
        """Return the columns obs, actions, action_logp, advantages and value_targets of all fragments, flat."""
        module = rl_module[DEFAULT_MODULE_ID].unwrapped()
        parts = [self._columns(module, fragment) for fragment in episodes if len(fragment)]
        columns = {
            name: parts[0][name] if len(parts) == 1 else torch.cat([part[name] for part in parts]) for name in parts[0]
        }
        return {DEFAULT_MODULE_ID: _scaled(columns)}

    def _columns(self, module: Any, fragment: Fragment) -> dict[str, torch.Tensor]:
        ticks, count = fragment.rewards.shape
        device = next(module.parameters()).device

        def tensor(column: NDArray[Any], *shape: int) -> torch.Tensor:
            return _tensor(column, device).reshape(shape)

        obs = tensor(fragment.obs, *fragment.obs.shape)
        # Tick by tick: the activations of one row stay in the cache, those of the whole batch do not.
        values = torch.stack([module.compute_values({Columns.OBS: row}) for row in obs]).cpu().numpy()
        next_values = np.where(fragment.terminated, np.float32(0.0), values[1:])
        if len(fragment.final_obs):
            final = module.compute_values({Columns.OBS: tensor(fragment.final_obs, *fragment.final_obs.shape)})
            next_values[tuple(fragment.final_index.T)] = final.cpu().numpy()
        estimates = advantages(
            fragment.rewards,
            values[:-1],
            next_values,
            fragment.terminated | fragment.truncated,
            gamma=self._gamma,
            lambda_=self._lambda,
        )
        steps = ticks * count
        return {
            Columns.OBS: obs[:-1].reshape(steps, -1),
            Columns.ACTIONS: tensor(fragment.actions, steps, fragment.actions.shape[2]),
            Columns.ACTION_LOGP: tensor(fragment.action_logp, steps),
            Postprocessing.ADVANTAGES: tensor(estimates, steps),
            Postprocessing.VALUE_TARGETS: tensor(estimates + values[:-1], steps),
        }


ANCHOR_LOGITS, ANCHOR_PLACES = "anchor_logits", "anchor_places"
"""Columns of what the imitation policy answers, from which the composer shall not stray."""

_VALUE_ROWS = 512  # decisions whose values are computed at once: their activations stay in the cache

Value = Callable[..., F32]


def option_advantages(
    decisions: OptionTransitions, values: F32, next_values: F32, *, gamma: float, lambda_: float
) -> F32:
    """Return generalised advantage estimates of options, f32 [n].

    For an option of k ticks δ = R + γ^k V(s') - V(s), where R is already discounted within the option (Sutton, Precup
    and Singh 1999, section 3); estimates decay by γ^k λ from decision to decision.

    Args:
        decisions: n options, slot by slot in the order of time.
        values: f32 [n], V of the observations that they were decided from.
        next_values: f32 [N], V of what every slot's next decision is made from.
        gamma: discount per tick.
        lambda_: decay of the estimator per decision.
    """
    result = np.zeros(len(values), np.float32)
    running, following = 0.0, 0.0
    slot = -1
    for at in range(len(values) - 1, -1, -1):
        if decisions.slot[at] != slot:
            slot = int(decisions.slot[at])
            running, following = 0.0, float(next_values[slot])
        discount = 0.0 if decisions.ends[at] else gamma ** int(decisions.ticks[at])
        running = float(decisions.rewards[at]) + discount * following - float(values[at]) + discount * lambda_ * running
        result[at] = running
        following = float(values[at])
    return result


class HierarchicalToBatch(ConnectorV2):  # type: ignore[misc]
    """The whole learner connector pipeline for both levels, each with its own γ and λ.

    RLlib hook: ``config.learners(learner_connector=..., add_default_connectors_to_learner_pipeline=False)``. Modules
    that are not trained, or that did not act, get no batch.

    Args:
        trained: module ids.
        gamma, lambda_: by module id.
        anchor: the policy that the composer shall stay near; None for none.
    """

    def __init__(
        self,
        input_observation_space: Any = None,
        input_action_space: Any = None,
        *,
        trained: tuple[str, ...],
        gamma: Mapping[str, float],
        lambda_: Mapping[str, float],
        anchor: str | None = None,
    ) -> None:
        super().__init__(
            input_observation_space, input_action_space, trained=trained, gamma=gamma, lambda_=lambda_, anchor=anchor
        )
        self._trained, self._gamma, self._lambda = trained, gamma, lambda_
        self._anchor = ComposerPolicy.load(anchor) if anchor is not None else None

    @torch.no_grad()
    def __call__(
        self, *, rl_module: Any, batch: dict[str, Any], episodes: list[HierarchicalFragment], **kwargs: Any
    ) -> dict[str, Any]:
        """Return for every trained module the columns obs, actions, action_logp, advantages and value_targets, flat."""
        parts: dict[str, list[dict[str, NDArray[Any]]]] = {}
        for fragment in episodes:
            if fragment.decisions is not None and len(fragment.decisions.slot):
                parts.setdefault(COMPOSER, []).append(
                    self._decided(rl_module[COMPOSER].unwrapped(), fragment.decisions)
                )
            if fragment.strokes is not None:
                for name, columns in self._ticked(rl_module, fragment.strokes).items():
                    parts.setdefault(name, []).append(columns)
        return {name: _flat(columns, rl_module[name].unwrapped()) for name, columns in parts.items()}

    def _decided(self, module: Any, decisions: OptionTransitions) -> dict[str, NDArray[Any]]:
        value = _value(module, _VALUE_ROWS)
        logits, imitated = self._imitated(decisions.obs)
        seen = seen_by_critic(decisions.obs, imitated, decisions.privileged)
        next_imitated = self._imitated(decisions.next_obs)[1]
        next_seen = seen_by_critic(decisions.next_obs, next_imitated, decisions.next_privileged)
        values = value(decisions.obs, seen)
        estimates = option_advantages(
            decisions,
            values,
            value(decisions.next_obs, next_seen),
            gamma=self._gamma[COMPOSER],
            lambda_=self._lambda[COMPOSER],
        )
        columns = {
            Columns.OBS: decisions.obs,
            Columns.ACTIONS: decisions.actions,
            Columns.ACTION_LOGP: decisions.action_logp,
            Postprocessing.ADVANTAGES: estimates,
            Postprocessing.VALUE_TARGETS: estimates + values,
            PRIVILEGED: seen,
        }
        if self._anchor is not None:
            columns[ANCHOR_LOGITS], columns[ANCHOR_PLACES] = logits, imitated
        return columns

    def _imitated(self, obs: F32) -> tuple[F32, F32]:
        """Return logits and places of the policy that the composer began as; of the component library without one."""
        if self._anchor is not None:
            return self._anchor.heads(obs)
        return np.zeros(obs.shape[:2], np.float32), np.zeros((*obs.shape[:2], PLACE_SIZE), np.float32)

    def _ticked(self, rl_module: Any, strokes: StrokeTicks) -> dict[str, dict[str, NDArray[Any]]]:
        ticks, count = strokes.rewards.shape
        # The observation after the last tick belongs to the module that acted last, unless its stroke is over.
        kind = np.concatenate([strokes.stroke_type, strokes.stroke_type[-1:]])
        values = np.zeros((ticks + 1, count), np.float32)
        present = [name for name in ABBREVIATIONS if name in self._trained and (kind == NUMBER[name]).any()]
        for name in present:
            rows = kind == NUMBER[name]
            values[rows] = _value(rl_module[name].unwrapped(), 4096)(strokes.obs[rows])
        columns: dict[str, dict[str, NDArray[Any]]] = {}
        for gamma, lambda_ in {(self._gamma[name], self._lambda[name]) for name in present}:
            estimates = advantages(
                strokes.rewards,
                values[:-1],
                np.where(strokes.over, np.float32(0.0), values[1:]),
                strokes.over,
                gamma=gamma,
                lambda_=lambda_,
            )
            for name in present:
                if (self._gamma[name], self._lambda[name]) != (gamma, lambda_):
                    continue
                rows = strokes.stroke_type == NUMBER[name]
                if not rows.any():
                    continue
                columns[name] = {
                    Columns.OBS: strokes.obs[:-1][rows],
                    Columns.ACTIONS: strokes.actions[rows],
                    Columns.ACTION_LOGP: strokes.action_logp[rows],
                    Postprocessing.ADVANTAGES: estimates[rows],
                    Postprocessing.VALUE_TARGETS: estimates[rows] + values[:-1][rows],
                }
        return columns


def seen_by_critic(obs: F32, places: F32, privileged: F32) -> F32:
    """Return the column `PRIVILEGED` from imitated places and what `CharacterBatch.privileged` gives."""
    left = (obs[:, :, EXISTS] > 0) & (obs[:, :, WRITTEN] == 0)
    seen: F32 = left[:, :, None] * (places - privileged)
    return seen


def _value(module: Any, rows: int) -> Value:
    device = next(module.parameters()).device

    def value(obs: F32, privileged: F32 | None = None) -> F32:
        columns = {Columns.OBS: obs} | ({} if privileged is None else {PRIVILEGED: privileged})
        parts = []
        for at in range(0, len(obs), rows):
            part = {name: _tensor(column[at : at + rows], device) for name, column in columns.items()}
            parts.append(module.compute_values(part).cpu().numpy())
        return np.concatenate([np.empty(0, np.float32), *parts])

    return value


def _tensor(column: NDArray[Any], device: Any) -> torch.Tensor:
    # What comes from a remote runner is read-only, which torch does not support: copied here.
    return torch.from_numpy(np.require(column, requirements=["C", "W"])).to(device)


def _flat(parts: list[dict[str, NDArray[Any]]], module: Any) -> dict[str, torch.Tensor]:
    """Return the parts one after another."""
    device = next(module.parameters()).device
    return _scaled({name: _tensor(np.concatenate([part[name] for part in parts]), device) for name in parts[0]})


def _scaled(columns: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the columns with advantages of mean 0 and standard deviation 1, as in stock PPO."""
    scale = columns[Postprocessing.ADVANTAGES]
    return {**columns, Postprocessing.ADVANTAGES: (scale - scale.mean()) / scale.std(correction=0).clamp_min(1e-4)}
