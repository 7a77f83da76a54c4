"""Options as dataclasses: of mappings, and with fields that say what they mean, of YAML files with schema and example.

A field that says so is made by `number_field`, `choice_field` or `described_field`; `check_fields` holds its value to
what it says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, field, fields
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar

from hierbrush.arguments import check_choice, check_number, check_path
from hierbrush.errors import HierbrushError, closest, shown

if TYPE_CHECKING:
    from hierbrush.yaml_source import Document, Origin

_Options = TypeVar("_Options")
Check = Callable[[str, Any], Any]
"""Is given the name for messages and a value, and returns the value checked."""


def options_of(argument: str, kind: type[_Options], value: object) -> _Options:
    """Return options given as a ``kind``, as a mapping of its fields, or as None for the defaults.

    Raises:
        HierbrushError: ``value`` is neither; an unknown field; or a value that ``kind`` refuses.
    """
    if value is None:
        return kind()
    return value if isinstance(value, kind) else from_mapping(argument, kind, value)


def from_mapping(argument: str, kind: type[_Options], mapping: object) -> _Options:
    """Return the dataclass ``kind`` with the fields of a mapping; the class checks their values.

    Raises:
        HierbrushError: no mapping, an unknown field, or a value that ``kind`` refuses.
    """
    if not isinstance(mapping, Mapping):
        raise HierbrushError(f"{argument}: {shown(mapping)}, expected a {kind.__name__} or a mapping of its fields")
    given: dict[str, Any] = dict(mapping)
    known = list(_fields(kind))
    for name in given:
        if name not in known:
            hint = closest(name, known) or f"; there are {', '.join(known)}"
            raise HierbrushError(f"{argument}: unknown field {shown(name)}{hint}")
    return kind(**given)


def described_field(default: Any, text: str, check: Check, schema: dict[str, Any], unit: str = "") -> Any:
    """Return a field with its meaning, its check and the JSON Schema of its values."""
    return field(default=default, metadata={"text": text, "unit": unit, "check": check, "schema": schema})


def number_field(default: float | None, unit: str, text: str, low: float, high: float) -> Any:
    """Return a field of numbers from ``low`` to ``high``; of None as well, if that is the default."""
    schema: dict[str, Any] = {"type": "number", "minimum": low, "maximum": high}
    if default is not None:
        return described_field(
            default, text, lambda name, value: check_number(name, value, low, high, unit), schema, unit
        )

    def check(name: str, value: Any) -> float | None:
        return None if value is None else check_number(name, value, low, high, unit)

    return described_field(None, text, check, {"anyOf": [schema, {"type": "null"}]}, unit)


def choice_field(default: str, text: str, names: tuple[str, ...]) -> Any:
    """Return a field of one of some names."""
    return described_field(default, text, lambda name, value: check_choice(name, value, names), {"enum": list(names)})


def check_fields(argument: str, options: Any) -> None:
    """Check a frozen dataclass whose fields say what they take, in its ``__post_init__``.

    Raises:
        HierbrushError: a value that its field refuses.
    """
    for name, option in _fields(type(options)).items():
        value = option.metadata["check"](f"{argument}: {name}", getattr(options, name))
        object.__setattr__(options, name, value)


def read_options(
    path: str | PathLike[str],
    argument: str,
    kind: type[_Options],
    *,
    together: tuple[str, ...] = (),
    adapt: Callable[[dict[str, Any]], dict[str, Any]] = lambda data: data,
) -> _Options:
    """Return options from a YAML file; what it leaves out has its default.

    Args:
        path: the file.
        argument: what messages of ``kind`` begin with, which the place in the file takes the place of.
        kind: a dataclass whose fields say what they take.
        together: fields that are right or wrong only beside the others.
        adapt: makes the fields of what the file says.

    Raises:
        ConfigError: the file cannot be used; every problem on a line of its own, with file, line and column.
    """
    from hierbrush.yaml_source import ConfigError, Problem, read_yaml

    document = read_yaml(check_path(argument, path))
    problems = sorted(_problems(document, kind, argument, together), key=lambda found: found[0].order)
    if not problems:
        try:
            return kind(**adapt(document.data))
        except HierbrushError as error:  # options that do not fit each other
            problems = [(document.origin(()), str(error).removeprefix(f"{argument}: "))]
    raise ConfigError([Problem(origin.where, message) for origin, message in problems])


def _problems(document: Document, kind: type, argument: str, together: tuple[str, ...]) -> Iterator[tuple[Origin, str]]:
    """Yield where an option is unknown or has a value that is refused, and why."""
    known = _fields(kind)
    for name, value in document.data.items():
        if name not in known:
            hint = closest(name, list(known)) or f"; known keys: {', '.join(known)}"
            yield document.origin((name,), key=True), f"unknown key {shown(name)}{hint}"
        elif name not in together:
            try:
                kind(**{name: value})
            except HierbrushError as error:
                yield document.origin((name,)), str(error).removeprefix(f"{argument}: ")


def schema(title: str, kind: type) -> dict[str, Any]:
    """Return the JSON Schema of files of a dataclass whose fields say what they take."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {"description": _told(option), "default": _plain(option.default), **option.metadata["schema"]}
            for name, option in _fields(kind).items()
        },
    }


def example(heading: str, kind: type) -> str:
    """Return a file with every option, its meaning and its default."""
    lines = [f"# {heading}; what is left out has the value given here."]
    for name, option in _fields(kind).items():
        lines += [f"# {_told(option)}", f"{name}: {json.dumps(_plain(option.default))}"]
    return "\n".join([*lines, ""])


def _fields(kind: type) -> dict[str, Field[Any]]:
    return {option.name: option for option in fields(kind)}


def _told(option: Field[Any]) -> str:
    unit = option.metadata["unit"]
    return f"{option.metadata['text']}{f' [{unit}]' if unit else ''}"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
