"""Corrections by hand: characters whose upstream stroke order or types are known to be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.strokes.types import ABBREVIATIONS
from hierbrush_build.characters.sources import Sources

FILE = Path(__file__).resolve().parent / "corrections.yaml"
SOURCES = ("prc", "tw", "types")
"""Headings of the file: the PRC's standards, Taiwan's CNS 11643, and strokes whose type alone was wrong."""


@dataclass(frozen=True)
class Correction:
    """One character's correction.

    Attributes:
        order: for each stroke in the right writing order, its index in hanzi-writer's order.
        types: stroke type of each stroke, in the right order; empty where they are found as for other characters.
        source: whose order it is, one of `SOURCES`.
    """

    order: tuple[int, ...]
    types: tuple[str, ...]
    source: str


def load_corrections(path: Path = FILE) -> dict[str, Correction]:
    """Read the corrections.

    Raises:
        HierbrushError: an entry is no permutation, names an unknown stroke type, or stands under an unknown heading.
    """
    corrections: dict[str, Correction] = {}
    for source, entries in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        if source not in SOURCES:
            raise HierbrushError(f"{path}: {shown(source)} is not one of {', '.join(SOURCES)}")
        for char, entry in entries.items():
            if char in corrections:
                raise HierbrushError(f"{path}: {char} stands under {corrections[char].source} and {source}")
            try:
                corrections[char] = _correction(entry, source)
            except HierbrushError as error:
                raise HierbrushError(f"{path}: {char}: {error}") from None
    return corrections


def _correction(entry: Mapping[str, str], source: str) -> Correction:
    types = tuple(entry.get("types", "").split())
    order = _numbers(entry.get("order", f"1-{len(types)}"))
    if sorted(order) != list(range(len(order))) or (types and len(types) != len(order)):
        raise HierbrushError(f"order is no permutation of 1 to {len(types) or len(order)}")
    for kind in types:
        if kind not in ABBREVIATIONS:
            raise HierbrushError(f"{kind!r} is no stroke type{closest(kind, list(ABBREVIATIONS))}")
    return Correction(order, types, source)


def _numbers(text: str) -> tuple[int, ...]:
    """Return the indices that a text such as ``"1 2 4 3 5-11"`` numbers from 1."""
    numbers: list[int] = []
    for word in str(text).split():
        first, _, last = word.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()):
            raise HierbrushError(f"order: {shown(word)} is no stroke's number and no run such as 5-11")
        numbers += range(int(first) - 1, int(last or first))
    return tuple(numbers)


def apply(sources: Sources, corrections: Mapping[str, Correction]) -> Sources:
    """Return the sources with the strokes of corrected characters in the right order.

    Raises:
        HierbrushError: a correction has another number of strokes than hanzi-writer.
    """
    paths = dict(sources.paths)
    for char, correction in corrections.items():
        if char not in paths:
            continue
        if len(correction.order) != len(paths[char]):
            raise HierbrushError(f"correction of {char}: {len(correction.order)} strokes, expected {len(paths[char])}")
        paths[char] = tuple(paths[char][index] for index in correction.order)
    return replace(sources, paths=paths)
