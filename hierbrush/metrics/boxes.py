"""How near boxes of strokes are to those they stand for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BoxErrors:
    """Boxes against true ones, all in sides of the character's box.

    Attributes:
        centre: float64 [n], distance of the centres.
        coordinate: mean difference of the centres' coordinates.
        size: float64 [n], mean difference of width and height.
        iou: float64 [n], IoU of the two boxes.
    """

    centre: F64
    coordinate: float
    size: F64
    iou: F64


def box_errors(boxes: NDArray[np.floating], true: NDArray[np.floating]) -> BoxErrors:
    """Compare boxes ``[n, 4]`` (centre x, centre y, width, height) with true ones in the same order."""
    low = np.maximum(boxes[:, :2] - boxes[:, 2:] / 2, true[:, :2] - true[:, 2:] / 2)
    high = np.minimum(boxes[:, :2] + boxes[:, 2:] / 2, true[:, :2] + true[:, 2:] / 2)
    shared = np.maximum(high - low, 0.0).prod(1)
    union = boxes[:, 2:].prod(1) + true[:, 2:].prod(1) - shared
    off = np.abs(boxes - true)
    centre = np.linalg.norm(boxes[:, :2] - true[:, :2], axis=1)
    return BoxErrors(centre, float(off[:, :2].mean()), off[:, 2:].mean(axis=1), shared / union)
