"""Registration that begins where somebody else has found the strokes, such as a composer that sees the picture.

What was found is fitted, cut and judged as what registration itself brings near the ink. If it is accepted, nothing
else is tried; if not, registration begins as it does alone, and the better answer counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component
from hierbrush.errors import HierbrushError
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.styles.registration import Picture, Registration, register_goals, repaired, whole_lines
from hierbrush.styles.transport import box_start, lines_of


def register_begun(
    ink: NDArray[np.floating] | Picture,
    goals: Sequence[StrokeGoal],
    tree: Component,
    begun: Sequence[StrokeGoal],
    *,
    alone: bool = False,
) -> Registration:
    """Find strokes in ink; as `register_goals`, but beginning where ``begun`` has them.

    Args:
        ink: [256, 256], coverage of the character's box, 1 = ink.
        goals: the strokes as they are expected.
        tree: what belongs together; its strokes are numbered as ``goals`` are.
        begun: the strokes about where they lie, in the same order.
        alone: whether nothing else is tried if this is not accepted.

    Raises:
        HierbrushError: there is no ink, or ``begun`` has another number of strokes.
    """
    if len(begun) != len(goals):
        raise HierbrushError(f"begun: {len(begun)} strokes, expected {len(goals)}, as many as goals")
    picture = ink if isinstance(ink, Picture) else Picture(ink)
    rest = lines_of(goals)
    whole = whole_lines(goals, *box_start(rest.points, picture.points.points))
    lines = np.array([goal.skeleton for goal in begun], np.float64)
    answer = repaired(picture, goals, tree, whole.points.reshape(lines.shape), lines)
    if answer.accepted or alone:
        return answer
    other = register_goals(picture, goals, tree)
    return other if other.accepted or other.judgement.worth > answer.judgement.worth else answer
