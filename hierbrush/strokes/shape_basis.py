"""How strokes of one type differ: mean and principal components of their shapes, measured on training characters.

A shape is a goal in its own box: skeleton, half-widths and outline, with the outline's box as unit. A stroke keeps its
thickness when it grows, so its shape in its own box changes with the box: the mean depends on the box's sides.
Coefficients say what the sides leave open, in standard deviations of the training strokes, so that a composer may draw
them from a normal distribution.

The file ``data/shape_bases.safetensors`` is built by ``python -m hierbrush_build.characters``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hierbrush.arguments import check_array, check_kind, check_list
from hierbrush.errors import HierbrushError, shown
from hierbrush.sim import distance_to_outline
from hierbrush.strokes.goal import OUTLINE_POINTS, SKELETON_POINTS, StrokeGoal, scaled_outlines
from hierbrush.strokes.policy import read_safetensors
from hierbrush.strokes.types import stroke_type

FILE = Path(__file__).resolve().parent / "data" / "shape_bases.safetensors"

_WIDTHS = 2 * SKELETON_POINTS
_OUTLINE = _WIDTHS + SKELETON_POINTS
SHAPE_NUMBERS = _OUTLINE + 2 * OUTLINE_POINTS
"""Numbers of one shape: skeleton x, y, half-widths, outline x, y."""

FEATURES = 8
"""Numbers that the mean shape depends on, see `features`."""

_THICKNESS = 0.04
"""Thickness of a common stroke, in sides of the unit box; divided by a side, its share of that side."""

_TYPICAL, _SHORTEST = 0.2, 0.02
"""A box's side whose logarithm counts as 0, and the shortest that makes a difference, in sides of the unit box."""

_UNUSUAL = 3.0
"""Standard deviations from a type's usual sides beyond which a box changes the mean shape no more: a regression says
nothing about boxes that no training stroke had, and its squares would tie loops there."""

_ALONG, _SKELETON = 0.1, 0.3
"""What a shift of the outline along itself counts, where one across it counts 1, and what a skeleton's shift counts.

Points that slide along an outline change no ink. Found on validation characters."""

_RIDGE = 1e-7
"""Added to the squared size of every component in a projection, in squared sides of the unit box times a length: small
strokes would be given huge coefficients for differences that nobody can see."""

Box = tuple[float, float, float, float]
Numbers = NDArray[np.float64]
Arrays = tuple[Numbers, Numbers, Numbers]
"""``slopes``, ``components`` and ``usual`` of a `ShapeBasis`."""

PARTS = ("mean", "components", "usual")
"""Names of the three in the file, after the basis's own and a dot."""


@dataclass(frozen=True, eq=False)
class ShapeBasis:
    """The shapes of one stroke type.

    Attributes:
        stroke_type: abbreviation.
        slopes: float64 [8, 352], what each of the `features` of a box's sides adds to the mean shape; only the first
            row, a constant, for a type with few training strokes.
        components: float64 [k, 352], principal directions, each one standard deviation long, the largest first; k is
            12, fewer for a type with fewer than 13 training strokes, 0 for a type that was drawn by hand.
        usual: float64 [3, 2], which boxes the type has: the mean of the logarithms of width and height over 0.2, and
            the matrix [2, 2] that turns a difference from it into standard deviations; all 0 for a type whose mean is
            constant.
    """

    stroke_type: str
    slopes: Numbers
    components: Numbers
    usual: Numbers

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return len(self.components)

    def mean_of(self, sides: ArrayLike) -> Numbers:
        """Return the mean shape float64 [352] of strokes whose outline's box has ``sides`` (width, height > 0)."""
        mean: Numbers = features(check_array("sides", sides, (2,), "width and height"), self.usual) @ self.slopes
        return mean

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
        """Return the goal's box and the `size` coefficients whose shape comes nearest to ``goal`` in that box.

        Least squares of the `displacements` about the mean's outline, in the box's proportions, with a tiny ridge.

        Raises:
            HierbrushError: ``goal`` is of another type.
        """
        check_kind("goal", goal, StrokeGoal, f"a StrokeGoal of the type {self.stroke_type}")
        if goal.stroke_type != self.stroke_type:
            raise HierbrushError(f"goal: is a {goal.stroke_type}, expected a {self.stroke_type} for this basis")
        left, top, right, bottom = goal.box
        sides = np.array([right - left, bottom - top])
        mean = self.mean_of(sides)
        moved = displacements(np.vstack([self.components, to_shape(goal) - mean]), mean, sides)
        directions, wanted = moved[:-1], moved[-1]
        coefficients: NDArray[np.float64] = np.linalg.solve(
            directions @ directions.T + _RIDGE * np.eye(self.size), directions @ wanted
        )
        return ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top), coefficients


def goals(
    bases: Sequence[ShapeBasis],
    boxes: Sequence[ArrayLike] | Numbers,
    coefficients: Sequence[ArrayLike],
    widths: Numbers | None = None,
) -> list[StrokeGoal]:
    """Return n >= 1 goals of any types, each as `ShapeBasis.goal` gives it, for less than n times the cost of one.

    Args and errors: those of `shapes`.
    """
    columns = shapes(bases, boxes, coefficients, widths)
    for column in columns:
        column.flags.writeable = False  # or every goal would copy its share
    return [StrokeGoal(basis.stroke_type, *parts) for basis, *parts in zip(bases, *columns, strict=True)]


class Shapes(NamedTuple):
    """What n goals are made of, float32: ``skeleton`` [n, 32, 2], ``half_width`` [n, 32], ``outline`` [n, 128, 2]."""

    skeleton: NDArray[np.float32]
    half_width: NDArray[np.float32]
    outline: NDArray[np.float32]


def shapes(
    bases: Sequence[ShapeBasis],
    boxes: Sequence[ArrayLike] | Numbers,
    coefficients: Sequence[ArrayLike],
    widths: Numbers | None = None,
) -> Shapes:
    """Return what n >= 1 goals of any types are made of.

    Args:
        bases: n, of each goal's type.
        boxes: n of (centre x, centre y, width, height) in the unit box; the sides > 0.
        coefficients: n of up to ``size`` numbers in standard deviations; those left out are 0.
        widths: float64 [n], mean half-widths that the strokes then get, in the unit box, so that an outline no longer
            quite fills its box; those of their shapes unless given.

    Raises:
        HierbrushError: a number is not finite, a side is not positive, or there are too many coefficients.
    """
    bases = check_list("bases", bases, "ShapeBases")
    for at, basis in enumerate(bases):
        check_kind(f"bases[{at}]", basis, ShapeBasis, "a ShapeBasis")
    if not bases:
        raise HierbrushError("bases: expected at least one")
    places = _places(boxes, len(bases))
    coefficients = check_list("coefficients", coefficients, f"coefficients of {len(bases)} goals")
    if len(coefficients) != len(bases):
        raise HierbrushError(f"coefficients: {len(coefficients)}, expected those of {len(bases)} goals")
    if widths is not None:
        widths = check_array("widths", widths, (len(bases),), f"[{len(bases)}] mean half-widths")
    drawn = [_weights(basis, chosen) for basis, chosen in zip(bases, coefficients, strict=True)]
    numbers = np.empty((len(bases), SHAPE_NUMBERS))
    known = features(places[:, 2:], np.array([basis.usual for basis in bases]))
    for at, (basis, weights) in enumerate(zip(bases, drawn, strict=True)):
        # Products for each goal: one of matrices would sum in another order, and types differ in size anyway.
        numbers[at] = known[at] @ basis.slopes + weights @ basis.components[: len(weights)]
    skeleton = numbers[:, :_WIDTHS].reshape(-1, SKELETON_POINTS, 2)
    outline = numbers[:, _OUTLINE:].reshape(-1, OUTLINE_POINTS, 2)
    low, high = outline.min(axis=1), outline.max(axis=1)
    scale = places[:, 2:] / (high - low)
    shift = places[:, :2] - scale * (low + high) / 2
    scale, shift = scale[:, None], shift[:, None]
    outline, skeleton = outline * scale + shift, skeleton * scale + shift
    half_width = distance_to_outline(skeleton, outline)
    if widths is not None:
        outline = scaled_outlines(outline, skeleton, widths / half_width.mean(axis=1))
        half_width = distance_to_outline(skeleton, outline)
    return Shapes(*(values.astype(np.float32) for values in (skeleton, half_width, outline)))


def _places(boxes: Sequence[ArrayLike] | Numbers, count: int) -> Numbers:
    """Return boxes as float64 [count, 4].

    Raises:
        HierbrushError: a number is not finite, or a side is not positive.
    """
    wanted = "finite (centre x, centre y, width, height), sides > 0"
    whole = isinstance(boxes, np.ndarray) and boxes.shape == (count, 4) and boxes.dtype == np.float64
    if whole and np.isfinite(boxes).all() and (boxes[:, 2:] > 0).all():  # type: ignore[arg-type,call-overload]
        return np.asarray(boxes)
    places = np.empty((count, 4))
    boxes = check_list("boxes", boxes, f"boxes of {count} goals")
    if len(boxes) != count:
        raise HierbrushError(f"boxes: {len(boxes)}, expected those of {count} goals")
    for at, box in enumerate(boxes):
        places[at] = check_array("box", box, (4,), wanted)
        if places[at, 2:].min() <= 0:
            raise HierbrushError(f"box: {shown(box)}, expected {wanted}")
    return places


def _weights(basis: ShapeBasis, chosen: ArrayLike) -> Numbers:
    weights = check_array("coefficients", chosen, None, f"up to {basis.size} finite numbers", finite=False)
    if weights.ndim != 1 or len(weights) > basis.size or not np.isfinite(weights).all():
        raise HierbrushError(
            f"coefficients: shape {weights.shape}, expected up to {basis.size} finite numbers for {basis.stroke_type}"
        )
    return weights


def features(sides: Numbers, usual: Numbers) -> Numbers:
    """Return what a mean shape depends on: float64 [..., 8].

    A constant, the share of a common stroke's thickness in width and height, the logarithms of width and height over
    0.2, their squares and their product. Sides below 0.02 count as 0.02, and those further than three standard
    deviations from the usual ones as the last ones on the way there.

    Args:
        sides: float64 [..., 2], width and height in the unit box.
        usual: float64 [..., 3, 2], of `ShapeBasis`.
    """
    centre = usual[..., 0, :]
    off = np.log(np.maximum(sides, _SHORTEST) / _TYPICAL) - centre
    distance = np.sqrt(np.square((usual[..., 1:, :] * off[..., None, :]).sum(axis=-1)).sum(axis=-1, keepdims=True))
    log = centre + off * np.minimum(1.0, _UNUSUAL / np.maximum(distance, 1e-12))
    share = _THICKNESS / _TYPICAL * np.exp(-log)
    product = log[..., :1] * log[..., 1:]
    return np.concatenate([np.ones_like(product), share, log, log * log, product], axis=-1)


def usual_sides(sides: Numbers) -> Numbers:
    """Return ``usual`` [3, 2] of `ShapeBasis` for the sides float64 [n, 2] of a type's training strokes."""
    log = np.log(np.maximum(sides, _SHORTEST) / _TYPICAL)
    spread = np.cov(log.T) + 1e-4 * np.eye(2)  # a type whose strokes are all alike has a spread too
    return np.vstack([log.mean(axis=0), np.linalg.inv(np.linalg.cholesky(spread))])


def displacements(changes: Numbers, shape: Numbers, sides: Numbers) -> Numbers:
    """Return how much changes of a shape count: float64 [n, 320], whose squares add up to a squared distance.

    Args:
        changes: float64 [n, 352], differences of shapes.
        shape: float64 [352], about which they are.
        sides: float64 [2], width and height of the box in the unit box, or distances would have no proportions.

    Every point's shift across its line counts in full, that along it a tenth; those of the skeleton 0.3 of the
    outline's; each times the square root of the line's length there, so that the sum is an integral along the line.
    Half-widths do not count: they follow from outline and skeleton.
    """
    counted = []
    for part, closed, share in ((slice(0, _WIDTHS), False, _SKELETON), (slice(_OUTLINE, None), True, 1.0)):
        line = shape[part].reshape(-1, 2) * sides
        ends = (line[-1], line[0]) if closed else (2 * line[0] - line[1], 2 * line[-1] - line[-2])
        longer = np.vstack([ends[0], line, ends[1]])
        step = (longer[2:] - longer[:-2]) * (1.0 if closed else 0.5)
        length = np.maximum(np.linalg.norm(step, axis=1), 1e-9)
        x, y = step.T / length
        right, down = np.moveaxis(changes[:, part].reshape(len(changes), -1, 2) * sides, -1, 0)
        weight = share * np.sqrt(length)
        counted += [(right * y - down * x) * weight, (right * x + down * y) * (_ALONG * weight)]
    return np.concatenate(counted, axis=1)


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
    return ShapeBasis(kind.abbreviation, *bases[kind.shape_basis])


@lru_cache(maxsize=1)
def _load() -> dict[str, Arrays]:
    tensors = read_safetensors(FILE)
    bases = {}
    for name in [name.removesuffix(".mean") for name in tensors if name.endswith(".mean")]:
        found = [tensors.get(f"{name}.{part}", np.zeros(0)).astype(np.float64) for part in PARTS]
        bases[name] = checked(f"{FILE}: {name}", found)
    return bases


def checked(what: str, arrays: Sequence[Numbers]) -> Arrays:
    """Return the arrays of a basis, checked: ``slopes``, ``components`` and ``usual`` of `ShapeBasis`.

    Raises:
        HierbrushError: one has another shape or holds a number that is not finite; begins with ``what``.
    """
    slopes, components, usual = arrays
    width = components.shape[-1] if components.ndim == 2 else 0
    if slopes.shape != (FEATURES, SHAPE_NUMBERS) or width != SHAPE_NUMBERS or usual.shape != (3, 2):
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(PARTS, arrays, strict=True))
        raise HierbrushError(
            f"{what}: is of another format, has {shapes}; expected ({FEATURES}, {SHAPE_NUMBERS}), (k, {SHAPE_NUMBERS}) "
            "and (3, 2); rebuild it with python -m hierbrush_build.characters"
        )
    if not all(np.isfinite(array).all() for array in arrays):
        raise HierbrushError(f"{what}: holds NaN or infinity")
    return slopes, components, usual
