from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from hierbrush.datasets import DatasetSettings, make_dataset
from hierbrush.errors import HierbrushError
from hierbrush.learning.recipe import check_configuration
from hierbrush.learning.runs.logs import read_metrics
from hierbrush.learning.train import train
from hierbrush.resources import folder
from hierbrush.strokes.policy import MLPPolicy, read_safetensors

METHODS = ("bc", "marwil", "iql")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    settings = DatasetSettings(ticks=1200, shard=600, kinds={"policy": 1, "random": 1}, strokes=("H",))
    return make_dataset(tmp_path_factory.mktemp("data") / "set", settings)


def configuration(tmp_path: Path, data: Path, method: str, **training) -> Path:
    settings = {
        "kind": "offline",
        "method": method,
        "name": method,
        "data": {"folder": str(data), "strokes": ["H"]},
        "training": {"steps": 4096, "batch": 1024, "minibatch": 256, "validation": 8, **training},
        "policy": {"hidden": [16], "value_hidden": [16]},
        "output": {"tensorboard": False},
    }
    file = tmp_path / f"{method}.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file


@pytest.mark.usefixtures("ray_running")
@pytest.mark.parametrize("method", METHODS)
def test_each_method_learns_and_resumes_where_it_was(tmp_path: Path, data: Path, method: str) -> None:
    config = configuration(tmp_path, data, method)
    whole = train(config, output=tmp_path / "whole")
    records = read_metrics(whole / "metrics.jsonl")
    assert [record["steps"] for record in records] == [1024, 2048, 3072, 4096]
    assert 0.5 < records[-1]["iou"] <= 1.0
    assert all(np.isfinite(record["policy_loss"]) for record in records)
    card = json.loads((whole / "card.json").read_bytes())
    assert (card["trained_by"], card["data"]["kinds"].keys()) == (method, {"policy", "random"})
    policy = MLPPolicy.load(whole / "weights.safetensors")
    assert (policy.observation_size, policy.action_size) == (219, 3)

    train(config, output=tmp_path / "parts", overrides=("training.steps=2048",))
    train(config, output=tmp_path / "parts", resume=True)
    first, second = (read_safetensors(place / "weights.safetensors") for place in (whole, tmp_path / "parts"))
    # The schedule of a training that was to be shorter differs; where it began again, so would the data.
    assert all(np.abs(first[name] - second[name]).max() < 0.05 for name in first)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("data.folder=nowhere", "data.folder: .* is no data set"),
        ("data.kinds=[planned]", "data.folder: .* has no ticks of the kind 'planned'"),
        ("data.kinds=[plan]", "there is no kind 'plan'"),
        ("data.strokes=[X]", "'X' is none of the 38 stroke types"),
        ("method=cql", "method"),
        ("training.minibatch=4096", "training.minibatch 4096 is above training.batch"),
        ("resources.runners=1", "resources.runners, resources.learners"),
    ],
)
def test_what_cannot_be_learned_is_told(tmp_path: Path, data: Path, change: str, message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        check_configuration(configuration(tmp_path, data, "bc"), [change])


def test_the_shipped_configurations_ask_for_a_data_set() -> None:
    for method in METHODS:
        with pytest.raises(HierbrushError, match=r"data.folder: 'runs/strokes' is no data set"):
            check_configuration(folder("configs") / f"offline-{method}.yaml")


def test_every_tick_comes_once_before_any_comes_again(data: Path) -> None:
    from ray.rllib.algorithms.bc import BCConfig

    from hierbrush.learning.offline.data import StrokeData

    config = BCConfig().offline_data(input_=[str(data)])
    config.learner_config_dict = {"offline": {"kinds": ["policy"], "gamma": 0.5, "scale": 1.0}}
    ticks, again = StrokeData(config), StrokeData(config)
    count = len(ticks)
    drawn = [ticks.sample(100)["default_policy"]["rewards"] for _ in range(count // 100 + 1)]
    once = np.concatenate(drawn)[:count]
    rows = [pq.read_table(file) for part in ("data", "episodes") for file in sorted((data / part).glob("*"))]
    assert len(rows) == 4
    again.drawn = 3
    assert np.array_equal(again.sample(100)["default_policy"]["rewards"], drawn[3])
    assert sorted(once.tolist()) == sorted(np.asarray(ticks._columns["rewards"]).tolist())


def test_returns_are_discounted_and_end_with_the_stroke() -> None:
    from hierbrush.learning.offline.data import returns

    rewards, over = np.array([1, 2, 4, 8], np.float32), np.array([False, True, False, True])
    assert returns(rewards, over, 0.5).tolist() == [2.0, 2.0, 8.0, 8.0]


def test_rllib_reads_the_files_as_they_stand(data: Path) -> None:
    """As `OfflineData` does: Ray Data's batches, and RLlib's own prelearner with its own connectors."""
    import gymnasium
    from ray.data.block import BlockAccessor
    from ray.rllib.algorithms.bc import BCConfig
    from ray.rllib.offline.offline_prelearner import OfflinePreLearner

    table = pq.read_table(data / "data" / "shard-00000.parquet").slice(0, 64)
    batch = BlockAccessor.for_block(table).to_batch_format("numpy")
    assert batch["obs"].shape == (64, 219)
    spaces = gymnasium.spaces.Box(-np.inf, np.inf, (219,)), gymnasium.spaces.Box(-1.0, 1.0, (3,))
    config = BCConfig().environment(observation_space=spaces[0], action_space=spaces[1])
    config.rl_module(rl_module_spec=config.get_multi_rl_module_spec(spaces={"default_policy": spaces}))
    learned = OfflinePreLearner(config=config, spaces=spaces)(batch)
    assert np.asarray(learned["default_policy/obs"]).shape == (64, 219)
    assert np.allclose(np.asarray(learned["default_policy/actions"]), batch["actions"])
