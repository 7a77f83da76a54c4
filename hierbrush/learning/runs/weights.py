"""Trained weights as safetensors files with a JSON card beside them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from hierbrush.errors import HierbrushError
from hierbrush.files import UnreadableError, read_json, read_whole, write_atomically
from hierbrush.resources import commit as commit  # for whoever writes cards
from hierbrush.sim.observation import OBSERVATIONS
from hierbrush.strokes.learned import ALL, ONE, SHIPPED_MARK, shipped_policies
from hierbrush.strokes.learned import WEIGHTS as SHIPPED
from hierbrush.strokes.policy import BASE, F32, read_safetensors

CARD_FORMAT = 1
WEIGHTS, CARD = ONE, "card.json"
DEFAULT_MODULE = "default_policy"
"""RLlib's name for the module of an algorithm that has one."""

RANK = 16
PACKED_WEIGHTS = ALL


@dataclass(frozen=True)
class Weights:
    """What a training leaves in one safetensors file.

    Attributes:
        tensors: by their names in the file.
        facts: what the card beside it says of them.
    """

    tensors: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]


def card_of(weights: str) -> str:
    """Return the name of the card beside a file of weights."""
    return CARD if weights == WEIGHTS else str(Path(weights).with_suffix(".json"))


def write_weights(target: Path, tensors: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
    """Write a safetensors file and then, as the sign that both are complete, the card beside it.

    Args:
        target: the file.
        tensors: by their names.
        facts: JSON-able; the format and the file's SHA-256 are added.
    """
    data = save({name: np.ascontiguousarray(array) for name, array in tensors.items()})
    write_atomically(target, data)
    card = {"format": CARD_FORMAT, "sha256": hashlib.sha256(data).hexdigest(), **facts}
    text = json.dumps(card, indent=1, ensure_ascii=False)
    write_atomically(target.with_name(card_of(target.name)), text.encode() + b"\n")


def tensors_of(algorithm: Any, prefix: str, module: str = DEFAULT_MODULE) -> dict[str, NDArray[Any]]:
    """Return the tensors of a module's learner whose names begin with ``prefix``, without it."""
    state = algorithm.learner_group.get_weights([module])[module]
    return {name.removeprefix(prefix): np.asarray(tensor) for name, tensor in state.items() if name.startswith(prefix)}


def primitive_tensors(algorithm: Any) -> dict[str, F32]:
    """Return policy and critic of a primitive, without the schedule of its noise."""
    return {
        f"{name}.{layer}": tensor.astype(np.float32)
        for name in ("policy", "value")
        for layer, tensor in tensors_of(algorithm, f"{name}.").items()
    }


def begin_with(algorithm: Any, tensors: Mapping[str, NDArray[Any]], module: str = DEFAULT_MODULE) -> None:
    """Put tensors in the place of those of the same names, in the learners and the runners."""
    state = algorithm.learner_group.get_weights([module])[module]
    algorithm.learner_group.set_weights({module: {**state, **tensors}})
    if algorithm.env_runner_group is not None:
        algorithm.env_runner_group.sync_weights(
            from_worker_or_learner_group=algorithm.learner_group, inference_only=True
        )


def load_card(folder: Path) -> dict[str, Any]:
    """Return the card in a folder.

    Raises:
        HierbrushError: there is none, or the weights beside it are not the ones that it describes.
    """
    try:
        card = read_json(folder / CARD)
        digest = hashlib.sha256(read_whole(folder / WEIGHTS)).hexdigest()
    except UnreadableError as error:
        raise HierbrushError(f"{folder}: holds no {WEIGHTS} with a readable {CARD}: {error}") from None
    if card.get("sha256") != digest:
        raise HierbrushError(f"{folder}: {WEIGHTS} is not the file that {CARD} describes (SHA-256 differs)")
    return card


def load_weights(path: str | Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, F32]:
    """Return the tensors that a network needs, from a safetensors file.

    Args:
        path: file that ``hierbrush train`` wrote.
        shapes: name and shape of every tensor of the network.

    Raises:
        HierbrushError: the file is no safetensors file, or its tensors do not fit the network.
    """
    tensors = read_safetensors(path)
    for name, shape in shapes.items():
        if name not in tensors:
            raise HierbrushError(f"initial_weights: {path} has no tensor {name}")
        if tensors[name].shape != shape:
            raise HierbrushError(
                f"initial_weights: {path} has {name} of shape {tensors[name].shape}, the network needs {shape}; "
                "policy.hidden, policy.value_hidden and the observation must be those of the weights' own training"
            )
    return {name: tensors[name] for name in shapes}


def pack(
    folders: Mapping[str, Path],
    target: Path,
    *,
    base: Path | None = None,
    rank: int = RANK,
    validation: Mapping[str, Mapping[str, float]] | None = None,
) -> None:
    """Put the policies of several stroke types into one file for shipping, in float16, with one card for all.

    float16 halves the file and moves an action by less than 1e-3 of its unit, a few micrometres on paper. Specialists
    that began as the same policy differ from it by little: with a ``base`` only the leading singular vectors of each
    layer's change are kept, which makes the file several times smaller still. What `PolicySet` loads is the same
    everywhere; from the trained networks it differs by that much, so score what was packed.

    Args:
        folders: where ``weights.safetensors`` and ``card.json`` of every stroke type lie; the ``base`` itself for a
            type that is best left to it.
        target: folder for ``policies.safetensors`` and ``policies.json``.
        base: folder of the policy that all of them began as.
        rank: singular vectors kept of a layer's change.
        validation: scores by stroke type that are added to the cards.
    """
    tensors: dict[str, NDArray[np.float16]] = {}
    cards: dict[str, Any] = {}
    shared: dict[str, F32] = {}
    if base is not None:
        cards[BASE] = _with_known_scores(load_card(base))
        # Changes are measured from the base as it will be loaded, in float16.
        shared = {name: array.astype(np.float16).astype(np.float32) for name, array in _policy_tensors(base).items()}
        tensors.update({f"{BASE}/{name}": array.astype(np.float16) for name, array in shared.items()})
    for stroke_type, folder in folders.items():
        cards[stroke_type] = _with_known_scores(load_card(folder))
        if validation is not None:
            cards[stroke_type]["validation"] = dict(validation[stroke_type])
        for name, array in _policy_tensors(folder).items():
            layer, _, role = name.rpartition(".")
            if base is None or role == "bias":
                tensors[f"{stroke_type}/{name}"] = array.astype(np.float16)
            if base in (None, folder) or role == "bias":
                continue
            left, strength, right = np.linalg.svd(array - shared[name], full_matrices=False)
            scale = np.sqrt(strength[:rank])
            tensors[f"{stroke_type}/{layer}.up"] = (left[:, :rank] * scale).astype(np.float16)
            tensors[f"{stroke_type}/{layer}.down"] = (scale[:, None] * right[:rank]).astype(np.float16)
    write_weights(target / PACKED_WEIGHTS, tensors, {"rank": rank, "policies": cards})


def fill_up(
    folders: Mapping[str, Path],
    target: Path,
    *,
    marked: bool = True,
    validation: Mapping[str, Mapping[str, float]] | None = None,
) -> None:
    """Put trained policies, whole, and the shipped ones of all other stroke types into one file with one card.

    What is shipped keeps its bits; in the card it is marked.

    Args:
        folders: where ``weights.safetensors`` and ``card.json`` of the trained stroke types lie.
        target: a ``.safetensors`` file; the card has its name with ``.json``.
        marked: False for what is to be shipped itself.
        validation: scores by stroke type that are added to the cards of the trained ones.

    Raises:
        HierbrushError: a policy is missing or does not read what the shipped ones read, this installation has no
            weights, or the target cannot be written.
    """
    known = shipped_policies().policies  # raises where there are none
    facts = json.loads(SHIPPED.with_suffix(".json").read_bytes())
    rest = {BASE, *(kind for kind in known if kind not in folders)}
    tensors = {
        name: array.astype(np.float16)
        for name, array in read_safetensors(SHIPPED).items()
        if name.partition("/")[0] in rest
    }
    mark = {SHIPPED_MARK: True} if marked else {}
    cards = {kind: {**card, **mark} for kind, card in facts["policies"].items() if kind in rest}
    for kind, folder in folders.items():
        if not fits_shipped(folder):
            raise HierbrushError(f"{folder}: does not read and do what the shipped policies do, which stand beside it")
        cards[kind] = _with_known_scores(load_card(folder))
        if validation is not None:
            cards[kind]["validation"] = dict(validation[kind])
        tensors.update({f"{kind}/{name}": array.astype(np.float16) for name, array in _policy_tensors(folder).items()})
    write_weights(target, tensors, {"rank": facts["rank"], "policies": cards})


def fits_shipped(folder: Path) -> bool:
    """Return whether a policy reads an observation of strokes and moves a handle, as the shipped ones do."""
    card = load_card(folder)
    return card.get("observation_size") in OBSERVATIONS.values() and card.get("action_size") == 3


def _with_known_scores(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card without the scores of a last iteration in which no episode ended: JSON knows no NaN."""
    scores = card.get("training_scores", {}).items()
    known = {name: value for name, value in scores if value is not None and math.isfinite(value)}
    return {**card, "training_scores": known}


def _policy_tensors(folder: Path) -> dict[str, F32]:
    prefix = "policy."
    tensors = read_safetensors(folder / WEIGHTS).items()
    return {name.removeprefix(prefix): array for name, array in tensors if name.startswith(prefix)}
