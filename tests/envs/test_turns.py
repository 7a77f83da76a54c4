"""The composer's choice as a masked part of a proper space: every sample can be carried out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from short_curriculum import short_curriculum

from hierbrush.composer.brief import MAX_STROKES
from hierbrush.composer.composers import COMPOSER
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.envs.turns import AGENTS, PLACE_LIMIT, CharacterTurns, Turn, decision_space, turn_spaces
from hierbrush.errors import HierbrushError

CURRICULUM = short_curriculum((3, 4), count=6)
PRIOR = np.zeros(PLACE_SIZE, np.float32)


def make(**options: Any) -> CharacterTurns:
    return CharacterTurns(curriculum=CURRICULUM, **options)


def finish_stroke(turns: CharacterTurns) -> Turn:
    while turns.agent != COMPOSER:
        turn = turns.act(np.zeros(3, np.float32))
    return turn


def written(turns: CharacterTurns) -> list[int]:
    return np.flatnonzero(turns.batch._drafts.written[0]).tolist()


def test_samples_are_carried_out_whatever_they_are() -> None:
    turns = make(seed=1)
    observations, actions = turn_spaces()
    for agent, space in actions.items():
        space.seed(AGENTS.index(agent))
    for _ in range(3):
        turns.reset()
        while not turns.over:
            agent = turns.agent
            seen = {"action_mask": turns.mask, "observations": turns.tokens} if agent == COMPOSER else turns.brush
            assert observations[agent].contains(seen)
            turn = turns.act(actions[agent].sample())
            assert turn.agent == agent
        assert 0 <= turn.scores["allowed"] <= 1
        assert not turns.mask.any()


def test_zeros_write_the_brief_from_its_first_row_to_its_last() -> None:
    turns = make(seed=2)
    rows = []
    while not turns.over:
        before = turns.mask
        turns.act({"stroke": 0, "place": PRIOR})
        rows += np.flatnonzero(before != turns.mask).tolist()
        turn = finish_stroke(turns)
    assert rows == list(range(len(rows)))
    assert turn.scores["allowed"] == pytest.approx(1 / len(rows))


@pytest.mark.parametrize(
    ("first", "choice", "carried_out"), [(1, 1, 2), (0, 0, 1), (1, 0, 0), (2, MAX_STROKES - 1, 0), (0, 35, 1)]
)
def test_a_forbidden_row_stands_for_the_next_one_that_is_left(first: int, choice: int, carried_out: int) -> None:
    turns = make(seed=3)
    assert turns.mask.sum() in (3, 4)
    turns.act({"stroke": first, "place": PRIOR})
    finish_stroke(turns)
    turns.act({"stroke": np.int64(choice), "place": PRIOR})
    assert written(turns) == sorted([first, carried_out])


def test_masked_samples_need_no_correction() -> None:
    turns = make(seed=4)
    space = decision_space()
    space.seed(0)
    while not turns.over:
        turns.act(space.sample(mask={"stroke": turns.mask, "place": None}))
        turn = finish_stroke(turns)
    assert turn.scores["allowed"] == 1.0


def test_the_rewards_are_the_batchs_own() -> None:
    """A turn costs nothing of its own: the same decisions earn the same as on the batch underneath."""
    turns, batch = make(seed=5), make(seed=5).batch
    turns.reset(7)
    batch.reset(7)
    earned = expected = 0.0
    while not turns.over:
        row = int(np.argmax(turns.mask))
        turns.act({"stroke": row, "place": PRIOR})
        batch.begin(np.zeros(1, np.int64), np.concatenate([[row], PRIOR]).astype(np.float32)[None])
        while turns.agent != COMPOSER:
            earned += turns.act(np.zeros(3, np.float32)).rewards.get(COMPOSER, 0.0)
            expected += float(batch.tick(np.zeros((1, 3), np.float32)).composer_reward[0])
    assert earned == expected != 0.0


def test_hardly_a_stroke_lies_further_off_than_the_space_reaches() -> None:
    characters = {"strokes": [2, 12], "count": 100}
    stage = {**CURRICULUM["stages"][0], "characters": characters}  # type: ignore[dict-item]
    lessons = CharacterTurns(curriculum={**CURRICULUM, "stages": [stage]}).batch.lessons
    places = np.concatenate([lessons.places[at, :count] for at, count in enumerate(lessons.bank.counts)])
    assert (np.abs(places) > PLACE_LIMIT).any(axis=1).mean() < 0.05


def test_numbers_beyond_their_bounds_are_cut() -> None:
    cut, bounded = make(seed=6), make(seed=6)
    cut.act({"stroke": 0, "place": np.full(PLACE_SIZE, 1e30)})
    bounded.act({"stroke": 0, "place": np.full(PLACE_SIZE, PLACE_LIMIT, np.float32)})
    assert np.array_equal(cut.tokens, bounded.tokens)
    assert cut.act([9, -9, 1e300]).rewards == bounded.act([1, -1, 1]).rewards


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (None, r"^action: None of composer, expected a mapping with 'stroke' and 'place'"),
        ({"stroke": 0}, r"expected a mapping with 'stroke' and 'place'"),
        ({"stroke": 40, "place": PRIOR}, r"^stroke: 40, expected a whole number from 0 to 39"),
        ({"stroke": -1, "place": PRIOR}, r"^stroke: -1, expected"),
        ({"stroke": 0.5, "place": PRIOR}, r"^stroke: 0.5, expected"),
        ({"stroke": 0, "place": PRIOR[:3]}, r"of composer, expected 16 numbers from -4 to 4"),
        ({"stroke": 0, "place": np.full(PLACE_SIZE, np.nan)}, r"of composer, expected 16 numbers"),
        ({"stroke": 0, "place": "here"}, r"of composer, expected 16 numbers"),
    ],
)
def test_what_is_no_action_is_named(action: Any, message: str) -> None:
    turns = make(seed=0)
    with pytest.raises(HierbrushError, match=message) as refused:
        turns.act(action)
    assert "\n" not in str(refused.value)
    assert turns.agent == COMPOSER
    assert turns.mask.sum() >= 3


def test_a_finished_character_asks_for_a_reset() -> None:
    turns = make(seed=0)
    while not turns.over:
        turns.act({"stroke": 0, "place": PRIOR})
        finish_stroke(turns)
    with pytest.raises(HierbrushError, match=r"^action: the character is finished, expected reset\(\) first"):
        turns.act({"stroke": 0, "place": PRIOR})


def test_a_picture_shows_glyph_and_ink() -> None:
    turns = make(seed=0)
    blank = turns.picture()
    assert blank.shape == (512, 512, 3)
    glyph = turns.batch.lessons.glyphs[turns.batch._drafts.brief[0]]
    assert (blank[::2, ::2, 2] < 200).sum() == glyph.sum()
    dark = []
    while not turns.over:
        turns.act({"stroke": 0, "place": PRIOR})
        for _ in range(10):
            turns.act(np.zeros(3, np.float32))
        dark.append((turns.picture().max(axis=2) < 40).sum())
        finish_stroke(turns)
    assert sorted(dark) == dark
    assert dark[0] > 0
