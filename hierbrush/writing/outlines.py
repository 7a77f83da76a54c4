"""The ink of strokes as outlines, for files of vectors: to about a tenth of a pixel of a 512-pixel box."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hierbrush.writing.paper import Cell
    from hierbrush.writing.result import Writing

    Loops = list[NDArray[np.float64]]

UNITS = 1e5
"""User units in a metre: hundredths of a millimetre, so that whole numbers are fine enough."""

_PIXELS = 512
_TOLERANCE = 0.1 / _PIXELS


class Outlines:
    """Outlines of writings, each worked out once though it stand in many cells."""

    def __init__(self) -> None:
        self._traced: dict[int, tuple[Writing, list[tuple[str, Loops]]]] = {}

    def of(self, cell: Cell) -> list[tuple[str, list[NDArray[np.int64]]]]:
        """Return for each stroke of a cell its type and its closed outlines int64 [n, 2] on the paper, in `UNITS`."""
        import numpy as np

        # The writing is kept beside its outlines, so that its id is nobody else's.
        if id(cell.writing) not in self._traced:
            self._traced[id(cell.writing)] = cell.writing, _traced(cell.writing)
        corner = np.array([cell.x, cell.y])
        return [
            (kind, [np.rint((corner + loop * cell.side) * UNITS).astype(np.int64) for loop in loops])
            for kind, loops in self._traced[id(cell.writing)][1]
        ]


def _traced(writing: Writing) -> list[tuple[str, Loops]]:
    return [
        (
            goal.stroke_type,
            [_simplified(loop) for loop in contours(writing.stroke_ink(index, _PIXELS))],
        )
        for index, goal in enumerate(writing.plan.goals)
    ]


def _simplified(loop: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np
    from shapely.geometry import LinearRing

    return np.asarray(LinearRing(loop).simplify(_TOLERANCE).coords)[:-1]


def contours(coverage: NDArray[np.float32]) -> Loops:
    """Return the closed outlines float64 [n, 2] of the ink in a coverage raster [s, s], in the unit box.

    They cross where coverage is one half, linearly between pixel centres. Ink that only touches at corners falls apart.
    """
    import numpy as np
    from skimage.measure import find_contours

    loops = find_contours(np.pad(coverage, 1), 0.5, fully_connected="low")
    return [(loop[:-1, ::-1] - 0.5) / coverage.shape[0] for loop in loops]
