"""The training of one policy, from its first step or its last checkpoint to its weights."""

from __future__ import annotations

import contextlib
import errno
import json
import shutil
import time
from collections.abc import Callable
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
from hierbrush.errors import HierbrushError
from hierbrush.learning.algorithm import CURRICULUM_RESULTS, RUNNERS, SAMPLED, CurriculumPPO, algorithm_config
from hierbrush.learning.batch_runner import EPISODE_METRICS
from hierbrush.learning.config import TrainingConfig
from hierbrush.learning.logs import METRICS_FILE, RunLog, draw_curve
from hierbrush.learning.progress import Progress
from hierbrush.learning.storage import Store, open_store
from hierbrush.learning.threads import use_one_thread
from hierbrush.learning.weights import CARD, commit, load_weights, network_tensors, save_weights
from hierbrush.sim import observation

TIMES = "times.json"
"""In a checkpoint: the seconds of training, and the last record of the log."""


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
    """

    name: str
    folder: Path
    config: TrainingConfig
    curriculum: Curriculum | None
    stroke: str | None
    initial_weights: Path | None
    uri: str | None = None

    @property
    def finished(self) -> bool:
        """Whether the weights and their card are there."""
        return (self.folder / CARD).exists()

    def store(self) -> Store:
        """Return where its checkpoints are."""
        return open_store(self.folder, self.uri)

    def claim(self, *, resume: bool) -> None:
        """Make the folder.

        Raises:
            HierbrushError: it already holds a training and ``resume`` is False.
        """
        if self.store().begun() and not resume:
            raise HierbrushError(
                f"--output: {self.folder} already holds a training; add --resume to go on with it, or give another "
                "--output"
            )
        self.folder.mkdir(parents=True, exist_ok=True)


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
    loop = TrainingLoop(run, algorithm, progress, resume=resume)
    if not loop.steps and run.initial_weights is not None:
        _set_network(algorithm, run.initial_weights)
    return loop


class TrainingLoop:
    """Iterations of one algorithm, logged and checkpointed, until its steps are done or somebody stops it.

    Args:
        run: what is trained.
        algorithm: built for it; closed with the training.
        progress: where to show it; None shows nothing.
        resume: go on from the newest complete checkpoint, if there is one.

    Attributes:
        steps: environment steps done.
        done: whether there is nothing left to do, because of the steps or of the curriculum.

    Raises:
        HierbrushError: a checkpoint cannot be read.
    """

    module_id = DEFAULT_MODULE_ID

    def __init__(self, run: PolicyRun, algorithm: CurriculumPPO, progress: Progress | None, *, resume: bool) -> None:
        use_one_thread()
        self._run, self._algorithm, self._progress = run, algorithm, progress
        self._store = run.store()
        run.folder.mkdir(parents=True, exist_ok=True)
        self._store.begin()
        self.steps, self._record = 0, dict[str, Any]()
        self._runners: int | None = None
        saved = self._store.complete() if resume else []
        seconds = 0.0
        with contextlib.ExitStack() as stack:
            earlier = None
            if saved:
                self.steps = saved[-1]
                folder = stack.enter_context(self._store.fetch(self.steps))
                self._restore(folder)
                facts = json.loads((folder / TIMES).read_bytes())
                seconds, self._record = float(facts["seconds"]), facts.get("record") or {}
                if (folder / METRICS_FILE).exists():
                    earlier = folder / METRICS_FILE
            self._log = RunLog(run.folder, steps=self.steps, tensorboard=run.config.output.tensorboard, earlier=earlier)
        self._started = time.monotonic() - seconds
        self._last_saved, self._saved = time.monotonic(), self.steps if saved else None

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
        try:
            record = self._iterate()
            if time.monotonic() - self._last_saved >= self._run.config.output.checkpoint_every:
                self.save()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise HierbrushError(f"{self._run.folder}: cannot be written: {error.strerror}") from error
            raise
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
            facts = {"seconds": time.monotonic() - self._started, "record": self._record}
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
