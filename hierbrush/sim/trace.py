"""The ink that handle paths leave on one paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array, check_list
from hierbrush.box import BOX
from hierbrush.errors import HierbrushError
from hierbrush.sim.batch import BrushBatch
from hierbrush.sim.model import BrushModel


def trace(
    model: BrushModel | NDArray[np.float64],
    paths: Iterable[NDArray[np.float64]],
    *,
    side: int = 256,
    supersample: int = 4,
    box: float = BOX,
    directions: Sequence[NDArray[np.float64]] | None = None,
) -> NDArray[np.float32]:
    """Return the coverage that strokes leave on a paper, each with a straight tuft.

    Args:
        model: the brush, or float64 [1, 10] as of :meth:`BrushModel.parameters`.
        paths: handle paths, each float64 [n, 3] in metres; the handle moves in straight lines from row to row.
        side: pixels of the paper's side, 32 to 1024.
        supersample: 1, 2 or 4 samples a pixel side.
        box: side of the character box in metres.
        directions: where the tip points before each stroke, [2] each, where it is not as a dip leaves it.

    Returns:
        float32 [side, side] in [0, 1], row 0 at the top.

    Raises:
        HierbrushError: an argument is out of range.
    """
    paper = BrushBatch(model, 1, side=side, supersample=supersample, box=box)
    expected = "[ticks + 1, 3] metres"
    paths = check_list("paths", paths, f"handle paths, each {expected}")
    if directions is not None:
        directions = check_list("directions", directions, "one direction [2] for each path")
    if directions is not None and len(directions) != len(paths):
        raise HierbrushError(f"directions: {len(directions)} of them, expected {len(paths)}, one for each path")
    for index, path in enumerate(paths):
        path = check_array(f"paths[{index}]", path, (None, 3), expected)
        if not len(path):
            raise HierbrushError(f"paths[{index}]: shape {path.shape}, expected {expected}")
        paper.dip()
        if directions is not None:
            paper.turn(directions[index])
        paper.place(path[0])
        for pose in path[1:]:
            paper.step(pose)
    return paper.coverage(0)
