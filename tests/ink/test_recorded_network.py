"""Ink of a brush with a network: recorded by the tuft that writes, with the same bits from both cores."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.ink import record
from hierbrush.sim import BrushBatch, NeuralBrush
from hierbrush.sim.ink_reference import ink_follow
from hierbrush.sim.network_brush import SIZE

PATH = np.array(
    [[0.03, 0.03, -0.001], [0.031, 0.031, 0.005], [0.06, 0.03, 0.008], [0.06, 0.07, 0.01], [0.05, 0.03, 0.004],
     [0.05, 0.03, -0.01]]
)  # fmt: skip


def brush(seed: int = 0, size: float = 0.4) -> NeuralBrush:
    return NeuralBrush(network=tuple(np.random.default_rng(seed).normal(0.0, size, SIZE)))


@pytest.mark.parametrize("seed", range(3))
def test_both_cores_record_the_same_bits(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = brush(seed)
    stamps = record(model, PATH)
    monkeypatch.setattr("hierbrush.ink.draw.kernels.ink_follow", ink_follow, raising=False)
    assert record(model, PATH).tobytes() == stamps.tobytes()


def test_ink_is_recorded_by_the_tuft_that_writes() -> None:
    model = brush(1)
    batch = BrushBatch(model, 1, spacing=0.06 / 1024)
    batch.dip()
    batch.place(PATH[0])
    for row in PATH[1:-1]:
        batch.step(row)
    stamps = record(model, PATH[:-1])
    assert stamps[-1, 3:8].tobytes() == np.concatenate([batch.direction[0], batch.tuft[0]]).tobytes()
