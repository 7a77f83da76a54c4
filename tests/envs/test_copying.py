"""Characters that are copied from pictures: what the composer sees, how it is rewarded, and how wide it writes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hierbrush.composer.observation import GOAL, GOAL_GIVEN
from hierbrush.composer.pictured import LOOKS, PICTURED_SIZE
from hierbrush.envs.character import CharacterBatch, composer_size
from hierbrush.envs.turns import CharacterTurns
from hierbrush.errors import HierbrushError

SLOTS = 3


def pictures(**goals: Any) -> dict[str, Any]:
    characters = {
        "count": 4,
        "strokes": [2, 4],
        "goals": goals,
        "reward": {"outside": 0.8, "order": 0.0, "motion": 0.0, "legibility": 0.0},
    }
    stage = {"name": "all", "characters": characters, "promotion": {"threshold": 0.9, "maximum_steps": 1000}}
    return {"format": 1, "name": "pictures", "strokes": "all", "stages": [stage]}


def written(batch: CharacterBatch, off: float) -> tuple[np.ndarray, np.ndarray]:
    """Write every slot's character where its strokes are expected, moved by ``off``; return rewards and IoU."""
    rewards, over = np.zeros(batch.slots), np.zeros(batch.slots, bool)
    for _ in range(600):
        due = np.flatnonzero(batch.due & ~over)
        if due.size:
            seen = batch.observe_composer(due)
            row = batch.remaining[due].argmax(axis=1)
            place = seen[np.arange(len(due)), row, GOAL : GOAL + 16].copy()
            place[:, :2] += off
            batch.begin(due, np.column_stack([row, place]).astype(np.float32))
        tick = batch.tick(np.zeros((batch.slots, 3), np.float32))
        rewards += tick.composer_reward
        over |= tick.character_over
        if over.all():
            return rewards, batch.episode_metrics["character_iou"].copy()
    raise AssertionError("characters were not finished")


def test_ink_on_the_picture_is_what_pays() -> None:
    curriculum = pictures(glyphs=True)
    there = written(CharacterBatch(SLOTS, curriculum=curriculum, seed=2, autoreset=False), 0.0)
    off = written(CharacterBatch(SLOTS, curriculum=curriculum, seed=2, autoreset=False), 0.6)
    assert (there[1] > 0.75).all()
    assert (there[0] > off[0] + 0.2).all()
    assert (there[1] > off[1] + 0.2).all()


def test_the_composer_sees_its_ink_and_is_asked_to_look() -> None:
    batch = CharacterBatch(SLOTS, curriculum=pictures(glyphs=True, relabelled=True), seed=0)
    every = np.arange(SLOTS)
    assert composer_size(batch.curriculum) == PICTURED_SIZE
    seen = batch.observe_composer()
    assert seen.shape[2] == PICTURED_SIZE
    assert (batch.looks(every) == LOOKS - 1).all()
    batch.believe(every, seen[..., GOAL : GOAL + 16] + 1)
    again = batch.observe_composer()
    exists = seen[..., GOAL_GIVEN] > 0
    assert np.allclose((again - seen)[exists][:, GOAL : GOAL + 2], 1)
    row = batch.remaining.argmax(axis=1)
    batch.begin(every, np.column_stack([row, seen[every, row, GOAL : GOAL + 16]]).astype(np.float32))
    while not batch.due.all():
        batch.tick(np.zeros((SLOTS, 3), np.float32))
    assert (batch.looks(every) == 1).all()
    assert batch.observe_composer()[..., -25:].max() > 0.3


def test_plain_characters_are_not_looked_at() -> None:
    batch = CharacterBatch(2, characters=("永", "和"), seed=0)
    assert not batch.looks(np.arange(2)).any()


def test_the_environment_of_turns_has_room_for_what_is_seen() -> None:
    turns = CharacterTurns(curriculum=pictures(glyphs=True), seed=0)
    assert turns.size == turns.tokens.shape[1] == PICTURED_SIZE


def test_characters_cannot_be_given_beside_pictures() -> None:
    with pytest.raises(HierbrushError, match="characters: are those of the curriculum where pictures are the goals"):
        CharacterBatch(1, curriculum=pictures(glyphs=True), characters="永")
