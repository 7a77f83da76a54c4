"""One policy at a time by PPO: primitives, all in one or one for each stroke type, or what an environment asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, create_model, field_validator, model_validator

from hierbrush.curriculum import Curriculum, load_curriculum
from hierbrush.curriculum.model import BrushName, Reward
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.learning.config import (
    AdvantageDecay,
    Count,
    Epochs,
    FileName,
    FirstRate,
    GradientLimit,
    LastNoise,
    LastRate,
    Name,
    PolicyWidths,
    Positive,
    Precision,
    RatioLimit,
    Section,
    TickDiscount,
    Weight,
    Widths,
)
from hierbrush.learning.recipe import Recipe, TrainingRequest
from hierbrush.learning.runs.environment_id import check_environment
from hierbrush.learning.runs.job import Job
from hierbrush.learning.runs.packing import pack_specialists
from hierbrush.learning.runs.weights import WEIGHTS, Weights, begin_with, load_weights, primitive_tensors
from hierbrush.sim import observation
from hierbrush.strokes.types import ABBREVIATIONS

_WEIGHT = "Takes the place of ``reward.{name}`` in every stage of the curriculum."


class EnvironmentSection(Section):
    """What is sampled."""

    id: str = "hierbrush/Stroke-v0"
    """Gymnasium id of a vector environment with ``step_batch``; ``module:id`` imports the module first, from Python's
    path, from beside the configuration or from the working directory."""

    slots: Count = 512
    """Environments that one runner steps together."""

    options: dict[str, Any] = Field(default_factory=dict)
    """Further keyword arguments of the environment."""


class PolicySection(Section):
    """The networks and the exploration noise."""

    hidden: PolicyWidths = (128, 128)

    value_hidden: Widths = (128, 128)
    """Widths of the critic's ReLU layers; training cost, not shipped."""

    sigma: Positive = 0.1
    """Standard deviation of the exploration noise at the first step, in action units (1 is the largest residual)."""

    sigma_final: LastNoise = 0.04
    precision: Precision = "float32"


class TrainingSection(Section):
    """PPO."""

    steps: Count
    """Environment steps (control ticks) of one policy's training."""

    fragment: Count = 40
    """Ticks sampled from every environment between two updates; a batch has slots x fragment steps a runner."""

    lr: FirstRate = 5e-4
    lr_final: LastRate = 5e-5
    gamma: TickDiscount = 0.90
    gae_lambda: AdvantageDecay = 0.95
    clip: RatioLimit = 0.2
    epochs: Epochs = 3

    minibatch: Count = 2048
    """Environment steps per gradient step."""

    grad_clip: GradientLimit = 0.5

    value_coefficient: Positive = 0.5
    """Weight of the critic's squared error in the loss."""

    value_warmup: int = Field(default=2, ge=0)
    """First updates that train only the critic, so that the policy's first step does not follow a critic that knows
    nothing."""


class PhaseSection(Section):
    """One phase of the training; phases run in the order of the file."""

    name: Name
    """Name of the phase and of its folder."""

    policies: Literal["one", "per_stroke"] = "one"
    """``one`` policy for all stroke types of the curriculum, or one ``per_stroke`` type."""

    start_from: str | None = None
    """Earlier phase with one policy, whose weights this phase begins with."""

    curriculum: FileName | None = None
    """Takes the place of ``curriculum`` in this phase."""

    steps: Count | None = None
    """Takes the place of ``training.steps`` in this phase."""

    lr: Positive | None = None
    """Takes the place of ``training.lr`` in this phase."""

    lr_final: Positive | None = None
    """Takes the place of ``training.lr_final`` in this phase."""

    sigma: Positive | None = None
    """Takes the place of ``policy.sigma`` in this phase."""

    sigma_final: Positive | None = None
    """Takes the place of ``policy.sigma_final`` in this phase."""


_weights: dict[str, Any] = {
    name: (Annotated[Weight | None, Field(description=_WEIGHT.format(name=name))], None) for name in Reward.model_fields
}
RewardSection = create_model("RewardSection", __base__=Section, __doc__="Weights of the reward.", **_weights)
"""Weights of a tick's reward that take the place of those of every stage of the curriculum: one for each that a stage
has, none unless given."""


class PPORecipe(Recipe):
    """A training of single policies, as ``hierbrush train`` reads it."""

    kind: Literal["ppo"] = "ppo"
    """Which kind of training this file describes; this one unless given."""

    training: TrainingSection
    """PPO."""

    environment: EnvironmentSection = EnvironmentSection()
    """What is sampled."""

    curriculum: FileName | None = None
    """Curriculum file beside the configuration or from the working folder, or one of hierbrush's own, such as
    ``dots.yaml``."""

    brush: BrushName | None = None
    """Takes the place of the brush of every stage of the curriculum: a preset's name, or a file that ``hierbrush brush
    fit`` made."""

    reward: RewardSection = RewardSection()  # type: ignore[valid-type]
    """Weights of the reward."""

    policy: PolicySection = PolicySection()
    """The networks and the exploration noise."""

    phases: Annotated[tuple[PhaseSection, ...], Field(min_length=1, max_length=20)] = (PhaseSection(name="policy"),)
    """What is trained, in this order."""

    initial_weights: FileName | None = None
    """Safetensors file that the phases without ``start_from`` begin with; random weights when not given."""

    schedules: ClassVar = (*Recipe.schedules, "policy.sigma", "policy.sigma_final")

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
    def _minibatch_fits(self) -> PPORecipe:
        if self.training.minibatch > self.batch:
            raise ValueError(
                f"training.minibatch {self.training.minibatch} is above the {self.batch} steps of a batch "
                "(environment.slots x training.fragment, times runners, divided by learners)"
            )
        return self

    def for_phase(self, phase: PhaseSection) -> PPORecipe:
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

    def jobs(self, request: TrainingRequest) -> Sequence[Sequence[Job]]:
        """Return the policies of every phase.

        Raises:
            HierbrushError: the environment cannot be made, a curriculum is missing, or no phase trains the stroke type.
        """
        # Curricula first: to look at them needs no Gymnasium.
        phases = {phase.name: self.for_phase(phase)._phase(phase, request) for phase in self.phases}
        check_environment(self.environment.id, request.file)
        if request.stroke is None:
            return list(phases.values())
        single = [phase for phase in self.phases if phase.policies == "per_stroke"]
        if not single:
            self.refuse_stroke(request, "no phase of the configuration has policies: per_stroke")
        wanted = {name for phase in single for name in (phase.name, phase.start_from)}
        return [jobs for name, jobs in phases.items() if name in wanted]

    def _phase(self, phase: PhaseSection, request: TrainingRequest) -> list[Job]:
        curriculum = self._curriculum(request.file)
        if phase.start_from is not None:
            initial: Path | None = request.folder / phase.start_from / WEIGHTS
        else:
            initial = _beside(self.initial_weights, request.file) if self.initial_weights else None
        common = {"curriculum": curriculum, "initial_weights": initial}
        if phase.policies == "one":
            return [request.job(self, phase.name, **common)]
        known = curriculum.stroke_types if curriculum else ABBREVIATIONS
        if request.stroke is not None and request.stroke not in known:
            raise HierbrushError(
                f"--stroke: {shown(request.stroke)} is not trained by phase {shown(phase.name)} ({', '.join(known)})"
                f"{closest(request.stroke.upper(), list(known))}"
            )
        types = [name for name in known if request.stroke in (None, name)]
        return [request.job(self, phase.name, name, stroke=name, **common) for name in types]

    def _curriculum(self, file: Path) -> Curriculum | None:
        """Return the curriculum with the configuration's own weights of the reward."""
        weights = self.reward.model_dump(exclude_none=True)  # type: ignore[attr-defined]
        if self.curriculum is None:
            if self.brush is not None:
                raise HierbrushError("brush: there is no curriculum whose stages it could change")
            if weights:
                raise HierbrushError(
                    f"reward.{next(iter(weights))}: there is no curriculum whose stages it could change"
                )
            return None
        curriculum = load_curriculum(self.curriculum, beside=file).written_with(self.brush)
        stages = tuple(
            stage.model_copy(update={"reward": stage.reward.model_copy(update=weights)}) for stage in curriculum.stages
        )
        return curriculum.model_copy(update={"stages": stages})

    def algorithm(self, job: Job) -> Any:
        """Return PPO for the policy of a job."""
        from hierbrush.learning.ppo.algorithm import algorithm_config

        return algorithm_config(self, curriculum=job.curriculum, stroke=job.stroke).build_algo()

    def begin(self, job: Job, algorithm: Any) -> None:
        """Put the first weights into the networks; the noise schedule stays."""
        if job.initial_weights is not None:
            shapes = {name: array.shape for name, array in primitive_tensors(algorithm).items()}
            begin_with(algorithm, load_weights(job.initial_weights, shapes))

    def record(self, job: Job, algorithm: Any, result: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return steps, stage, return, scores and losses."""
        from hierbrush.learning.ppo.algorithm import iteration_record

        return iteration_record(result)

    def export(self, job: Job, algorithm: Any, record: Mapping[str, Any]) -> Sequence[Weights]:
        """Return policy and critic, and what they see and do."""
        module, curriculum = algorithm.get_module(), job.curriculum
        facts = {
            "stroke": job.stroke,
            "stroke_types": [job.stroke] if job.stroke else list(curriculum.stroke_types if curriculum else ()),
            "environment": self.environment.id,
            "observation_version": observation.VERSION,
            "observation_size": int(module.observation_space.shape[0]),
            "action_size": int(module.action_space.shape[0]),
            "training_scores": {
                name: value for name, value in record.items() if name == "return" or name.startswith("iou")
            },
        }
        from hierbrush.envs.stroke import hidden_columns

        network, options = primitive_tensors(algorithm), self.environment.options
        hidden = hidden_columns(options.get("hidden", ()), options.get("observation", "full"))
        for name in ("policy", "value"):
            # What was always zero in training has random first weights, which must not speak afterwards.
            network[f"{name}.0.weight"][:, hidden] = 0.0
        return [Weights(network, facts)]

    def finish(self, jobs: Sequence[Job], request: TrainingRequest) -> None:
        """Put the finished policies of single stroke types into one file, and the shipped ones where there are none."""
        pack_specialists(self, jobs, request)


def _beside(name: str, file: Path) -> Path:
    """Return the weights that a configuration names: beside it if they are there, else from the working folder."""
    beside = file.parent / name
    return beside if os.path.exists(beside) or not os.path.exists(name) else Path(name)
