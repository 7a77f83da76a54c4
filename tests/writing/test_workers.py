"""Sharing work between processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from hierbrush.errors import HierbrushError
from hierbrush.writing.workers import mapped


def blas_threads(batch: int) -> tuple[int, list[int]]:
    return batch, [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_are_worked_out_by_one_thread_each(workers: int) -> None:
    answers = list(mapped(blas_threads, [1, 2, 3], workers=workers))
    assert [batch for batch, _ in answers] == [1, 2, 3]
    assert all(threads and set(threads) == {1} for _, threads in answers)


def test_the_caller_keeps_its_threads() -> None:
    with threadpool_limits(2, user_api="blas"):
        for _ in mapped(blas_threads, [1, 2], workers=1):
            assert 1 not in blas_threads(0)[1]


def test_a_script_needs_no_guard_and_runs_once(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        "from hierbrush import write_characters\n"
        "print('once')\n"
        "print(len(write_characters('一二三十' * 17, policy='scripted', workers=2)))\n"
    )
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=300)
    assert (result.returncode, result.stdout, result.stderr) == (0, "once\n68\n", "")
    import __main__

    assert __main__ is sys.modules["__main__"]


def end(batch: int) -> None:
    os._exit(1)


def test_a_process_that_ends_is_told_in_one_line() -> None:
    with pytest.raises(HierbrushError, match="workers: a process ended before its work"):
        list(mapped(end, [1, 2], workers=2))


ENDLESS = """
import os, time

def work(batch):
    print(os.getpid(), flush=True)
    time.sleep(600)
"""

# A shell starts what runs in the background with Ctrl-C ignored, and so would be whatever a test starts.
ENDED = """
import signal, sys
from endless import work
from hierbrush.writing.workers import mapped

signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    list(mapped(work, [1, 2], workers=2))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a group")
def test_ctrl_c_ends_the_processes_in_the_middle_of_their_work(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text(ENDLESS)
    (tmp_path / "ended.py").write_text(ENDED)
    command = [sys.executable, str(tmp_path / "ended.py")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        workers = [int(process.stdout.readline()) for _ in range(2)]  # both are in the middle of ten minutes
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
