"""The composer's first training: imitation of the training characters."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from hierbrush.composer.policy import ComposerPolicy
from hierbrush.errors import HierbrushError, shown
from hierbrush.learning.config import Count, FilePath, GradientLimit, Positive, Section, Share
from hierbrush.learning.recipe import Recipe, TrainingRequest
from hierbrush.learning.runs.job import Job
from hierbrush.learning.runs.logs import Curve
from hierbrush.learning.runs.weights import Weights, begin_with, tensors_of


class NetworkSection(Section):
    """The composer's network."""

    width: Annotated[int, Field(gt=0, multiple_of=32)] = 128
    """Numbers of a stroke's token inside the network."""

    layers: Count = 3
    """Attention layers."""

    hidden: Count = 256
    """Width of the layers' feed-forward part."""


class LossSection(Section):
    """What counts how much; boxes and coefficients in place units."""

    order: Positive = 0.5
    """Cross-entropy of the stroke chosen."""

    centre: Positive = 1.0
    """Distance between the centres."""

    size: Positive = 0.2
    """Difference of the logarithms of width and height, squared where it is small."""

    shape: Positive = 0.02
    """Squared difference of the shape coefficients."""


class DisturbanceSection(Section):
    """By how much what the composer sees differs from the expert's, so that it learns to live with its own errors."""

    shift: Positive = 0.2
    """Standard deviation of the shift of what is written, in place units."""

    scatter: Positive = 0.25
    """Standard deviation of each written stroke's own deviation, in place units."""

    goals: Share = 0.2
    """Share of decisions with a goal for every stroke."""

    some_goals: Share = 0.1
    """Share of decisions with goals for a random part of the strokes."""

    afresh: Share = 0.0
    """Share of decisions put back to the beginning: nothing is written, and there are no goals."""


class PracticeSection(Section):
    """What earlier imitations teach: invented characters, and soft targets; see `imitation.practice`."""

    characters: int = Field(default=0, ge=0)
    """Number of invented characters; none unless given."""

    teachers: tuple[FilePath, ...] = ()
    """``composer.safetensors`` of earlier imitations, from the working directory; where they put the strokes of
    invented and of training characters, by their mean, is practised."""

    soft_targets: Share = 0.0
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


class GoalsSection(Section):
    """Pictures as goals: the composer sees one of the whole character, and learns where its strokes lie in it."""

    drawings: FilePath | None = None
    """File of registered drawings of fonts, which ``hierbrush goals register`` made, from the working directory."""

    relabelled: int = Field(default=3000, ge=0)
    """Number of training characters written at random, whose ink is taken for the picture (goal relabelling)."""

    @model_validator(mode="after")
    def _has_pictures(self) -> GoalsSection:
        if self.drawings is None and not self.relabelled:
            raise ValueError("no pictures; name a file of drawings, or set relabelled above 0")
        return self


class ImitationSection(Section):
    """Behaviour cloning."""

    steps: Count
    """Gradient steps; the learning rate falls to zero over them."""

    lr: Positive = 2e-3
    """AdamW's learning rate after the first 200 steps."""

    weight_decay: float = Field(default=0.01, ge=0)
    """AdamW's decay."""

    batch: Count = 8192
    """Decisions an iteration."""

    minibatch: Count = 256
    """Decisions per gradient step, of characters with like numbers of strokes."""

    grad_clip: GradientLimit = 1.0

    own_places: bool = False
    """Whether what is written is seen where the composer itself would have put it, unless there are goals."""

    validate_every: Positive = 120.0
    """Seconds between scores on validation characters."""


class ImitationRecipe(Recipe):
    """An imitation, as ``hierbrush train`` reads it."""

    kind: Literal["imitation"]
    """Which kind of training this file describes."""

    training: ImitationSection
    """Behaviour cloning."""

    network: NetworkSection = NetworkSection()
    """The network."""

    loss: LossSection = LossSection()
    """Weights of the loss."""

    disturbance: DisturbanceSection = DisturbanceSection()
    """What is changed about what the composer sees."""

    further: bool = True
    """Whether further drawings of training characters, from two fonts, are learned as well; see `composer.drawings`."""

    told: bool = False
    """Whether training characters are learned a second time, as an independent table of decompositions tells them to a
    user, with the parts that have to be guessed."""

    limit: Count | None = None
    """At most so many training characters, further drawings and validation characters, to try something; all of them
    unless given."""

    practice: PracticeSection = PracticeSection()
    """What earlier imitations teach."""

    goals: GoalsSection | None = None
    """Pictures that are copied, in place of characters that are composed; the composer then sees them."""

    initial_weights: FilePath | None = None
    """``composer.safetensors`` to begin with, from the working directory; an untrained network when not given."""

    weights: ClassVar = ("composer.safetensors",)
    metric: ClassVar = "box_iou"
    figures: ClassVar = (
        ("loss of choice", "choice_loss"),
        ("centres", "centre_error"),
        ("of validation characters", "centre_known"),
    )
    curve: ClassVar = Curve(
        per=1000,
        across="gradient steps (thousands)",
        left="in training: place units, cross-entropy",
        right="on validation characters: sides of the box",
        lines=(("centre_error", "centres in training"), ("choice_loss", "loss of choice")),
        scores=(("centre_known", "centres of known validation characters"),),
    )
    incidental: ClassVar = ("training.validate_every",)
    readers: ClassVar = 1
    alone: ClassVar = "an imitation samples nothing and learns in its own process"

    @model_validator(mode="after")
    def _copies_or_composes(self) -> ImitationRecipe:
        if self.goals is not None and self.practice.teachers:
            raise ValueError("practice.teachers: compose without pictures, so they cannot teach to copy 'goals'")
        return self

    def jobs(self, request: TrainingRequest) -> Sequence[Sequence[Job]]:
        """Return the one training.

        Raises:
            HierbrushError: a file that it names is no composer.
        """
        self.refuse_stroke(request, "an imitation has no stroke types")
        teachers, initial = self.practice.teachers, [self.initial_weights] if self.initial_weights else []
        for number, file in enumerate(teachers):
            _check_composer(f"practice.teachers[{number}]", file)
        for file in initial:
            _check_composer("initial_weights", file)
        drawings = [self.goals.drawings] if self.goals and self.goals.drawings else []
        for file in drawings:
            _check_drawings(file)
        facts: dict[str, Any] = {
            "trained_by": "imitation",
            "invented": {"characters": self.practice.characters, "teachers": _hashes(teachers)},
            "initial_weights": _hashes(initial),
            "disturbance": self.disturbance.model_dump(),
        }
        if self.goals is not None:
            facts["goals"] = {"relabelled": self.goals.relabelled, "drawings": _hashes(drawings)}
        return [[request.job(self, facts=facts, needs=(*teachers, *initial, *drawings))]]

    def prepare(self, job: Job) -> None:
        """Read how training characters are written."""
        if self.goals is not None:
            from hierbrush.learning.imitation.goal_expert import goal_expert

            goal_expert(self.goals, self.limit, self.seed)
            return
        from hierbrush.learning.imitation.expert import training_expert

        training_expert(self.limit, self.further, self.told, self.practice, self.seed)

    def algorithm(self, job: Job) -> Any:
        """Return behaviour cloning of the expert's decisions, which go to ``decisions.parquet``."""
        from hierbrush.learning.imitation.cloning import imitation_config

        return imitation_config(self, job.folder.resolve()).build_algo()

    def begin(self, job: Job, algorithm: Any) -> None:
        """Put the policy that it begins with into the learner."""
        if self.initial_weights is None:
            return
        tensors, mine = ComposerPolicy.load(self.initial_weights).tensors(), tensors_of(algorithm, "net.")
        if {name: array.shape for name, array in mine.items()} != {
            name: array.shape for name, array in tensors.items()
        }:
            raise HierbrushError("initial_weights: have other sizes than network.width, .layers and .hidden say")
        begin_with(algorithm, {f"net.{name}": array for name, array in tensors.items()})

    def record(self, job: Job, algorithm: Any, result: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return steps and losses, and now and then the scores on validation characters."""
        return dict(algorithm.record(result))

    def export(self, job: Job, algorithm: Any, record: Mapping[str, Any]) -> Sequence[Weights]:
        """Return the composer in float16, its pointer as steep as suits validation characters best."""
        learned = tensors_of(algorithm, "net.")
        if self.goals is not None:
            half = {name: array.astype(np.float16) for name, array in learned.items()}
            rounded = ComposerPolicy({name: array.astype(np.float32) for name, array in half.items()})
            return [Weights(half, {"drawings": algorithm.drawings, "validation": algorithm.scores(rounded)})]
        return [self._steepened(algorithm, learned)]

    def _steepened(self, algorithm: Any, learned: dict[str, Any]) -> Weights:
        from hierbrush.learning.imitation.scores import SLOPE, composition_scores, steeper_pointer

        briefs, truths = algorithm.validation
        steepened = steeper_pointer(learned, briefs, truths)
        shipped = {name: array.astype(np.float16) for name, array in steepened.items()}
        as_loaded = {name: array.astype(np.float32) for name, array in shipped.items()}
        facts = {
            "drawings": algorithm.drawings,
            "slope": float(steepened[SLOPE][0] / learned[SLOPE][0]),
            "validation": composition_scores(briefs, truths, ComposerPolicy(as_loaded)),
        }
        return Weights(shipped, facts)


def _check_composer(setting: str, file: Path) -> None:
    if not os.path.isfile(file):
        raise HierbrushError(f"{setting}: {shown(file)} is not a file")
    try:
        ComposerPolicy.load(file)
    except HierbrushError as error:
        raise HierbrushError(f"{setting}: {error}") from None


def _check_drawings(file: Path) -> None:
    from hierbrush.styles.registered import Registered

    if not os.path.isfile(file):
        raise HierbrushError(
            f"goals.drawings: {shown(file)} is not a file; hierbrush goals register FONT... -o {file.name} makes one"
        )
    if not Registered.load(file, argument="goals.drawings").drawings:
        raise HierbrushError(f"goals.drawings: {shown(file)} holds no drawings")


def _hashes(files: Sequence[Path]) -> dict[str, str]:
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
