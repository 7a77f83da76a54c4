"""Learned primitives without a training framework: the weights and a few matrix products in NumPy."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_kind, check_list, check_path
from hierbrush.errors import HierbrushError, closest, one_line, shown
from hierbrush.files import UnreadableError, read_whole
from hierbrush.sim.core_choice import kernels
from hierbrush.sim.network import MOST_LAYERS, linear, perceptron

F32 = NDArray[np.float32]

_DTYPES: dict[str, np.dtype[np.floating]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2")}
LARGEST_WEIGHT = 1e4
"""No network that learned has numbers near this; beyond it sums overflow."""

BASE = "base"
"""Name, in a file of several policies, of the one that the others are stored as changes of."""

_WEIGHT = re.compile(r"([0-9]{1,3})\.weight")


def read_safetensors(path: str | PathLike[str]) -> dict[str, F32]:
    """Return the tensors of a safetensors file as float32 arrays.

    The format is a length (8 bytes, little-endian), a JSON header and raw numbers; nothing in it can run code.
    float16 tensors are widened.

    Raises:
        HierbrushError: the file cannot be read, is no safetensors file (a pickle, say) or is damaged.
    """
    from safetensors import SafetensorError, deserialize

    source = one_line(str(check_path("path", path)), 300)
    try:
        data = read_whole(path)
    except UnreadableError as error:
        raise HierbrushError(f"{source}: cannot be read: {error.reason}") from None
    if data[8:9] != b"{":
        raise HierbrushError(f"{source}: is no safetensors file; weights in pickles and .pt files are not read")
    try:
        # Strict about lengths, offsets, shapes and nesting, but it keeps the last of several tensors of one name.
        entries = deserialize(data)  # type: ignore[no-untyped-call]
        json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")], object_pairs_hook=_distinct)
        return {
            name: np.frombuffer(entry["data"], _DTYPES[entry["dtype"]]).reshape(entry["shape"]).astype(np.float32)
            for name, entry in entries
        }
    except KeyError as error:
        raise HierbrushError(f"{source}: holds numbers of the type {error}, expected F32 or F16") from None
    except (SafetensorError, ValueError) as error:  # ValueError: more dimensions than NumPy knows
        raise HierbrushError(f"{source}: is damaged: {error}") from None


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        twice = next(name for at, (name, _) in enumerate(pairs) if name in dict(pairs[:at]))
        raise ValueError(f"two entries have the name {shown(twice)}")
    return entries


def check_weights(tensors: Mapping[str, F32], source: str) -> None:
    """Raise HierbrushError, beginning with ``source``, unless all numbers are such as a network may have."""
    for name, array in tensors.items():
        if not (np.abs(array) <= LARGEST_WEIGHT).all():  # NaN fails too
            raise HierbrushError(
                f"{source}: {shown(name)} holds NaN, infinity or a number beyond {LARGEST_WEIGHT:,.0f}"
            )


@dataclass(frozen=True, eq=False)
class MLPPolicy:
    """One primitive: linear layers with ReLU between them, actions cut to [-1, 1].

    Attributes:
        layers: (weight f32 [inputs, outputs], bias f32 [outputs]) from the observation to the action.
    """

    layers: tuple[tuple[F32, F32], ...]

    def __post_init__(self) -> None:
        # As the core takes them.
        flat = tuple(np.ascontiguousarray(array, np.float32) for layer in self.layers for array in layer)
        object.__setattr__(self, "_flat", flat)

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, F32], *, source: str = "tensors") -> MLPPolicy:
        """Make a policy from ``<k>.weight`` [outputs, inputs] and ``<k>.bias`` in the order of k.

        Raises:
            HierbrushError: the tensors are not those of a chain of linear layers, or are not finite.
        """
        check_kind("tensors", tensors, Mapping, "tensors by their names")
        numbers = sorted(int(match[1]) for match in map(_WEIGHT.fullmatch, map(str, tensors)) if match)
        try:
            chain = [(tensors[f"{k}.weight"], tensors[f"{k}.bias"]) for k in numbers]
        except KeyError as error:
            raise HierbrushError(f"{source}: tensor {error} is missing") from None
        shapes = [weight.shape for weight, _ in chain]
        flat = all(weight.ndim == 2 and weight.size and bias.shape == weight.shape[:1] for weight, bias in chain)
        if not chain or not flat or any(before[0] != after[1] for before, after in itertools.pairwise(shapes)):
            raise HierbrushError(f"{source}: layers of the shapes {shown(shapes)} do not follow from one another")
        if len(chain) > MOST_LAYERS:
            raise HierbrushError(f"{source}: {len(chain)} layers, expected at most {MOST_LAYERS}")
        check_weights({name: tensors[name] for k in numbers for name in (f"{k}.weight", f"{k}.bias")}, source)
        layers = tuple((np.ascontiguousarray(weight.T), np.ascontiguousarray(bias)) for weight, bias in chain)
        return cls(layers)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> MLPPolicy:
        """Return the policy in a safetensors file that ``hierbrush train`` wrote (tensors ``policy.<k>.weight`` ...).

        Raises:
            HierbrushError: the file is not such a file.
        """
        tensors = read_safetensors(path)
        prefix = "policy."
        return cls.from_tensors(
            {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)},
            source=one_line(str(path), 300),
        )

    def __repr__(self) -> str:
        widths = [self.observation_size, *(len(bias) for _, bias in self.layers)]
        return f"<MLPPolicy: layers of {', '.join(map(str, widths))}>"

    @property
    def observation_size(self) -> int:
        """Length of the observation."""
        return int(self.layers[0][0].shape[0])

    @property
    def action_size(self) -> int:
        """Length of the action."""
        return int(self.layers[-1][0].shape[1])

    def __call__(self, obs: F32) -> F32:
        """Return actions f32 [n, A] in [-1, 1] for observations f32 [n, D]."""
        if not isinstance(obs, np.ndarray) or obs.ndim != 2 or obs.shape[1] != self.observation_size:
            raise HierbrushError(
                f"obs: shape {getattr(obs, 'shape', '?')}, expected (n, {self.observation_size}); were the weights "
                "trained on another version of the observation?"
            )
        actions = np.empty((len(obs), self.action_size), np.float32)
        perceptron(np.ascontiguousarray(obs, np.float32), np.arange(len(obs)), self._flat, actions)  # type: ignore[attr-defined]
        return actions


def _multiply(up: F32, down: F32, weight: F32) -> bool:
    """Whether the product of two matrices has the shape of a third."""
    fit = up.ndim == down.ndim == weight.ndim == 2 and up.shape[1] == down.shape[0]
    return fit and (up.shape[0], down.shape[1]) == weight.shape


def _whole(part: Mapping[str, F32], base: Mapping[str, F32], source: str) -> dict[str, F32]:
    """Return a policy's tensors with the weights that are stored as changes of the base's added up."""
    # A policy that is whole may have other layers than the base.
    tensors = {} if any(name.endswith(".weight") for name in part) else dict(base)
    for name, array in part.items():
        layer, _, role = name.rpartition(".")
        if role == "up":
            weight, down = base.get(f"{layer}.weight"), part.get(f"{layer}.down")
            if weight is None or down is None or not _multiply(array, down, weight):
                raise HierbrushError(f"{source}: {name} does not fit {layer}.down and {BASE}/{layer}.weight")
            check_weights({name: array, f"{layer}.down": down}, source)
            tensors[f"{layer}.weight"] = weight + linear(array, down, np.zeros(down.shape[1], np.float32))
        elif role != "down":
            tensors[name] = array
    return tensors


@dataclass(frozen=True, eq=False)
class PolicySet:
    """One primitive per stroke type, for batches that mix the types."""

    policies: Mapping[str, MLPPolicy]

    def __repr__(self) -> str:
        return f"<PolicySet: {len(self.policies)} stroke types>"

    @classmethod
    def load(cls, path: str | PathLike[str]) -> PolicySet:
        """Return the policies in one safetensors file.

        A policy is stored whole (``<stroke type>/<k>.weight`` and ``.bias``), or as what it changes in the policy
        ``base/`` of the same file: ``<stroke type>/<k>.up`` [outputs, rank] and ``.down`` [rank, inputs], whose product
        is added to the base's weight, and its own ``.bias``; what is missing is the base's.

        Raises:
            HierbrushError: the file is not such a file.
        """
        source = one_line(str(path), 300)
        by_type: dict[str, dict[str, F32]] = {}
        for name, array in read_safetensors(path).items():
            stroke_type, _, tensor = name.partition("/")
            by_type.setdefault(stroke_type, {})[tensor] = array
        base = by_type.pop(BASE, {})
        if not by_type:
            raise HierbrushError(f"{source}: holds no policy")
        return cls(
            {
                kind: MLPPolicy.from_tensors(_whole(part, base, f"{source}: {kind}"), source=f"{source}: {kind}")
                for kind, part in by_type.items()
            }
        )

    def bind(self, stroke_types: Sequence[str]) -> Callable[[F32], F32]:
        """Return a policy for a batch whose row i is always a stroke of ``stroke_types[i]``.

        Grouping the rows once makes a tick cost one pass through the network per type, not per row.

        Raises:
            HierbrushError: there is no policy for one of the types.
        """
        stroke_types = check_list("stroke_types", stroke_types, "abbreviations such as 'HZG'")
        for at, kind in enumerate(stroke_types):
            check_kind(f"stroke_types[{at}]", kind, str, "an abbreviation such as 'HZG'")
        if not stroke_types:
            raise HierbrushError("stroke_types: is empty, expected at least one abbreviation such as 'HZG'")
        unknown = [kind for kind in stroke_types if kind not in self.policies]
        if unknown:
            near = closest(unknown[0], list(self.policies))
            raise HierbrushError(f"stroke_types: there is no policy for {shown(unknown[0])}{near}")
        rows = {kind: np.flatnonzero([other == kind for other in stroke_types]) for kind in dict.fromkeys(stroke_types)}
        if len(rows) == 1:
            return self.policies[stroke_types[0]]
        networks = [self.policies[kind] for kind in rows]
        width, action_size = networks[0].observation_size, networks[0].action_size
        if any((network.observation_size, network.action_size) != (width, action_size) for network in networks):
            raise HierbrushError("policies: read or do different numbers, expected the same of all")
        groups = tuple((index, network._flat) for network, index in zip(networks, rows.values(), strict=True))  # type: ignore[attr-defined]

        def act(obs: F32) -> F32:
            if obs.shape != (len(stroke_types), width):
                raise HierbrushError(f"obs: shape {obs.shape}, expected {(len(stroke_types), width)}")
            seen, actions = np.ascontiguousarray(obs, np.float32), np.empty((len(obs), action_size), np.float32)
            # All networks in one call: a character's strokes are few, and every tick asks each network.
            kernels.perceptrons(seen, width, groups, actions)
            return actions

        return act
