"""Sampled episodes: goals that a curriculum's stage draws, each written with one or two policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hierbrush.errors import HierbrushError, extra_needed
from hierbrush.resources import folder

if TYPE_CHECKING:
    from hierbrush.strokes.goal import StrokeGoal
    from hierbrush.writing import Writing


@dataclass(frozen=True)
class Policies:
    """Who writes: the primitives' policy and, for whole characters, the composer."""

    policy: str = "learned"
    composer: str = "learned"


def sampled(curriculum: str, stage: int, hands: list[Policies], *, count: int, seed: int) -> dict[str, Any]:
    """Return the stages of a curriculum, and what each hand writes of ``count`` goals of one of them.

    Raises:
        HierbrushError: there is no such stage, or the extra that reads curricula is missing.
    """
    from hierbrush.writing.exports.html import player_data

    with extra_needed("curriculum:", "train"):
        from hierbrush.curriculum import load_curriculum

        loaded = load_curriculum(folder("curricula") / f"{curriculum}.yaml")
    if stage >= len(loaded.stages):
        raise HierbrushError(f"stage: {stage}, expected one of the {len(loaded.stages)} stages, from 0")
    chosen = loaded.stages[stage]
    if chosen.characters is not None:
        from hierbrush.curriculum.characters import draw_characters

        characters = list(draw_characters(chosen.characters, seed))[:count]
        written = [_characters(characters, hand, seed) for hand in hands]
    else:
        from hierbrush.curriculum.goals import sample_goals

        goals = sample_goals(chosen.goals, loaded.stroke_types, count, seed)
        written = [_strokes(goals, hand.policy, seed) for hand in hands]
    return {
        "stages": [{"name": each.name, "description": each.description} for each in loaded.stages],
        "episodes": [[player_data(writing) for writing in writings] for writings in zip(*written, strict=True)],
    }


def _characters(characters: list[str], hand: Policies, seed: int) -> list[Writing]:
    from hierbrush.writing import write_characters

    return write_characters(characters, goal="decomposition", composer=hand.composer, policy=hand.policy, seed=seed)


def _strokes(goals: list[StrokeGoal], policy: str, seed: int) -> list[Writing]:
    """Write goals of strokes, each as a character of one stroke that bears the name of its type."""
    from hierbrush.characters import Component
    from hierbrush.sim import BrushModel
    from hierbrush.sources import Plan
    from hierbrush.strokes.rollout import write_strokes
    from hierbrush.writing import Writing

    brush = BrushModel()
    paths = write_strokes(goals, brush, policy=policy, seed=seed)
    return [
        Writing(
            Plan(goal.stroke_type, (goal,), (goal.outline,), Component(goal.stroke_type, "", (0,))),
            brush=brush,
            policy=policy,
            seed=seed,
            stroke_paths=[path],
        )
        for goal, path in zip(goals, paths, strict=True)
    ]
