"""Handles that follow commands: the spline, limits and errors that residual control, a planner and an arm share."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.errors import HierbrushError
from hierbrush.sim import BrushBatch, BrushModel, HandleLimits, reference
from hierbrush.sim import batch as batch_module
from hierbrush.sim.hand import spline

START = np.array([0.06, 0.06, -0.003])


def held(count: int = 2, **options: object) -> BrushBatch:
    brushes = BrushBatch(BrushModel.preset("measured"), count, side=64, **options)
    brushes.place(START)
    return brushes


def way(ticks: int, seed: int = 0) -> np.ndarray:
    """Return commands [ticks, 3] that wander over the paper."""
    steps = np.random.default_rng(seed).uniform([-0.004, -0.004, -0.001], [0.004, 0.004, 0.003], (ticks, 3))
    return START + np.cumsum(steps, axis=0)


def test_the_handle_follows_the_spline_of_its_commands() -> None:
    brushes, commands = held(limits=HandleLimits(lift=0.02)), way(12)
    poses = []
    for command in commands:
        brushes.follow(command)
        poses += [brushes.midway[0].copy(), brushes.position[0].copy()]
    np.testing.assert_allclose(poses, spline(np.concatenate([[START] * 3, commands])), atol=1e-9)
    np.testing.assert_allclose(brushes.command[0], commands[:-4:-1], atol=1e-9)
    assert brushes.tick.tolist() == [12, 12]
    assert brushes.counts[:, 2].tolist() == [0, 0]
    assert brushes.counts[0, 3] == np.count_nonzero(brushes.ink(0)) > 0


def test_commands_keep_to_the_limits() -> None:
    limits = HandleLimits(move=0.002, press=0.001, lift=0.004)
    brushes = held(limits=limits)
    for _ in range(9):
        brushes.follow([START + [0.05, 0.0, -0.05], START + [0.0, 0.05, 0.05]])
    moved = brushes.command[:, 0] - START
    assert moved[:, :2] == pytest.approx(np.array([[0.018, 0.0], [0.0, 0.018]]), abs=1e-9)
    assert brushes.command[0, 0, 2] == pytest.approx(-0.004)
    assert moved[1, 2] == pytest.approx(0.009)


def test_errors_begin_anew_where_the_brush_is_put_down() -> None:
    brushes = held(seed=3)
    brushes.set_noise(0.001, correlation=5.0)
    for command in way(4):
        brushes.follow(command)
    assert (brushes.tick == 4).all()
    off = brushes.position - held(seed=3).position
    assert len(np.unique(off, axis=0)) == 2  # each slot errs for itself
    brushes.place(START, [1])
    assert brushes.tick.tolist() == [4, 0]


def test_the_twin_follows_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for kernels in (batch_module.kernels, reference):
        monkeypatch.setattr(batch_module, "kernels", kernels)
        brushes = held(seed=5)
        brushes.want(np.full((1, 64), 0xFFFFFFFF, np.uint64), [1])  # the left half
        brushes.set_noise([0.0005, 0.0], correlation=1.0, feedback=0.5)
        for command in way(8, seed=2):
            brushes.follow(command)
        found.append({name: array.copy() for name, array in brushes._arrays.items()})
    for name, array in found[0].items():
        np.testing.assert_array_equal(array, found[1][name], err_msg=name)


def test_ink_that_is_wanted_is_told_from_ink_beside_it() -> None:
    brushes = held(limits=HandleLimits(lift=0.02))
    brushes.want(np.full((1, 64), 0xFFFFFFFF, np.uint64), [1])
    for command in way(12):
        brushes.follow(command)
    ink = brushes.ink(1)
    assert brushes.counts[:, 2:].tolist() == [[0, ink.sum()], [ink[:, :32].sum(), ink[:, 32:].sum()]]
    assert brushes.counts[1, 2:].all()
    with pytest.raises(HierbrushError, match="wanted: shape"):
        brushes.want(np.zeros((3, 64), np.uint64))


@pytest.mark.parametrize("target", [np.nan, [0, 0], [9.0, 0, 0], np.zeros((3, 3))])
def test_what_is_no_command_is_refused(target: object) -> None:
    with pytest.raises(HierbrushError):
        held().follow(target)
    with pytest.raises(HierbrushError, match="limits"):
        BrushBatch(BrushModel(), 1, limits=3)  # type: ignore[arg-type]
