"""What dies and what is lost by it, with real processes on a cluster of several nodes: ``make test-faults``.

Each test prints what it measured, which docs/cluster.md has in a table.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster import PATIENCE, LocalCluster, running, wait_until
from test_algorithm import CURRICULUM

from hierbrush.learning.runs import checkpoint
from hierbrush.learning.runs.logs import read_metrics

pytestmark = pytest.mark.faults

BATCH = 128 * 16  # steps of one runner
ENDLESS = 10**8


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A head that runs nothing, and two nodes with a core each."""
    cluster = LocalCluster(head_cpus=0, nodes=2)
    yield cluster
    cluster.stop()


@pytest.fixture
def settings(toy_settings: dict[str, Any]) -> dict[str, Any]:
    """A training without end on both nodes, with a curriculum of two stages."""
    toy_settings["training"]["steps"] = ENDLESS
    toy_settings["environment"]["options"] = {"reach": [0.5, 1.0]}
    toy_settings["curriculum"] = "curriculum.yaml"
    toy_settings["resources"] = {"runners": 2}
    return toy_settings


def written(folder: Path, settings: dict[str, Any]) -> Path:
    (folder / "curriculum.yaml").write_text(yaml.safe_dump(CURRICULUM))
    (folder / "toy.yaml").write_text(yaml.safe_dump(settings))
    return folder / "toy.yaml"


def records_of(out: Path) -> list[dict[str, Any]]:
    return read_metrics(out / "policy" / "metrics.jsonl")


def assert_nothing_is_missing(records: list[dict[str, Any]], batch: int) -> None:
    """One record a batch, no steps left out or counted twice, and a stage and a clock that never go back."""
    assert [record["steps"] for record in records] == [batch * (at + 1) for at in range(len(records))]
    for before, after in itertools.pairwise(records):
        assert after["stage"] >= before["stage"]
        assert after["seconds"] >= before["seconds"]


def end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 128 + signal.SIGTERM, output
    assert "--resume goes on" in output


def runners_seen(out: Path, since: int) -> list[int]:
    return [record["runners"] for record in records_of(out)[since:]]


def test_runner_killed(cluster: LocalCluster, settings: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running("train", written(tmp_path, settings), "--output", out, "--address", cluster.address) as process:
        wait_until(lambda: len(records_of(out)) > 5, process)
        since = len(records_of(out))
        (killed, kept) = wait_until(lambda: _pair(cluster), process)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: 1 in runners_seen(out, since), process)
        wait_until(lambda: _back(runners_seen(out, since)), process)
        assert kept in cluster.workers("BatchedEnvRunner")
        end(process)
    records = records_of(out)
    assert_nothing_is_missing(records, 2 * BATCH)
    print(f"measured: runner killed: no steps lost, second runner back after {_gap(records, since):.1f} s")


def test_node_killed_and_another_added(cluster: LocalCluster, settings: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running("train", written(tmp_path, settings), "--output", out, "--address", cluster.address) as process:
        wait_until(lambda: len(records_of(out)) > 5, process)
        since = len(records_of(out))
        cluster.kill_node(0)
        wait_until(lambda: 1 in runners_seen(out, since), process)
        alone = len(records_of(out))
        wait_until(lambda: len(records_of(out)) > alone + 20, process)
        assert runners_seen(out, alone) == [1] * len(runners_seen(out, alone))
        added = len(records_of(out))
        cluster.add_node()
        wait_until(lambda: _back([1, *runners_seen(out, added)]), process)
        end(process)
    records = records_of(out)
    assert_nothing_is_missing(records, 2 * BATCH)
    assert records[-1]["steps"] == checkpoint.steps_of(checkpoint.complete(out / "policy" / "checkpoints")[-1])
    print(f"measured: node killed: no steps lost, back {_gap(records, added):.1f} s after another was added")


def test_driver_killed_at_ten_moments(cluster: LocalCluster, settings: dict[str, Any], tmp_path: Path) -> None:
    """Every second time it is killed while a checkpoint is being written, otherwise at any moment."""
    seed = int(os.environ.get("HIERBRUSH_FAULTS_SEED", time.time_ns() % 10**6))
    print(f"HIERBRUSH_FAULTS_SEED={seed}")
    moments = random.Random(seed)
    settings["training"]["steps"] = 4000 * BATCH  # steep enough schedules to be told from standing still
    settings["resources"] = {"runners": 0}
    settings["output"] = {"checkpoint_every": 0.05, "keep": 2, "tensorboard": True}
    config, out = written(tmp_path, settings), tmp_path / "out"
    folder = out / "policy" / "checkpoints"
    kept, lost, starts = 0, [], []
    for attempt in range(10):
        begun = time.monotonic()
        resume = ["--resume"] if attempt else []
        with running("train", config, "--output", out, "--address", cluster.address, *resume) as process:
            wait_until(lambda kept=kept: _newest(folder) > kept, process, pause=0.02)
            starts.append(time.monotonic() - begun)
            if attempt % 2:
                wait_until(lambda: list(folder.glob(".unfinished*")), process, pause=0.0)
            else:
                time.sleep(moments.uniform(0, 1.5))
            process.kill()
            process.wait()
        kept = _newest(folder)
        records = records_of(out)
        assert_nothing_is_missing(records, BATCH)
        assert records[-1]["steps"] - kept >= 0
        lost.append(records[-1]["steps"] - kept)
    with running("train", config, "--output", out, "--resume", "--address", cluster.address) as process:
        wait_until(lambda: records_of(out)[-1]["steps"] > kept + 10 * BATCH, process)
        end(process)
    assert not list(folder.glob(".unfinished*"))
    records = records_of(out)
    assert_nothing_is_missing(records, BATCH)
    for record in records:
        # Schedules go by the steps, whatever was killed in between: an update sees those before its own batch.
        done = min(1.0, record["steps"] / settings["training"]["steps"])
        assert record["sigma"] == pytest.approx(0.5 + done * (0.1 - 0.5), abs=1e-3)
        assert record["lr"] == pytest.approx(5e-3 + done * (5e-4 - 5e-3), rel=1e-2)
    assert records[-1]["stage"] == 1
    print(f"measured: driver killed: {max(lost)} steps lost at most ({max(lost) // BATCH} iterations), ", end="")
    print(f"first new checkpoint after {sum(starts[1:]) / len(starts[1:]):.1f} s (mean)")


def test_disk_full(cluster: LocalCluster, settings: dict[str, Any], tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system: {mounted.stderr.strip()}")
    try:
        settings["resources"] = {"runners": 0}
        settings["output"] = {"checkpoint_every": 1.0, "keep": 2, "tensorboard": True}
        config, out = written(tmp_path, settings), disk / "out"
        folder = out / "policy" / "checkpoints"
        with running("train", config, "--output", out, "--address", cluster.address) as process:
            wait_until(lambda: len(checkpoint.complete(folder)) == 2, process)
            ballast = disk / "ballast"
            with ballast.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    pass
            output = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == 2, output
        assert "No space left on device" in output.splitlines()[-1]
        assert output.splitlines()[-1].startswith("hierbrush: error: ")
        assert "Traceback" not in output
        last = checkpoint.complete(folder)
        assert len(last) == 2
        kept, begun = checkpoint.steps_of(last[-1]), time.monotonic()
        lost = records_of(out)[-1]["steps"] - kept
        ballast.unlink()
        with running("train", config, "--output", out, "--address", cluster.address, "--resume") as process:
            wait_until(lambda: _newest(folder) > kept, process)
            again = time.monotonic() - begun
            end(process)
        assert_nothing_is_missing(records_of(out), BATCH)
        print(f"measured: disk full: {lost} steps lost ({lost // BATCH} iterations), ", end="")
        print(f"new checkpoint {again:.1f} s after there was room again")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_runner_that_raises_at_once_ends_training(
    cluster: LocalCluster, settings: dict[str, Any], tmp_path: Path
) -> None:
    settings["environment"]["options"]["fail_after"] = 0
    begun = time.monotonic()
    config = written(tmp_path, settings)
    with running("train", config, "--output", tmp_path / "out", "--address", cluster.address) as process:
        output = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 1, output
    assert "OSError: the simulated brush is broken" in output
    assert "in runner 1:" in output
    print(f"measured: runner that raises: ended with its message {time.monotonic() - begun:.1f} s after the start")


def test_runner_that_hangs(cluster: LocalCluster, settings: dict[str, Any], tmp_path: Path) -> None:
    settings["environment"]["options"]["hang_once"] = str(tmp_path / "hung")
    settings["faults"] = {"sample_timeout": 10.0}
    (tmp_path / "hung").touch()
    out = tmp_path / "out"
    with running("train", written(tmp_path, settings), "--output", out, "--address", cluster.address) as process:
        wait_until(lambda: len(records_of(out)) > 5, process)
        since = len(records_of(out))
        (tmp_path / "hung").unlink()
        wait_until(lambda: _back(runners_seen(out, since)), process)
        end(process)
    records = records_of(out)
    assert_nothing_is_missing(records, 2 * BATCH)
    waited = max(after["seconds"] - before["seconds"] for before, after in itertools.pairwise(records))
    assert waited > 10.0
    print(f"measured: runner that hangs: no steps lost, {waited:.1f} s waited with a time-out of 10 s, ", end="")
    print(f"second runner back {_gap(records, since):.1f} s after it was last seen")


def test_trial_killed_goes_on_from_its_checkpoint(
    cluster: LocalCluster, settings: dict[str, Any], tmp_path: Path
) -> None:
    settings["training"]["steps"] = 600 * BATCH
    settings["resources"] = {"runners": 0}
    settings["output"] = {"checkpoint_every": 0.5, "tensorboard": False, "storage": (tmp_path / "store").as_uri()}
    settings["sweep"] = {"values": {"training.lr": [5e-3, 1e-3]}}
    out = tmp_path / "out"
    with running("train", written(tmp_path, settings), "--output", out, "--address", cluster.address) as process:
        first = out / "000-lr=0.005"
        wait_until(lambda: len(records_of(first)) > 20, process)
        (killed, *_) = cluster.workers("ResourceTrainable")  # what Tune makes of the trial's class
        os.kill(killed, signal.SIGKILL)
        output = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0, output
    assert "goes on from its checkpoint" in output
    for variant in ("000-lr=0.005", "001-lr=0.001"):
        records = records_of(out / variant)
        assert_nothing_is_missing(records, BATCH)
        assert records[-1]["steps"] == 600 * BATCH
    assert (out / "results.csv").read_text().count("\n") == 3
    assert not (tmp_path / "store" / ".tune").exists()


def test_trials_stop_after_a_checkpoint(cluster: LocalCluster, settings: dict[str, Any], tmp_path: Path) -> None:
    settings["resources"] = {"runners": 0}
    settings["output"] = {"checkpoint_every": 1000.0, "tensorboard": False}
    settings["sweep"] = {"values": {"training.lr": [5e-3, 1e-3, 1e-4]}}
    config, out = written(tmp_path, settings), tmp_path / "out"
    with running("train", config, "--output", out, "--address", cluster.address) as process:
        first = out / "000-lr=0.005" / "policy"
        wait_until(lambda: len(read_metrics(first / "metrics.jsonl")) > 20, process)
        end(process)
    assert _newest(first / "checkpoints") == read_metrics(first / "metrics.jsonl")[-1]["steps"]


def _pair(cluster: LocalCluster) -> list[int] | None:
    found = cluster.workers("BatchedEnvRunner")
    return found if len(found) == 2 else None


def _back(runners: list[int]) -> bool:
    return 1 in runners and 2 in runners[runners.index(1) :]


def _gap(records: list[dict[str, Any]], since: int) -> float:
    """Return the seconds from the record number ``since`` to the first with both runners after one with one."""
    alone = next(at for at in range(since, len(records)) if records[at]["runners"] == 1)
    both = next(at for at in range(alone, len(records)) if records[at]["runners"] == 2)
    return float(records[both]["seconds"] - records[since]["seconds"])


def _newest(folder: Path) -> int:
    found = checkpoint.complete(folder)
    return checkpoint.steps_of(found[-1]) if found else 0
