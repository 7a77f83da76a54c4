"""What tests of several folders share; what they leave behind stays out of the user's folders."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_PATIENCE = 1800.0  # seconds: a guard against waiting for ever, no measure

RunScript = Callable[..., str]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIERBRUSH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> Iterator[None]:
    """Let tests, and the processes that they start, heed Ctrl-C where all run in the background and ignore it."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def run_script(tmp_path: Path) -> RunScript:
    """Return what runs a script of the checkout as a user would, in an empty folder, and returns what it printed."""

    def run(script: str, *arguments: str, statuses: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            # What libraries deprecate is their affair; that ours warns of nothing, other tests see to.
            [sys.executable, "-W", "ignore", str(ROOT / script), *arguments],
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"},
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        assert done.returncode in statuses, f"{script} {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    return run
