"""The training of one policy, from its first step or its last checkpoint to its weights."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import torch
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
from hierbrush.learning import checkpoint
from hierbrush.learning.algorithm import CURRICULUM_RESULTS, CurriculumPPO, algorithm_config
from hierbrush.learning.config import TrainingConfig
from hierbrush.learning.logs import RunLog, draw_curve
from hierbrush.learning.progress import Progress
from hierbrush.learning.runner import EPISODE_METRICS
from hierbrush.learning.weights import CARD, commit, load_weights, network_tensors, save_weights
from hierbrush.sim import observation

_LOCAL_OBJECT_STORE = 80 * 2**20  # bytes; Ray's smallest: training in one process puts next to nothing there
_TIMES = "times.json"


@dataclass(frozen=True)
class PolicyRun:
    """One policy to train.

    Attributes:
        name: for messages, such as ``specialist/HZG``.
        folder: where its checkpoints, logs and weights go.
        config: the configuration of its phase.
        curriculum: what it practises.
        stroke: the one stroke type it is for; None for all types.
        initial_weights: safetensors file to begin with.
    """

    name: str
    folder: Path
    config: TrainingConfig
    curriculum: Curriculum | None
    stroke: str | None
    initial_weights: Path | None

    @property
    def finished(self) -> bool:
        """Whether the weights and their card are there."""
        return (self.folder / CARD).exists()


@contextlib.contextmanager
def ray_session(cpus: int, address: str | None = None) -> Iterator[None]:
    """Start a Ray of our own, as small as it gets, unless one is running; stop it afterwards.

    RLlib needs one even where nothing is remote; starting it takes about 5 s, so many policies should share one.

    Args:
        cpus: cores that a Ray of our own has.
        address: join this cluster instead, ``auto`` or ``HOST:PORT``, and leave it running afterwards.

    Raises:
        HierbrushError: no cluster answers at the address.
    """
    if ray.is_initialized():
        yield
        return
    for name in ("ray", "ray.rllib", "ray.tune", "ray.train"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # It logs every call to a runner that is not there; the training says itself what is lost and what was raised.
    logging.getLogger("ray.rllib.utils.actor_manager").setLevel(logging.CRITICAL)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if address is not None:
        try:
            ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise HierbrushError(
                f"--address: no Ray cluster answers at {address!r} ({reason}); expected 'auto' on a machine of the "
                "cluster, or HOST:PORT of its head"
            ) from None
        try:
            yield
        finally:
            ray.shutdown()
        return
    ray.init(
        address="local",
        num_cpus=cpus,
        include_dashboard=False,
        object_store_memory=_LOCAL_OBJECT_STORE * (cpus if cpus > 1 else 1),
        logging_level=logging.ERROR,
        log_to_driver=False,
    )
    try:
        yield
    finally:
        ray.shutdown()


def cpus_needed(config: TrainingConfig) -> int:
    """Return the cores that one policy's training occupies."""
    resources = config.resources
    return 1 + math.ceil(resources.runners * resources.cpus_per_runner) + resources.learners


def train_policy(run: PolicyRun, *, resume: bool, progress: Progress | None, stop: Callable[[], bool]) -> bool:
    """Train one policy; return whether it is finished (False: ``stop`` said to stop, a checkpoint was written).

    Must be called within `ray_session`.

    Args:
        run: what to train.
        resume: go on from the newest complete checkpoint, if there is one.
        progress: where to show it; None shows nothing.
        stop: asked after every iteration.

    Raises:
        HierbrushError: weights that do not fit, a checkpoint that cannot be written.
    """
    # A second thread gains a fifth on an idle machine and makes the learner 20 times slower on a busy one.
    torch.set_num_threads(1)
    checkpoints = run.folder / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    checkpoint.remove_unfinished(checkpoints)
    checkpoint.remove_unfinished(run.folder)
    algorithm = algorithm_config(run.config, curriculum=run.curriculum, stroke=run.stroke).build_algo()
    try:
        seconds = 0.0
        done = checkpoint.complete(checkpoints) if resume else []
        if done:
            algorithm.restore_from_path(str(done[-1].resolve()))
            seconds = elapsed(done[-1])
        elif run.initial_weights is not None:
            _set_network(algorithm, run.initial_weights)
        steps = checkpoint.steps_of(done[-1]) if done else 0
        return TrainingLoop(run, algorithm, checkpoints, progress, steps, seconds).train(stop)
    finally:
        algorithm.stop()
        with contextlib.suppress(OSError):
            Path(algorithm.logdir).rmdir()  # Ray makes an empty folder in the home directory


class TrainingLoop:
    """Iterations of one algorithm, logged and checkpointed, until its steps are done or somebody stops it."""

    module_id = DEFAULT_MODULE_ID

    def __init__(
        self,
        run: PolicyRun,
        algorithm: CurriculumPPO,
        checkpoints: Path,
        progress: Progress | None,
        steps: int,
        seconds: float,
    ) -> None:
        self._run, self._algorithm, self._checkpoints, self._progress = run, algorithm, checkpoints, progress
        self._steps = steps
        self._started = time.monotonic() - seconds
        self._log = RunLog(run.folder, steps=steps, tensorboard=run.config.output.tensorboard)

    def train(self, stop: Callable[[], bool]) -> bool:
        """Return whether the training is finished and its weights are written."""
        last_saved = time.monotonic()
        record: dict[str, Any] = {}
        stopped = False
        try:
            while self._steps < self._run.config.training.steps and not stopped:
                record = self._iterate()
                stopped = stop() or record.get("status") == "stopped"
                if time.monotonic() - last_saved >= self._run.config.output.checkpoint_every:
                    self._save()
                    last_saved = time.monotonic()
            self._save()
        finally:
            self._log.close()
            draw_curve(self._run.folder)
        if self._steps < self._run.config.training.steps and record.get("status") != "stopped":
            return False
        self._export(record)
        return True

    def _iterate(self) -> dict[str, Any]:
        before, events = time.monotonic(), len(self._algorithm.stage_events)
        result = self._algorithm.train()
        sampled = int(result[ENV_RUNNER_RESULTS][NUM_ENV_STEPS_SAMPLED_LIFETIME])
        now = time.monotonic()
        rate = (sampled - self._steps) / (now - before)
        self._steps = sampled
        episodes, learner = result[ENV_RUNNER_RESULTS], result[LEARNER_RESULTS].get(self.module_id, {})
        curriculum = result.get(CURRICULUM_RESULTS, {})
        record = {
            "steps": self._steps,
            "seconds": round(now - self._started, 2),
            "steps_per_second": round(rate),
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
        self._log.write(record)
        if self._progress is not None:
            for event in self._algorithm.stage_events[events:]:
                self._progress.say(event)
            self._progress.update(record)
        return record

    def _save(self) -> None:
        def write(folder: Path) -> None:
            self._algorithm.save_to_path(str(folder.resolve()))
            (folder / _TIMES).write_text(json.dumps({"seconds": time.monotonic() - self._started}))

        checkpoint.save(self._checkpoints, self._steps, write, keep=self._run.config.output.keep)

    def _export(self, record: dict[str, Any]) -> None:
        run, module = self._run, self._algorithm.get_module()
        card = {
            "name": run.name,
            "stroke": run.stroke,
            "steps": self._steps,
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


def elapsed(folder: Path) -> float:
    """Return the seconds that a training had taken when a checkpoint was written."""
    return float(json.loads((folder / _TIMES).read_bytes())["seconds"])


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
