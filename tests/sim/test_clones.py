"""Whichever clone the machine picks, the bits are those of plain C: none fuses multiplication and addition."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hierbrush.sim import BrushModel, StrokeBatch

ROOT = Path(__file__).resolve().parents[2]
SLOTS = 4096


@pytest.fixture(scope="module")
def plain(core: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The core built for the least instruction set and hardly optimised."""
    if "HB_TARGET_CLONES" not in core.BUILD:
        pytest.skip("this core has one instruction set")
    place = tmp_path_factory.mktemp("plain")
    command = [sys.executable, "-W", "ignore", "setup.py", "-q", "build_ext"]
    command += ["--build-lib", str(place), "--build-temp", str(place / "objects")]
    environment = {**os.environ, "HIERBRUSH_CFLAGS": "-O1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600)
    (file,) = place.rglob("_core*.so") or [pytest.fail(f"no core was built:\n{built.stdout}{built.stderr}")]
    spec = importlib.util.spec_from_file_location("hierbrush.sim._core", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert "HB_TARGET_CLONES" not in module.BUILD
    return module


def both(core: ModuleType, plain: ModuleType, on_kernel: Any, bank: Any, **options: Any) -> list[StrokeBatch]:
    batches = [on_kernel(k, lambda: StrokeBatch(bank, BrushModel(), SLOTS, seed=3, **options)) for k in (core, plain)]
    for batch in batches:
        batch.assign(np.arange(SLOTS) % len(bank))
    return batches


def test_many_ticks_have_the_same_bits(
    core: ModuleType, plain: ModuleType, on_kernel: Any, assert_same: Any, make_bank: Any
) -> None:
    batches = both(core, plain, on_kernel, make_bank(4, 64, side=64))
    rng = np.random.default_rng(0)
    for batch in batches:
        batch.set_noise(0.0005, correlation=0.5, feedback=0.7)
    for _ in range(12):
        action = rng.uniform(-1.0, 1.0, (SLOTS, 3))
        for batch in batches:
            batch.track(action)
        assert_same(*batches)


def test_differences_that_cancel_have_the_same_bits(
    core: ModuleType, plain: ModuleType, on_kernel: Any, assert_same: Any, make_bank: Any
) -> None:
    """Along the tangent nothing is left across it but rounding, where a fused operation shows in every stroke."""
    bank = make_bank(5, 64, side=64)
    batches = both(core, plain, on_kernel, bank, observation="track")
    track = bank.arrays["track"][bank.arrays["track_offset"] + 1][np.arange(SLOTS) % len(bank)]
    share = np.random.default_rng(1).uniform(-0.01, 0.01, (SLOTS, 1))
    for batch in batches:
        for name in ("moved", "command", "direction"):
            rows = batch._arrays[name].reshape(SLOTS, -1)
            rows[:, :2] = share * track[:, 6:8]
        batch._arrays["pose"][:, :2] = track[:, 3:5] + share * track[:, 6:8]
        batch.observe()
    assert_same(*batches)


def test_residuals_that_cancel_have_the_same_bits(
    core: ModuleType, plain: ModuleType, on_kernel: Any, assert_same: Any, make_bank: Any
) -> None:
    """Half a step of the handle's grid is rounded by what the turned residual leaves of two equal products."""
    rng = np.random.default_rng(2)
    bank = make_bank(6, 64, side=64)
    track = bank.arrays["track"]
    track.flags.writeable = True
    track[:, :2] = 2.0**-33
    track[:, 6:8] = rng.uniform(0.3, 0.9, (len(track), 2)).astype(np.float32)
    batches = both(core, plain, on_kernel, bank, observation="none")
    turned = track[bank.arrays["track_offset"] + 1, 6:8][np.arange(SLOTS) % len(bank)]
    action = np.concatenate([turned[:, ::-1], np.zeros((SLOTS, 1))], axis=1)
    for batch in batches:
        batch.place(np.zeros(3))
        batch.track(action)
    assert_same(*batches)


def test_networks_have_the_same_bits(core: ModuleType, plain: ModuleType) -> None:
    rng = np.random.default_rng(7)
    x, weight, bias = (rng.normal(0.0, 1.0, shape).astype(np.float32) for shape in ((37, 128), (128, 99), (99,)))
    qkv = rng.normal(0.0, 2.0, (5, 13, 3, 2, 32)).astype(np.float32)
    exists = (rng.random((5, 13)) < 0.8).astype(np.uint8)
    found = []
    for kernel in (core, plain):
        outs = [np.empty(shape, np.float32) for shape in ((37, 99), (5, 13, 64), (37, 128))]
        kernel.linear(x, weight, bias, True, outs[0])
        kernel.attention(qkv, exists, 5, 2, outs[1])
        kernel.normalise(x, weight[:, 0].copy(), weight[:, 1].copy(), 1e-5, outs[2])
        found.append([out.tobytes() for out in outs])
    assert found[0] == found[1]


def test_no_fused_instruction_is_in_the_core(core: ModuleType) -> None:
    objdump = shutil.which("objdump")
    if objdump is None or "HB_TARGET_CLONES" not in core.BUILD:
        pytest.skip("needs objdump and a core with clones")
    listing = subprocess.run(
        [objdump, "--disassemble", "--no-show-raw-insn", str(core.__file__)],
        capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    assert "ymm" in listing
    assert not re.findall(r"\tvfn?m(?:add|sub)\S*", listing)
