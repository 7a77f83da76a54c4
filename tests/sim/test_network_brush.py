"""A brush with a network: the same bits from both cores, and no other ink where the network says nothing."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.errors import HierbrushError
from hierbrush.sim import BrushBatch, BrushModel, NeuralBrush, reference, trace
from hierbrush.sim.network_brush import SIZE

PATH = np.array(
    [[0.03, 0.03, -0.001], [0.031, 0.031, 0.005], [0.06, 0.03, 0.008], [0.06, 0.07, 0.01], [0.05, 0.03, 0.004],
     [0.05, 0.03, -0.01]]
)  # fmt: skip


def brush(seed: int = 0, size: float = 0.4) -> NeuralBrush:
    return NeuralBrush(network=tuple(np.random.default_rng(seed).normal(0.0, size, SIZE)))


@pytest.mark.parametrize("seed", range(3))
def test_both_cores_give_the_same_bits(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = brush(seed)
    fast = trace(model, [PATH])
    monkeypatch.setattr("hierbrush.sim.batch.kernels", reference)
    assert trace(model, [PATH]).tobytes() == fast.tobytes()


def test_a_network_of_zeros_leaves_the_same_ink() -> None:
    plain = NeuralBrush(network=(0.0,) * SIZE)
    assert np.array_equal(trace(plain, [PATH]), trace(BrushModel(), [PATH]))
    assert not np.array_equal(trace(brush(), [PATH]), trace(BrushModel(), [PATH]))


def test_rows_of_numbers_keep_the_network() -> None:
    model = brush(2)
    batch = BrushBatch(model, 2)
    batch.set_brushes(model.randomised(2, 0.0, np.random.default_rng(0)))
    batch.place(PATH[0])
    for row in PATH[1:]:
        batch.step(row)
    assert batch.ink(0).sum() != BrushModel().width(0.01)
    assert np.array_equal(batch.coverage(0), trace(model, [PATH], supersample=1))


def test_a_network_that_cannot_be_is_told() -> None:
    with pytest.raises(HierbrushError, match=f"network: .*, expected {SIZE} numbers from -1000 to 1000"):
        NeuralBrush(network=(1.0, 2.0))
    with pytest.raises(HierbrushError, match="network: "):
        NeuralBrush(network=(float("nan"),) * SIZE)
    with pytest.raises(HierbrushError, match="different networks"):
        BrushBatch([brush(1), brush(2)], 2)
