"""Search for movements in the simulator whose ink matches what was wanted."""

from __future__ import annotations

from hierbrush.planner.character import PlannedCharacter, plan_character
from hierbrush.planner.disturbed import Scenarios
from hierbrush.planner.lessons import Labels, lessons
from hierbrush.planner.rollouts import Rollouts
from hierbrush.planner.search import Found, search
from hierbrush.planner.strokes import DEFAULT_BUDGET, plan_strokes, planned_paths

__all__ = [
    "DEFAULT_BUDGET",
    "Found",
    "Labels",
    "PlannedCharacter",
    "Rollouts",
    "Scenarios",
    "lessons",
    "plan_character",
    "plan_strokes",
    "planned_paths",
    "search",
]
