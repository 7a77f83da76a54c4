"""Corners of strokes, and paths resampled so that equal points of strokes of one type lie between equal corners.

What strokes of a type have in common can only be averaged where like is laid on like: the corner of a 横折 on the
corner of another, whatever their arms' lengths (landmark registration; Ramsay and Silverman, Functional Data Analysis,
2005, chapter 7). A path's corners are where its directions are divided best into the type's directions, one after
the other.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from hierbrush.strokes.types import ABBREVIATIONS

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_DIRECTIONS = {
    "h": (1.0, -0.1), "s": (0.0, 1.0), "p": (-0.6, 1.0), "n": (0.7, 1.0), "t": (1.0, -0.5), "b": (1.0, 0.5),
    "l": (-1.0, -0.5), "u": (-0.2, -1.0), "d": (-0.6, 0.6),
}  # fmt: skip
"""Of the parts of strokes, x right and y down: 横 竖 撇 捺 提 卧, hooks to the left, upwards, and downwards."""

_PARTS = {
    "WG": "sl", "XG": "nu", "BXG": "bu", "SW": "sh", "HZZ": "hsh", "HZG": "hsl", "HP": "hp", "HZWG": "hshu",
    "SZWG": "shsl", "HZT": "hst", "HZZP": "hphp", "HPWG": "hpsl", "HZW": "hsh", "HZZZ": "hshs", "HZ": "hs", "HG": "hd",
    "SZ": "sh", "SWZ": "shs", "ST": "st", "SG": "sl", "PD": "pn", "PZ": "ph", "TN": "tn", "SZZ": "shs", "SWG": "shu",
    "HXWG": "hnu", "HZZZG": "hphsl", "PG": "pl", "HXG": "hnu", "SZP": "shp",
}  # fmt: skip
"""Of the types that have corners; the others are one part."""

_SHORT = 0.4
"""Share of points that a hook or a rising end takes, where a part of another kind takes 1."""

_ALIKE = 0.12
"""Share of the length by which an outline's corner may lie elsewhere than the middle line's."""


def in_step(lines: Floats, outlines: Floats, kinds: Floats) -> tuple[Floats, Floats]:
    """Return strokes resampled: evenly between corners, which are equal points in all strokes of one type.

    Args:
        lines: f64 [n, k, 2], from the stroke's start to its end.
        outlines: f64 [n, 2 m, 2], point 0 at the start, point m at the end.
        kinds: [n], numbers of their types.
    """
    lines, outlines = lines.copy(), outlines.copy()
    for kind in np.unique(kinds):
        mine, parts = np.flatnonzero(kinds == kind), _parts(int(kind))
        corners = _shares(lines[mine], parts)
        lines[mine] = _resampled(lines[mine], corners, parts)
        both = []
        for side in _sides(outlines[mine]):
            found = _shares(side, parts)
            # Where ink shows no clear corner, the side turns where the middle line does.
            clear = np.abs(found - corners).max(axis=1) < _ALIKE
            both.append(_resampled(side, np.where(clear[:, None], found, corners), parts))
        outlines[mine] = np.concatenate([both[0][:, :-1], both[1][:, :0:-1]], axis=1)
    return lines, outlines


def evenly(lines: Floats) -> Floats:
    """Return lines [n, k, 2] resampled evenly by arc length."""
    return _resampled(lines, np.tile([0.0, 1.0], (len(lines), 1)), "")


@cache
def _parts(kind: int) -> str:
    return _PARTS.get(ABBREVIATIONS[kind], "")


def _grid(parts: str, count: int) -> Whole:
    """Return which of a path's points are its ends and corners."""
    shares = [_SHORT if part in "ludt" else 1.0 for part in parts] or [1.0]
    grid: Whole = np.rint(np.cumsum([0.0, *shares]) / sum(shares) * (count - 1)).astype(np.int64)
    return grid


def _corners(paths: Floats, parts: str) -> Whole:
    """Return the points [n, parts + 1] where parts of paths [n, k, 2] begin and end."""
    n, count = paths.shape[:2]
    if len(parts) < 2:
        return np.tile([0, count - 1], (n, 1))
    step = np.diff(paths, axis=1)
    reach = np.hypot(step[..., 0], step[..., 1])
    costs = []
    for part in parts:
        wanted = np.array(_DIRECTIONS[part]) / np.hypot(*_DIRECTIONS[part])
        along, across = step @ wanted, step @ [-wanted[1], wanted[0]]
        turned = np.where(reach > 0, np.abs(np.arctan2(across, along)), 0.0)
        costs.append(np.concatenate([np.zeros((n, 1)), np.cumsum(turned * reach, axis=1)], axis=1))
    # Least cost of the first parts that end at each point, and where the last of them then begins.
    least, begun = costs[0], []
    for number in range(1, len(parts)):
        ahead = np.full_like(least, np.inf)
        ahead[:, number:] = least[:, number - 1 : -1] - costs[number][:, number - 1 : -1]
        best = np.minimum.accumulate(ahead, axis=1)
        where = np.where(ahead == best, np.arange(count) - 1, 0)
        begun.append(np.maximum.accumulate(where, axis=1))
        least = best + costs[number]
    corners = np.empty((n, len(parts) + 1), np.int64)
    corners[:, 0], corners[:, -1] = 0, count - 1
    for number in range(len(parts) - 1, 0, -1):
        corners[:, number] = begun[number - 1][np.arange(n), corners[:, number + 1]]
    return corners


def _shares(paths: Floats, parts: str) -> Floats:
    """Return at which shares of their length, [n, parts + 1], parts of paths begin and end."""
    travelled = _travelled(paths)
    at = np.take_along_axis(travelled, _corners(paths, parts), axis=1)
    shares: Floats = at / np.maximum(travelled[:, -1:], 1e-12)
    return shares


def _travelled(paths: Floats) -> Floats:
    steps = np.hypot(*np.diff(paths, axis=1).transpose(2, 0, 1))
    return np.concatenate([np.zeros((len(paths), 1)), np.cumsum(steps, axis=1)], axis=1)


def _resampled(paths: Floats, shares: Floats, parts: str) -> Floats:
    """Return paths whose `_grid` lies at shares [n, parts + 1] of their length."""
    found, count = np.empty_like(paths), paths.shape[1]
    grid = _grid(parts, count)
    for path, travelled, at, out in zip(paths, _travelled(paths), shares, found, strict=True):
        where = np.interp(np.arange(count), grid, at * travelled[-1])
        for axis in (0, 1):
            out[:, axis] = np.interp(where, travelled, path[:, axis])
    return found


def _sides(outlines: Floats) -> tuple[Floats, Floats]:
    """Return both sides [n, m + 1, 2] of outlines [n, 2 m, 2], each from the stroke's start to its end."""
    half = outlines.shape[1] // 2
    back = np.concatenate([outlines[:, half:], outlines[:, :1]], axis=1)[:, ::-1]
    return outlines[:, : half + 1], back
