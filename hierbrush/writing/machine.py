"""A machine's options in a YAML file: read with positions, its JSON Schema, and an example with every option."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import Field, fields
from os import PathLike
from typing import Any

from hierbrush.arguments import check_path
from hierbrush.curriculum.yaml_source import ConfigError, Document, Origin, Problem, read_yaml
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.writing.exports.gcode import DIALECTS, GcodeOptions

_OPTIONS: dict[str, Field[Any]] = {option.name: option for option in fields(GcodeOptions)}


def load_machine(path: str | PathLike[str]) -> GcodeOptions:
    """Read the options of a machine from a YAML file; what it leaves out has its default.

    Raises:
        ConfigError: the file cannot be used; every problem on a line of its own, with file, line and column.
    """
    document = read_yaml(check_path("gcode", path))
    problems = sorted(_problems(document), key=lambda found: found[0].order)
    if problems:
        raise ConfigError([Problem(origin.where, message) for origin, message in problems])
    return GcodeOptions(**document.data)


def _problems(document: Document) -> Iterator[tuple[Origin, str]]:
    for name, value in document.data.items():
        if name not in _OPTIONS:
            hint = closest(name, list(_OPTIONS)) or f"; known keys: {', '.join(_OPTIONS)}"
            yield document.origin((name,), key=True), f"unknown key {shown(name)}{hint}"
            continue
        try:
            GcodeOptions(**{name: value})
        except HierbrushError as error:
            yield document.origin((name,)), str(error).removeprefix("gcode: ")


def machine_schema() -> dict[str, Any]:
    """Return the JSON Schema of machine files, by which editors complete and check them."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hierbrush machine",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {"description": _described(option), "default": _plain(option.default), **_type(option)}
            for name, option in _OPTIONS.items()
        },
    }


def example() -> str:
    """Return a machine file with every option, its meaning and its default."""
    lines = ["# A machine for hierbrush write --gcode; what is left out has the value given here."]
    for name, option in _OPTIONS.items():
        lines += [f"# {_described(option)}", f"{name}: {json.dumps(_plain(option.default))}"]
    return "\n".join([*lines, ""])


def _described(option: Field[Any]) -> str:
    unit = option.metadata.get("unit")
    return f"{option.metadata['text']}{f' [{unit}]' if unit else ''}"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _type(option: Field[Any]) -> dict[str, Any]:
    facts = option.metadata
    if "choice" in facts:
        return {"enum": list(DIALECTS)}
    if "lines" in facts:
        return {"type": ["array", "string"], "items": {"type": "string"}}
    number = {"type": "number", "minimum": facts["low"], "maximum": facts["high"]}
    return {"type": "array", "items": number, "minItems": 2, "maxItems": 2} if "pair" in facts else number
