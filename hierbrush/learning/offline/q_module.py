"""The network of a primitive with the critics that implicit Q-learning needs beside it."""

from __future__ import annotations

from typing import Any

import torch
from ray.rllib.algorithms.iql.iql_learner import QF_TARGET_PREDS, VF_PREDS_NEXT
from ray.rllib.algorithms.sac.sac_learner import QF_PREDS, QF_TWIN_PREDS
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.utils import make_target_network
from ray.rllib.core.rl_module.apis import QNetAPI, TargetNetworkAPI
from torch import Tensor, nn

from hierbrush.learning.ppo.module import ResidualPolicyModule, mlp


class QModule(ResidualPolicyModule, TargetNetworkAPI, QNetAPI):  # type: ignore[misc]
    """The policy and value of PPO's primitives, and two Q-networks with targets.

    RLlib's learner asks for its networks in pairs of encoder and head; here the encoders are nothing.

    RLlib hooks: ``setup``, ``_forward_train``, and the three of `TargetNetworkAPI`.
    """

    def setup(self) -> None:
        """Build policy, value and Q-networks."""
        super().setup()
        inputs = int(self.observation_space.shape[0]) + int(self.action_space.shape[0])
        hidden = self.model_config["value_hidden"]
        self.pi_encoder = self.vf_encoder = self.qf_encoder = self.qf_twin_encoder = nn.Identity()
        self.qf, self.qf_twin = mlp(inputs, hidden, 1), mlp(inputs, hidden, 1)

    @property
    def pi(self) -> nn.Module:
        """The policy, as IQL's learner calls it."""
        return self.policy

    @property
    def vf(self) -> nn.Module:
        """The value, as IQL's learner calls it."""
        return self.value

    def get_non_inference_attributes(self) -> list[str]:
        """Return what runners can do without."""
        return [*super().get_non_inference_attributes(), "qf", "qf_twin"]

    def make_target_networks(self) -> None:
        """Copy the Q-networks."""
        self.target_qf, self.target_qf_twin = make_target_network(self.qf), make_target_network(self.qf_twin)

    def get_target_network_pairs(self) -> list[tuple[nn.Module, nn.Module]]:
        """Return each Q-network and its copy that lags behind."""
        return [(self.qf, self.target_qf), (self.qf_twin, self.target_qf_twin)]

    def forward_target(self, batch: dict[str, Any]) -> Tensor:
        """Return the smaller of the lagging Q-networks' answers, f32 [n]."""
        pair = self._pair(batch)
        return torch.min(_answer(self.target_qf, pair), _answer(self.target_qf_twin, pair))

    def compute_q_values(self, batch: dict[str, Any]) -> Tensor:
        """Return the first Q-network's answer, f32 [n]."""
        return _answer(self.qf, self._pair(batch))

    def _forward_train(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        pair = self._pair(batch)
        with torch.no_grad():
            target = self.forward_target(batch)
            after = self.compute_values({Columns.OBS: batch[Columns.NEXT_OBS]})
        return {
            **self._forward(batch),
            QF_PREDS: _answer(self.qf, pair),
            QF_TWIN_PREDS: _answer(self.qf_twin, pair),
            QF_TARGET_PREDS: target,
            Columns.VF_PREDS: self.compute_values(batch),
            VF_PREDS_NEXT: after,
        }

    @staticmethod
    def _pair(batch: dict[str, Any]) -> Tensor:
        return torch.cat([batch[Columns.OBS], batch[Columns.ACTIONS]], dim=-1)


def _answer(network: nn.Module, pair: Tensor) -> Tensor:
    answer: Tensor = network(pair).squeeze(-1)
    return answer
