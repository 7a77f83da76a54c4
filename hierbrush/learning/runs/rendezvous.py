"""Where the learners of one machine meet: a store of PyTorch's that listens on loopback alone."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from datetime import timedelta

import torch.distributed as dist
from ray import util
from ray.train.torch import config

from hierbrush.learning.runs.session import LOOPBACK, replaced

_INTERFACE = "lo0" if sys.platform == "darwin" else "lo"


@contextlib.contextmanager
def meeting_inside() -> Iterator[None]:
    """Let learners that are started in here meet on loopback, if this machine's Ray is one of our own.

    PyTorch's store listens on every address, whatever it is called by, unless it is given a socket; and the backends
    connect their processes by the machine's own address.
    """
    if util.get_node_ip_address() != LOOPBACK:
        yield
        return
    # Ray calls it by this name, in the learners; a function of ours is found there by ours.
    with replaced(config, "_setup_torch_process_group", _meet):
        yield


def _meet(backend: str, world_rank: int, world_size: int, init_method: str, timeout_s: int = 1800) -> None:
    """Do as Ray's function of the same arguments does."""
    del init_method
    for library in ("GLOO", "NCCL"):
        os.environ[f"{library}_SOCKET_IFNAME"] = _INTERFACE
    port, first = int(os.environ["MASTER_PORT"]), world_rank == 0
    timeout = timedelta(seconds=timeout_s)
    listening = socket.create_server((LOOPBACK, port)).detach() if first else None
    store = dist.TCPStore(  # type: ignore[attr-defined]
        LOOPBACK, port, world_size, first, timeout, wait_for_workers=False, master_listen_fd=listening
    )
    dist.init_process_group(backend, store=store, rank=world_rank, world_size=world_size, timeout=timeout)
