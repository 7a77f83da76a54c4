"""A bank of stroke goals on the raster: what brushes are measured against while they write. Constant once built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hierbrush.arguments import check_array, check_list, check_number
from hierbrush.box import BOX, MAX_BOX, MIN_BOX
from hierbrush.errors import HierbrushError
from hierbrush.sim.arrays import Arrays, bank_arrays
from hierbrush.sim.core_choice import kernels
from hierbrush.sim.observation import TRACK_SIZE
from hierbrush.sim.raster import check_points, check_raster

# Pixels around a goal's outline that its window carries: a handle 3 mm off, pressed 3 mm too deep, still inks within.
MARGIN = 16
_MAX_SAMPLES = 4096
# Unit-box coordinates, and metres of a track: beyond this, something is given in other units.
_FARTHEST = 4.0


@dataclass(frozen=True, eq=False)
class GoalBank:
    """Goals as masks, distances and tracks, each on the window that its stroke needs at the full resolution.

    Attributes:
        side: pixels of the character's raster.
        box: side of the character box in metres.
        supersample: samples a pixel side of the masks.
        arrays: what the core reads, see `hierbrush.sim.arrays`.
    """

    side: int
    box: float
    supersample: int
    arrays: Arrays

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def window(self) -> NDArray[np.int32]:
        """Left, top, width and height in pixels, int32 [G, 4]; may reach beyond the box."""
        return self.arrays["goal_window"]

    @property
    def ticks(self) -> NDArray[np.int32]:
        """Control ticks of an episode, int32 [G]."""
        return self.arrays["goal_ticks"]

    @property
    def area(self) -> NDArray[np.int32]:
        """Samples wanted, int32 [G]."""
        return self.arrays["goal_area"]

    @classmethod
    def build(
        cls,
        outlines: Sequence[NDArray[Any]],
        tracks: Sequence[NDArray[np.float64]],
        *,
        side: int = 256,
        box: float = BOX,
        supersample: int = 1,
    ) -> GoalBank:
        """Rasterise goals.

        Args:
            outlines: each [n >= 3, 2] in the unit box.
            tracks: each float64 [ticks + 1, 8]: reference x, y, z, skeleton x, y and radius in metres, unit tangent
                x, y.
            side: pixels of the character's raster, 32 to 1024.
            box: side of the character box in metres.
            supersample: 1, 2 or 4 samples a pixel side.

        Raises:
            HierbrushError: no goals, unequal numbers of outlines and tracks, a wrong shape, or values out of range.
        """
        side, supersample = check_raster(side, supersample)
        box = check_number("box", box, MIN_BOX, MAX_BOX, "metres")
        outlines = check_list("outlines", outlines, "polygons, each [n >= 3, 2]")
        tracks = check_list("tracks", tracks, f"tracks, each [ticks + 1 >= 2, {TRACK_SIZE}]")
        if not len(outlines) or len(outlines) != len(tracks):
            raise HierbrushError(f"outlines, tracks: {len(outlines)} and {len(tracks)}, expected equal numbers above 0")
        windows, masks, distances, areas, courses = [], [], [], [], []
        for index, (outline, track) in enumerate(zip(outlines, tracks, strict=True)):
            extent, mask, distance = rasterised(f"outlines[{index}]", outline, side, supersample)
            courses.append(check_track(f"tracks[{index}]", track))
            windows.append(extent)
            masks.append(mask)
            distances.append(distance)
            areas.append(popcount(mask))
        return cls(
            int(side),
            box,
            int(supersample),
            bank_arrays(
                goal_window=np.array(windows),
                goal_ticks=np.array([len(course) - 1 for course in courses]),
                goal_area=np.array(areas),
                mask_offset=_starts(masks),
                distance_offset=_starts(distances),
                track_offset=_starts(courses),
                mask=np.concatenate(masks),
                distance=np.concatenate(distances),
                track=np.concatenate(courses),
            ),
        )

    @property
    def words(self) -> int:
        """Words of 64 samples that the largest window needs."""
        width, height = self.window[:, 2].astype(np.int64) * self.supersample, self.window[:, 3].astype(np.int64)
        return int(((width + 63) // 64 * height * self.supersample).max())

    @property
    def nbytes(self) -> int:
        """Memory of the bank in bytes."""
        return sum(array.nbytes for array in self.arrays.values())

    def start(self) -> NDArray[np.float64]:
        """Return where each goal's reference path begins: float64 [G, 3], metres."""
        starts: NDArray[np.float64] = self.arrays["track"][self.arrays["track_offset"], :3]
        return starts


def rasterised(
    name: str, outline: ArrayLike, side: int, supersample: int
) -> tuple[tuple[int, int, int, int], NDArray[np.uint64], NDArray[np.int8]]:
    """Return a goal's window (left, top, width, height in pixels), its mask and its distances, rows one after another.

    Raises:
        HierbrushError: the outline, called ``name``, is no polygon in the unit box, or too large for a window.
    """
    points = check_points(name, outline)
    if np.abs(points).max() > _FARTHEST:
        raise HierbrushError(f"{name}: reaches {np.abs(points).max():.3g}, expected unit-box coordinates")
    pixels = points * side
    low = np.floor(pixels.min(axis=0)).astype(np.int64) - MARGIN
    extent = np.ceil(pixels.max(axis=0)).astype(np.int64) + MARGIN - low
    if (extent * supersample > _MAX_SAMPLES).any():
        most = _MAX_SAMPLES // supersample
        raise HierbrushError(f"{name}: {extent.max()} pixels wide, expected at most {most}")
    columns, rows = (int(value) for value in extent)
    local = pixels - low
    mask = np.zeros(rows * supersample * ((columns * supersample + 63) // 64), dtype=np.uint64)
    kernels.fill_polygon(local * supersample, columns * supersample, rows * supersample, mask)
    inside = mask
    if supersample > 1:
        inside = np.zeros(rows * ((columns + 63) // 64), dtype=np.uint64)
        kernels.fill_polygon(local, columns, rows, inside)
    distance = np.empty(rows * columns, dtype=np.int8)
    kernels.polygon_distance(local, columns, rows, inside, distance)
    return (int(low[0]), int(low[1]), columns, rows), mask, distance


def check_track(name: str, track: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a track as contiguous float64 [ticks + 1, 8], or raise :class:`HierbrushError` unless it is one."""
    expected = f"[ticks + 1 >= 2, {TRACK_SIZE}]"
    checked = np.ascontiguousarray(check_array(name, track, (None, TRACK_SIZE), expected, finite=False))
    if len(checked) < 2:
        raise HierbrushError(f"{name}: shape {checked.shape}, expected {expected}")
    if not (np.abs(checked) <= _FARTHEST).all():
        raise HierbrushError(
            f"{name}: holds NaN, infinity or more than {_FARTHEST:g}, expected metres and unit tangents"
        )
    return checked


def _starts(parts: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    lengths = np.array([len(part) for part in parts], dtype=np.int64)
    return np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)


def popcount(words: NDArray[np.uint64]) -> int:
    """Return how many bits are set."""
    if hasattr(np, "bitwise_count"):
        return int(np.bitwise_count(words).sum())
    # NumPy below 2.0 has no bitwise_count.
    return int(np.unpackbits(words.view(np.uint8)).sum())
