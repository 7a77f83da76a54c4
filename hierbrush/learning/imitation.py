"""The composer's first training: imitation of the training characters, through RLlib's behaviour cloning.

Further drawings of training characters are imitated as well (`composer.drawings`); earlier imitations may soften both,
and write characters that were invented (`practice`).

The offline data are the expert's decisions, one row each: character, step, stroke chosen, place. What the composer saw
when it decided would be thousands of numbers a row and the same over and over; the learner makes it from character and
step, disturbed anew every time. Where BC learns the chosen stroke's place alone, this learner compares the places of
all strokes not yet written, which the expert knows as well.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import gymnasium
import numpy as np
import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from ray.data.extensions import ArrowTensorArray
from ray.rllib.algorithms.bc import BCConfig
from ray.rllib.algorithms.marwil.torch.marwil_torch_learner import MARWILTorchLearner
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.training_data import TrainingData
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.offline.offline_prelearner import OfflinePreLearner
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from torch import Tensor, nn

from hierbrush.characters import Split, load_library, split
from hierbrush.composer.brief import MAX_STROKES, Brief, Truth, brief_of, make_brief, truth_of
from hierbrush.composer.compose import Decides, compose
from hierbrush.composer.drawings import further_drawings
from hierbrush.composer.observation import OBSERVATION_SIZE
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.learning.composer_module import ComposerModule, split_inputs
from hierbrush.learning.config import FilePath, OutputSection, Section
from hierbrush.learning.expert import Disturbance, Expert
from hierbrush.learning.practice import Teachers, invent, practised, softened

_PLACES, _REMAINING = "places", "remaining"
_SCHEDULE = "schedule"
SLOPE = "slope"
"""Name of the tensor with the pointer's steepness."""

STEEPNESS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Factors that `steeper_pointer` tries."""

_Count = Annotated[int, Field(gt=0)]
_Positive = Annotated[float, Field(gt=0)]
_Share = Annotated[float, Field(ge=0, le=1)]


class NetworkSection(Section):
    """The composer's network."""

    width: Annotated[int, Field(gt=0, multiple_of=32)] = 128
    """Numbers of a stroke's token inside the network."""

    layers: _Count = 3
    """Attention layers."""

    hidden: _Count = 256
    """Width of the layers' feed-forward part."""


class LossSection(Section):
    """What counts how much; boxes and coefficients in place units."""

    order: _Positive = 0.5
    """Cross-entropy of the stroke chosen."""

    centre: _Positive = 1.0
    """Distance between the centres."""

    size: _Positive = 0.2
    """Difference of the logarithms of width and height, squared where it is small."""

    shape: _Positive = 0.02
    """Squared difference of the shape coefficients."""


class DisturbanceSection(Section):
    """What is changed about what the composer sees; see `Disturbance`."""

    shift: _Positive = 0.2
    """Standard deviation of the shift of what is written, in place units."""

    scatter: _Positive = 0.25
    """Standard deviation of each written stroke's own deviation, in place units."""

    goals: _Share = 0.2
    """Share of decisions with a goal for every stroke."""

    some_goals: _Share = 0.1
    """Share of decisions with goals for a random part of the strokes."""

    afresh: _Share = 0.0
    """Share of decisions put back to the beginning: nothing is written, and there are no goals."""


class PracticeSection(Section):
    """What earlier imitations teach: invented characters, and soft targets; see `hierbrush.learning.practice`."""

    characters: int = Field(default=0, ge=0)
    """Number of invented characters; none unless given."""

    teachers: tuple[FilePath, ...] = ()
    """``composer.safetensors`` of earlier imitations, from the working directory; where they put the strokes of
    invented and of training characters, by their mean, is practised."""

    soft_targets: _Share = 0.0
    """Weight of the teachers' places in those that are learned of training characters; the rest is what was drawn."""

    @model_validator(mode="after")
    def _teachers_have_work(self) -> PracticeSection:
        if self.characters and not self.teachers:
            raise ValueError(f"characters is {self.characters}, but there are no teachers to write them")
        if self.soft_targets and not self.teachers:
            raise ValueError(f"soft_targets is {self.soft_targets}, but there are no teachers to place the strokes")
        if self.teachers and not self.characters and not self.soft_targets:
            raise ValueError("teachers are named, but characters and soft_targets are 0, so they have nothing to write")
        return self


class ImitationSection(Section):
    """Behaviour cloning."""

    steps: _Count
    """Gradient steps; the learning rate falls to zero over them."""

    lr: _Positive = 2e-3
    """AdamW's learning rate after the first 200 steps."""

    weight_decay: float = Field(default=0.01, ge=0)
    """AdamW's decay."""

    batch: _Count = 8192
    """Decisions an iteration."""

    minibatch: _Count = 256
    """Decisions per gradient step, of characters with like numbers of strokes."""

    grad_clip: _Positive = 1.0
    """Limit to the gradient's global norm."""

    own_places: bool = False
    """Whether what is written is seen where the composer itself would have put it, unless there are goals."""

    validate_every: _Positive = 120.0
    """Seconds between scores on validation characters."""


class ImitationConfig(Section):
    """An imitation, as ``hierbrush train`` reads it from a file with ``kind: imitation``."""

    kind: str = Field(pattern="^imitation$")
    """``imitation``."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]
    """Name of the training and of its folder under ``runs/``."""

    seed: int = Field(default=0, ge=0, lt=2**31)
    """Seed of first weights, shuffling, disturbance and invented characters."""

    network: NetworkSection = NetworkSection()
    """The network."""

    loss: LossSection = LossSection()
    """Weights of the loss."""

    disturbance: DisturbanceSection = DisturbanceSection()
    """What is changed about what the composer sees."""

    further: bool = True
    """Whether further drawings of training characters, from two fonts, are learned as well; see `composer.drawings`."""

    practice: PracticeSection = PracticeSection()
    """What earlier imitations teach."""

    training: ImitationSection
    """Behaviour cloning."""

    output: OutputSection = OutputSection()
    """What it leaves behind."""

    initial_weights: FilePath | None = None
    """``composer.safetensors`` to begin with, from the working directory; an untrained network when not given."""


def briefs_and_truths(part: Split, limit: int | None = None, *, lists: bool = False) -> tuple[list[Brief], list[Truth]]:
    """Return what is told of the characters of a part of the data, and how they are written.

    Args:
        part: ``"train"``, ``"validation"`` or ``"test"``.
        limit: at most so many characters, the first by code point.
        lists: append characters with unknown components once more, their strokes as a list instead of a set.
    """
    characters = [char for char in load_library() if split(char) == part][:limit]
    briefs, truths = [brief_of(char) for char in characters], [truth_of(char) for char in characters]
    unknown = [char for char, brief in zip(characters, briefs, strict=True) if brief.unknown] if lists else []
    briefs += [brief_of(char, listed=True) for char in unknown]
    truths += [truth_of(char, listed=True) for char in unknown]
    return briefs, truths


def further_briefs_and_truths(limit: int | None = None) -> tuple[list[Brief], list[Truth]]:
    """Return the same of the further drawings of training characters, without those of unknown components.

    Args:
        limit: at most so many drawings.
    """
    briefs, truths = [], []
    for drawing in further_drawings()[:limit]:
        brief, order = make_brief(
            drawing.tree, drawing.stroke_types, repertoire=drawing.repertoire, exclude=drawing.char
        )
        if not brief.unknown:
            briefs.append(brief)
            truths.append(Truth(np.argsort(order), drawing.places[order]))
    return briefs, truths


@lru_cache(maxsize=1)
def training_expert(limit: int | None, further: bool, practice: PracticeSection, seed: int) -> Expert:
    """Return the expert of the training characters and, after them, of further drawings and of the invented ones.

    Takes minutes, and 700 MB with 15,000 characters; so the latest one is kept, for driver and learner alike.

    Args:
        limit: at most so many training characters and further drawings; the invented ones are made of all.
        further: whether further drawings count.
        practice: how many characters are invented, and who writes them.
        seed: of the invention.

    Raises:
        HierbrushError: teachers cannot be read, or there are not so many characters to be invented.
    """
    briefs, truths = briefs_and_truths("train", limit, lists=True)
    if further:
        more = further_briefs_and_truths(limit)
        briefs, truths = briefs + more[0], truths + more[1]
    if practice.teachers:
        teachers = Teachers.load(practice.teachers)
        if practice.soft_targets:
            _say(f"placing the strokes of {len(briefs)} drawings by {len(practice.teachers)} teachers")
            truths = softened(briefs, truths, teachers, practice.soft_targets)
        if practice.characters:
            _say(f"inventing {practice.characters} characters")
            invented = invent(practice.characters, seed)
            _say("placing their strokes")
            briefs, truths = briefs + invented, truths + practised(invented, teachers)
    return Expert(briefs, truths)


def composition_scores(briefs: Sequence[Brief], truths: Sequence[Truth], policy: Decides) -> dict[str, float]:
    """Compose characters and return how near they come to the truth.

    Returns:
        ``order`` (share of characters in exactly the right order), ``centre`` (mean distance of the strokes' centres),
        ``size`` (mean difference of widths and heights), ``box_iou``; each also with ``_known``, over characters whose
        components are all known. Means over characters of the mean over strokes, in sides of the character's box.
    """
    rows = []
    for truth, composed in zip(truths, compose(briefs, policy), strict=True):
        mine, true = composed.places[:, :4], truth.places[:, :4]
        shared = np.minimum(mine[:, :2] + mine[:, 2:] / 2, true[:, :2] + true[:, 2:] / 2) - np.maximum(
            mine[:, :2] - mine[:, 2:] / 2, true[:, :2] - true[:, 2:] / 2
        )
        overlap = np.maximum(shared, 0).prod(axis=1)
        union = mine[:, 2:].prod(axis=1) + true[:, 2:].prod(axis=1) - overlap
        centre = np.linalg.norm(mine[:, :2] - true[:, :2], axis=1).mean()
        size = np.abs(mine[:, 2:] - true[:, 2:]).mean()
        rows.append([np.array_equal(composed.order, truth.order), centre, size, (overlap / union).mean()])
    scores = np.array(rows, np.float64)
    known = np.array([not brief.unknown for brief in briefs])
    names = ("order", "centre", "size", "box_iou")
    return {
        **dict(zip(names, scores.mean(axis=0).tolist(), strict=True)),
        **{f"{name}_known": value for name, value in zip(names, scores[known].mean(axis=0).tolist(), strict=True)},
    }


def steeper_pointer(
    tensors: dict[str, NDArray[np.float32]], briefs: Sequence[Brief], truths: Sequence[Truth]
) -> dict[str, NDArray[np.float32]]:
    """Return a composer that follows the library's order more closely, if that orders more known characters rightly.

    What the pointer learns of training characters' order does not all hold for others. The steepness with which it
    follows the library is its temperature, and set like one: afterwards, on characters that it did not learn from.

    Args:
        tensors: of a `ComposerPolicy`.
        briefs: characters to choose by; those with unknown components do not count, whose order is guesswork.
        truths: how they are written.
    """
    told = [(brief, truth.order) for brief, truth in zip(briefs, truths, strict=True) if not brief.unknown]
    known = [brief for brief, _ in told]

    def in_order(steepness: float) -> int:
        policy = ComposerPolicy({**tensors, SLOPE: tensors[SLOPE] * np.float32(steepness)})
        composed = zip(compose(known, policy), told, strict=True)
        return sum(np.array_equal(mine.order, order) for mine, (_, order) in composed)

    best = max(STEEPNESS, key=in_order)  # the first of equally good ones
    return {**tensors, SLOPE: tensors[SLOPE] * np.float32(best)}


def write_decisions(expert: Expert, path: Path) -> None:
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
    `ImitationConfig` as JSON-able values, and ``limit``, the number of training characters (None: all).

    Attributes:
        steps: gradient steps done.
        batches: batches learned from, the last one perhaps in part.
    """

    def build(self) -> None:
        """Build BC's learner and find the expert."""
        settings = self.config.learner_config_dict
        self._settings = ImitationConfig.model_validate(settings["imitation"])
        self._expert = training_expert(
            settings["limit"], self._settings.further, self._settings.practice, self._settings.seed
        )
        self._rng = np.random.default_rng(self._settings.seed)
        self._disturbance = Disturbance(**self._settings.disturbance.model_dump())
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
            decisions = self._expert.decisions(characters[part], steps[part], self._disturbance, self._rng, own)
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


def imitation_config(config: ImitationConfig, decisions: Path, *, limit: int | None = None) -> BCConfig:
    """Return RLlib's configuration of an imitation.

    Args:
        config: the settings.
        decisions: parquet file that `write_decisions` wrote.
        limit: number of training characters; None for all.
    """
    training = config.training
    return (
        BCConfig()
        .environment(
            observation_space=gymnasium.spaces.Box(-np.inf, np.inf, (MAX_STROKES, OBSERVATION_SIZE), np.float32),
            action_space=gymnasium.spaces.Box(-np.inf, np.inf, (1 + PLACE_SIZE,), np.float32),
        )
        .offline_data(
            input_=[str(decisions)],
            input_read_method="read_parquet",
            prelearner_class=DecisionColumns,
            map_batches_kwargs={"concurrency": 1},
            dataset_num_iters_per_learner=1,
        )
        .rl_module(
            rl_module_spec=RLModuleSpec(
                module_class=ComposerModule,
                model_config={**config.network.model_dump(), "value_width": 64, "sigma": (0.1, 0.3)},
            )
        )
        .training(
            learner_class=ImitationLearner,
            train_batch_size_per_learner=training.batch,
            grad_clip=training.grad_clip,
            grad_clip_by="global_norm",
            lr=training.lr,
            learner_config_dict={"imitation": config.model_dump(mode="json"), "limit": limit},
        )
        .learners(num_learners=0)
        .env_runners(num_env_runners=0)
        .debugging(seed=config.seed)
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
