"""Primitives by guided policy search: taught what a search would have done where they come to by themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from hierbrush.characters import load_library
from hierbrush.curriculum import Curriculum, load_curriculum
from hierbrush.curriculum.model import BrushName
from hierbrush.errors import HierbrushError, closest, extra_needed, shown
from hierbrush.learning.config import Count, FileName, FilePath, GradientLimit, Positive, Section, Share
from hierbrush.learning.recipe import Recipe, TrainingRequest
from hierbrush.learning.recipes.offline import NetworkSection, begin_with_policy, policy_weights
from hierbrush.learning.runs.job import Job
from hierbrush.learning.runs.logs import Curve
from hierbrush.learning.runs.packing import pack_specialists
from hierbrush.learning.runs.weights import WEIGHTS, Weights, begin_with
from hierbrush.strokes.learned import shipped_policies

if TYPE_CHECKING:
    from hierbrush.arms.hands import ArmHands


class GuidedSection(Section):
    """Rounds of writing, being told and learning."""

    steps: Count
    """Rounds."""

    strokes: Count = 150
    """Strokes that the policy writes in a round and is told about; some 20 to 60 ms each."""

    epochs: Count = 5
    """Passes over the lessons of all rounds so far, in every round."""

    minibatch: Count = 512
    """States per gradient step."""

    lr: Positive = 1e-3
    """Adam's learning rate in the first round."""

    lr_final: Positive = 5e-5
    """Learning rate after the last; in between it changes linearly with the rounds."""

    noise: float = Field(default=0.03, ge=0)
    """Standard deviation of what is added to the policy's actions, so that it meets more states."""

    brush: Share = 0.1
    """Share by which brushes are off, but for every third one, so that a policy does well with both."""

    grad_clip: GradientLimit = 1.0

    validation: Count = 100
    """Validation strokes that are written after every round, at most."""


class HandSection(Section):
    """A simulated arm that holds the brush while the policy writes."""

    arm: str | dict[str, Any] = "so101"
    """``ur5e``, ``so101``, a file or an arm's fields."""

    cell: float = Field(default=0.03, ge=0.005, le=0.12)
    """Metres that a character's box is wide."""

    feedback: Share = 1.0
    """Share of the error that encoders see and the next command takes off."""

    slots: Count = 16
    """Arms, and so strokes, side by side."""

    def build(self, seed: int) -> ArmHands:
        """Return the arms.

        Raises:
            HierbrushError: the arm cannot be used, or MuJoCo is not installed.
        """
        with extra_needed("hand:", "arm"):
            from hierbrush.arms.hands import ArmHands
        return ArmHands(self.slots, arm=self.arm, cell=self.cell, feedback=self.feedback, seed=seed)


class GuidedRecipe(Recipe):
    """A guided policy search, as ``hierbrush train`` reads it."""

    kind: Literal["guided"]
    """Which kind of training this file describes."""

    training: GuidedSection
    """Rounds of writing, being told and learning."""

    hand: HandSection | None = None
    """A simulated arm that holds the brush; a hand without errors unless given."""

    curriculum: FileName = "specialists.yaml"
    """Whose last stage the strokes are drawn by: a file beside the configuration, or one of hierbrush's own."""

    brush: BrushName | None = None
    """Takes the place of the curriculum's brush: a preset's name, or a file that ``hierbrush brush fit`` made."""

    bent: Share | None = None
    """Takes the place of ``randomisation.bent`` of every stage: strokes that begin with a bent tuft."""

    policies: Literal["one", "per_stroke"] = "per_stroke"
    """``one`` policy for all stroke types of the curriculum, or one ``per_stroke`` type."""

    policy: NetworkSection = NetworkSection()
    """The networks."""

    start: Literal["shipped", "scripted"] = "shipped"
    """What policies begin as: those that come with hierbrush, or the scripted follower."""

    initial_weights: FilePath | None = None
    """Safetensors file to begin with instead, from the working directory."""

    weights: ClassVar = (WEIGHTS,)
    figures: ClassVar = (("cost", "cost"), ("practice", "practice"), ("validation IoU", "iou"))
    curve: ClassVar = Curve(
        per=1,
        across="rounds",
        left="cost of what was missed",
        right="stroke IoU",
        lines=(("cost", "cost"),),
        scores=(("practice", "as it was written"), ("iou", "validation strokes")),
    )
    incidental: ClassVar = ("training.validation",)
    alone: ClassVar = (
        "writing, searching and learning are done in one process (resources.processes trains several stroke types side "
        "by side)"
    )

    @model_validator(mode="after")
    def _begins_as_it_can(self) -> GuidedRecipe:
        if self.policies == "one" and self.start == "shipped" and self.initial_weights is None:
            raise ValueError(
                "start: one policy for all stroke types cannot begin as the shipped ones, which are one for each; say "
                "start: scripted, or give initial_weights"
            )
        return self

    def jobs(self, request: TrainingRequest) -> Sequence[Sequence[Job]]:
        """Return one policy, or one for each stroke type.

        Raises:
            HierbrushError: there is no such curriculum, stroke type or weights file.
        """
        curriculum = load_curriculum(self.curriculum, beside=request.file).written_with(self.brush).bent(self.bent)
        if curriculum.stages[-1].goals is None:
            raise HierbrushError(f"curriculum: the last stage of {curriculum.name} has no goals to draw")
        if self.initial_weights is not None and not self.initial_weights.is_file():
            raise HierbrushError(f"initial_weights: {shown(self.initial_weights)} is not a file")
        common: dict[str, Any] = {
            "curriculum": curriculum,
            "initial_weights": self.initial_weights,
            "facts": {"trained_by": "guided policy search"},
        }
        if self.policies == "one":
            self.refuse_stroke(request, "this configuration trains one policy for all stroke types")
            return [[request.job(self, **common)]]
        types = _types(curriculum, request.stroke)
        return [[request.job(self, kind, stroke=kind, **common) for kind in types]]

    def algorithm(self, job: Job) -> Any:
        """Return behaviour cloning of lessons."""
        from hierbrush.learning.guided.algorithm import guided_config

        assert job.curriculum is not None
        folder = job.folder.resolve() / "lessons"
        return guided_config(self, job.curriculum, job.stroke, folder).build_algo()

    def begin(self, job: Job, algorithm: Any) -> None:
        """Put in what the policy begins as."""
        if job.initial_weights is not None:
            begin_with_policy(algorithm, job.initial_weights)
        elif self.start == "shipped" and job.stroke is not None:
            begin_with(algorithm, _shipped(job.stroke))

    def record(self, job: Job, algorithm: Any, result: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return rounds, cost, practice and the scores on validation strokes."""
        return dict(algorithm.record(result))

    def export(self, job: Job, algorithm: Any, record: Mapping[str, Any]) -> Sequence[Weights]:
        """Return policy and value."""
        assert job.curriculum is not None
        return [policy_weights(algorithm, job.stroke, job.curriculum.stroke_types, record)]

    def finish(self, jobs: Sequence[Job], request: TrainingRequest) -> None:
        """Put the policies of single stroke types into one file, and the shipped ones where there are none."""
        if self.policies == "per_stroke":
            pack_specialists(self, jobs, request)


def _types(curriculum: Curriculum, stroke: str | None) -> list[str]:
    known = list(curriculum.stroke_types)
    if stroke is not None and stroke not in known:
        raise HierbrushError(
            f"--stroke: {shown(stroke)} is not taught by {curriculum.name} ({', '.join(known)})"
            f"{closest(stroke.upper(), known)}"
        )
    library = load_library()
    counts = Counter(kind for char in library.characters for kind in library.stroke_types(char))
    # What writes most comes first: whoever stops early has that.
    return sorted((kind for kind in known if stroke in (None, kind)), key=lambda kind: -counts[kind])


def _shipped(stroke: str) -> dict[str, Any]:
    """Return the shipped policy of a stroke type by the names of the learner's tensors."""
    tensors = {}
    for at, (weight, bias) in enumerate(shipped_policies().policies[stroke].layers):
        # Linear layers at 0, 2, 4 ...: ReLU stands between them.
        tensors[f"policy.{2 * at}.weight"], tensors[f"policy.{2 * at}.bias"] = weight.T.copy(), bias.copy()
    return tensors
