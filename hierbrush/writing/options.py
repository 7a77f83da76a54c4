"""Options that come as an object of their own or as a mapping of its fields, as from a file or a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from hierbrush.errors import HierbrushError, closest, shown

_Options = TypeVar("_Options")


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
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # a dataclass, as the callers have
    for name in given:
        if name not in known:
            hint = closest(name, known) or f"; there are {', '.join(known)}"
            raise HierbrushError(f"{argument}: unknown field {shown(name)}{hint}")
    return kind(**given)
