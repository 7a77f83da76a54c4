"""Many policies at once: a Ray Tune trial each, as many side by side as there are cores."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.execution.placement_groups import PlacementGroupFactory
from ray.tune.execution.tune_controller import TuneController

from hierbrush.errors import HierbrushError
from hierbrush.files import write_atomically
from hierbrush.learning.recipe import Recipe
from hierbrush.learning.runs.display import Display
from hierbrush.learning.runs.job import Job
from hierbrush.learning.runs.lock import only_writer
from hierbrush.learning.runs.loop import TrainingLoop
from hierbrush.learning.runs.session import replaced

_REPORT_EVERY = (
    5.0  # seconds between a trial's reports; one an iteration would be a message for every tenth of a second
)
_REFUSED, _TOLD, _BEGUN_AT = "refused", "told", "begun_at"
# Seconds for a process of a training that was killed to be ended by Ray, and for a lost machine's lock to expire; NFS
# takes 90 for that.
_PATIENCE = 180.0
_CHECKPOINT = 600  # seconds that a trial may take to end its step and to save: a guard against waiting for ever


class JobTrial(tune.Trainable):  # type: ignore[misc]
    """The training of one job as a Tune trial.

    Its checkpoints are those of `TrainingLoop`, so that Tune's retries and ``--resume`` go on from the same ones, and
    Tune has none to keep. An actor whose policy is finished takes on the next (``reset_config``): starting Python, Ray
    and torch takes longer than some policies.
    """

    _loop: TrainingLoop | None = None
    _claim: contextlib.ExitStack
    _failed = False

    def setup(
        self, config: dict[str, Any], jobs: Mapping[str, Job], files: Mapping[Path, bytes], home: Path, resume: bool
    ) -> None:
        """Remember what there is to train; building begins with the first step, where errors are told apart."""
        # Paths in a configuration mean the same here as where the training was started.
        home.mkdir(parents=True, exist_ok=True)
        os.chdir(home)
        for path, data in files.items():
            if not path.exists():  # an earlier phase's, or the user's, from another machine
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, data)
        self._jobs, self._resume = jobs, resume
        self._begin(config)

    def _begin(self, config: dict[str, Any]) -> None:
        self._job = self._jobs[config["policy"]]
        self._claim = contextlib.ExitStack()
        self._failed = False

    def step(self) -> dict[str, Any]:
        """Train for a few seconds; input that cannot be used ends the trial for good, and is no failure to retry."""
        self._failed = True  # until this step has gone well
        until = time.monotonic() + _REPORT_EVERY
        record: dict[str, Any] = {}
        try:
            if self._loop is None:
                # After a failure there is a checkpoint, whatever the user asked for at first.
                # The driver has locked the whole output; here it is a process that a killed driver may have left.
                self._claim.enter_context(only_writer(self._job.folder, patience=_PATIENCE))
                resume = self._resume or self._job.store().begun()
                self._loop = TrainingLoop(self._job, None, resume=resume)
            while not self._loop.done and time.monotonic() < until:
                record = self._loop.step() or record
            if self._loop.done:
                self._loop.finish()
        except HierbrushError as error:
            return {_REFUSED: str(error), "done": True}
        self._failed = False
        told, self._loop.told = self._loop.told, []
        news = {"steps": self._loop.steps, _TOLD: told, _BEGUN_AT: self._loop.begun_at}
        return {**news, **record, "done": self._loop.done}

    def cleanup(self) -> None:
        """Take a checkpoint, unless there is nothing left to train or what there is cannot be trusted."""
        with self._claim:
            if self._loop is None:
                return
            try:
                if not self._failed and not self._loop.done:
                    self._loop.save()
            finally:
                self._loop.close()
                self._loop = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take on another policy."""
        self.cleanup()
        self._begin(new_config)
        return True


class _StopAll(tune.Stopper):  # type: ignore[misc]
    """Ends every trial when the user asks for it."""

    def __init__(self, stop: Callable[[], bool]) -> None:
        self._stop = stop

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._stop()


class _Tell(tune.Callback):  # type: ignore[misc]
    """Says on standard error how far the trials are, and what is lost."""

    def __init__(self, jobs: Mapping[str, Job]) -> None:
        self._jobs = jobs
        self._finished = 0
        self._progress: dict[str, Display] = {}
        self._begun_at: dict[str, int] = {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        name = trial.config["policy"]
        job = self._jobs[name]
        self._progress[name] = Display(name, job.steps, 0, bar=False, figures=job.recipe.figures)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        progress = self._progress[trial.config["policy"]]
        for sentence in result.get(_TOLD, ()):
            progress.say(sentence)
        if self._begun_at.get(trial.trial_id) != result.get(_BEGUN_AT, 0):
            self._begun_at[trial.trial_id] = result[_BEGUN_AT]
            progress.begin(result[_BEGUN_AT])
        if "seconds" in result:  # of a record
            progress.update(result)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._finished += 1
        result = trial.last_result
        figures = self._jobs[trial.config["policy"]].recipe.figures
        numbers = [(label, result.get(column)) for label, column in figures]
        scores = ", ".join(f"{label} {value:.3f}" for label, value in numbers if isinstance(value, float))
        self._say(trial, result.get(_REFUSED) or f"{scores}, {result.get('seconds', 0):.0f} s")

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._say(
            trial, f"its process was lost or failed ({_last_line(trial.get_error())}); goes on from its checkpoint"
        )

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._say(trial, f"failed for good: {_last_line(trial.get_error())}")

    def _say(self, trial: Any, text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(f"[{self._finished}/{len(self._jobs)}] {trial.config['policy']}: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _time_for_checkpoints() -> Iterator[None]:
    """Let trials that are stopped in here finish their step and take their checkpoint.

    Tune kills a trial's process ten seconds after it has asked it to stop, which is no setting of its own; a busy
    machine takes longer for a step and a checkpoint.
    """
    clean_up = TuneController._cleanup_trials

    def patient(controller: TuneController) -> None:
        controller._actor_force_cleanup_timeout = _CHECKPOINT
        clean_up(controller)

    with replaced(TuneController, "_cleanup_trials", patient):
        yield


def resources_of(recipe: Recipe) -> PlacementGroupFactory:
    """Return what Ray sets aside for one job: its learner's core, then its runners, then its further learners."""
    resources = recipe.resources
    learner = {"CPU": 1.0, "GPU": resources.gpus_per_learner}
    return PlacementGroupFactory(
        [
            {"CPU": 1.0} if resources.learners else learner,
            *[{"CPU": resources.cpus_per_runner}] * resources.runners,
            *[learner] * resources.learners,
        ]
    )


def cpus_needed(recipe: Recipe) -> int:
    """Return the cores that one job's training occupies."""
    return recipe.readers + math.ceil(float(resources_of(recipe).required_resources["CPU"]))


def train_trials(jobs: Sequence[Job], *, resume: bool, stop: Callable[[], bool], storage: str) -> None:
    """Train policies side by side until all are finished or ``stop`` says so; must be called within `ray_session`.

    A trial that fails or whose process is lost goes on from its last checkpoint, ``faults.retries`` times; the others
    go on meanwhile.

    Args:
        jobs: what to train.
        resume: go on from the newest complete checkpoints.
        stop: asked all the time.
        storage: folder or URI, reached from every machine, for what Tune writes down; can be removed afterwards.

    Raises:
        HierbrushError: input cannot be used, or policies failed more often than they are retried.
    """
    # A trial may run anywhere, with a working directory of its own.
    by_name = {job.name: _anywhere(job) for job in jobs}
    files = {path: path.read_bytes() for job in by_name.values() for path in job.needs}
    faults = jobs[0].recipe.faults
    # Tune's own handler would end the trials without a checkpoint; its loggers write what our logs have.
    os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    os.environ["RAY_AIR_NEW_OUTPUT"] = os.environ["RAY_CHDIR_TO_TRIAL_DIR"] = "0"
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(JobTrial, jobs=by_name, files=files, home=Path.cwd(), resume=resume),
            lambda trial: resources_of(by_name[trial["policy"]].recipe),
        ),
        param_space={"policy": tune.grid_search(list(by_name))},
        tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=_room(jobs[0].recipe)),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=storage,
            failure_config=tune.FailureConfig(max_failures=faults.retries),
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            stop=_StopAll(stop),
            callbacks=[_Tell(by_name)],
            verbose=0,
        ),
    )
    with _time_for_checkpoints():
        results = tuner.fit()
    refused = [result.metrics[_REFUSED] for result in results if (result.metrics or {}).get(_REFUSED)]
    if refused:
        raise HierbrushError(*dict.fromkeys("\n".join(refused).splitlines()))
    errors = [f"{result.config['policy']}: {_last_line(result.error)}" for result in results if result.error]
    if errors:
        raise HierbrushError(
            f"{len(errors)} of {len(jobs)} policies failed more than {faults.retries} times; --resume tries them again",
            *errors,
        )


def _anywhere(job: Job) -> Job:
    weights = job.initial_weights.resolve() if job.initial_weights else None
    needs = tuple(path.resolve() for path in (*job.needs, *([weights] if weights else [])))
    return replace(job, folder=job.folder.resolve(), initial_weights=weights, needs=needs)


def _last_line(error: Exception | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


def _room(recipe: Recipe) -> int | None:
    """Return how many jobs there is room for where they need cores besides those that Ray sets aside for them.

    Ray Data places its readers itself, wherever a core is free: so some must be.
    """
    if not recipe.readers:
        return None
    return max(1, int(ray.cluster_resources().get("CPU", 0) // cpus_needed(recipe)))


def room_for(recipe: Recipe) -> str | None:
    """Return a warning when one policy asks for more cores than the whole Ray cluster has; None when it fits."""
    asked = resources_of(recipe).required_resources.get("CPU", 0)
    there = ray.cluster_resources().get("CPU", 0)
    if asked <= there:
        return None
    return f"resources: a policy asks for {asked:g} cores, the cluster has {there:g}; waiting until it has more"


def remove_traces(storage: str | Path) -> None:
    """Remove what Tune wrote down."""
    from pyarrow.fs import FileSystem  # type: ignore[import-untyped]

    files, root = FileSystem.from_uri(str(storage) if "://" in str(storage) else str(Path(storage).resolve()))
    try:
        files.delete_dir(root)
    except OSError:
        return
