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
from hierbrush.strokes.shape_basis import (
    FEATURES,
    PARTS,
    SHAPE_NUMBERS,
    Arrays,
    checked,
    displacements,
    features,
    to_shape,
    usual_sides,
)
from hierbrush.strokes.types import ABBREVIATIONS, load_primitive

LEAST = 4
"""Below so many training strokes a type gets its hand-drawn shape."""
MOST = 1500
"""Strokes of one type that are measured, evenly spread over the characters."""
LEAST_OF_SIDES = 30
"""Below so many training strokes a type's mean does not depend on its box."""
COMPONENTS = 12
_RIDGE = 1e-3
"""Of the regression on the box's sides, in mean squares of a feature."""

Numbers = NDArray[np.float64]


def build_shape_bases(library: CharacterLibrary, primitives: Path) -> dict[str, Arrays]:
    """Return slopes [8, 352], components [k, 352] and usual sides [3, 2] of every type; see `ShapeBasis`.

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
    goals: dict[str, list[StrokeGoal]] = {kind: [] for kind in ABBREVIATIONS}
    for (char, index), kind in sorted(chosen.items()):
        goals[kind].append(library[char].strokes[index].goal())
    bases = {}
    for kind, strokes in goals.items():
        if len(strokes) >= LEAST:
            bases[kind] = fit_basis(
                np.array([to_shape(goal) for goal in strokes]), np.array([sides_of(goal) for goal in strokes])
            )
        else:
            path = primitives / f"{kind}.yaml"
            canonical = load_primitive(path).get("canonical")
            if canonical is None:
                raise HierbrushError(f"{path}: {len(strokes)} training strokes, so a canonical shape is needed")
            slopes = np.zeros((FEATURES, SHAPE_NUMBERS))
            slopes[0] = to_shape(draw(kind, canonical))
            bases[kind] = (slopes, np.zeros((0, SHAPE_NUMBERS)), np.zeros((3, 2)))
    return bases


def sides_of(goal: StrokeGoal) -> Numbers:
    """Return width and height of the outline's box: float64 [2], in sides of the unit box."""
    left, top, right, bottom = goal.box
    return np.array([right - left, bottom - top])


def fit_basis(shapes: Numbers, sides: Numbers) -> Arrays:
    """Return slopes [8, 352], components [k, 352] and usual sides [3, 2] of strokes of one type; see `ShapeBasis`.

    Args:
        shapes: float64 [n >= 4, 352] of `to_shape`.
        sides: float64 [n, 2], width and height of each stroke's box.

    The mean is a ridge regression of the shapes on the `features` of their sides. The components are principal
    directions of what it leaves, in the metric of `displacements` about the mean shape in a box of the type's typical
    sides. Strokes count by their size, since errors of large ones cost more ink. Each component's largest number is
    positive.
    """
    count = len(shapes)
    size = np.linalg.norm(np.maximum(sides, 1e-3), axis=1)
    weight = (size / size.mean())[:, None]
    many = count >= LEAST_OF_SIDES
    usual = usual_sides(sides) if many else np.zeros((3, 2))
    known = features(sides, usual)[:, : FEATURES if many else 1]
    ridge = _RIDGE * count * np.eye(known.shape[1])
    ridge[0, 0] = 0.0  # the constant is no slope
    slopes = np.zeros((FEATURES, SHAPE_NUMBERS))
    slopes[: known.shape[1]] = np.linalg.solve((weight * known).T @ known + ridge, (weight * known).T @ shapes)
    left = shapes - features(sides, usual) @ slopes
    typical = np.exp(np.log(np.maximum(sides, 1e-3)).mean(axis=0))
    moved = displacements(left, shapes.mean(axis=0), typical)
    vectors = np.linalg.eigh((weight * moved).T @ (weight * moved))[1][:, ::-1]
    scores = moved @ vectors[:, : min(COMPONENTS, count - 1)]
    scores /= np.maximum(scores.std(axis=0), 1e-12)
    # What goes with the scores, half-widths and sliding points too.
    components = np.linalg.lstsq(weight * scores, weight * left, rcond=None)[0]
    largest = np.abs(components).argmax(axis=1)
    signs = np.sign(components[np.arange(len(components)), largest])
    return slopes, components * signs[:, None], usual


def draw(kind: str, canonical: dict[str, Any]) -> StrokeGoal:
    """Return the goal of a hand-drawn stroke: ``skeleton`` [n, 2] in the unit box and ``half_width`` [n]."""
    skeleton = np.array(canonical["skeleton"], dtype=np.float64)
    widths = np.array(canonical["half_width"], dtype=np.float64)
    discs = [shapely.Point(*point).buffer(width) for point, width in zip(skeleton, widths, strict=True)]
    # The ring of ㇣ must stay open by a hair: a goal's outline is one polygon, which cannot have a hole.
    ink = shapely.union_all([shapely.union(a, b).convex_hull for a, b in pairwise(discs)])
    outline = shapely.get_coordinates(shapely.get_exterior_ring(ink))[:-1]
    return StrokeGoal.from_outline(kind, outline, skeleton)


def write_shape_bases(path: Path, bases: dict[str, Arrays]) -> None:
    """Write a safetensors file of float16 numbers; the same bases give the same bytes.

    Raises:
        HierbrushError: a basis is missing, has other shapes than `ShapeBasis` says, or holds a number that is not
            finite in float16.
    """
    header: dict[str, Any] = {}
    data = b""
    for kind in ABBREVIATIONS:
        if kind not in bases:
            raise HierbrushError(f"{path}: the shape basis of {kind} is missing")
        with np.errstate(over="ignore"):  # the check says it better
            arrays = checked(f"{path}: {kind}", [array.astype("<f2") for array in bases[kind]])
        for name, array in zip(PARTS, arrays, strict=True):
            raw = array.tobytes()
            header[f"{kind}.{name}"] = {
                "dtype": "F16",
                "shape": list(array.shape),
                "data_offsets": [len(data), len(data) + len(raw)],
            }
            data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
