"""RLlib's behaviour cloning of lessons, round after round: the policy writes, is told, and learns.

The lessons of all rounds so far are learned from (DAgger), and missing a label costs what it costs the ink: the
learner's loss is the quadratic that the search has found around the best action.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from ray.rllib.algorithms.bc import BC, BCConfig
from ray.rllib.core import COMPONENT_LEARNER_GROUP, DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.offline.offline_data import OfflineData
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from ray.rllib.utils.metrics import LEARNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME
from torch import Tensor

from hierbrush.curriculum import Curriculum
from hierbrush.curriculum.goals import sample_goals
from hierbrush.envs.randomisation import bent_tufts
from hierbrush.learning.guided.teaching import Taught, teach
from hierbrush.learning.offline.algorithms import without_runners
from hierbrush.learning.offline.learners import CloningLearner
from hierbrush.learning.offline.validation import network_of, validation_scores
from hierbrush.learning.ppo.module import ResidualPolicyModule
from hierbrush.learning.recipes.guided import GuidedRecipe

_WEIGHTS = "weights"
_MOST = 5.0
"""Cost of a single state, at most: where the derivatives are wrong, they are very wrong."""

_PLAIN = 0.02
"""Weight of the plain squared distance beside the quadratic, for what the ink does not care about."""


class LessonData(OfflineData):  # type: ignore[misc]
    """All lessons so far, as RLlib's learner is given them.

    RLlib hook: ``config.offline_data(offline_data_class=...)``. A round's lessons lie in a file beside the checkpoints,
    so that a training that goes on has them.

    Attributes:
        taught: the rounds.
    """

    iter_batches_kwargs: Mapping[str, Any] = {}

    def __init__(self, config: Any) -> None:
        # The base class would begin to read by Ray Data.
        self._folder, self._seed = Path(config.input_[0]), config.seed or 0
        self.taught: list[Taught] = []

    def add(self, taught: Taught) -> None:
        """Keep another round."""
        self._folder.mkdir(parents=True, exist_ok=True)
        taught.save(self._file(len(self.taught)))
        self.taught.append(taught)

    def reload(self, rounds: int) -> None:
        """Take up the first ``rounds`` rounds of a training that was stopped.

        Raises:
            HierbrushError: they are not there.
        """
        self.taught = [Taught.load(self._file(number)) for number in range(rounds)]

    def _file(self, number: int) -> Path:
        return self._folder / f"lessons-{number:03d}.npz"

    def sample(self, num_samples: int, **kwargs: Any) -> MultiAgentBatch:
        """Return ``num_samples`` states for every round so far, of all rounds, in random order."""
        names = ("obs", "actions", "weights")
        obs, actions, weights = (np.concatenate([getattr(each, name) for each in self.taught]) for name in names)
        weights = weights / np.maximum(np.einsum("nii->n", weights).mean() / 3.0, 1e-9)
        rng = np.random.default_rng([self._seed, len(self.taught)])
        rows = rng.integers(len(obs), size=num_samples * len(self.taught))
        columns: dict[str, NDArray[np.float32]] = {
            Columns.OBS: obs[rows],
            Columns.ACTIONS: actions[rows],
            _WEIGHTS: weights[rows].astype(np.float32),
        }
        batch = SampleBatch({name: torch.from_numpy(column) for name, column in columns.items()})
        return MultiAgentBatch({DEFAULT_MODULE_ID: batch}, env_steps=len(rows))


class GuidedLearner(CloningLearner):
    """BC's learner, for which a miss costs what it costs the ink.

    RLlib hook: ``compute_loss_for_module``.
    """

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> Tensor:
        """Return the mean of the quadratics around the labels."""
        mean = fwd_out[Columns.ACTION_DIST_INPUTS].chunk(2, dim=-1)[0]
        missed = mean - batch[Columns.ACTIONS]
        cost = torch.einsum("ni,nij,nj->n", missed, batch[_WEIGHTS], missed).clamp(max=_MOST).mean()
        loss: Tensor = cost + _PLAIN * missed.square().sum(dim=-1).mean()
        self.metrics.log_value((module_id, "cost"), cost.item(), window=100)
        return loss


class Guided(BC):  # type: ignore[misc]
    """Rounds of writing, being told and learning.

    RLlib hooks: ``setup``, ``training_step`` and ``restore_from_path``.
    """

    def setup(self, config: Any) -> None:
        """Build the learner."""
        self._recipe = GuidedRecipe.model_validate(config.learner_config_dict["guided"])
        self._stroke: str | None = config.learner_config_dict["stroke"]
        self._curriculum = Curriculum.model_validate_json(config.learner_config_dict["curriculum"])
        self._hand = self._recipe.hand.build(self._recipe.seed) if self._recipe.hand else None
        super().setup(config)

    @property
    def rounds(self) -> int:
        """Rounds done."""
        return int(self.learner_group._learner.batches)

    def training_step(self) -> None:
        """Write and be told, then learn by BC's own step."""
        self.offline_data.add(self._lesson(self.rounds))
        super().training_step()

    def _lesson(self, number: int) -> Taught:
        training, stage = self._recipe.training, self._curriculum.stages[-1]
        types = [self._stroke] if self._stroke else list(self._curriculum.stroke_types)
        goals = sample_goals(stage.goals, types, training.strokes, self._recipe.seed + number)
        rng = np.random.default_rng([self._recipe.seed, number])
        model = stage.brush.build()
        if self._hand is not None:
            self._hand.reseed(self._recipe.seed + number)
        act = network_of(self).__call__
        return teach(
            goals, act, rng, brush=training.brush, noise=training.noise, model=model, hand=self._hand,
            directions=bent_tufts(stage.randomisation, len(goals), rng),
        )  # fmt: skip

    def record(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return rounds, costs, how the policy wrote before, and how it writes validation strokes now."""
        types = [self._stroke] if self._stroke else []
        model = self._curriculum.stages[-1].brush.build()
        if self._hand is not None:
            self._hand.reseed(self._recipe.seed)
        scores = validation_scores(network_of(self), types, self._recipe.training.validation, model, self._hand)
        fitness = self.offline_data.taught[-1].fitness
        cost = float(result[LEARNER_RESULTS][DEFAULT_MODULE_ID]["cost"])
        return {
            "steps": self.rounds,
            "cost": cost,
            "practice": float(fitness.mean()),
            **scores,
            # Since Python began, and anew where a training goes on: other work on the machine does not count.
            "processor_seconds": round(time.process_time(), 1),
        }

    def restore_from_path(self, path: Any, *args: Any, **kwargs: Any) -> None:
        """Restore the learner and the lessons: there are no runners that RLlib's own way would look for."""
        self.learner_group.restore_from_path(str(Path(path) / COMPONENT_LEARNER_GROUP))
        self.offline_data.reload(self.rounds)
        done = self.rounds * self.config.train_batch_size_per_learner
        self.metrics.log_value(NUM_ENV_STEPS_SAMPLED_LIFETIME, done, reduce="lifetime_sum")


def guided_config(recipe: GuidedRecipe, curriculum: Curriculum, stroke: str | None, folder: Path) -> BCConfig:
    """Return RLlib's configuration of a guided search.

    Args:
        recipe: the settings.
        curriculum: whose last stage the goals are drawn by.
        stroke: the one stroke type; all unless given.
        folder: where lessons are kept.
    """
    training = recipe.training
    samples = training.epochs * training.strokes * 40  # about the ticks of so many strokes
    config = without_runners(BCConfig(algo_class=Guided), recipe, ResidualPolicyModule, LessonData, folder)
    result: BCConfig = config.training(
        learner_class=GuidedLearner,
        train_batch_size_per_learner=samples,
        lr=[[0, training.lr], [training.steps * samples, training.lr_final]],
        learner_config_dict={
            "guided": recipe.model_dump(mode="json"),
            "offline": {"minibatch": training.minibatch},
            "curriculum": curriculum.model_dump_json(),
            "stroke": stroke,
        },
    )
    return result
