"""Brushes and hands that are not quite what the plan was made for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_kind, check_number, check_whole
from hierbrush.sim import BrushModel


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
    def disturbed(
        cls, model: BrushModel, seed: int, *, count: int = 8, brush: float = 0.1, hand: float = 0.0005
    ) -> Scenarios:
        """Return ``count`` scenarios with brushes off by up to ``brush`` and hands off by ``hand``.

        Hands come in pairs that are off by the same in opposite directions, so that their mean is none.

        Args:
            model: the brush that the plan is made for.
            seed: of the random numbers.
            count: scenarios, an even number.
            brush: share by which width, length, offset, root and base of a brush may be off, uniformly.
            hand: standard deviation of the hand's offset in each axis, metres.

        Raises:
            HierbrushError: an argument is out of range.
        """
        check_kind("model", model, BrushModel, "a BrushModel")
        pairs = check_whole("count", count, 2, 64) // 2
        rng = np.random.default_rng(check_whole("seed", seed, 0))
        brushes = model.randomised(2 * pairs, check_number("brush", brush, 0.0, 0.9, "a share"), rng)
        apart = rng.normal(0.0, check_number("hand", hand, 0.0, 0.02, "metres"), (pairs, 3))
        return cls(brushes, np.concatenate([apart, -apart]))
