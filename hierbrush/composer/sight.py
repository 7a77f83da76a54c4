"""What a composer sees of a picture: the ink near where each stroke is believed to lie, and what is written there.

Of every stroke `SIGHT_SIZE` numbers: how deep in the ink the points of a grid over its box lie, those of a coarser grid
around its centre, those across its middle line and before and beyond its ends; by how much the middle line would have
to move for the ink to be deepest there; and how much of the first grid is written already. The picture tells nothing
but ink: which stroke it belongs to is for the composer to find out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.composer.place import CENTRE_UNIT, PLACE_SIZE, sides
from hierbrush.sim.network import linear
from hierbrush.strokes import shape_basis as bases
from hierbrush.strokes.types import ABBREVIATIONS

F32 = NDArray[np.float32]
Bools = NDArray[np.bool_]
Index = NDArray[np.int64]
Depths = NDArray[np.int8]
Covered = NDArray[np.uint8]

PICTURE_SIDE = 256
"""Pixels of the side of a picture that is given."""

DEPTH_SIDE = 128
"""Cells of the side of a map of depths."""

COVERED_SIDE = 64
"""Cells of the side of a map of what is written."""

_STEP = 0.001
"""Sides of the box to a unit of a map of depths."""

_UNIT = 0.03
"""Depth, in sides of the box, that counts as 1: about a stroke's half-width."""

_NEAR, _NEAR_MARGIN = 6, 0.05
_FAR, _FAR_REACH = 6, 0.16
_WRITTEN = 5
_ALONG = 9
_ACROSS = np.array([-0.1, -0.06, -0.035, -0.015, 0.0, 0.015, 0.035, 0.06, 0.1], np.float32)
_BEYOND = np.array([-0.04, -0.02, 0.0, 0.02, 0.04, 0.07], np.float32)
_REACHES = (0.025, 0.07)
"""Standard deviations, in sides of the box, of how far ink is drawn to, near and far."""

_SHARP = 0.008
"""Depth, in sides of the box, by which ink draws e times as much."""

_DRAG = np.float32(0.5)
"""Points of a line to which nothing draws, beside the nine."""

_ASIDE = np.linspace(-0.012, 0.012, 5, dtype=np.float32)
_THINNEST = 0.004

_LINE = _ALONG * len(_ACROSS)
_DEPTHS = _LINE + _NEAR**2 + _FAR**2 + 2 * len(_BEYOND)
_DRAWN = len(_REACHES) * (2 * _ALONG + 2)
SIGHT_SIZE = _DEPTHS + _DRAWN + _WRITTEN**2
"""Numbers of a stroke: depths across its middle line (9 x 9), over its box (6 x 6), around its centre (6 x 6) and about
its two ends (6 each); where ink draws the points of the middle line and the whole of it (20 near, 20 far), in units of
a place; and what is written over its box (5 x 5)."""


def depth_map(inked: Bools) -> Depths:
    """Return how deep points lie in ink, int8 [128, 128] in thousandths of the box's side, negative on paper.

    Args:
        inked: bool [256, 256].
    """
    from scipy.ndimage import distance_transform_edt

    if inked.all() or not inked.any():
        return np.full((DEPTH_SIDE, DEPTH_SIDE), 127 if inked.any() else -127, np.int8)
    depth = (distance_transform_edt(inked) - distance_transform_edt(~inked)) / PICTURE_SIDE
    return np.clip(np.round(_means(depth, DEPTH_SIDE) / _STEP), -127, 127).astype(np.int8)


def covered_map(inked: Bools) -> Covered:
    """Return how much of each cell is inked, uint8 [64, 64], 255 = all of it.

    Args:
        inked: bool [256, 256].
    """
    return np.round(255 * _means(inked, COVERED_SIDE)).astype(np.uint8)


def _means(page: NDArray[np.generic], side: int) -> NDArray[np.float64]:
    block = len(page) // side
    means: NDArray[np.float64] = page.reshape(side, block, side, block).mean(axis=(1, 3), dtype=np.float64)
    return means


def on_ink(places: F32, inked: Bools) -> F32:
    """Return places f32 [S, PLACE_SIZE] moved and stretched as a whole so that they lie where a picture's ink does.

    Args:
        places: boxes and shape coefficients.
        inked: bool [n, n], with ink.
    """
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    low = np.array([columns[0], rows[0]]) / len(inked)
    high = np.array([columns[-1] + 1, rows[-1] + 1]) / len(inked)
    around = sides(places)
    span = np.maximum(around[2:] - around[:2], 0.02)
    stretch = np.clip((high - low) / span, 0.2, 5.0)
    moved = places.copy()
    moved[:, :2] = (low + high) / 2 + (places[:, :2] - (around[:2] + around[2:]) / 2) * stretch
    moved[:, 2:4] = places[:, 2:4] * stretch
    return moved


class _Shapes(NamedTuple):
    """Shapes of one type: of `_ALONG` points of the middle line and all points of the outline."""

    directions: F32
    nothing: F32
    usual: NDArray[np.float64]


@lru_cache(maxsize=1)
def _shapes() -> tuple[_Shapes, ...]:
    points = np.round(np.linspace(0, 31, _ALONG)).astype(int)
    line = np.stack([2 * points, 2 * points + 1], axis=1).ravel()
    columns = np.concatenate([line, np.arange(64 + 32, 64 + 32 + 256)])
    found = []
    for kind in ABBREVIATIONS:
        basis = bases.shape_basis(kind)
        components = np.zeros((PLACE_SIZE - 4, len(columns)), np.float32)
        kept = basis.components[: PLACE_SIZE - 4, columns]
        components[: len(kept)] = kept
        directions = np.concatenate([basis.slopes[:, columns].astype(np.float32), components])
        found.append(_Shapes(directions, np.zeros(len(columns), np.float32), basis.usual))
    return tuple(found)


def middle_lines(kinds: Index, places: F32) -> F32:
    """Return nine points on each stroke's middle line, f32 [m, 9, 2] in the unit box.

    Args:
        kinds: int64 [m], numbers of the strokes' types.
        places: f32 [m, PLACE_SIZE], boxes and shape coefficients.
    """
    known = _shapes()
    lines = np.empty((len(kinds), _ALONG, 2), np.float32)
    for kind in np.unique(kinds).tolist():
        rows = np.flatnonzero(kinds == kind)
        shape, box = known[kind], places[rows]
        features = bases.features(box[:, 2:4].astype(np.float64), shape.usual).astype(np.float32)
        known_by = np.concatenate([features, box[:, 4:]], axis=1)
        points = linear(known_by, shape.directions, shape.nothing).reshape(len(rows), -1, 2)
        outline = points[:, _ALONG:]
        low, high = outline.min(axis=1), outline.max(axis=1)
        scale = box[:, 2:4] / np.maximum(high - low, 1e-6)
        lines[rows] = (points[:, :_ALONG] - ((low + high) / 2)[:, None]) * scale[:, None] + box[:, None, :2]
    return lines


def _grid(side: int) -> F32:
    at = np.linspace(-1, 1, side, dtype=np.float32)
    return np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2)


def sight(depths: Depths, covered: Covered, which: Index, kinds: Index, places: F32) -> F32:
    """Return what is seen of m strokes: f32 [m, SIGHT_SIZE].

    Args:
        depths: int8 [n, 128, 128], of `depth_map`.
        covered: uint8 [n, 64, 64], of `covered_map`: what is written.
        which: int64 [m], the character of each stroke.
        kinds: int64 [m], numbers of the strokes' types.
        places: f32 [m, PLACE_SIZE], boxes and shape coefficients where the strokes are believed to lie.
    """
    centre, half = places[:, None, :2], places[:, None, 2:4] / 2 + _NEAR_MARGIN
    line = middle_lines(kinds, places)
    step, normal = _directions(line), _normals(line)
    points = [
        (line[:, :, None] + normal[:, :, None] * _ACROSS[:, None]).reshape(len(line), _LINE, 2),
        centre + half * _grid(_NEAR),
        centre + np.float32(_FAR_REACH) * _grid(_FAR),
        line[:, :1] - _BEYOND[:, None] * step[:, :1],
        line[:, -1:] + _BEYOND[:, None] * step[:, -1:],
    ]
    depth = _sampled(depths, which, np.concatenate(points, axis=1, dtype=np.float32)) * np.float32(_STEP)
    box = np.asarray(centre + half * _grid(_WRITTEN), np.float32)
    written = _sampled(covered, which, box) / np.float32(255)
    drawn = _drawn(depth[:, :_LINE].reshape(len(line), _ALONG, len(_ACROSS)), normal) / np.float32(CENTRE_UNIT)
    seen: F32 = np.clip(np.concatenate([depth / np.float32(_UNIT), drawn, written], axis=1), -3, 3)
    return seen


def _drawn(depth: F32, normal: F32) -> F32:
    """Return where ink draws middle lines, f32 [m, _DRAWN] in sides of the box.

    Each point is drawn across the line alone, by the mean over the samples there, the deeper ones counting more. The
    shift of the whole line is the one that fits these best by least squares (normal flow: Horn and Schunck, 1981).

    Args:
        depth: f32 [m, points, samples across], in sides of the box.
        normal: f32 [m, points, 2], unit vectors across the line.
    """
    parts = []
    for reach in _REACHES:
        weight = depth / np.float32(_SHARP) - np.square(_ACROSS / np.float32(reach)) / 2
        weight = np.exp(weight - weight.max(axis=2, keepdims=True))
        by = (weight * _ACROSS).sum(axis=2) / weight.sum(axis=2)
        pull = normal * by[..., None]
        parts += [pull.reshape(len(depth), 2 * _ALONG), _fitting(normal, pull.sum(axis=1))]
    return np.concatenate(parts, axis=1)


def _fitting(normal: F32, pull: F32) -> F32:
    """Return the shift f32 [m, 2] that fits the pulls across a line best, a little drawn to nothing."""
    x, y = normal[..., 0], normal[..., 1]
    xx, yy, xy = (x * x).sum(axis=1) + _DRAG, (y * y).sum(axis=1) + _DRAG, (x * y).sum(axis=1)
    right, down = pull[:, 0], pull[:, 1]
    shift: F32 = np.stack([yy * right - xy * down, xx * down - xy * right], axis=1) / (xx * yy - xy * xy)[:, None]
    return shift


def _sampled(maps: NDArray[np.integer[Any]], which: Index, points: F32) -> F32:
    """Return maps [n, side, side] at points f32 [m, k, 2] of the unit box, linearly between the cells' centres."""
    side = maps.shape[1]
    at = np.clip(points * np.float32(side) - np.float32(0.5), 0, np.float32(side - 1.001))
    cell = at.astype(np.int32)
    right, down = np.moveaxis(at - cell, -1, 0)
    flat = maps.reshape(-1)
    first = which[:, None] * side**2 + cell[..., 1] * side + cell[..., 0]
    upper = flat[first] * (1 - right) + flat[first + 1] * right
    lower = flat[first + side] * (1 - right) + flat[first + side + 1] * right
    value: F32 = upper * (1 - down) + lower * down
    return value


def seen_widths(depths: Depths, which: Index, kinds: Index, places: F32) -> NDArray[np.float64]:
    """Return how wide strokes are in a picture, mean half-widths float64 [m] in sides of the box.

    How bold a copy is, is the picture's to say and not the composer's. Near most points of a stroke's middle line the
    ink is as deep as the stroke is wide; where strokes cross it is deeper, which the median does not mind.

    Args:
        depths: int8 [n, 128, 128], of `depth_map`.
        which: int64 [m], the character of each stroke.
        kinds: int64 [m], numbers of the strokes' types.
        places: f32 [m, PLACE_SIZE], where they lie.
    """
    line = middle_lines(kinds, places)
    across = _normals(line)[:, :, None] * _ASIDE[:, None]
    points = (line[:, :, None] + across).reshape(len(line), _ALONG * len(_ASIDE), 2)
    depth = _sampled(depths, which, points).reshape(len(line), _ALONG, len(_ASIDE))
    deepest = depth.max(axis=2)[:, 1:-1] * _STEP
    widths: NDArray[np.float64] = np.maximum(np.median(deepest, axis=1).astype(np.float64), _THINNEST)
    return widths


def _directions(line: F32) -> F32:
    step = np.asarray(np.gradient(line, axis=1), np.float32)
    length = np.maximum(np.hypot(step[..., 0], step[..., 1]), 1e-6)
    return np.asarray(step / length[..., None], np.float32)


def _normals(line: F32) -> F32:
    step = _directions(line)
    return np.stack([-step[..., 1], step[..., 0]], axis=-1)
