"""Strokes to draw with ink."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def line(depth: float = 0.008, pace: float = 0.15, y: float = 0.06) -> NDArray[np.float64]:
    """A level stroke of 80 mm at ``pace`` metres a second."""
    rows = int(0.08 / (pace * 0.025)) + 2
    path = np.column_stack([np.linspace(0.02, 0.10, rows), np.full(rows, y), np.full(rows, depth)])
    path[0, 2] = path[-1, 2] = -0.002
    return path
