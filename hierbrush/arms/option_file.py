"""An arm's options in a YAML file: read with positions, its JSON Schema, and an example with every option."""

from __future__ import annotations

from dataclasses import Field, fields
from os import PathLike
from pathlib import Path
from typing import Any

from hierbrush import option_file
from hierbrush.arguments import check_path
from hierbrush.arms.arm import Arm
from hierbrush.errors import HierbrushError
from hierbrush.yaml_source import ConfigError, Problem, read_yaml

_OPTIONS: dict[str, Field[Any]] = {option.name: option for option in fields(Arm)}


def load_arm(path: str | PathLike[str]) -> Arm:
    """Read an arm from a YAML file; what it leaves out has its default.

    Raises:
        ConfigError: the file cannot be used; every problem on a line of its own, with file, line and column.
    """
    target = check_path("arm", path)
    document = read_yaml(target)
    problems = sorted(option_file.problems(document, _OPTIONS, _try, "arm"), key=lambda found: found[0].order)
    if not problems:
        try:
            return Arm(**_beside(document.data, target))
        except HierbrushError as error:  # options that do not fit each other
            problems = [(document.origin(()), str(error).removeprefix("arm: "))]
    raise ConfigError([Problem(origin.where, message) for origin, message in problems])


def arm_of(which: str) -> Arm:
    """Return an arm by its name, its model's file or the YAML file that describes it, as the command line takes it.

    Raises:
        HierbrushError: there is no such arm.
    """
    return load_arm(which) if which.lower().endswith((".yaml", ".yml")) else Arm.of(which)


def _beside(data: dict[str, Any], file: Path) -> dict[str, Any]:
    """Return options whose model is looked for beside the file, if it is there; else from the working directory."""
    model = data.get("model", "")
    there = file.parent / model
    return {**data, "model": str(there)} if model and there.is_file() else data


def _try(name: str, value: Any) -> None:
    if name not in ("model", "stone"):  # they fit or do not fit the others
        Arm(**{name: value})


def arm_schema() -> dict[str, Any]:
    """Return the JSON Schema of arm files, by which editors complete and check them."""
    return option_file.schema("hierbrush arm", _OPTIONS, _type)


def example() -> str:
    """Return an arm file with every option, its meaning and its default."""
    return option_file.example("An arm for hierbrush arm --arm", _OPTIONS)


def _type(option: Field[Any]) -> dict[str, Any]:
    facts = option.metadata
    if facts["kind"] == "text":
        return {"type": "string", "minLength": 1}
    if facts["kind"] == "number":
        number = {"type": "number", "minimum": facts["low"], "maximum": facts["high"]}
        return number if option.default is not None else {"anyOf": [number, {"type": "null"}]}
    row: dict[str, Any] = {"type": "number"}
    for size in reversed(facts["shape"]):
        sizes = {} if size is None else {"minItems": size, "maxItems": size}
        row = {"type": "array", "items": row, **sizes}
    return {"anyOf": [row, {"type": "array", "maxItems": 0}]}
