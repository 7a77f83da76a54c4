"""Both levels at once by PPO: the composer decides strokes, the primitives write them, each is rewarded for its own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from hierbrush.composer import composers
from hierbrush.curriculum import load_curriculum
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.learning.config import (
    AdvantageDecay,
    Count,
    Epochs,
    FileName,
    FirstRate,
    LastNoise,
    LastRate,
    Positive,
    RatioLimit,
    Section,
    Share,
    Widths,
)
from hierbrush.learning.recipe import Recipe, TrainingRequest
from hierbrush.learning.runs.job import Job
from hierbrush.learning.runs.weights import Weights, tensors_of
from hierbrush.sim import observation
from hierbrush.strokes.learned import WEIGHTS as PRIMITIVE_WEIGHTS
from hierbrush.strokes.script import check_type
from hierbrush.strokes.types import ABBREVIATIONS

_Weight = Annotated[float, Field(ge=0)]

SHIPPED = "shipped"
IMITATION = composers.IMITATION
_COMPOSERS = {
    SHIPPED: composers.WEIGHTS,
    IMITATION: composers.IMITATION_WEIGHTS,
    composers.GOAL_CONDITIONED: composers.GOAL_WEIGHTS,
}
_PRIMITIVES = {SHIPPED: PRIMITIVE_WEIGHTS}


_Types = Annotated[tuple[str, ...], AfterValidator(lambda names: tuple(map(check_type, names)))]


class CharactersSection(Section):
    """What is sampled."""

    slots: Count = 256
    """Characters that one runner writes side by side."""

    supersample: Literal[1, 2, 4] = 1
    """Samples a pixel side of the ink that primitives are rewarded for."""


class ComposerSection(Section):
    """The upper level."""

    weights: FileName = SHIPPED
    """Safetensors file that it begins with and stays near: ``shipped``, ``imitation`` (what the shipped one began as),
    ``goal-conditioned`` (the one that copies pictures), or a path."""

    train: bool = True
    """Whether it learns; otherwise it decides by its most likely action."""

    value_width: Count = 128
    """Width of the critic's layers."""

    sigma: Positive = 0.15
    """Standard deviation of the exploration noise of boxes at the first step, in place units (1 is 5 % of the box)."""

    sigma_final: LastNoise = 0.06

    shape_noise: Positive = 2.0
    """Noise of the shape coefficients, in that of the boxes."""

    lr: FirstRate = 1e-4
    lr_final: LastRate = 1e-5

    gamma: Share = 0.9995
    """Discount per control tick; a decision that takes k ticks is discounted by gamma to the k."""

    gae_lambda: Share = 0.9
    """Decay of generalised advantage estimation, per decision."""

    epochs: Epochs = 3

    anchor_choice: _Weight = 0.2
    """Weight of the Kullback-Leibler divergence of the choice of strokes from the weights that it began with: ink says
    little about order."""

    anchor_place: _Weight = 0.01
    """Weight of the divergence of the strokes' places."""

    entropy: _Weight = 0.0
    """Weight of the entropy of its decisions."""


class PrimitivesSection(Section):
    """The lower level."""

    weights: FileName = SHIPPED
    """Safetensors file with a policy for each stroke type: ``shipped``, or a path."""

    train: Literal["none", "all"] | _Types = "none"
    """Which stroke types learn; the others write by their most likely action."""

    hidden: Widths = (128, 128)
    """Widths of the critics' layers; the policies' are those of the weights."""

    sigma: Positive = 0.03
    """Standard deviation of the exploration noise at the first step, in action units."""

    sigma_final: Positive = 0.02
    """Standard deviation at the last step."""

    lr: FirstRate = 5e-5
    lr_final: LastRate = 5e-6

    gamma: Share = 0.9
    """Discount per control tick."""

    gae_lambda: AdvantageDecay = 0.95
    epochs: Epochs = 2

    @property
    def trained(self) -> tuple[str, ...]:
        """Abbreviations of the stroke types that learn."""
        if self.train == "all":
            return tuple(ABBREVIATIONS)
        return () if self.train == "none" else tuple(self.train)


class HierarchicalTrainingSection(Section):
    """PPO of both levels."""

    steps: Count
    """Environment steps: control ticks and decisions."""

    fragment: Count = 128
    """Ticks sampled from every character between two updates."""

    minibatch: Count = 256
    """Samples per gradient step of the module that has most of them; the others get as many gradient steps."""

    clip: RatioLimit = 0.2

    grad_clip: Positive = 0.5
    """Limit to each module's gradient norm."""

    value_coefficient: Positive = 0.5
    """Weight of the critics' squared errors in the loss."""

    value_warmup: int = Field(default=4, ge=0)
    """First updates that train only the critics."""


class HierarchicalRecipe(Recipe):
    """A training of both levels, as ``hierbrush train`` reads it."""

    kind: Literal["hierarchical"]
    """Which kind of training this file describes."""

    training: HierarchicalTrainingSection
    """PPO of both levels."""

    curriculum: FileName = "composer.yaml"
    """Curriculum file whose stages have characters."""

    environment: CharactersSection = CharactersSection()
    """What is sampled."""

    composer: ComposerSection = ComposerSection()
    """The upper level."""

    primitives: PrimitivesSection = PrimitivesSection()
    """The lower level."""

    metric: ClassVar = "character_iou"
    schedules: ClassVar = (
        *Recipe.schedules,
        *(
            f"{level}.{key}"
            for level in ("composer", "primitives")
            for key in ("lr", "lr_final", "sigma", "sigma_final")
        ),
    )

    @model_validator(mode="after")
    def _something_learns(self) -> HierarchicalRecipe:
        if not self.trained:
            raise ValueError("composer.train, primitives.train: nothing learns; expected true, 'all' or stroke types")
        return self

    @property
    def trained(self) -> tuple[str, ...]:
        """The agents that learn, which are also RLlib's modules."""
        return ((composers.COMPOSER,) if self.composer.train else ()) + self.primitives.trained

    @property
    def batch(self) -> int:
        """Environment steps that every learner gets between two updates of the runners."""
        sampled = self.environment.slots * self.training.fragment * max(1, self.resources.runners)
        return sampled // max(1, self.resources.learners)

    @property
    def weights(self) -> tuple[str, ...]:
        """A file for each level that learns."""
        composer = ("composer.safetensors",) if self.composer.train else ()
        return composer + (("policies.safetensors",) if self.primitives.trained else ())

    @property
    def weight_files(self) -> tuple[str, str]:
        """The files that the composer and the primitives begin with.

        Raises:
            HierbrushError: there is no such file.
        """
        composer = _file("composer.weights", self.composer.weights, _COMPOSERS)
        return composer, _file("primitives.weights", self.primitives.weights, _PRIMITIVES)

    def jobs(self, request: TrainingRequest) -> Sequence[Sequence[Job]]:
        """Return the one training of both.

        Raises:
            HierbrushError: the curriculum or weights are missing.
        """
        self.refuse_stroke(request, "a hierarchical training names its stroke types in primitives.train")
        files = tuple(map(Path, self.weight_files))
        curriculum = load_curriculum(self.curriculum, beside=request.file)
        return [[request.job(self, curriculum=curriculum, needs=files)]]

    def algorithm(self, job: Job) -> Any:
        """Return PPO for all modules."""
        from hierbrush.learning.ppo.both_levels import hierarchical_algorithm_config

        assert job.curriculum is not None
        return hierarchical_algorithm_config(self, job.curriculum).build_algo()

    def record(self, job: Job, algorithm: Any, result: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return steps, stage, scores, and the losses of the composer or of the first primitive that learns."""
        from hierbrush.learning.ppo.algorithm import iteration_record

        return iteration_record(result, self.trained[0])

    def export(self, job: Job, algorithm: Any, record: Mapping[str, Any]) -> Sequence[Weights]:
        """Return files of the same form as those that ship, in float16.

        All primitives are in theirs, those that were not trained as well, so that it can be used as it is.
        """
        scores = ("return", "iou", "character_iou", "order_exact", "centre_error")
        facts = {
            "trained": list(self.trained),
            "training_scores": {name: record[name] for name in scores if record.get(name) is not None},
        }
        files = []
        if self.composer.train:
            files.append(Weights(_half(tensors_of(algorithm, "net.", composers.COMPOSER)), facts))
        if self.primitives.trained:
            networks = {
                f"{stroke}/{name}": tensor
                for stroke in ABBREVIATIONS
                for name, tensor in tensors_of(algorithm, "policy.", stroke).items()
            }
            files.append(Weights(_half(networks), {**facts, "observation_version": observation.VERSION}))
        return files


def _half(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as they are shipped."""
    return {name: tensor.astype(np.float16) for name, tensor in tensors.items()}


def _file(setting: str, weights: str, named: Mapping[str, Path]) -> str:
    path = named[weights] if weights in named else Path(weights).resolve()
    if not os.path.isfile(path):
        raise HierbrushError(
            f"{setting}: {shown(weights)} is neither a file nor {' or '.join(map(repr, named))}"
            f"{closest(weights, list(named))}"
        )
    return str(path)
