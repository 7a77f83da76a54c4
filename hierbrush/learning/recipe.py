"""What a kind of training is, for whoever adds one; and the recipe that a configuration file asks for.

Neither Ray nor Torch is imported here or by a recipe before there is something to train: what is wrong with a file is
said before the many seconds that they take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from hierbrush.curriculum import ConfigError, apply_overrides, read_yaml, validate
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.learning.config import FaultsSection, Name, OutputSection, ResourcesSection, Section, SweepSection
from hierbrush.learning.runs.job import Job
from hierbrush.learning.runs.logs import LEARNING_CURVE, Curve
from hierbrush.learning.runs.storage import stored_at
from hierbrush.resources import named_file
from hierbrush.yaml_source import Document, Problem

if TYPE_CHECKING:
    from hierbrush.learning.runs.weights import Weights


@dataclass(frozen=True)
class TrainingRequest:
    """What a user asks for, beside the configuration.

    Attributes:
        file: the configuration's, beside which curricula and weights are looked for.
        output: folder of the whole training.
        variant: name of one of several configurations in the same output folder.
        stroke: train only this stroke type, and what it starts from.
        trusted: go on from checkpoints that other users could have written, too.
    """

    file: Path
    output: Path
    variant: str = ""
    stroke: str | None = None
    trusted: bool = False

    @property
    def folder(self) -> Path:
        """The folder of this variant."""
        return self.output / self.variant

    def job(self, recipe: Recipe, *names: str, **facts: Any) -> Job:
        """Return a job in the folder of these names; ``facts`` are further attributes of `Job`."""
        parts = [part for part in (self.variant, *names) if part]
        home = self.output.joinpath(*parts)
        uri = stored_at(recipe.output.storage, self.output, home)
        return Job("/".join(parts) or recipe.name, home, recipe, uri=uri, trusted=self.trusted, **facts)


class Recipe(Section):
    """One kind of training: its fields are the configuration, its methods what is done with it.

    A kind is one subclass in one module of `hierbrush.learning.recipes`, which is found there by itself. It says which
    jobs there are (`jobs`), by which algorithm of RLlib they are trained (`algorithm`), what is recorded of an
    iteration (`record`) and which weights are left at the end (`export`). All the rest is the same for every kind:
    folders, checkpoints and resumption, logs, trials side by side or on a cluster, faults, sweeps and tables.
    """

    kind: str
    """Which kind of training this file describes."""

    name: Name
    """Name of the training and of its folder under ``runs/``."""

    seed: int = Field(default=0, ge=0, lt=2**31)
    """Seed of everything that is drawn at random."""

    training: Any
    """Replaced in every kind: a section with ``steps``."""

    resources: ResourcesSection = ResourcesSection()
    """Processes."""

    faults: FaultsSection = FaultsSection()
    """What happens when something is lost."""

    output: OutputSection = OutputSection()
    """Checkpoints and logs."""

    sweep: SweepSection | None = None
    """Trains with different settings side by side."""

    weights: ClassVar[Any] = ("weights.safetensors",)
    """Names of the files that `export` gives, in the same order: a constant or a property."""

    metric: ClassVar[str] = "iou"
    """Column of the records that orders a sweep's table, the largest first."""

    figures: ClassVar[tuple[tuple[str, str], ...]] = (("stage", "stage_name"), ("return", "return"), ("IoU", "iou"))
    """What is shown of a record while it is trained, as label and column."""

    curve: ClassVar[Curve] = LEARNING_CURVE
    """What ``curve.png`` shows of the records."""

    schedules: ClassVar[tuple[str, ...]] = ("training.steps", "training.lr", "training.lr_final")
    """Settings that are functions of the steps, so that a resumed training may change what they say of later ones."""

    incidental: ClassVar[tuple[str, ...]] = ()
    """Settings that say how it is trained and not what is learned, which may change as well."""

    readers: ClassVar[int] = 0
    """Cores that read data beside those that `resources` asks for."""

    alone: ClassVar[str | None] = None
    """Why it is done in one process, without runners and learners; None where it may have them."""

    @model_validator(mode="after")
    def _has_the_processes_it_can(self) -> Self:
        if self.alone and (self.resources.runners or self.resources.learners):
            raise ValueError(f"resources.runners, resources.learners: {self.alone}, so both are 0")
        return self

    @property
    def steps(self) -> int:
        """Steps of a job, in what the records count."""
        return int(self.training.steps)

    def jobs(self, request: TrainingRequest) -> Sequence[Sequence[Job]]:
        """Return what is trained: phases in turn, the jobs of a phase side by side.

        Here everything is read that could be wrong: nothing has been made or started yet.

        Raises:
            HierbrushError: what the configuration or the user asks for cannot be had.
        """
        self.refuse_stroke(request, f"a training of kind {self.kind} has no stroke types")
        return [[request.job(self)]]

    @staticmethod
    def refuse_stroke(request: TrainingRequest, reason: str) -> None:
        """Raise `HierbrushError` if one stroke type is asked for."""
        if request.stroke is not None:
            raise HierbrushError(f"--stroke: {reason}")

    def prepare(self, job: Job) -> None:
        """Do, before Ray starts, what takes minutes and can be interrupted without a loss."""

    def algorithm(self, job: Job) -> Any:
        """Return the RLlib algorithm that trains a job, built; called within `ray_session`."""
        raise NotImplementedError

    def begin(self, job: Job, algorithm: Any) -> None:
        """Put what a job begins with into its algorithm, before its first step."""

    def record(self, job: Job, algorithm: Any, result: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what is written down of an iteration: numbers and text by column, ``steps`` among them.

        Args:
            job: what is trained.
            algorithm: the one of `algorithm`.
            result: what ``algorithm.train()`` returned.

        Returns:
            None if the iteration was none, because no runner was there. A ``status`` of ``stopped`` ends the job.
        """
        raise NotImplementedError

    def export(self, job: Job, algorithm: Any, record: Mapping[str, Any]) -> Sequence[Weights]:
        """Return what a finished job leaves, of which ``record`` is the last; `weights` has the files' names."""
        raise NotImplementedError

    def finish(self, jobs: Sequence[Job], request: TrainingRequest) -> None:
        """Do what is left when all jobs of a request are finished."""


DEFAULT = "ppo"
"""The kind of a file that names none."""


def recipe_class(document: Document) -> type[Recipe]:
    """Return the kind of training that a document describes.

    Raises:
        ConfigError: there is no such kind.
    """
    from hierbrush.learning.recipes import kinds

    kind, known = document.data.get("kind", DEFAULT), kinds()
    if not isinstance(kind, str) or kind not in known:
        near = closest(kind, list(known)) if isinstance(kind, str) else ""
        where = document.origin(("kind",)).where
        raise ConfigError([Problem(where, f"kind: {shown(kind)}, expected one of {', '.join(known)}{near}")])
    return known[kind]


def read_recipe(document: Document) -> Recipe:
    """Return the recipe that a document describes.

    Raises:
        ConfigError: it describes none.
    """
    return validate(document, recipe_class(document))


def read_configuration(config: str | PathLike[str], overrides: Sequence[str] = ()) -> tuple[Path, Document, Recipe]:
    """Return a configuration's file, its content with ``KEY=VALUE`` arguments applied, and its recipe.

    Args:
        config: YAML file, or the name of one of hierbrush's own, such as ``primitives``.
        overrides: the arguments.

    Raises:
        HierbrushError: there is no such file, or it cannot be used.
    """
    file = named_file("configs", config, argument="CONFIG")
    document = apply_overrides(read_yaml(file), overrides)
    return file, document, read_recipe(document)


def check_configuration(
    config: str | PathLike[str], overrides: Sequence[str] = (), stroke: str | None = None, output: Path | None = None
) -> None:
    """Refuse at once what a training would refuse after Torch and Ray are imported, which takes many seconds.

    The arguments are those of `hierbrush.learning.train.train`.

    Raises:
        HierbrushError: the file, one of its values, or what it names cannot be used.
    """
    file, _, recipe = read_configuration(config, overrides)
    recipe.jobs(TrainingRequest(file, output or Path("runs", recipe.name), stroke=stroke))
