"""Ray for as long as a training lasts: one of this machine's own, or a cluster that is there already."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import re
import socket
import sys
import time
import traceback
from collections.abc import Iterator
from functools import partial
from inspect import signature
from typing import Any

import ray
from ray._private import node, parameter, ray_constants, services

from hierbrush.errors import HierbrushError, shown

_LOCAL_OBJECT_STORE = 80 * 2**20  # bytes; Ray's smallest: training in one process puts next to nothing there
LOOPBACK = "127.0.0.1"
_ATTEMPTS = 3
_START = 300.0  # seconds that Ray's processes may take to start: a guard against waiting for ever, no measure
_OWN_PORTS = range(15000, 32768)
_SLOW = 20.0  # seconds after which waiting is worth a word
_CONNECT = 5.0  # seconds for a cluster's head to take a connection
_GREET = 15.0  # seconds for it to say that it speaks gRPC
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\]@]+):(?P<port>[0-9]{1,5})")

_AGENT_PORTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
_PATIENT = {
    # How long Ray's processes wait for one another; a busy machine takes longer to import than the defaults allow.
    "RAY_gcs_server_port_wait_time_s": f"{_START:.0f}",
    "RAY_agent_register_timeout_ms": f"{_START * 1000:.0f}",
    "RAY_worker_register_timeout_seconds": f"{_START:.0f}",
    # Misses until a process that is there but slow counts as dead, three seconds each; a dead one is noticed at once.
    "RAY_health_check_failure_threshold": "60",
}
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])  # RFC 9113, 3.4
_SETTINGS = 4  # the kind of frame that every HTTP/2 server answers with first


@contextlib.contextmanager
def ray_session(cpus: int, address: str | None = None) -> Iterator[None]:
    """Start a Ray of our own, as small as it gets, unless one is running; stop it afterwards.

    RLlib needs one even where nothing is remote; starting it takes about 5 s, so many policies should share one. A Ray
    of our own listens on loopback only; who may reach a cluster's is up to the cluster.

    Args:
        cpus: cores that a Ray of our own has.
        address: join this cluster instead, ``auto`` or ``HOST:PORT``, and leave it running afterwards.

    Raises:
        HierbrushError: no cluster answers at the address, or Ray does not start here.
    """
    if ray.is_initialized():
        yield
        return
    for name in ("ray", "ray.rllib", "ray.tune", "ray.train"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # It logs every call to a runner that is not there; the training says itself what is lost and what was raised.
    logging.getLogger("ray.rllib.utils.actor_manager").setLevel(logging.CRITICAL)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address is None:
        _start(cpus)
    else:
        _join(address)
    try:
        yield
    finally:
        ray.shutdown()


def _start(cpus: int) -> None:
    # Ray lets its workers give way to everything else on the machine; here they are what the machine is to do.
    os.environ.setdefault("RAY_worker_niceness", "0")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with patient_start(), loopback_only():
                ray.init(
                    address="local",
                    num_cpus=cpus,
                    include_dashboard=False,
                    object_store_memory=_LOCAL_OBJECT_STORE * (cpus if cpus > 1 else 1),
                    logging_level=logging.ERROR,
                    log_to_driver=False,
                    _node_ip_address=LOOPBACK,
                )
            return
        except Exception as error:  # Ray raises bare exceptions here
            _clear_away(error)
            if attempt == _ATTEMPTS:
                raise HierbrushError(
                    f"resources: Ray did not start on this machine in {_ATTEMPTS} attempts ({_reason(error)}); "
                    "--resume begins again when the machine has less to do"
                ) from None
            _say(f"Ray did not start ({_reason(error)}); trying again")


@contextlib.contextmanager
def patient_start() -> Iterator[None]:
    """Let Ray's processes take minutes to start while a node is being started in here.

    Ray gives a node 30 s, and within them 15 s to its agents, Python processes that import for longer than that on a
    busy machine; then the node kills itself. Neither limit is a setting (ray-project/ray#65983), but a node that knows
    its agents' ports does not wait for them.
    """
    for name, value in _PATIENT.items():
        os.environ.setdefault(name, value)
    begun, told = time.monotonic(), False
    get_node, start_raylet, params = services.get_node, services.start_raylet, parameter.RayParams
    raylets: list[Any] = []

    def watched_raylet(*arguments: Any, **options: Any) -> Any:
        given = signature(start_raylet).bind(*arguments, **options).arguments
        # The one port that a node is not told when it is chosen; it looks for it in the file of its agent.
        name, port = ray._raylet.DASHBOARD_AGENT_LISTEN_PORT_NAME, given["dashboard_agent_listen_port"]
        if port:
            ray._raylet.persist_port(given["session_dir"], given["node_id"], name, port)
        raylets.append(start_raylet(*arguments, **options))
        return raylets[-1]

    def get_node_in_time(*arguments: Any, **options: Any) -> Any:
        nonlocal told
        while True:
            try:
                return get_node(*arguments, **options)
            except RuntimeError:
                waited = time.monotonic() - begun
                if waited > _START:
                    raise
                if any(raylet.process.poll() is not None for raylet in raylets):
                    raise OSError("its raylet ended as soon as it was started") from None
                if waited > _SLOW and not told:
                    _say("Ray is slow to start, this machine is busy; waiting")
                    told = True
                time.sleep(0.2)

    def params_with_ports(**options: Any) -> Any:
        given = {name: value for name, value in options.items() if value is not None}
        return params(**(dict(zip(_AGENT_PORTS, free_ports(len(_AGENT_PORTS)), strict=True)) | given))

    with (
        replaced(services, "get_node", get_node_in_time),
        replaced(services, "start_raylet", watched_raylet),
        replaced(parameter, "RayParams", params_with_ports),
    ):
        yield


@contextlib.contextmanager
def loopback_only() -> Iterator[None]:
    """Let a node that is started in here with the address 127.0.0.1 keep it.

    Elsewhere than on Linux that is what Ray does anyway; there it would take the machine's own address instead, and
    every process would listen on all of them.
    """
    with replaced(ray_constants, "ENABLE_RAY_CLUSTER", False):
        yield


@contextlib.contextmanager
def replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    """Exchange an attribute of Ray's as long as it is in here."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody uses at the moment, nor is given by the system before they are used.

    Linux gives connections ports from 32768 on (`ip_local_port_range`). Between this call and the start of a process
    that is told such a port minutes pass on a busy machine.
    """
    free: list[int] = []
    for port in random.SystemRandom().sample(_OWN_PORTS, len(_OWN_PORTS)):
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("", port))
            free.append(port)
        if len(free) == count:
            break
    return free


def _clear_away(error: Exception) -> None:
    """End the processes that a start has left which came to nothing; only its frames still know them."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        started = frame.f_locals.get("self")
        if isinstance(started, node.Node):
            with contextlib.suppress(Exception):
                started.kill_all_processes(check_alive=False, allow_graceful=False)
    ray.shutdown()


def _join(address: str) -> None:
    refused = partial(_no_cluster, address)
    if address != "auto" and not _is_address(address):
        raise refused("that is no address")
    # Whoever has no answer shall read our line alone, not those of Ray's transport.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error")
    try:
        found = services.canonicalize_bootstrap_address(address)
        _greet(found)
        # Where something else answers, ray.init would wait for many minutes.
        ray._raylet.GcsClient(address=found)
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    except Exception as error:  # Ray raises bare exceptions here, too
        raise refused(_reason(error)) from None


def _is_address(address: str) -> bool:
    found = _ADDRESS.fullmatch(address)
    return found is not None and 0 < int(found["port"]) < 2**16


def _no_cluster(address: str, reason: str) -> HierbrushError:
    return HierbrushError(
        f"--address: no Ray cluster answers at {shown(address)} ({reason}); expected 'auto' on a machine of the "
        "cluster, or HOST:PORT of its head, such as 10.0.0.10:6379"
    )


def _greet(address: str) -> None:
    """Ask for what every gRPC server says at once.

    Raises:
        OSError: nobody is there, nothing comes back in time, or something else.
    """
    found = _ADDRESS.fullmatch(address)
    assert found is not None
    with socket.create_connection((found["host"].strip("[]"), int(found["port"])), timeout=_CONNECT) as connection:
        if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
            return
        connection.sendall(_GREETING)
        connection.settimeout(_GREET)
        answer = connection.recv(9)
    if len(answer) < 4 or answer[3] != _SETTINGS:
        raise OSError("what listens there is no Ray")


def _reason(error: Exception) -> str:
    lines = str(getattr(error, "strerror", None) or error).strip().splitlines()
    text = " ".join((lines[0] if lines else type(error).__name__).split())
    return (text if len(text) <= 200 else text[:199] + "…").rstrip(".")


def _say(text: str) -> None:
    print(f"hierbrush: {text}", file=sys.stderr, flush=True)
