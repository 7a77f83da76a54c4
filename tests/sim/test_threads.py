"""Neither the number of threads nor the partition changes a bit; threads end, survive forks and see Ctrl-C."""

from __future__ import annotations

import gc
import inspect
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from hierbrush.errors import HierbrushError
from hierbrush.sim import CORE, BrushBatch, BrushModel, StrokeBatch

SLOTS = 500 if CORE == "c" else 130


def written(bank: Any, threads: int, cuts: list[int], observation: str = "full") -> StrokeBatch:
    batch = StrokeBatch(bank, BrushModel(), SLOTS, observation=observation, threads=threads, seed=11)
    batch.assign(np.arange(SLOTS) % len(bank))
    batch.set_noise(0.0005)
    rng = np.random.default_rng(0)
    for _ in range(4):
        action = rng.uniform(-1, 1, (SLOTS, 3))
        for lo, hi in zip([0, *cuts], [*cuts, SLOTS], strict=True):
            batch.track(action, lo, hi)
    return batch


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
@pytest.mark.parametrize("cuts", [[], [1], [64, 65, 120]])
def test_threads_and_partition_change_nothing(make_bank: Any, assert_same: Any, threads: int, cuts: list[int]) -> None:
    bank = make_bank(9, 6, side=48)
    assert_same(written(bank, 1, []), written(bank, threads, cuts))


def test_helpers_end_with_their_batch(make_bank: Any) -> None:
    before = set(threading.enumerate())
    batch = written(make_bank(9, 6, side=48), 3, [])
    helpers = set(threading.enumerate()) - before
    assert 1 <= len(helpers) <= 2
    del batch
    gc.collect()
    for helper in helpers:
        helper.join(10)
        assert not helper.is_alive()


def test_an_error_in_one_share_reaches_the_caller_and_the_batch_goes_on(make_bank: Any) -> None:
    batch = written(make_bank(9, 6, side=48), 2, [])
    good = batch.goal[SLOTS - 1]
    batch._arrays["goal"][SLOTS - 1] = 999
    with pytest.raises((ValueError, IndexError)):
        batch.track(np.zeros(3))
    batch._arrays["goal"][SLOTS - 1] = good
    batch.assign(np.zeros(SLOTS, dtype=int))
    batch.track(np.zeros(3))
    np.testing.assert_array_equal(batch.tick, 1)


@pytest.mark.parametrize("threads", [0, -1, 257, 1.5, True, "2", None])
def test_number_of_threads_is_checked(make_bank: Any, threads: Any) -> None:
    with pytest.raises(HierbrushError, match="threads: "):
        StrokeBatch(make_bank(9, 1), BrushModel(), 1, threads=threads)


class Halted:
    """A kernel whose `track` tells that it has begun, and then waits."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def track(self, lo: int, hi: int) -> None:
        self.begun.set()
        assert self.go_on.wait(60)


def test_a_second_caller_gets_an_error_and_the_first_goes_on(make_bank: Any) -> None:
    bank, batch = make_bank(9, 6, side=48), written(make_bank(9, 6, side=48), 1, [])
    kernel, batch._kernel = batch._kernel, Halted()
    halted, before = batch._kernel, batch.snapshot()
    caller = threading.Thread(target=lambda: batch.track(np.zeros(3)))
    caller.start()
    assert halted.begun.wait(60)
    for call in (
        lambda: batch.assign(np.zeros(SLOTS, dtype=int)), lambda: batch.set_bank(bank), lambda: batch.observe(),
        lambda: batch.track(np.zeros(3)), lambda: batch.restore(before), lambda: batch.snapshot(),
    ):  # fmt: skip
        with pytest.raises(HierbrushError, match=r"^\w+: this batch is at work in another call; it is for one caller"):
            call()
    halted.go_on.set()
    caller.join(60)
    batch._kernel = kernel
    for name, array in before.arrays.items():
        np.testing.assert_array_equal(batch._arrays[name], array, err_msg=name)
    batch.track(np.zeros(3))


@pytest.mark.parametrize("kind", [BrushBatch, StrokeBatch])
def test_every_method_is_for_one_caller(kind: type[BrushBatch]) -> None:
    methods = inspect.getmembers(kind, inspect.isfunction)
    assert [name for name, method in methods if name[0] != "_" and not hasattr(method, "__wrapped__")] == []


def test_a_caller_that_fails_leaves_the_batch_free(make_bank: Any) -> None:
    batch = StrokeBatch(make_bank(9, 6, side=48), BrushModel(), 2)
    for _ in range(2):
        with pytest.raises(HierbrushError, match=r"^action: "):
            batch.track("nonsense")
    batch.track(np.zeros(3))


LONG_STEP = """
import signal

# A shell without job control starts background jobs with SIGINT ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
import sys, numpy as np
from hierbrush.sim import BrushBatch, BrushModel
batch = BrushBatch(BrushModel(), 4096, side=32, spacing=2e-5, threads=int(sys.argv[1]))
batch.place([0.0, 0.06, 0.01])
print("ready", flush=True)
try:
    for x in (0.02, 0.0) * 100:
        batch.step([x, 0.06, 0.01])
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.skipif(CORE != "c", reason="the twin is Python, where Ctrl-C needs no help")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_is_seen_inside_a_long_step(threads: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", LONG_STEP, str(threads)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        process.wait(30)
    # All steps together take minutes, one of them seconds.
    assert time.monotonic() - sent < 30


FORKED = """
import os, signal, numpy as np
from hierbrush.sim import BrushBatch, BrushModel
batch = BrushBatch(BrushModel(), 512, side=32, threads=2)
batch.step([0.06, 0.06, 0.01])
child = os.fork()
if not child:
    signal.alarm(20)
    batch.step([0.07, 0.06, 0.01])
    os._exit(0)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(sys, "getswitchinterval") or sys.platform == "win32", reason="needs fork")
def test_threads_work_after_a_fork() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], check=True, timeout=60)
