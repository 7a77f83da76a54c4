"""Primitives learned from a data set, without a simulator: RLlib's BC, MARWIL or IQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from hierbrush.datasets.read import check_dataset
from hierbrush.datasets.settings import KINDS
from hierbrush.learning.config import (
    Count,
    FilePath,
    FirstRate,
    GradientLimit,
    LastRate,
    PolicyWidths,
    Positive,
    Precision,
    Section,
    Share,
    TickDiscount,
    Widths,
)
from hierbrush.learning.recipe import Recipe, TrainingRequest
from hierbrush.learning.runs.job import Job
from hierbrush.learning.runs.logs import Curve
from hierbrush.learning.runs.weights import WEIGHTS, Weights, begin_with, load_weights, primitive_tensors, tensors_of
from hierbrush.sim import observation
from hierbrush.strokes.script import check_type
from hierbrush.strokes.types import ABBREVIATIONS


class DataSection(Section):
    """What is learned from."""

    folder: FilePath
    """Data set that ``hierbrush dataset make`` wrote, from the working directory."""

    kinds: tuple[str, ...] = ()
    """Whose ticks are learned from: ``planned``, ``policy``, ``noisy``, ``random``; all that there are unless given."""

    strokes: Annotated[tuple[str, ...], AfterValidator(lambda names: tuple(map(check_type, names)))] = ()
    """Stroke types that are validated; all unless given."""

    @field_validator("kinds")
    @classmethod
    def _known_kinds(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown:
            raise ValueError(f"there is no kind {unknown[0]!r}; there are {', '.join(KINDS)}")
        return kinds


class NetworkSection(Section):
    """The networks, as those of PPO."""

    hidden: PolicyWidths = (128, 128)

    value_hidden: Widths = (128, 128)
    """Widths of the critics' ReLU layers."""

    sigma: Positive = 0.12
    """Standard deviation that actions are taken to have, in action units."""

    precision: Precision = "float32"


class OfflineSection(Section):
    """Learning from data."""

    steps: Count
    """Ticks learned from; more than the data set has come again."""

    batch: Count = 16384
    """Ticks an iteration."""

    minibatch: Count = 512
    """Ticks per gradient step."""

    lr: FirstRate = 1e-3
    lr_final: LastRate = 1e-4
    gamma: TickDiscount = 0.9
    grad_clip: GradientLimit = 1.0

    beta: Annotated[float, Field(gt=0, le=1)] = 1.0
    """MARWIL: how much better ticks count more; BC is what 0 would be."""

    expectile: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """IQL: which expectile of the Q-values the value is."""

    temperature: Positive = 30.0
    """IQL: factor to advantages in the exponent; a tick's advantage is some hundredths."""

    tau: Share = 0.005
    """IQL: share by which the target follows the critic at every gradient step."""

    validate_every: Positive = 60.0
    """Seconds between scores on validation strokes."""

    validation: Count = 256
    """Validation strokes, at most."""


class OfflineRecipe(Recipe):
    """One policy from a data set, as ``hierbrush train`` reads it."""

    kind: Literal["offline"]
    """Which kind of training this file describes."""

    method: Literal["bc", "marwil", "iql"]
    """RLlib's algorithm: behaviour cloning, the same weighted by advantages, or implicit Q-learning."""

    data: DataSection
    """What is learned from."""

    training: OfflineSection
    """Learning from data."""

    policy: NetworkSection = NetworkSection()
    """The networks."""

    initial_weights: FilePath | None = None
    """Safetensors file to begin with, from the working directory; an untrained network when not given."""

    weights: ClassVar = (WEIGHTS,)
    figures: ClassVar = (("policy loss", "policy_loss"), ("validation IoU", "iou"))
    curve: ClassVar = Curve(
        per=1e6,
        across="ticks learned from (millions)",
        left="policy loss",
        right="stroke IoU on validation strokes",
        lines=(("policy_loss", "policy loss"),),
        scores=(("iou", "stroke IoU"),),
    )
    incidental: ClassVar = ("training.validate_every", "training.validation")
    alone: ClassVar = "learning from data samples nothing and is done in one process"

    @model_validator(mode="after")
    def _minibatch_fits(self) -> OfflineRecipe:
        if self.training.minibatch > self.training.batch:
            raise ValueError(
                f"training.minibatch {self.training.minibatch} is above training.batch {self.training.batch}"
            )
        return self

    def jobs(self, request: TrainingRequest) -> Sequence[Sequence[Job]]:
        """Return the one training.

        Raises:
            HierbrushError: the data set is none, or has nothing of a kind.
        """
        self.refuse_stroke(request, "what is learned from data is for the strokes in the data")
        card = check_dataset(self.data.folder, self.data.kinds, argument="data.folder")
        named = {name: card[name] for name in ("settings", "commit", "ticks", "kinds", "licence")}
        facts = {"trained_by": self.method, "data": named}
        initial = self.initial_weights
        return [[request.job(self, facts=facts, initial_weights=initial, needs=(initial,) if initial else ())]]

    def algorithm(self, job: Job) -> Any:
        """Return RLlib's algorithm on the data set."""
        from hierbrush.learning.offline.algorithms import offline_config

        return offline_config(self, Path(self.data.folder).resolve()).build_algo()

    def begin(self, job: Job, algorithm: Any) -> None:
        """Put the first weights into the policy."""
        if job.initial_weights is not None:
            begin_with_policy(algorithm, job.initial_weights)

    def record(self, job: Job, algorithm: Any, result: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return ticks and losses, and now and then the scores on validation strokes."""
        return dict(algorithm.record(result))

    def export(self, job: Job, algorithm: Any, record: Mapping[str, Any]) -> Sequence[Weights]:
        """Return policy and value."""
        return [policy_weights(algorithm, None, self.data.strokes, record)]


def begin_with_policy(algorithm: Any, file: Path) -> None:
    """Put the policy of a weights file into an algorithm's learner.

    Raises:
        HierbrushError: its network is another one.
    """
    mine = {f"policy.{name}": array.shape for name, array in tensors_of(algorithm, "policy.").items()}
    begin_with(algorithm, load_weights(file, mine))


def policy_weights(algorithm: Any, stroke: str | None, strokes: Sequence[str], record: Mapping[str, Any]) -> Weights:
    """Return a primitive's policy and value, with what ``hierbrush write`` wants to know of them."""
    network = primitive_tensors(algorithm)
    facts = {
        "stroke": stroke,
        "stroke_types": [stroke] if stroke else list(strokes or ABBREVIATIONS),
        "observation_version": observation.VERSION,
        "observation_size": network["policy.0.weight"].shape[1],
        "action_size": 3,
        "training_scores": {name: value for name, value in record.items() if name.startswith("iou")},
    }
    return Weights(network, facts)
