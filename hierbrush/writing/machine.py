"""Options that describe a machine, in a YAML file: read with positions, their JSON Schema, and an example.

Any export may have them: a dataclass whose fields say in their metadata what they mean, named by `Option.fields`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import Field, fields
from os import PathLike
from typing import Any

from hierbrush.arguments import check_path
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.writing.outputs import options
from hierbrush.yaml_source import ConfigError, Document, Origin, Problem, read_yaml


def machines() -> dict[str, type]:
    """Return by option the dataclasses of exports that describe a machine."""
    return {name: option.fields for name, (option, _) in options().items() if option.fields is not None}


def load_machine(path: str | PathLike[str], option: str = "gcode") -> Any:
    """Read the options of a machine from a YAML file; what it leaves out has its default.

    Raises:
        ConfigError: the file cannot be used; every problem on a line of its own, with file, line and column.
    """
    document = read_yaml(check_path(option, path))
    problems = sorted(_problems(document, option), key=lambda found: found[0].order)
    if problems:
        raise ConfigError([Problem(origin.where, message) for origin, message in problems])
    return machines()[option](**document.data)


def _problems(document: Document, option: str) -> Iterator[tuple[Origin, str]]:
    machine, known = machines()[option], [field.name for field in _fields(option)]
    for name, value in document.data.items():
        if name not in known:
            hint = closest(name, known) or f"; known keys: {', '.join(known)}"
            yield document.origin((name,), key=True), f"unknown key {shown(name)}{hint}"
            continue
        try:
            machine(**{name: value})
        except HierbrushError as error:
            yield document.origin((name,)), str(error).removeprefix(f"{option}: ")


def _fields(option: str) -> tuple[Field[Any], ...]:
    return fields(machines()[option])


def machine_schema(option: str = "gcode") -> dict[str, Any]:
    """Return the JSON Schema of machine files, by which editors complete and check them."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hierbrush machine",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            field.name: {"description": _described(field), "default": _plain(field.default), **_type(field)}
            for field in _fields(option)
        },
    }


def example(option: str = "gcode") -> str:
    """Return a machine file with every option, its meaning and its default."""
    lines = [f"# A machine for hierbrush write --{option}; what is left out has the value given here."]
    for field in _fields(option):
        lines += [f"# {_described(field)}", f"{field.name}: {json.dumps(_plain(field.default))}"]
    return "\n".join([*lines, ""])


def _described(field: Field[Any]) -> str:
    unit = field.metadata.get("unit")
    return f"{field.metadata['text']}{f' [{unit}]' if unit else ''}"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _type(field: Field[Any]) -> dict[str, Any]:
    facts = field.metadata
    if "choice" in facts:
        return {"enum": list(facts["choice"])}
    if "lines" in facts:
        return {"type": ["array", "string"], "items": {"type": "string"}}
    number = {"type": "number", "minimum": facts["low"], "maximum": facts["high"]}
    return {"type": "array", "items": number, "minItems": 2, "maxItems": 2} if "pair" in facts else number
