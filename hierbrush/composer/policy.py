"""The composer without a training framework: attention over stroke tokens, in NumPy.

The network is a pre-norm transformer over the rows of one observation. It knows no position, so that shuffled rows
give the same answer for the same strokes. What its heads add to is the component library's answer: the pointer starts
from the library's order, places from the library's boxes (a place of zero), or from the goal where one is given. With
heads of zeros it therefore already writes characters.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_kind
from hierbrush.composer.brief import RANK
from hierbrush.composer.observation import EXISTS, GOAL, GOAL_GIVEN, OBSERVATION_SIZE, WRITTEN
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.composer.sight import SIGHT_SIZE
from hierbrush.errors import HierbrushError, one_line, shown
from hierbrush.files import read_json
from hierbrush.sim.network import HEAD_SIZE, attention, linear, normalised, packed
from hierbrush.strokes.policy import check_weights, read_safetensors

F32 = NDArray[np.float32]
Index = NDArray[np.int64]

FILE = Path(__file__).resolve().parent / "weights" / "composer.safetensors"

EPSILON = 1e-5
"""Added to the variance in layer normalisation."""

OUT_OF_REACH = -1e9
"""Logit of rows that cannot be chosen."""

_CHUNK = 4096
"""Tokens that go through the network at once: what fits into a core's cache is fastest."""


class ComposerPolicy:
    """The composer's network.

    Args:
        tensors: ``embed.weight`` [d, OBSERVATION_SIZE], or with `SIGHT_SIZE` more columns of a composer that sees the
            picture that is its goal, and ``.bias``; for every layer k ``layers.<k>.`` ``norm1``,
            ``qkv`` [3d, d], ``out`` [d, d], ``norm2``, ``up`` [h, d], ``down`` [d, h]; ``norm``; ``pointer`` [1, d];
            ``place`` [PLACE_SIZE, d]; all with ``.weight`` and ``.bias``; ``slope`` [1].
        source: where they come from, for messages.

    Raises:
        HierbrushError: a tensor is missing, has another shape, or is not finite.
    """

    def __init__(self, tensors: Mapping[str, F32], *, source: str = "tensors") -> None:
        check_kind("tensors", tensors, Mapping, "tensors by their names")
        width, hidden = (tensors[name].size if name in tensors else 0 for name in ("embed.bias", "layers.0.up.bias"))
        layers = next(k for k in itertools.count() if f"layers.{k}.up.bias" not in tensors)
        seen = tensors["embed.weight"].shape[-1] if "embed.weight" in tensors and width else OBSERVATION_SIZE
        inputs = seen if seen in (OBSERVATION_SIZE, OBSERVATION_SIZE + SIGHT_SIZE) else OBSERVATION_SIZE
        shapes = parameter_shapes(width, layers, hidden, inputs)
        missing = [name for name in shapes if name not in tensors]
        if missing or not layers:
            raise HierbrushError(f"{source}: is no composer, {(missing or ['layers.0.up.bias'])[0]} is missing")
        extra = [name for name in tensors if name.startswith("layers.") and name not in shapes]
        if extra:
            raise HierbrushError(f"{source}: is no composer, {shown(extra[0])} belongs to none of its {layers} layers")
        if not width or width % HEAD_SIZE or not hidden:
            raise HierbrushError(f"{source}: tokens of {width} numbers, expected a multiple of {HEAD_SIZE}")
        wrong = [name for name, shape in shapes.items() if tensors[name].shape != shape]
        if wrong:
            raise HierbrushError(
                f"{source}: {wrong[0]} has the shape {tensors[wrong[0]].shape}, expected {shapes[wrong[0]]}; were the "
                "weights trained on another version of the observation?"
            )
        check_weights({name: tensors[name] for name in shapes}, source)
        # Transposed once, so that every product runs along contiguous memory.
        self._w = {
            name: np.ascontiguousarray(tensors[name].T if tensors[name].ndim == 2 else tensors[name]) for name in shapes
        }
        self._packed = {name: packed(array) for name, array in self._w.items() if array.ndim == 2}
        self._width, self._layers, self._hidden, self._inputs = width, layers, hidden, inputs

    @classmethod
    def load(cls, path: str | PathLike[str] = FILE) -> ComposerPolicy:
        """Return the composer in a safetensors file that ``hierbrush train`` wrote.

        Raises:
            HierbrushError: the file is not such a file.
        """
        return cls(read_safetensors(path), source=one_line(str(path), 300))

    def tensors(self) -> dict[str, F32]:
        """Return the tensors that the network was made of."""
        return {name: np.ascontiguousarray(array.T) for name, array in self._w.items()}

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Width of a token inside the network, number of layers, width of their feed-forward part."""
        return self._width, self._layers, self._hidden

    @property
    def inputs(self) -> int:
        """Numbers that it observes of a stroke."""
        return self._inputs

    @property
    def sees(self) -> bool:
        """Whether it observes a picture of the whole character, see `hierbrush.composer.sight`."""
        return self._inputs > OBSERVATION_SIZE

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(array.size for array in self._w.values())

    def act(self, observation: F32) -> tuple[Index, F32]:
        """Return the most likely stroke int64 [n] and its mean place f32 [n, PLACE_SIZE].

        Args:
            observation: f32 [n, R, inputs]; every character must have a stroke left.
        """
        logits, places = self.heads(observation)
        index = logits.argmax(axis=1)
        return index, places[np.arange(len(index)), index]

    def heads(self, observation: F32) -> tuple[F32, F32]:
        """Return logits f32 [n, R] and mean places f32 [n, R, PLACE_SIZE] for all rows of observations [n, R, D].

        Raises:
            HierbrushError: the observation has another shape.
        """
        if observation.ndim != 3 or observation.shape[2] != self._inputs:
            raise HierbrushError(f"observation: shape {observation.shape}, expected (n, rows, {self._inputs})")
        count, rows = observation.shape[:2]
        logits = np.full((count, rows), OUT_OF_REACH, np.float32)
        places = np.zeros((count, rows, PLACE_SIZE), np.float32)
        lengths = row_counts(observation)
        # Characters of like length together: padding is computed as well.
        order = np.argsort(lengths, kind="stable")
        start = 0
        while start < count:
            longest = int(lengths[order[min(count, start + max(1, _CHUNK // max(1, int(lengths[order[start]])))) - 1]])
            part = order[start : start + max(1, _CHUNK // max(1, longest))]
            start += len(part)
            used = int(lengths[part[-1]])
            logits[part, :used], places[part, :used] = self._forward(observation[part, :used])
        return logits, places

    def _forward(self, observation: F32) -> tuple[F32, F32]:
        w = self._w
        count, rows, inputs = observation.shape
        width, heads = self._width, self._width // HEAD_SIZE
        exists = observation[:, :, EXISTS] > 0
        x = observation.reshape(-1, inputs)
        # A row sees others in attention alone: all else is computed for those that exist.
        whole = bool(exists.all())
        there = slice(None) if whole else np.flatnonzero(exists)
        padded = np.zeros((count * rows, 3 * width), np.float32)
        x = self._linear("embed", x[there])
        for k in range(self._layers):
            at = f"layers.{k}."
            qkv = self._linear(at + "qkv", self._normalised(at + "norm1", x))
            if not whole:
                padded[there] = qkv
                qkv = padded
            mixed = attention(qkv.reshape(count, rows, 3, heads, HEAD_SIZE), exists).reshape(-1, width)
            x += self._linear(at + "out", mixed[there])
            y = self._linear(at + "up", self._normalised(at + "norm2", x), rectified=True)
            x += self._linear(at + "down", y)
        x = self._normalised("norm", x)
        pointer, answers = np.zeros(count * rows, np.float32), np.zeros((count * rows, PLACE_SIZE), np.float32)
        pointer[there] = self._linear("pointer", x)[:, 0]
        answers[there] = self._linear("place", x)
        logits = pointer.reshape(count, rows) - w["slope"] * observation[:, :, RANK]
        logits = np.where(exists & (observation[:, :, WRITTEN] == 0), logits, np.float32(OUT_OF_REACH))
        places = answers.reshape(count, rows, PLACE_SIZE)
        places += observation[:, :, GOAL_GIVEN, None] * observation[:, :, GOAL : GOAL + PLACE_SIZE]
        return logits, places

    def _linear(self, name: str, x: F32, *, rectified: bool = False) -> F32:
        return linear(x, self._packed[f"{name}.weight"], self._w[f"{name}.bias"], rectified=rectified)

    def _normalised(self, name: str, x: F32) -> F32:
        return normalised(x, self._w[f"{name}.weight"], self._w[f"{name}.bias"], EPSILON)


def row_counts(observation: F32) -> Index:
    """Return for each observation [n, R, D] how many rows reach to its last stroke, int64 [n]."""
    exists = observation[:, :, EXISTS] > 0
    counts: Index = (exists * np.arange(1, exists.shape[1] + 1)).max(axis=1)
    return counts


def parameter_shapes(
    width: int, layers: int, hidden: int, inputs: int = OBSERVATION_SIZE
) -> dict[str, tuple[int, ...]]:
    """Return name and shape of every tensor of the network.

    Args:
        width: of a token inside the network, a multiple of `HEAD_SIZE`.
        layers: attention layers.
        hidden: width of the layers' feed-forward part.
        inputs: numbers observed of a stroke.
    """
    linear = {
        "embed": (width, inputs),
        "pointer": (1, width),
        "place": (PLACE_SIZE, width),
    }
    norms = ["norm"]
    for k in range(layers):
        at = f"layers.{k}."
        linear |= {
            f"{at}qkv": (3 * width, width),
            f"{at}out": (width, width),
            f"{at}up": (hidden, width),
            f"{at}down": (width, hidden),
        }
        norms += [f"{at}norm1", f"{at}norm2"]
    shapes: dict[str, tuple[int, ...]] = {"slope": (1,)}
    for name, shape in linear.items():
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = shape, shape[:1]
    for name in norms:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (width,)
    return shapes


@lru_cache(maxsize=1)
def load_composer() -> ComposerPolicy:
    """Return the composer that ships with hierbrush, read once a process."""
    return ComposerPolicy.load()


def load_composer_card(path: Path = FILE) -> dict[str, Any]:
    """Return what is known of how a composer was trained and what it scored.

    Raises:
        HierbrushError: the JSON file beside the weights is missing or broken.
    """
    return read_json(path.with_suffix(".json"))
