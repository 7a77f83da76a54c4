"""Applies the corrections to a character file that was built before.

A correction moves strokes and changes no outline. Stroke types stay with their strokes, trees are renumbered, and
anonymous components keep the numbers that other files know them by, as a new search for decompositions would not.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hierbrush.characters.data_file import LABEL_SOURCES, DataFile, Part, Record, StrokePath
from hierbrush.errors import HierbrushError
from hierbrush.strokes.types import ABBREVIATIONS, NUMBER
from hierbrush_build.characters.corrections import Correction

_BY_HAND = LABEL_SOURCES.index("corrected")


def recorrected(
    file: DataFile, paths: Mapping[str, tuple[StrokePath, ...]], corrections: Mapping[str, Correction]
) -> list[Record]:
    """Return the characters of a file as the corrections have them.

    Args:
        file: the character file.
        paths: strokes of every character in the corrected order.
        corrections: whose types count where there are any.

    Raises:
        HierbrushError: the file has not the strokes of a character.
    """
    return [
        _record(file, char, strokes, corrections[char].types if char in corrections else ())
        for char, strokes in paths.items()
    ]


def _record(file: DataFile, char: str, paths: tuple[StrokePath, ...], types: tuple[str, ...]) -> Record:
    row = file.index(char)
    before = [] if row is None else [_shape(path) for path in file.geometry(row)]
    numbers = {_shape(path): number for number, path in enumerate(paths)}
    if row is None or sorted(before) != sorted(numbers):
        raise HierbrushError(f"--keep: the file has not the strokes of {char}; build it anew")
    first, end = file.first_stroke[row : row + 2]
    now = [numbers[shape] for shape in before]
    kinds = _moved(file.types[first:end].tolist(), now)
    sources = _moved(file.sources[first:end].tolist(), now)
    if types:
        kinds, sources = tuple(NUMBER[kind] for kind in types), (_BY_HAND,) * len(types)
    return Record(char, paths, kinds, sources, renumbered(file.decomposition(row), now))


def _shape(path: StrokePath) -> tuple[str, bytes]:
    return path.commands, path.points.tobytes()


def _moved(values: Sequence[int], numbers: Sequence[int]) -> tuple[int, ...]:
    return tuple(value for _, value in sorted(zip(numbers, values, strict=True)))


def renumbered(part: Part, numbers: Sequence[int]) -> Part:
    """Return a tree whose stroke ``i`` has become ``numbers[i]``."""
    children = tuple(renumbered(child, numbers) for child in part.children)
    return replace(part, strokes=tuple(sorted(numbers[stroke] for stroke in part.strokes)), children=children)


def report_beside(file: Path, records: Sequence[Record]) -> dict[str, Any]:
    """Return the report beside a character file with the figures of stroke types as they are now.

    Raises:
        HierbrushError: there is none.
    """
    path = file.with_name("report.json")
    try:
        report: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise HierbrushError(f"--keep: {path} cannot be read ({error}); it belongs to the file") from None
    sources = Counter(LABEL_SOURCES[source] for record in records for source in record.sources)
    types = Counter(ABBREVIATIONS[kind] for record in records for kind in record.types)
    report["label_sources"] = dict(sorted(sources.items()))
    report["strokes_by_type"] = {kind: types[kind] for kind in ABBREVIATIONS}
    return report
