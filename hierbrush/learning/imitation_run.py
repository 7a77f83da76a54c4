"""The training of an imitation, from its first step or its last checkpoint to its weights."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import ray.data
from numpy.typing import NDArray
from ray.rllib.core import COMPONENT_LEARNER_GROUP, DEFAULT_MODULE_ID
from ray.rllib.utils.metrics import LEARNER_RESULTS
from safetensors.numpy import save

from hierbrush.composer.brief import Brief, Truth
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.curriculum import load_model
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import write_atomically
from hierbrush.learning.expert import Disturbance
from hierbrush.learning.hangup import lasting_ray_session
from hierbrush.learning.imitation import (
    SLOPE,
    ImitationConfig,
    ImitationLearner,
    briefs_and_truths,
    composition_scores,
    imitation_config,
    steeper_pointer,
    training_expert,
    write_decisions,
)
from hierbrush.learning.logs import draw_errors
from hierbrush.learning.policy_run import PolicyRun, TrainingLoop
from hierbrush.learning.practice import Teachers
from hierbrush.learning.progress import Progress
from hierbrush.learning.storage import stored_at
from hierbrush.learning.weights import commit

WEIGHTS, CARD, DECISIONS = "composer.safetensors", "composer.json", "decisions.parquet"

FIGURES = (
    ("loss of choice", "choice_loss"),
    ("centres", "centre_error"),
    ("of validation characters", "centre_known"),
)
"""What is shown of a record, as label and key."""

_NET = "net."


class ImitationLoop(TrainingLoop):
    """Iterations of behaviour cloning, and the scores on validation characters now and then.

    A training that was stopped and resumed makes the weights that it would have made in one go, bit by bit.

    Args:
        run: what is trained.
        algorithm: built for it; closed with the training.
        progress: where to show it.
        resume: go on from the newest complete checkpoint, if there is one.
        validation: what is told of the validation characters, and how they are written.
        facts: what the card shall say besides.
    """

    def __init__(
        self,
        run: PolicyRun,
        algorithm: Any,
        progress: Progress,
        *,
        resume: bool,
        validation: tuple[list[Brief], list[Truth]],
        facts: dict[str, Any],
    ) -> None:
        self._validation, self._facts = validation, facts
        self._validated = time.monotonic()
        super().__init__(run, algorithm, progress, resume=resume)

    @property
    def _learner(self) -> ImitationLearner:
        learner: ImitationLearner = self._algorithm.learner_group._learner
        return learner

    def _restore(self, folder: Path) -> None:
        config: Any = self._run.config
        # The algorithm's own way would look for runners, which an imitation lacks.
        self._algorithm.learner_group.restore_from_path(str(folder / COMPONENT_LEARNER_GROUP))
        # The data come in the file's order over and over; what has been learned from is read over.
        offline_data: Any = self._algorithm.offline_data
        for _ in range(self._learner.batches):
            offline_data.sample(num_samples=config.training.batch, num_shards=0)

    def _iterate(self) -> dict[str, Any]:
        config: Any = self._run.config
        result = self._algorithm.train()[LEARNER_RESULTS][DEFAULT_MODULE_ID]
        self.steps = self._learner.steps
        now = time.monotonic()
        record = {
            "steps": self.steps,
            "seconds": round(now - self._started, 1),
            **{name: float(result[name]) for name in ("choice_loss", "centre_error")},
        }
        if now - self._validated > config.training.validate_every or self._learner.finished:
            record |= composition_scores(*self._validation, ComposerPolicy(_tensors(self._algorithm)))
            self._validated = time.monotonic()
        self._record = record
        self._log.write(record)
        if self._progress is not None:
            self._progress.update(record)
        return record

    def _export(self, record: dict[str, Any]) -> None:
        run, learned = self._run, _tensors(self._algorithm)
        steepened = steeper_pointer(learned, *self._validation)
        data = save({name: array.astype(np.float16) for name, array in steepened.items()})
        write_atomically(run.folder / WEIGHTS, data)
        card = {
            "format": 1,
            "sha256": hashlib.sha256(data).hexdigest(),
            "trained_by": "imitation",
            **self._facts,
            **{name: record[name] for name in ("seconds", "steps")},
            "slope": float(steepened[SLOPE][0] / learned[SLOPE][0]),
            "validation": composition_scores(*self._validation, ComposerPolicy.load(run.folder / WEIGHTS)),
            "changes": self._changes,
            "commit": commit(),
            "config": run.config.model_dump(mode="json"),
        }
        write_atomically(run.folder / CARD, json.dumps(card, indent=1, ensure_ascii=False).encode() + b"\n")

    def _draw(self) -> None:
        with contextlib.suppress(OSError):
            draw_errors(self._run.folder)

    def close(self) -> None:
        """Close the log and stop the algorithm."""
        # What still reads would complain that Ray is gone.
        self._algorithm.offline_data.batch_iterators = None
        super().close()


def train_imitation(
    config_path: Path,
    *,
    overrides: Sequence[str] = (),
    resume: bool = False,
    output: Path | None = None,
    limit: int | None = None,
    trust_checkpoints: bool = False,
    stopping: AbstractContextManager[Callable[[], bool]] | None = None,
) -> Path | None:
    """Teach a composer what training characters look like; return the folder with the results, None if stopped.

    The folder (``runs/<name>`` unless given) holds ``decisions.parquet``, ``composer.safetensors`` in float16,
    ``composer.json`` with the scores on validation characters, ``metrics.jsonl``, ``curve.png``, ``tensorboard/`` and
    ``checkpoints/``.

    Args:
        config_path: YAML file, see `ImitationConfig`.
        overrides: ``KEY=VALUE`` arguments that change the configuration.
        resume: go on from the newest complete checkpoint in ``output``.
        output: the folder.
        limit: number of training characters; None for all.
        trust_checkpoints: go on from checkpoints that other users could have written, too.
        stopping: entered when the training begins, after minutes in which there is nothing to be lost yet; its value is
            asked after every iteration.

    Raises:
        HierbrushError: the configuration cannot be used, or ``output`` holds a training and ``resume`` is False.
    """
    config = load_model(config_path, ImitationConfig, overrides)
    # What cannot be read is told before a folder is made and minutes are spent.
    began_with = _initial(config)
    facts = {
        "invented": {"characters": config.practice.characters, "teachers": _teacher_hashes(config)},
        "initial_weights": _hashes([config.initial_weights] if config.initial_weights else []),
        "disturbance": asdict(Disturbance(**config.disturbance.model_dump())),
    }
    into = output or Path("runs", config.name)
    run = PolicyRun(
        config.name,
        into,
        config,  # type: ignore[arg-type]
        None,
        None,
        config.initial_weights,
        stored_at(config.output.storage, into, into),
        card=CARD,
        trusted=trust_checkpoints,
    )
    with run.claim(resume=resume):
        if resume and run.finished:
            return into
        return _train(run, began_with, facts, resume=resume, limit=limit, stopping=stopping)


def _train(
    run: PolicyRun,
    began_with: ComposerPolicy | None,
    facts: dict[str, Any],
    *,
    resume: bool,
    limit: int | None,
    stopping: AbstractContextManager[Callable[[], bool]] | None,
) -> Path | None:
    """Train in the folder of ``run``, which is ours; see `train_imitation`."""
    config: Any = run.config
    progress = Progress(config.name, config.training.steps, 0, figures=FIGURES)
    progress.say("reading how training characters are written")
    expert = training_expert(limit, config.further, config.practice, config.seed)
    validation = briefs_and_truths("validation", limit)
    write_decisions(expert, run.folder / DECISIONS)
    facts["drawings"] = len(expert.bank.counts) - config.practice.characters
    reading = ray.data.DataContext.get_current()
    reading.enable_progress_bars = False
    # Otherwise blocks come in the order in which they are ready, and on a busy machine that may be another one.
    reading.execution_options.preserve_order = True
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    with lasting_ray_session(2), stopping or contextlib.nullcontext(lambda: False) as stop:
        algorithm = imitation_config(config, (run.folder / DECISIONS).resolve(), limit=limit).build_algo()
        with ImitationLoop(run, algorithm, progress, resume=resume, validation=validation, facts=facts) as loop:
            if began_with is not None and not loop.steps:
                _begin_with(algorithm, began_with.tensors())
            return run.folder if loop.train(stop) else None


def _initial(config: ImitationConfig) -> ComposerPolicy | None:
    """Return what the training begins with.

    Raises:
        HierbrushError: the file is no composer.
    """
    if config.initial_weights is None:
        return None
    try:
        return ComposerPolicy.load(config.initial_weights)
    except HierbrushError as error:
        raise HierbrushError(f"initial_weights: {error}") from None


def _teacher_hashes(config: ImitationConfig) -> dict[str, str]:
    """Return the SHA-256 of every teacher's file, by its path as configured.

    Raises:
        HierbrushError: a file is nowhere, or no composer.
    """
    teachers = config.practice.teachers
    for number, file in enumerate(teachers):
        if not os.path.isfile(file):
            raise HierbrushError(f"practice.teachers[{number}]: {shown(file)} is not a file")
    Teachers.load(teachers)  # for its errors, while nothing is made yet
    return _hashes(teachers)


def _hashes(files: Sequence[Path]) -> dict[str, str]:
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _begin_with(algorithm: Any, tensors: dict[str, NDArray[np.float32]]) -> None:
    """Put a policy's network into the learner.

    Raises:
        HierbrushError: its layers have other sizes.
    """
    mine = _tensors(algorithm)
    if {name: array.shape for name, array in mine.items()} != {name: array.shape for name, array in tensors.items()}:
        raise HierbrushError("initial_weights: have other sizes than network.width, .layers and .hidden say")
    state = {f"{_NET}{name}": array for name, array in tensors.items()}
    whole = algorithm.learner_group.get_weights([DEFAULT_MODULE_ID])[DEFAULT_MODULE_ID]
    algorithm.learner_group.set_weights({DEFAULT_MODULE_ID: {**whole, **state}})


def _tensors(algorithm: Any) -> dict[str, NDArray[np.float32]]:
    """Return the policy's network, without critic and noise, by the names that `ComposerPolicy` knows."""
    state = algorithm.learner_group.get_weights([DEFAULT_MODULE_ID])[DEFAULT_MODULE_ID]
    return {
        name.removeprefix(_NET): np.asarray(array, np.float32) for name, array in state.items() if name.startswith(_NET)
    }
