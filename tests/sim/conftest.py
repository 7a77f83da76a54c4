from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

from hierbrush.sim import BrushBatch, GoalBank, core_info, reference
from hierbrush.sim.core_choice import kernels

settings.register_profile("sim", deadline=None, max_examples=25, derandomize=True, database=None)
settings.load_profile("sim")

BOX = 0.125
Made = TypeVar("Made")
MakeBank = Callable[..., GoalBank]
OnKernel = Callable[[ModuleType, Callable[[], Made]], Made]

# Everything that a batch computes; bit for bit the same on both cores.
COMPUTED = (
    "pose", "root", "direction", "tuft", "moved", "midway", "drift", "command", "ink", "draws", "counts", "goal",
    "tick", "observation",
)  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def expected_core() -> None:
    """End the run unless the loaded core lies where HIERBRUSH_EXPECT_CORE says and was built with what _BUILD says."""
    place, build = os.environ.get("HIERBRUSH_EXPECT_CORE", ""), os.environ.get("HIERBRUSH_EXPECT_BUILD", "")
    file = Path(str(kernels.__file__)).resolve()
    if (place and not file.is_relative_to(Path(place).resolve())) or build not in core_info()["build"]:
        found = f"{file}, built with {core_info()['build']}"
        pytest.exit(f"the core under test is not the one expected: {found}", returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.fixture(scope="session")
def core() -> ModuleType:
    """The compiled core; tests that hold it to its twin are skipped where it was not built."""
    return pytest.importorskip("hierbrush.sim._core", reason="the C core is not built", exc_type=ImportError)


@pytest.fixture(scope="session", params=["c", "numpy"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.getfixturevalue("core") if request.param == "c" else reference


@pytest.fixture(scope="session")
def on_kernel() -> OnKernel[Any]:
    """Make something on a chosen core: ``on_kernel(core, lambda: BrushBatch(...))``. It stays on that core."""

    def make(kernel: ModuleType, build: Callable[[], Made]) -> Made:
        with pytest.MonkeyPatch.context() as patch:
            for module in ("batch", "bank", "raster"):
                patch.setattr(f"hierbrush.sim.{module}.kernels", kernel)
            return build()

    return make


@pytest.fixture(scope="session")
def assert_same() -> Callable[[BrushBatch, BrushBatch], None]:
    """Assert that two batches hold the same bits, signs of zeros included."""

    def compare(one: BrushBatch, other: BrushBatch) -> None:
        for name in COMPUTED:
            np.testing.assert_array_equal(one._arrays[name], other._arrays[name], err_msg=name)
            assert one._arrays[name].tobytes() == other._arrays[name].tobytes(), (
                f"{name}: differs in the sign of a zero"
            )

    return compare


def bent_stroke(rng: np.random.Generator, box: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return an outline in the unit box and a track in metres of a stroke that bends once."""
    ticks = int(rng.integers(3, 14))
    share = np.linspace(0.0, 1.0, ticks + 1)
    heading = rng.uniform(-np.pi, np.pi) + rng.uniform(-2.0, 2.0) * share
    tangent = np.stack([np.cos(heading), np.sin(heading)], axis=1)
    middle = np.cumsum(tangent, axis=0) * rng.uniform(0.1, 0.5) / ticks
    middle += rng.uniform(0.3, 0.7, 2) - middle.mean(axis=0)
    radius = rng.uniform(0.01, 0.05) * (1.0 + 0.5 * np.sin(3.0 * share))
    side = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) * radius[:, None]
    outline = np.concatenate([middle + side, (middle - side)[::-1]])
    depth = np.full((ticks + 1, 1), rng.uniform(0.002, 0.012))
    depth[0] = -0.0005
    track = np.concatenate([middle * box, depth, middle * box, radius[:, None] * box, tangent], axis=1)
    return outline, track


@pytest.fixture(scope="session")
def make_bank() -> MakeBank:
    """Random goals on a raster: ``make_bank(seed, count, side=…, supersample=…)``."""

    def make(seed: int, count: int, *, side: int = 64, supersample: int = 1, box: float = BOX) -> GoalBank:
        rng = np.random.default_rng(seed)
        outlines, tracks = zip(*(bent_stroke(rng, box) for _ in range(count)), strict=True)
        return GoalBank.build(outlines, tracks, side=side, supersample=supersample, box=box)

    return make
