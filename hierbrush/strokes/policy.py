"""Learned primitives without a training framework: the weights and a few matrix products in NumPy."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError, closest

F32 = NDArray[np.float32]

_DTYPES: dict[str, np.dtype[np.floating]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2")}
_MAX_HEADER = 1 << 20

BASE = "base"
"""Name, in a file of several policies, of the one that the others are stored as changes of."""


def read_safetensors(path: str | Path) -> dict[str, F32]:
    """Return the tensors of a safetensors file as float32 arrays.

    The format is a length (8 bytes, little-endian), a JSON header and raw numbers; nothing in it can run code.
    float16 tensors are widened.

    Raises:
        HierbrushError: the file cannot be read, is no safetensors file (a pickle, say) or is damaged.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise HierbrushError(f"{path}: cannot be read: {error.strerror or error}") from None
    size = int.from_bytes(data[:8], "little")
    if size > min(_MAX_HEADER, len(data) - 8) or data[8:9] != b"{":
        raise HierbrushError(f"{path}: is no safetensors file; weights in pickles and .pt files are not read")
    try:
        header = json.loads(data[8 : 8 + size])
        tensors = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            start, end = entry["data_offsets"]
            dtype, shape = _DTYPES[entry["dtype"]], tuple(entry["shape"])
            values = np.frombuffer(data[8 + size + start : 8 + size + end], dtype)
            tensors[name] = values.reshape(shape).astype(np.float32)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HierbrushError(f"{path}: is damaged or holds tensors other than float32 and float16: {error}") from None
    return tensors


@dataclass(frozen=True, eq=False)
class MLPPolicy:
    """One primitive: linear layers with ReLU between them, actions cut to [-1, 1].

    Attributes:
        layers: (weight f32 [inputs, outputs], bias f32 [outputs]) from the observation to the action.
    """

    layers: tuple[tuple[F32, F32], ...]

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, F32], *, source: str = "tensors") -> MLPPolicy:
        """Make a policy from ``<k>.weight`` [outputs, inputs] and ``<k>.bias`` in the order of k.

        Raises:
            HierbrushError: the tensors are not those of a chain of linear layers, or are not finite.
        """
        numbers = sorted(int(name.removesuffix(".weight")) for name in tensors if name.endswith(".weight"))
        try:
            layers = tuple(
                (np.ascontiguousarray(tensors[f"{k}.weight"].T), np.ascontiguousarray(tensors[f"{k}.bias"]))
                for k in numbers
            )
        except KeyError as error:
            raise HierbrushError(f"{source}: tensor {error} is missing") from None
        widths = [weight.shape for weight, _ in layers]
        chained = all(before[-1] == after[0] for before, after in itertools.pairwise(widths))
        if not layers or not chained or any(bias.shape != weight.shape[1:] for weight, bias in layers):
            raise HierbrushError(f"{source}: layers of the shapes {widths} do not follow from one another")
        if not all(np.isfinite(array).all() for layer in layers for array in layer):
            raise HierbrushError(f"{source}: holds NaN or infinity")
        return cls(layers)

    @classmethod
    def load(cls, path: str | Path) -> MLPPolicy:
        """Return the policy in a safetensors file that ``hierbrush train`` wrote (tensors ``policy.<k>.weight`` ...).

        Raises:
            HierbrushError: the file is not such a file.
        """
        tensors = read_safetensors(path)
        prefix = "policy."
        return cls.from_tensors(
            {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)},
            source=str(path),
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
        if obs.ndim != 2 or obs.shape[1] != self.observation_size:
            raise HierbrushError(
                f"obs: shape {obs.shape}, expected (n, {self.observation_size}); were the weights trained on another "
                "version of the observation?"
            )
        hidden = obs
        for weight, bias in self.layers[:-1]:
            hidden = hidden @ weight
            hidden += bias
            np.maximum(hidden, 0.0, out=hidden)
        weight, bias = self.layers[-1]
        action = hidden @ weight
        action += bias
        # Twice as fast as np.clip on the few rows of a character.
        np.maximum(action, np.float32(-1.0), out=action)
        np.minimum(action, np.float32(1.0), out=action)
        return action


def _whole(part: Mapping[str, F32], base: Mapping[str, F32], source: str) -> dict[str, F32]:
    """Return a policy's tensors with the weights that are stored as changes of the base's added up."""
    tensors = dict(base)
    for name, array in part.items():
        layer, _, role = name.rpartition(".")
        if role == "up":
            weight, down = base.get(f"{layer}.weight"), part.get(f"{layer}.down")
            if weight is None or down is None or weight.shape != (*array.shape[:1], *down.shape[1:]):
                raise HierbrushError(f"{source}: {name} does not fit {layer}.down and {BASE}/{layer}.weight")
            tensors[f"{layer}.weight"] = weight + array @ down
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
    def load(cls, path: str | Path) -> PolicySet:
        """Return the policies in one safetensors file.

        A policy is stored whole (``<stroke type>/<k>.weight`` and ``.bias``), or as what it changes in the policy
        ``base/`` of the same file: ``<stroke type>/<k>.up`` [outputs, rank] and ``.down`` [rank, inputs], whose product
        is added to the base's weight, and its own ``.bias``; what is missing is the base's.

        Raises:
            HierbrushError: the file is not such a file.
        """
        by_type: dict[str, dict[str, F32]] = {}
        for name, array in read_safetensors(path).items():
            stroke_type, _, tensor = name.partition("/")
            by_type.setdefault(stroke_type, {})[tensor] = array
        base = by_type.pop(BASE, {})
        if not by_type:
            raise HierbrushError(f"{path}: holds no policy")
        return cls(
            {
                kind: MLPPolicy.from_tensors(_whole(part, base, f"{path}: {kind}"), source=f"{path}: {kind}")
                for kind, part in by_type.items()
            }
        )

    def bind(self, stroke_types: Sequence[str]) -> Callable[[F32], F32]:
        """Return a policy for a batch whose row i is always a stroke of ``stroke_types[i]``.

        Grouping the rows once makes a tick cost one pass through the network per type, not per row.

        Raises:
            HierbrushError: there is no policy for one of the types.
        """
        unknown = [kind for kind in stroke_types if kind not in self.policies]
        if unknown:
            raise HierbrushError(
                f"stroke_types: there is no policy for {unknown[0]!r}{closest(unknown[0], list(self.policies))}"
            )
        rows = {kind: np.flatnonzero([other == kind for other in stroke_types]) for kind in dict.fromkeys(stroke_types)}
        if len(rows) == 1:
            return self.policies[stroke_types[0]]
        groups = [(self.policies[kind], index) for kind, index in rows.items()]
        action_size = groups[0][0].action_size

        def act(obs: F32) -> F32:
            actions = np.empty((len(obs), action_size), np.float32)
            for policy, index in groups:
                actions[index] = policy(obs[index])
            return actions

        return act
