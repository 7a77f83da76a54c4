"""Training on a Ray cluster that is already there."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import secrets
import socket
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


@pytest.fixture
def head() -> Iterator[str]:
    """A head as the shipped files start it, on ports and in a folder of its own; the address of its job server."""
    gcs, dashboard, client, agent, metrics = _free_ports(5)
    # Ray's sockets have to fit into 107 characters, and --address auto must not find it from outside.
    with tempfile.TemporaryDirectory(prefix="hb-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [
                *(sys.executable, "-W", "ignore", "-m", "ray.scripts.scripts", "start", "--head", "--block"),
                *("--node-ip-address=127.0.0.1", f"--port={gcs}", "--num-cpus=2", f"--temp-dir={folder}"),
                *("--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}", f"--ray-client-server-port={client}"),
                *(f"--dashboard-agent-listen-port={agent}", f"--metrics-export-port={metrics}"),
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
            process.communicate(timeout=60)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


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
            timeout=480,
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
