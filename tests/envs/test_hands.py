"""Rewards and randomisation, which strokes alone, whole characters and the flat policy share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from short_curriculum import short_curriculum

from hierbrush.composer.place import PLACE_SIZE
from hierbrush.curriculum.model import CharacterReward, Randomisation, Reward
from hierbrush.envs import character_reward, hands, randomisation, reward
from hierbrush.envs.character import CharacterBatch
from hierbrush.envs.flat_character import FlatCharacterVectorEnv
from hierbrush.envs.stroke import StrokeVectorEnv
from hierbrush.sim import PRESETS
from hierbrush.sim.batch import REST_DIRECTION

TICKS = 12


def curriculum(**stage: Any) -> dict[str, Any]:
    """Return whole characters, practised as the sections say."""
    document = short_curriculum((2, 4), 4)
    document["stages"][0] |= stage
    return document


def strokes(**stage: Any) -> dict[str, Any]:
    promotion = {"threshold": 0.9, "maximum_steps": 1000}
    stages = [{"name": "all", "goals": {"glyphs": {}, "count": 4}, "promotion": promotion, **stage}]
    return {"format": 1, "name": "strokes", "strokes": ["S"], "stages": stages}


def of_characters(**stage: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rewards [T, N], handles [T, N, 3] and brushes [N, 10] of strokes within characters."""
    batch = CharacterBatch(3, curriculum=curriculum(**stage))
    batch.reset(5)
    rng, rewards, places = np.random.default_rng(7), [], []
    for _ in range(TICKS):
        due = np.flatnonzero(batch.due)
        if due.size:
            chosen = batch.remaining[due].argmax(axis=1)
            batch.begin(due, np.column_stack([chosen, np.zeros((len(due), PLACE_SIZE))]).astype(np.float32))
        rewards.append(batch.tick(rng.uniform(-1, 1, (3, 3)).astype(np.float32)).stroke_reward)
        places.append(batch.strokes.position.copy())
    return np.stack(rewards), np.stack(places), batch.strokes._arrays["params"].copy()


def of_vectors(env: StrokeVectorEnv | FlatCharacterVectorEnv) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    env.reset(seed=5)
    brushes = env.batch if isinstance(env, StrokeVectorEnv) else env.batch.brushes
    rng, rewards, places = np.random.default_rng(7), [], []
    for _ in range(TICKS):
        rewards.append(env.step_batch(rng.uniform(-1, 1, (3, 3)).astype(np.float32))[1].copy())
        places.append(brushes.position.copy())
    return np.stack(rewards), np.stack(places), brushes._arrays["params"].copy()


KINDS = {
    "strokes": lambda **stage: of_vectors(StrokeVectorEnv(3, curriculum=strokes(**stage))),
    "characters": of_characters,
    "flat": lambda **stage: of_vectors(FlatCharacterVectorEnv(3, curriculum=curriculum(**stage))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_environment_heeds_what_a_stage_says_of_hand_and_paper(kind: str) -> None:
    rewards, places, brushes = KINDS[kind]()
    costly, there, _ = KINDS[kind](reward={"motion": 0.1})
    np.testing.assert_array_equal(there, places)
    assert (costly <= rewards).all()
    rng = np.random.default_rng(7)
    drawn = np.stack([rng.uniform(-1, 1, (3, 3)).astype(np.float32) for _ in range(TICKS)])
    change = np.diff(drawn, axis=0, prepend=0)
    # Until the first episode ends every change counts.
    np.testing.assert_allclose((rewards - costly)[:8], 0.1 * (change**2).sum(axis=2)[:8], rtol=1e-4)

    _, shaken, same = KINDS[kind](randomisation={"handle_sigma": 0.001, "handle_correlation": 1.0})
    assert 1e-5 < np.abs(shaken - places)[:8].max() < 0.01
    np.testing.assert_array_equal(same, brushes)

    _, _, raised = KINDS[kind](randomisation={"paper_offset": 0.002})
    assert len(np.unique(raised[:, 1])) == 3
    np.testing.assert_array_equal(raised[:, [0, 2, 4]], brushes[:, [0, 2, 4]])


def test_the_same_seed_draws_the_same_errors() -> None:
    shaken = {"randomisation": {"handle_sigma": 0.001, "paper_offset": 0.001, "brush": 0.05}}
    for kind in KINDS.values():
        for one, other in zip(kind(**shaken), kind(**shaken), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_term_is_one_function_for_every_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "tick_reward", lambda weights, tick: np.full(len(tick.area), 0.5, np.float32))
    for kind in ("strokes", "characters"):
        assert (KINDS[kind]()[0] == 0.5).all()


def test_terms_are_named_as_their_weights_are() -> None:
    assert {term.__name__ for term in (*reward.INK_TERMS, *reward.HAND_TERMS)} == set(Reward.model_fields)
    terms = (*character_reward.DECISION, *character_reward.STROKE, *character_reward.CHARACTER)
    # `outside` is a part of `ink`.
    assert {term.__name__ for term in terms} | {"outside"} == set(CharacterReward.model_fields)


def test_a_raised_sheet_is_pressed_deeper() -> None:
    model = PRESETS["measured"]
    rows = model.parameters()[None].repeat(2, axis=0)
    randomisation.raise_paper(rows, np.array([0.0, 0.0003]))
    np.testing.assert_array_equal(rows[0], model.parameters())
    raised, z = rows[1], 0.004
    assert raised[0] * z + raised[1] == pytest.approx(model.width(z + 0.0003))
    assert raised[2] * z + raised[3] == pytest.approx(model.length(z + 0.0003))
    assert (raised[4] * z + raised[5]) * z + raised[6] == pytest.approx(model.offset(z + 0.0003))
    alike = randomisation.brushes(Randomisation(), model, 5, np.random.default_rng(0))
    np.testing.assert_array_equal(alike, model.parameters()[None])


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_dry_brush_leaves_less(kind: str) -> None:
    _, _, full = KINDS[kind]()
    _, _, dry = KINDS[kind](brush={"ink": {"load": [0.2, 0.8], "thinning": 0.5}})
    share = dry[:, 0] / full[:, 0]
    assert ((share >= 1 - 0.5 * 0.8) & (share <= 1 - 0.5 * 0.2)).all()
    assert len(np.unique(share)) == len(share)
    np.testing.assert_allclose(dry[:, 1] / full[:, 1], share)
    assert np.array_equal(dry[:, 2:], full[:, 2:])


def test_tufts_may_begin_as_another_stroke_left_them() -> None:
    rest = np.array(REST_DIRECTION)
    drawn = randomisation.bent_tufts(Randomisation(bent=1.0), 64, np.random.default_rng(0))
    assert drawn is not None
    np.testing.assert_allclose(np.hypot(*drawn.T), 1.0)
    assert (drawn @ rest).min() < -0.8
    half = randomisation.bent_tufts(Randomisation(bent=0.5), 400, np.random.default_rng(0))
    assert half is not None
    assert 120 < (half == rest).all(axis=1).sum() < 280
    assert randomisation.bent_tufts(Randomisation(), 4, np.random.default_rng(0)) is None
    straight, bent = (
        StrokeVectorEnv(8, curriculum=strokes(randomisation={"bent": share}), seed=3) for share in (0.0, 1.0)
    )
    for env in (straight, bent):
        env.reset(seed=5)
    assert (straight.batch.direction == rest).all()
    assert len(np.unique(bent.batch.direction, axis=0)) == 8
