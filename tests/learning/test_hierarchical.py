"""Both levels in one algorithm: what a tick and a decision count for, alone, batched, and through RLlib."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from ray.rllib.env.multi_agent_env import MultiAgentEnv

from hierbrush.cli import main
from hierbrush.composer.composers import COMPOSER
from hierbrush.composer.observation import EXISTS, WRITTEN
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.composer.policy import ComposerPolicy, load_composer
from hierbrush.curriculum import Curriculum, load_curriculum
from hierbrush.envs.character import CharacterBatch
from hierbrush.errors import HierbrushError
from hierbrush.learning.character_env import DecisionEnv
from hierbrush.learning.ppo.both_levels import hierarchical_algorithm_config
from hierbrush.learning.ppo.connector import option_advantages, seen_by_critic
from hierbrush.learning.ppo.fragment import HierarchicalFragment, OptionTransitions
from hierbrush.learning.recipes.hierarchical import HierarchicalRecipe
from hierbrush.resources import folder
from hierbrush.strokes.policy import PolicySet
from hierbrush.strokes.types import ABBREVIATIONS

FEW = 6


def few_characters() -> Curriculum:
    curriculum = load_curriculum(folder("curricula") / "composer.yaml").model_dump(mode="json")
    for stage in curriculum["stages"]:
        stage["characters"] |= {"count": FEW, "strokes": [2, 6], "structures": []}
    return Curriculum.model_validate(curriculum)


def settings(**sections: Any) -> HierarchicalRecipe:
    return HierarchicalRecipe.model_validate(
        {
            "kind": "hierarchical",
            "name": "test",
            "seed": 3,
            "environment": {"slots": 8},
            "training": {"steps": 4000, "fragment": 40, "minibatch": 64, "value_warmup": 0},
            **sections,
        }
    )


@pytest.fixture(scope="module")
def curriculum() -> Curriculum:
    return few_characters()


def test_one_character_alone_earns_what_it_earns_among_others(curriculum: Curriculum) -> None:
    composer = load_composer()
    together = CharacterBatch(4, curriculum=curriculum, seed=5, autoreset=False)
    alone = CharacterBatch(1, curriculum=curriculum, seed=5, autoreset=False)  # the same few characters
    rewards = np.zeros((2, 2))
    char = together.character[2]
    # The lone slot is put before the same character by drawing until it comes.
    seed = next(seed for seed in range(500) if _first(alone, seed) == char and not _shown(alone))
    alone.reset(seed)
    assert not _shown(together, 2)
    for _ in range(400):
        for number, batch in enumerate((together, alone)):
            due = np.flatnonzero(batch.due & (_left(batch) > 0))
            if due.size:
                index, place = composer.act(batch.observe_composer(due))
                batch.begin(due, np.column_stack([index.astype(np.float32), place]))
            tick = batch.tick(np.zeros((batch.slots, 3), np.float32))
            row = 2 if number == 0 else 0
            rewards[number] += tick.stroke_reward[row], tick.composer_reward[row]
        if not _left(together).any() and not _left(alone).any() and together.due.all() and alone.due.all():
            break
    np.testing.assert_allclose(rewards[0], rewards[1], rtol=1e-6)
    assert together.episode_metrics["character_iou"][2] == alone.episode_metrics["character_iou"][0] > 0.3


def _first(batch: CharacterBatch, seed: int) -> str:
    batch.reset(seed)
    return batch.character[0]


def _shown(batch: CharacterBatch, row: int = 0) -> bool:
    from hierbrush.composer.observation import GOAL_GIVEN

    return bool(batch.observe_composer()[row, :, GOAL_GIVEN].any())


def _left(batch: CharacterBatch) -> np.ndarray:
    from hierbrush.composer.observation import EXISTS, WRITTEN

    seen = batch.observe_composer()
    return ((seen[:, :, EXISTS] > 0) & (seen[:, :, WRITTEN] == 0)).sum(axis=1)


def test_ink_beside_the_glyph_costs_what_the_stage_says() -> None:
    earned = {}
    for outside in (0.0, 0.5, 1.0):
        document = few_characters().model_dump(mode="json")
        reward = {"outside": outside, "legibility": 0.0, "motion": 0.0, "order": 0.0}
        document["stages"] = document["stages"][-1:]
        document["stages"][0]["characters"] |= {"goals": 0.0, "reward": reward}
        batch = CharacterBatch(
            2, curriculum=Curriculum.model_validate(document), characters=("十", "林"), autoreset=False
        )
        assert batch.character == ("十", "林")
        total = np.zeros(2)
        while _left(batch).any() or not batch.due.all():
            due = np.flatnonzero(batch.due & (_left(batch) > 0))
            if due.size:
                index, place = load_composer().act(batch.observe_composer(due))
                batch.begin(due, np.column_stack([index.astype(np.float32), place]))
            total += batch.tick(np.zeros((2, 3), np.float32)).composer_reward
        earned[outside] = total
    assert (earned[0.0] > earned[0.5]).all()
    np.testing.assert_allclose(earned[0.0] - earned[1.0], 2 * (earned[0.0] - earned[0.5]), rtol=1e-5)


def test_as_many_characters_as_slots_are_needed(curriculum: Curriculum) -> None:
    with pytest.raises(HierbrushError, match="characters: there are 1, expected as many as slots, 2"):
        CharacterBatch(2, curriculum=curriculum, characters=("永",))


def test_decisions_out_of_turn_are_refused(curriculum: Curriculum) -> None:
    batch = CharacterBatch(2, curriculum=curriculum, seed=1)
    first = np.zeros((1, 1 + PLACE_SIZE), np.float32)
    batch.begin(np.array([0]), first)
    with pytest.raises(HierbrushError, match=r"^rows: 0 is not due"):
        batch.begin(np.array([0]), first)


def test_a_curriculum_of_strokes_is_refused() -> None:
    with pytest.raises(HierbrushError, match="has no 'characters'"):
        CharacterBatch(1, curriculum=folder("curricula") / "primitives.yaml")


def test_only_who_acts_next_is_observed(curriculum: Curriculum) -> None:
    env = DecisionEnv({"curriculum": curriculum, "seed": 2})
    assert isinstance(env, MultiAgentEnv)
    observed, _ = env.reset(seed=4)
    composer = load_composer()
    levels, decisions, strokes = {COMPOSER: 0.0, "primitives": 0.0}, 0, 0
    over = False
    while not over:
        assert len(observed) == 1
        (agent, seen), *_ = observed.items()
        assert env.observation_spaces[agent].contains(seen)
        if agent == COMPOSER:
            index, place = composer.act(seen[None])
            action = np.concatenate([index.astype(np.float32), place[0]])
            decisions += 1
        else:
            action = np.zeros(3, np.float32)
        observed, rewards, terminated, truncated, infos = env.step({agent: action})
        assert not truncated["__all__"]
        over = terminated["__all__"]
        strokes += COMPOSER in rewards
        for name, reward in rewards.items():
            levels[COMPOSER if name == COMPOSER else "primitives"] += reward
    assert decisions == strokes >= 2
    assert infos[COMPOSER]["iou"] > 0.7
    # Each stroke's rewards add up to its ink inside less outside; the follower earns most of a point for each.
    assert 0.5 * decisions < levels["primitives"] < decisions


def test_the_critic_sees_where_strokes_that_are_left_belong(curriculum: Curriculum) -> None:
    batch = CharacterBatch(2, curriculum=curriculum, seed=5)
    every = np.arange(2)
    batch.begin(every, np.zeros((2, 1 + PLACE_SIZE), np.float32))
    privileged = batch.privileged(every)
    observed = batch.observe_composer(every)
    exists = observed[:, :, EXISTS] > 0
    left = exists & (observed[:, :, WRITTEN] == 0)
    seen = seen_by_critic(observed, np.zeros_like(privileged), privileged)
    np.testing.assert_array_equal(seen[left], -privileged[left])
    assert not seen[~left].any()


def test_options_are_discounted_by_how_long_they_took() -> None:
    decisions = OptionTransitions(
        slot=np.array([0, 0, 1]),
        obs=np.zeros((3, 1, 1), np.float32),
        actions=np.zeros((3, 1), np.float32),
        action_logp=np.zeros(3, np.float32),
        rewards=np.array([1.0, 2.0, 4.0], np.float32),
        ticks=np.array([3, 5, 2]),
        ends=np.array([False, True, False]),
        next_obs=np.zeros((2, 1, 1), np.float32),
        privileged=np.zeros((3, 1, 1), np.float32),
        next_privileged=np.zeros((2, 1, 1), np.float32),
    )
    values, following = np.array([0.5, 0.25, 1.0], np.float32), np.array([9.0, 3.0], np.float32)
    found = option_advantages(decisions, values, following, gamma=0.9, lambda_=0.8)
    last = 2.0 - 0.25
    first = 1.0 + 0.9**3 * 0.25 - 0.5 + 0.9**3 * 0.8 * last
    np.testing.assert_allclose(found, [first, last, 4.0 + 0.9**2 * 3.0 - 1.0], rtol=1e-6)


def test_the_batched_runner_counts_as_rllibs_own(ray_running: None, curriculum: Curriculum) -> None:
    """Environment steps, decisions and the rewards of both levels agree with stock RLlib on the same policies."""
    counts = {}
    for stock in (True, False):
        config = hierarchical_algorithm_config(settings(environment={"slots": 4}), curriculum)
        config.env_runners(explore=False)
        if stock:
            from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner

            config.env_runners(
                env_runner_cls=MultiAgentEnvRunner,
                add_default_connectors_to_env_to_module_pipeline=True,
                add_default_connectors_to_module_to_env_pipeline=True,
            )
            runner = config.env_runner_cls(config=config)
            episodes = runner.sample(num_episodes=12, explore=False)
            returns = {
                "composer": [e.agent_episodes[COMPOSER].get_return() for e in episodes],
                "steps": [len(e) for e in episodes],
            }
            counts["stock"] = {name: float(np.mean(values)) for name, values in returns.items()}
        else:
            runner = config.env_runner_cls(config=config)
            runner.config.freeze()
            (fragment,) = runner.sample(num_timesteps=9000, explore=False)
            ends = fragment.decisions.ends
            counts["ours"] = {
                "composer": float(fragment.decisions.rewards.sum() / ends.sum()),
                "steps": float((fragment.decisions.ticks.sum() + len(ends)) / ends.sum()),
            }
    # The same few characters in other proportions: means agree within what that changes.
    assert counts["ours"]["steps"] == pytest.approx(counts["stock"]["steps"], rel=0.25)
    assert counts["ours"]["composer"] == pytest.approx(counts["stock"]["composer"], rel=0.35, abs=0.1)


def test_random_actions_do_not_repeat_and_follow_the_seed(ray_running: None, curriculum: Curriculum) -> None:
    def sampled() -> tuple[np.ndarray, np.ndarray]:
        config = hierarchical_algorithm_config(settings(environment={"slots": 3}), curriculum)
        runner = config.env_runner_cls(config=config)
        moves: list[np.ndarray] = []
        tick = runner.batch.tick
        runner.batch.tick = lambda actions: (moves.append(actions.ravel()), tick(actions))[1]
        (fragment,) = runner.sample(num_timesteps=600, random_actions=True, explore=True)
        return np.stack(moves), fragment.decisions.actions[:, 1:]

    first, again = sampled(), sampled()
    for drawn, repeated in zip(first, again, strict=True):
        assert len(np.unique(drawn, axis=0)) == len(drawn) > 3
        np.testing.assert_array_equal(drawn, repeated)


def test_slices_keep_whole_slots(ray_running: None, curriculum: Curriculum) -> None:
    runner = hierarchical_algorithm_config(settings(primitives={"train": "all"}), curriculum).build_algo()
    try:
        (fragment,) = runner.env_runner.sample(num_timesteps=1600)
    finally:
        runner.stop()
    assert isinstance(fragment, HierarchicalFragment)
    assert fragment.decisions is not None
    assert fragment.strokes is not None
    half = len(fragment) // 2
    parts = [fragment[:half], fragment[half:]]
    assert sum(map(len, parts)) == len(fragment)
    assert [part.slots for part in parts] == [4, 4]
    joined = np.concatenate([part.decisions.rewards for part in parts if part.decisions])
    np.testing.assert_array_equal(joined, fragment.decisions.rewards)
    np.testing.assert_array_equal(parts[1].strokes.rewards, fragment.strokes.rewards[:, 4:])  # type: ignore[union-attr]


def test_modules_are_built_in_a_fixed_order(curriculum: Curriculum) -> None:
    """Their first weights come from one stream of random numbers; a set's order differs from process to process."""
    assert list(hierarchical_algorithm_config(settings(), curriculum).policies) == [COMPOSER, *ABBREVIATIONS]


def test_only_what_is_trained_changes(ray_running: None, curriculum: Curriculum) -> None:
    config = settings(primitives={"train": ["H", "S"]}, composer={"train": False})
    algorithm = hierarchical_algorithm_config(config, curriculum).build_algo()
    try:
        before = algorithm.learner_group.get_weights()
        algorithm.train()
        after = algorithm.learner_group.get_weights()
        changed = {
            name
            for name, state in after.items()
            if any(not np.array_equal(value, before[name][key]) for key, value in state.items() if "log_std" not in key)
        }
        assert changed <= {"H", "S"}
        assert changed
        runner = algorithm.env_runner.module
        for name in changed:
            weight = after[name]["policy.0.weight"]
            np.testing.assert_array_equal(runner[name].policy[0].weight.detach().numpy(), weight)
    finally:
        algorithm.stop()


def test_training_resumes_and_exports(ray_running: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "few.yaml").write_text(few_characters().model_dump_json())
    arguments = [
        str(folder("configs") / "joint.yaml"), "--output", str(tmp_path / "run"),
        "--set", f"curriculum={tmp_path / 'few.yaml'}", "--set", "environment.slots=8",
        "--set", "training.fragment=40", "--set", "training.minibatch=128",
        "--set", "output.tensorboard=false",
    ]  # fmt: skip
    assert _run("train", *arguments, "--set", "training.steps=1000") == 0
    assert ComposerPolicy.load(tmp_path / "run" / "composer.safetensors").parameters == load_composer().parameters
    assert set(PolicySet.load(tmp_path / "run" / "policies.safetensors").policies) == set(ABBREVIATIONS)
    card = json.loads((tmp_path / "run" / "composer.json").read_text())
    assert card["steps"] >= 1000
    assert "H" in card["trained"]
    assert _run("train", *arguments, "--set", "training.steps=2000") == 2
    assert "add --resume" in capfd.readouterr().err
    assert _run("train", *arguments, "--set", "training.steps=2000", "--resume") == 0
    steps = [json.loads(line)["steps"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))
    assert steps[-1] >= 2000


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    return int(stopped.value.code or 0)


def test_nothing_to_learn_is_refused() -> None:
    with pytest.raises(ValidationError, match="nothing learns"):
        settings(composer={"train": False})


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("composer.weights=imitatoin", "'imitatoin' is neither a file nor 'shipped' or 'imitation' or"),
        ("primitives.weights=runs/none.safetensors", "'runs/none.safetensors' is neither a file nor 'shipped'"),
    ],
)
def test_weights_that_are_nowhere_leave_no_folder(
    setting: str, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    into = tmp_path / "run"
    assert _run("train", str(folder("configs") / "composer.yaml"), "--output", str(into), "--set", setting) == 2
    error = capfd.readouterr().err
    assert error.startswith(f"hierbrush: error: {setting.split('=')[0]}: {message}")
    assert not into.exists()
