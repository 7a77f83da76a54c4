"""A brush of another kind, to stand in for reality: elastic hairs that bend under the press and drag over the paper.

Each hair is rooted under the handle, bends further the deeper it is pressed and trails behind the motion by friction
of its own; wet hairs stick together, so that each pulls its neighbours. It leaves discs along what lies on the paper.
None of this is what hierbrush's brush does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

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
        shape = (height or side, side)
        ink = np.zeros(shape, bool)
        for path in paths:
            for part in self.stamps(path, step=0.7 * box / side):
                ink |= discs(part.points.reshape(-1, 2) * (side / box), part.radii.ravel() * (side / box), shape)
        return ink.astype(np.float32)

    def stamps(self, path: NDArray[np.float64], *, step: float) -> Iterator[Stamps]:
        """Yield what lies on the paper while the handle follows a path, row by row, in steps of ``step`` metres."""
        rng = np.random.default_rng(self.seed)
        turn = np.arange(self.hairs) * np.pi * (3 - 5**0.5)
        root = np.sqrt((np.arange(self.hairs) + 0.5) / self.hairs)[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
        reach = 1.0 - 0.22 * (root**2).sum(axis=1) + 0.03 * rng.standard_normal(self.hairs)
        lean = np.tile([-(0.5**0.5), -(0.5**0.5)], (self.hairs, 1))
        for last, row in pairwise(path):
            steps = max(int(np.ceil(max(np.abs(row - last).max(), 1e-9) / step)), 1)
            heres = last + (row - last) * (np.arange(1, steps + 1)[:, None] / steps)
            moved = (row - last)[:2] / steps
            depth = heres[:, 2, None] * reach
            lies = np.clip(1.15 * depth + 2e-4, 0.0, 0.45 * self.length) * (depth > 2e-4)
            leans = np.empty((steps, self.hairs, 2))
            for at in range(steps):
                lean = leans[at] = self._dragged(lean, lies[at], moved, root)
            yield self._stamps(heres, root, lies, leans)

    def _dragged(
        self,
        lean: NDArray[np.float64],
        lies: NDArray[np.float64],
        moved: NDArray[np.float64],
        root: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return where hairs lean after a step: tips are dragged behind, neighbours pull along, the spring rights."""
        pull = lean * np.maximum(lies, 1e-4)[:, None] - moved
        pull = 0.7 * pull + 0.3 * pull.mean(axis=0)
        pull -= min(self.stiff * float(np.hypot(*moved)), 1.0) * 0.05 * root * 1e-3
        size = np.hypot(pull[:, 0], pull[:, 1])[:, None]
        return np.where(size > 1e-9, pull / np.maximum(size, 1e-9), lean)

    def _stamps(
        self, heres: NDArray[np.float64], root: NDArray[np.float64], lies: NDArray[np.float64],
        leans: NDArray[np.float64],
    ) -> Stamps:  # fmt: skip
        depth = heres[:, 2, None, None]
        foot = heres[:, None, :2] + root * (self.radius * 0.25 + self.flare * depth)
        share = np.array([0.0, 0.5, 1.0])[:, None, None, None]
        points = foot + (heres[:, None, :2] - foot) * (0.8 * share) + leans * (self.grip * lies[..., None] * share)
        radii = (0.0004 + 0.07 * depth[..., 0]) * (1.0 - 0.4 * share[..., 0]) * np.ones(self.hairs)
        down = (lies > 0) & (heres[:, 2, None] > 0)
        return Stamps(points.transpose(1, 0, 2, 3), np.where(down, radii, -1.0).transpose(1, 0, 2))


class Stamps(NamedTuple):
    """Discs on the paper in each of some steps, metres: ``points`` [steps, 3, hairs, 2], ``radii`` [steps, 3, hairs].

    A radius below 0 is a hair in the air.
    """

    points: NDArray[np.float64]
    radii: NDArray[np.float64]


def discs(points: NDArray[np.float64], radii: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixel centres lie in one of some discs: ``points`` [n, 2] and ``radii`` [n] in pixels."""
    points, radii = points[radii > 0], radii[radii > 0]
    edges = np.zeros((shape[0], shape[1] + 1), np.int32)
    if not len(radii):
        return np.zeros(shape, bool)
    top = np.ceil(points[:, 1] - radii - 0.5).astype(int)
    for down in range(int(2 * radii.max()) + 2):
        row = top + down
        chord = radii**2 - (row + 0.5 - points[:, 1]) ** 2
        kept = (chord >= 0) & (row >= 0) & (row < shape[0])
        half, x = np.sqrt(chord[kept]), points[kept, 0]
        first = np.clip(np.ceil(x - half - 0.5).astype(int), 0, shape[1])
        end = np.clip(np.floor(x + half - 0.5).astype(int) + 1, first, shape[1])
        np.add.at(edges, (row[kept], first), 1)
        np.add.at(edges, (row[kept], end), -1)
    return np.asarray(np.cumsum(edges, axis=1)[:, :-1] > 0)
