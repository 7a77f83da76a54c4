"""Brush files, which every ``brush`` argument reads: YAML, with positions in what is said of mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import Any

from hierbrush.arguments import check_path, is_number
from hierbrush.brushes.identified import PARAMETERS, SPREADS, BrushFile
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.sim.model import PRESETS, BrushModel, NeuralBrush, brush_from
from hierbrush.yaml_source import ConfigError, Document, Origin, Problem, read_yaml

SUFFIX = ".yaml"


def brush_of(brush: object, argument: str = "brush") -> BrushModel:
    """Return a brush given as one, by a preset's name, or by the path of a brush file.

    Raises:
        HierbrushError: it is none of these.
        ConfigError: the file cannot be used; see `load_brush`.
    """
    if isinstance(brush, BrushModel):
        return brush
    if isinstance(brush, str) and brush in PRESETS:
        return PRESETS[brush]
    if isinstance(brush, PathLike) or (isinstance(brush, str) and is_brush_file(brush)):
        return load_brush(brush, argument=argument).model
    if isinstance(brush, str):
        hint = closest(brush, list(PRESETS))
        raise HierbrushError(f"{argument}: {shown(brush)} is not one of {', '.join(PRESETS)}, nor a brush file{hint}")
    raise HierbrushError(f"{argument}: {shown(brush)}, expected the name of a preset, a brush file or a BrushModel")


def is_brush_file(text: str) -> bool:
    """Return whether a name is meant as the path of a brush file."""
    return text.endswith((SUFFIX, ".yml")) or "/" in text or "\\" in text


def load_brush(path: str | PathLike[str], *, argument: str = "brush") -> BrushFile:
    """Read a brush file: parameters of `BrushModel` by name; what it leaves out is as in the preset ``measured``.

    Raises:
        ConfigError: the file cannot be used; every problem on a line of its own, with file, line and column.
        HierbrushError: ``path`` is no path.
    """
    document = read_yaml(check_path(argument, path))
    problems = sorted(_problems(document), key=lambda found: found[0].order)
    if problems:
        raise ConfigError([Problem(origin.where, message) for origin, message in problems])
    data = dict(document.data)
    _check_mark(document)
    spread, undetermined = data.pop("spread", {}), data.pop("undetermined", [])
    return BrushFile(brush_from(data), dict(spread), tuple(undetermined))


def _check_mark(document: Document) -> None:
    """Refuse numbers that are possible one by one, but leave no mark together."""
    model = BrushModel(**{name: value for name, value in document.data.items() if name in PARAMETERS})
    for kind, size in (("width", model.width(model.max_depth)), ("length", model.length(model.max_depth))):
        if size <= 0:
            given = next(name for name in document.data if name.startswith(kind) or name == "max_depth")
            deep = f"at its greatest depth, {model.max_depth * 1e3:g} mm, its {kind} is 0"
            message = f"the brush leaves no mark: {deep}; expected a larger {kind}_slope or {kind}_intercept"
            raise ConfigError([Problem(document.origin((given,)).where, message)])


def _problems(document: Document) -> Iterator[tuple[Origin, str]]:
    known = [*PARAMETERS, "spread", "undetermined", "network"]
    for name, value in document.data.items():
        if name not in known:
            hint = closest(name, known) or f"; known keys: {', '.join(known)}"
            yield document.origin((name,), key=True), f"unknown key {shown(name)}{hint}"
        elif name == "spread":
            yield from _spread_problems(document, value)
        elif name == "network":
            try:
                NeuralBrush(network=value)
            except HierbrushError as error:
                yield document.origin((name,)), str(error)
        elif name == "undetermined":
            if not isinstance(value, list) or not all(item in PARAMETERS for item in value):
                yield document.origin((name,)), f"undetermined: {shown(value)}, expected names of parameters"
        else:
            try:
                BrushModel(**{name: value})
            except HierbrushError as error:
                yield document.origin((name,)), str(error)


def _spread_problems(document: Document, value: Any) -> Iterator[tuple[Origin, str]]:
    if not isinstance(value, dict):
        yield document.origin(("spread",)), f"spread: {shown(value)}, expected shares of {', '.join(SPREADS)}"
        return
    for name, share in value.items():
        at: tuple[str | int, ...] = ("spread", name)
        if name not in SPREADS:
            yield document.origin(at, key=True), f"unknown key {shown(name)}{closest(name, list(SPREADS))}"
        elif not is_number(share) or not 0 <= share <= 1:
            yield document.origin(at), f"spread.{name}: {shown(share)}, expected a share from 0 to 1"
