from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from PIL import Image

from hierbrush.characters import split
from hierbrush.cli import hierbrush
from hierbrush.datasets import DatasetSettings, make_dataset, read_card
from hierbrush.datasets.episodes import episodes_of
from hierbrush.datasets.make import tick_table
from hierbrush.datasets.picture import draw_dataset
from hierbrush.errors import HierbrushError
from hierbrush.sim import BrushModel, GoalBank, StrokeBatch
from hierbrush.strokes.follower import FOLLOWER

SMALL = DatasetSettings(ticks=700, shard=350, budget=150, seed=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("data") / "set", SMALL)


def table(folder: Path, part: str, shard: int = 0):
    return pq.read_table(folder / part / f"shard-{shard:05d}.parquet")


def test_a_data_set_has_what_was_asked_for(folder) -> None:
    card = read_card(folder)
    assert card["finished"]
    assert card["ticks"] >= 700
    assert set(card["kinds"]) == {"planned", "policy", "noisy", "random"}
    assert all(count["ticks"] >= 170 for count in card["kinds"].values())
    assert card["settings"]["seed"] == 3
    assert "Arphic" in card["licence"]
    assert card["ticks"] == sum(table(folder, "data", shard).num_rows for shard in (0, 1))


def test_rows_are_those_of_rllib_and_follow_from_one_another(folder) -> None:
    rows = table(folder, "data")
    assert rows.column_names == ["eps_id", "t", "obs", "actions", "rewards", "new_obs", "terminateds", "truncateds"]
    obs, after = (rows[name].combine_chunks().to_numpy_ndarray() for name in ("obs", "new_obs"))
    over = rows["terminateds"].to_numpy()
    assert obs.shape == (rows.num_rows, 219)
    assert obs.dtype == np.float32
    assert np.array_equal(after[:-1][~over[:-1]], obs[1:][~over[:-1]])
    assert over.sum() == len(set(rows["eps_id"].to_pylist())) == table(folder, "episodes").num_rows
    assert (rows["t"].to_numpy()[1:][over[:-1]] == 0).all()


def test_rewards_add_up_to_the_returns_and_searches_climb(folder) -> None:
    rows, episodes = table(folder, "data").to_pydict(), table(folder, "episodes").to_pydict()
    for number, eps_id in enumerate(episodes["eps_id"]):
        earned = sum(r for r, at in zip(rows["rewards"], rows["eps_id"], strict=True) if at == eps_id)
        assert earned == pytest.approx(episodes["return"][number], abs=1e-4)
    planned = [at for at, kind in enumerate(episodes["kind"]) if kind == "planned"]
    assert {episodes["stage"][at] for at in planned} > {0}
    by_kind = {
        kind: np.mean([iou for iou, of in zip(episodes["iou"], episodes["kind"], strict=True) if of == kind])
        for kind in ("planned", "noisy", "random")
    }
    assert by_kind["planned"] > by_kind["noisy"] > by_kind["random"]


def test_recorded_actions_write_what_was_recorded() -> None:
    for episode in episodes_of(SMALL, 0)[::7]:
        goal = episode.wanted.goal
        bank = GoalBank.build([goal.outline], [FOLLOWER.track(goal, BrushModel())], supersample=2)
        batch = StrokeBatch(bank, episode.wanted.brush, 1)
        for action, pose in zip(episode.actions, episode.poses[1:], strict=True):
            batch.track(action)
            assert batch.position[0] == pytest.approx(pose, abs=1e-7)
        assert batch.observation[0] == pytest.approx(episode.obs[-1], abs=1e-6)


def test_no_test_character_is_in_a_data_set(folder) -> None:
    assert {split(char) for char in table(folder, "goals")["character"].to_pylist()} == {"train"}


def test_the_same_seed_gives_the_same_numbers_and_a_stopped_one_goes_on(folder, tmp_path, monkeypatch) -> None:
    done = 0

    def stop(ticks: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_dataset(tmp_path / "set", SMALL, progress=stop)
    assert not read_card(tmp_path / "set")["finished"]
    with pytest.raises(HierbrushError, match=r"folder: .* holds a data set; resume it"):
        make_dataset(tmp_path / "set", SMALL)
    with pytest.raises(HierbrushError, match="was begun with seed 3, not 4"):
        make_dataset(tmp_path / "set", DatasetSettings(ticks=700, shard=350, budget=150, seed=4), resume=True)
    first = (tmp_path / "set/data/shard-00000.parquet").stat().st_mtime_ns

    def count(ticks: int) -> None:
        nonlocal done
        done += 1

    make_dataset(tmp_path / "set", SMALL, resume=True, progress=count)
    assert done == 1
    assert (tmp_path / "set/data/shard-00000.parquet").stat().st_mtime_ns == first
    for shard in (0, 1):
        for part in ("data", "episodes", "goals"):
            assert table(tmp_path / "set", part, shard).equals(table(folder, part, shard))


def test_a_damaged_shard_is_made_again(folder, tmp_path) -> None:
    make_dataset(tmp_path / "set", SMALL)
    (tmp_path / "set/data/shard-00001.parquet").write_bytes(b"PAR1")
    make_dataset(tmp_path / "set", SMALL, resume=True)
    assert table(tmp_path / "set", "data", 1).equals(table(folder, "data", 1))


def test_what_is_no_data_set_is_left_alone(tmp_path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(HierbrushError, match="holds something that is no data set"):
            make_dataset(tmp_path, SMALL, resume=resume)


def test_a_lerobot_data_set_has_the_poses_and_the_commands(tmp_path) -> None:
    settings = DatasetSettings(ticks=120, kinds={"policy": 1})
    make_dataset(tmp_path / "robot", settings, format="lerobot")
    info = json.loads((tmp_path / "robot/meta/info.json").read_text())
    assert info["codebase_version"] == "v3.0"
    assert info["fps"] == 20
    assert info["features"]["observation.state"]["shape"] == [3]
    frames = pq.read_table(tmp_path / "robot/data/chunk-000/file-000.parquet")
    assert frames.num_rows == info["total_frames"] == read_card(tmp_path / "robot")["ticks"]
    state = np.array(frames["observation.state"].to_pylist())
    assert state.dtype == np.float64
    assert np.abs(state).max() < 0.2
    make_dataset(tmp_path / "robot", settings, format="lerobot", resume=True)  # nothing is left to do
    with pytest.raises(HierbrushError, match="is a LeRobot data set; a data set goes on in its format"):
        make_dataset(tmp_path / "robot", settings, resume=True)


def test_a_lerobot_data_set_that_was_stopped_goes_on(tmp_path) -> None:
    def stop(ticks: int) -> None:
        raise KeyboardInterrupt

    settings = DatasetSettings(ticks=100, shard=50, kinds={"policy": 1}, pictures=32)
    make_dataset(tmp_path / "whole", settings, format="lerobot")
    draw_dataset(tmp_path / "whole", tmp_path / "whole.png")
    assert (tmp_path / "whole.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(KeyboardInterrupt):
        make_dataset(tmp_path / "robot", settings, format="lerobot", progress=stop)
    assert not (tmp_path / "robot").exists()
    with pytest.raises(HierbrushError, match="holds shards of a data set; resume it"):
        make_dataset(tmp_path / "robot", settings, format="lerobot")
    with pytest.raises(HierbrushError, match="was begun with seed 0, not 1"):
        make_dataset(tmp_path / "robot", replace(settings, seed=1), format="lerobot", resume=True)
    told: list[int] = []
    make_dataset(tmp_path / "robot", settings, format="lerobot", resume=True, progress=told.append)
    assert len(told) == 1
    assert not (tmp_path / "robot.parts").exists()
    for file in ("data/chunk-000/file-000.parquet", "meta/stats.json", "card.json"):
        assert (tmp_path / "robot" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()


def test_a_lerobot_data_set_has_pictures_of_the_paper(tmp_path) -> None:
    settings = DatasetSettings(ticks=60, kinds={"policy": 1}, pictures=64)
    make_dataset(tmp_path / "robot", settings, format="lerobot")
    info = json.loads((tmp_path / "robot/meta/info.json").read_text())
    assert info["features"]["observation.images.paper"] == {
        "dtype": "image",
        "shape": [64, 64, 3],
        "names": ["height", "width", "channels"],
    }
    frames = pq.read_table(tmp_path / "robot/data/chunk-000/file-000.parquet")
    assert str(frames.schema.field("observation.images.paper").type) == "struct<bytes: binary, path: string>"
    rows = frames["observation.images.paper"].to_pylist()
    pictures = np.array([np.asarray(Image.open(io.BytesIO(row["bytes"]))) for row in rows])
    assert pictures.shape == (frames.num_rows, 64, 64, 3)
    length = int(np.argmax(np.array(frames["episode_index"]) == 1))  # of the first stroke
    dark = (pictures[:length, ..., 0] < 60).sum(axis=(1, 2))
    assert dark[0] == 0
    assert (np.diff(dark) >= 0).all()
    assert dark[-1] > 5
    assert (pictures[0][..., 1] < 200).sum() > 5  # the goal, in red
    assert pictures[0][..., 0].min() > 200
    stats = json.loads((tmp_path / "robot/meta/stats.json").read_text())["observation.images.paper"]
    assert np.shape(stats["mean"]) == (3, 1, 1)
    assert np.allclose(np.ravel(stats["mean"]), pictures.mean(axis=(0, 1, 2)) / 255)
    assert np.allclose(np.ravel(stats["std"]), pictures.std(axis=(0, 1, 2)) / 255)
    assert np.allclose(np.ravel(stats["q50"]), np.median(pictures, axis=(0, 1, 2)) / 255)
    episodes = pq.read_table(tmp_path / "robot/meta/episodes/chunk-000/file-000.parquet")
    assert np.shape(episodes["stats/observation.images.paper/max"].to_pylist()[0]) == (3, 1, 1)
    with pytest.raises(HierbrushError, match="pictures: RLlib's Parquet has none"):
        make_dataset(tmp_path / "other", settings)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ticks": 0}, "ticks: 0"),
        ({"kinds": {"plan": 1}}, "kinds: 'plan' is none of planned, policy, noisy, random; did you mean 'planned'"),
        ({"kinds": {"policy": 0}}, "expected one share above 0"),
        ({"kinds": {"policy": -1}}, r"kinds\[policy\]: -1"),
        ({"strokes": ("HHH",)}, "strokes: 'HHH' is none of the 38"),
        ({"part": "test"}, "part: 'test'"),
        ({"observation": "none"}, "observation: 'none'"),
        ({"noise": float("nan")}, "noise: nan"),
        ({"supersample": 3}, "supersample: 3"),
        ({"model": "measurd"}, "model: 'measurd' is not one of measured, round, nor a brush file; did you mean"),
        ({"pictures": 100}, "pictures: 100, expected one of 0, 32, 64, 128, 256 pixels"),
    ],
)
def test_settings_that_cannot_be_are_told(fields, message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        DatasetSettings(**fields)


def test_a_brush_file_is_what_writes(tmp_path) -> None:
    file = tmp_path / "mine.brush.yaml"
    file.write_text("width_slope: 0.9\n")
    settings = {"ticks": 60, "kinds": {"policy": 1}, "seed": 1}
    own = make_dataset(tmp_path / "own", DatasetSettings(**settings, model=str(file)))
    usual = make_dataset(tmp_path / "usual", DatasetSettings(**settings))
    assert table(own, "data").to_pydict() != table(usual, "data").to_pydict()
    assert read_card(own)["settings"]["model"] == str(file)
    assert "model" not in read_card(usual)["settings"]


def test_the_command_line_makes_and_shows_a_data_set(tmp_path) -> None:
    run = CliRunner()
    made = run.invoke(
        hierbrush,
        ["dataset", "make", "-o", str(tmp_path / "d"), "--ticks", "200", "--kind", "noisy", "--kind", "policy=2"],
        catch_exceptions=False,
    )
    assert made.exit_code == 0
    assert "bytes a tick" in made.output
    shown = run.invoke(
        hierbrush, ["dataset", "show", str(tmp_path / "d"), "-o", str(tmp_path / "d.png")], catch_exceptions=False
    )
    assert "finished" in shown.output
    assert (tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["make", "-o", "{}", "--kind", "planed"], "--kind: 'planed' is none of"),
        (["make", "-o", "{}", "--kind", "planned=x"], "--kind: 'planned=x', expected a kind and a share"),
        (["make", "-o", "{}", "--stroke", "hzg"], "--stroke: 'hzg' is none of the 38 stroke types; did you mean 'HZG'"),
        (["make", "-o", "{}", "--kind", "planned=-1"], "--kind: planned: -1.0, expected a share"),
        (["make", "-o", "{}", "--noise", "nan"], "--noise: nan, expected"),
        (["make", "-o", "{}", "--brush-error", "2"], "--brush-error: 2.0, expected a share"),
        (["make", "-o", "{}", "--policy", "nobody"], "--policy: 'nobody' is neither"),
        (["make", "-o", "{}", "--policy", "planned"], "--policy: 'planned'"),
        (["make", "-o", "/dev/null/set", "--ticks", "10"], "--output: cannot make '/dev/null/set': Not a directory"),
        (["make", "-o", "/dev/null/set", "--format", "lerobot"], "--output: cannot make '/dev/null/set.parts'"),
        (["show", "{}"], "holds no data set"),
    ],
)
def test_the_command_line_tells_what_is_wrong(tmp_path, arguments, message: str) -> None:
    result = CliRunner().invoke(hierbrush, ["dataset", *(each.format(tmp_path / "none") for each in arguments)])
    assert isinstance(result.exception, HierbrushError)
    assert message in str(result.exception)


def test_a_large_data_set_is_told_with_what_a_million_ticks_cost(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("hierbrush.cli.dataset._MANY", 100)
    arguments = ["dataset", "make", "-o", str(tmp_path / "d"), "--ticks", "100", "--kind", "random"]
    told = CliRunner().invoke(hierbrush, arguments, catch_exceptions=False).output.splitlines()
    assert re.fullmatch(r"a million ticks at this rate: \d+ MB, [\d.]+ processor minutes", told[-1])
    again = CliRunner().invoke(hierbrush, [*arguments, "--resume"], catch_exceptions=False).output
    assert "rate" not in again  # nothing was written


def test_the_names_of_the_columns_are_those_of_rllib() -> None:
    columns = pytest.importorskip("ray.rllib.core.columns").Columns
    names = tick_table(0, episodes_of(DatasetSettings(ticks=20, kinds={"policy": 1}), 0)).column_names
    known = {getattr(columns, name) for name in dir(columns) if name.isupper()}
    assert set(names) <= known
