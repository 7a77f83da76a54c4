"""``hierbrush train`` as a user sees it: results, resumption after any death, errors, specialists from a generalist."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from ray.rllib.core.columns import Columns

from hierbrush.cli.train import train as command
from hierbrush.errors import HierbrushError
from hierbrush.learning.runs import checkpoint
from hierbrush.learning.runs.logs import read_metrics
from hierbrush.learning.runs.weights import load_card
from hierbrush.learning.train import train
from hierbrush.strokes.policy import MLPPolicy, PolicySet, read_safetensors

HERE = Path(__file__).parent


@pytest.fixture
def config_file(tmp_path: Path, toy_settings: dict[str, Any]) -> Path:
    toy_settings["training"]["steps"] = 8 * 2048
    return write(tmp_path / "toy.yaml", toy_settings)


def write(path: Path, settings: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


@pytest.mark.usefixtures("ray_running")
def test_run_leaves_weights_card_logs_and_curve(
    config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = train(config_file, output=tmp_path / "out") / "policy"
    records = read_metrics(folder / "metrics.jsonl")
    assert [record["steps"] for record in records] == [2048 * k for k in range(1, 9)]
    assert records[-1]["return"] > records[0]["return"]
    card = load_card(folder)
    assert card["steps"] == 8 * 2048
    assert card["config"]["name"] == "toy"
    assert (folder / "curve.png").read_bytes()[:4] == b"\x89PNG"
    assert len(checkpoint.complete(folder / "checkpoints")) <= 2
    assert "steps/s" in capsys.readouterr().err

    # The weights are the whole policy: NumPy acts as the trained RLModule does.
    from ray.rllib.core.rl_module.rl_module import RLModule

    newest = checkpoint.complete(folder / "checkpoints")[-1].resolve()
    module = RLModule.from_checkpoint(newest / "learner_group" / "learner" / "rl_module" / "default_policy")
    import torch

    obs = np.random.default_rng(0).standard_normal((50, 5)).astype(np.float32)
    expected = module.forward_inference({Columns.OBS: torch.from_numpy(obs)})[Columns.ACTION_DIST_INPUTS][:, :2]
    action = MLPPolicy.load(folder / "weights.safetensors")(obs)
    assert np.abs(expected.numpy()).max() > 0.05
    np.testing.assert_allclose(action, np.clip(expected.numpy(), -1, 1), atol=1e-5)

    # A finished policy is not trained again, a changed weights file is noticed.
    before = (folder / "card.json").read_bytes()
    train(config_file, output=tmp_path / "out", resume=True)
    assert (folder / "card.json").read_bytes() == before
    (folder / "weights.safetensors").write_bytes(b"another")
    with pytest.raises(HierbrushError, match="SHA-256 differs"):
        load_card(folder)


@pytest.mark.usefixtures("ray_running")
def test_specialists_start_from_the_generalist(tmp_path: Path, toy_settings: dict[str, Any]) -> None:
    toy_settings["training"].update(steps=3 * 2048, value_warmup=0)
    toy_settings["phases"] = [
        {"name": "all"},
        # A learning rate too small to move anything shows where the weights came from.
        {
            "name": "each",
            "policies": "per_stroke",
            "start_from": "all",
            "steps": 2048,
            "lr": 1e-12,
            "lr_final": 1e-12,
            "sigma": 0.2,
            "sigma_final": 0.2,
        },
    ]
    path = write(tmp_path / "toy.yaml", toy_settings)
    out = train(path, output=tmp_path / "out", stroke="HZG")
    assert not (out / "each" / "H").exists()
    general, special = (read_safetensors(folder / "weights.safetensors") for folder in (out / "all", out / "each/HZG"))
    assert general.keys() == special.keys()
    for name in general:
        np.testing.assert_allclose(special[name], general[name], atol=1e-7)
    assert read_metrics(out / "each" / "HZG" / "metrics.jsonl")[0]["sigma"] == pytest.approx(0.2)
    assert load_card(out / "each" / "HZG")["stroke"] == "HZG"


def test_weights_of_many_types_in_one_file_act_row_by_row(tmp_path: Path) -> None:
    from hierbrush.learning.runs.weights import pack, write_weights

    rng = np.random.default_rng(0)
    folders = {}
    for kind in ("H", "S", "HZG"):
        layers = {"policy.0": (16, 6), "policy.2": (3, 16), "value.0": (4, 6)}
        tensors = {}
        for layer, shape in layers.items():
            tensors[f"{layer}.weight"] = rng.standard_normal(shape).astype(np.float32) / 4
            tensors[f"{layer}.bias"] = rng.standard_normal(shape[:1]).astype(np.float32) / 4
        folders[kind] = tmp_path / kind
        folders[kind].mkdir()
        write_weights(folders[kind] / "weights.safetensors", tensors, {"stroke": kind})
    pack(folders, tmp_path)
    policies = PolicySet.load(tmp_path / "policies.safetensors")
    cards = json.loads((tmp_path / "policies.json").read_bytes())
    assert list(cards["policies"]) == ["H", "S", "HZG"]
    assert not any("value" in name for name in read_safetensors(tmp_path / "policies.safetensors"))
    obs = rng.standard_normal((5, 6)).astype(np.float32)
    types = ["S", "H", "S", "HZG", "H"]
    actions = policies.bind(types)(obs)
    for row, kind in enumerate(types):
        np.testing.assert_allclose(actions[row], policies.policies[kind](obs[row : row + 1])[0], atol=1e-6)
        full = MLPPolicy.load(folders[kind] / "weights.safetensors")(obs[row : row + 1])[0]
        np.testing.assert_allclose(actions[row], full, atol=2e-3)
    np.testing.assert_array_equal(policies.bind(["H", "H"])(obs[:2]), policies.policies["H"](obs[:2]))
    with pytest.raises(HierbrushError, match=r"no policy for 'HZ'.*did you mean"):
        policies.bind(["HZ"])


def test_specialists_are_packed_as_changes_of_what_they_began_as(tmp_path: Path) -> None:
    from hierbrush.learning.runs.weights import pack, write_weights

    rng = np.random.default_rng(1)
    shapes = {"policy.0": (16, 20), "policy.1": (3, 16)}
    common = {f"{layer}.weight": rng.standard_normal(shape).astype(np.float32) for layer, shape in shapes.items()}
    folders = {}
    for kind in ("base", "H", "S"):
        tensors = {}
        for layer, (outputs, inputs) in shapes.items():
            change = rng.standard_normal((outputs, 2)) @ rng.standard_normal((2, inputs)) * (kind != "base") / 10
            tensors[f"{layer}.weight"] = common[f"{layer}.weight"] + change.astype(np.float32)
            tensors[f"{layer}.bias"] = rng.standard_normal(outputs).astype(np.float32)
        folders[kind] = tmp_path / kind
        folders[kind].mkdir()
        write_weights(folders[kind] / "weights.safetensors", tensors, {"stroke": kind})
    base = folders.pop("base")
    folders["D"] = base  # a type that nothing better was found for
    pack(folders, tmp_path, base=base, rank=2)
    stored = read_safetensors(tmp_path / "policies.safetensors")
    assert stored["H/0.up"].shape == (16, 2)
    assert "H/0.weight" not in stored
    policies = PolicySet.load(tmp_path / "policies.safetensors").policies
    assert set(policies) == {"H", "S", "D"}
    assert not any(name.startswith("D/") and name.endswith((".up", ".down")) for name in stored)
    obs = rng.standard_normal((9, 20)).astype(np.float32) / 20
    for kind, folder in folders.items():
        np.testing.assert_allclose(policies[kind](obs), MLPPolicy.load(folder / "weights.safetensors")(obs), atol=5e-3)


@pytest.mark.usefixtures("ray_running")
def test_training_in_the_folder_of_another_is_refused(config_file: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "policy" / "checkpoints").mkdir(parents=True)
    with pytest.raises(HierbrushError, match="--resume"):
        train(config_file, output=tmp_path / "out")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["training.stesp=3"], "did you mean 'steps'"),
        (["environment.id=Reach-v9"], "environment.id: 'Reach-v9' cannot be used"),
        (["training.minibatch=100000"], "above the 2048 steps of a batch"),
        (["curriculum=nowhere.yaml"], "curriculum: there is no file 'nowhere.yaml'"),
        (["initial_weights=nowhere.safetensors"], "nowhere.safetensors' is not a file"),
    ],
)
def test_errors_say_what_is_wrong(config_file: Path, tmp_path: Path, overrides: list[str], message: str) -> None:
    arguments = [str(config_file), "--output", str(tmp_path / "out")]
    for override in overrides:
        arguments += ["--set", override]
    result = CliRunner().invoke(command, arguments)
    assert isinstance(result.exception, HierbrushError)
    assert message in str(result.exception)


def test_pickled_or_foreign_weights_are_refused(tmp_path: Path) -> None:
    import pickle

    for name, data in (
        ("a.pkl", pickle.dumps({"policy.0.weight": 1})),
        ("b.pt", b"PK\x03\x04" + bytes(100)),
        ("c.safetensors", (50).to_bytes(8, "little") + b"{" * 50),
        ("d.safetensors", b""),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(HierbrushError, match=name):
            MLPPolicy.load(tmp_path / name)


class _Trap:
    """A pickle of it leaves a file where it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self._path,)


def test_nothing_named_as_weights_is_ever_unpickled(tmp_path: Path) -> None:
    import pickle

    from hierbrush.composer.policy import ComposerPolicy
    from hierbrush.learning.runs.weights import load_weights

    sprung = tmp_path / "sprung"
    for name in ("weights.safetensors", "weights.pkl", "weights.pt"):
        path = tmp_path / name
        path.write_bytes(pickle.dumps(_Trap(sprung)))
        for load in (MLPPolicy.load, PolicySet.load, ComposerPolicy.load, lambda path: load_weights(path, {})):
            with pytest.raises(HierbrushError, match=name):
                load(path)
    assert not sprung.exists()
    pickle.loads(path.read_bytes())  # the trap works
    assert sprung.exists()


def started(config_file: Path, out: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "hierbrush", "train", str(config_file), "--output", str(out), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def wait_for_checkpoint(folder: Path, process: subprocess.Popen[bytes], newer_than: int = -1) -> int:
    """Wait as long as the training runs: how long it takes says nothing on a busy machine."""
    while True:
        found = checkpoint.complete(folder)
        if found and checkpoint.steps_of(found[-1]) > newer_than:
            return checkpoint.steps_of(found[-1])
        if process.poll() is not None:
            raise AssertionError(process.communicate()[0].decode())
        time.sleep(0.1)


@pytest.mark.slow
def test_killed_training_loses_only_the_steps_since_its_checkpoint(
    tmp_path: Path, toy_settings: dict[str, Any]
) -> None:
    toy_settings["training"]["steps"] = 10**8
    toy_settings["output"] = {"checkpoint_every": 0.01, "keep": 2, "tensorboard": True}
    path, out = write(tmp_path / "toy.yaml", toy_settings), tmp_path / "out"
    folder = out / "policy" / "checkpoints"
    process = started(path, out)
    first = wait_for_checkpoint(folder, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = checkpoint.steps_of(checkpoint.complete(folder)[-1])
    assert kept >= first

    process = started(path, out, "--resume")
    wait_for_checkpoint(folder, process, newer_than=kept)
    process.send_signal(signal.SIGTERM)
    output = process.communicate()[0].decode()
    assert process.returncode == 128 + signal.SIGTERM, output
    assert "--resume goes on" in output
    assert not list(folder.glob(".unfinished*"))
    steps = [record["steps"] for record in read_metrics(out / "policy" / "metrics.jsonl")]
    assert steps == list(range(2048, steps[-1] + 1, 2048))
    assert checkpoint.steps_of(checkpoint.complete(folder)[-1]) == steps[-1]


def test_checkpoint_is_whole_or_absent(tmp_path: Path) -> None:
    def whole(folder: Path) -> None:
        (folder / "inner").mkdir()
        (folder / "inner" / "state").write_text("all")

    def broken(folder: Path) -> None:
        (folder / "state").write_text("half")
        raise OSError(28, "No space left on device")

    for steps in (100, 200, 300):
        checkpoint.save(tmp_path, steps, whole, keep=2)
    with pytest.raises(HierbrushError, match="No space left"):
        checkpoint.save(tmp_path, 400, broken, keep=2)
    assert [checkpoint.steps_of(path) for path in checkpoint.complete(tmp_path)] == [200, 300]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000000200", "step-000000000300"]
    (tmp_path / ".unfinished-1-step-000000000400").mkdir()
    checkpoint.remove_unfinished(tmp_path)
    assert checkpoint.complete(tmp_path)[-1].name == "step-000000000300"
    assert len(list(tmp_path.iterdir())) == 2


def in_phases(settings: dict[str, Any]) -> dict[str, Any]:
    settings["training"].update(steps=4 * 2048, value_warmup=0)
    settings["phases"] = [
        {"name": "all"},
        {"name": "each", "policies": "per_stroke", "start_from": "all", "steps": 2 * 2048},
    ]
    settings["resources"] = {"processes": 3}
    settings["curriculum"] = "strokes.yaml"
    return settings


def with_strokes(folder: Path, *strokes: str) -> None:
    from test_algorithm import CURRICULUM

    (folder / "strokes.yaml").write_text(yaml.safe_dump({**CURRICULUM, "strokes": list(strokes)}), encoding="utf-8")


@pytest.mark.usefixtures("ray_running")
def test_policies_train_side_by_side_and_end_in_one_table(
    tmp_path: Path, toy_settings: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with_strokes(tmp_path, "H", "S", "HZG")
    out = train(write(tmp_path / "toy.yaml", in_phases(toy_settings)), output=tmp_path / "out")
    for name in ("all", "each/H", "each/S", "each/HZG"):
        assert load_card(out / name)["steps"] == (4 if name == "all" else 2) * 2048
    assert set(PolicySet.load(out / "policies.safetensors").policies) == {"H", "S", "HZG"}
    table = (out / "results.csv").read_text().splitlines()
    assert table[0] == "policy,steps,stage,return,iou,iou_p05,seconds"
    assert table[1].startswith("all,8192,")
    assert {row.split(",")[0] for row in table[2:]} == {"each/H", "each/S", "each/HZG"}
    told = capsys.readouterr().err
    assert "[3/3] each/" in told
    assert "policies.safetensors: 3 policies" in told
    assert not (out / ".tune").exists()


@pytest.mark.usefixtures("ray_running")
def test_sweep_trains_every_combination_and_puts_the_best_first(tmp_path: Path, toy_settings: dict[str, Any]) -> None:
    with_strokes(tmp_path, "H")
    toy_settings["training"]["steps"] = 6 * 2048
    toy_settings["curriculum"] = "strokes.yaml"
    toy_settings["resources"] = {"processes": 3}
    toy_settings["sweep"] = {
        "values": {
            "training.lr": [1e-12, 5e-3],
            "reward.outside": [0.5],
            "policy.sigma": {"low": 0.45, "high": 0.55, "log": True},
        },
        "metric": "return",
    }
    path = write(tmp_path / "toy.yaml", toy_settings)
    out = train(path, output=tmp_path / "out")
    best, _ = [row.split(",") for row in (out / "results.csv").read_text().splitlines()[1:]]
    assert best[0].startswith("001-")
    assert "outside=0.5_lr=0.005" in best[0]
    folders = sorted(folder for folder in out.iterdir() if folder.is_dir())
    cards = [load_card(folder / "policy")["config"] for folder in folders]
    assert [card["training"]["lr"] for card in cards] == [1e-12, 5e-3]
    assert all(0.45 <= card["policy"]["sigma"] <= 0.55 for card in cards)
    assert all(card["reward"]["outside"] == 0.5 for card in cards)
    before = [(folder / "policy" / "card.json").read_bytes() for folder in folders]
    train(path, output=tmp_path / "out", resume=True)  # draws the same values, so nothing is left to train
    assert [(folder / "policy" / "card.json").read_bytes() for folder in folders] == before


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ({"values": {"training.stesp": [1]}}, r"toy.yaml:\d+:\d+: unknown key 'stesp'; did you mean 'steps'"),
        ({"values": {"training.lr": [1e-3, -1]}}, r"toy.yaml:\d+:\d+: training.lr should be greater than 0, got -1"),
        ({"values": {"training.lr": {"low": 2, "high": 1}}}, r"low 2.0 is not below high 1.0"),
        ({"values": {"training.lr": [1e-3]}, "samples": 3}, r"samples 3: there is no range"),
        ({"values": {}}, r"values.* at least 1"),
    ],
)
def test_mistakes_in_a_sweep_are_said_with_their_place(
    tmp_path: Path, toy_settings: dict[str, Any], sweep: dict[str, Any], message: str
) -> None:
    path = write(tmp_path / "toy.yaml", {**toy_settings, "sweep": sweep})
    with pytest.raises(HierbrushError, match=message):
        train(path, output=tmp_path / "out")


@pytest.mark.usefixtures("ray_running")
def test_training_goes_on_from_a_uri_on_another_machine(tmp_path: Path, toy_settings: dict[str, Any]) -> None:
    toy_settings["training"]["steps"] = 8 * 2048
    toy_settings["output"] = {
        "checkpoint_every": 0.001,
        "keep": 2,
        "tensorboard": False,
        "storage": (tmp_path / "bucket").as_uri(),
    }
    path, here = write(tmp_path / "toy.yaml", toy_settings), tmp_path / "here" / "toy"
    train(path, output=here)
    stored = tmp_path / "bucket" / "toy" / "policy"
    assert sorted(folder.name for folder in (stored / "checkpoints").iterdir()) == [
        f"step-{steps:012d}" for steps in (7 * 2048, 8 * 2048)
    ]
    assert not (here / "policy" / "checkpoints").exists()
    assert load_card(stored) == load_card(here / "policy")

    # The other machine has nothing, and the training was not finished.
    for name in ("card.json", "weights.safetensors"):
        (stored / name).unlink()
    toy_settings["training"]["steps"] = 10 * 2048
    longer, there = write(tmp_path / "longer.yaml", toy_settings), tmp_path / "there" / "toy"
    with pytest.raises(HierbrushError, match="already holds a training of policy; add --resume"):
        train(longer, output=there)
    train(longer, output=there, resume=True)
    records = read_metrics(there / "policy" / "metrics.jsonl")
    assert [record["steps"] for record in records] == [2048 * k for k in range(1, 11)]
    assert records[:8] == read_metrics(here / "policy" / "metrics.jsonl")

    # A third one finds it finished.
    third = train(longer, output=tmp_path / "third" / "toy", resume=True)
    assert load_card(third / "policy") == load_card(there / "policy")
