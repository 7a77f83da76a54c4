"""A bank whose goals are replaced one at a time, for brushes that are told their next stroke only when it begins."""

from __future__ import annotations

import math
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hierbrush.arguments import check_number, check_whole
from hierbrush.box import BOX
from hierbrush.errors import HierbrushError
from hierbrush.sim.arrays import bank_arrays
from hierbrush.sim.bank import MARGIN, GoalBank, check_track, popcount, rasterised
from hierbrush.sim.observation import TRACK_SIZE
from hierbrush.sim.raster import check_raster


@dataclass(frozen=True, eq=False)
class GoalSlots(GoalBank):
    """One goal a slot, each in memory of its own, so that a `StrokeBatch` bound to it sees new goals without a copy.

    A slot must be given to the batch with ``StrokeBatch.assign`` after every `put`.

    Attributes:
        turns: the locks of the batches bound to it, each held while its batch is at work.
    """

    turns: WeakSet[threading.Lock] = field(default_factory=WeakSet, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        # Locks cannot be copied; a copied batch binds itself anew.
        return {name: value for name, value in vars(self).items() if name != "turns"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, turns=WeakSet())

    @classmethod
    def empty(
        cls,
        slots: int,
        *,
        side: int = 256,
        box: float = BOX,
        supersample: int = 1,
        most_ticks: int = 64,
        largest: float = 1.2,
    ) -> GoalSlots:
        """Return slots that hold a goal of nothing.

        Args:
            slots: how many goals.
            side: pixels of the character's raster, 32 to 1024.
            box: side of the character box in metres.
            supersample: 1, 2 or 4 samples a pixel side.
            most_ticks: control ticks of the longest episode.
            largest: longest side of a goal's bounding box, in sides of the character box.

        Raises:
            HierbrushError: an argument is out of range.
        """
        side, supersample = check_raster(side, supersample)
        slots = check_whole("slots", slots, 1, 1 << 20)
        box = check_number("box", box, 1e-3, 4.0, "metres")
        extent = math.ceil(largest * side) + 2 * MARGIN + 2
        words = extent * supersample * ((extent * supersample + 63) // 64)
        rows = check_whole("most_ticks", most_ticks, 1, 10_000) + 1
        every = np.arange(slots)
        arrays = bank_arrays(
            writable=True,
            goal_window=np.tile(np.array([0, 0, 2, 2]), (slots, 1)),
            goal_ticks=np.ones(slots),
            goal_area=np.ones(slots),
            mask_offset=every * words,
            distance_offset=every * extent * extent,
            track_offset=every * rows,
            mask=np.zeros(slots * words, np.uint64),
            distance=np.zeros(slots * extent * extent, np.int8),
            track=np.zeros((slots * rows, TRACK_SIZE)),
        )
        return cls(int(side), box, int(supersample), arrays)

    @property
    def words(self) -> int:
        """Words of 64 samples that the largest possible window needs."""
        return len(self.arrays["mask"]) // len(self)

    def put(self, slot: int, outline: ArrayLike, track: NDArray[np.float64]) -> None:
        """Replace one goal.

        Args:
            slot: which, 0 to slots - 1.
            outline: [n >= 3, 2] in the unit box.
            track: float64 [ticks + 1, 8], as of `GoalBank.build`.

        Raises:
            HierbrushError: there is no such slot, the outline or the track is none, the goal is larger or longer than a
                slot can hold, or a batch bound to the slots is at work in another thread. The slot stays as it was.
        """
        slot = check_whole("slot", slot, 0, len(self) - 1)
        window, mask, distance = rasterised("outline", outline, self.side, self.supersample)
        course = check_track("track", track)
        parts: dict[str, NDArray[Any]] = {"mask": mask, "distance": distance, "track": course}
        rooms = {name: len(self.arrays[name]) // len(self) for name in parts}
        for name, part in parts.items():
            if len(part) > rooms[name]:
                raise HierbrushError(
                    f"{name}: {len(part)} elements, expected at most {rooms[name]} of a goal in a slot"
                )
        with ExitStack() as held:
            for turn in sorted(self.turns, key=id):  # in one order, or two callers could wait for each other
                if turn.locked():
                    raise HierbrushError(f"slot: a batch is at work in another call, so {slot} cannot be replaced now")
                held.enter_context(turn)
            for name, part in parts.items():
                start = slot * rooms[name]
                self.arrays[name][start : start + len(part)] = part
            self.window[slot], self.ticks[slot], self.area[slot] = window, len(course) - 1, max(1, popcount(mask))
