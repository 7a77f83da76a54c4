"""The shape bases of all stroke types, from the strokes of training characters only."""

from __future__ import annotations

import json
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from hierbrush.characters.library import CharacterLibrary
from hierbrush.characters.text import split
from hierbrush.errors import HierbrushError
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.shape_basis import SHAPE_NUMBERS, WEIGHTS, to_shape
from hierbrush.strokes.types import ABBREVIATIONS, load_primitive

LEAST = 4
"""Below so many training strokes a type gets its hand-drawn shape."""
MOST = 1500
"""Strokes of one type that are measured, evenly spread over the characters."""
VARIANCE = 0.95
COMPONENTS = 12

Numbers = NDArray[np.float64]


def build_shape_bases(library: CharacterLibrary, primitives: Path) -> dict[str, tuple[Numbers, Numbers]]:
    """Return mean [352] and components [k, 352] of every type.

    Raises:
        HierbrushError: a type has fewer than four training strokes and no ``canonical`` shape in its YAML file.
    """
    places: dict[str, list[tuple[str, int]]] = {kind: [] for kind in ABBREVIATIONS}
    for char in library:
        if split(char) == "train":
            for index, kind in enumerate(library.stroke_types(char)):
                places[kind].append((char, index))
    chosen: dict[tuple[str, int], str] = {}
    for kind, found in places.items():
        count = min(len(found), MOST)
        chosen.update((found[number * len(found) // count], kind) for number in range(count))
    shapes: dict[str, list[Numbers]] = {kind: [] for kind in ABBREVIATIONS}
    for (char, index), kind in sorted(chosen.items()):
        shapes[kind].append(to_shape(library[char].strokes[index].goal()))
    bases = {}
    for kind, rows in shapes.items():
        if len(rows) >= LEAST:
            bases[kind] = principal_components(np.array(rows))
        else:
            path = primitives / f"{kind}.yaml"
            canonical = load_primitive(path).get("canonical")
            if canonical is None:
                raise HierbrushError(f"{path}: {len(rows)} training strokes, so a canonical shape is needed")
            bases[kind] = (to_shape(draw(kind, canonical)), np.zeros((0, SHAPE_NUMBERS)))
    return bases


def principal_components(rows: Numbers) -> tuple[Numbers, Numbers]:
    """Return mean and principal directions, one standard deviation long; each one's largest number is positive."""
    mean = rows.mean(axis=0)
    weighted = (rows - mean) * WEIGHTS
    values, vectors = np.linalg.eigh(weighted.T @ weighted / (len(rows) - 1))
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1].T
    explained = np.cumsum(values) / max(values.sum(), 1e-12)
    count = min(int(np.searchsorted(explained, VARIANCE)) + 1, COMPONENTS, len(rows) - 1)
    components = vectors[:count] * np.sqrt(values[:count, None]) / WEIGHTS
    largest = np.abs(components).argmax(axis=1)
    signs = np.sign(components[np.arange(count), largest])
    return mean, components * signs[:, None]


def draw(kind: str, canonical: dict[str, Any]) -> StrokeGoal:
    """Return the goal of a hand-drawn stroke: ``skeleton`` [n, 2] in the unit box and ``half_width`` [n]."""
    skeleton = np.array(canonical["skeleton"], dtype=np.float64)
    widths = np.array(canonical["half_width"], dtype=np.float64)
    discs = [shapely.Point(*point).buffer(width) for point, width in zip(skeleton, widths, strict=True)]
    # The ring of ㇣ must stay open by a hair: a goal's outline is one polygon, which cannot have a hole.
    ink = shapely.union_all([shapely.union(a, b).convex_hull for a, b in pairwise(discs)])
    outline = shapely.get_coordinates(shapely.get_exterior_ring(ink))[:-1]
    return StrokeGoal.from_outline(kind, outline, skeleton)


def write_shape_bases(path: Path, bases: dict[str, tuple[Numbers, Numbers]]) -> None:
    """Write a safetensors file of float16 numbers; the same bases give the same bytes."""
    header: dict[str, Any] = {}
    data = b""
    for kind in ABBREVIATIONS:
        for name, array in zip(("mean", "components"), bases[kind], strict=True):
            raw = array.astype("<f2").tobytes()
            header[f"{kind}.{name}"] = {
                "dtype": "F16",
                "shape": list(array.shape),
                "data_offsets": [len(data), len(data) + len(raw)],
            }
            data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
