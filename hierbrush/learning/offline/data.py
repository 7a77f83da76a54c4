"""The ticks that are learned from, in memory: RLlib's `OfflineData` without Ray Data.

A data set of strokes fits into memory, and RLlib's way of reading it starts processes, cuts every row into an episode
of its own and puts the pieces together again: seconds before the first batch and a fifth of the speed after it. RLlib
itself reads the same files as they stand, which a test does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing
from ray.rllib.offline.offline_data import OfflineData
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch

from hierbrush.datasets.read import read_ticks

F32 = NDArray[np.float32]


class StrokeData(OfflineData):  # type: ignore[misc]
    """Batches of ticks in an order that follows from a seed and from how many were drawn.

    RLlib hook: ``config.offline_data(offline_data_class=...)``. ``config.input_`` names the data set's folder, and
    ``config.learner_config_dict["offline"]`` has ``kinds``, ``gamma``
    and ``scale``, by which rewards are multiplied.

    Attributes:
        drawn: batches drawn so far; set it to go on from there.
    """

    iter_batches_kwargs: Mapping[str, Any] = {}  # which MARWIL hands to its learners

    def __init__(self, config: Any) -> None:
        # The base class would begin to read by Ray Data.
        settings = config.learner_config_dict["offline"]
        ticks = read_ticks(Path(config.input_[0]), settings["kinds"])
        self.drawn, self._seed = 0, config.seed or 0
        rewards = ticks.rewards * np.float32(settings["scale"])
        self._columns = {
            Columns.OBS: ticks.obs,
            Columns.ACTIONS: ticks.actions,
            Columns.REWARDS: rewards,
            Columns.TERMINATEDS: ticks.over,
            Postprocessing.VALUE_TARGETS: returns(rewards, ticks.over, settings["gamma"]),
        }

    def __len__(self) -> int:
        return len(self._columns[Columns.REWARDS])

    def sample(self, num_samples: int, **kwargs: Any) -> MultiAgentBatch:
        """Return the next ``num_samples`` ticks; every tick once before any comes again."""
        first = self.drawn * num_samples
        self.drawn += 1
        rows = np.concatenate([self._epoch(epoch)[part] for epoch, part in _parts(first, num_samples, len(self))])
        batch = {name: torch.from_numpy(column[rows]) for name, column in self._columns.items()}
        # The last tick of a stroke has none after it; its value counts for nothing there.
        batch[Columns.NEXT_OBS] = torch.from_numpy(self._columns[Columns.OBS][np.minimum(rows + 1, len(self) - 1)])
        return MultiAgentBatch({DEFAULT_MODULE_ID: SampleBatch(batch)}, env_steps=num_samples)

    def _epoch(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([self._seed, epoch]).permutation(len(self))


def _parts(first: int, count: int, size: int) -> Sequence[tuple[int, slice]]:
    """Return the pieces of epochs of ``size`` that ``count`` rows from ``first`` on are."""
    parts = []
    while count:
        epoch, at = divmod(first, size)
        taken = min(count, size - at)
        parts.append((epoch, slice(at, at + taken)))
        first, count = first + taken, count - taken
    return parts


def returns(rewards: F32, over: NDArray[np.bool_], gamma: float) -> F32:
    """Return the discounted sum of rewards from each tick to the end of its stroke, f32 [n]."""
    sums = np.empty_like(rewards)
    total = 0.0
    for at in range(len(rewards) - 1, -1, -1):
        total = float(rewards[at]) + (0.0 if over[at] else gamma * total)
        sums[at] = total
    return sums
