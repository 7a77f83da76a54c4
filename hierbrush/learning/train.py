"""The training of everything that a configuration asks for: phases in turn, policies of a phase side by side."""

from __future__ import annotations

import contextlib
import importlib
import json
import multiprocessing
import os
import queue
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium

from hierbrush.curriculum import Curriculum, apply_overrides, load_curriculum, load_model, read_yaml
from hierbrush.errors import HierbrushError, closest
from hierbrush.learning.checkpoint import write_atomically
from hierbrush.learning.config import TrainingConfig
from hierbrush.learning.policy_run import PolicyRun, cpus_needed, ray_session, train_policy
from hierbrush.learning.progress import Progress
from hierbrush.learning.weights import CARD, PACKED_WEIGHTS, WEIGHTS, pack
from hierbrush.resources import folder
from hierbrush.strokes.types import ABBREVIATIONS

CONFIG_COPY = "config.json"


@dataclass(frozen=True)
class Plan:
    """Phases in order; the policies of one phase do not need one another."""

    phases: tuple[tuple[PolicyRun, ...], ...]

    @property
    def runs(self) -> list[PolicyRun]:
        """Every policy, in order."""
        return [run for phase in self.phases for run in phase]


def _check_environment(environment: str) -> None:
    # Gymnasium would say so too, but only after Ray has started, and without the name of the setting.
    import hierbrush.envs  # noqa: F401  (registers hierbrush/Stroke-v0)

    module, _, name = environment.rpartition(":")
    try:
        if module:
            importlib.import_module(module)
        gymnasium.spec(name)
    except (ImportError, gymnasium.error.Error) as error:
        raise HierbrushError(f"environment.id: {environment!r} cannot be used: {error}") from None


def make_plan(config: TrainingConfig, config_path: Path, output: Path, *, stroke: str | None = None) -> Plan:
    """Return what a configuration asks for.

    Args:
        config: the configuration.
        config_path: its file, beside which curricula and weights are looked for.
        output: folder of the whole training; every policy gets a folder in it.
        stroke: train only this type's policy, and the phases that it starts from.

    Raises:
        HierbrushError: a curriculum or weights file is missing, or no phase trains ``stroke``.
    """
    phases: list[tuple[PolicyRun, ...]] = []
    for phase in config.phases:
        phase_config = config.for_phase(phase)
        curriculum = _curriculum(phase_config.curriculum, config_path)
        if phase.start_from is not None:
            initial: Path | None = output / phase.start_from / WEIGHTS
        else:
            initial = _beside(config.initial_weights, config_path) if config.initial_weights else None
        strokes: list[str | None] = [None]
        if phase.policies == "per_stroke":
            known = curriculum.stroke_types if curriculum else ABBREVIATIONS
            if stroke is not None and stroke not in known:
                raise HierbrushError(
                    f"--stroke: {stroke!r} is not trained by phase {phase.name!r} ({', '.join(known)})"
                    f"{closest(stroke.upper(), list(known))}"
                )
            strokes = [name for name in known if stroke in (None, name)]
        phases.append(
            tuple(
                PolicyRun(
                    name=f"{phase.name}/{name}" if name else phase.name,
                    folder=output / phase.name / name if name else output / phase.name,
                    config=phase_config,
                    curriculum=curriculum,
                    stroke=name,
                    initial_weights=initial,
                )
                for name in strokes
            )
        )
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
    config_path: Path,
    *,
    overrides: Sequence[str] = (),
    stroke: str | None = None,
    resume: bool = False,
    output: Path | None = None,
    address: str | None = None,
) -> Path:
    """Train what a configuration file asks for and return the folder with the results.

    The folder (``runs/<name>`` unless given) holds ``config.json`` and for every policy ``weights.safetensors``,
    ``card.json``, ``metrics.jsonl``, ``curve.png``, ``tensorboard/`` and ``checkpoints/``; with policies per stroke
    type also ``policies.safetensors``, all of them in one file.

    Args:
        config_path: YAML file, see `TrainingConfig`.
        overrides: ``KEY=VALUE`` arguments that change the configuration.
        stroke: train this stroke type only.
        resume: go on with a training in ``output``: finished policies are skipped, others continue from their newest
            complete checkpoint.
        output: the folder.
        address: Ray cluster to train on, ``auto`` or ``HOST:PORT``; a Ray of this machine's own unless given.

    Raises:
        HierbrushError: the configuration cannot be used, no cluster answers, or ``output`` holds a training and
            ``resume`` is False.
        TrainingStopped: a signal asked to stop; checkpoints were written.
        RuntimeError: a policy's training failed in a child process; the message holds its traceback.
    """
    kind = apply_overrides(read_yaml(config_path), overrides).data.get("kind")
    if kind == "hierarchical":
        if stroke is not None:
            raise HierbrushError("--stroke: a hierarchical training names its stroke types in primitives.train")
        from hierbrush.learning.hierarchical_run import train_hierarchical

        with _StopOnSignal() as stop:
            finished = train_hierarchical(
                config_path, overrides=overrides, resume=resume, output=output, address=address, stop=stop
            )
            if finished is None:
                raise TrainingStopped(stop.signal or signal.SIGINT)
        return finished
    if kind == "imitation":
        if stroke is not None or resume:
            raise HierbrushError("--stroke and --resume: an imitation has neither stroke types nor checkpoints")
        from hierbrush.learning.imitation import train_imitation

        return train_imitation(config_path, overrides=overrides, output=output)
    config = load_model(config_path, TrainingConfig, overrides)
    output = output or Path("runs", config.name)
    _check_environment(config.environment.id)
    plan = make_plan(config, config_path, output, stroke=stroke)
    started = [run for run in plan.runs if (run.folder / "checkpoints").exists()]
    if started and not resume:
        raise HierbrushError(
            f"--output: {output} already holds a training of {started[0].name}; add --resume to go on with it, or give "
            "another --output"
        )
    output.mkdir(parents=True, exist_ok=True)
    write_atomically(output / CONFIG_COPY, (config.model_dump_json(indent=2) + "\n").encode())
    with _StopOnSignal() as stop:
        for runs in plan.phases:
            waiting = [run for run in runs if not run.finished]
            for run in waiting:
                if run.initial_weights is not None and not run.initial_weights.exists():
                    raise HierbrushError(f"initial_weights: {run.initial_weights} does not exist")
            if min(config.resources.processes, len(waiting)) > 1:
                _train_side_by_side(waiting, resume, stop, config.resources.processes, address)
            elif waiting:
                with ray_session(cpus_needed(config), address):
                    for run in waiting:
                        _train_here(run, resume, stop)
    specialists = {run.stroke: run.folder for run in plan.runs if run.stroke is not None}
    if specialists and stroke is None:
        begun_as = {run.initial_weights.parent for run in plan.runs if run.stroke and run.initial_weights}
        begun_as = {folder for folder in begun_as if (folder / CARD).exists()}
        pack(specialists, output, base=begun_as.pop() if len(begun_as) == 1 else None)
        print(f"{output / PACKED_WEIGHTS}: {len(specialists)} policies", file=sys.stderr)
    return output


class TrainingStopped(Exception):  # noqa: N818  (no error: the user asked for it)
    """A signal ended the training after a checkpoint; ``status`` is what the shell expects, 128 + signal."""

    def __init__(self, signal_number: int) -> None:
        self.status = 128 + signal_number
        super().__init__("stopped after a checkpoint; --resume goes on from there")


class _StopOnSignal:
    """Turns SIGINT and SIGTERM into a question that the training asks after every iteration."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        self.install()
        return self.signal is not None

    def install(self) -> None:
        # Again and again, because Ray's start puts a handler below Python's, which kills the process on SIGTERM.
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before.setdefault(number, signal.getsignal(number))
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
    try:
        if not train_policy(run, resume=resume, progress=progress, stop=stop):
            raise TrainingStopped(stop.signal or signal.SIGINT)
    finally:
        progress.close()


def _train_side_by_side(
    runs: Sequence[PolicyRun], resume: bool, stop: _StopOnSignal, processes: int, address: str | None
) -> None:
    """Let child processes take policies from a queue; each starts Ray once and works on one policy at a time."""
    context = multiprocessing.get_context("spawn")
    tasks, reports = context.Queue(), context.Queue()
    for index in range(len(runs)):
        tasks.put(index)  # not the run itself: what nobody takes from a full pipe would keep this process from ending
    workers = [
        context.Process(target=_worker, args=(runs, tasks, reports, resume, address), name=f"train-{index}")
        for index in range(min(processes, len(runs)))
    ]
    for worker in workers:
        worker.start()
    finished = 0
    failure: Exception | None = None
    try:
        while any(worker.is_alive() for worker in workers) or not reports.empty():
            if stop():
                _terminate(workers)
            with contextlib.suppress(queue.Empty):
                kind, name, text = reports.get(timeout=0.5)
                if kind in ("refused", "failed"):
                    failure = failure or (HierbrushError if kind == "refused" else RuntimeError)(f"{name}: {text}")
                    _terminate(workers)
                else:
                    finished += kind == "finished"
                    print(f"[{finished}/{len(runs)}] {name}: {text}", file=sys.stderr, flush=True)
    finally:
        _terminate(workers)
        for worker in workers:
            worker.join()
    if failure is not None:
        raise failure
    if stop.signal is not None:
        raise TrainingStopped(stop.signal)
    died = [worker for worker in workers if worker.exitcode]
    if died or finished < len(runs):
        codes = ", ".join(f"{worker.name}: exit status {worker.exitcode}" for worker in died)
        raise RuntimeError(
            f"{len(runs) - finished} of {len(runs)} policies were not trained ({codes}); --resume goes on"
        )


def _terminate(workers: Sequence[Any]) -> None:
    for worker in workers:
        if worker.is_alive():
            worker.terminate()


def _worker(runs: Sequence[PolicyRun], tasks: Any, reports: Any, resume: bool, address: str | None) -> None:
    parent = os.getppid()
    with _StopOnSignal() as stop:

        def stopped() -> bool:
            # A parent killed with SIGKILL cannot tell its children.
            return stop() or os.getppid() != parent

        name = "start"
        try:
            with contextlib.ExitStack() as stack:
                session = False
                for run in map(runs.__getitem__, _waiting(tasks)):
                    if stopped():
                        return
                    name = run.name
                    if not session:
                        stack.enter_context(ray_session(cpus_needed(run.config), address))
                        session = True
                    started = time.monotonic()
                    if not train_policy(run, resume=resume, progress=None, stop=stopped):
                        return
                    card = json.loads((run.folder / "card.json").read_bytes())
                    scores = ", ".join(f"{key} {value:.3f}" for key, value in card["training_scores"].items() if value)
                    reports.put(("finished", name, f"{scores}, {time.monotonic() - started:.0f} s"))
        except HierbrushError as error:
            reports.put(("refused", name, str(error)))
        except Exception:
            reports.put(("failed", name, traceback.format_exc()))


def _waiting(tasks: Any) -> Iterator[int]:
    while True:
        try:
            yield tasks.get(timeout=1.0)
        except queue.Empty:
            return


def _curriculum(name: str | None, config_path: Path) -> Curriculum | None:
    return None if name is None else load_curriculum(_beside(name, config_path, folder("curricula")))


def _beside(name: str, config_path: Path, *further: Path) -> Path:
    """Return the file that a configuration names: beside it, in ``further``, or from the working directory."""
    candidates = [base / name for base in (config_path.parent, *further, Path())]
    # A configuration and its curriculum may have the same name, in configs/ and in curricula/.
    others = [path for path in candidates if path.exists() and not path.samefile(config_path)]
    return others[0] if others else candidates[0]
