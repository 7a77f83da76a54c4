"""Corrections by hand: characters whose upstream stroke order or types are known to be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from hierbrush.characters.build.sources import Sources
from hierbrush.errors import HierbrushError, closest
from hierbrush.strokes.types import ABBREVIATIONS

FILE = Path(__file__).resolve().parent / "corrections.yaml"


@dataclass(frozen=True)
class Correction:
    """One character's correction.

    Attributes:
        order: for each stroke in the right writing order, its index in hanzi-writer's order.
        types: stroke type of each stroke, in the right order.
    """

    order: tuple[int, ...]
    types: tuple[str, ...]


def load_corrections(path: Path = FILE) -> dict[str, Correction]:
    """Read the corrections.

    Raises:
        HierbrushError: an entry is no permutation or names an unknown stroke type.
    """
    corrections = {}
    for char, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        types = tuple(entry["types"].split())
        order = tuple(number - 1 for number in entry.get("order", range(1, len(types) + 1)))
        if sorted(order) != list(range(len(types))):
            raise HierbrushError(f"{path}: {char}: order is no permutation of 1 to {len(types)}")
        for kind in types:
            if kind not in ABBREVIATIONS:
                raise HierbrushError(f"{path}: {char}: {kind!r} is no stroke type{closest(kind, list(ABBREVIATIONS))}")
        corrections[char] = Correction(order, types)
    return corrections


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
