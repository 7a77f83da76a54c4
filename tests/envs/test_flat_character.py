from __future__ import annotations

import numpy as np
import pytest

from hierbrush.characters import load_library
from hierbrush.composer.brief import brief_of
from hierbrush.envs.flat_character import FlatCharacterVectorEnv
from hierbrush.envs.flat_hand import ACTION_SIZE, OBSERVATION_SIZE, SIDE, TICKS_A_STROKE, FlatTasks, write_flat
from hierbrush.envs.lessons import flat_tasks_of
from hierbrush.errors import HierbrushError
from hierbrush.sim import PRESETS, rasterise, trace
from hierbrush.sim.reference import unpack

PROMOTION = {"threshold": 0.9, "maximum_steps": 1000}
CURRICULUM = {
    "format": 1,
    "name": "tiny",
    "strokes": "all",
    "stages": [
        {"name": "short", "characters": {"strokes": [2, 3], "count": 5}, "promotion": PROMOTION},
        {
            "name": "dearer",
            "characters": {"strokes": [4, 4], "count": 3, "reward": {"ink": 2.0}},
            "randomisation": {"brush": 0.1},
            "promotion": PROMOTION,
        },
    ],
}
MEASURED = PRESETS["measured"]


def make(count: int = 4, **options: object) -> FlatCharacterVectorEnv:
    return FlatCharacterVectorEnv(count, curriculum=CURRICULUM, **options)


def scribbles(env: FlatCharacterVectorEnv, seed: int = 0) -> np.ndarray:
    """Return random actions that press more often than they lift."""
    return np.random.default_rng(seed).normal([0, 0, 0.1], 0.3, (env.num_envs, ACTION_SIZE)).astype(np.float32)


def play(env: FlatCharacterVectorEnv, ticks: int) -> list[np.ndarray]:
    seen = [env.reset(seed=5)[0]]
    for tick in range(ticks):
        observation, reward, terminated, _, _ = env.step(scribbles(env, tick))
        seen += [observation, reward, terminated]
    return seen


def test_an_observation_has_its_columns() -> None:
    assert make(3).reset(seed=0)[0].shape == (3, OBSERVATION_SIZE)


@pytest.mark.parametrize(("stage", "weight"), [(0, 1.0), (1, 2.0)])
def test_returns_add_up_to_the_ink(stage: int, weight: float) -> None:
    env = make(6, stage=stage)
    env.reset(seed=0)
    total, length = np.zeros(6), np.zeros(6, int)
    finished = 0
    for tick in range(4 * TICKS_A_STROKE + 1):
        _, reward, terminated, truncated = env.step_batch(scribbles(env, tick))
        total += reward
        length += 1
        assert not truncated.any()
        for slot in np.flatnonzero(terminated):
            inside, outside = env.episode_metrics["inside"][slot], env.episode_metrics["outside"][slot]
            assert total[slot] == pytest.approx(weight * (inside - outside), abs=1e-4)
            assert env.episode_metrics["character_iou"][slot] == pytest.approx(inside / (1 + outside))
            assert length[slot] in ((72, 108), (144, 144))[stage]
            total[slot] = length[slot] = 0
            finished += 1
    assert finished >= 6


def test_ink_on_the_glyph_is_told_from_ink_beside_it() -> None:
    env = make(1)
    env.reset(seed=1)
    glyph = unpack(env._glyphs[env._chosen[0]], SIDE, SIDE)
    assert env.batch.area[0] == glyph.sum()
    for tick in range(40):
        env.step_batch(scribbles(env, tick))
    ink = env.batch.brushes.ink(0)
    assert env.batch.brushes.counts[0, 2:].tolist() == [np.sum(ink & glyph), np.sum(ink & ~glyph)]


def test_both_ways_of_stepping_agree_until_an_episode_ends() -> None:
    stepped, batched = make(), make()
    stepped.reset(seed=3)
    batched.reset(seed=3)
    for tick in range(2 * TICKS_A_STROKE - 1):
        observation, reward, _, _, _ = stepped.step(scribbles(stepped, tick))
        fast, fast_reward, _, _ = batched.step_batch(scribbles(batched, tick))
        assert np.array_equal(observation, fast)
        assert np.array_equal(reward, fast_reward)


def test_step_hands_out_copies_and_begins_anew_after_an_end() -> None:
    env = make(2)
    observation, _ = env.reset(seed=0)
    kept, ended, ends = observation.copy(), np.zeros(2, bool), 0
    for tick in range(4 * TICKS_A_STROKE):
        _, reward, terminated, _, info = env.step(scribbles(env, tick))
        assert (reward[ended] == 0).all()
        assert (env.batch.brushes.tick[ended] == 0).all()
        assert not (terminated & ended).any()
        if terminated.any():
            assert (info["episode_metrics"]["inside"][terminated] > 0).all()
            ends += 1
        ended = terminated
    assert ends
    assert np.array_equal(observation, kept)


def test_the_hand_moves_as_it_is_told_within_the_handles_limits() -> None:
    env = make(3)
    env.reset(seed=0)
    start = env.batch.brushes.position.copy()
    assert (start[:, 2] < 0).all()
    for _ in range(6):
        env.step_batch(np.float32([[0.25, 0, 0], [0, -0.25, 1], [1, 1, -1]]))
    moved = env.batch.brushes.position - start
    assert moved[0] == pytest.approx([0.01, 0, 0], abs=1e-6)  # 2 mm a tick, a tick behind the commands
    assert moved[1, 0] == 0
    assert moved[1, 1] == pytest.approx(-0.01, abs=1e-6)
    assert env.batch.brushes.ink(1).any()
    assert not env.batch.brushes.ink(0).any()
    assert moved[2, :2] == pytest.approx([0.04 / 2**0.5] * 2, abs=1e-6)
    assert env.batch.brushes.position[2, 2] == pytest.approx(-0.003)


def test_the_hand_sees_the_page_and_not_the_glyph() -> None:
    env = make(2)
    env.reset(seed=0)
    seeing = env.batch.observe().copy()
    env.batch.brushes.want(np.zeros_like(env.batch.brushes.packed))
    assert np.array_equal(env.batch.observe(), seeing)
    for _ in range(8):
        env.step_batch(np.float32([[0, 0, 1]] * 2))
    observation = env.batch.observe()
    eye = observation[:, -49:].reshape(2, 7, 7)
    assert (eye[:, 3, 3] == 1).all()
    # Ink where none is expected, or less left where some is: the block under the handle has less left than before.
    assert (observation[:, -98 - 85] < seeing[:, -98 - 85]).all()


def test_the_hand_is_told_what_the_component_library_expects() -> None:
    brief = brief_of("湖")
    task = FlatTasks.of([brief])
    assert task.ticks[0] == TICKS_A_STROKE * 12
    assert task.summary[0, :38].sum() * 4 == 12
    expected = np.unpackbits(task.expected[0].view(np.uint8), bitorder="little").reshape(SIDE, SIDE)
    glyph = rasterise([stroke.outline for stroke in load_library()["湖"].strokes], SIDE) >= 0.5
    assert 0.1 < (expected & glyph).sum() / (expected | glyph).sum() < 0.9


def test_stages_change_characters_and_brushes() -> None:
    env = make(6)
    env.set_stage(1)
    env.reset(seed=0)
    assert (env.batch._ticks == 4 * TICKS_A_STROKE).all()
    assert len(np.unique(env.batch.brushes._arrays["params"][:, 0])) == 6


def test_writing_leaves_the_ink_of_the_environment() -> None:
    brief = brief_of("十")
    actions = np.random.default_rng(0).normal([0, 0, 0.05], 0.3, (2 * TICKS_A_STROKE, 1, 3)).astype(np.float32)
    ticks = iter(actions)
    path = write_flat([brief], lambda obs: next(ticks), MEASURED)[0]
    assert path[0, 2] < 0
    assert path[-1, 2] < 0
    assert np.abs(np.diff(path, axis=0)).max() < 0.008
    ticks = iter(actions)
    both = write_flat([brief, brief_of("湖")], lambda obs: np.tile(next(ticks, actions[0]), (2, 1)), MEASURED)
    assert np.array_equal(both[0], path)
    assert trace(MEASURED, [path], side=SIDE).max() == 1


def test_the_same_characters_are_prepared_once() -> None:
    before = flat_tasks_of.cache_info()
    first, second = make(seed=77), make(seed=77)
    after = flat_tasks_of.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 1)
    assert all(np.array_equal(a, b) for a, b in zip(play(first, 30), play(second, 30), strict=True))


@pytest.mark.parametrize(
    ("options", "named"),
    [({"stage": 2}, "stage: 2"), ({"curriculum": "primitives.yaml"}, "primitives has no 'characters'")],
)
def test_what_cannot_be_is_named(options: dict[str, object], named: str) -> None:
    with pytest.raises(HierbrushError, match=named):
        FlatCharacterVectorEnv(1, **{"curriculum": CURRICULUM, **options})
