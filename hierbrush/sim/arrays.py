"""The arrays that brushes and goals consist of, each declared once; `core/binding.c` knows them by the same names."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


class Spec(NamedTuple):
    """One array of N brushes.

    Attributes:
        element: of the array.
        shape: of a brush's part; None is as wide as the batch wants it.
        kept: whether it changes as brushes write, or is set from outside, and a snapshot holds it.
    """

    element: type[np.generic]
    shape: tuple[int | None, ...] = ()
    kept: bool = True


SLOTS: dict[str, Spec] = {
    "params": Spec(np.float64, (10,)),
    "noise": Spec(np.float64, (4,)),
    "window": Spec(np.int32, (4,)),
    "pose": Spec(np.float64, (3,)),
    "root": Spec(np.float64, (2,)),
    "direction": Spec(np.float64, (2,)),
    "tuft": Spec(np.float64, (3,)),
    "moved": Spec(np.float64, (3,)),
    "midway": Spec(np.float64, (3,)),
    "drift": Spec(np.float64, (3,)),
    "command": Spec(np.float64, (3, 3)),
    "ink": Spec(np.uint64, (None,)),
    "draws": Spec(np.uint64),
    "counts": Spec(np.int32, (4,)),
    "goal": Spec(np.int32),
    "tick": Spec(np.int32),
    "target": Spec(np.float64, (3,), kept=False),
    "action": Spec(np.float32, (3,), kept=False),
    "observation": Spec(np.float32, (None,), kept=False),
}
"""Arrays of a batch of brushes; beside them stands ``footprint``, float32 [2, vertices], which all share."""

KEPT = tuple(name for name, spec in SLOTS.items() if spec.kept)

BANK: dict[str, type[np.generic]] = {
    "goal_window": np.int32,
    "goal_ticks": np.int32,
    "goal_area": np.int32,
    "mask_offset": np.int64,
    "distance_offset": np.int64,
    "track_offset": np.int64,
    "mask": np.uint64,
    "distance": np.int8,
    "track": np.float64,
}
"""Arrays of a bank of goals."""


def empty_slots(count: int, **widths: int) -> Arrays:
    """Return the arrays of ``count`` brushes, all zero; ``widths`` says how wide those are whose width is open."""
    return {
        name: np.zeros((count, *(widths[name] if size is None else size for size in spec.shape)), spec.element)
        for name, spec in SLOTS.items()
    }


def bank_arrays(*, writable: bool = False, **arrays: NDArray[Any]) -> Arrays:
    """Return the arrays of a bank as the core takes them, read-only unless told otherwise."""
    bank = {name: np.ascontiguousarray(arrays[name], element) for name, element in BANK.items()}
    for array in bank.values():
        array.flags.writeable = writable
    return bank
