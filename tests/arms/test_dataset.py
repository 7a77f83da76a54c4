"""LeRobot data sets of an arm that writes, and the one writer of such sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hierbrush.errors import HierbrushError
from hierbrush.lerobot import Episode, write_lerobot
from hierbrush.writing.arm_dataset import make_arm_dataset

pq = pytest.importorskip("pyarrow.parquet")

FILES = {
    "meta/info.json",
    "meta/stats.json",
    "meta/tasks.parquet",
    "meta/episodes/chunk-000/file-000.parquet",
    "data/chunk-000/file-000.parquet",
}


def check_lerobot(root: Path) -> dict[str, np.ndarray]:
    """Read a LeRobot data set of version 3.0 strictly, and return its columns."""
    assert {str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()} == FILES
    info = json.loads((root / "meta/info.json").read_text())
    assert info["codebase_version"] == "v3.0"
    data = pq.read_table(root / "data/chunk-000/file-000.parquet")
    assert set(data.column_names) == set(info["features"])
    columns = {}
    for name, feature in info["features"].items():
        kind = str(data.schema.field(name).type)
        (size,) = feature["shape"]
        # One number is kept plainly, several as a list.
        expected = {"float32": "float", "int64": "int64"}[feature["dtype"]]
        if size > 1:
            assert kind in ("list<element: float>", "list<item: float>")
            assert len(feature["names"]) == size
        else:
            assert kind == expected
        columns[name] = np.array(data[name].to_pylist())
        assert columns[name].shape[1:] == ((size,) if size > 1 else ())
    frames = info["total_frames"]
    assert np.array_equal(columns["index"], np.arange(frames))
    episodes = pq.read_table(root / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert len(episodes) == info["total_episodes"]
    assert info["splits"] == {"train": f"0:{len(episodes)}"}
    tasks = pq.read_table(root / "meta/tasks.parquet").to_pylist()
    assert len(tasks) == info["total_tasks"]
    at = 0
    for number, row in enumerate(episodes):
        assert row["episode_index"] == number
        assert (row["dataset_from_index"], row["dataset_to_index"]) == (at, at + row["length"])
        mine = slice(at, at + row["length"])
        assert (columns["episode_index"][mine] == number).all()
        assert np.array_equal(columns["frame_index"][mine], np.arange(row["length"]))
        assert np.allclose(columns["timestamp"][mine], np.arange(row["length"]) / info["fps"], atol=1e-4)
        task = tasks[int(columns["task_index"][mine][0])]["task"]
        assert row["tasks"] == [task]
        at += row["length"]
    assert at == frames
    stats = json.loads((root / "meta/stats.json").read_text())
    for name, values in columns.items():
        flat = values.reshape(frames, -1)
        assert np.allclose(stats[name]["mean"], flat.mean(axis=0), rtol=1e-4, atol=1e-6)
        assert np.allclose(stats[name]["max"], flat.max(axis=0))
        assert stats[name]["count"] == [frames]
    return columns


def test_an_arm_s_writing_is_recorded(tmp_path: Path) -> None:
    root = make_arm_dataset(tmp_path / "set", ["一", "丨"], policy="scripted", fps=25)
    columns = check_lerobot(root)
    info = json.loads((root / "meta/info.json").read_text())
    assert info["robot_type"] == "so101"
    assert info["features"]["action"]["names"][0] == "shoulder_pan.pos"
    # The weak drives sag, so that what was reached is not what was told, but near it.
    off = np.abs(columns["action"] - columns["observation.state"])
    assert 0.001 < off.mean() < 0.05
    assert columns["observation.tip"][:, 2].max() > 0.001


def test_the_writer_takes_any_features(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = {"action": ("a", "b"), "reward": ("r",)}
    episodes = [
        Episode(task, {"action": rng.normal(size=(n, 2)), "reward": rng.normal(size=(n, 1))})
        for task, n in (("one", 5), ("two", 3), ("one", 4))
    ]
    columns = check_lerobot(write_lerobot(tmp_path / "set", episodes, names, fps=20, robot="none"))
    assert columns["task_index"].tolist() == [0] * 5 + [1] * 3 + [0] * 4
    assert np.allclose(columns["action"][5:8], episodes[1].features["action"])
    with pytest.raises(HierbrushError, match="holds something already"):
        write_lerobot(tmp_path / "set", episodes, names, fps=20, robot="none")
    with pytest.raises(HierbrushError, match=r"episodes\[0\]: features"):
        write_lerobot(tmp_path / "other", episodes, {"action": ("a",)}, fps=20, robot="none")
    with pytest.raises(HierbrushError, match="episodes: there is none"):
        write_lerobot(tmp_path / "other", [], names, fps=20, robot="none")


def test_pandas_reads_tasks_as_lerobot_does(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    names = {"action": ("a", "b")}
    write_lerobot(tmp_path / "set", [Episode("write", {"action": np.zeros((2, 2))})], names, fps=20, robot="none")
    tasks = pandas.read_parquet(tmp_path / "set/meta/tasks.parquet")
    assert tasks.loc["write", "task_index"] == 0
    assert list(tasks.columns) == ["task_index"]


def test_lerobot_itself_loads_it(tmp_path: Path) -> None:
    loaders = pytest.importorskip("lerobot.datasets.lerobot_dataset")
    names = {"action": ("a", "b"), "reward": ("r",)}
    features = {"action": np.ones((6, 2)), "reward": np.arange(6.0)[:, None]}
    write_lerobot(tmp_path / "set", [Episode("write", features)], names, fps=20, robot="none")
    loaded = loaders.LeRobotDataset("hierbrush/test", root=tmp_path / "set")
    assert loaded.num_frames == 6
    assert loaded[3]["task"] == "write"
    assert float(loaded[3]["reward"]) == 3.0


def test_the_command_line_records_an_arm(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from hierbrush.cli.dataset import dataset

    place = str(tmp_path / "joints")
    told = ["make", "-o", place, "--arm", "so101", "--text", "一", "--policy", "scripted"]
    assert CliRunner().invoke(dataset, told, catch_exceptions=False).output == f"{place}\n"
    check_lerobot(Path(place))
    with pytest.raises(HierbrushError, match="--arm: and --text belong together"):
        CliRunner().invoke(dataset, told[:5], catch_exceptions=False)
