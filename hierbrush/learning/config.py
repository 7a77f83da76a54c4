"""What the configurations of all kinds of training have in common: sections, and the types of their values."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Count = Annotated[int, Field(gt=0)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]
Weight = Annotated[float, Field(ge=0, le=100)]
_Values = Annotated[tuple[Any, ...], Field(min_length=1)]


def _file_name(name: str) -> str:
    """Refuse what no file can be called, which would fail wherever it is first looked for."""
    if "\0" in name:
        raise ValueError("a file's name has no NUL in it")
    parts = [len(os.fsencode(part)) for part in name.split("/")]
    if max(parts) > _LONGEST_PART or sum(parts) + len(parts) > _LONGEST_NAME:
        raise ValueError(f"is {len(name)} characters long, more than a file's name can have")
    return name


_LONGEST_PART, _LONGEST_NAME = 255, 4095  # bytes, of Linux and most others
FileName = Annotated[str, AfterValidator(_file_name)]
"""A file as a configuration names it."""
FilePath = Annotated[Path, AfterValidator(lambda path: Path(_file_name(str(path))))]
"""The same as a path."""

Widths = Annotated[tuple[Count, ...], Field(min_length=1, max_length=8)]
Precision = Annotated[
    Literal["float32", "bfloat16"],
    Field(
        description="``bfloat16``: what is learned from passes through the networks in 16 bits, at twice the speed on "
        "processors that multiply such numbers (AVX512-BF16, AMX); weights, losses and sampling stay in 32."
    ),
]

# What several kinds of training have, with one meaning.
_LINEAR = "in between it changes linearly with the steps"
_RATIO = "PPO's limit to how far the ratio of new to old probability may leave 1."
GradientLimit = Annotated[Positive, Field(description="Limit to the gradient's global norm.")]
LastNoise = Annotated[
    Positive, Field(description="Standard deviation at the last step; in between it changes linearly with the steps.")
]
FirstRate = Annotated[Positive, Field(description="Adam's learning rate at the first step.")]
LastRate = Annotated[
    Positive, Field(description="Learning rate at the last step; in between it changes linearly with the steps.")
]
Epochs = Annotated[Count, Field(description="Passes over every batch.")]
AdvantageDecay = Annotated[Share, Field(description="Decay of generalised advantage estimation, per tick.")]
RatioLimit = Annotated[
    Positive, Field(description="PPO's limit to how far the ratio of new to old probability may leave 1.")
]
PolicyWidths = Annotated[Widths, Field(description="Widths of the policy's ReLU layers.")]
TickDiscount = Annotated[Share, Field(description="Discount per tick.")]


class Section(BaseModel):
    """Part of a configuration: refuses fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class ResourcesSection(Section):
    """Processes, one core each."""

    processes: Count = 1
    """Policies of one phase that are trained side by side on this machine; a cluster trains as many as have room."""

    runners: int = Field(default=0, ge=0)
    """Remote sampling processes per policy; 0 samples in the training's own process."""

    learners: int = Field(default=0, ge=0)
    """Remote learner processes per policy; 0 learns in the training's own process."""

    cpus_per_runner: Positive = 1.0
    """Cores that Ray sets aside for a remote runner; a runner uses one."""

    gpus_per_learner: float = Field(default=0.0, ge=0)
    """GPUs that Ray sets aside for a learner; the networks are small, so a share of one is plenty."""


class FaultsSection(Section):
    """What happens when a process, a machine or an answer is lost. What an environment raises is no loss: it ends the
    training with its own message.
    """

    restarts: int = Field(default=100, ge=0)
    """Times that a remote runner whose process died is started again, on any machine with a free core; what dies with
    a machine does not count."""

    sample_timeout: Positive = 120.0
    """Seconds after which a remote runner that has not answered counts as hanging and is replaced."""

    patience: float = Field(default=600.0, ge=0)
    """Seconds without a step from any remote runner after which the training gives up."""

    retries: int = Field(default=3, ge=0)
    """Times that one of several policies trained side by side goes on from its last checkpoint after its process was
    lost or failed."""


class OutputSection(Section):
    """What a training leaves behind."""

    storage: FileName | None = None
    """Folder or URI (``s3://bucket/runs``, ``gs://``, ``hdfs://``, ``file:///``; whatever pyarrow opens) that holds
    checkpoints, logs and weights, as ``<storage>/<output folder>/<policy>``; the output folder itself unless given."""

    checkpoint_every: Positive = 60.0
    """Seconds between checkpoints."""

    keep: Count = 2
    """Complete checkpoints that are kept per policy."""

    tensorboard: bool = True
    """Whether TensorBoard event files are written beside ``metrics.jsonl``."""


class SweepRange(Section):
    """Numbers from which values are drawn."""

    low: float
    """Smallest value."""

    high: float
    """Largest value."""

    log: bool = False
    """Whether the logarithm is drawn evenly, as suits learning rates."""

    @model_validator(mode="after")
    def _is_a_range(self) -> SweepRange:
        if not self.low < self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"low {self.low} has no logarithm; expected a positive number")
        return self


class SweepSection(Section):
    """The same training with different settings, side by side."""

    values: Annotated[dict[str, _Values | SweepRange], Field(min_length=1)]
    """Settings by their dotted key: a list, every value of which is tried with every value of the other lists, or a
    range ``{low, high, log}`` that values are drawn from."""

    samples: Count = 1
    """Times that every combination is trained, with values drawn anew from the ranges."""

    metric: str | None = None
    """Column of ``metrics.jsonl`` whose last value orders the table, the largest first; the kind's own unless given."""

    @model_validator(mode="after")
    def _draws_what_it_samples(self) -> SweepSection:
        if self.samples > 1 and not any(isinstance(each, SweepRange) for each in self.values.values()):
            raise ValueError(f"samples {self.samples}: there is no range in values that could be drawn from")
        return self
