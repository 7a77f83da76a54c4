"""How wide a component stands that is a character by itself, as 女 and 也 do.

A composer learns from thousands of characters of several parts and from 450 that are one part, and makes these too
narrow: in most of its occurrences a component is as wide as its neighbour leaves room for. A linear regression over the
training characters of one part says from what is known of a component in its places how much wider it stands alone.
Heights are left as they are: there it brings nothing.

The file ``data/standing.json`` is made by ``python -m hierbrush_build.standing``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hierbrush.composer.boxes import union
from hierbrush.composer.brief import Brief
from hierbrush.composer.components import ComponentLibrary
from hierbrush.composer.place import PLACE_SIZE
from hierbrush.composer.tree import SLOTS
from hierbrush.errors import HierbrushError

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

FILE = Path(__file__).resolve().parent / "data" / "standing.json"

_TYPES = ("H", "S", "P", "N", "D", "SWG", "HZG", "PZ", "SG")
_ENDS = _TYPES[:5]
_WIDEST = 0.95
_CONSTANT = 1e-3
"""Standard deviation of a feature that training characters hardly have."""


@dataclass(frozen=True, eq=False)
class Standing:
    """A linear regression of the middle and the logarithm of the width on `features`.

    Attributes:
        mean: float64 [n], of the features over training characters.
        scale: float64 [n], their standard deviations.
        weights: float64 [n, 2], of the shift of the middle and of the logarithm of the width's ratio.
        base: float64 [2], both over all training characters.
    """

    mean: F64
    scale: F64
    weights: F64
    base: F64

    def placed(self, brief: Brief, places: F32, components: ComponentLibrary) -> F32:
        """Return the strokes' places f32 [S, PLACE_SIZE], as wide as a component stands alone; others as they are."""
        if brief.tree.children or brief.is_in_place:
            return places
        shift, ratio = ((features(brief, places, components) - self.mean) / self.scale) @ self.weights + self.base
        left, _, right, _ = sides(places)
        wanted = min((right - left) * np.exp(ratio), _WIDEST)
        middle = float(np.clip((left + right) / 2 + shift, wanted / 2, 1 - wanted / 2))
        stretch = wanted / (right - left)
        stood = places.copy()
        stood[:, 0] = middle + (places[:, 0] - (left + right) / 2) * stretch
        stood[:, 2] = places[:, 2] * stretch
        return stood


def sides(places: F32) -> tuple[float, float, float, float]:
    """Return the left, upper, right and lower side of all strokes together."""
    low, high = places[:, :2] - places[:, 2:4] / 2, places[:, :2] + places[:, 2:4] / 2
    (left, top), (right, bottom) = low.min(axis=0).tolist(), high.max(axis=0).tolist()
    return left, top, right, bottom


def features(brief: Brief, places: F32, components: ComponentLibrary) -> F64:
    """Return what is known of a component of one part: float64 [n].

    That is the number of strokes; their box as composed and as the library expects it; how broad the component is
    where it stands in others, by how much it differs from what stands there else, and where that is; the strokes'
    types, and the types of those that reach each side.
    """
    types = brief.stroke_types
    composed, expected = box_of(places), box_of(brief.prior)
    broad, excess, steps = _elsewhere(brief, components)
    breadth = np.log(composed[2] / composed[3])
    known = [broad.mean(), broad.max(), broad.min()] if len(broad) else [breadth] * 3
    count = len(types)
    told = [np.log(count), np.log(count) ** 2, *np.log(composed[2:]), *np.log(expected[2:])]
    told += [*(composed[:2] - 0.5), *(expected[:2] - 0.5), *known, float(len(broad) > 0)]
    told += [*(excess.mean(axis=0) if len(excess) else np.zeros(4))]
    told += [float((steps == 1 + operator * SLOTS + slot).mean()) if len(steps) else 0.0
             for operator in (0, 1) for slot in (0, 1)]  # fmt: skip
    told += [types.count(kind) / count for kind in _TYPES]
    return np.array(told + [float(types[row] == kind) for row in _outermost(places) for kind in _ENDS])


def box_of(places: F32) -> F64:
    """Return centre x, centre y, width and height of all strokes together: float64 [4]."""
    left, top, right, bottom = sides(places)
    return np.array([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top])


def _elsewhere(brief: Brief, components: ComponentLibrary) -> tuple[F64, F64, F64]:
    """Return of a component's occurrences within others the logarithm of width over height, excess and step."""
    form = components.leaf_form(brief.tree.name, brief.stroke_types)
    found = components.occurrences(form) if form is not None else np.empty(0, np.int64)
    found = found[components.surroundings[found, 0] > 0]
    strokes = components.strokes[components.span[found, :1] + np.arange(len(brief)), :PLACE_SIZE]
    boxes = union(strokes[..., :4]) if len(found) else np.ones((0, 4))
    broad = np.log(boxes[:, 2] / boxes[:, 3])
    return broad, components.excess[found].astype(float), components.surroundings[found, 0].astype(float)


def _outermost(places: F32) -> Sequence[int]:
    low, high = places[:, :2] - places[:, 2:4] / 2, places[:, :2] + places[:, 2:4] / 2
    return [*low.argmin(axis=0).tolist(), *high.argmax(axis=0).tolist()]


def fitted(known: F64, answers: F64, decay: float) -> Standing:
    """Return the ridge regression of answers float64 [m, 2] on features float64 [m, n]."""
    mean, spread, base = known.mean(axis=0), known.std(axis=0), answers.mean(axis=0)
    scale = np.where(spread > _CONSTANT, spread, 1.0)
    told = (known - mean) / scale
    weights = np.linalg.solve(told.T @ told + decay * np.eye(told.shape[1]), told.T @ (answers - base))
    return Standing(mean, scale, weights, base)


@lru_cache(maxsize=1)
def load_standing(path: Path = FILE) -> Standing:
    """Return the regression that ships with hierbrush.

    Raises:
        HierbrushError: the file is missing or broken.
    """
    try:
        document: Mapping[str, object] = json.loads(path.read_bytes())
        return Standing(*(np.array(document[name], float) for name in ("mean", "scale", "weights", "base")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HierbrushError(f"{path}: holds no widths of single components ({error!r}); reinstall hierbrush") from None
