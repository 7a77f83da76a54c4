"""Dataclasses whose fields say what they mean, as YAML files: problems by place, a JSON Schema, an example.

A field's metadata has its ``text`` and, where it has one, its ``unit``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field
from typing import TYPE_CHECKING, Any

from hierbrush.errors import HierbrushError, closest, shown

if TYPE_CHECKING:
    from hierbrush.yaml_source import Document, Origin

Options = Mapping[str, Field[Any]]


def problems(
    document: Document, options: Options, try_one: Callable[[str, Any], object], argument: str
) -> Iterator[tuple[Origin, str]]:
    """Yield where an option is unknown or has a value that ``try_one`` refuses, and why.

    Args:
        document: the file.
        options: the fields by name.
        try_one: is given a name and its value, and raises HierbrushError for a wrong one.
        argument: what messages of ``try_one`` begin with, which the place takes the place of.
    """
    for name, value in document.data.items():
        if name not in options:
            hint = closest(name, list(options)) or f"; known keys: {', '.join(options)}"
            yield document.origin((name,), key=True), f"unknown key {shown(name)}{hint}"
            continue
        try:
            try_one(name, value)
        except HierbrushError as error:
            yield document.origin((name,)), str(error).removeprefix(f"{argument}: ")


def schema(title: str, options: Options, kind: Callable[[Field[Any]], dict[str, Any]]) -> dict[str, Any]:
    """Return the JSON Schema of such files; ``kind`` says what values a field takes."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {"description": _described(option), "default": _plain(option.default), **kind(option)}
            for name, option in options.items()
        },
    }


def example(heading: str, options: Options) -> str:
    """Return a file with every option, its meaning and its default."""
    lines = [f"# {heading}; what is left out has the value given here."]
    for name, option in options.items():
        lines += [f"# {_described(option)}", f"{name}: {json.dumps(_plain(option.default))}"]
    return "\n".join([*lines, ""])


def _described(option: Field[Any]) -> str:
    unit = option.metadata.get("unit")
    return f"{option.metadata['text']}{f' [{unit}]' if unit else ''}"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
