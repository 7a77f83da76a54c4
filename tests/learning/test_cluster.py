"""Training on a Ray cluster that is already there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray
import yaml

from hierbrush.resources import folder

HERE = Path(__file__).parent
CLUSTER = folder("configs") / "cluster"

# Required by the RayJob and RayCluster resources of KubeRay (ray.io/v1), as its API reference has them.
RAY_JOB = ("entrypoint", "rayClusterSpec")
WORKER_GROUP = ("groupName", "rayStartParams", "template")


def hierbrush(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from hierbrush.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=150,
        env={**os.environ, "PYTHONPATH": str(HERE), "RAY_USAGE_STATS_ENABLED": "0"},
        check=False,
    )


@pytest.fixture
def cluster() -> Iterator[str]:
    """A head without cores and two nodes with one each: whatever is remote must run on the nodes."""
    script = (
        "import sys\n"
        "from ray.cluster_utils import Cluster\n"
        "c = Cluster(initialize_head=True, head_node_args={'num_cpus': 1})\n"
        "c.add_node(num_cpus=1); c.add_node(num_cpus=1)\n"
        "print(c.address, flush=True); sys.stdin.read(); c.shutdown()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE), "RAY_USAGE_STATS_ENABLED": "0"},
    )
    assert process.stdout is not None
    try:
        yield next(line.strip() for line in process.stdout if ":" in line and line[0].isdigit())
    finally:
        process.communicate("", timeout=60)


def test_a_configuration_trains_on_a_cluster_as_it_does_alone(
    cluster: str, tmp_path: Path, toy_settings: dict[str, Any]
) -> None:
    toy_settings["training"]["steps"] = 8192
    toy_settings["resources"] = {"runners": 2}
    config = tmp_path / "toy.yaml"
    config.write_text(yaml.safe_dump(toy_settings))
    done = hierbrush("train", str(config), "--output", str(tmp_path / "out"), "--address", cluster)
    assert done.returncode == 0, done.stderr
    card = json.loads((tmp_path / "out" / "policy" / "card.json").read_text())
    assert card["steps"] == 8192


def test_no_cluster_is_one_clear_message(tmp_path: Path, toy_settings: dict[str, Any]) -> None:
    config = tmp_path / "toy.yaml"
    config.write_text(yaml.safe_dump(toy_settings))
    failed = hierbrush("train", str(config), "--output", str(tmp_path / "out"), "--address", "nonsense")
    assert failed.returncode == 2
    assert failed.stderr.splitlines()[-1].startswith(
        "hierbrush: error: --address: no Ray cluster answers at 'nonsense'"
    )
    assert "Traceback" not in failed.stderr


def test_the_launcher_file_is_what_ray_accepts() -> None:
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    document = yaml.safe_load((CLUSTER / "launcher.yaml").read_text())
    jsonschema.validate(document, schema)
    assert "--dashboard-host=127.0.0.1" in " ".join(document["head_start_ray_commands"])


def test_the_job_manifest_has_what_kuberay_requires() -> None:
    document = yaml.safe_load((CLUSTER / "rayjob.yaml").read_text())
    assert (document["apiVersion"], document["kind"]) == ("ray.io/v1", "RayJob")
    spec = document["spec"]
    assert all(spec[name] for name in RAY_JOB)
    cluster = spec["rayClusterSpec"]
    assert cluster["headGroupSpec"]["rayStartParams"]["dashboard-host"] == "127.0.0.1"
    for group in cluster["workerGroupSpecs"]:
        assert all(name in group for name in WORKER_GROUP)
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        for container in group["template"]["spec"]["containers"]:
            assert container["image"]
            assert container["resources"]["limits"] == container["resources"]["requests"]
