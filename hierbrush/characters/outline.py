"""From hanzi-writer's paths in font units to polygons in the unit box."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters.data_file import POINTS_OF_COMMAND, Floats, StrokePath

UNITS = 1024.0
ASCENT = 900.0
TOLERANCE = 0.2
"""Largest distance between a curve and its chords, in font units: a twentieth of a pixel at 256 pixels to the box."""


def to_unit_box(points: Floats) -> NDArray[np.float32]:
    """Turn font units (y up, 900 at the top of the box) into the unit box (y down)."""
    return (np.stack([points[:, 0], ASCENT - points[:, 1]], axis=1) / UNITS).astype(np.float32)


def flatten(paths: Sequence[StrokePath]) -> list[NDArray[np.float32]]:
    """Return each path as a polygon in the unit box, float32 [n, 2], not closed by a repeated point.

    A curve becomes as many equal steps of its parameter as its second differences ask for: a chord over a step h of a
    curve with second derivative d is off by at most h² |d| / 8.
    """
    commands = "".join(path.commands for path in paths)
    points = np.concatenate([path.points for path in paths])
    counts = np.array([POINTS_OF_COMMAND[command] for command in commands])
    ends = np.cumsum(counts) - 1
    # Every segment as a cubic: M is left out, a line's control points lie on it, a quadratic is raised.
    letters = np.array(list(commands))
    drawn = letters != "M"
    end = points[ends[drawn]]
    start = points[ends[drawn] - counts[drawn]]
    kind = letters[drawn]
    first, second = start + (end - start) / 3, end - (end - start) / 3
    at = ends[drawn]
    quadratic, cubic = kind == "Q", kind == "C"
    control = points[at[quadratic] - 1]
    first[quadratic] = start[quadratic] + (control - start[quadratic]) * (2 / 3)
    second[quadratic] = end[quadratic] + (control - end[quadratic]) * (2 / 3)
    first[cubic], second[cubic] = points[at[cubic] - 2], points[at[cubic] - 1]

    bend = 6 * np.maximum(
        np.linalg.norm(start - 2 * first + second, axis=1), np.linalg.norm(first - 2 * second + end, axis=1)
    )
    steps = np.maximum(1, np.ceil(np.sqrt(bend / (8 * TOLERANCE)) - 1e-9)).astype(np.int64)
    # Point j of a segment with n steps sits at t = (j + 1) / n; the segment's start is the end of the one before.
    segment = np.repeat(np.arange(len(steps)), steps)
    step_ends = np.cumsum(steps)
    t = ((np.arange(len(segment)) - np.repeat(step_ends - steps, steps) + 1) / steps[segment])[:, None]
    u = 1 - t
    curve = (
        u * u * u * start[segment]
        + 3 * u * u * t * first[segment]
        + 3 * u * t * t * second[segment]
        + t * t * t * end[segment]
    )
    segments_of_path = [len(path.commands) - 1 for path in paths]
    last = step_ends[np.cumsum(segments_of_path) - 1]
    return np.split(to_unit_box(curve), last[:-1].tolist())
