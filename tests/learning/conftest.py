"""One small Ray for all tests of the training, started when the first needs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent

# What Ray's and TensorBoard's own code warns about, seen from here; ours stays an error.
THIRD_PARTY = (
    "ignore::DeprecationWarning:ray.*",
    "ignore::DeprecationWarning:tensorboard.*",
    "ignore::ResourceWarning:ray.*",
    "ignore:.*Overriding environment rllib-",  # with every runner after the first of a process
    "ignore:.*RLModule\\(config=:DeprecationWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            for pattern in THIRD_PARTY:
                item.add_marker(pytest.mark.filterwarnings(pattern))


@pytest.fixture(scope="session")
def ray_running() -> Iterator[None]:
    # Remote runners import the toy environment by its module's name.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    from hierbrush.learning.runs.session import ray_session

    with ray_session(8):  # logical cores, for runners and learners side by side
        yield


@pytest.fixture
def toy_settings() -> dict[str, Any]:
    """Settings with which the toy is learned in a few seconds."""
    return {
        "name": "toy",
        "environment": {"id": "toy:toy/Reach-v0", "slots": 128},
        "policy": {"hidden": [32, 32], "value_hidden": [32, 32], "sigma": 0.5, "sigma_final": 0.1},
        "training": {
            "steps": 80_000,
            "fragment": 16,
            "minibatch": 512,
            "gamma": 0.95,
            "lr": 5e-3,
            "lr_final": 5e-4,
            "epochs": 4,
            "value_warmup": 1,
        },
        "output": {"tensorboard": False, "checkpoint_every": 1.0},
    }
