from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hierbrush.envs.stroke import StrokeVectorEnv
from hierbrush.errors import HierbrushError
from hierbrush.sim import PRESETS
from hierbrush.sim.observation import FULL_COLUMNS, GROUPS

STAGE = {"promotion": {"threshold": 0.9, "maximum_steps": 1000}}
CURRICULUM = {
    "format": 1,
    "name": "tiny",
    "strokes": ["H", "S", "D"],
    "stages": [
        {"name": "plain", "goals": {"glyphs": {}, "count": 12}, **STAGE},
        {
            "name": "shaky",
            "goals": {"glyphs": {}, "count": 6},
            "randomisation": {"brush": 0.1, "handle_sigma": 0.0003, "paper_offset": 0.0002},
            "reward": {"inside": 2.0, "outside": 0.5, "motion": 0.01},
            **STAGE,
        },
    ],
}


def make(count: int = 4, **options: object) -> StrokeVectorEnv:
    return StrokeVectorEnv(count, curriculum=CURRICULUM, **options)


def test_an_observation_has_its_columns() -> None:
    assert make(3).reset(seed=0)[0].shape == (3, FULL_COLUMNS)


def test_returns_add_up_to_the_ink() -> None:
    env = make(8)
    env.reset(seed=0)
    total = np.zeros(8)
    finished = 0
    for _ in range(60):
        _, reward, terminated, truncated = env.step_batch(np.zeros((8, 3), np.float32))
        total += reward
        assert not truncated.any()
        for slot in np.flatnonzero(terminated):
            inside, outside = env.episode_metrics["inside"][slot], env.episode_metrics["outside"][slot]
            assert total[slot] == pytest.approx(inside - outside, abs=1e-5)
            assert env.episode_metrics["iou"][slot] == pytest.approx(inside / (1 + outside))
            assert 0.6 < env.episode_metrics["iou"][slot] <= 1
            total[slot] = 0
            finished += 1
    assert finished >= 8


def test_both_ways_of_stepping_agree_until_an_episode_ends() -> None:
    stepped, batched = make(), make()
    stepped.reset(seed=3)
    batched.reset(seed=3)
    for _ in range(11):
        action = np.full((4, 3), 0.2, np.float32)
        observation, reward, terminated, _, _ = stepped.step(action)
        if terminated.any():
            break
        fast, fast_reward, _, _ = batched.step_batch(action)
        assert np.array_equal(observation, fast)
        assert np.array_equal(reward, fast_reward)


def test_step_hands_out_copies_and_begins_anew_after_an_end() -> None:
    env = make(2)
    observation, _ = env.reset(seed=0)
    kept = observation.copy()
    ended = np.zeros(2, bool)
    for _ in range(60):
        _, reward, terminated, _, info = env.step(np.zeros((2, 3), np.float32))
        assert (reward[ended] == 0).all()
        assert not (terminated & ended).any()
        if terminated.any():
            assert (info["episode_metrics"]["iou"][terminated] > 0.5).all()
        ended = terminated
    assert np.array_equal(observation, kept)


def test_stages_change_goals_brushes_and_rewards() -> None:
    env = make(6)
    plain = env.batch._arrays["params"].copy()
    assert np.array_equal(plain, np.tile(PRESETS["measured"].parameters(), (6, 1)))
    env.set_stage(1)
    env.reset(seed=0)
    shaken = env.batch._arrays["params"]
    assert len(env.batch.bank) == 6
    assert len(np.unique(shaken[:, 0])) == 6
    assert np.abs(shaken[:, 0] / plain[:, 0] - 1).max() <= 0.1
    sigma = env.batch._arrays["noise"][:, 0]
    assert ((sigma >= 0) & (sigma <= 0.0003)).all()
    assert len(np.unique(sigma)) == 6
    _, calm, _, _ = env.step_batch(np.zeros((6, 3), np.float32))
    calm = calm.copy()
    env.reset(seed=0)
    _, hasty, _, _ = env.step_batch(np.full((6, 3), 0.0, np.float32) + np.float32([0, 0, -1]))
    assert (hasty < calm + 1e-6).all()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"stroke": "HZG"}, "stroke"),
        ({"stage": 2}, "stage"),
        ({"observation": "ful"}, "observation"),
        ({"supersample": 3}, "supersample"),
    ],
)
def test_what_cannot_be_is_named(options: dict[str, object], named: str) -> None:
    with pytest.raises(HierbrushError, match=named):
        make(**options)


def test_hidden_columns_are_zero_and_nothing_else_changes() -> None:
    seeing = StrokeVectorEnv(4, curriculum=CURRICULUM, seed=1)
    blind = StrokeVectorEnv(4, curriculum=CURRICULUM, seed=1, hidden=["look-ahead", "patch"])
    hidden = np.r_[GROUPS["look-ahead"], GROUPS["patch"]]
    kept = np.setdiff1d(np.arange(219), hidden)
    for env in (seeing, blind):
        env.reset(seed=5)
    actions = np.full((4, 3), 0.1, np.float32)
    for _ in range(3):
        whole, part = seeing.step(actions)[0], blind.step(actions)[0]
        assert not part[:, hidden].any()
        assert np.array_equal(whole[:, kept], part[:, kept])
    with pytest.raises(HierbrushError, match=r"hidden: 'lookahead' is not one of .* mean 'look-ahead'"):
        StrokeVectorEnv(4, curriculum=CURRICULUM, hidden=["lookahead"])
    with pytest.raises(HierbrushError, match=r"hidden: 'patch' is not one of brush, progress, look-ahead"):
        StrokeVectorEnv(4, curriculum=CURRICULUM, observation="track", hidden=["patch"])


def test_curricula_have_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("dots.yaml", "dots", "curricula/dots.yaml", Path("dots.yaml")):
        assert StrokeVectorEnv(2, curriculum=name).curriculum.name == "dots"
    with pytest.raises(HierbrushError, match=r"there is no file 'dot'; hierbrush's own curricula are .*mean 'dots'"):
        StrokeVectorEnv(2, curriculum="dot")
