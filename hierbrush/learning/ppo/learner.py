"""PPO's learner with what small networks on one core need, for one level and for both."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from ray.rllib.algorithms.ppo.ppo import LEARNER_RESULTS_VF_EXPLAINED_VAR_KEY
from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.learner import POLICY_LOSS_KEY, VF_LOSS_KEY
from ray.rllib.core.learner.training_data import TrainingData
from ray.rllib.evaluation.postprocessing import Postprocessing
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from ray.rllib.utils.metrics import NUM_ENV_STEPS_SAMPLED_LIFETIME
from ray.rllib.utils.schedules.scheduler import Scheduler
from torch import Tensor

from hierbrush.composer.composers import COMPOSER
from hierbrush.learning.ppo.composer_module import ComposerDistribution
from hierbrush.learning.ppo.connector import ANCHOR_LOGITS, ANCHOR_PLACES

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


class ShuffledMinibatches:
    """Epochs of shuffled minibatches over a `MultiAgentBatch`, one permutation an epoch.

    An epoch is cut into equal parts of about ``minibatch_size``, so that no sample is met twice and no small remainder
    gets the weight of a whole minibatch. Several modules are cut into the same number of parts each: a module with few
    samples gets its epochs too, and not as many as the largest needs (RLlib's `MiniBatchCyclicIterator` trains it over
    and over).

    Args:
        batch: one sample batch a module.
        minibatch_size: samples of the largest module in a minibatch, about; all of them unless given.
        num_epochs: passes over the batch.
        num_total_minibatches: minibatches, whatever the epochs; 0 leaves it to them.
        module_epochs: for single modules fewer passes than ``num_epochs``.
    """

    def __init__(
        self,
        batch: MultiAgentBatch,
        *,
        minibatch_size: int | None,
        num_epochs: int,
        num_total_minibatches: int = 0,
        module_epochs: Mapping[str, int] | None = None,
    ) -> None:
        self._batch = batch
        self._epochs = module_epochs or {}
        largest = max(len(part) for part in batch.policy_batches.values())
        self._parts = max(1, round(largest / (minibatch_size or largest)))
        # Several learners must take the same number of steps, whatever the sizes of their shards.
        self._total = num_total_minibatches or self._parts * num_epochs

    def __iter__(self) -> Iterator[MultiAgentBatch]:
        for epoch, done in enumerate(range(0, self._total, self._parts)):
            cuts = {
                module_id: torch.randperm(len(part)).tensor_split(self._parts)
                for module_id, part in self._batch.policy_batches.items()
                if epoch < self._epochs.get(module_id, epoch + 1)
            }
            for index in range(min(self._parts, self._total - done)):
                yield MultiAgentBatch(
                    {
                        module_id: SampleBatch(
                            {
                                name: column[parts[index].to(column.device)]
                                for name, column in self._batch.policy_batches[module_id].items()
                            }
                        )
                        for module_id, parts in cuts.items()
                        if len(parts[index])  # a module may have fewer samples than there are minibatches
                    },
                    env_steps=len(self._batch),
                )


def _clipped_loss(log_ratio: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """Return PPO's clipped surrogate loss (Schulman et al. 2017, equation 7)."""
    ratio = log_ratio.exp()
    return -torch.min(advantages * ratio, advantages * ratio.clamp(1 - clip, 1 + clip)).mean()


class PrimitiveLearner(PPOTorchLearner):  # type: ignore[misc]
    """PPO without what a fixed-width Gaussian does not need (entropy, KL), with σ on a schedule.

    RLlib hooks: ``config.training(learner_class=...)``; overrides ``configure_optimizers_for_module`` (fused Adam),
    ``compute_loss_for_module``, ``after_gradient_based_update`` (logs, σ schedule, check for NaN) and
    ``_create_iterator_if_necessary`` (minibatches). Settings beyond `PPOConfig` come in
    ``config.training(learner_config_dict=...)``: ``sigma`` (fixed value or RLlib schedule over environment steps),
    ``value_warmup_updates`` (updates that train the critic only) and ``adam_eps``.
    """

    def build(self) -> None:
        """Build PPO's learner and the σ schedule."""
        super().build()
        self._sigma = Scheduler(fixed_value_or_schedule=self.config.learner_config_dict["sigma"], framework="torch")
        self._last: dict[str, dict[str, Tensor]] = {}

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Register one fused Adam on RLlib's learning rate schedule."""
        parameters = self.get_parameters(self.module[module_id])
        self.register_optimizer(
            module_id=module_id,
            optimizer=torch.optim.Adam(parameters, fused=True, eps=self.config.learner_config_dict["adam_eps"]),
            params=parameters,
            lr_or_lr_schedule=config.lr,
        )

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> Tensor:
        """Return the clipped surrogate loss plus the weighted squared error of the critic."""
        module = self.module[module_id].unwrapped()
        values = module.compute_values(batch)
        value_loss = (values - batch[Postprocessing.VALUE_TARGETS]).square().mean()
        loss: Tensor = config.vf_loss_coeff * value_loss
        mean, log_std = fwd_out[Columns.ACTION_DIST_INPUTS].chunk(2, dim=-1)
        noise = (batch[Columns.ACTIONS] - mean) * torch.exp(-log_std)
        logp = -(0.5 * noise.square() + log_std + _LOG_SQRT_2PI).sum(-1)
        log_ratio = logp - batch[Columns.ACTION_LOGP]
        policy_loss = _clipped_loss(log_ratio, batch[Postprocessing.ADVANTAGES], config.clip_param)
        told = {POLICY_LOSS_KEY: policy_loss, VF_LOSS_KEY: value_loss, "log_ratio": log_ratio, "values": values}
        self._remember(module_id, batch, told)
        return loss + self._warm(policy_loss)

    def _warm(self, objective: Tensor) -> Tensor:
        """Return the policy's part of a loss; nothing of it in the first updates, which train the critic alone."""
        # The counter was raised before the first minibatch of this update.
        if self._weights_seq_no > self.config.learner_config_dict["value_warmup_updates"]:
            return objective
        # Keeps every parameter in the graph, as the gradient exchange between several learners expects.
        return 0.0 * objective

    def _remember(self, module_id: str, batch: Mapping[str, Any], told: Mapping[str, Tensor]) -> None:
        """Keep of a minibatch what is logged if it is the last of an update."""
        detached = {name: value.detach() for name, value in told.items()}
        self._last[module_id] = {**detached, "targets": batch[Postprocessing.VALUE_TARGETS]}

    def after_gradient_based_update(self, *, timesteps: dict[str, Any]) -> None:
        """Log the last minibatch, refuse NaN, and set the next σ.

        Raises:
            FloatingPointError: a loss or a weight is NaN or infinite.
        """
        super().after_gradient_based_update(timesteps=timesteps)
        sigma = float(self._sigma.update(timestep=int(timesteps.get(NUM_ENV_STEPS_SAMPLED_LIFETIME) or 0)))
        for module_id, last in self._last.items():
            self._log_update(module_id, last)
            self._set_noise(module_id, sigma)
        self._last.clear()

    def _log_update(self, module_id: str, last: Mapping[str, Tensor]) -> None:
        losses = {key: float(last[key]) for key in (POLICY_LOSS_KEY, VF_LOSS_KEY)}
        module = self.module[module_id].unwrapped()
        broken = [name for name, parameter in module.named_parameters() if not parameter.isfinite().all()]
        if broken or not all(map(math.isfinite, losses.values())):
            raise FloatingPointError(
                f"NaN or infinity in the update of {module_id} (losses {losses}, parameters {broken or 'finite'}); "
                "a smaller training.lr or training.grad_clip helps if the rewards are finite"
            )
        unexplained = (last["targets"] - last["values"]).var(correction=0) / last["targets"].var(
            correction=0
        ).clamp_min(1e-12)
        log_ratio = last["log_ratio"]
        self.metrics.log_dict(
            {
                **losses,
                LEARNER_RESULTS_VF_EXPLAINED_VAR_KEY: 1.0 - float(unexplained),
                # Schulman's low-variance estimate of KL(old || new).
                "approx_kl": float((log_ratio.exp() - 1 - log_ratio).mean()),
                "sigma": float(module.log_std.exp().mean()),
            },
            key=module_id,
            window=1,
        )

    def _set_noise(self, module_id: str, sigma: float) -> None:
        self.module[module_id].unwrapped().set_sigma(sigma)

    def _create_iterator_if_necessary(
        self,
        *,
        training_data: TrainingData,
        num_total_minibatches: int = 0,
        num_epochs: int = 1,
        minibatch_size: int | None = None,
        shuffle_batch_per_epoch: bool = False,
        **kwargs: Any,
    ) -> ShuffledMinibatches:
        batch = self._make_batch_if_necessary(training_data=training_data)
        return ShuffledMinibatches(
            batch,
            minibatch_size=minibatch_size,
            num_epochs=num_epochs,
            num_total_minibatches=num_total_minibatches,
            module_epochs=self.config.learner_config_dict.get("epochs"),
        )


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
        policy_loss = _clipped_loss(log_ratio, batch[Postprocessing.ADVANTAGES], config.clip_param)
        choice = place = torch.zeros(())
        if ANCHOR_LOGITS in batch:
            log_std = module.log_std.expand(len(values), -1)
            imitated = ComposerDistribution(batch[ANCHOR_LOGITS], batch[ANCHOR_PLACES], log_std)
            choice, place = (part.mean() for part in policy.divergences(imitated))
        anchored = settings["anchor_choice"] * choice + settings["anchor_place"] * place
        objective = policy_loss + anchored - settings["entropy"] * policy.entropy().mean()
        told = {POLICY_LOSS_KEY: policy_loss, VF_LOSS_KEY: value_loss, "log_ratio": log_ratio, "values": values}
        self._remember(module_id, batch, {**told, "choice_kl": choice, "place_kl": place})
        return loss + self._warm(objective)

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
