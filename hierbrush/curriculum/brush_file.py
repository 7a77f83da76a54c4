"""Brushes in files: what `hierbrush brush fit` writes and every ``brush`` argument reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from os import PathLike
from pathlib import Path
from typing import Any

from hierbrush.arguments import check_path, is_number
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.sim.model import PRESETS, BrushModel
from hierbrush.yaml_source import ConfigError, Document, Origin, Problem, read_yaml

SUFFIX = ".yaml"
SPREADS = ("width", "length", "offset", "root", "back")
"""What differs from stroke to stroke: the factors of :meth:`BrushModel.randomised`."""

_PARAMETERS = {parameter.name: parameter for parameter in fields(BrushModel)}


@dataclass(frozen=True)
class BrushFile:
    """A brush, how much it differs from stroke to stroke, and what its data did not determine.

    ``spread`` are standard deviations of factors around 1; ``undetermined`` names of parameters that are guesses.
    """

    model: BrushModel
    spread: Mapping[str, float] = field(default_factory=dict)
    undetermined: Sequence[str] = ()


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
    if isinstance(brush, PathLike) or (isinstance(brush, str) and _looks_like_path(brush)):
        return load_brush(brush, argument=argument).model
    if isinstance(brush, str):
        BrushModel.preset(brush)
    raise HierbrushError(f"{argument}: {shown(brush)}, expected the name of a preset, a brush file or a BrushModel")


def _looks_like_path(text: str) -> bool:
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
    spread, undetermined = data.pop("spread", {}), data.pop("undetermined", [])
    return BrushFile(BrushModel(**data), dict(spread), tuple(undetermined))


def _problems(document: Document) -> Iterator[tuple[Origin, str]]:
    known = [*_PARAMETERS, "spread", "undetermined"]
    for name, value in document.data.items():
        if name not in known:
            hint = closest(name, known) or f"; known keys: {', '.join(known)}"
            yield document.origin((name,), key=True), f"unknown key {shown(name)}{hint}"
        elif name == "spread":
            yield from _spread_problems(document, value)
        elif name == "undetermined":
            if not isinstance(value, list) or not all(item in _PARAMETERS for item in value):
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


def brush_text(brush: BrushFile, head: Sequence[str] = ()) -> str:
    """Return the content of a brush file, every parameter with its meaning."""
    lines = [f"# {line}" for line in head]
    for name, parameter in _PARAMETERS.items():
        value = getattr(brush.model, name)
        if name == "tip":
            lines.append(f"tip: {value}")
            continue
        facts = parameter.metadata
        guess = "; not determined by the data" if name in brush.undetermined else ""
        lines.append(f"{name}: {_number(value)}  # {facts['unit']}: {facts['text']}{guess}")
    if brush.spread:
        lines.append("# How much strokes differ: standard deviations of factors around 1.")
        lines.append("spread:")
        lines += [f"  {name}: {_number(brush.spread[name])}" for name in SPREADS if name in brush.spread]
    if brush.undetermined:
        lines.append(f"undetermined: [{', '.join(brush.undetermined)}]")
    return "\n".join([*lines, ""])


def _number(value: float) -> str:
    text = f"{value:.6g}"
    # YAML 1.2 takes 1e-5 for a number; a plain one is easier to read.
    return text if "e" not in text else f"{float(text):.10f}".rstrip("0")


def brush_name(brush: str | PathLike[str]) -> str:
    """Return how a brush given by name or path is told: the preset's name or the file's stem."""
    return str(brush) if isinstance(brush, str) and brush in PRESETS else Path(brush).name.removesuffix(SUFFIX)
