"""The training of everything that a configuration asks for: phases in turn, policies of a phase side by side."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from os import PathLike
from pathlib import Path
from typing import Any

from hierbrush.curriculum import Curriculum, apply_overrides, load_curriculum, read_yaml, validate
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.files import write_atomically
from hierbrush.learning.config import TrainingConfig, weights_named
from hierbrush.learning.environment_id import check_environment
from hierbrush.learning.hangup import lasting_ray_session
from hierbrush.learning.lock import only_writer
from hierbrush.learning.policy_run import (
    CONFIG_COPY as CONFIG_COPY,  # where others look for it
)
from hierbrush.learning.policy_run import PolicyRun, build_training, refuse_lost_checkpoints
from hierbrush.learning.progress import Progress
from hierbrush.learning.resume import check_resume
from hierbrush.learning.session import cpus_needed
from hierbrush.learning.storage import open_store, stored_at
from hierbrush.learning.sweep import variants
from hierbrush.learning.table import write_table
from hierbrush.learning.trials import remove_traces, room_for, train_trials
from hierbrush.learning.weights import CARD, PACKED_WEIGHTS, WEIGHTS, fill_up, fits_shipped, pack
from hierbrush.resources import named_file
from hierbrush.strokes.learned import WEIGHTS as SHIPPED
from hierbrush.strokes.types import ABBREVIATIONS


@dataclass(frozen=True)
class Plan:
    """Phases in order; the policies of one phase do not need one another."""

    phases: tuple[tuple[PolicyRun, ...], ...]

    @property
    def runs(self) -> list[PolicyRun]:
        """Every policy, in order."""
        return [run for phase in self.phases for run in phase]


def make_plan(
    config: TrainingConfig, config_path: Path, output: Path, *, stroke: str | None = None, variant: str = ""
) -> Plan:
    """Return what a configuration asks for.

    Args:
        config: the configuration.
        config_path: its file, beside which curricula and weights are looked for.
        output: folder of the whole training; every policy gets a folder in it.
        stroke: train only this type's policy, and the phases that it starts from.
        variant: name of one of several configurations in the same output folder.

    Raises:
        HierbrushError: a curriculum or weights file is missing, or no phase trains ``stroke``.
    """
    into = output / variant if variant else output
    phases: list[tuple[PolicyRun, ...]] = []
    for phase in config.phases:
        phase_config = config.for_phase(phase)
        curriculum = _curriculum(phase_config, config_path)
        if phase.start_from is not None:
            initial: Path | None = into / phase.start_from / WEIGHTS
        else:
            initial = weights_named(config.initial_weights, config_path) if config.initial_weights else None
        strokes: list[str | None] = [None]
        if phase.policies == "per_stroke":
            known = curriculum.stroke_types if curriculum else ABBREVIATIONS
            if stroke is not None and stroke not in known:
                raise HierbrushError(
                    f"--stroke: {shown(stroke)} is not trained by phase {shown(phase.name)} ({', '.join(known)})"
                    f"{closest(stroke.upper(), list(known))}"
                )
            strokes = [name for name in known if stroke in (None, name)]
        runs = []
        for name in strokes:
            parts = [part for part in (variant, phase.name, name) if part]
            home = output.joinpath(*parts)
            uri = stored_at(config.output.storage, output, home)
            runs.append(PolicyRun("/".join(parts), home, phase_config, curriculum, name, initial, uri))
        phases.append(tuple(runs))
    if stroke is not None:
        if not any(run.stroke for phase_runs in phases for run in phase_runs):
            raise HierbrushError("--stroke: no phase of the configuration has policies: per_stroke")
        kept = {phase.start_from for phase in config.phases if phase.policies == "per_stroke"}
        phases = [
            phase_runs
            for phase, phase_runs in zip(config.phases, phases, strict=True)
            if phase.policies == "per_stroke" or phase.name in kept
        ]
    return Plan(tuple(phases))


def train(
    config_path: str | PathLike[str],
    *,
    overrides: Sequence[str] = (),
    stroke: str | None = None,
    resume: bool = False,
    output: Path | None = None,
    address: str | None = None,
    trust_checkpoints: bool = False,
) -> Path:
    """Train what a configuration file asks for and return the folder with the results.

    The folder (``runs/<name>`` unless given) holds ``config.json`` and for every policy ``weights.safetensors``,
    ``card.json``, ``metrics.jsonl``, ``curve.png``, ``tensorboard/`` and ``checkpoints/``; with policies per stroke
    type also ``policies.safetensors``, all of them in one file and the shipped ones for stroke types that have none,
    and with several policies ``results.csv``. A sweep has a folder like that for each of its variants.

    Args:
        config_path: YAML file, see `TrainingConfig`, or the name of one of hierbrush's own, such as ``primitives``.
        overrides: ``KEY=VALUE`` arguments that change the configuration.
        stroke: train this stroke type only.
        resume: go on with a training in ``output``: finished policies are skipped, others continue from their newest
            complete checkpoint. With more ``training.steps`` than a finished one has, it goes on as well.
        output: the folder.
        address: Ray cluster to train on, ``auto`` or ``HOST:PORT``; a Ray of this machine's own unless given.
        trust_checkpoints: go on from checkpoints that other users could have written, too: they hold code that runs.

    Raises:
        HierbrushError: the configuration cannot be used, no cluster answers, ``output`` holds a training and ``resume``
            is False, another process trains there, a setting has changed that cannot, no checkpoint can be used, or
            policies trained side by side failed more often than they are retried.
        TrainingStopped: a signal asked to stop; checkpoints were written.
    """
    config_path = named_file("configs", config_path, argument="CONFIG")
    document = apply_overrides(read_yaml(config_path), overrides)
    kind = document.data.get("kind")
    if kind == "hierarchical":
        if stroke is not None:
            raise HierbrushError("--stroke: a hierarchical training names its stroke types in primitives.train")
        from hierbrush.learning.hierarchical_run import train_hierarchical

        with _StopOnSignal() as stop:
            finished = train_hierarchical(
                config_path,
                overrides=overrides,
                resume=resume,
                output=output,
                address=address,
                trust_checkpoints=trust_checkpoints,
                stop=stop,
            )
            if finished is None:
                raise TrainingStopped(stop.signal or signal.SIGINT)
        return finished
    if kind == "imitation":
        if stroke is not None or address is not None:
            raise HierbrushError("--stroke and --address: an imitation has no stroke types, and is not remote")
        from hierbrush.learning.imitation_run import train_imitation

        stop = _StopOnSignal()
        finished = train_imitation(
            config_path,
            overrides=overrides,
            resume=resume,
            output=output,
            trust_checkpoints=trust_checkpoints,
            stopping=stop,
        )
        if finished is None:
            raise TrainingStopped(stop.signal or signal.SIGINT)
        return finished
    config = validate(document, TrainingConfig)
    output = output or Path("runs", config.name)
    tried = dict(variants(document, config))
    plans = {}
    for variant, settings in tried.items():
        check_environment(settings.environment.id, config_path)
        plans[variant] = make_plan(settings, config_path, output, stroke=stroke, variant=variant)
    phases = [
        [replace(run, trusted=trust_checkpoints) for run in chain(*runs)]
        for runs in zip_longest(*(plan.phases for plan in plans.values()), fillvalue=())
    ]
    everything = list(chain(*phases))
    begun = next((run for run in everything if run.begun), None) if not resume else None
    if begun is not None:
        raise HierbrushError(
            f"--output: {shown(output)} already holds a training of {begun.name}; add --resume to go on with it, or "
            "give another --output"
        )
    with only_writer(output):
        if resume:
            for run in everything:
                run.store().collect(run.folder)  # what another machine has finished
            refuse_lost_checkpoints(output, config.output.storage, everything)
            check_resume(everything)
            if all(run.finished for run in everything):
                print(f"{output}: all is finished, nothing is left to train", file=sys.stderr, flush=True)
        write_atomically(output / CONFIG_COPY, (config.model_dump_json(indent=2) + "\n").encode())
        with _StopOnSignal() as stop:
            for runs in phases:
                _train_phase(runs, resume=resume, stop=stop, output=output, address=address)
        for variant, plan in plans.items():
            # An earlier call may have trained other stroke types.
            whole = make_plan(tried[variant], config_path, output, variant=variant) if stroke else plan
            _pack(whole, output / variant, stored_at(config.output.storage, output, output / variant))
        if len(everything) > 1:
            write_table(everything, output, order_by=config.sweep.metric if config.sweep else None)
    return output


def _train_phase(
    runs: Sequence[PolicyRun], *, resume: bool, stop: _StopOnSignal, output: Path, address: str | None
) -> None:
    """Train the policies of one phase that are not finished: one here, several side by side."""
    waiting = [run for run in runs if not run.finished]
    for run in waiting:
        if run.initial_weights is not None and not os.path.isfile(run.initial_weights):
            raise HierbrushError(f"initial_weights: {shown(run.initial_weights)} is not a file")
    if not waiting:
        return
    config = waiting[0].config
    processes = min(config.resources.processes, len(waiting))
    if len(waiting) == 1 or (address is None and processes == 1):
        with lasting_ray_session(cpus_needed(config), address):
            _warn_of_too_few_cores(config)
            for run in waiting:
                _train_here(run, resume, stop)
        return
    # A folder of Tune's own, which every machine must reach as it must reach the checkpoints.
    traces = f"{config.output.storage or output.resolve()}/.tune"
    with lasting_ray_session(processes * cpus_needed(config), address):
        _warn_of_too_few_cores(config)
        try:
            train_trials(waiting, resume=resume, stop=stop, storage=traces)
        finally:
            remove_traces(traces)
    if stop.signal is not None:
        raise TrainingStopped(stop.signal)
    for run in waiting:
        run.store().collect(run.folder)


def _warn_of_too_few_cores(config: TrainingConfig) -> None:
    warning = room_for(config)
    if warning:
        print(f"hierbrush: warning: {warning}", file=sys.stderr, flush=True)


def _pack(plan: Plan, into: Path, uri: str | None) -> None:
    """Put the finished policies of single stroke types into one file, and the shipped ones where there are none."""
    for run in plan.runs:
        run.store().collect(run.folder)
    finished = [run for run in plan.runs if run.stroke is not None and run.exported]
    specialists = {run.stroke: run.folder for run in finished if run.stroke is not None}
    if not specialists:
        return
    missing = [kind for kind in ABBREVIATIONS if kind not in specialists]
    if missing and SHIPPED.is_file() and all(map(fits_shipped, specialists.values())):
        fill_up(specialists, into / PACKED_WEIGHTS)
        told = f"{', '.join(specialists)} of this training, the other {len(missing)} stroke types as shipped"
    else:
        begun_as = {run.initial_weights.parent for run in finished if run.initial_weights}
        begun_as = {folder for folder in begun_as if (folder / CARD).exists()}
        pack(specialists, into, base=begun_as.pop() if len(begun_as) == 1 else None)
        told = f"{len(specialists)} policies"
    open_store(into, uri).publish(into)
    print(f"{into / PACKED_WEIGHTS}: {told}", file=sys.stderr)


class TrainingStopped(Exception):  # noqa: N818  (no error: the user asked for it)
    """A signal ended the training after a checkpoint; ``status`` is what the shell expects, 128 + signal."""

    def __init__(self, signal_number: int) -> None:
        self.status = 128 + signal_number
        super().__init__("stopped after a checkpoint; --resume goes on from there")


class _StopOnSignal:
    """Turns SIGINT, SIGTERM and SIGHUP into a question that the training asks after every iteration.

    SIGHUP stays ignored where it was, as under ``nohup``.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        self.install()
        return self.signal is not None

    def install(self) -> None:
        # Again and again, because Ray's start puts a handler below Python's, which kills the process on SIGTERM.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before = self._before.setdefault(number, signal.getsignal(number))
            if number != signal.SIGHUP or before != signal.SIG_IGN:
                signal.signal(number, self._note)

    def __enter__(self) -> _StopOnSignal:
        self.install()
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: Any) -> None:
        del frame
        self.signal = number


def _train_here(run: PolicyRun, resume: bool, stop: _StopOnSignal) -> None:
    stop.install()
    progress = Progress(run.name, run.config.training.steps, 0)
    with build_training(run, resume=resume, progress=progress) as training:
        if not training.train(stop):
            raise TrainingStopped(stop.signal or signal.SIGINT)


def _curriculum(config: TrainingConfig, config_path: Path) -> Curriculum | None:
    """Return the curriculum that a configuration names, with the configuration's own weights of the reward."""
    weights = {name: weight for name, weight in config.reward if weight is not None}
    if config.curriculum is None:
        if weights:
            raise HierbrushError(f"reward.{next(iter(weights))}: there is no curriculum whose stages it could change")
        return None
    curriculum = load_curriculum(config.curriculum, beside=config_path)
    stages = tuple(
        stage.model_copy(update={"reward": stage.reward.model_copy(update=weights)}) for stage in curriculum.stages
    )
    return curriculum.model_copy(update={"stages": stages})
