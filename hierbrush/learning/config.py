"""The training configuration: every field of ``configs/*.yaml`` with its meaning, unit and limits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EnvironmentSection(_Section):
    """What is sampled."""

    id: str = Field(
        "hierbrush/Stroke-v0",
        description="Gymnasium id of a vector environment with step_batch; 'module:id' imports the module first.",
    )
    slots: Positive = Field(512, description="Environments stepped together by one runner.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="Further keyword arguments of the environment, such as brush or split."
    )


class PolicySection(_Section):
    """The networks and the exploration noise."""

    hidden: tuple[Positive, ...] = Field((128, 128), description="Widths of the policy's ReLU layers.")
    value_hidden: tuple[Positive, ...] = Field((128, 128), description="Widths of the critic's ReLU layers.")
    sigma: PositiveFloat = Field(
        0.1, description="Standard deviation of exploration at the start, in action units (1 = 3 mm)."
    )
    sigma_final: PositiveFloat = Field(
        0.04, description="Standard deviation at the last step; in between it falls linearly with the steps."
    )


class TrainingSection(_Section):
    """PPO."""

    steps: Positive = Field(description="Environment steps (control ticks) of the run.")
    fragment: Positive = Field(40, description="Ticks sampled from every environment between two updates.")
    lr: PositiveFloat = Field(5e-4, description="Adam's learning rate at the start.")
    lr_final: PositiveFloat = Field(5e-5, description="Learning rate at the last step; linear in between.")
    gamma: Share = Field(0.90, description="Discount per tick.")
    gae_lambda: Share = Field(0.95, description="Decay of generalised advantage estimation.")
    clip: PositiveFloat = Field(0.2, description="PPO's clipping of the probability ratio.")
    epochs: Positive = Field(3, description="Passes over every batch.")
    minibatch: Positive = Field(2048, description="Steps per gradient step.")
    grad_clip: PositiveFloat = Field(0.5, description="Limit of the gradient's global norm.")
    value_coefficient: PositiveFloat = Field(0.5, description="Weight of the critic's squared error in the loss.")
    value_warmup: int = Field(2, ge=0, description="Updates that train only the critic, before the policy moves.")


class PhaseSection(_Section):
    """One phase of the plan; phases run in the order of the file."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$", description="Name of the phase and of its folder.")
    policies: Literal["one", "per_stroke"] = Field(
        "one", description="'one' policy for all stroke types, or one 'per_stroke' type."
    )
    start_from: str | None = Field(None, description="Earlier phase (with policies: one) whose weights are the start.")
    steps: Positive | None = Field(None, description="Replaces training.steps in this phase.")
    lr: PositiveFloat | None = Field(None, description="Replaces training.lr in this phase.")
    lr_final: PositiveFloat | None = Field(None, description="Replaces training.lr_final in this phase.")
    sigma: PositiveFloat | None = Field(None, description="Replaces policy.sigma in this phase.")
    sigma_final: PositiveFloat | None = Field(None, description="Replaces policy.sigma_final in this phase.")
    curriculum: str | None = Field(None, description="Replaces curriculum in this phase.")


class ResourcesSection(_Section):
    """Processes and what they cost."""

    processes: Positive = Field(1, description="Policies of one phase trained side by side, a process and a core each.")
    runners: int = Field(0, ge=0, description="Remote sampling processes per policy; 0 samples in the main process.")
    learners: int = Field(0, ge=0, description="Remote learner processes per policy; 0 learns in the main process.")


class OutputSection(_Section):
    """What a run leaves behind."""

    checkpoint_every: PositiveFloat = Field(60.0, description="Seconds between checkpoints.")
    keep: Positive = Field(2, description="Complete checkpoints kept per policy.")
    tensorboard: bool = Field(True, description="Write TensorBoard event files beside metrics.jsonl.")


class TrainingConfig(_Section):
    """A training configuration (``configs/*.yaml``)."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$", description="Name of the run and of its folder under runs/.")
    seed: int = Field(0, ge=0, description="Seed of goals, noise, weights and shuffling.")
    environment: EnvironmentSection = Field(default_factory=EnvironmentSection, description="What is sampled.")
    curriculum: str | None = Field(
        None, description="Curriculum file, relative to the config, to curricula/ or to the working directory."
    )
    policy: PolicySection = Field(default_factory=PolicySection, description="Networks and exploration.")
    training: TrainingSection = Field(description="PPO.")
    phases: tuple[PhaseSection, ...] = Field(
        default=(PhaseSection(name="policy"),), min_length=1, description="What is trained, in this order."
    )
    initial_weights: str | None = Field(
        None, description="Safetensors file whose weights the phases without start_from begin with."
    )
    resources: ResourcesSection = Field(default_factory=ResourcesSection, description="Processes.")
    output: OutputSection = Field(default_factory=OutputSection, description="Checkpoints and logs.")

    @model_validator(mode="after")
    def _phases_fit(self) -> TrainingConfig:
        earlier: dict[str, str] = {}
        for index, phase in enumerate(self.phases):
            if phase.name in earlier:
                raise ValueError(f"phases.{index}.name: {phase.name!r} is used twice")
            if phase.start_from is not None and earlier.get(phase.start_from) != "one":
                single = [name for name, policies in earlier.items() if policies == "one"]
                raise ValueError(
                    f"phases.{index}.start_from: {phase.start_from!r} is not an earlier phase with one policy "
                    f"({', '.join(single) or 'there is none'})"
                )
            earlier[phase.name] = phase.policies
        return self

    def for_phase(self, phase: PhaseSection) -> TrainingConfig:
        """Return the configuration with the phase's own steps, learning rates, noise and curriculum in place."""
        training = {key: getattr(phase, key) for key in ("steps", "lr", "lr_final") if getattr(phase, key) is not None}
        policy = {key: getattr(phase, key) for key in ("sigma", "sigma_final") if getattr(phase, key) is not None}
        return self.model_copy(
            update={
                "curriculum": phase.curriculum or self.curriculum,
                "training": self.training.model_copy(update=training),
                "policy": self.policy.model_copy(update=policy),
            }
        )
