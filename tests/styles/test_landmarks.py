"""Corners of strokes lie at equal points, whatever their arms' lengths."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.characters import load_library
from hierbrush.sim import rasterise
from hierbrush.strokes.types import NUMBER
from hierbrush.styles import hand
from hierbrush.styles.landmarks import evenly, in_step


def turning(arms: list[float], directions: list[tuple[float, float]]) -> np.ndarray:
    """Return a path of 32 points that turns between arms of these lengths."""
    corners = np.cumsum(
        [(0.1, 0.1), *(np.multiply(way, arm) for way, arm in zip(directions, arms, strict=True))], axis=0
    )
    travelled = np.concatenate([[0.0], np.cumsum(arms)])
    where = np.linspace(0.0, travelled[-1], 32)
    return np.stack([np.interp(where, travelled, corners[:, axis]) for axis in (0, 1)], axis=1)


def outlined(line: np.ndarray) -> np.ndarray:
    """Return an outline [128, 2] beside a path, its ends where the path's are."""
    dense = evenly(np.array([np.stack([np.interp(np.linspace(0, 31, 65), np.arange(32), x) for x in line.T], axis=1)]))[
        0
    ]
    return np.concatenate([dense[:-1] + [0.01, -0.01], dense[:0:-1] + [-0.01, 0.01]])


@pytest.mark.parametrize("arms", [[0.2, 0.6], [0.6, 0.2], [0.4, 0.4]])
def test_corners_of_one_type_are_equal_points(arms: list[float]) -> None:
    line = turning(arms, [(1.0, 0.0), (0.0, 1.0)])
    lines, outlines = in_step(line[None], outlined(line)[None], np.array([NUMBER["HZ"]]))
    assert np.abs(lines[0, 15:17] - [0.1 + arms[0], 0.1]).max(axis=1).min() < 0.03
    assert np.abs(outlines[0, 32] - [0.11 + arms[0], 0.09]).max() < 0.03
    assert np.abs(outlines[0, 96] - [0.09 + arms[0], 0.11]).max() < 0.03


def test_strokes_without_corners_are_spread_evenly() -> None:
    line = turning([0.5], [(1.0, 0.0)])
    line[:, 0] = 0.1 + 0.5 * np.linspace(0, 1, 32) ** 2
    lines, _ = in_step(line[None], outlined(line)[None], np.array([NUMBER["H"]]))
    steps = np.diff(lines[0, :, 0])
    assert steps.max() < 1.05 * steps.min()


@pytest.mark.parametrize("char", "永九口这乃凹")
def test_no_ink_is_lost_where_points_are_laid_otherwise(char: str) -> None:
    glyph = load_library()[char]
    goals = [stroke.goal() for stroke in glyph.strokes]
    found = hand.strokes_of(goals, glyph.decomposition)
    for goal, outline in zip(goals, found.outlines, strict=True):
        ink, other = rasterise([goal.outline], 256) >= 0.5, rasterise([outline.astype(np.float32)], 256) >= 0.5
        assert (ink & other).sum() / (ink | other).sum() > 0.95
