"""Hands of known truth: characters warped as other hands would write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from hierbrush.characters import load_library
from hierbrush.fonts import write_font
from hierbrush.fonts.tables import FontNames
from hierbrush.strokes.goal import StrokeGoal, with_widths

TEXT = "永和九年春風花月水木，"


def warped(char: str, seed: int) -> list[StrokeGoal]:
    """Return a character's strokes bolder or lighter, stretched, sheared and bent at random, within the box."""
    rng = np.random.default_rng(seed)
    strokes = load_library()[char].strokes
    goals = with_widths([stroke.goal() for stroke in strokes], np.full(len(strokes), rng.uniform(0.8, 1.4)))
    bend = np.stack([gaussian_filter(rng.standard_normal((64, 64)), 10, mode="reflect") for _ in range(2)])
    bend *= 0.03 / bend.std()
    whole = np.diag(rng.uniform(0.8, 1.1, 2)) + [[0.0, rng.uniform(-0.12, 0.12)], [0.0, 0.0]]

    def moved(points: NDArray[np.float32]) -> NDArray[np.float64]:
        at = np.clip(points[:, ::-1].T, 0, 1) * 63
        return (points + np.stack([map_coordinates(part, at, order=1) for part in bend], axis=1) - 0.5) @ whole.T + 0.5

    parts = [(goal.stroke_type, moved(goal.outline), moved(goal.skeleton)) for goal in goals]
    drawn = np.concatenate([outline for _, outline, _ in parts])
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    scale = np.minimum(1.0, 0.94 / (high - low))
    shift = 0.5 - (low + high) / 2 * scale
    return [StrokeGoal.from_outline(kind, o * scale + shift, s * scale + shift) for kind, o, s in parts]


@pytest.fixture(scope="session")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a font of what hierbrush writes."""
    path = tmp_path_factory.mktemp("font") / "mine.ttf"
    write_font(path, TEXT, names=FontNames(family="Mine"))
    return path
