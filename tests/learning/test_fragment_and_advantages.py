"""Fragments split without loss, and the advantages are those of the definition."""

from __future__ import annotations

import numpy as np
import pytest
from ray.rllib.utils.minibatch_utils import ShardEpisodesIterator

from hierbrush.learning.ppo.connector import advantages
from hierbrush.learning.ppo.fragment import Fragment, FragmentBuffer


def fragment(ticks: int, envs: int, *, cut_at: tuple[int, int] | None = None) -> Fragment:
    """A fragment whose rewards number its steps."""
    buffer = FragmentBuffer(2, envs, 3, 2)  # too small on purpose: it has to grow
    rng = np.random.default_rng(0)
    never = np.zeros(envs, np.bool_)
    for tick in range(ticks):
        buffer.add_obs(rng.standard_normal((envs, 3)).astype(np.float32))
        truncated = never.copy()
        if cut_at is not None and cut_at[0] == tick:
            truncated[cut_at[1]] = True
        rewards = (tick * envs + np.arange(envs)).astype(np.float32)
        buffer.add_step(np.zeros((envs, 2), np.float32), rewards, rewards, never, truncated)
        if truncated.any():
            rows = np.flatnonzero(truncated)
            buffer.add_final_obs(rows, np.full((len(rows), 3), 9.0, np.float32))
    return buffer.finish(np.ones((envs, 3), np.float32))


def test_buffer_keeps_every_step_in_order_when_it_grows() -> None:
    whole = fragment(7, 5)
    assert len(whole) == whole.env_steps() == 35
    np.testing.assert_array_equal(whole.rewards.ravel(), np.arange(35))
    assert whole.obs.shape == (8, 5, 3)
    np.testing.assert_array_equal(whole.obs[-1], 1.0)


@pytest.mark.parametrize("cut", [1, 6, 7, 8, 20, 34, 35])
def test_two_parts_make_the_whole(cut: int) -> None:
    whole = fragment(7, 5, cut_at=(3, 4))
    first, second = whole[:cut], whole.slice(slice(cut, None), len_lookback_buffer=0)
    joined = np.concatenate([first.rewards, second.rewards], axis=1)
    np.testing.assert_array_equal(joined, whole.rewards)
    assert len(first) > 0
    (part,) = [part for part in (first, second) if len(part.final_obs)]
    tick, env = part.final_index[0]
    assert part.truncated[tick, env]
    assert part.rewards[tick, env] == 3 * 5 + 4


@pytest.mark.parametrize("learners", [2, 3])
def test_rllib_shards_fragments_without_loss(learners: int) -> None:
    parts = [fragment(7, 5), fragment(4, 3)]
    shards = list(ShardEpisodesIterator(parts, learners))
    steps = sorted(float(value) for shard in shards for part in shard for value in part.rewards.ravel())
    assert steps == sorted([float(value) for part in parts for value in part.rewards.ravel()])
    assert all(sum(map(len, shard)) > 0 for shard in shards)


def test_advantages_are_the_discounted_sum_of_errors() -> None:
    rng = np.random.default_rng(1)
    ticks, envs, gamma, lambda_ = 9, 4, 0.9, 0.8
    rewards, values, following = rng.standard_normal((3, ticks, envs)).astype(np.float32)
    ends = rng.random((ticks, envs)) < 0.2
    expected = np.zeros((ticks, envs))
    for env in range(envs):
        for start in range(ticks):
            weight = 1.0
            for tick in range(start, ticks):
                delta = rewards[tick, env] + gamma * following[tick, env] - values[tick, env]
                expected[start, env] += weight * delta
                weight *= gamma * lambda_
                if ends[tick, env]:
                    break
    got = advantages(rewards, values, following, ends, gamma=gamma, lambda_=lambda_)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
