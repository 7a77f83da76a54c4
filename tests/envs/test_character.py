"""What a character's environment makes of its ink."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.characters import load_library, split
from hierbrush.envs.character import CharacterBatch
from hierbrush.envs.lessons import Lessons


@pytest.fixture(scope="module")
def characters() -> tuple[str, ...]:
    library = load_library()
    # Of many strokes: three strokes are what they are even in a heap.
    return tuple([char for char in library if split(char) == "train" and len(library[char].strokes) == 12][:6])


def test_lessons_know_their_glyphs_again(characters: tuple[str, ...]) -> None:
    lessons = Lessons.of(characters)
    moved = [np.roll(page, (5, -7), axis=(0, 1)) for page in lessons.glyphs]
    assert lessons.index.ranks(moved, range(len(characters))).tolist() == [1] * len(characters)


def test_legible_ink_is_rewarded(characters: tuple[str, ...]) -> None:
    """Batches that differ in nothing but the weight of legibility: it brings nearly 1 where the glyph is followed, and
    less than a half where all strokes lie in a corner."""
    rewards = {weight: _final_reward(characters, weight, spoilt=False) for weight in (0.0, 1.0)}
    assert (rewards[1.0] - rewards[0.0] > 0.9).all()
    spoilt = {weight: _final_reward(characters, weight, spoilt=True) for weight in (0.0, 1.0)}
    assert (spoilt[1.0] - spoilt[0.0]).mean() < 0.5


def _final_reward(characters: tuple[str, ...], weight: float, *, spoilt: bool) -> np.ndarray:
    """Write the characters where their glyphs are, or with every stroke in the upper left corner."""
    stage = {
        "name": "all",
        "characters": {"count": 6, "goals": 0.0, "reward": {"legibility": weight}},
        "promotion": {"metric": "character_iou", "threshold": 0.9, "maximum_steps": 10, "at_maximum": "stay"},
    }
    curriculum = {"format": 1, "name": "legible", "strokes": "all", "stages": [stage]}
    batch = CharacterBatch(len(characters), curriculum=curriculum, characters=characters, autoreset=False, seed=0)
    order = batch.lessons.order
    reward, over = np.zeros(len(characters)), np.zeros(len(characters), bool)
    turn = np.zeros(len(characters), int)
    while not over.all():
        due = np.flatnonzero(batch.due & ~over)
        if due.size:
            chosen = np.array([order[at][turn[at]] for at in due])
            places = batch.lessons.places[due, chosen].copy()
            if spoilt:
                places[:, :2] = -8.0
            batch.begin(due, np.column_stack([chosen, places]).astype(np.float32))
            turn[due] += 1
        tick = batch.tick(np.zeros((len(characters), 3), np.float32))
        reward += np.where(over, 0.0, tick.composer_reward)
        over |= tick.character_over
    return reward
