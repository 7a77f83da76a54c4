"""The network of a primitive as an RLModule: a ReLU MLP for the mean action, another for the value."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI, ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import Tensor, nn


def mlp(inputs: int, hidden: Sequence[int], outputs: int) -> nn.Sequential:
    """Return Linear-ReLU pairs of the given widths with one linear layer on top."""
    widths = [inputs, *hidden]
    layers: list[nn.Module] = []
    for width_in, width_out in itertools.pairwise(widths):
        layers += [nn.Linear(width_in, width_out), nn.ReLU()]
    layers.append(nn.Linear(widths[-1], outputs))
    return nn.Sequential(*layers)


class ResidualPolicyModule(TorchRLModule, ValueFunctionAPI, InferenceOnlyAPI):  # type: ignore[misc]
    """Gaussian policy around an MLP whose last layer starts at zero, so that training starts at the scripted follower.

    The standard deviation does not depend on the state and is not learned: a learned one either collapses or destroys
    the follower that the policy corrects. It is a buffer that the learner moves along a schedule, so it travels to the
    runners with the weights and into every checkpoint.

    RLlib hooks: ``RLModule.setup``, ``_forward``, ``compute_values`` (`ValueFunctionAPI`) and
    ``get_non_inference_attributes`` (`InferenceOnlyAPI`: runners carry no critic).
    ``model_config``: ``hidden`` and ``value_hidden`` (layer widths), ``sigma`` (initial standard deviation) and
    ``precision`` (``bfloat16``: passes that are learned from multiply 16-bit numbers).
    """

    log_std: Tensor

    def setup(self) -> None:
        """Build the networks and the noise."""
        inputs = int(self.observation_space.shape[0])
        outputs = int(self.action_space.shape[0])
        self.policy = mlp(inputs, self.model_config["hidden"], outputs)
        self.value = mlp(inputs, self.model_config["value_hidden"], 1)
        for net in (self.policy, self.value):
            for parameter in net[-1].parameters():
                nn.init.zeros_(parameter)
        self.register_buffer("log_std", torch.full((outputs,), float(self.model_config["sigma"])).log())

    def set_sigma(self, sigma: float) -> None:
        """Set the standard deviation of every action component, in action units."""
        self.log_std.fill_(sigma).log_()

    def get_non_inference_attributes(self) -> list[str]:
        """Return what runners can do without."""
        return ["value"]

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        mean = self._through(self.policy, batch[Columns.OBS])
        return {Columns.ACTION_DIST_INPUTS: torch.cat([mean, self.log_std.expand_as(mean)], dim=-1)}

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> Tensor:
        """Return V(s), f32 [n], for observations f32 [n, D]."""
        return self._through(self.value, batch[Columns.OBS]).squeeze(-1)

    @classmethod
    def spec(cls, policy: Any) -> RLModuleSpec:
        """Return the specification of the networks that a recipe's section ``policy`` asks for."""
        names = ("hidden", "value_hidden", "sigma", "precision")
        return RLModuleSpec(module_class=cls, model_config={name: getattr(policy, name) for name in names})

    def _through(self, net: nn.Sequential, obs: Tensor) -> Tensor:
        """Return a network's answer in 32 bits; what is sampled is computed in them, too."""
        half = self.model_config.get("precision") == "bfloat16" and torch.is_grad_enabled()
        if not half:
            answer: Tensor = net(obs)
            return answer
        with torch.autocast(obs.device.type, torch.bfloat16):
            answer = net(obs)
        return answer.float()
