"""Strokes through an arm, as an environment: what any environment is, and a hand that errs as the arm does."""

from __future__ import annotations

import copy

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import hierbrush  # noqa: F401  # registers the environments
from hierbrush.arms.stroke_env import ArmStrokeVectorEnv
from hierbrush.envs.stroke import StrokeVectorEnv
from hierbrush.errors import HierbrushError

CURRICULUM = {
    "format": 1,
    "name": "some",
    "strokes": ["H", "S", "D"],
    "stages": [
        {"name": "all", "goals": {"glyphs": {}, "count": 9}, "promotion": {"threshold": 0.9, "maximum_steps": 1000}}
    ],
}


def mean_iou(env: StrokeVectorEnv, episodes: int = 12) -> float:
    """Return how well the scripted follower, an action of zero, writes."""
    env.reset(seed=3)
    found: list[float] = []
    while len(found) < episodes:
        over, info = env.step(np.zeros((env.num_envs, 3), np.float32))[2::2]
        if over.any():
            found += info["episode_metrics"]["iou"][over].tolist()
    return float(np.mean(found))


def test_it_is_an_ordinary_environment() -> None:
    env = gymnasium.make("hierbrush/ArmStroke-v0", curriculum=CURRICULUM, arm="ur5e")
    check_env(env.unwrapped, skip_render_check=True)
    vector = gymnasium.make_vec(
        "hierbrush/ArmStroke-v0", num_envs=2, vectorization_mode="vector_entry_point", curriculum=CURRICULUM
    )
    assert vector.reset(seed=0)[0].shape == (2, 219)


def test_a_good_arm_writes_as_the_hand_does_and_a_weak_one_worse() -> None:
    hand = mean_iou(StrokeVectorEnv(4, curriculum=CURRICULUM))
    good, weak, blind = (
        mean_iou(ArmStrokeVectorEnv(4, curriculum=CURRICULUM, arm=arm, feedback=feedback))
        for arm, feedback in (("ur5e", 1.0), ("so101", 1.0), ("so101", 0.0))
    )
    assert good == pytest.approx(hand, abs=0.01)
    assert blind < weak < hand - 0.05


def test_the_same_seed_gives_the_same_and_copies_go_on_alike() -> None:
    env = ArmStrokeVectorEnv(2, curriculum=CURRICULUM)
    actions = np.random.default_rng(0).uniform(-1, 1, (12, 2, 3)).astype(np.float32)

    def seen() -> np.ndarray:
        env.reset(seed=7)
        return np.stack([env.step(action)[0] for action in actions])

    first = seen()
    assert np.array_equal(first, seen())
    twin = copy.deepcopy(env)
    for action in actions:
        assert np.array_equal(env.step(action)[0], twin.step(action)[0])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"arm": "ur6e"}, "'ur6e' is none of"),
        ({"cell": 1.0}, "cell: 1.0, expected metres"),
        ({"feedback": -1}, "feedback: -1, expected a share"),
        ({"stroke": "nothing"}, "stroke: 'nothing'"),
    ],
)
def test_what_cannot_be_used_is_told(options: dict[str, object], told: str) -> None:
    with pytest.raises(HierbrushError, match=told):
        ArmStrokeVectorEnv(1, curriculum=CURRICULUM, **options)  # type: ignore[arg-type]


@pytest.mark.slow
def test_stock_rllib_trains_on_it() -> None:
    ppo = pytest.importorskip("ray.rllib.algorithms.ppo")
    from hierbrush.learning.runs.session import ray_session

    config = (
        ppo.PPOConfig()
        .environment("hierbrush:hierbrush/ArmStroke-v0", env_config={"curriculum": CURRICULUM, "arm": "so101"})
        .env_runners(num_env_runners=0, num_envs_per_env_runner=4, gym_env_vectorize_mode="vector_entry_point")
        .training(train_batch_size_per_learner=256, minibatch_size=64, num_epochs=1)
        .debugging(seed=0, log_level="ERROR")
    )
    with ray_session(1):
        algorithm = config.build_algo()
        found = algorithm.train()["env_runners"]
        algorithm.stop()
    assert found["num_env_steps_sampled_lifetime"] >= 256
    assert np.isfinite(found["episode_return_mean"])
