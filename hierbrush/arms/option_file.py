"""An arm's options in a YAML file: read with positions, its JSON Schema, and an example with every option."""

from __future__ import annotations

from os import PathLike
from typing import Any

from hierbrush import options
from hierbrush.arguments import check_path
from hierbrush.arms.arm import Arm


def load_arm(path: str | PathLike[str]) -> Arm:
    """Read an arm from a YAML file; what it leaves out has its default. A model is looked for beside the file, too.

    Raises:
        ConfigError: the file cannot be used; every problem on a line of its own, with file, line and column.
    """
    file = check_path("arm", path)

    def beside(data: dict[str, Any]) -> dict[str, Any]:
        model = data.get("model", "")
        there = file.parent / model
        return {**data, "model": str(there)} if model and there.is_file() else data

    return options.read_options(file, "arm", Arm, together=("model", "stone"), adapt=beside)


def arm_of(which: str) -> Arm:
    """Return an arm by its name, its model's file or the YAML file that describes it, as the command line takes it.

    Raises:
        HierbrushError: there is no such arm.
    """
    return load_arm(which) if which.lower().endswith((".yaml", ".yml")) else Arm.of(which)


def arm_schema() -> dict[str, Any]:
    """Return the JSON Schema of arm files, by which editors complete and check them."""
    return options.schema("hierbrush arm", Arm)


def example() -> str:
    """Return an arm file with every option, its meaning and its default."""
    return options.example("An arm for hierbrush arm --arm", Arm)
