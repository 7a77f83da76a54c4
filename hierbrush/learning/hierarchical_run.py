"""The training of both levels, from its first step or its last checkpoint to its weights."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save

from hierbrush.curriculum import load_curriculum, load_model
from hierbrush.envs.character import COMPOSER
from hierbrush.files import write_atomically
from hierbrush.learning.hangup import lasting_ray_session
from hierbrush.learning.hierarchical import hierarchical_algorithm_config, trained_modules, weight_files
from hierbrush.learning.hierarchical_config import HierarchicalConfig
from hierbrush.learning.policy_run import PolicyRun, TrainingLoop
from hierbrush.learning.progress import Progress
from hierbrush.learning.storage import stored_at
from hierbrush.learning.weights import commit
from hierbrush.sim import observation
from hierbrush.strokes.types import ABBREVIATIONS

COMPOSER_FILE, COMPOSER_CARD = "composer.safetensors", "composer.json"
PRIMITIVES_FILE, PRIMITIVES_CARD = "policies.safetensors", "policies.json"


class HierarchicalLoop(TrainingLoop):
    """Iterations of both levels; the figures shown are the composer's, or those of the first primitive trained."""

    def _export(self, record: dict[str, Any]) -> None:
        """Write the composer and the primitives to files of the same form as those that ship, each with its card.

        All primitives are written, those that were not trained as well, so that the file can be used as it is.
        """
        run = self._run
        config: Any = run.config
        trained = trained_modules(config)
        card = {
            "format": 1,
            "name": run.name,
            "trained": list(trained),
            "steps": self.steps,
            "seconds": round(time.monotonic() - self._started, 1),
            "seed": run.config.seed,
            "changes": self._changes,
            "commit": commit(),
            "training_scores": {
                name: record[name]
                for name in ("return", "iou", "character_iou", "order_exact", "centre_error")
                if record.get(name) is not None
            },
            "curriculum": run.curriculum.name if run.curriculum else None,
            "config": run.config.model_dump(mode="json"),
        }
        states = self._algorithm.learner_group.get_weights()
        if COMPOSER in trained:
            tensors = {
                name.removeprefix("net."): _half(value)
                for name, value in states[COMPOSER].items()
                if name.startswith("net.")
            }
            _write(run.folder, COMPOSER_FILE, COMPOSER_CARD, tensors, card)
        if set(trained) - {COMPOSER}:
            primitives = {}
            for stroke in ABBREVIATIONS:
                networks = {name: value for name, value in states[stroke].items() if name.startswith("policy.")}
                for name, value in networks.items():
                    primitives[f"{stroke}/{name.removeprefix('policy.')}"] = _half(value)
            facts = {**card, "observation_version": observation.VERSION}
            _write(run.folder, PRIMITIVES_FILE, PRIMITIVES_CARD, primitives, facts)


def _half(value: Any) -> NDArray[np.float16]:
    """Return a parameter as it is shipped."""
    array = value.cpu().numpy() if isinstance(value, torch.Tensor) else value
    return np.ascontiguousarray(array, np.float16)


def _write(into: Path, weights: str, card: str, tensors: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
    data = save(dict(tensors))
    write_atomically(into / weights, data)
    text = json.dumps({"sha256": hashlib.sha256(data).hexdigest(), **facts}, indent=2, ensure_ascii=False)
    write_atomically(into / card, text.encode() + b"\n")


def train_hierarchical(
    config_path: Path,
    *,
    overrides: Sequence[str] = (),
    resume: bool = False,
    output: Path | None = None,
    address: str | None = None,
    trust_checkpoints: bool = False,
    stop: Callable[[], bool],
) -> Path | None:
    """Train both levels as a configuration file asks for; return the folder with the results, None if stopped.

    The folder (``runs/<name>`` unless given) holds ``composer.safetensors`` and its card when the composer was trained,
    ``policies.safetensors`` and its card when primitives were, ``metrics.jsonl``, ``curve.png``, ``tensorboard/`` and
    ``checkpoints/``.

    Args:
        config_path: YAML file, see `HierarchicalConfig`.
        overrides: ``KEY=VALUE`` arguments that change the configuration.
        resume: go on from the newest complete checkpoint in ``output``.
        output: the folder.
        address: Ray cluster to train on; see `ray_session`.
        trust_checkpoints: go on from checkpoints that other users could have written, too.
        stop: asked after every iteration.

    Raises:
        HierbrushError: the configuration cannot be used, or ``output`` holds a training and ``resume`` is False.
    """
    config = load_model(config_path, HierarchicalConfig, overrides)
    trained = trained_modules(config)
    weight_files(config)  # a misspelt name is told before a folder is made and Ray is started
    into = output or Path("runs", config.name)
    curriculum = load_curriculum(config.curriculum, beside=config_path)
    uri = stored_at(config.output.storage, into, into)
    card = PRIMITIVES_CARD if set(trained) - {COMPOSER} else COMPOSER_CARD
    run = PolicyRun(
        config.name,
        into,
        config,  # type: ignore[arg-type]
        curriculum,
        None,
        None,
        uri,
        card=card,
        trusted=trust_checkpoints,
    )
    with run.claim(resume=resume):
        if resume and run.finished:
            return into
        progress = Progress(config.name, config.training.steps, 0)
        with lasting_ray_session(1 + config.resources.runners + config.resources.learners, address):
            algorithm = hierarchical_algorithm_config(config, curriculum).build_algo()
            with HierarchicalLoop(run, algorithm, progress, resume=resume) as loop:
                loop.module_id = trained[0]
                return into if loop.train(stop) else None
