"""Stock PPO's module for the composer of `CharacterEnv`, which never chooses a stroke that the mask forbids."""

from __future__ import annotations

from typing import Any

import torch
from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import DefaultPPOTorchRLModule
from ray.rllib.core.columns import Columns

from hierbrush.composer.brief import MAX_STROKES

_NEVER = -1e9
"""Added to the logit of a forbidden stroke; finite, since a finished character's mask forbids every one."""


class MaskedChoiceModule(DefaultPPOTorchRLModule):  # type: ignore[misc]
    """RLlib's default module with the logits of forbidden strokes far below all others.

    For observations that RLlib's ``FlattenObservations`` has flattened: keys in alphabetical order, so the mask comes
    first; of the actions' distributions that of ``stroke`` comes last.
    """

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return _masked(super()._forward(batch, **kwargs), batch)

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return _masked(super()._forward_train(batch, **kwargs), batch)


def _masked(output: dict[str, Any], batch: dict[str, Any]) -> dict[str, Any]:
    inputs = output[Columns.ACTION_DIST_INPUTS]
    forbidden = (batch[Columns.OBS][..., :MAX_STROKES] == 0).to(inputs.dtype) * _NEVER
    places, choice = inputs[..., :-MAX_STROKES], inputs[..., -MAX_STROKES:]
    return {**output, Columns.ACTION_DIST_INPUTS: torch.cat([places, choice + forbidden], dim=-1)}
