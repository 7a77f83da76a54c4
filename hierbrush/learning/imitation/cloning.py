"""Imitation through RLlib's behaviour cloning.

The offline data are the expert's decisions, one row each: character, step, stroke chosen, place. What the composer saw
when it decided would be thousands of numbers a row and the same over and over; the learner makes it from character and
step, disturbed anew every time. Where BC learns the chosen stroke's place alone, this learner compares the places of
all strokes not yet written, which the expert knows as well.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import ray.data
import torch
from numpy.typing import NDArray
from ray.data.extensions import ArrowTensorArray
from ray.rllib.algorithms.bc import BC, BCConfig
from ray.rllib.algorithms.marwil.torch.marwil_torch_learner import MARWILTorchLearner
from ray.rllib.core import COMPONENT_LEARNER_GROUP, DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.training_data import TrainingData
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.offline.offline_prelearner import OfflinePreLearner
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from ray.rllib.utils.metrics import LEARNER_RESULTS
from torch import Tensor, nn

from hierbrush.composer.brief import MAX_STROKES
from hierbrush.composer.observation import OBSERVATION_SIZE
from hierbrush.composer.pictured import PICTURED_SIZE
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.learning.imitation.expert import Expert, briefs_and_truths, training_expert
from hierbrush.learning.imitation.goal_expert import GoalExpert, Lesson, goal_expert, validation_lessons
from hierbrush.learning.imitation.scores import composition_scores, copying_scores
from hierbrush.learning.ppo.composer_module import ComposerModule, split_inputs
from hierbrush.learning.recipes.imitation import ImitationRecipe
from hierbrush.learning.runs.weights import tensors_of

DECISIONS = "decisions.parquet"
"""In a run's folder: what is learned from."""

_PLACES, _REMAINING = "places", "remaining"
_SCHEDULE = "schedule"


_VALIDATED = 200
"""Pictures by which a composer that sees them is judged while it learns."""


def _expert_of(settings: ImitationRecipe) -> Expert | GoalExpert:
    if settings.goals is not None:
        return goal_expert(settings.goals, settings.limit, settings.seed)
    return training_expert(settings.limit, settings.further, settings.told, settings.practice, settings.seed)


def write_decisions(expert: Expert | GoalExpert, path: Path) -> None:
    """Write the expert's decisions as parquet: ``obs`` f32 [2] (character, step), ``actions`` [1 + PLACE_SIZE]."""
    characters, steps = expert.all_decisions()
    decided = expert.actions(characters, steps)
    obs = np.stack([characters, steps], axis=1).astype(np.float32)
    # Shuffled once here, since batches are read in the file's order.
    order = np.random.default_rng(0).permutation(len(obs))
    columns = {Columns.OBS: obs[order], Columns.ACTIONS: decided[order]}
    table = pyarrow.table({name: ArrowTensorArray.from_numpy(column) for name, column in columns.items()})
    pyarrow.parquet.write_table(table, path)


class DecisionColumns(OfflinePreLearner):  # type: ignore[misc]
    """RLlib's prelearner, without its way through episodes: hands the columns on as they are.

    RLlib hook: ``config.offline_data(prelearner_class=...)``.
    """

    def __init__(self, **kwargs: Any) -> None:
        # The base class would build a module and connectors that are not needed here.
        del kwargs

    def __call__(self, batch: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Return the columns under the module's name."""
        return {f"{DEFAULT_MODULE_ID}/{name}": batch[name] for name in (Columns.OBS, Columns.ACTIONS)}


class ImitationLearner(MARWILTorchLearner):  # type: ignore[misc]
    """BC's learner, which makes observations from character and step and learns the places of all remaining strokes.

    RLlib hooks: ``config.training(learner_class=...)``; overrides ``configure_optimizers_for_module`` (AdamW),
    ``_create_iterator_if_necessary`` (observations), ``compute_loss_for_module``, and ``get_state`` and ``set_state``
    (steps, batches and noise). Settings come in ``config.training(learner_config_dict=...)``: ``imitation``, an
    `ImitationRecipe` as JSON-able values.

    Attributes:
        steps: gradient steps done.
        batches: batches learned from, the last one perhaps in part.
    """

    def build(self) -> None:
        """Build BC's learner and find the expert."""
        self._settings = settings = ImitationRecipe.model_validate(self.config.learner_config_dict["imitation"])
        self._expert = _expert_of(settings)
        self._rng = np.random.default_rng(self._settings.seed)
        self.steps = self.batches = 0
        super().build()

    def get_state(self, components: Any = None, *, not_components: Any = None, **kwargs: Any) -> dict[str, Any]:
        """Return RLlib's state, and how far the schedule and the disturbance are."""
        state: dict[str, Any] = super().get_state(components, not_components=not_components, **kwargs)
        if components is None:
            state[_SCHEDULE] = {"steps": self.steps, "batches": self.batches, "noise": self._rng.bit_generator.state}
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Take RLlib's state, and go on with schedule and disturbance from there."""
        super().set_state(state)
        if _SCHEDULE in state:
            self.steps, self.batches = state[_SCHEDULE]["steps"], state[_SCHEDULE]["batches"]
            self._rng.bit_generator.state = state[_SCHEDULE]["noise"]

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """Register one fused AdamW."""
        parameters = self.get_parameters(self.module[module_id])
        training = self._settings.training
        self._optimizer = torch.optim.AdamW(parameters, weight_decay=training.weight_decay, fused=True)
        self.register_optimizer(
            module_id=module_id, optimizer=self._optimizer, params=parameters, lr_or_lr_schedule=training.lr
        )

    def _create_iterator_if_necessary(
        self, *, training_data: TrainingData, minibatch_size: int | None = None, **kwargs: Any
    ) -> Iterator[MultiAgentBatch]:
        self.batches += 1
        obs = np.asarray(training_data.batch[DEFAULT_MODULE_ID][Columns.OBS]).astype(np.int64)
        characters, steps = obs[:, 0], obs[:, 1]
        # Characters of like length together, since padding costs as much as strokes; minibatches in random order.
        order = np.argsort(self._expert.bank.counts[characters] + self._rng.random(len(obs)))
        parts = np.array_split(order, max(1, round(len(obs) / self._settings.training.minibatch)))
        for number in self._rng.permutation(len(parts)):
            if self.finished:
                return
            self._schedule()
            part = parts[number]
            own = self._own_places(characters[part]) if self._settings.training.own_places else None
            decisions = self._expert.decisions(
                characters[part], steps[part], self._settings.disturbance, self._rng, own
            )
            columns = {
                Columns.OBS: torch.from_numpy(decisions.observation),
                Columns.ACTIONS: torch.from_numpy(decisions.index),
                _PLACES: torch.from_numpy(decisions.places),
                _REMAINING: torch.from_numpy(decisions.remaining),
            }
            yield MultiAgentBatch({DEFAULT_MODULE_ID: SampleBatch(columns)}, env_steps=len(part))

    def _own_places(self, characters: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return where the composer puts all strokes before it has written any, f32 [n, R, PLACE_SIZE]."""
        blank = self._expert.decisions(characters, np.zeros_like(characters), None, self._rng).observation
        with torch.no_grad():
            _, places = self.module[DEFAULT_MODULE_ID].net(torch.from_numpy(blank))
        return np.asarray(places[..., :PLACE_SIZE].numpy())

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.steps >= self._settings.training.steps

    def _schedule(self) -> None:
        """Set the learning rate: up over 200 steps, down along a cosine over all of them."""
        self.steps += 1
        training = self._settings.training
        share = min(1.0, self.steps / training.steps)
        rate = training.lr * min(1.0, self.steps / 200) * (1 + math.cos(math.pi * share)) / 2
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> Tensor:
        """Return the cross-entropy of the choice plus the distances of all remaining strokes to their places."""
        weights = self._settings.loss
        rows = batch[_PLACES].shape[1]
        logits, places, _ = split_inputs(fwd_out[Columns.ACTION_DIST_INPUTS])
        choice = nn.functional.cross_entropy(logits, batch[Columns.ACTIONS])
        apart = places[:, :rows, :PLACE_SIZE] - batch[_PLACES]
        # The root of the square and a little: a distance whose gradient does not jump at zero.
        centre = (apart[..., :2].square().sum(dim=-1) + 0.01).sqrt()
        sides = apart[..., 2:4]
        size = nn.functional.smooth_l1_loss(sides, torch.zeros_like(sides), reduction="none", beta=0.2).sum(dim=-1)
        shape = apart[..., 4:].square().sum(dim=-1)
        remaining = batch[_REMAINING].float()
        each = (weights.centre * centre + weights.size * size + weights.shape * shape) * remaining
        loss: Tensor = weights.order * choice + (each.sum(dim=1) / remaining.sum(dim=1)).mean()
        means = {"choice_loss": choice, "centre_error": (centre * remaining).sum() / remaining.sum()}
        self.metrics.log_dict({name: value.item() for name, value in means.items()}, key=module_id, window=100)
        return loss


class Imitation(BC):  # type: ignore[misc]
    """BC that knows the characters by which it is judged, and resumes where it was in its data.

    RLlib hooks: ``setup``, ``cleanup`` and ``restore_from_path``. A training that was stopped and resumed makes the
    weights that it would have made in one go, bit by bit.

    Attributes:
        validation: what is told of the validation characters, and how they are written.
    """

    def setup(self, config: Any) -> None:
        """Write the decisions down, build the learner, and find the validation characters."""
        self._recipe = ImitationRecipe.model_validate(config.learner_config_dict["imitation"])
        expert = _expert_of(self._recipe)
        write_decisions(expert, Path(config.input_[0]))
        self.drawings = len(expert.bank.counts) - self._recipe.practice.characters
        self._pictures: list[Lesson] = []
        if self._recipe.goals is None:
            self.validation = briefs_and_truths("validation", self._recipe.limit)
        else:
            count = min(_VALIDATED, self._recipe.limit or _VALIDATED)
            self._pictures = validation_lessons(count, self._recipe.seed)
        super().setup(config)
        self._validated = time.monotonic()

    @property
    def learner(self) -> ImitationLearner:
        """The one learner, which is in this process."""
        learner: ImitationLearner = self.learner_group._learner
        return learner

    def record(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return steps and losses of a result, and scores when they are due."""
        losses, learner = result[LEARNER_RESULTS][DEFAULT_MODULE_ID], self.learner
        record = {"steps": learner.steps, **{name: float(losses[name]) for name in ("choice_loss", "centre_error")}}
        if time.monotonic() - self._validated > self._recipe.training.validate_every or learner.finished:
            record |= self.scores(ComposerPolicy(tensors_of(self, "net.")))
            self._validated = time.monotonic()
        return record

    def scores(self, policy: ComposerPolicy) -> dict[str, float]:
        """Return how near a policy comes to the way validation characters are written, or lie in their pictures."""
        if self._pictures:
            return copying_scores(self._pictures, policy)
        return composition_scores(*self.validation, policy)

    def restore_from_path(self, path: Any, *args: Any, **kwargs: Any) -> None:
        """Restore the learner: BC's own way would look for runners, which an imitation lacks."""
        self.learner_group.restore_from_path(str(Path(path) / COMPONENT_LEARNER_GROUP))
        # The data come in the file's order over and over; what has been learned from is read over.
        for _ in range(self.learner.batches):
            self.offline_data.sample(num_samples=self._recipe.training.batch, num_shards=0)

    def cleanup(self) -> None:
        """Stop reading, which would complain that Ray is gone, and end."""
        self.offline_data.batch_iterators = None
        super().cleanup()


def imitation_config(config: ImitationRecipe, folder: Path) -> BCConfig:
    """Return RLlib's configuration of an imitation.

    Args:
        config: the settings.
        folder: where the expert's decisions are written to when it is built.
    """
    training = config.training
    size = OBSERVATION_SIZE if config.goals is None else PICTURED_SIZE
    reading = ray.data.DataContext.get_current()
    reading.enable_progress_bars = False
    # Otherwise blocks come in the order in which they are ready, and on a busy machine that may be another one.
    reading.execution_options.preserve_order = True
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    folder.mkdir(parents=True, exist_ok=True)
    return (
        BCConfig(algo_class=Imitation)
        .environment(
            observation_space=gymnasium.spaces.Box(-np.inf, np.inf, (MAX_STROKES, size), np.float32),
            action_space=gymnasium.spaces.Box(-np.inf, np.inf, (1 + PLACE_SIZE,), np.float32),
        )
        .offline_data(
            input_=[str(folder / DECISIONS)],
            input_read_method="read_parquet",
            prelearner_class=DecisionColumns,
            map_batches_kwargs={"concurrency": 1},
            dataset_num_iters_per_learner=1,
        )
        .rl_module(
            rl_module_spec=RLModuleSpec(
                module_class=ComposerModule,
                model_config={
                    **config.network.model_dump(),
                    "inputs": size,
                    "value_width": 64,
                    "sigma": (0.1, 0.3),
                },
            )
        )
        .training(
            learner_class=ImitationLearner,
            train_batch_size_per_learner=training.batch,
            grad_clip=training.grad_clip,
            grad_clip_by="global_norm",
            lr=training.lr,
            learner_config_dict={"imitation": config.model_dump(mode="json")},
        )
        .learners(num_learners=0)
        .env_runners(num_env_runners=0)
        .debugging(seed=config.seed)
    )
