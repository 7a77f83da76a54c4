"""Ray for a training: a local one that nobody outside reaches and that may start slowly, or a cluster that answers."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
import yaml
from cluster import ENVIRONMENT, PATIENCE

from hierbrush.errors import HierbrushError
from hierbrush.learning.runs import session
from hierbrush.learning.runs.session import ray_session

LISTENS = "0A"  # TCP_LISTEN in /proc/net/tcp
LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")

# Two remote runners, then who listens at which address: this process and all that it has started.
SESSION = """
import os, sys
sys.path.insert(0, sys.argv[1])
from hierbrush.learning.runs.session import ray_session
import ray
from test_session import listening

@ray.remote
class Worker:
    def ready(self):
        return True

with ray_session(2):
    workers = [Worker.remote() for _ in range(2)]
    ray.get([worker.ready.remote() for worker in workers])
    for process, address in listening(os.getpid()):
        print(process, address)
"""

# The same of two remote learners, once they have learned together.
LEARNERS = """
import os, sys
sys.path.insert(0, sys.argv[1])
os.environ["PYTHONPATH"] = os.pathsep.join([sys.argv[1], os.environ.get("PYTHONPATH", "")])
from hierbrush.learning.ppo.algorithm import algorithm_config
from hierbrush.learning.recipes.ppo import PPORecipe
from hierbrush.learning.runs.rendezvous import meeting_inside
from hierbrush.learning.runs.session import ray_session
from test_session import listening

settings = {"name": "toy", "environment": {"id": "toy:toy/Reach-v0", "slots": 32}, "resources": {"learners": 2}}
settings["training"] = {"steps": 10**6, "fragment": 8, "minibatch": 64}
with ray_session(3), meeting_inside():
    algorithm = algorithm_config(PPORecipe.model_validate(settings)).build_algo()
    algorithm.train()
    for process, address in listening(os.getpid()):
        print(process, address)
    algorithm.stop()
"""


def listening(root: int) -> list[tuple[str, str]]:
    """Return name and local address, as the kernel writes it, of every listening socket below a process."""
    sockets = {}
    for family in ("tcp", "tcp6"):
        for line in Path("/proc/net", family).read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == LISTENS:
                sockets[f"socket:[{inode}]"] = local.partition(":")[0]
    found = []
    for process in _family(root):
        with contextlib.suppress(OSError):  # it has just ended
            name = Path(f"/proc/{process}/comm").read_text().strip()
            for descriptor in Path(f"/proc/{process}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if (inode := os.readlink(descriptor)) in sockets:
                        found.append((name, sockets[inode]))
    return found


def _family(root: int) -> set[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    family = {root}
    while more := {process for process, parent in parents.items() if parent in family} - family:
        family |= more
    return family


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's list of sockets")
@pytest.mark.parametrize(
    ("script", "workers"), [(SESSION, "Worker"), pytest.param(LEARNERS, "_WrappedEx", marks=pytest.mark.slow)]
)
def test_nobody_outside_reaches_a_local_training(script: str, workers: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(Path(__file__).parent)],
        capture_output=True, text=True, timeout=PATIENCE, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sockets = [line.rsplit(" ", 1) for line in done.stdout.splitlines()]
    names = {name for name, _ in sockets}
    assert {"gcs_server", "raylet"} <= names
    assert any(workers in name for name in names), names
    assert [entry for entry in sockets if entry[1] not in LOOPBACK] == []


@pytest.fixture
def no_ray(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Ray as if there were none: what it was asked to start with; it fails as often as there are errors."""
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    return asked


def failing(asked: list[dict[str, Any]], times: int) -> Callable[..., None]:
    def init(**options: Any) -> None:
        asked.append(options)
        if len(asked) <= times:
            raise Exception("The current node timed out during startup.\nThis could happen because ...")

    return init


def test_a_start_that_fails_is_said_and_tried_again(
    no_ray: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ray, "init", failing(no_ray, 1))
    with ray_session(2):
        pass
    assert len(no_ray) == 2
    assert capsys.readouterr().err == (
        "hierbrush: Ray did not start (The current node timed out during startup); trying again\n"
    )


def test_a_start_that_never_works_is_one_line(no_ray: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "init", failing(no_ray, 99))
    with (
        pytest.raises(HierbrushError, match=r"^resources: Ray did not start .* in 3 attempts .*less to do$") as told,
        ray_session(2),
    ):
        pass
    assert "\n" not in str(told.value)
    assert len(no_ray) == 3


def test_a_slow_node_is_waited_for_and_a_dead_one_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, answers = iter(range(0, 10_000, 10)), iter([RuntimeError] * 9)

    def get_node(*_: Any) -> dict[str, int]:
        if error := next(answers, None):
            raise error
        return {"port": 1}

    ended = [None]
    raylet = type("Started", (), {"process": type("Process", (), {"poll": lambda self: ended[0]})()})
    monkeypatch.setattr(session.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(session.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(session.services, "get_node", get_node)
    monkeypatch.setattr(session.services, "start_raylet", lambda dashboard_agent_listen_port=None: raylet)
    with session.patient_start():
        session.services.start_raylet(dashboard_agent_listen_port=0)
        assert session.services.get_node("address", "node") == {"port": 1}  # after ninety seconds, Ray's limit is 30
    assert capsys.readouterr().err == "hierbrush: Ray is slow to start, this machine is busy; waiting\n"
    assert session.services.get_node is get_node
    ended[0], answers = 1, iter([RuntimeError] * 9)  # type: ignore[call-overload]
    with session.patient_start():
        session.services.start_raylet(dashboard_agent_listen_port=0)
        with pytest.raises(OSError, match="raylet ended"):
            session.services.get_node("address", "node")


def test_agents_get_ports_so_that_the_node_need_not_wait_for_them() -> None:
    with session.patient_start():
        chosen = session.parameter.RayParams(metrics_export_port=None, runtime_env_agent_port=4711)
    assert chosen.runtime_env_agent_port == 4711
    assert (
        len({chosen.metrics_agent_port, chosen.metrics_export_port, chosen.dashboard_agent_listen_port} - {0, None})
        == 3
    )


@contextlib.contextmanager
def server(answer: bytes | None) -> Iterator[int]:
    """Something that listens: it says ``answer`` and hangs up, or keeps silent."""
    with socket.socket() as listener:
        listener.bind(("", 0))  # Ray asks for 127.0.0.1 at the machine's own address
        listener.listen()
        kept = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    kept.append(connection)
                    if answer is not None:
                        connection.recv(1024)  # who hangs up on what was not read resets the connection
                        connection.sendall(answer)
                        connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in kept:
            connection.close()


def refused(address: str) -> str:
    with pytest.raises(HierbrushError) as told, ray_session(1, address):
        pass
    message = str(told.value)
    assert message.startswith("--address: no Ray cluster answers at ")
    assert "expected 'auto' on a machine of the cluster, or HOST:PORT of its head" in message
    assert message.isprintable()
    assert len(message) < 800
    return message


@pytest.mark.parametrize(
    "address",
    ["nonsense", "ray://127.0.0.1:10001", "http://127.0.0.1:8265", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999",
     "local", "a b:1", "x:1:2", "\x1b[2J:1", "x" * 10_000, "", ":6379", "[::1]", "人:port"],
)  # fmt: skip
@pytest.mark.usefixtures("no_ray")
def test_what_is_no_address_is_refused_unasked(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", None)
    assert "that is no address" in refused(address)


@pytest.mark.usefixtures("no_ray")
def test_nobody_there_is_told_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    assert session._CONNECT + session._GREET < 60
    monkeypatch.setattr(session, "_GREET", 0.2)
    assert "refused" in refused(f"127.0.0.1:{session.free_ports(1)[0]}")
    assert refused("no-such-host.invalid:6379")
    with server(None) as silent:  # takes the connection and swallows whatever comes
        assert "timed out" in refused(f"127.0.0.1:{silent}")
    for answer in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"", b"\0"):
        with server(answer) as other:
            assert "what listens there is no Ray" in refused(f"127.0.0.1:{other}")


@pytest.mark.usefixtures("no_ray")
def test_a_host_that_swallows_packets_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = []

    def swallow(address: tuple[str, int], timeout: float) -> None:
        waited.append((address, timeout))
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", swallow)
    assert "timed out" in refused("10.255.255.1:6379")
    assert waited == [(("10.255.255.1", 6379), session._CONNECT)]


def test_the_command_line_has_one_line_for_it(tmp_path: Path, toy_settings: dict[str, Any]) -> None:
    config = tmp_path / "toy.yaml"
    config.write_text(yaml.safe_dump(toy_settings))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "hierbrush", "train", str(config), "--output", str(tmp_path / "out"),
         "--address", f"127.0.0.1:{session.free_ports(1)[0]}"],
        capture_output=True, text=True, timeout=PATIENCE, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("hierbrush: error: --address: no Ray cluster answers at '127.0.0.1:")
