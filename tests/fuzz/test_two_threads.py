"""Threads that all use one batch get an error or their turn: nothing is read or written where it must not be.

HIERBRUSH_FUZZ_SECONDS says how long it runs, HIERBRUSH_FUZZ_SEED where it begins. It runs in a process of its own,
which a fault of the machine code would end.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hierbrush.errors import HierbrushError
from hierbrush.sim import CORE, BrushModel, GoalBank, StrokeBatch
from hierbrush.sim.goal_slots import GoalSlots

SECONDS = float(os.environ.get("HIERBRUSH_FUZZ_SECONDS", "2"))
SEED = int(os.environ.get("HIERBRUSH_FUZZ_SEED", "0"))
LEAST = 300
SLOTS = 192
CALLERS = 2
REFUSALS = {
    "at work": "at work in another call",
    "not assigned": "must be assigned anew",
    # Another thread put a shorter goal between a snapshot and its restoring.
    "shorter": "outside the goal's episode",
}


def goal(size: float, ticks: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a square of that side in the unit box and a course across it."""
    outline = 0.5 + 0.5 * size * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    course = np.zeros((ticks + 1, 8))
    course[:, 0] = course[:, 3] = np.linspace(0.06 - 0.05 * size, 0.06 + 0.05 * size, ticks + 1)
    course[:, 1] = course[:, 4] = 0.06
    course[1:, 2], course[:, 5], course[:, 6] = 0.004, 0.003, 1.0
    return outline, course


def calls(batch: StrokeBatch, slots: GoalSlots, rng: random.Random) -> dict[str, Callable[[], Any]]:
    """Return what a caller may do, on banks whose goals take much and little memory."""
    outline, course = goal(rng.choice([0.02, 0.9]), rng.choice([1, 3, 60]))
    banks = [
        slots,
        GoalBank.build([outline], [course], side=128),
        GoalBank.build([outline] * 5, [course] * 5, side=128),
    ]
    low, action = rng.randrange(SLOTS), np.full(3, rng.uniform(-1.0, 1.0))
    return {
        "track": lambda: batch.track(action),
        "range": lambda: batch.track(action, low, SLOTS),
        "slots": lambda: batch.track_slots(action, [low]),
        "step": lambda: batch.step(np.full(3, 0.01)),
        "observe": batch.observe,
        "assign": lambda: batch.assign(np.arange(SLOTS) % len(batch.bank)),
        "set_bank": lambda: batch.set_bank(rng.choice(banks)),
        "put": lambda: slots.put(rng.randrange(SLOTS), outline, course),
        "restore": lambda: batch.restore(batch.snapshot()),
        "coverage": lambda: batch.coverage(low),
        "place": lambda: batch.place(np.full(3, 0.01)),
        "noise": lambda: batch.set_noise(0.001),
    }


def run(seed: int, seconds: float) -> Counter[str]:
    """Call at random from several threads and return what came of it, by kind."""
    slots = GoalSlots.empty(SLOTS, side=128, most_ticks=60)
    batch = StrokeBatch(slots, BrushModel(), SLOTS, threads=2, seed=seed)
    found: Counter[str] = Counter()
    until = time.monotonic() + seconds

    def caller(number: int) -> None:
        rng = random.Random(f"{seed} {number}")
        done = 0
        while done < LEAST or time.monotonic() < until:
            done += 1
            name, call = rng.choice(sorted(calls(batch, slots, rng).items()))
            try:
                call()
                found["answered"] += 1
            except HierbrushError as error:
                kinds = [kind for kind, text in REFUSALS.items() if text in str(error)]
                found[kinds[0] if kinds else f"{name}: {error}"] += 1
            except Exception as error:
                found[f"{name}: {type(error).__name__}: {error}"] += 1

    threads = [threading.Thread(target=caller, args=(number,)) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batch.set_bank(slots)
    batch.track(np.zeros(3))
    return found


@pytest.mark.skipif(CORE != "c", reason="the twin holds the GIL")
def test_threads_on_one_batch() -> None:
    command = [sys.executable, __file__, str(SEED), str(SECONDS)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS + 600)
    print(ended.stdout)
    assert ended.returncode == 0, f"ended by {ended.returncode}: {ended.stdout}{ended.stderr}"


if __name__ == "__main__":
    outcome = run(int(sys.argv[1]), float(sys.argv[2]))
    print(f"two threads: {sum(outcome.values()):,} calls, 0 crashes, {dict(outcome)}")
    sys.exit(bool(set(outcome) - {"answered", *REFUSALS}))
