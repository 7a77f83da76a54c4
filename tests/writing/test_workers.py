"""Sharing work between processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

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


def test_a_script_without_a_guard_is_told_in_one_line(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        "from hierbrush import HierbrushError, write_characters\n"
        "try:\n"
        "    write_characters('一二三十' * 40, policy='scripted', workers=2)\n"
        "except HierbrushError as error:\n"
        "    print(error)\n"
    )
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=120)
    assert result.stderr == ""
    assert result.stdout.count("\n") == 1
    assert "workers: " in result.stdout
    assert "__name__ == '__main__'" in result.stdout


ENDLESS = """
import os, sys, time
from hierbrush.writing.workers import mapped

def work(batch):
    print(os.getpid(), flush=True)
    time.sleep(600)

if __name__ == "__main__":
    try:
        list(mapped(work, [1, 2], workers=2))
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a group")
def test_ctrl_c_ends_the_processes_in_the_middle_of_their_work(tmp_path: Path) -> None:
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    command = [sys.executable, str(script)]
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
