"""A Ray cluster of several nodes on this machine, in a process of its own, whose nodes and processes can be killed.

Run as a program it is that process: it prints its address, reads ``add`` and ``remove N`` from standard input, one a
line, answers each with ``done``, and ends when its input does.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATIENCE = 1800.0  # seconds: a guard against waiting for ever, no measure; on an idle machine all of it takes a few
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")])),
    "OMP_NUM_THREADS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
}


class LocalCluster:
    """The cluster as a test sees it.

    Args:
        head_cpus: cores of the head.
        nodes: further nodes with a core each.
    """

    def __init__(self, head_cpus: int, nodes: int) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (open as long as the cluster is)
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__, str(head_cpus), str(nodes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=ENVIRONMENT,
        )
        self.address = self._line(lambda line: re.fullmatch(r"[0-9.]+:[0-9]+", line) is not None)

    def add_node(self) -> None:
        """Add a node with a core."""
        self._tell("add")

    def kill_node(self, number: int) -> None:
        """Kill the node with a number from 0, and all its processes, without notice."""
        self._tell(f"remove {number}")

    def workers(self, name: str) -> list[int]:
        """Return the ids of the workers whose title names an actor's class or method, oldest first."""
        parents = {int(path.name): _parent(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
        found = []
        for process in sorted(parents):
            above = parents.get(process)
            while above and above != self._process.pid:
                above = parents.get(above)
            title = _title(process)
            if above and title.startswith("ray::") and name in title:
                found.append(process)
        return found

    def stop(self) -> None:
        """Stop every node."""
        try:
            self._process.communicate("", timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._errors.close()

    def _tell(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        self._line(lambda line: line == "done")

    def _line(self, wanted: Callable[[str], bool]) -> str:
        assert self._process.stdout is not None
        for line in map(str.strip, self._process.stdout):
            if wanted(line):
                return line
        self._errors.seek(0)
        told = self._errors.read()
        self.stop()  # or its pipes stay open until another test is blamed for them
        raise AssertionError(f"the cluster ended: {told}")


def hierbrush(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start the command line."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "hierbrush", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**ENVIRONMENT, **environment},
    )


@contextlib.contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run the command line, and leave no process behind."""
    process = hierbrush(*arguments)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def wait_until(what: Callable[[], Any], process: subprocess.Popen[str] | None = None, *, pause: float = 0.1) -> Any:
    """Return the first true answer; fail when the process ends or nothing happens for `PATIENCE`."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if answer := what():
            return answer
        if process is not None and process.poll() is not None:
            raise AssertionError(f"exit status {process.returncode}: {process.communicate()[0]}")
        time.sleep(pause)
    if process is not None:
        process.kill()
    raise AssertionError("nothing happened" + (f": {process.communicate()[0]}" if process else ""))


def _parent(process: Path) -> int | None:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def _title(process: int) -> str:
    try:
        return Path("/proc", str(process), "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _serve(head_cpus: int, nodes: int) -> None:
    from ray.cluster_utils import Cluster

    from hierbrush.learning.runs.session import free_ports, patient_start

    cluster = Cluster()
    # Ray's 30 s are not enough on a busy machine.
    cluster._wait_for_node = partial(cluster._wait_for_node, timeout=PATIENCE)

    def add() -> Any:
        # A node that is not told this port waits 15 s for its agent to choose one, and then ends.
        return cluster.add_node(num_cpus=1, dashboard_agent_listen_port=free_ports(1)[0])

    with patient_start():
        cluster.add_node(num_cpus=head_cpus, include_dashboard=False)
        added = [add() for _ in range(nodes)]
    print(cluster.address, flush=True)
    for command in sys.stdin:
        name, *arguments = command.split()
        if name == "add":
            with patient_start():
                added.append(add())
        else:
            cluster.remove_node(added[int(arguments[0])], allow_graceful=False)
        print("done", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]))
