"""What a control tick earns: each term a function of what happened, named as its weight is in a curriculum.

A new term is one function here, in one of the two lists, and one field of that name in `curriculum.model.Reward`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.curriculum.model import Reward

F32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Moved:
    """One control tick of N brushes.

    Attributes:
        counts: int32 [N, 4], newly inked samples inside and outside of what is wanted, in this tick and in all.
        area: f32 [N], samples wanted.
        change: f32 [N, A], of the action since the last tick.
    """

    counts: NDArray[np.int32]
    area: F32
    change: F32


def inside(tick: Moved) -> NDArray[Any]:
    """Return the new ink on what is wanted, in samples [N]."""
    return tick.counts[:, 0]


def outside(tick: Moved) -> NDArray[Any]:
    """Return the new ink beside it, as a cost."""
    return -tick.counts[:, 1]


def motion(tick: Moved) -> NDArray[Any]:
    """Return the squared change of the action, as a cost: f32 [N]."""
    cost: F32 = -(tick.change * tick.change).sum(axis=1)
    return cost


INK_TERMS = (inside, outside)
"""Terms of a control tick in samples, which are divided by the area that is wanted."""

HAND_TERMS = (motion,)
"""Terms of a control tick as they are."""


def tick_reward(weights: Reward, tick: Moved) -> F32:
    """Return the reward of one control tick: f32 [N]."""
    ink = sum(getattr(weights, term.__name__) * term(tick) for term in INK_TERMS)
    reward: F32 = (ink / tick.area).astype(np.float32)
    return reward + hand_reward(weights, tick) if heeds_hand(weights) else reward


def heeds_hand(weights: Reward) -> bool:
    """Return whether any term of `HAND_TERMS` counts, so that the changes of actions are of use."""
    return any(getattr(weights, term.__name__) for term in HAND_TERMS)


def hand_reward(weights: Reward, tick: Moved) -> F32:
    """Return the part of the reward that the hand's movement earns, whatever it writes: f32 [N]."""
    weighted = [(getattr(weights, term.__name__), term) for term in HAND_TERMS]
    terms = (np.float32(weight) * term(tick) for weight, term in weighted if weight)
    reward: F32 = sum(terms, np.zeros(len(tick.area), np.float32))
    return reward
