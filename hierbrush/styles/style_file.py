"""The file of a style: safetensors with a card in JSON; what a damaged or foreign one lacks is told."""

from __future__ import annotations

import json
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import load_library
from hierbrush.errors import HierbrushError, shown
from hierbrush.strokes.goal import OUTLINE_POINTS, SKELETON_POINTS
from hierbrush.styles.foretelling import Foretelling
from hierbrush.styles.stance import Stance

if TYPE_CHECKING:
    from hierbrush.styles.style import Style

VERSION = 3

_PATHS = ("lines", "outlines")
_FINEST = 8192.0
"""Units to a box's side in which points are kept: a thirty-second of a pixel at 256."""

_LONGEST = 120
"""Units of a path's longest step: points are kept as steps of one byte each way, in coarser units where need be."""

_DRAWN = {
    "strokes": ("int32", (None,)),
    "lines.units": ("float32", (None,)),
    "lines.start": ("int16", (None, 2)),
    "lines.steps": ("int8", (None, SKELETON_POINTS - 1, 2)),
    "outlines.units": ("float32", (None,)),
    "outlines.start": ("int16", (None, 2)),
    "outlines.steps": ("int8", (None, OUTLINE_POINTS - 1, 2)),
    "confidence": ("float32", (None,)),
}
_LEARNED: dict[str, Any] = {"foretelling": Foretelling, "stance": Stance}
_HALVED = "foretelling.weights"


def packed(style: Style) -> bytes:
    """Return the file's content."""
    from safetensors.numpy import save

    library = load_library()
    tensors: dict[str, NDArray[Any]] = {
        "strokes": np.array([len(library.stroke_types(char)) for char in style.characters], np.int32),
        "confidence": style.confidence.astype(np.float32),
    }
    for name in _PATHS:
        tensors |= {f"{name}.{part}": values for part, values in _in_steps(getattr(style, name)).items()}
    for name in _LEARNED:
        tensors |= {f"{name}.{field}": values for field, values in getattr(style, name)._asdict().items()}
    tensors[_HALVED] = tensors[_HALVED].astype(np.float16)
    card = {
        "format": VERSION,
        "name": style.name,
        "characters": "".join(style.characters),
        "rejected": "".join(style.rejected),
        "origin": style.origin,
    }
    return bytes(save(tensors, {"style": json.dumps(card, ensure_ascii=False)}))


def _in_steps(points: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Return each path's units to a box's side [n], start [n, 2] and steps [n, k - 1, 2], of paths [n, k, 2].

    Each step makes good what those before it were rounded by.
    """
    longest = np.abs(np.diff(points, axis=1)).max(axis=(1, 2))
    units = np.minimum(_FINEST, _LONGEST / np.maximum(longest, 1e-9)).astype(np.float32)
    scaled = points * units[:, None, None]
    start = at = np.clip(np.round(scaled[:, 0]), -32768, 32767).astype(np.int16)
    steps = []
    for point in range(1, points.shape[1]):
        steps.append(np.clip(np.round(scaled[:, point]) - at, -127, 127).astype(np.int8))
        at = at + steps[-1]
    return {"units": units, "start": start, "steps": np.stack(steps, axis=1)}


def _stepped(tensors: dict[str, NDArray[Any]], name: str) -> NDArray[np.float64]:
    points = np.concatenate([tensors[f"{name}.start"][:, None], tensors[f"{name}.steps"]], axis=1, dtype=np.int64)
    return np.asarray(points.cumsum(axis=1) / tensors[f"{name}.units"][:, None, None])


def unpacked(path: str | PathLike[str], content: bytes) -> tuple[Any, ...]:
    """Return the fields of the `Style` that a file holds.

    Raises:
        HierbrushError: it is none, is damaged, or of another version.
    """
    try:
        tensors, card = _opened(content)
    except _ForeignError as error:
        raise HierbrushError(
            f"style: cannot read {shown(path)}: {error}; expected a file that hierbrush style learn made"
        ) from None
    return (
        card["name"],
        tuple(card["characters"]),
        _stepped(tensors, "lines"),
        _stepped(tensors, "outlines"),
        tensors["confidence"].astype(np.float64),
        _learned(tensors, "stance"),
        _learned(tensors, "foretelling"),
        tuple(card["rejected"]),
        card["origin"],
    )


class _ForeignError(Exception):
    """Why a file is no style."""


def _opened(content: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        card = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["style"])
        version = card["format"]
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _ForeignError(f"it is no style ({type(error).__name__})") from None
    if version != VERSION:
        raise _ForeignError(f"it is of version {shown(version)}, this hierbrush reads version {VERSION}: learn it anew")
    _check_card(card)
    _check_drawn(tensors, card["characters"])
    for name in _LEARNED:
        if not _is_sound(tensors, name):
            raise _ForeignError(f"what it learned ({name}) is missing or of another shape")
    return tensors, card


def _check_card(card: dict[str, Any]) -> None:
    if not all(isinstance(card.get(key), str) for key in ("name", "characters", "rejected", "origin")):
        raise _ForeignError("its card lacks a name or its characters")
    characters, library = card["characters"], load_library()
    if len(set(characters)) < len(characters) or any(char not in library for char in characters):
        raise _ForeignError("it holds a character that the library does not have, or one twice")


def _check_drawn(tensors: dict[str, NDArray[Any]], characters: str) -> None:
    for name, (dtype, shape) in _DRAWN.items():
        held = tensors.get(name)
        if (
            held is None
            or held.dtype != dtype
            or held.ndim != len(shape)
            or any(want not in (None, have) for want, have in zip(shape, held.shape, strict=True))
        ):
            raise _ForeignError(f"its tensor {name!r} is missing or of another shape")
    counts = [len(load_library().stroke_types(char)) for char in characters]
    if (
        not counts
        or counts != tensors["strokes"].tolist()
        or any(len(tensors[name]) != sum(counts) for name in _DRAWN if "." in name)
        or len(tensors["confidence"]) != len(counts)
    ):
        raise _ForeignError("its strokes are not as many as its characters have")
    if not all((tensors[f"{name}.units"] > 0).all() for name in _PATHS):
        raise _ForeignError("its strokes are of no size")


def _is_sound(tensors: dict[str, NDArray[Any]], name: str) -> bool:
    names = [f"{name}.{field}" for field in _LEARNED[name]._fields]
    if any(each not in tensors or tensors[each].dtype not in (np.float32, np.float16) for each in names):
        return False
    return bool(_learned(tensors, name).is_sound)


def _learned(tensors: dict[str, NDArray[Any]], name: str) -> Any:
    kind = _LEARNED[name]
    return kind(*(tensors[f"{name}.{field}"].astype(np.float32) for field in kind._fields))
