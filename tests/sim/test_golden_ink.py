"""A few small pictures that must not change unnoticed.

After a wanted change, look at the new pictures and keep them:
``HIERBRUSH_GOLDEN=write pytest tests/sim/test_golden_ink.py``.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hierbrush.sim import PRESETS, BrushModel, trace

GOLDEN = Path(__file__).with_name("golden")
Path3 = NDArray[np.float64]


def line(*stops: tuple[float, float, float], ticks: int = 12) -> Path3:
    """A path through stops (x, y as shares of the box, depth in millimetres)."""
    corners = np.array(stops) * (0.12, 0.12, 1e-3)
    share = np.linspace(0, len(corners) - 1, ticks + 1)
    return np.stack([np.interp(share, np.arange(len(corners)), corners[:, axis]) for axis in range(3)], axis=1)


PICTURES: dict[str, tuple[BrushModel, list[Path3]]] = {
    "touches": (
        PRESETS["measured"],
        [line((x, 0.5, 0.0), (x, 0.5, depth), ticks=2) for x, depth in ((0.15, 3), (0.3, 6), (0.5, 9), (0.8, 14))],
    ),
    "turn": (
        PRESETS["measured"],
        [line((0.15, 0.25, -1), (0.15, 0.25, 7), (0.75, 0.2, 4), (0.8, 0.25, 8), (0.7, 0.85, 5), (0.6, 0.75, 0))],
    ),
    "reversal": (PRESETS["measured"], [line((0.2, 0.5, 6), (0.8, 0.5, 6), (0.4, 0.55, 6), (0.4, 0.9, 1))]),
    "round": (PRESETS["round"], [line((0.2, 0.2, 2), (0.8, 0.5, 10), (0.2, 0.8, 4))]),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture(name: str, tmp_path: Path) -> None:
    model, paths = PICTURES[name]
    drawn = np.rint(255 - 255 * trace(model, paths, side=64, supersample=4)).astype(np.uint8)
    file = GOLDEN / f"{name}.png"
    if os.environ.get("HIERBRUSH_GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        Image.fromarray(drawn).save(file, optimize=True)
    with Image.open(file) as image:
        expected = np.asarray(image)
    if not np.array_equal(drawn, expected):
        # Expected, drawn, and in red where they differ.
        differs = np.repeat(expected[:, :, None], 3, axis=2)
        differs[drawn != expected] = (255, 0, 0)
        panels = [np.repeat(panel[:, :, None], 3, axis=2) for panel in (expected, drawn)]
        picture = tmp_path / f"{name}.png"
        Image.fromarray(np.concatenate([*panels, differs], axis=1)).resize((768, 256), Image.Resampling.NEAREST).save(
            picture
        )
        pytest.fail(f"{name}: {(drawn != expected).sum()} pixels differ from {file.name}; see {picture}")
