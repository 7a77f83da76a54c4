"""Writing by search: ``policy="planned"``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_kind, check_whole
from hierbrush.errors import HierbrushError
from hierbrush.sim import BrushModel
from hierbrush.sources import Plan
from hierbrush.strokes.rollout import PLANNED, StrokePolicy

Paths = list[NDArray[np.float64]]


@dataclass(frozen=True)
class Planning:
    """How movements are searched for.

    Attributes:
        budget: rollouts a stroke.
        robust: whether the mean over brushes and hands that are off counts.
    """

    budget: int
    robust: bool

    @classmethod
    def of(cls, policy: str, budget: object, robust: object) -> Planning | None:
        """Return how ``policy`` is searched for; None if it is not.

        Raises:
            HierbrushError: an argument is out of range, or belongs to another policy.
        """
        check_kind("robust", robust, bool, "True or False")
        if policy != PLANNED:
            if budget is not None or robust:
                name = "robust" if budget is None else "budget"
                raise HierbrushError(f"{name}: is that of a search; use it with policy={PLANNED!r}")
            return None
        # Only whoever searches pays for the import.
        from hierbrush.planner.strokes import DEFAULT_BUDGET, MOST_BUDGET

        if budget is None:
            return cls(DEFAULT_BUDGET, bool(robust))
        return cls(check_whole("budget", budget, 1, MOST_BUDGET, unit="rollouts"), bool(robust))


class PlanInterrupted(KeyboardInterrupt):
    """Ctrl-C came while movements were searched for; ``finished`` are the paths so far, the last ones still to gain."""

    def __init__(self, finished: list[Paths]) -> None:
        super().__init__("interrupted")
        self.finished = finished


def searched_paths(
    plans: Sequence[Plan],
    brush: BrushModel,
    planning: Planning,
    seed: int,
    told: Callable[[float], object] | None = None,
) -> list[Paths]:
    """Return the handle's paths for the strokes of each character, searched for in turn.

    Args:
        plans: what to write.
        brush: with which brush.
        planning: how it is searched for.
        seed: of the search.
        told: is called with the share of a character that was just searched through.

    Raises:
        PlanInterrupted: Ctrl-C came.
    """
    from hierbrush.planner import plan_character

    finished: list[Paths] = []
    for plan in plans:
        whole = planning.budget * len(plan.goals)
        found = plan_character(
            plan.goals,
            brush,
            policy=_start(),
            outlines=plan.references if plan.weight == 1.0 else None,
            picture=None if plan.picture is None or plan.weight != 1.0 else plan.picture / 255.0,
            budget=planning.budget,
            robust=planning.robust,
            seed=seed,
            told=None if told is None else lambda spent, _, whole=whole: told(spent / whole),  # type: ignore[misc]
        )
        finished.append(list(found.paths))
        if found.interrupted:
            raise PlanInterrupted(finished)
    return finished


def _start() -> StrokePolicy | None:
    """Return the learned primitives; the follower is where searches begin in an installation without them."""
    from hierbrush.strokes.learned import WEIGHTS, shipped_policy

    return shipped_policy() if WEIGHTS.is_file() else None
