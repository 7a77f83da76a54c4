"""How strokes of one type differ: mean and principal components of their shapes, measured on training characters.

A shape is a goal in its own box: skeleton, half-widths and outline, with the outline's box as unit. Coefficients are in
standard deviations of the training strokes, so that a composer may draw them from a normal distribution.

The file ``data/shape_bases.safetensors`` is built by ``python -m hierbrush.characters.build``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hierbrush.errors import HierbrushError
from hierbrush.strokes.goal import OUTLINE_POINTS, SKELETON_POINTS, StrokeGoal, distance_to_outline
from hierbrush.strokes.policy import read_safetensors
from hierbrush.strokes.types import stroke_type

FILE = Path(__file__).resolve().parent / "data" / "shape_bases.safetensors"

_WIDTHS = 2 * SKELETON_POINTS
_OUTLINE = _WIDTHS + SKELETON_POINTS
SHAPE_NUMBERS = _OUTLINE + 2 * OUTLINE_POINTS
"""Numbers of one shape: skeleton x, y, half-widths, outline x, y."""

WEIGHTS = np.concatenate([np.full(_OUTLINE, 2.0), np.ones(2 * OUTLINE_POINTS)])
"""What counts in a projection: a skeleton point and a half-width as much as the four outline points around it."""

_TOGETHER = 4
"""Goals whose half-widths are measured in one go: more, and the distances no longer fit a core's cache."""

Box = tuple[float, float, float, float]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ShapeBasis:
    """The shapes of one stroke type.

    Attributes:
        stroke_type: abbreviation.
        mean: float64 [352], the mean shape; see `to_shape`.
        components: float64 [k, 352], principal directions, each one standard deviation long, the largest first; as many
            as explain 95 % of the variance, at most 12, none for a type that was drawn by hand.
    """

    stroke_type: str
    mean: Numbers
    components: Numbers

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return len(self.components)

    def goal(self, box: Box, coefficients: ArrayLike = ()) -> StrokeGoal:
        """Return the goal whose outline fills ``box``.

        Args:
            box: (centre x, centre y, width, height) in the unit box; the sides > 0.
            coefficients: up to `size` numbers in standard deviations; those left out are 0.

        Half-widths are measured on the outline, since a box of another shape changes them along the stroke.

        Raises:
            HierbrushError: a number is not finite, a side is not positive, or there are too many coefficients.
        """
        return goals([self], [box], [coefficients])[0]

    def project(self, goal: StrokeGoal) -> tuple[Box, NDArray[np.float64]]:
        """Return the box and the `size` coefficients that come nearest to ``goal`` (weighted least squares).

        Raises:
            HierbrushError: ``goal`` is of another type.
        """
        if goal.stroke_type != self.stroke_type:
            raise HierbrushError(f"goal: is a {goal.stroke_type}, expected a {self.stroke_type} for this basis")
        left, top, right, bottom = goal.box
        directions = self.components * WEIGHTS
        squared = np.maximum((directions * directions).sum(axis=1), 1e-12)
        coefficients: NDArray[np.float64] = directions @ (WEIGHTS * (to_shape(goal) - self.mean)) / squared
        return ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top), coefficients


def goals(
    bases: Sequence[ShapeBasis],
    boxes: Sequence[ArrayLike] | Numbers,
    coefficients: Sequence[ArrayLike],
    added_widths: Numbers | None = None,
) -> list[StrokeGoal]:
    """Return n >= 1 goals of any types, each as `ShapeBasis.goal` gives it, for less than n times the cost of one.

    Args:
        bases: n, of each goal's type.
        boxes: n of (centre x, centre y, width, height) in the unit box; the sides > 0.
        coefficients: n of up to ``size`` numbers in standard deviations; those left out are 0.
        added_widths: float64 [n], by how much each outline then moves outwards, in the unit box, so that it no longer
            fills its box; nowhere unless given.

    Raises:
        HierbrushError: a number is not finite, a side is not positive, or there are too many coefficients.
    """
    places, shapes = np.empty((len(bases), 4)), np.empty((len(bases), SHAPE_NUMBERS))
    for at, (basis, box, chosen) in enumerate(zip(bases, boxes, coefficients, strict=True)):
        place = np.asarray(box, dtype=np.float64)
        if place.shape != (4,) or not np.isfinite(place).all() or place[2:].min() <= 0:
            raise HierbrushError(f"box: {box!r}, expected finite (centre x, centre y, width, height), sides > 0")
        weights = np.asarray(chosen, dtype=np.float64)
        if weights.ndim != 1 or len(weights) > basis.size or not np.isfinite(weights).all():
            raise HierbrushError(
                f"coefficients: shape {weights.shape}, expected up to {basis.size} finite numbers for "
                f"{basis.stroke_type}"
            )
        # One product a goal: a product of matrices would sum in another order, and types differ in size anyway.
        places[at], shapes[at] = place, basis.mean + weights @ basis.components[: len(weights)]
    skeleton = shapes[:, :_WIDTHS].reshape(-1, SKELETON_POINTS, 2)
    outline = shapes[:, _OUTLINE:].reshape(-1, OUTLINE_POINTS, 2)
    low, high = outline.min(axis=1), outline.max(axis=1)
    scale = places[:, 2:] / (high - low)
    shift = places[:, :2] - scale * (low + high) / 2
    scale, shift = scale[:, None], shift[:, None]
    outline, skeleton = outline * scale + shift, skeleton * scale + shift
    if added_widths is not None and added_widths.any():  # or most goals would pay for normals that nobody needs
        outline = outline + added_widths[:, None, None] * _outward(outline)
    half_width = np.concatenate(
        [
            distance_to_outline(skeleton[at : at + _TOGETHER], outline[at : at + _TOGETHER])
            for at in range(0, len(bases), _TOGETHER)
        ]
    )
    columns = [values.astype(np.float32) for values in (skeleton, half_width, outline)]
    for column in columns:
        column.flags.writeable = False  # or every goal would copy its share
    return [StrokeGoal(basis.stroke_type, *parts) for basis, *parts in zip(bases, *columns, strict=True)]


def _outward(outline: Numbers) -> Numbers:
    """Return the unit normals [n, m, 2] of closed polygons that run clockwise on the page."""
    along = np.roll(outline, -1, axis=1) - np.roll(outline, 1, axis=1)
    normal = np.stack([along[..., 1], -along[..., 0]], axis=-1)
    unit: Numbers = normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    return unit


def to_shape(goal: StrokeGoal) -> Numbers:
    """Return a goal in its own box: float64 [352].

    Skeleton (32 x, y) and outline (128 x, y) about the box's centre, in box widths and heights; between them the 32
    half-widths in units of the square root of the box's area.
    """
    left, top, right, bottom = goal.box
    centre = np.array([left + right, top + bottom]) / 2
    size = np.maximum([right - left, bottom - top], 1e-6)
    return np.concatenate(
        [
            ((goal.skeleton - centre) / size).ravel(),
            goal.half_width / np.sqrt(size.prod()),
            ((goal.outline - centre) / size).ravel(),
        ]
    )


def shape_basis(name: str) -> ShapeBasis:
    """Return the shape basis of a stroke type, by any name that `stroke_type` knows.

    Raises:
        HierbrushError: no type has that name, or the file is missing or broken.
    """
    kind = stroke_type(name)
    bases = _load()
    if kind.shape_basis not in bases:
        raise HierbrushError(f"shape basis {kind.shape_basis!r} of {kind.abbreviation} is not in {FILE}; rebuild it")
    mean, components = bases[kind.shape_basis]
    return ShapeBasis(kind.abbreviation, mean, components)


@lru_cache(maxsize=1)
def _load() -> dict[str, tuple[Numbers, Numbers]]:
    tensors = read_safetensors(FILE)
    names = [name.removesuffix(".mean") for name in tensors if name.endswith(".mean")]
    bases = {}
    for name in names:
        mean, components = tensors[f"{name}.mean"], tensors[f"{name}.components"]
        if mean.shape != (SHAPE_NUMBERS,) or components.ndim != 2 or components.shape[1] != SHAPE_NUMBERS:
            raise HierbrushError(
                f"{FILE}: {name}: shapes {mean.shape} and {components.shape}, expected [352], [k, 352]"
            )
        bases[name] = (mean.astype(np.float64), components.astype(np.float64))
    return bases
