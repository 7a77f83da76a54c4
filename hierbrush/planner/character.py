"""Plans for whole characters: what counts is the sheet's ink, so a stroke need not be right where another covers it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array, check_kind, check_list, check_number, check_whole
from hierbrush.box import MAX_BOX, MIN_BOX
from hierbrush.errors import HierbrushError
from hierbrush.metrics import SIDE
from hierbrush.planner.disturbed import Scenarios
from hierbrush.planner.rollouts import F32, SUPERSAMPLE, Actions, Bools, Rollouts
from hierbrush.planner.search import Told, search
from hierbrush.planner.strokes import DEFAULT_BUDGET, MOST_BUDGET, planned_paths, room_for, starts
from hierbrush.sim import BrushModel, rasterise
from hierbrush.strokes.goal import StrokeGoal, check_goals
from hierbrush.strokes.rollout import StrokePolicy

# Share of a stroke's rollouts that goes into writing it well by itself, before the others' ink is looked at; the rest
# is spread over so many turns through the character.
_ALONE = 0.5
_TURNS = 2


@dataclass(frozen=True, eq=False)
class PlannedCharacter:
    """The best movements found for a character's strokes.

    Attributes:
        actions: float32 [ticks, 3] for each stroke.
        paths: the handle's path for each stroke, as `write_strokes` returns it.
        rollouts: how many strokes were written to find them.
        interrupted: Ctrl-C came, and this is the best so far.
    """

    actions: tuple[Actions, ...]
    paths: tuple[NDArray[np.float64], ...]
    rollouts: int
    interrupted: bool


def plan_character(
    goals: Sequence[StrokeGoal],
    model: BrushModel,
    *,
    policy: StrokePolicy | None = None,
    outlines: Sequence[NDArray[np.float32]] | None = None,
    picture: NDArray[np.generic] | None = None,
    budget: int = DEFAULT_BUDGET,
    robust: bool = False,
    seed: int = 0,
    box: float = 0.12,
    told: Told | None = None,
) -> PlannedCharacter:
    """Return movements whose ink together is as near as can be found to a character's.

    First each stroke is searched for by itself, against its own outline; then each in turn with the others' ink lying
    on the paper, against the whole character's.

    Args:
        goals: the strokes in writing order; what the follower runs along.
        model: the brush that the plan is made for.
        policy: where the search begins; the follower unless given.
        outlines: the ink wanted from each stroke, each [n, 2] in the unit box; the goals' outlines unless given.
        picture: the whole ink wanted, [256, 256], bool or coverage; the union of the outlines unless given.
        budget: rollouts a stroke, all turns together.
        robust: look for what does well on average with brushes off by 10 % and a hand off by 0.5 mm. Each of the 17
            combinations that are written counts as a rollout.
        seed: the same seed gives the same plan.
        box: side of the character box in metres.
        told: is called with the rollouts spent since the last call and the IoU of what was last looked at.

    Raises:
        HierbrushError: an argument is out of range.
    """
    goals = check_goals(goals)
    check_kind("model", model, BrushModel, "a BrushModel")
    check_kind("robust", robust, bool, "True or False")
    box = check_number("box", box, MIN_BOX, MAX_BOX, "metres")
    seed = check_whole("seed", seed, 0)
    shapes = [goal.outline for goal in goals] if outlines is None else check_list("outlines", outlines, "polygons")
    if len(shapes) != len(goals):
        raise HierbrushError(f"outlines: {len(shapes)} for {len(goals)} goals, expected equal numbers")
    sheet = _Sheet(
        goals,
        model,
        starts(goals, model, policy, box),
        [rasterise([shape], SIDE) for shape in shapes],
        rasterise(shapes, SIDE) if picture is None else _ink(picture),
        Scenarios.disturbed(model) if robust else None,
        box,
    )
    budget = check_whole("budget", budget, 1, MOST_BUDGET, unit="rollouts")
    try:
        interrupted = not all(sheet.improve(*turn, seed, told) for turn in _turns(len(goals), budget, robust))
    except KeyboardInterrupt:  # between two searches
        interrupted = True
    paths = planned_paths(goals, sheet.actions, model, box)
    return PlannedCharacter(tuple(sheet.actions), tuple(paths), sheet.rollouts, interrupted)


def _ink(picture: NDArray[np.generic]) -> F32:
    return check_array("picture", picture, (SIDE, SIDE), f"[{SIDE}, {SIDE}] of ink or coverage", dtype=np.float32)


def _turns(strokes: int, budget: int, robust: bool) -> Iterator[tuple[int, int, bool]]:
    """Yield which stroke is searched for next, with how many rollouts, and whether by itself."""
    again = strokes > 1 or robust
    alone = round(budget * _ALONE) if again else budget
    for stroke in range(strokes):
        yield stroke, alone, True
    if again:
        for turn in range(_TURNS):
            left = budget - alone
            share = left // _TURNS + (left % _TURNS if turn == 0 else 0)
            for stroke in range(strokes):
                yield stroke, share, False


class _Sheet:
    """A character's strokes as they are planned so far."""

    def __init__(
        self,
        goals: Sequence[StrokeGoal],
        model: BrushModel,
        actions: list[Actions],
        own: list[F32],
        wanted: F32,
        scenarios: Scenarios | None,
        box: float,
    ) -> None:
        self._goals, self._model, self._box, self._scenarios = goals, model, box, scenarios
        self._own, self._wanted = own, wanted
        self.actions, self.rollouts = actions, 0
        side = SIDE * SUPERSAMPLE
        self._layers = np.zeros((side, side), np.uint8)
        self._inked: list[Bools | None] = [None] * len(goals)

    def improve(self, stroke: int, budget: int, alone: bool, seed: int, told: Told | None) -> bool:
        """Search for a stroke; return False where Ctrl-C ended it."""
        if budget < 1:
            return True
        under = None if alone else self._others(stroke)
        rollouts = Rollouts(
            self._goals[stroke],
            self._model,
            self._own[stroke] if alone else self._wanted,
            room_for(len(self.actions[stroke])),
            under=under,
            # By itself a stroke is searched for exactly, which costs one rollout a candidate and is a good start.
            scenarios=None if alone else self._scenarios,
            box=self._box,
        )
        spent = 0

        def pass_on(used: int, iou: float) -> None:
            nonlocal spent
            if told is not None:
                told(used - spent, iou)
            spent = used

        found = search(rollouts, self.actions[stroke], budget, seed, pass_on)
        self.actions[stroke] = found.actions
        self.rollouts += found.history[-1][0]
        self._put(stroke, rollouts.samples(found.actions))
        return not found.interrupted

    def _others(self, stroke: int) -> Bools:
        mine = self._inked[stroke]
        others: Bools = self._layers > (0 if mine is None else mine)
        return others

    def _put(self, stroke: int, samples: Bools) -> None:
        before = self._inked[stroke]
        if before is not None:
            self._layers -= before
        self._layers += samples
        self._inked[stroke] = samples
