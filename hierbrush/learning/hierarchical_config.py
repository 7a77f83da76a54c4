"""The configuration of a training of both levels: every field of ``kind: hierarchical`` files."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hierbrush.errors import closest, shown
from hierbrush.learning.config import FaultsSection, FileName, OutputSection, ResourcesSection, Section
from hierbrush.strokes.types import ABBREVIATIONS

_Count = Annotated[int, Field(gt=0)]
_Positive = Annotated[float, Field(gt=0)]
_Weight = Annotated[float, Field(ge=0)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]

SHIPPED = "shipped"
IMITATION = "imitation"


def _known_types(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in ABBREVIATIONS:
            raise ValueError(
                f"{shown(name)} is none of the 38 stroke types{closest(name.upper(), list(ABBREVIATIONS))}"
            )
    return names


_Types = Annotated[tuple[str, ...], AfterValidator(_known_types)]


class CharactersSection(Section):
    """What is sampled."""

    slots: _Count = 256
    """Characters that one runner writes side by side."""

    supersample: Literal[1, 2, 4] = 1
    """Samples a pixel side of the ink that primitives are rewarded for."""


class ComposerSection(Section):
    """The upper level."""

    weights: FileName = SHIPPED
    """Safetensors file that it begins with and stays near: ``shipped``, ``imitation`` (what the shipped one began as),
    or a path."""

    train: bool = True
    """Whether it learns; otherwise it decides by its most likely action."""

    value_width: _Count = 128
    """Width of the critic's layers."""

    sigma: _Positive = 0.15
    """Standard deviation of the exploration noise of boxes at the first step, in place units (1 is 5 % of the box)."""

    sigma_final: _Positive = 0.06
    """Standard deviation at the last step; in between it changes linearly with the steps."""

    shape_noise: _Positive = 2.0
    """Noise of the shape coefficients, in that of the boxes."""

    lr: _Positive = 1e-4
    """Adam's learning rate at the first step."""

    lr_final: _Positive = 1e-5
    """Learning rate at the last step."""

    gamma: _Share = 0.9995
    """Discount per control tick; a decision that takes k ticks is discounted by gamma to the k."""

    gae_lambda: _Share = 0.9
    """Decay of generalised advantage estimation, per decision."""

    epochs: _Count = 3
    """Passes over every batch."""

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

    hidden: Annotated[tuple[_Count, ...], Field(min_length=1, max_length=8)] = (128, 128)
    """Widths of the critics' layers; the policies' are those of the weights."""

    sigma: _Positive = 0.03
    """Standard deviation of the exploration noise at the first step, in action units."""

    sigma_final: _Positive = 0.02
    """Standard deviation at the last step."""

    lr: _Positive = 5e-5
    """Adam's learning rate at the first step."""

    lr_final: _Positive = 5e-6
    """Learning rate at the last step."""

    gamma: _Share = 0.9
    """Discount per control tick."""

    gae_lambda: _Share = 0.95
    """Decay of generalised advantage estimation, per tick."""

    epochs: _Count = 2
    """Passes over every batch."""

    @property
    def trained(self) -> tuple[str, ...]:
        """Abbreviations of the stroke types that learn."""
        if self.train == "all":
            return tuple(ABBREVIATIONS)
        return () if self.train == "none" else tuple(self.train)


class HierarchicalTrainingSection(Section):
    """PPO of both levels."""

    steps: _Count
    """Environment steps: control ticks and decisions."""

    fragment: _Count = 128
    """Ticks sampled from every character between two updates."""

    minibatch: _Count = 256
    """Samples per gradient step of the module that has most of them; the others get as many gradient steps."""

    clip: _Positive = 0.2
    """PPO's limit to how far the ratio of new to old probability may leave 1."""

    grad_clip: _Positive = 0.5
    """Limit to each module's gradient norm."""

    value_coefficient: _Positive = 0.5
    """Weight of the critics' squared errors in the loss."""

    value_warmup: int = Field(default=4, ge=0)
    """First updates that train only the critics."""


class HierarchicalConfig(Section):
    """A training of both levels, as ``hierbrush train`` reads it."""

    kind: Literal["hierarchical"]
    """What this file describes."""

    name: _Name
    """Name of the training and of its folder under ``runs/``."""

    seed: int = Field(default=0, ge=0, lt=2**31)
    """Seed of characters, noise, first weights and shuffling."""

    curriculum: FileName = "composer.yaml"
    """Curriculum file whose stages have characters."""

    environment: CharactersSection = CharactersSection()
    """What is sampled."""

    composer: ComposerSection = ComposerSection()
    """The upper level."""

    primitives: PrimitivesSection = PrimitivesSection()
    """The lower level."""

    training: HierarchicalTrainingSection
    """PPO."""

    resources: ResourcesSection = ResourcesSection()
    """Processes."""

    faults: FaultsSection = FaultsSection()
    """What happens when something is lost."""

    output: OutputSection = OutputSection()
    """Checkpoints and logs."""
