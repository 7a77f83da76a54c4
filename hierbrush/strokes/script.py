"""Stroke types of other scripts, such as kana: a YAML file of drawn strokes, so that practising them needs no code.

A file names the script and its types; each type has one or more shapes, lines of points ``[x, y, half-width]`` in the
unit box (x right, y down). A point that stands twice is a corner; elsewhere the line is smooth::

    script: kana
    types:
      KANA_NO:
        description: the loop of の
        shapes:
          - [[0.55, 0.30, 0.02], [0.35, 0.75, 0.03], [0.20, 0.55, 0.03], [0.55, 0.25, 0.03], [0.80, 0.55, 0.02]]

Names have an underscore, which none of Unicode's 38 has. A curriculum names the file (``script``); its types are known
from then on to goals, environments, trainings and policies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from hierbrush.arguments import check_list, is_number
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.strokes.drawn import smooth, swept_goal
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.types import ABBREVIATIONS

NAME = r"[A-Z][A-Z0-9]*_[A-Z0-9_]+"
"""What a type of a script is called, as a regular expression."""

_MOST_TYPES, _MOST_SHAPES, _MOST_POINTS = 200, 100, 200
_WIDTHS = (0.002, 0.2)


@dataclass(frozen=True, eq=False)
class ScriptType:
    """A stroke type of a script: what it is called, what it looks like, and strokes of it as they are drawn."""

    name: str
    description: str
    goals: tuple[StrokeGoal, ...]


_KNOWN: dict[str, ScriptType] = {}


def script_type(name: str) -> ScriptType | None:
    """Return a type of a script that is in use, or None."""
    return _KNOWN.get(name)


def known_types() -> tuple[str, ...]:
    """Return the names of all stroke types: Unicode's 38, then those of the scripts in use."""
    return (*ABBREVIATIONS, *_KNOWN)


def in_order(names: Iterator[str] | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Return names of stroke types in the order of `known_types`, without what is none."""
    asked = set(names)
    return tuple(name for name in known_types() if name in asked)


def check_type(name: object) -> str:
    """Return ``name`` if it is a stroke type.

    Raises:
        HierbrushError: it is none; the nearest is told.
    """
    if isinstance(name, str) and (name in ABBREVIATIONS or name in _KNOWN):
        return name
    known = list(known_types())
    near = closest(name.upper() if isinstance(name, str) else name, known)
    what = "the 38 stroke types" if not _KNOWN else "the stroke types"
    raise HierbrushError(f"{shown(name)} is none of {what}{near}")


def check_types(argument: str, names: Any) -> tuple[str, ...]:
    """Return names that an argument holds if all are stroke types.

    Raises:
        HierbrushError: they are no names, or one is no stroke type.
    """
    given = tuple(check_list(argument, names, "abbreviations such as 'HZG'"))
    for name in given:
        try:
            check_type(name)
        except HierbrushError as error:
            raise HierbrushError(f"{argument}: {error}") from None
    return given


def read_script(path: str | PathLike[str]) -> dict[str, Any]:
    """Return the content of a script's file, of which `use_script` makes types.

    Raises:
        ConfigError: the file cannot be used; every problem on a line of its own, with file, line and column.
    """
    from hierbrush.yaml_source import ConfigError, Problem, read_yaml

    document = read_yaml(path)
    problems = [Problem(document.origin(where).where, told) for where, told in _problems(document.data)]
    if problems:
        raise ConfigError(problems)
    return dict(document.data)


def use_script(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Make the types of a script known, in place of earlier ones of the same names, and return their names.

    Args:
        content: of a script's file, see `read_script`.

    Raises:
        HierbrushError: it is no script.
    """
    for where, told in _problems(content):
        raise HierbrushError(f"script: {'.'.join(map(str, where))}: {told}")
    for name, fields in content["types"].items():
        lines = [smooth(np.array(shape, np.float64)) for shape in fields["shapes"]]
        goals = tuple(swept_goal(name, line) for line in lines)
        _KNOWN[name] = ScriptType(name, fields.get("description", ""), goals)
    return tuple(content["types"])


def _problems(content: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield what is wrong with a script's content, and where."""
    if not isinstance(content, Mapping) or not {"script", "types"} <= content.keys():
        yield (), "expected the keys script and types"
        return
    for key in content:
        if key not in ("script", "types"):
            yield (key,), f"unknown key {shown(key)}{closest(str(key), ['script', 'types'])}"
    if not isinstance(content["script"], str) or not content["script"].strip():
        yield ("script",), f"{shown(content['script'])}, expected the script's name"
    types = content["types"]
    if not isinstance(types, Mapping) or not 0 < len(types) <= _MOST_TYPES:
        yield ("types",), f"expected 1 to {_MOST_TYPES} stroke types by name"
        return
    for name, fields in types.items():
        if not isinstance(name, str) or not re.fullmatch(NAME, name):
            yield ("types", name), f"{shown(name)}, expected a name such as KANA_NO, the script's and the type's"
        yield from _type_problems(("types", name), fields)


def _type_problems(at: tuple[str | int, ...], fields: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if not isinstance(fields, Mapping) or not isinstance(fields.get("shapes"), list):
        yield at, "expected shapes, a list of lines"
        return
    for key in fields:
        if key not in ("description", "shapes"):
            yield (*at, key), f"unknown key {shown(key)}{closest(str(key), ['description', 'shapes'])}"
    if not isinstance(fields.get("description", ""), str):
        yield (*at, "description"), "expected text"
    if not 0 < len(fields["shapes"]) <= _MOST_SHAPES:
        yield (*at, "shapes"), f"has {len(fields['shapes'])} shapes, expected 1 to {_MOST_SHAPES}"
    for number, shape in enumerate(fields["shapes"]):
        if not isinstance(shape, list) or not 2 <= len(shape) <= _MOST_POINTS:
            yield (*at, "shapes", number), f"expected 2 to {_MOST_POINTS} points [x, y, half-width]"
        elif not all(map(_is_point, shape)):
            bad = next(index for index, point in enumerate(shape) if not _is_point(point))
            low, high = _WIDTHS
            yield (
                (*at, "shapes", number, bad),
                f"{shown(shape[bad])}, expected [x, y, half-width] with x and y from 0 to 1 and a half-width from "
                f"{low:g} to {high:g}",
            )
        elif all(point[:2] == shape[0][:2] for point in shape):
            yield (*at, "shapes", number), "all points are the same"


def _is_point(point: Any) -> bool:
    return (
        isinstance(point, list | tuple)
        and len(point) == 3
        and all(map(is_number, point))
        and all(0.0 <= value <= 1.0 for value in point[:2])
        and _WIDTHS[0] <= point[2] <= _WIDTHS[1]
    )
