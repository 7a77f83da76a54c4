"""Options that describe a machine, in a YAML file: read with positions, their JSON Schema, and an example.

Any export may have them: a dataclass whose fields say in their metadata what they mean, named by `Option.fields`.
"""

from __future__ import annotations

from dataclasses import Field, fields
from os import PathLike
from typing import Any

from hierbrush import option_file
from hierbrush.arguments import check_path
from hierbrush.writing.outputs import options


def machines() -> dict[str, type]:
    """Return by option the dataclasses of exports that describe a machine."""
    return {name: option.fields for name, (option, _) in options().items() if option.fields is not None}


def load_machine(path: str | PathLike[str], option: str = "gcode") -> Any:
    """Read the options of a machine from a YAML file; what it leaves out has its default.

    Raises:
        ConfigError: the file cannot be used; every problem on a line of its own, with file, line and column.
    """
    from hierbrush.yaml_source import ConfigError, Problem, read_yaml

    document = read_yaml(check_path(option, path))
    machine = machines()[option]
    found = option_file.problems(document, _options(option), lambda name, value: machine(**{name: value}), option)
    problems = sorted(found, key=lambda problem: problem[0].order)
    if problems:
        raise ConfigError([Problem(origin.where, message) for origin, message in problems])
    return machine(**document.data)


def _options(option: str) -> dict[str, Field[Any]]:
    return {field.name: field for field in fields(machines()[option])}


def machine_schema(option: str = "gcode") -> dict[str, Any]:
    """Return the JSON Schema of machine files, by which editors complete and check them."""
    return option_file.schema("hierbrush machine", _options(option), _type)


def example(option: str = "gcode") -> str:
    """Return a machine file with every option, its meaning and its default."""
    return option_file.example(f"A machine for hierbrush write --{option}", _options(option))


def _type(field: Field[Any]) -> dict[str, Any]:
    facts = field.metadata
    if "choice" in facts:
        return {"enum": list(facts["choice"])}
    if "lines" in facts:
        return {"type": ["array", "string"], "items": {"type": "string"}}
    number = {"type": "number", "minimum": facts["low"], "maximum": facts["high"]}
    return {"type": "array", "items": number, "minItems": 2, "maxItems": 2} if "pair" in facts else number
