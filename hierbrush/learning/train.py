"""The training of everything that a configuration asks for: phases in turn, the jobs of a phase side by side."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from os import PathLike
from pathlib import Path
from typing import Any

from hierbrush.errors import HierbrushError, shown
from hierbrush.files import write_atomically
from hierbrush.learning.recipe import Recipe, TrainingRequest, read_configuration
from hierbrush.learning.runs.display import Display
from hierbrush.learning.runs.hangup import lasting_ray_session
from hierbrush.learning.runs.job import Job
from hierbrush.learning.runs.lock import only_writer
from hierbrush.learning.runs.loop import TrainingLoop
from hierbrush.learning.runs.resume import check_resume, refuse_lost_checkpoints
from hierbrush.learning.runs.storage import CONFIG_COPY
from hierbrush.learning.runs.sweep import variants
from hierbrush.learning.runs.table import write_table
from hierbrush.learning.runs.trials import cpus_needed, remove_traces, room_for, train_trials


def train(
    config: str | PathLike[str],
    *,
    overrides: Sequence[str] = (),
    stroke: str | None = None,
    resume: bool = False,
    output: Path | None = None,
    address: str | None = None,
    trust_checkpoints: bool = False,
) -> Path:
    """Train what a configuration file asks for and return the folder with the results.

    The folder (``runs/<name>`` unless given) holds ``config.json`` and for every job its weights with their cards,
    ``metrics.jsonl``, ``curve.png``, ``tensorboard/`` and ``checkpoints/``; with policies per stroke type also
    ``policies.safetensors``, all of them in one file and the shipped ones for stroke types that have none, and with
    several jobs ``results.csv``. A sweep has a folder like that for each of its variants.

    Args:
        config: YAML file, see `hierbrush.learning.recipes`, or the name of one of hierbrush's own, such as
            ``primitives``.
        overrides: ``KEY=VALUE`` arguments that change the configuration.
        stroke: train this stroke type only.
        resume: go on with a training in ``output``: finished jobs are skipped, others continue from their newest
            complete checkpoint. With more ``training.steps`` than a finished one has, it goes on as well.
        output: the folder.
        address: Ray cluster to train on, ``auto`` or ``HOST:PORT``; a Ray of this machine's own unless given.
        trust_checkpoints: go on from checkpoints that other users could have written, too: they hold code that runs.

    Raises:
        HierbrushError: the configuration cannot be used, no cluster answers, ``output`` holds a training and ``resume``
            is False, another process trains there, a setting has changed that cannot, no checkpoint can be used, or
            jobs trained side by side failed more often than they are retried.
        TrainingStopped: a signal asked to stop; checkpoints were written.
    """
    file, document, recipe = read_configuration(config, overrides)
    output = output or Path("runs", recipe.name)
    whole = TrainingRequest(file, output, stroke=stroke, trusted=trust_checkpoints)
    tried = [(settings, replace(whole, variant=variant)) for variant, settings in variants(document, recipe)]
    asked = [settings.jobs(request) for settings, request in tried]
    phases = [list(chain(*jobs)) for jobs in zip_longest(*asked, fillvalue=())]
    everything = list(chain(*phases))
    begun = next((job for job in everything if job.begun), None) if not resume else None
    if begun is not None:
        raise HierbrushError(
            f"--output: {shown(output)} already holds a training of {begun.name}; add --resume to go on with it, or "
            "give another --output"
        )
    with only_writer(output):
        if resume:
            for job in everything:
                job.store().collect(job.folder)  # what another machine has finished
            refuse_lost_checkpoints(output, recipe.output.storage, everything)
            check_resume(everything)
            if all(job.finished for job in everything):
                print(f"{output}: all is finished, nothing is left to train", file=sys.stderr, flush=True)
        write_atomically(output / CONFIG_COPY, (recipe.model_dump_json(indent=2) + "\n").encode())
        for jobs in phases:
            _train_phase(jobs, resume=resume, output=output, address=address)
        for (settings, request), found in zip(tried, asked, strict=True):
            settings.finish(list(chain(*found)), request)
        if len(everything) > 1:
            order_by = (recipe.sweep.metric or recipe.metric) if recipe.sweep else None
            write_table(everything, output, order_by=order_by)
    return output


def _train_phase(jobs: Sequence[Job], *, resume: bool, output: Path, address: str | None) -> None:
    """Train the jobs of one phase that are not finished: one here, several side by side."""
    waiting = [job for job in jobs if not job.finished]
    for job in waiting:
        if job.initial_weights is not None and not os.path.isfile(job.initial_weights):
            raise HierbrushError(f"initial_weights: {shown(job.initial_weights)} is not a file")
    if not waiting:
        return
    recipe = waiting[0].recipe
    processes = min(recipe.resources.processes, len(waiting))
    if len(waiting) == 1 or (address is None and processes == 1):
        for job in waiting:
            job.recipe.prepare(job)
        with _StopOnSignal() as stop, lasting_ray_session(cpus_needed(recipe), address):
            _warn_of_too_few_cores(recipe)
            for job in waiting:
                _train_here(job, resume, stop)
        return
    # A folder of Tune's own, which every machine must reach as it must reach the checkpoints.
    traces = f"{recipe.output.storage or output.resolve()}/.tune"
    with _StopOnSignal() as stop, lasting_ray_session(processes * cpus_needed(recipe), address):
        _warn_of_too_few_cores(recipe)
        try:
            train_trials(waiting, resume=resume, stop=stop, storage=traces)
        finally:
            remove_traces(traces)
    if stop.signal is not None:
        raise TrainingStopped(stop.signal)
    for job in waiting:
        job.store().collect(job.folder)


def _train_here(job: Job, resume: bool, stop: _StopOnSignal) -> None:
    stop.install()
    progress = Display(job.name, job.steps, 0, figures=job.recipe.figures)
    with TrainingLoop(job, progress, resume=resume) as training:
        if not training.train(stop):
            raise TrainingStopped(stop.signal or signal.SIGINT)


def _warn_of_too_few_cores(recipe: Recipe) -> None:
    warning = room_for(recipe)
    if warning:
        print(f"hierbrush: warning: {warning}", file=sys.stderr, flush=True)


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
