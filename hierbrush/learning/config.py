"""The training configuration: every field of ``configs/*.yaml`` with its meaning, unit and limits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from hierbrush.errors import shown

_Count = Annotated[int, Field(gt=0)]
_Positive = Annotated[float, Field(gt=0)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]
_Weight = Annotated[float, Field(ge=0, le=100)]
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

_Widths = Annotated[tuple[_Count, ...], Field(min_length=1, max_length=8)]


class Section(BaseModel):
    """Part of a configuration: refuses fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class EnvironmentSection(Section):
    """What is sampled."""

    id: str = "hierbrush/Stroke-v0"
    """Gymnasium id of a vector environment with ``step_batch``; ``module:id`` imports the module first, from Python's
    path, from beside the configuration or from the working directory."""

    slots: _Count = 512
    """Environments that one runner steps together."""

    options: dict[str, Any] = Field(default_factory=dict)
    """Further keyword arguments of the environment."""


class PolicySection(Section):
    """The networks and the exploration noise."""

    hidden: _Widths = (128, 128)
    """Widths of the policy's ReLU layers."""

    value_hidden: _Widths = (128, 128)
    """Widths of the critic's ReLU layers; training cost, not shipped."""

    sigma: _Positive = 0.1
    """Standard deviation of the exploration noise at the first step, in action units (1 is the largest residual)."""

    sigma_final: _Positive = 0.04
    """Standard deviation at the last step; in between it changes linearly with the steps."""


class TrainingSection(Section):
    """PPO."""

    steps: _Count
    """Environment steps (control ticks) of one policy's training."""

    fragment: _Count = 40
    """Ticks sampled from every environment between two updates; a batch has slots x fragment steps a runner."""

    lr: _Positive = 5e-4
    """Adam's learning rate at the first step."""

    lr_final: _Positive = 5e-5
    """Learning rate at the last step; in between it changes linearly with the steps."""

    gamma: _Share = 0.90
    """Discount per tick."""

    gae_lambda: _Share = 0.95
    """Decay of generalised advantage estimation, per tick."""

    clip: _Positive = 0.2
    """PPO's limit to how far the ratio of new to old probability may leave 1."""

    epochs: _Count = 3
    """Passes over every batch."""

    minibatch: _Count = 2048
    """Environment steps per gradient step."""

    grad_clip: _Positive = 0.5
    """Limit to the gradient's global norm."""

    value_coefficient: _Positive = 0.5
    """Weight of the critic's squared error in the loss."""

    value_warmup: int = Field(default=2, ge=0)
    """First updates that train only the critic, so that the policy's first step does not follow a critic that knows
    nothing."""


class PhaseSection(Section):
    """One phase of the training; phases run in the order of the file."""

    name: _Name
    """Name of the phase and of its folder."""

    policies: Literal["one", "per_stroke"] = "one"
    """``one`` policy for all stroke types of the curriculum, or one ``per_stroke`` type."""

    start_from: str | None = None
    """Earlier phase with one policy, whose weights this phase begins with."""

    curriculum: FileName | None = None
    """Takes the place of ``curriculum`` in this phase."""

    steps: _Count | None = None
    """Takes the place of ``training.steps`` in this phase."""

    lr: _Positive | None = None
    """Takes the place of ``training.lr`` in this phase."""

    lr_final: _Positive | None = None
    """Takes the place of ``training.lr_final`` in this phase."""

    sigma: _Positive | None = None
    """Takes the place of ``policy.sigma`` in this phase."""

    sigma_final: _Positive | None = None
    """Takes the place of ``policy.sigma_final`` in this phase."""


class ResourcesSection(Section):
    """Processes, one core each."""

    processes: _Count = 1
    """Policies of one phase that are trained side by side on this machine; a cluster trains as many as have room."""

    runners: int = Field(default=0, ge=0)
    """Remote sampling processes per policy; 0 samples in the training's own process."""

    learners: int = Field(default=0, ge=0)
    """Remote learner processes per policy; 0 learns in the training's own process."""

    cpus_per_runner: _Positive = 1.0
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

    sample_timeout: _Positive = 120.0
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

    checkpoint_every: _Positive = 60.0
    """Seconds between checkpoints."""

    keep: _Count = 2
    """Complete checkpoints that are kept per policy."""

    tensorboard: bool = True
    """Whether TensorBoard event files are written beside ``metrics.jsonl``."""


class RewardSection(Section):
    """Weights of a tick's reward that take the place of those of every stage of the curriculum."""

    inside: _Weight | None = None
    """Takes the place of ``reward.inside`` in every stage of the curriculum."""

    outside: _Weight | None = None
    """Takes the place of ``reward.outside`` in every stage of the curriculum."""

    motion: _Weight | None = None
    """Takes the place of ``reward.motion`` in every stage of the curriculum."""


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

    samples: _Count = 1
    """Times that every combination is trained, with values drawn anew from the ranges."""

    metric: str = "iou"
    """Column of ``metrics.jsonl`` whose last value orders the table, the largest first."""

    @model_validator(mode="after")
    def _draws_what_it_samples(self) -> SweepSection:
        if self.samples > 1 and not any(isinstance(each, SweepRange) for each in self.values.values()):
            raise ValueError(f"samples {self.samples}: there is no range in values that could be drawn from")
        return self


class TrainingConfig(Section):
    """A training, as ``hierbrush train`` reads it."""

    name: _Name
    """Name of the training and of its folder under ``runs/``."""

    seed: int = Field(default=0, ge=0, lt=2**31)
    """Seed of goals, noise, first weights and shuffling."""

    environment: EnvironmentSection = EnvironmentSection()
    """What is sampled."""

    curriculum: FileName | None = None
    """Curriculum file beside the configuration or from the working folder, or one of hierbrush's own, such as
    ``dots.yaml``."""

    reward: RewardSection = RewardSection()
    """Weights of the reward."""

    policy: PolicySection = PolicySection()
    """The networks and the exploration noise."""

    training: TrainingSection
    """PPO."""

    phases: Annotated[tuple[PhaseSection, ...], Field(min_length=1, max_length=20)] = (PhaseSection(name="policy"),)
    """What is trained, in this order."""

    initial_weights: FileName | None = None
    """Safetensors file that the phases without ``start_from`` begin with; random weights when not given."""

    resources: ResourcesSection = ResourcesSection()
    """Processes."""

    faults: FaultsSection = FaultsSection()
    """What happens when something is lost."""

    output: OutputSection = OutputSection()
    """Checkpoints and logs."""

    sweep: SweepSection | None = None
    """Trains with different settings side by side."""

    @field_validator("phases")
    @classmethod
    def _phases_fit(cls, phases: tuple[PhaseSection, ...]) -> tuple[PhaseSection, ...]:
        earlier: dict[str, str] = {}
        for phase in phases:
            if phase.name in earlier:
                raise ValueError(f"two phases have the name {shown(phase.name)}")
            single = [name for name, policies in earlier.items() if policies == "one"]
            if phase.start_from is not None and phase.start_from not in single:
                known = ", ".join(single) or "there is none"
                raise ValueError(
                    f"phase {shown(phase.name)} cannot start from {shown(phase.start_from)}, which is no earlier "
                    f"phase with one policy ({known})"
                )
            earlier[phase.name] = phase.policies
        return phases

    @property
    def batch(self) -> int:
        """Environment steps that every learner gets between two updates of the runners."""
        sampled = self.environment.slots * self.training.fragment * max(1, self.resources.runners)
        return sampled // max(1, self.resources.learners)

    @model_validator(mode="after")
    def _minibatch_fits(self) -> TrainingConfig:
        if self.training.minibatch > self.batch:
            raise ValueError(
                f"training.minibatch {self.training.minibatch} is above the {self.batch} steps of a batch "
                "(environment.slots x training.fragment, times runners, divided by learners)"
            )
        return self

    def for_phase(self, phase: PhaseSection) -> TrainingConfig:
        """Return the configuration with the phase's own curriculum, steps, learning rates and noise in place."""

        def own(*keys: str) -> dict[str, Any]:
            return {key: getattr(phase, key) for key in keys if getattr(phase, key) is not None}

        return self.model_copy(
            update={
                "phases": (phase,),
                **own("curriculum"),
                "training": self.training.model_copy(update=own("steps", "lr", "lr_final")),
                "policy": self.policy.model_copy(update=own("sigma", "sigma_final")),
            }
        )


def weights_named(name: str, config_path: Path) -> Path:
    """Return the weights that a configuration names: beside it if they are there, else from the working folder."""
    beside = config_path.parent / name
    return beside if os.path.exists(beside) or not os.path.exists(name) else Path(name)
