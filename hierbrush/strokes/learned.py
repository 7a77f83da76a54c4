"""The learned primitives: which weights write which stroke type."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from multiprocessing import parent_process
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_path
from hierbrush.errors import HierbrushError, shown
from hierbrush.sim.observation import OBSERVATIONS
from hierbrush.strokes.policy import MLPPolicy, PolicySet, read_safetensors
from hierbrush.strokes.rollout import Act
from hierbrush.strokes.types import ABBREVIATIONS

WEIGHTS = Path(__file__).resolve().parent / "weights" / "policies.safetensors"

ALL, ONE, RUN = "policies.safetensors", "weights.safetensors", "config.json"
"""Files of a training: the policies of all stroke types, one policy, and the configuration."""

SHIPPED_MARK = "shipped"
"""Key, in a policy's card, of those that came with hierbrush."""

_CARDS = {ONE: "card.json"}
_ACTION_SIZE = 3
_LARGEST_CARD = 1 << 24  # bytes


class LearnedPolicy:
    """Primitives from a weights file: one policy for each stroke type, or one for all.

    Attributes:
        observation: which one they read.
        own: the stroke types that the file's training practised; the shipped primitives write the others.

    Raises:
        HierbrushError: the networks read no observation that this version of the simulator writes.
    """

    def __init__(self, policies: PolicySet | MLPPolicy, own: Sequence[str] = ABBREVIATIONS) -> None:
        networks = list(policies.policies.values()) if isinstance(policies, PolicySet) else [policies]
        self.observation = max((_observation(network) for network in networks), key=OBSERVATIONS.__getitem__)
        self.own = tuple(own)
        self._policies = policies

    @classmethod
    def load(cls, path: str | PathLike[str]) -> LearnedPolicy:
        """Read the weights of one policy, or of one for each stroke type, from a safetensors file.

        Stroke types that the file has no policy for, or that its card says were not practised, are those of the shipped
        primitives.

        Raises:
            HierbrushError: the file cannot be used.
        """
        file = check_path("path", path)
        single = any(name.startswith("policy.") for name in read_safetensors(file))
        card = _card(file)
        if not single:
            found = PolicySet.load(file).policies
            shipped = shipped_in(card)
            return cls(_with_shipped(found, file), [kind for kind in found if kind not in shipped])
        network = MLPPolicy.load(file)
        own = practised(card)
        if len(own) == len(ABBREVIATIONS):
            return cls(network, own)
        return cls(_with_shipped(dict.fromkeys(own, network), file), own)

    def __repr__(self) -> str:
        return f"<LearnedPolicy of {self._policies!r}>"

    def bind(self, stroke_types: Sequence[str]) -> Act:
        """Return a function from observations float32 [n, columns] to actions float32 [n, 3].

        Raises:
            HierbrushError: there is no policy for one of the types.
        """
        if isinstance(self._policies, PolicySet):
            return self._policies.bind(stroke_types)
        network = self._policies

        def act(observation: NDArray[np.float32]) -> NDArray[np.float32]:
            return network(observation)

        return act

    def note(self) -> str | None:
        """Return a sentence on the stroke types that are not its own; None if all are."""
        count = len(ABBREVIATIONS) - len(set(self.own) & set(ABBREVIATIONS))
        if not count:
            return None
        types = f"{count} stroke types" if count > 1 else "stroke type"
        return f"has {', '.join(self.own)} of its own; the other {types} as shipped"


def practised(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the stroke types that a single policy practised, by its card; all of them when that says nothing."""
    types = card.get("stroke_types") or [card.get("stroke")]
    named = types if isinstance(types, list) else []
    scripts = (kind for kind in named if isinstance(kind, str) and "_" in kind)
    return (*(kind for kind in ABBREVIATIONS if kind in named), *scripts) or ABBREVIATIONS


def shipped_in(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the stroke types of a file of several policies that are as shipped, by its card."""
    facts = card.get("policies")
    if not isinstance(facts, dict):
        return ()
    return tuple(kind for kind, fact in facts.items() if isinstance(fact, dict) and fact.get(SHIPPED_MARK))


def _observation(network: MLPPolicy) -> str:
    fitting = [name for name, size in OBSERVATIONS.items() if size == network.observation_size]
    if not fitting or network.action_size != _ACTION_SIZE:
        raise HierbrushError(
            f"weights: observations of {network.observation_size} numbers and actions of {network.action_size}, "
            f"expected {_ACTION_SIZE} and one of {OBSERVATIONS}"
        )
    return fitting[0]


def _with_shipped(policies: Mapping[str, MLPPolicy], file: Path) -> PolicySet:
    """Return policies for all stroke types that read one observation, the shipped ones where there are no others."""
    missing = [kind for kind in ABBREVIATIONS if kind not in policies]
    shipped = shipped_policies().policies if missing else {}
    whole = {**{kind: shipped[kind] for kind in missing if kind in shipped}, **policies}
    try:
        largest = max(OBSERVATIONS[_observation(network)] for network in whole.values())
    except HierbrushError as error:
        raise HierbrushError(f"policy: {shown(file)}: {error}") from None
    return PolicySet({kind: _widened(network, largest) for kind, network in whole.items()})


def _widened(network: MLPPolicy, columns: int) -> MLPPolicy:
    """Return the same policy for a longer observation: each begins with the columns of the shorter ones."""
    (weight, bias), *others = network.layers
    if len(weight) == columns:
        return network
    padded = np.zeros((columns, weight.shape[1]), np.float32)
    padded[: len(weight)] = weight
    return MLPPolicy(((padded, bias), *others))


def _card(file: Path) -> dict[str, Any]:
    """Return what the card beside a weights file says; nothing if there is none.

    Raises:
        HierbrushError: it cannot be read, or is not this file's.
    """
    place = file.with_name(_CARDS.get(file.name, f"{file.stem}.json"))
    try:
        if not place.is_file() or place.stat().st_size > _LARGEST_CARD:
            return {}
        card = json.loads(place.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise HierbrushError(f"policy: {shown(place)}, the card of {file.name}, cannot be read: {error}") from None
    if not isinstance(card, dict) or "sha256" not in card:
        return {}
    if card["sha256"] != hashlib.sha256(file.read_bytes()).hexdigest():
        raise HierbrushError(
            f"policy: {shown(file)} is not the file that {place.name} beside it describes (SHA-256 differs); one of "
            "the two is damaged or came from elsewhere"
        )
    return card


@lru_cache(maxsize=1)
def shipped_policies() -> PolicySet:
    """Return the networks that come with hierbrush, one for each stroke type.

    Raises:
        HierbrushError: this installation has no weights.
    """
    if not WEIGHTS.is_file():
        raise HierbrushError(f"policy: 'learned' needs {WEIGHTS}, which this installation lacks; reinstall hierbrush")
    return PolicySet.load(WEIGHTS)


@lru_cache(maxsize=1)
def shipped_policy() -> LearnedPolicy:
    """Return the primitives that come with hierbrush.

    Raises:
        HierbrushError: this installation has no weights.
    """
    return LearnedPolicy(shipped_policies())


def policy_at(path: str | PathLike[str]) -> LearnedPolicy:
    """Return the primitives in a weights file or in a training's folder.

    Raises:
        HierbrushError: there are none.
    """
    file = weights_file(str(check_path("policy", path)))
    try:
        facts = file.stat()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, or what no file is called
        reason = getattr(error, "strerror", None) or str(error)
        raise HierbrushError(f"policy: {shown(path)} cannot be read: {reason}") from None
    return _loaded(file, (facts.st_ino, facts.st_size, facts.st_mtime_ns))


@lru_cache(maxsize=4)
def _loaded(file: Path, state: tuple[int, int, int]) -> LearnedPolicy:
    del state  # a file that has changed is read again
    return LearnedPolicy.load(file)


def weights_file(path: str) -> Path:
    """Return the weights that a path stands for: a file itself, or what a training has left in its folder.

    Raises:
        HierbrushError: there is nothing, or the folder holds no finished training.
    """
    place = Path(path)
    if not os.path.isdir(path):
        return place
    for name in (ALL, ONE):
        if os.path.isfile(place / name):
            return place / name
    finished = [card.parent for card in sorted(place.glob("*/card.json")) if os.path.isfile(card.parent / ONE)]
    alone = _only_phase(place)
    if alone is not None and alone in finished:
        return alone / ONE
    if alone is None and len(finished) == 1 and not os.path.exists(place / RUN):
        return finished[0] / ONE  # one variant of a sweep
    raise HierbrushError(f"policy: {shown(path)} {_what_is_there(place, finished)}")


def _only_phase(folder: Path) -> Path | None:
    """Return the folder of a training's last phase, if that makes one policy for all."""
    try:
        phase = json.loads((folder / RUN).read_bytes())["phases"][-1]
        return folder / str(phase["name"]) if phase["policies"] == "one" else None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _what_is_there(folder: Path, finished: Sequence[Path]) -> str:
    """Return why a folder is no policy."""
    below = sorted(card.parent for card in folder.glob("*/*/card.json"))
    below += sorted(weights.parent for weights in folder.glob(f"*/{ALL}"))
    known = [shown(each) for each in (*finished, *below)]
    others = f"; finished are {', '.join(known[:3])}{' and more' if len(known) > 3 else ''}" if known else ""
    if os.path.isfile(folder / "composer.safetensors"):
        return "holds a composer and no primitives; give its composer.safetensors as composer"
    if os.path.isfile(folder / RUN):
        return f"holds a training that is not finished; hierbrush train with --resume goes on with it{others}"
    return f"is a folder without a training, expected one such as runs/primitives{others}"


def tell(policy: LearnedPolicy, name: str) -> None:
    """Warn that some of a policy's stroke types are as shipped; in a worker whoever started it has been told."""
    note = policy.note()
    if note is not None and parent_process() is None:
        warnings.warn(f"policy: {shown(name)} {note}", stacklevel=4)
