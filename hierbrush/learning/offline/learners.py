"""RLlib's offline learners over shuffled minibatches, which resume where they were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ray.rllib.algorithms.iql.torch.iql_torch_learner import IQLTorchLearner
from ray.rllib.algorithms.marwil.torch.marwil_torch_learner import MARWILTorchLearner
from ray.rllib.core.learner.training_data import TrainingData
from ray.rllib.policy.sample_batch import MultiAgentBatch

from hierbrush.learning.ppo.learner import ShuffledMinibatches

_BATCHES = "batches"


class _Minibatches:
    """Cuts a batch of data into shuffled minibatches, and counts batches.

    RLlib hooks: ``_create_iterator_if_necessary``, ``get_state`` and ``set_state``.

    Attributes:
        batches: batches learned from.
    """

    config: Any
    batches: int = 0

    def _create_iterator_if_necessary(
        self, *, training_data: TrainingData, minibatch_size: int | None = None, **kwargs: Any
    ) -> Iterator[MultiAgentBatch]:
        self.batches += 1
        size = self.config.learner_config_dict["offline"]["minibatch"]
        return iter(ShuffledMinibatches(training_data.batch, minibatch_size=size, num_epochs=1))

    def get_state(self, components: Any = None, *, not_components: Any = None, **kwargs: Any) -> dict[str, Any]:
        """Return RLlib's state, and how many batches were learned from."""
        state: dict[str, Any] = super().get_state(components, not_components=not_components, **kwargs)  # type: ignore[misc]
        return state if components is not None else {**state, _BATCHES: self.batches}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take RLlib's state and the count."""
        super().set_state(state)  # type: ignore[misc]
        self.batches = state.get(_BATCHES, self.batches)


class CloningLearner(_Minibatches, MARWILTorchLearner):  # type: ignore[misc]
    """RLlib's learner of BC and MARWIL."""


class QLearner(_Minibatches, IQLTorchLearner):  # type: ignore[misc]
    """RLlib's learner of IQL."""
