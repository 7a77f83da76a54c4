"""Brushes and hands that are not quite what the plan was made for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_kind, check_number
from hierbrush.sim import BrushModel

# Columns of a brush's parameters that are off together: width, length, offset, root, base.
_RESPECTS = (slice(0, 2), slice(2, 4), slice(4, 7), slice(7, 8), slice(8, 9))
SCENARIOS = 2 * len(_RESPECTS) + 2 * 3 + 1


@dataclass(frozen=True, eq=False)
class Scenarios:
    """K combinations of a brush and a hand, over which a plan's fitness is averaged.

    Attributes:
        brushes: float64 [K, 10], rows as of `BrushModel.parameters`.
        offsets: float64 [K, 3], metres by which the hand is off during the whole stroke, as a badly calibrated arm is.
    """

    brushes: NDArray[np.float64]
    offsets: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.brushes)

    @classmethod
    def exact(cls, model: BrushModel) -> Scenarios:
        """Return the one scenario in which everything is as the plan assumes."""
        check_kind("model", model, BrushModel, "a BrushModel")
        return cls(model.parameters()[None], np.zeros((1, 3)))

    @classmethod
    def disturbed(cls, model: BrushModel, *, brush: float = 0.1, hand: float = 0.0005) -> Scenarios:
        """Return 17 scenarios: nothing off, or one thing, either way.

        Random combinations of everything were learned by heart: of 32 of them, plans did worse on others than plans
        that knew of none.

        Args:
            model: the brush that the plan is made for.
            brush: share by which width, length, offset, root or base of a brush is off.
            hand: metres by which the hand is off along one axis.

        Raises:
            HierbrushError: an argument is out of range.
        """
        check_kind("model", model, BrushModel, "a BrushModel")
        by = check_number("brush", brush, 0.0, 0.9, "a share")
        metres = check_number("hand", hand, 0.0, 0.02, "metres")
        brushes = np.repeat(model.parameters()[None], SCENARIOS, axis=0)
        offsets = np.zeros((SCENARIOS, 3))
        for number, columns in enumerate(_RESPECTS):
            brushes[2 * number, columns] *= 1.0 + by
            brushes[2 * number + 1, columns] *= 1.0 - by
        at = 2 * len(_RESPECTS)
        offsets[at : at + 6 : 2] = metres * np.eye(3)
        offsets[at + 1 : at + 6 : 2] = -metres * np.eye(3)
        return cls(brushes, offsets)
