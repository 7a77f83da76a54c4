"""Many policies at once: a Ray Tune trial each, as many side by side as there are cores."""

from __future__ import annotations

import contextlib
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
from hierbrush.learning.config import TrainingConfig
from hierbrush.learning.lock import only_writer
from hierbrush.learning.policy_run import PolicyRun, TrainingLoop, build_training
from hierbrush.learning.progress import Progress
from hierbrush.learning.session import replaced

_REPORT_EVERY = (
    5.0  # seconds between a trial's reports; one an iteration would be a message for every tenth of a second
)
_REFUSED, _TOLD, _BEGUN_AT = "refused", "told", "begun_at"
# Seconds for a process of a training that was killed to be ended by Ray, and for a lost machine's lock to expire; NFS
# takes 90 for that.
_PATIENCE = 180.0
_CHECKPOINT = 600  # seconds that a trial may take to end its step and to save: a guard against waiting for ever


class PolicyTrial(tune.Trainable):  # type: ignore[misc]
    """The training of one policy as a Tune trial.

    Its checkpoints are those of `TrainingLoop`, so that Tune's retries and ``--resume`` go on from the same ones, and
    Tune has none to keep. An actor whose policy is finished takes on the next (``reset_config``): starting Python, Ray
    and torch takes longer than some policies.
    """

    _loop: TrainingLoop | None = None
    _claim: contextlib.ExitStack
    _failed = False

    def setup(
        self, config: dict[str, Any], runs: Mapping[str, PolicyRun], weights: Mapping[Path, bytes], resume: bool
    ) -> None:
        """Remember what there is to train; building begins with the first step, where errors are told apart."""
        for path, data in weights.items():
            if not path.exists():  # an earlier phase's, from another machine
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, data)
        self._runs, self._resume = runs, resume
        self._begin(config)

    def _begin(self, config: dict[str, Any]) -> None:
        self._run = self._runs[config["policy"]]
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
                self._claim.enter_context(only_writer(self._run.folder, patience=_PATIENCE))
                resume = self._resume or self._run.store().begun()
                self._loop = build_training(self._run, resume=resume, progress=None)
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

    def __init__(self, runs: Mapping[str, PolicyRun]) -> None:
        self._runs = runs
        self._finished = 0
        self._progress: dict[str, Progress] = {}
        self._begun_at: dict[str, int] = {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        name = trial.config["policy"]
        self._progress[name] = Progress(name, self._runs[name].config.training.steps, 0, bar=False)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        progress = self._progress[trial.config["policy"]]
        for sentence in result.get(_TOLD, ()):
            progress.say(sentence)
        if self._begun_at.get(trial.trial_id) != result.get(_BEGUN_AT, 0):
            self._begun_at[trial.trial_id] = result[_BEGUN_AT]
            progress.begin(result[_BEGUN_AT])
        if "return" in result:
            progress.update(result)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._finished += 1
        result = trial.last_result
        scores = ", ".join(f"{key} {result[key]:.3f}" for key in ("return", "iou", "iou_p05") if result.get(key))
        self._say(trial, result.get(_REFUSED) or f"{scores}, {result.get('seconds', 0):.0f} s")

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._say(
            trial, f"its process was lost or failed ({_last_line(trial.get_error())}); goes on from its checkpoint"
        )

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._say(trial, f"failed for good: {_last_line(trial.get_error())}")

    def _say(self, trial: Any, text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(f"[{self._finished}/{len(self._runs)}] {trial.config['policy']}: {text}", file=sys.stderr, flush=True)


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


def resources_of(config: TrainingConfig) -> PlacementGroupFactory:
    """Return what Ray sets aside for one policy: its learner's core, then its runners, then its further learners."""
    resources = config.resources
    learner = {"CPU": 1.0, "GPU": resources.gpus_per_learner}
    return PlacementGroupFactory(
        [
            {"CPU": 1.0} if resources.learners else learner,
            *[{"CPU": resources.cpus_per_runner}] * resources.runners,
            *[learner] * resources.learners,
        ]
    )


def train_trials(runs: Sequence[PolicyRun], *, resume: bool, stop: Callable[[], bool], storage: str) -> None:
    """Train policies side by side until all are finished or ``stop`` says so; must be called within `ray_session`.

    A trial that fails or whose process is lost goes on from its last checkpoint, ``faults.retries`` times; the others
    go on meanwhile.

    Args:
        runs: what to train.
        resume: go on from the newest complete checkpoints.
        stop: asked all the time.
        storage: folder or URI, reached from every machine, for what Tune writes down; can be removed afterwards.

    Raises:
        HierbrushError: input cannot be used, or policies failed more often than they are retried.
    """
    # A trial may run anywhere, with a working directory of its own.
    by_name = {run.name: _anywhere(run) for run in runs}
    weights = {run.initial_weights: run.initial_weights.read_bytes() for run in by_name.values() if run.initial_weights}
    config = runs[0].config
    # Tune's own handler would end the trials without a checkpoint; its loggers write what our logs have.
    os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    os.environ["RAY_AIR_NEW_OUTPUT"] = os.environ["RAY_CHDIR_TO_TRIAL_DIR"] = "0"
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(PolicyTrial, runs=by_name, weights=weights, resume=resume),
            lambda trial: resources_of(by_name[trial["policy"]].config),
        ),
        param_space={"policy": tune.grid_search(list(by_name))},
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=storage,
            failure_config=tune.FailureConfig(max_failures=config.faults.retries),
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
            f"{len(errors)} of {len(runs)} policies failed more than {config.faults.retries} times; --resume tries "
            "them again",
            *errors,
        )


def _anywhere(run: PolicyRun) -> PolicyRun:
    weights = run.initial_weights.resolve() if run.initial_weights else None
    return replace(run, folder=run.folder.resolve(), initial_weights=weights)


def _last_line(error: Exception | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


def room_for(config: TrainingConfig) -> str | None:
    """Return a warning when one policy asks for more cores than the whole Ray cluster has; None when it fits."""
    asked = resources_of(config).required_resources.get("CPU", 0)
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
