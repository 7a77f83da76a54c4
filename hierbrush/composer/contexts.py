"""Contexts: the box of a component in its parent's by operator, slot and stroke counts alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.composer.tree import Node

F32 = NDArray[np.float32]

_CONTEXT_WIDTH = 0.25
"""Of the kernel over logarithms of stroke counts."""


@dataclass(frozen=True, eq=False)
class Contexts:
    """Boxes of all nodes in one slot of one operator, added up by their stroke counts.

    Attributes:
        counts: f32 [k, 2], log(1 + count) and log(1 + rest), as in `ComponentLibrary.surroundings`.
        number: f32 [k], nodes with these counts.
        total: f32 [k, 4], sum of their relative boxes.
    """

    counts: F32
    number: F32
    total: F32

    @classmethod
    def of(cls, surroundings: F32, relative: F32) -> Contexts:
        """Return the contexts of one slot by nodes' surroundings f32 [n, 5] and relative boxes f32 [n, 4]."""
        counts, which = np.unique(surroundings[:, 2:4], axis=0, return_inverse=True)
        total = np.zeros((len(counts), 4))
        np.add.at(total, which.ravel(), relative)
        return cls(counts, np.bincount(which.ravel()).astype(np.float32), total.astype(np.float32))

    def mean(self, node: Node, left_out: tuple[F32, F32] | None) -> F32:
        """Return the mean box [4] of nodes with stroke counts like the node's, without some nodes' counts and boxes."""
        mine = np.log1p(np.array([node.count, node.rest], np.float32))
        weight = _kernel(self.counts, mine)
        total, number = weight @ self.total, weight @ self.number
        if left_out is not None:
            weight = _kernel(left_out[0], mine)
            # Rounding must not leave a ghost of the only one there was.
            if number - weight.sum() < 1e-3:
                return np.array([0, 0, -0.3, -0.3], np.float32)
            total, number = total - weight @ left_out[1], number - weight.sum()
        mean: F32 = total / number
        return mean


def _kernel(counts: F32, mine: F32) -> F32:
    away = (counts - mine) / _CONTEXT_WIDTH
    weight: F32 = np.exp(-0.5 * (away * away).sum(axis=1)) + np.float32(1e-6)
    return weight
