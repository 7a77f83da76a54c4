"""Where paper and inkstone stand before an arm: found by touching the paper's corners with the brush's tip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array
from hierbrush.errors import HierbrushError

CORNERS = "top left, top right, bottom right, bottom left"
_OFF = 0.002
"""Metres that touched corners may lie beside the rectangle through them: what a careful hand manages."""
_LEAST_SIDE, _MOST_SIDE = 0.01, 2.0
_LEAST_UP = 0.1  # cosine of the steepest sheet: a wall's normal has 0


@dataclass(frozen=True, eq=False)
class Calibration:
    """A rectangle of paper, tilted and turned as it may be, and the inkstone, in the arm's base frame in metres.

    Attributes:
        corner: top left corner of the paper, [3].
        axes: [3, 3] rows: along the paper to the right, down the paper, and out of it towards the brush.
        width: metres from the left edge to the right.
        height: metres from the top edge to the bottom.
        stone: where the tip rests in the ink, [3].
    """

    corner: NDArray[np.float64]
    axes: NDArray[np.float64]
    width: float
    height: float
    stone: NDArray[np.float64]

    @classmethod
    def touched(cls, points: Any, stone: Any = None) -> Calibration:
        """Return the rectangle that fits four touched corners best.

        Args:
            points: [4, 3] metres in the arm's base frame: the tip at the paper's top left, top right, bottom right and
                bottom left corner as a reader sees them, each at first touch.
            stone: [3] metres, the tip in the ink; 30 mm right of the paper, half way down, unless told otherwise.

        Raises:
            HierbrushError: the points are no rectangle within 2 mm, are in another order, or the paper hangs over.
        """
        corners = check_array("points", points, (4, 3), f"four points [x, y, z] in metres: {CORNERS}")
        centre = corners.mean(axis=0)
        right = (corners[1] - corners[0] + corners[2] - corners[3]) / 2
        down = (corners[3] - corners[0] + corners[2] - corners[1]) / 2
        # The plane of least squares; the two directions in it are turned by half of what lacks to a right angle each.
        normal = np.linalg.svd(corners - centre)[2][2]
        if normal @ np.cross(down, right) < 0:
            normal = -normal
        axes = _square(right, down, normal)
        width, height = float(right @ axes[0]), float(down @ axes[1])
        if not (_LEAST_SIDE <= width <= _MOST_SIDE and _LEAST_SIDE <= height <= _MOST_SIDE):
            raise HierbrushError(
                f"points: a paper of {width * 1e3:.0f} x {height * 1e3:.0f} mm, expected sides of "
                f"{_LEAST_SIDE * 1e3:.0f} to {_MOST_SIDE * 1e3:.0f} mm"
            )
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
        wanted = centre + signs * [width, height] @ axes[:2]
        off = np.linalg.norm(corners - wanted, axis=1)
        if off.max() > _OFF:
            worst = CORNERS.split(", ")[int(off.argmax())]
            raise HierbrushError(
                f"points: {worst} lies {off.max() * 1e3:.1f} mm beside the rectangle through all four, expected "
                f"{_OFF * 1e3:.0f} mm at most; touch them again"
            )
        if axes[2, 2] < _LEAST_UP:
            raise HierbrushError(f"points: the paper faces down or is a wall; expected the order {CORNERS}")
        return cls.of(wanted[0], axes, width, height, stone)

    @classmethod
    def of(
        cls, corner: NDArray[np.float64], axes: NDArray[np.float64], width: float, height: float, stone: Any = None
    ) -> Calibration:
        """Return a calibration with the stone beside the paper, unless its place is given."""
        if stone is None or len(stone) == 0:
            place = corner + (width + 0.03) * axes[0] + height / 2 * axes[1]
        else:
            place = check_array("stone", stone, (3,), "a point [x, y, z] in metres")
        return cls(corner, axes, width, height, place)

    def moved(self, by: Sequence[float] | NDArray[np.float64]) -> Calibration:
        """Return the same paper and stone, ``by`` [3] metres elsewhere."""
        shift = np.asarray(by, np.float64)
        return Calibration(self.corner + shift, self.axes, self.width, self.height, self.stone + shift)

    def world(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points [n, 3] on the paper (x right, y down, z metres below first touch) in the base frame."""
        return np.asarray(self.corner + points * [1.0, 1.0, -1.0] @ self.axes)

    def paper(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points [n, 3] of the base frame on the paper: the opposite of `world`."""
        return np.asarray((points - self.corner) @ self.axes.T * [1.0, 1.0, -1.0])

    @property
    def corners(self) -> NDArray[np.float64]:
        """Top left, top right, bottom right and bottom left corner in the base frame, [4, 3]."""
        across, down = self.width * self.axes[0], self.height * self.axes[1]
        return np.asarray(self.corner + np.stack([np.zeros(3), across, across + down, down]))

    @property
    def table(self) -> float:
        """Height of the table in the base frame: that of the base, or of the paper's lowest corner if it is lower."""
        return min(0.0, float(self.corners[:, 2].min()))

    @property
    def stone_on_paper(self) -> NDArray[np.float64]:
        """Where the stone stands as seen from the paper, [3]."""
        return np.asarray(self.paper(self.stone[None])[0])


def _square(right: NDArray[np.float64], down: NDArray[np.float64], normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return right-angled axes nearest to two directions, in the plane of a normal that points to the brush."""
    flat = [v - (v @ normal) * normal for v in (right, down)]
    right, down = (v / max(float(np.linalg.norm(v)), 1e-12) for v in flat)
    first = right - np.cross(down, normal)
    first = first / max(float(np.linalg.norm(first)), 1e-12)
    return np.stack([first, np.cross(first, normal), normal])
