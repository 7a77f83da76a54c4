"""A bank whose goals are replaced one at a time, for brushes that are told their next stroke only when it begins."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hierbrush.arguments import check_number, check_whole
from hierbrush.errors import HierbrushError
from hierbrush.sim.bank import MARGIN, GoalBank, popcount, rasterised
from hierbrush.sim.observation import TRACK_SIZE
from hierbrush.sim.raster import check_raster


class GoalSlots(GoalBank):
    """One goal a slot, each in memory of its own, so that a `StrokeBatch` bound to it sees new goals without a copy.

    A slot must be given to the batch with ``StrokeBatch.assign`` after every `put`.
    """

    @classmethod
    def empty(
        cls,
        slots: int,
        *,
        side: int = 256,
        box: float = 0.12,
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
        check_raster(side, supersample)
        check_whole("slots", slots, 1, 1 << 20)
        box = check_number("box", box, 1e-3, 4.0, "metres")
        extent = math.ceil(largest * side) + 2 * MARGIN + 2
        words = extent * supersample * ((extent * supersample + 63) // 64)
        window = np.tile(np.array([0, 0, 2, 2], np.int32), (slots, 1))
        ticks, area = np.ones(slots, np.int32), np.ones(slots, np.int32)
        rows = check_whole("most_ticks", most_ticks, 1, 10_000) + 1
        arrays: dict[str, NDArray[Any]] = {
            "goal_window": window,
            "goal_ticks": ticks,
            "goal_area": area,
            "mask_offset": np.arange(slots) * words,
            "distance_offset": np.arange(slots) * extent * extent,
            "track_offset": np.arange(slots) * rows,
            "mask": np.zeros(slots * words, np.uint64),
            "distance": np.zeros(slots * extent * extent, np.int8),
            "track": np.zeros((slots * rows, TRACK_SIZE)),
        }
        return cls(int(side), box, int(supersample), window, ticks, area, arrays)

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
            HierbrushError: the goal is larger or longer than a slot can hold.
        """
        window, mask, distance = rasterised("outline", outline, self.side, self.supersample)
        for name, part in (("mask", mask), ("distance", distance), ("track", track)):
            room = len(self.arrays[name]) // len(self)
            if len(part) > room:
                raise HierbrushError(f"{name}: {len(part)} elements, expected at most {room} of a goal in a slot")
            start = slot * room
            self.arrays[name][start : start + len(part)] = part
        self.window[slot], self.ticks[slot], self.area[slot] = window, len(track) - 1, max(1, popcount(mask))
