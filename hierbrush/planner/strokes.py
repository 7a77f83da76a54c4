"""Plans for strokes that do not see each other, and the handle paths of plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_kind, check_list, check_whole
from hierbrush.metrics import SIDE
from hierbrush.planner.disturbed import Scenarios
from hierbrush.planner.rollouts import Actions, Rollouts
from hierbrush.planner.search import STEPS, Found, search
from hierbrush.sim import BrushModel, GoalBank, StrokeBatch, rasterise
from hierbrush.strokes.follower import FOLLOWER
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.rollout import Act, StrokePolicy, handle_paths

DEFAULT_BUDGET = 2400
"""Rollouts of a stroke unless told otherwise."""

MOST_BUDGET = 1_000_000
EXACT = 0.1
"""Share of a robust search's rollouts that look for what is right for the exact brush and hand."""


def plan_strokes(
    goals: Sequence[StrokeGoal],
    model: BrushModel,
    *,
    policy: StrokePolicy | None = None,
    outlines: Sequence[NDArray[np.float32]] | None = None,
    budget: int = DEFAULT_BUDGET,
    seed: int = 0,
    scenarios: Scenarios | None = None,
    box: float = 0.12,
    told: Callable[[int, Found], object] | None = None,
) -> list[Found]:
    """Return for each stroke the best movement found, each as if it stood alone on the paper.

    Args:
        goals: what to write.
        model: the brush that the plans are made for.
        policy: where the search begins; the follower unless given.
        outlines: what is wanted exactly, each [n, 2] in the unit box; the goals' outlines unless given.
        budget: rollouts a stroke.
        seed: the same seed gives the same plans.
        scenarios: brushes and hands that the plan is to do well with on average.
        box: side of the character box in metres.
        told: is called with the number of each finished stroke and what was found.

    Raises:
        HierbrushError: an argument is out of range.
        KeyboardInterrupt: Ctrl-C came; ``told`` has seen what was finished.
    """
    goals = check_list("goals", goals, "StrokeGoals")
    check_kind("model", model, BrushModel, "a BrushModel")
    budget = check_whole("budget", budget, 1, MOST_BUDGET, unit="rollouts")
    wanted = [goal.outline for goal in goals] if outlines is None else list(outlines)
    plans = []
    for at, (goal, start) in enumerate(zip(goals, starts(goals, model, policy, box), strict=True)):
        ink = rasterise([wanted[at]], SIDE)
        spent, stopped, room = 0, False, room_for(len(start))
        if scenarios is not None and len(scenarios) > 1:
            # What is right for the exact brush is a good start for all, and costs one rollout a candidate, not many.
            exact = search(Rollouts(goal, model, ink, room, box=box), start, round(budget * EXACT), seed)
            spent, start, stopped = exact.history[-1][0], exact.actions, exact.interrupted
        rollouts = Rollouts(goal, model, ink, room, scenarios=scenarios, box=box)
        found = exact if stopped else search(rollouts, start, budget - spent, seed)
        plans.append(found)
        if told is not None:
            told(at, found)
        if found.interrupted:
            raise KeyboardInterrupt
    return plans


def room_for(ticks: int) -> int:
    """Return how many candidates a search over so many ticks writes at once."""
    return max(3 * ticks, STEPS)


def starts(goals: Sequence[StrokeGoal], model: BrushModel, policy: StrokePolicy | None, box: float) -> list[Actions]:
    """Return the actions that a policy takes, float32 [ticks, 3] for each goal; zeros without one."""
    taken: list[Actions] = []
    for goal, track in zip(goals, FOLLOWER.tracks(goals, model, box) if goals else [], strict=True):
        actions = np.zeros((len(track) - 1, 3), np.float32)
        if policy is not None:
            bank = GoalBank.build([goal.outline], [track], box=box)
            batch = StrokeBatch(bank, model, 1, observation=policy.observation)
            act = policy.bind([goal.stroke_type])
            seen = batch.observe() if policy.observation != "none" else batch.observation
            for tick in range(len(actions)):
                actions[tick] = np.clip(act(seen)[0], -1.0, 1.0)
                batch.track(actions[tick])
        taken.append(actions)
    return taken


def planned_paths(
    goals: Sequence[StrokeGoal], actions: Sequence[Actions], model: BrushModel, box: float = 0.12
) -> list[NDArray[np.float64]]:
    """Return the handle paths of planned strokes, as `write_strokes` returns those of a policy's."""
    paths = []
    for goal, planned in zip(goals, actions, strict=True):
        bank = GoalBank.build([goal.outline], [FOLLOWER.track(goal, model, box)], box=box)
        batch = StrokeBatch(bank, model, 1, observation="none")
        paths += handle_paths(batch, _replayed(planned))
    return paths


def _replayed(planned: Actions) -> Act:
    """Return what answers with planned actions, one after another, whatever is seen."""
    turns = iter(planned)
    return lambda seen: next(turns)[None]
