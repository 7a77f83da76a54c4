"""Composing whole characters: decision after decision, many characters side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from hierbrush.composer.brief import Brief
from hierbrush.composer.observation import BriefBank, Drafts
from hierbrush.composer.place import PLACE_SIZE, stroke_goals
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.widths import even_factor, usual_widths

if TYPE_CHECKING:
    from hierbrush.composer.components import ComponentLibrary
    from hierbrush.composer.joints import Joints
    from hierbrush.composer.standing import Standing

F32 = NDArray[np.float32]
Index = NDArray[np.int64]


class Decides(Protocol):
    """What decides: `ComposerPolicy`, or a control."""

    def act(self, observation: F32) -> tuple[Index, F32]:
        """Return strokes int64 [n] and places f32 [n, PLACE_SIZE] for observations f32 [n, R, D]."""
        ...


@dataclass(frozen=True, eq=False)
class Composition:
    """A composed character.

    Attributes:
        brief: what was to be composed.
        order: int64 [S], rows of the brief in the order decided.
        places: f32 [S, PLACE_SIZE], box (centre x, centre y, width, height) and shape coefficients of every row of the
            brief, in the unit box.
    """

    brief: Brief
    order: Index
    places: F32

    def standing(self, widths: Standing, components: ComponentLibrary) -> Composition:
        """Return the composition, if it is of one part, as wide as such a part stands alone."""
        return replace(self, places=widths.placed(self.brief, self.places, components))

    def spaced(self, joints: Joints) -> Composition:
        """Return the composition with strokes that join and keep apart as in training characters."""
        from hierbrush.composer.spacing import spaced

        places = spaced(self.brief.stroke_types, self.places, joints.wanted(self.brief))
        return replace(self, places=places)

    def goals(self, weight: float = 1.0) -> list[StrokeGoal]:
        """Return the strokes as goals for the primitives, in writing order; ``weight`` times as wide as is usual."""
        types, places = [self.brief.stroke_types[row] for row in self.order], self.places[self.order]
        even = even_factor(usual_widths(types, places[:, 2:4], len(types)), places[:, 2:4])
        return stroke_goals(types, places, len(types), weight * even)


def compose(briefs: Sequence[Brief], policy: Decides, goals: Sequence[F32] | None = None) -> list[Composition]:
    """Compose characters side by side.

    Args:
        briefs: what to compose.
        policy: who decides.
        goals: for each brief f32 [S, PLACE_SIZE], boxes and coefficients to be followed; none unless given.
    """
    bank = BriefBank.of(briefs)
    drafts = Drafts(bank, len(briefs))
    everything = np.arange(len(briefs))
    padded = None
    if goals is not None:
        padded = bank.prior.copy()
        for at, goal in enumerate(goals):
            padded[at, : len(goal)] = goal
    drafts.begin(everything, everything, padded)
    orders = np.zeros((len(briefs), bank.rows), np.int64)
    for step in range(int(bank.counts.max(initial=0))):
        rows = np.flatnonzero(bank.counts > step)
        index, place = policy.act(drafts.observe(rows))
        drafts.write(rows, index, place)
        orders[rows, step] = index
    return [
        Composition(
            brief,
            orders[at, : len(brief)],
            drafts.placed[at, : len(brief)].reshape(-1, PLACE_SIZE),
        )
        for at, brief in enumerate(briefs)
    ]
