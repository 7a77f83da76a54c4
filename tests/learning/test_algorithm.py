"""The pieces under RLlib's own PPO: sampling, learning, evaluation, checkpoints, several processes, faults."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import toy
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch

from hierbrush.curriculum import Curriculum
from hierbrush.errors import HierbrushError
from hierbrush.learning.ppo.algorithm import CurriculumPPO, CurriculumPPOConfig, algorithm_config
from hierbrush.learning.ppo.learner import ShuffledMinibatches
from hierbrush.learning.recipes.ppo import PPORecipe

pytestmark = pytest.mark.usefixtures("ray_running")

CURRICULUM = {
    "format": 1,
    "name": "toy",
    "strokes": ["H"],
    "stages": [
        {
            "name": name,
            "goals": {"glyphs": {}},
            "promotion": {
                "metric": "iou",
                "threshold": threshold,
                "window": 1,
                "minimum_steps": 0,
                "maximum_steps": 10_000_000,
                "at_maximum": "stay",
            },
        }
        for name, threshold in (("near", 0.05), ("far", 0.9999))
    ],
}


def configured(settings: dict[str, Any], **changes: Any) -> CurriculumPPOConfig:
    merged = {
        **settings,
        **{key: {**settings.get(key, {}), **value} for key, value in changes.items()},
    }
    return algorithm_config(PPORecipe.model_validate(merged))


def with_curriculum(settings: dict[str, Any], **changes: Any) -> CurriculumPPOConfig:
    config = configured(settings, **changes)
    return config.curriculum(Curriculum.model_validate(CURRICULUM))


@pytest.fixture
def built() -> Any:
    algorithms: list[CurriculumPPO] = []

    def build(config: CurriculumPPOConfig) -> CurriculumPPO:
        algorithms.append(config.build_algo())
        return algorithms[-1]

    yield build
    for algorithm in algorithms:
        algorithm.stop()


def learner_state(algorithm: CurriculumPPO) -> dict[str, Any]:
    return algorithm.learner_group.get_weights()[DEFAULT_MODULE_ID]


def assert_equal_states(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_training_begins_at_the_zero_action_and_learns(built: Any, toy_settings: dict[str, Any]) -> None:
    algorithm = built(configured(toy_settings))
    obs = torch.randn(7, 5)
    module = algorithm.get_module()
    assert module.forward_inference({Columns.OBS: obs})[Columns.ACTION_DIST_INPUTS][:, :2].abs().max() == 0
    first = algorithm.train()["env_runners"]["episode_return_mean"]
    for _ in range(30):
        result = algorithm.train()
    last = result["env_runners"]["episode_return_mean"]
    # Standing still returns about -0.77; the best policy about +0.77 less what its noise costs.
    assert first < -0.6
    assert last > 0.3
    assert result["num_env_steps_sampled_lifetime"] == 31 * 128 * 16
    mean = algorithm.get_module().forward_inference({Columns.OBS: obs})[Columns.ACTION_DIST_INPUTS][:, :2]
    assert mean.abs().max() > 0.1


def test_fragments_hold_what_the_environment_did(built: Any, toy_settings: dict[str, Any]) -> None:
    runner = built(configured(toy_settings, environment={"slots": 6}, training={"minibatch": 96})).env_runner
    (first,) = runner.sample(num_timesteps=6 * 12, explore=True)
    (second,) = runner.sample(num_timesteps=6 * 12, explore=True)
    np.testing.assert_array_equal(first.obs[-1], second.obs[0])
    obs = np.concatenate([first.obs[:-1], second.obs])
    actions = np.concatenate([first.actions, second.actions])
    ends = np.concatenate([first.terminated, second.terminated])
    assert ends[7::8].all()
    assert ends.sum() == 6 * 3
    moved = obs[:-1, :, :2] + toy.STEP * np.clip(actions, -1, 1)
    np.testing.assert_allclose(obs[1:, :, :2], np.where(ends[:, :, None], 0.0, moved), atol=1e-6)
    goals = obs[:, :, 2:4]
    assert (np.any(goals[1:] != goals[:-1], axis=2) == ends).all()
    sigma = 0.5
    logp = -(0.5 * (actions / sigma) ** 2 + math.log(sigma) + 0.5 * math.log(2 * math.pi)).sum(-1)
    np.testing.assert_allclose(np.concatenate([first.action_logp, second.action_logp]), logp, rtol=1e-4)


def test_batch_bootstraps_truncated_episodes_from_their_own_last_observation(
    built: Any, toy_settings: dict[str, Any]
) -> None:
    algorithm = built(
        configured(toy_settings, environment={"slots": 5, "options": {"truncate": True}}, training={"minibatch": 80})
    )
    learner = algorithm.learner_group._learner
    module = learner.module[DEFAULT_MODULE_ID]
    torch.nn.init.normal_(module.value[-1].weight)
    (fragment,) = algorithm.env_runner.sample(num_timesteps=5 * 16, explore=True)
    assert len(fragment.final_obs) == 5 * 2
    batch = learner._learner_connector(rl_module=learner.module, batch={}, episodes=[fragment])[DEFAULT_MODULE_ID]
    with torch.no_grad():
        values = module.compute_values({Columns.OBS: torch.from_numpy(fragment.obs)}).numpy()
        final = module.compute_values({Columns.OBS: torch.from_numpy(fragment.final_obs)}).numpy()
    # The last step of an episode has no more than its own error in its advantage, target = r + gamma V(final).
    targets = batch[Postprocessing.VALUE_TARGETS].numpy().reshape(16, 5)
    for (tick, env), value in zip(fragment.final_index, final, strict=True):
        assert targets[tick, env] == pytest.approx(fragment.rewards[tick, env] + 0.95 * value, abs=1e-4)
        assert fragment.final_obs[0][0] != fragment.obs[tick + 1, env, 0]
    assert values.shape == (17, 5)
    advantages = batch[Postprocessing.ADVANTAGES].numpy()
    assert advantages.mean() == pytest.approx(0, abs=1e-5)
    assert advantages.std() == pytest.approx(1, abs=1e-4)


def test_noise_follows_its_schedule_and_reaches_the_runner(built: Any, toy_settings: dict[str, Any]) -> None:
    algorithm = built(configured(toy_settings, training={"steps": 4 * 2048}))
    seen = []
    for _ in range(5):
        algorithm.train()
        seen.append(float(np.exp(algorithm.env_runner.module.log_std.numpy()[0])))
    np.testing.assert_allclose(seen, [0.4, 0.3, 0.2, 0.1, 0.1], atol=1e-6)
    assert seen[-1] == pytest.approx(float(np.exp(learner_state(algorithm)["log_std"][0])))


def test_policy_waits_for_the_critic(built: Any, toy_settings: dict[str, Any]) -> None:
    algorithm = built(configured(toy_settings, training={"value_warmup": 2}))
    start = learner_state(algorithm)
    algorithm.train()
    algorithm.train()
    after = learner_state(algorithm)
    assert all(np.array_equal(start[name], after[name]) for name in start if name.startswith("policy."))
    assert any(not np.array_equal(start[name], after[name]) for name in start if name.startswith("value."))
    algorithm.train()
    assert not np.array_equal(after["policy.4.weight"], learner_state(algorithm)["policy.4.weight"])


def test_checkpoint_restores_weights_optimiser_schedules_and_stage(
    built: Any, toy_settings: dict[str, Any], tmp_path: Path
) -> None:
    config = with_curriculum(toy_settings, environment={"options": {"reach": (0.5, 1.0)}})
    algorithm = built(config)
    for _ in range(3):
        result = algorithm.train()
    assert result["curriculum"]["name"] == "far"
    algorithm.save_to_path(str(tmp_path))

    restored = built(config)
    assert restored.env_runner.batch_env.stage == 0
    restored.restore_from_path(str(tmp_path))
    assert restored.stage_state == algorithm.stage_state
    assert restored.env_runner.stage == restored.env_runner.batch_env.stage == 1
    assert_equal_states(learner_state(restored), learner_state(algorithm))
    optimisers = [each.learner_group._learner._get_optimizer_state() for each in (restored, algorithm)]
    moments = [state["default_policy_default_optimizer"]["state"]["state"] for state in optimisers]
    for before, after in zip(*(each.values() for each in moments), strict=True):
        np.testing.assert_array_equal(before["exp_avg"], after["exp_avg"])
    further, result = restored.train(), algorithm.train()
    assert further["num_env_steps_sampled_lifetime"] == result["num_env_steps_sampled_lifetime"] == 4 * 2048
    for key in ("default_optimizer_learning_rate", "sigma"):
        assert further["learners"][DEFAULT_MODULE_ID][key] == result["learners"][DEFAULT_MODULE_ID][key]
    again = CurriculumPPO.from_checkpoint(str(tmp_path))
    assert again.env_runner.batch_env.stage == 1
    again.stop()


def test_same_seed_trains_the_same_policy(built: Any, toy_settings: dict[str, Any]) -> None:
    states = []
    for _ in range(2):
        algorithm = built(configured(toy_settings))
        algorithm.train()
        algorithm.train()
        states.append(learner_state(algorithm))
    assert_equal_states(*states)


def test_evaluation_is_without_noise_and_always_of_the_same_goals(built: Any, toy_settings: dict[str, Any]) -> None:
    config = configured(toy_settings).evaluation(
        evaluation_interval=1,
        evaluation_duration=256,
        evaluation_config={"explore": False},
    )
    algorithm = built(config)
    first, second = (algorithm.evaluate()["env_runners"]["episode_return_mean"] for _ in range(2))
    assert first == second
    assert first == pytest.approx(-2 * 0.0 - 0.765, abs=0.06)  # stands still: minus the mean distance


@pytest.mark.slow
def test_remote_runners_and_two_learners(built: Any, toy_settings: dict[str, Any]) -> None:
    config = with_curriculum(
        toy_settings,
        environment={"slots": 64, "options": {"reach": (0.5, 1.0)}},
        resources={"runners": 2, "learners": 2},
    )
    algorithm = built(config)
    returns = []
    for _ in range(12):
        result = algorithm.train()
        returns.append(result["env_runners"]["episode_return_mean"])
    assert result["num_env_steps_sampled_lifetime"] == 12 * 2 * 64 * 16
    assert algorithm.env_runner_group.foreach_env_runner(
        lambda runner: runner.batch_env.stage, local_env_runner=False
    ) == [1, 1]
    assert returns[-1] > returns[1] + 0.3
    states = [
        state.get()
        for state in algorithm.learner_group.foreach_learner(
            lambda learner: learner.module["default_policy"].unwrapped().get_state()
        )
    ]
    assert_equal_states(*states)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"fail_after": 20}, OSError, "the simulated brush is broken"),
        ({"nan_after": 20}, FloatingPointError, "NaN or infinite reward in environments"),
    ],
)
def test_faulty_environment_ends_training_with_the_cause(
    built: Any, toy_settings: dict[str, Any], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    algorithm = built(configured(toy_settings, environment={"options": options}))
    algorithm.train()
    with pytest.raises(error, match=message):
        algorithm.train()


def test_faulty_remote_runner_ends_training_with_the_cause(built: Any, toy_settings: dict[str, Any]) -> None:
    algorithm = built(configured(toy_settings, environment={"options": {"fail_after": 20}}, resources={"runners": 1}))
    assert algorithm.train()["sampled"]
    assert not algorithm.train()["sampled"]
    with pytest.raises(OSError, match="the simulated brush is broken") as raised:
        algorithm.train()
    assert "in runner 1:\nTraceback" in raised.value.__notes__[0]


def test_environment_that_cannot_be_made_ends_a_remote_training_with_the_cause(
    built: Any, toy_settings: dict[str, Any]
) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        built(configured(toy_settings, environment={"options": {"nonsense": 1}}, resources={"runners": 1}))


def test_diverging_learner_ends_training_with_the_cause(built: Any, toy_settings: dict[str, Any]) -> None:
    algorithm = built(configured(toy_settings, training={"lr": 1e30}))

    def diverge() -> None:
        for _ in range(4):
            algorithm.train()

    with pytest.raises(FloatingPointError, match=r"training\.lr"):
        diverge()


def test_iteration_without_steps_is_an_error(built: Any, toy_settings: dict[str, Any]) -> None:
    algorithm = built(configured(toy_settings))
    (callback,) = algorithm.callbacks
    with pytest.raises(RuntimeError, match="sampled no steps"):
        callback.on_train_result(algorithm=algorithm, result={"env_runners": {"num_env_steps_sampled": math.nan}})


def test_environment_without_the_batch_interface_is_refused(built: Any, toy_settings: dict[str, Any]) -> None:
    with pytest.raises(HierbrushError, match=r"CartPole-v1.*step_batch"):
        built(configured(toy_settings, environment={"id": "CartPole-v1"}))


def test_minibatches_cover_every_module_the_same_number_of_epochs() -> None:
    def part(size: int) -> SampleBatch:
        return SampleBatch({"x": torch.arange(size)})

    batch = MultiAgentBatch({"large": part(1000), "small": part(30)}, env_steps=1000)
    seen: dict[str, list[int]] = {"large": [], "small": []}
    minibatches = list(ShuffledMinibatches(batch, minibatch_size=300, num_epochs=4))
    assert len(minibatches) == 3 * 4
    for minibatch in minibatches:
        for module_id, columns in minibatch.policy_batches.items():
            seen[module_id] += columns["x"].tolist()
    assert sorted(seen["large"]) == sorted([*range(1000)] * 4)
    assert sorted(seen["small"]) == sorted([*range(30)] * 4)
    assert seen["large"] != sorted(seen["large"])
    assert len(list(ShuffledMinibatches(batch, minibatch_size=300, num_epochs=4, num_total_minibatches=7))) == 7


@pytest.mark.faults
def test_killed_runner_is_replaced_and_knows_where_training_is(built: Any, toy_settings: dict[str, Any]) -> None:
    config = with_curriculum(
        toy_settings, environment={"options": {"reach": (0.5, 1.0)}}, resources={"runners": 2}, training={"lr": 1e-3}
    )
    algorithm = built(config)
    while algorithm.stage_state.stage == 0:
        algorithm.train()
    (killed, _) = runners(algorithm, os.getpid)
    os.kill(killed, signal.SIGKILL)
    counts = []
    for _ in range(1000):
        before = algorithm.metrics.peek(("env_runners", "num_env_steps_sampled_lifetime"))
        result = algorithm.train()
        # What a runner had sampled when it died is lost; the other one fills the batch as soon as that is noticed.
        assert before <= result["env_runners"]["num_env_steps_sampled_lifetime"] <= before + 2 * 128 * 16
        counts.append(result["runners"])
        if len(set(counts)) == 2 and counts[-1] == 2:
            break
    assert set(counts) == {1, 2}
    assert killed not in runners(algorithm, os.getpid)
    stages, steps, weights = zip(
        *algorithm.env_runner_group.foreach_env_runner(
            lambda runner: (
                runner.batch_env.stage,
                runner.num_env_steps_sampled_lifetime,
                runner.module.state_dict()["policy.0.weight"].numpy(),
            ),
            local_env_runner=False,
        ),
        strict=True,
    )
    assert stages == (1, 1)
    assert steps[0] == steps[1] == algorithm.metrics.peek(("env_runners", "num_env_steps_sampled_lifetime"))
    np.testing.assert_array_equal(*weights)


def test_busy_runner_gets_every_part_of_a_restored_state(built: Any, toy_settings: dict[str, Any]) -> None:
    def weights_and_steps(algorithm: CurriculumPPO) -> tuple[Any, int]:
        ((state, steps),) = algorithm.env_runner_group.foreach_env_runner(
            lambda runner: (runner.module.state_dict(), runner.num_env_steps_sampled_lifetime), local_env_runner=False
        )
        return state, steps

    config = configured(toy_settings, resources={"runners": 1}, training={"lr": 1e-3})
    trained = built(config)
    trained.train()
    algorithm = built(config)
    (fresh, _) = weights_and_steps(algorithm)
    # What is sent while the runner sleeps is in flight together.
    algorithm.env_runner_group.foreach_env_runner_async(lambda _: time.sleep(1.0), tag="sleep")
    algorithm.set_state(trained.get_state())
    (wanted, steps), (found, found_steps) = weights_and_steps(trained), weights_and_steps(algorithm)
    assert found_steps == steps == 128 * 16
    assert any((value != fresh[name]).any() for name, value in wanted.items())
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name].numpy(), value.numpy(), err_msg=name)


@pytest.mark.faults
def test_hanging_runner_is_replaced(built: Any, toy_settings: dict[str, Any], tmp_path: Path) -> None:
    config = configured(
        toy_settings,
        environment={"options": {"hang_once": str(tmp_path / "hung")}},
        resources={"runners": 1},
        faults={"sample_timeout": 5.0},
    )
    algorithm = built(config)
    (hanging,) = runners(algorithm, os.getpid)
    # On a busy machine a runner may count as hanging before it hangs.
    while not (tmp_path / "hung").exists():
        assert not algorithm.train()["sampled"]
    result = algorithm.train()
    for _ in range(1000):
        if result["sampled"]:
            break
        result = algorithm.train()
    assert result["env_runners"]["num_env_steps_sampled_lifetime"] == 128 * 16
    assert runners(algorithm, os.getpid) != [hanging]


@pytest.mark.faults
def test_training_gives_up_when_no_runner_comes_back(built: Any, toy_settings: dict[str, Any], tmp_path: Path) -> None:
    config = configured(toy_settings, resources={"runners": 1}, faults={"restarts": 0, "patience": 1.0})
    algorithm = built(config)
    algorithm.train()
    os.kill(runners(algorithm, os.getpid)[0], signal.SIGKILL)

    def wait() -> None:
        for _ in range(20):
            algorithm.train()

    with pytest.raises(HierbrushError, match=r"faults.patience: none of 1 runners has sampled a step for \d+ s"):
        wait()


def runners(algorithm: CurriculumPPO, ask: Callable[[], Any]) -> list[Any]:
    return algorithm.env_runner_group.foreach_env_runner(lambda runner: ask(), local_env_runner=False)
