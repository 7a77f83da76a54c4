"""A brush of another kind, to stand in for reality: elastic hairs that bend under the press and drag over the paper.

Each hair is rooted under the handle, bends further the deeper it is pressed and trails behind the motion by friction
of its own; wet hairs stick together, so that each pulls its neighbours. It leaves discs along what lies on the paper.
None of this is what hierbrush's brush does, and it is slow on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class HairBrush:
    """``hairs`` hairs of ``length`` metres under a ferrule of ``radius`` metres.

    ``stiff`` is how strongly a hair turns back under its root (a metre of motion), ``grip`` how far its tip lags behind
    the handle as a share of what lies on the paper, ``flare`` how much pressing spreads the bundle.
    """

    hairs: int = 90
    length: float = 0.030
    radius: float = 0.0022
    stiff: float = 60.0
    grip: float = 0.75
    flare: float = 0.42
    seed: int = 0

    def trace(
        self, paths: list[NDArray[np.float64]], *, side: int = 256, box: float = 0.12, height: int | None = None
    ) -> NDArray[np.float32]:
        """Return the ink of handle paths [n, 3] in metres, a dip before each: float32 [height or side, side]."""
        ink = np.zeros((height or side, side), bool)
        for path in paths:
            self._stroke(path, ink, side / box)
        return ink.astype(np.float32)

    def _stroke(self, path: NDArray[np.float64], ink: NDArray[np.bool_], scale: float) -> None:
        rng = np.random.default_rng(self.seed)
        turn = np.arange(self.hairs) * np.pi * (3 - 5**0.5)
        root = np.sqrt((np.arange(self.hairs) + 0.5) / self.hairs)[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
        reach = 1.0 - 0.22 * (root**2).sum(axis=1) + 0.03 * rng.standard_normal(self.hairs)
        lean = np.tile([-(0.5**0.5), -(0.5**0.5)], (self.hairs, 1))
        last = path[0]
        for row in path[1:]:
            steps = max(int(np.ceil(max(np.abs(row - last).max(), 1e-9) / (0.7 / scale))), 1)
            for at in range(1, steps + 1):
                here = last + (row - last) * (at / steps)
                moved = (row - last)[:2] / steps
                depth = here[2] * reach
                lies = np.clip(1.15 * depth + 2e-4, 0.0, 0.45 * self.length) * (depth > 2e-4)
                # The tip is dragged behind; neighbours pull each other along, and the hair's spring rights it.
                pull = lean * np.maximum(lies, 1e-4)[:, None] - moved
                pull = 0.7 * pull + 0.3 * pull.mean(axis=0)
                pull -= np.minimum(self.stiff * np.hypot(*moved), 1.0) * 0.05 * root * 1e-3
                size = np.hypot(pull[:, 0], pull[:, 1])
                lean = np.where(size[:, None] > 1e-9, pull / np.maximum(size, 1e-9)[:, None], lean)
                if here[2] > 0:
                    self._mark(here, root, lies, lean, ink, scale)
            last = row

    def _mark(
        self, here: NDArray[np.float64], root: NDArray[np.float64], lies: NDArray[np.float64],
        lean: NDArray[np.float64], ink: NDArray[np.bool_], scale: float,
    ) -> None:  # fmt: skip
        spread = self.radius * 0.25 + self.flare * here[2]
        on = lies > 0
        if not on.any():
            return
        foot = here[:2] + root[on] * spread
        for share in (0.0, 0.5, 1.0):
            narrowed = foot + (here[:2] - foot) * (0.8 * share)
            points = narrowed + lean[on] * (self.grip * lies[on] * share)[:, None]
            radius = (0.0004 + 0.07 * here[2]) * (1.0 - 0.4 * share) * scale
            for x, y in points * scale:
                left, top = int(max(x - radius, 0)), int(max(y - radius, 0))
                part = ink[top : int(y + radius) + 2, left : int(x + radius) + 2]
                if part.size:
                    rows = np.arange(top, top + part.shape[0])[:, None] + 0.5 - y
                    columns = np.arange(left, left + part.shape[1]) + 0.5 - x
                    part |= rows * rows + columns * columns <= radius * radius
