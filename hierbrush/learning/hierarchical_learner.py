"""PPO for both levels: the primitives' loss, and for the composer one that keeps it near what it imitated."""

from __future__ import annotations

from typing import Any

import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.learner import POLICY_LOSS_KEY, VF_LOSS_KEY
from ray.rllib.evaluation.postprocessing import Postprocessing
from ray.rllib.utils.metrics import NUM_ENV_STEPS_SAMPLED_LIFETIME
from ray.rllib.utils.schedules.scheduler import Scheduler
from torch import Tensor

from hierbrush.envs.character import COMPOSER
from hierbrush.learning.composer_module import ComposerDistribution
from hierbrush.learning.hierarchical_connector import ANCHOR_LOGITS, ANCHOR_PLACES
from hierbrush.learning.learner import PrimitiveLearner

_CRITIC_LR = 3e-3


class HierarchicalLearner(PrimitiveLearner):
    """`PrimitiveLearner` for many modules, one of which is the composer.

    Further settings in ``learner_config_dict``: ``lr`` (schedules by module), ``composer_sigma`` (schedule of the noise
    of boxes; shape coefficients get ``shape_noise`` times as much), ``anchor_choice`` and ``anchor_place`` (weights of
    the Kullback-Leibler divergence from the imitation policy) and ``entropy`` (weight of the entropy of the composer's
    decisions).
    """

    def build(self) -> None:
        """Build PPO's learner and the noise schedules of both levels."""
        super().build()
        schedule = self.config.learner_config_dict["composer_sigma"]
        self._composer_sigma = Scheduler(fixed_value_or_schedule=schedule, framework="torch")

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Register a fused Adam on the module's own learning rate schedule, and one for the composer's critic.

        The composer begins with what it imitated and may only move slowly; its critic begins with nothing.
        """
        settings = self.config.learner_config_dict
        groups = {"": (self.get_parameters(self.module[module_id]), settings["lr"][module_id])}
        if module_id == COMPOSER:
            module = self.module[module_id].unwrapped()
            critic = [*module.value_token.parameters(), *module.value_sum.parameters()]
            groups = {
                "": (list(module.net.parameters()), settings["lr"][module_id]),
                "_critic": (critic, _CRITIC_LR),
            }
        for suffix, (parameters, lr) in groups.items():
            self.register_optimizer(
                module_id=module_id,
                optimizer_name=f"default_optimizer{suffix}",
                optimizer=torch.optim.Adam(parameters, fused=True, eps=settings["adam_eps"]),
                params=parameters,
                lr_or_lr_schedule=lr,
            )

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> Tensor:
        """Return the clipped surrogate and the critic's error; for the composer its divergence and entropy as well."""
        if module_id != COMPOSER:
            return super().compute_loss_for_module(module_id=module_id, config=config, batch=batch, fwd_out=fwd_out)
        settings = self.config.learner_config_dict
        module = self.module[module_id].unwrapped()
        values = module.compute_values(batch)
        value_loss = (values - batch[Postprocessing.VALUE_TARGETS]).square().mean()
        loss: Tensor = config.vf_loss_coeff * value_loss
        policy = ComposerDistribution.from_logits(fwd_out[Columns.ACTION_DIST_INPUTS])
        log_ratio = policy.logp(batch[Columns.ACTIONS]) - batch[Columns.ACTION_LOGP]
        ratio = log_ratio.exp()
        advantages = batch[Postprocessing.ADVANTAGES]
        clipped = ratio.clamp(1 - config.clip_param, 1 + config.clip_param)
        policy_loss = -torch.min(advantages * ratio, advantages * clipped).mean()
        choice = place = torch.zeros(())
        if ANCHOR_LOGITS in batch:
            log_std = module.log_std.expand(len(values), -1)
            imitated = ComposerDistribution(batch[ANCHOR_LOGITS], batch[ANCHOR_PLACES], log_std)
            choice, place = (part.mean() for part in policy.divergences(imitated))
        anchored = settings["anchor_choice"] * choice + settings["anchor_place"] * place
        objective = policy_loss + anchored - settings["entropy"] * policy.entropy().mean()
        warm = self._weights_seq_no > settings["value_warmup_updates"]
        loss = loss + (objective if warm else 0.0 * objective)
        self._last[module_id] = {
            "values": values.detach(),
            "targets": batch[Postprocessing.VALUE_TARGETS],
            "log_ratio": log_ratio.detach(),
            "choice_kl": choice.detach(),
            "place_kl": place.detach(),
            POLICY_LOSS_KEY: policy_loss.detach(),
            VF_LOSS_KEY: value_loss.detach(),
        }
        return loss

    def after_gradient_based_update(self, *, timesteps: dict[str, Any]) -> None:
        """Log the last minibatches, refuse NaN, and set the next noise of both levels."""
        steps = int(timesteps.get(NUM_ENV_STEPS_SAMPLED_LIFETIME) or 0)
        self._composer_noise = float(self._composer_sigma.update(timestep=steps))
        if COMPOSER in self._last:
            for name in ("choice_kl", "place_kl"):
                self.metrics.log_value((COMPOSER, name), float(self._last[COMPOSER][name]), window=1)
        super().after_gradient_based_update(timesteps=timesteps)

    def _set_noise(self, module_id: str, sigma: float) -> None:
        if module_id == COMPOSER:
            noise = self._composer_noise
            settings = self.config.learner_config_dict
            self.module[module_id].unwrapped().set_sigma(noise, noise * settings["shape_noise"])
        else:
            super()._set_noise(module_id, sigma)
