"""Training on a Ray cluster that is already there."""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray
import yaml
from cluster import ENVIRONMENT, PATIENCE, LocalCluster

from hierbrush.learning.runs.session import free_ports
from hierbrush.resources import folder

HERE = Path(__file__).parent
CLUSTER = folder("configs") / "cluster"

# Whoever has no token must not run anything on the head.
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}

# Required by the RayJob and RayCluster resources of KubeRay (ray.io/v1), as its API reference has them.
RAY_JOB = ("entrypoint", "rayClusterSpec")
WORKER_GROUP = ("groupName", "rayStartParams", "template")


def hierbrush(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from hierbrush.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=ENVIRONMENT,
        check=False,
    )


@pytest.fixture
def cluster() -> Iterator[str]:
    """A head and two nodes with a core each: with two runners, something remote must run on the nodes."""
    cluster = LocalCluster(head_cpus=1, nodes=2)
    yield cluster.address
    cluster.stop()


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


@pytest.mark.slow
def test_an_imitation_trains_on_a_cluster_as_it_does_alone(tmp_path: Path) -> None:
    short = ("further=false", "training.steps=20", "training.batch=256", "training.minibatch=32", "network.width=32")
    settings = (*short, "network.layers=1", "limit=10", "output.tensorboard=false")
    arguments = ["train", "imitation", *(part for one in settings for part in ("--set", one))]
    alone = hierbrush(*arguments, "--output", str(tmp_path / "alone"))
    assert alone.returncode == 0, alone.stderr
    cluster = LocalCluster(head_cpus=1, nodes=2)
    try:
        swept = ("--set", "sweep.values={seed: [0, 1]}", "--output", str(tmp_path / "swept"))
        for more in (("--output", str(tmp_path / "one")), swept):
            done = hierbrush(*arguments, *more, "--address", cluster.address)
            assert done.returncode == 0, done.stderr
    finally:
        cluster.stop()
    expected = (tmp_path / "alone" / "composer.safetensors").read_bytes()
    assert (tmp_path / "one" / "composer.safetensors").read_bytes() == expected
    found = sorted((tmp_path / "swept").rglob("composer.safetensors"))
    assert len(found) == len({file.read_bytes() for file in found}) == 2


@pytest.fixture
def head() -> Iterator[str]:
    """A head as the shipped files start it, on ports and in a folder of its own; the address of its job server."""
    gcs, dashboard, client, agent, metrics = free_ports(5)
    # Ray's sockets have to fit into 107 characters, and --address auto must not find it from outside.
    with tempfile.TemporaryDirectory(prefix="hb-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [
                *(sys.executable, "-W", "ignore", "-m", "ray.scripts.scripts", "start", "--head", "--block"),
                *("--node-ip-address=127.0.0.1", f"--port={gcs}", "--num-cpus=2", f"--temp-dir={folder}"),
                *("--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}", f"--ray-client-server-port={client}"),
                *(f"--dashboard-agent-listen-port={agent}", f"--metrics-export-port={metrics}"),
                # Ray's own choice for workers, 10002 to 19999, may hold one of the ports above.
                *("--min-worker-port=0", "--max-worker-port=0"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0", **TOKEN},
        )
        assert process.stdout is not None
        try:
            assert any("Ray runtime started" in line for line in process.stdout)
            yield f"http://127.0.0.1:{dashboard}"
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)


@pytest.mark.slow
def test_a_submitted_job_trains_on_the_cluster(head: str, tmp_path: Path, toy_settings: dict[str, Any]) -> None:
    toy_settings["training"]["steps"] = 8192
    toy_settings["resources"] = {"runners": 1}
    work, out = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    (work / "toy.yaml").write_text(yaml.safe_dump(toy_settings))
    (work / "toy.py").write_text((HERE / "toy.py").read_text())  # travels with the working directory

    def submit(**token: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(sys.executable, "-W", "ignore", "-m", "ray.scripts.scripts", "job", "submit", "--address", head),
                *("--working-dir", str(work), "--"),
                *(sys.executable, "-m", "hierbrush", "train", "toy.yaml", "--address", "auto", "--output", str(out)),
            ],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env={**os.environ, **token},
            check=False,
        )

    refused = submit(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="0" * 64)
    assert refused.returncode != 0
    assert "AuthenticationError" in refused.stderr
    assert not out.exists()
    done = submit(**TOKEN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "succeeded" in done.stdout
    assert json.loads((out / "policy" / "card.json").read_text())["steps"] == 8192


def test_the_launcher_file_is_what_ray_accepts() -> None:
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    document = yaml.safe_load((CLUSTER / "launcher.yaml").read_text())
    jsonschema.validate(document, schema)
    assert "--dashboard-host=127.0.0.1" in " ".join(document["head_start_ray_commands"])
    assert "/home/hierbrush/.ray/auth_token" in document["file_mounts"]
    for role in ("head", "worker"):
        assert document[f"{role}_start_ray_commands"][-1].startswith("RAY_AUTH_MODE=token ")
    provider = document["provider"]
    for address in (provider["head_ip"], *provider["worker_ips"]):
        assert ipaddress.ip_address(address).is_private
    assert f"--node-ip-address={provider['head_ip']}" in " ".join(document["head_start_ray_commands"])


def test_the_job_manifest_has_what_kuberay_requires() -> None:
    document = yaml.safe_load((CLUSTER / "rayjob.yaml").read_text())
    assert (document["apiVersion"], document["kind"]) == ("ray.io/v1", "RayJob")
    spec = document["spec"]
    assert all(spec[name] for name in RAY_JOB)
    cluster = spec["rayClusterSpec"]
    assert cluster["headGroupSpec"]["rayStartParams"]["dashboard-host"] == "127.0.0.1"
    assert cluster["authOptions"]["mode"] == "token"
    for group in cluster["workerGroupSpecs"]:
        assert all(name in group for name in WORKER_GROUP)
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        # Trials run on every machine, and all of them write results.
        assert group["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] == "hierbrush-results"
        for container in group["template"]["spec"]["containers"]:
            assert container["image"]
            assert container["resources"]["limits"] == container["resources"]["requests"]
