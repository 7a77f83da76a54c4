"""The training of one policy, from its first step or its last checkpoint to its weights."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    EPISODE_RETURN_MEAN,
    LEARNER_RESULTS,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
)

from hierbrush.curriculum import Curriculum
from hierbrush.envs.stroke import hidden_columns
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import write_atomically
from hierbrush.learning.algorithm import CURRICULUM_RESULTS, RUNNERS, SAMPLED, CurriculumPPO, algorithm_config
from hierbrush.learning.batch_runner import EPISODE_METRICS
from hierbrush.learning.checkpoint import DamagedCheckpointError
from hierbrush.learning.config import TrainingConfig
from hierbrush.learning.lock import only_writer
from hierbrush.learning.logs import METRICS_FILE, RunLog, draw_curve
from hierbrush.learning.progress import Progress
from hierbrush.learning.resume import check_changes, check_resume
from hierbrush.learning.storage import Store, open_store
from hierbrush.learning.threads import use_one_thread
from hierbrush.learning.weights import CARD, commit, load_weights, network_tensors, save_weights
from hierbrush.sim import observation

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_UNUSABLE = (*_FULL, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST)
CONFIG_COPY = "config.json"
TIMES = "times.json"
"""In a checkpoint: the seconds of training, the last record of the log, the configuration, and its changes."""


@dataclass(frozen=True)
class PolicyRun:
    """One policy to train.

    Attributes:
        name: for messages, such as ``specialist/HZG``.
        folder: where its logs and weights go, and its checkpoints unless ``uri`` is given.
        config: the configuration of its phase.
        curriculum: what it practises.
        stroke: the one stroke type it is for; None for all types.
        initial_weights: safetensors file to begin with.
        uri: where its checkpoints and a copy of its results go, see `open_store`.
        card: name of the file that is written last when it is finished.
        trusted: go on from checkpoints that other users could have written, too.
    """

    name: str
    folder: Path
    config: TrainingConfig
    curriculum: Curriculum | None
    stroke: str | None
    initial_weights: Path | None
    uri: str | None = None
    card: str = CARD
    trusted: bool = False

    @property
    def finished(self) -> bool:
        """Whether the weights and their card are there, and no more steps are wanted than were then."""
        try:
            return int(self._card()["config"]["training"]["steps"]) >= self.config.training.steps
        except (ValueError, TypeError, KeyError):
            return False

    @property
    def exported(self) -> bool:
        """Whether weights and their card are there, of however many steps."""
        return isinstance(self._card(), dict)

    @property
    def begun(self) -> bool:
        """Whether a training has begun here."""
        return self.store().begun() or os.path.exists(self.folder / self.card)

    def store(self) -> Store:
        """Return where its checkpoints are."""
        return open_store(self.folder, self.uri, trusted=self.trusted)

    def earlier_settings(self) -> Mapping[str, Any] | None:
        """Return the configuration of its newest checkpoint that can be read as JSON, or else the card's.

        None if neither says; `TrainingLoop` tells what is damaged.
        """
        store = self.store()
        for steps in reversed(store.complete()):
            with contextlib.suppress(DamagedCheckpointError, ValueError):
                return _settings(json.loads(store.read(steps, TIMES)))
        return _settings(self._card())

    @contextlib.contextmanager
    def claim(self, *, resume: bool) -> Iterator[None]:
        """Make the folder and be the only training in it; look at what a resumed one changes.

        Raises:
            HierbrushError: it already holds a training and ``resume`` is False, another process trains there, or the
                configuration has changed in what cannot change.
        """
        if self.begun and not resume:
            raise HierbrushError(
                f"--output: {self.folder} already holds a training; add --resume to go on with it, or give another "
                "--output"
            )
        with only_writer(self.folder):
            if resume:
                self.store().collect(self.folder)
                refuse_lost_checkpoints(self.folder, self.config.output.storage, [self])
                check_resume([self])
            write_atomically(self.folder / CONFIG_COPY, (self.config.model_dump_json(indent=2) + "\n").encode())
            yield

    def _card(self) -> Any:
        try:
            return json.loads((self.folder / self.card).read_bytes())
        except (OSError, ValueError):
            return None


def _settings(facts: Any) -> Mapping[str, Any] | None:
    settings = facts.get("config") if isinstance(facts, Mapping) else None
    return settings if isinstance(settings, Mapping) else None


def refuse_lost_checkpoints(output: Path, storage: str | None, runs: Sequence[PolicyRun]) -> None:
    """Refuse to resume where the checkpoints are not: the training would begin again and lose its log.

    Args:
        output: folder of the whole training.
        storage: ``output.storage`` now.
        runs: all that is trained.

    Raises:
        HierbrushError: ``output.storage`` has changed, and nothing has begun there.
    """
    try:
        before = json.loads((output / CONFIG_COPY).read_bytes())["output"]["storage"]
    except (OSError, ValueError, TypeError, KeyError):
        return
    if before != storage and not any(run.store().begun() for run in runs):
        raise HierbrushError(
            f"--resume: output.storage ({shown(before)}, now {shown(storage)}): there are no checkpoints; copy them "
            "there first"
        )


def build_training(run: PolicyRun, *, resume: bool, progress: Progress | None) -> TrainingLoop:
    """Build the training of one policy, from its first step or its newest complete checkpoint on.

    Must be called within `ray_session`; the training must be closed.

    Args:
        run: what to train.
        resume: go on from the newest complete checkpoint, if there is one.
        progress: where to show it; None shows nothing.

    Raises:
        HierbrushError: weights that do not fit, a checkpoint that cannot be read.
    """
    algorithm = algorithm_config(run.config, curriculum=run.curriculum, stroke=run.stroke).build_algo()
    try:
        loop = TrainingLoop(run, algorithm, progress, resume=resume)
    except BaseException:
        algorithm.stop()
        raise
    if not loop.steps and run.initial_weights is not None:
        _set_network(algorithm, run.initial_weights)
    return loop


@contextlib.contextmanager
def _writing(folder: Path, errors: Sequence[int]) -> Iterator[None]:
    """Tell in one line what keeps a run's files from being written; what else is raised is left as it is."""
    try:
        yield
    except OSError as error:
        if error.errno not in errors:
            raise
        raise HierbrushError(f"{folder}: cannot be written: {error.strerror}") from error


class TrainingLoop:
    """Iterations of one algorithm, logged and checkpointed, until its steps are done or somebody stops it.

    Args:
        run: what is trained.
        algorithm: built for it; closed with the training.
        progress: where to show it; None shows nothing.
        resume: go on from the newest complete checkpoint, if there is one.

    Attributes:
        steps: environment steps done.
        begun_at: environment steps that it goes on from.
        done: whether there is nothing left to do, because of the steps or of the curriculum.
        told: sentences for the user that have no progress to be shown by.

    Raises:
        HierbrushError: no checkpoint can be used, a setting has changed that cannot, or nothing can be written.
    """

    module_id = DEFAULT_MODULE_ID

    def __init__(self, run: PolicyRun, algorithm: CurriculumPPO, progress: Progress | None, *, resume: bool) -> None:
        use_one_thread()
        self._run, self._algorithm, self._progress = run, algorithm, progress
        self._store = run.store()
        self._runners: int | None = None
        self.steps, self.told = 0, list[str]()
        self._record, self._changes = dict[str, Any](), list[dict[str, Any]]()
        seconds = 0.0
        with contextlib.ExitStack() as stack:
            stack.enter_context(_writing(run.folder, _UNUSABLE))
            run.folder.mkdir(parents=True, exist_ok=True)
            self._store.begin()
            folder = self._fetch(stack) if resume else None
            earlier = None
            if folder is not None:
                seconds = self._take_up(folder)
                if (folder / METRICS_FILE).exists():
                    earlier = folder / METRICS_FILE
            self._log = RunLog(run.folder, steps=self.steps, tensorboard=run.config.output.tensorboard, earlier=earlier)
        self.begun_at = self.steps
        if progress is not None:
            progress.begin(self.steps)
        self._started = time.monotonic() - seconds
        self._last_saved, self._saved = time.monotonic(), self.steps if folder is not None else None

    def _fetch(self, stack: contextlib.ExitStack) -> Path | None:
        """Return the folder of the newest checkpoint that is what was written; None if there never was one."""
        damaged: dict[int, DamagedCheckpointError] = {}
        for steps in reversed(self._store.complete()):
            try:
                folder = stack.enter_context(self._store.fetch(steps))
            except DamagedCheckpointError as error:
                damaged[steps] = error
                continue
            for lost, reason in damaged.items():
                self._tell(f"{reason}; {self._store.set_aside(lost)}; going on from step {steps:,}, the one before")
            self.steps = steps
            return folder
        if damaged:
            raise HierbrushError(
                f"--resume: no checkpoint can be used ({'; '.join(map(str, damaged.values()))}); begin again with "
                "another --output"
            )
        if (self._run.folder / self._run.card).exists():
            raise HierbrushError(
                f"--resume: {self._run.folder} holds finished weights, but no checkpoint to go on from; begin another "
                "training with --output, from these weights if you like"
            )
        return None

    def _take_up(self, folder: Path) -> float:
        """Put the training into the state of a checkpoint; return the seconds that it has taken."""
        facts = json.loads((folder / TIMES).read_bytes())
        self._record, self._changes = facts.get("record") or {}, facts.get("changes") or []
        before = _settings(facts)
        changed = check_changes(before, self._run.config, self._run.name) if before is not None else {}
        if changed:
            self._changes = [*self._changes, {"steps": self.steps, "changed": changed}]
        try:
            self._restore(folder)
        except HierbrushError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            raise HierbrushError(
                f"--resume: {folder}: is whole, but cannot be taken up ({type(error).__name__}: {reason}); was it "
                "written by this version of hierbrush, Ray and Torch?"
            ) from error
        if self._record.get("status") == "stopped" and self.steps < self._run.config.training.steps:
            self._tell(f"the curriculum has stopped it at step {self.steps:,}; training.steps does not change that")
        return float(facts["seconds"])

    def _tell(self, message: str) -> None:
        if self._progress is not None:
            self._progress.say(message)
        else:
            self.told.append(message)

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        return self.steps >= self._run.config.training.steps or self._record.get("status") == "stopped"

    def train(self, stop: Callable[[], bool]) -> bool:
        """Iterate until the training is done or ``stop``, asked after every iteration, says so.

        Returns whether the training is finished and its weights are written; otherwise there is a checkpoint.

        Raises:
            HierbrushError: a checkpoint, log or weights file cannot be written.
        """
        stopped = False
        while not self.done and not stopped:
            self.step()
            stopped = stop()
        if not self.done:
            self.save()
            return False
        self.finish()
        return True

    def step(self) -> dict[str, Any] | None:
        """Iterate once and return its record; None if no runner was there to sample.

        Raises:
            HierbrushError: a checkpoint or log cannot be written.
        """
        with _writing(self._run.folder, _FULL):  # of others the environment may be the cause
            record = self._iterate()
            if time.monotonic() - self._last_saved >= self._run.config.output.checkpoint_every:
                self.save()
        return record

    def save(self) -> None:
        """Take a checkpoint, unless the newest is of these steps.

        Raises:
            HierbrushError: it cannot be written; earlier checkpoints are untouched.
        """
        if self._saved == self.steps:
            return

        def write(folder: Path) -> None:
            self._algorithm.save_to_path(str(folder.resolve()))
            shutil.copyfile(self._log.path, folder / METRICS_FILE)
            facts = {
                "seconds": time.monotonic() - self._started,
                "record": self._record,
                "config": self._run.config.model_dump(mode="json"),
                "changes": self._changes,
            }
            (folder / TIMES).write_text(json.dumps(facts))

        self._store.save(self.steps, write, keep=self._run.config.output.keep)
        self._last_saved, self._saved = time.monotonic(), self.steps

    def finish(self) -> None:
        """Take the last checkpoint and write the weights and their card."""
        self.save()
        self._export(self._record)
        self._draw()
        self._store.publish(self._run.folder)

    def close(self) -> None:
        """Close the log and stop the algorithm."""
        self._log.close()
        self._draw()
        if self._progress is not None:
            self._progress.close()
        self._algorithm.stop()
        with contextlib.suppress(OSError):
            Path(self._algorithm.logdir).rmdir()  # Ray makes an empty folder in the home directory

    def __enter__(self) -> TrainingLoop:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _restore(self, folder: Path) -> None:
        """Put the algorithm into the state of a checkpoint."""
        self._algorithm.restore_from_path(str(folder))
        self._algorithm.reseed(self.steps)

    def _draw(self) -> None:
        with contextlib.suppress(OSError):  # a picture is not worth more than the error that is being raised
            draw_curve(self._run.folder)

    def _iterate(self) -> dict[str, Any] | None:
        before, events = time.monotonic(), len(self._algorithm.stage_events)
        result = self._algorithm.train()
        self._tell_runners(result[RUNNERS])
        if not result[SAMPLED]:
            return None
        sampled = int(result[ENV_RUNNER_RESULTS][NUM_ENV_STEPS_SAMPLED_LIFETIME])
        now = time.monotonic()
        rate = (sampled - self.steps) / (now - before)
        self.steps = sampled
        episodes, learner = result[ENV_RUNNER_RESULTS], result[LEARNER_RESULTS].get(self.module_id, {})
        curriculum = result.get(CURRICULUM_RESULTS, {})
        record = {
            "steps": self.steps,
            "seconds": round(now - self._started, 2),
            "steps_per_second": round(rate),
            "runners": result[RUNNERS],
            "stage": curriculum.get("stage"),
            "stage_name": curriculum.get("name"),
            "status": curriculum.get("status"),
            "return": _number(episodes.get(EPISODE_RETURN_MEAN)),
            **{name: _number(value) for name, value in episodes.get(EPISODE_METRICS, {}).items()},
            **{
                name: _number(learner.get(name))
                for name in ("policy_loss", "vf_loss", "vf_explained_var", "approx_kl", "sigma")
            },
            "lr": _number(learner.get("default_optimizer_learning_rate")),
        }
        self._record = record
        self._log.write(record)
        if self._progress is not None:
            for event in self._algorithm.stage_events[events:]:
                self._progress.say(event)
            self._progress.update(record)
        return record

    def _tell_runners(self, runners: int) -> None:
        """Say how many runners are there when that has changed."""
        wanted = self._run.config.resources.runners
        if runners != (wanted if self._runners is None else self._runners) and self._progress is not None:
            self._progress.say(f"{runners} of {wanted} runners are there")
        self._runners = runners

    def _export(self, record: dict[str, Any]) -> None:
        run, module = self._run, self._algorithm.get_module()
        card = {
            "name": run.name,
            "stroke": run.stroke,
            "stroke_types": [run.stroke] if run.stroke else list(run.curriculum.stroke_types if run.curriculum else ()),
            "steps": self.steps,
            "seconds": round(time.monotonic() - self._started, 1),
            "seed": run.config.seed,
            "changes": self._changes,
            "commit": commit(),
            "environment": run.config.environment.id,
            "observation_version": observation.VERSION,
            "observation_size": int(module.observation_space.shape[0]),
            "action_size": int(module.action_space.shape[0]),
            "training_scores": {
                name: value for name, value in record.items() if name == "return" or name.startswith("iou")
            },
            "curriculum": run.curriculum.name if run.curriculum else None,
            "config": run.config.model_dump(mode="json"),
        }
        tensors = network_tensors(_learner_state(self._algorithm))
        options = run.config.environment.options
        hidden = hidden_columns(options.get("hidden", ()), options.get("observation", "full"))
        for network in ("policy", "value"):
            # What was always zero in training has random first weights, which must not speak afterwards.
            tensors[f"{network}.0.weight"][:, hidden] = 0.0
        save_weights(run.folder, tensors, card)


def _learner_state(algorithm: CurriculumPPO) -> dict[str, Any]:
    state: dict[str, Any] = algorithm.learner_group.get_weights([DEFAULT_MODULE_ID])[DEFAULT_MODULE_ID]
    return state


def _set_network(algorithm: CurriculumPPO, path: Path) -> None:
    """Put the networks of a safetensors file into the learners and the runners; the noise schedule stays."""
    state = _learner_state(algorithm)
    network = network_tensors(state)
    loaded = load_weights(path, {name: array.shape for name, array in network.items()})
    algorithm.learner_group.set_weights({DEFAULT_MODULE_ID: {**state, **loaded}})
    algorithm.env_runner_group.sync_weights(from_worker_or_learner_group=algorithm.learner_group, inference_only=True)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
