"""The settings of every kind of training as a table in Markdown, made of the models that check them."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.learning.recipes import kinds
from hierbrush.learning.recipes.ppo import PhaseSection

SHARED = ("resources.", "faults.", "output.")
"""Sections that all kinds share, which the table of ``ppo`` alone shows."""


def settings(kind: str) -> str:
    """Return a row for each setting of a kind of training.

    Raises:
        HierbrushError: there is no such kind.
    """
    if kind not in kinds():
        raise HierbrushError(f"settings: there is no kind of training {shown(kind)}{closest(kind, list(kinds()))}")
    left_out = () if kind == "ppo" else SHARED
    rows = "".join(row for key, row in _rows(kinds()[kind]) if not key.startswith(left_out))
    return f"| setting | meaning | default |\n|---|---|---|\n{rows}"


def _rows(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        inner = PhaseSection if name == "phases" else field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _rows(inner, f"{key}.0." if name == "phases" else f"{key}.")
            continue
        default = field.get_default(call_default_factory=True)
        if field.is_required() or default is PydanticUndefined:
            value = "required"
        elif isinstance(default, tuple):
            value = f"`{list(default)}`"
        else:
            value = "–" if default is None else f"`{str(default).lower() if isinstance(default, bool) else default}`"
        meaning = " ".join((field.description or "").replace("``", "`").split())
        yield key, f"| `{key}` | {meaning} | {value} |\n"
