"""Ink as the curves of a TrueType glyph: few control points, within a tolerance of the ink's outline.

A TrueType contour is a quadratic spline. Where two control points off the curve follow each other, the point of the
curve between them lies in their middle and is left out of the file. That is a uniform quadratic B-spline, so a contour
is cut at its corners and each piece is fitted by one with as few control points as the tolerance allows, by least
squares. More of them stand where it bends, since the parameter runs slower there.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

_CORNER = np.deg2rad(40.0)  # turning within a reach that is a corner and not a bend
_REACH = 4  # points on each side of a corner: a raster rounds it over some two pixels
_RIPPLE = 3.0  # points that a piece is smoothed over
_COUNTS = (*range(2, 13), *range(14, 33, 2), *range(36, 97, 4))  # control points of one piece between two corners


class Contour(NamedTuple):
    """A closed line: ``points`` int ``[n, 2]`` in font units, ``on`` bool ``[n]``: which of them lie on the curve."""

    points: NDArray[np.int64]
    on: NDArray[np.bool_]


def fitted(loop: Points, tolerance: float) -> tuple[Points, NDArray[np.bool_]]:
    """Return control points ``[n, 2]`` of a quadratic spline along a closed line ``[m, 2]``, and which are on it.

    Args:
        loop: the line's points, close to each other, in any unit.
        tolerance: how far the spline may lie from the line's points, in the same unit.
    """
    corners = _corners(loop)
    points, on = [], []
    for start, stop in zip(corners, [*corners[1:], corners[0] + len(loop)], strict=True):
        piece = _smoothed(loop[np.arange(start, stop + 1) % len(loop)])
        control = _spline(piece, tolerance)[:-1]  # the last is the next piece's first
        points.append(control)
        on.append(np.arange(len(control)) == 0)
    return np.concatenate(points), np.concatenate(on)


def _corners(loop: Points) -> list[int]:
    """Return where a closed line turns sharply; where nowhere, its point furthest to the left, for it has to begin."""
    reach = min(_REACH, len(loop) // 3)
    ahead = np.roll(loop, -reach, 0) - loop
    behind = loop - np.roll(loop, reach, 0)
    turn = np.abs(np.arctan2(ahead[:, 1] * behind[:, 0] - ahead[:, 0] * behind[:, 1], (ahead * behind).sum(1)))
    peaks = [
        at
        for at in np.flatnonzero(turn > _CORNER)
        if turn[at] >= turn[np.arange(at - reach, at + reach + 1) % len(loop)].max()
    ]
    kept: list[int] = []
    for at in peaks:
        if not kept or at - kept[-1] > reach:
            kept.append(int(at))
    if len(kept) > 1 and kept[0] + len(loop) - kept[-1] <= reach:
        kept.pop()
    return kept or [int(np.argmin(loop[:, 0]))]


def _smoothed(piece: Points) -> Points:
    """Return a piece without the ripple of the raster, its ends where they were."""
    from scipy.ndimage import gaussian_filter1d

    width = min(_RIPPLE, len(piece) / 12)
    around = min(len(piece) - 1, round(4 * width))
    if around < 1:
        return piece
    # Mirrored through its ends, which so stay, and so do its directions there.
    before = 2 * piece[0] - piece[around:0:-1]
    after = 2 * piece[-1] - piece[-2 : -2 - around : -1]
    longer = np.concatenate([before, piece, after])
    return np.asarray(gaussian_filter1d(longer, width, axis=0)[around : around + len(piece)])


def _spline(piece: Points, tolerance: float) -> Points:
    """Return the fewest control points of a uniform quadratic B-spline that stays within a tolerance of a piece."""
    parameter = _parameter(piece)
    control = piece[[0, -1]]
    for count in _COUNTS:
        if count > len(piece):
            break
        control = _least_squares(piece, parameter, count)
        if np.abs(_basis(parameter, count) @ control - piece).max() <= tolerance:
            break
    return control


def _parameter(piece: Points) -> NDArray[np.float64]:
    """Return a parameter from 0 to 1 along a line that runs slower where it bends."""
    steps = np.diff(piece, axis=0)
    length = np.maximum(np.linalg.norm(steps, axis=1), 1e-12)
    heading = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    bend = np.abs(np.gradient(heading)) if len(heading) > 2 else np.zeros(len(heading))
    window = min(_REACH * 4 + 1, len(bend))
    bend = np.convolve(bend, np.ones(window) / window, mode="same")[: len(length)]
    # A spline's error grows with the third power of the spacing times the bend: spacing by its cubic root.
    pace = length / length.sum() + 2.0 * np.cbrt(bend * length**2) / max(float(np.cbrt(bend * length**2).sum()), 1e-12)
    along = np.concatenate([[0.0], np.cumsum(pace)])
    return np.asarray(along / along[-1])


def _basis(parameter: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the values ``[m, count]`` of the uniform quadratic B-splines, clamped at both ends."""
    from scipy.interpolate import BSpline

    if count == 2:
        return np.column_stack([1.0 - parameter, parameter])
    return np.asarray(BSpline.design_matrix(parameter, _knots(count), 2).toarray())


@cache
def _knots(count: int) -> NDArray[np.float64]:
    spans = count - 2
    return np.concatenate([[0.0, 0.0], np.linspace(0.0, 1.0, spans + 1), [1.0, 1.0]])


def _least_squares(piece: Points, parameter: NDArray[np.float64], count: int) -> Points:
    """Return the control points nearest to a piece whose ends are kept."""
    ends = piece[[0, -1]]
    if count == 2:
        return ends
    basis = _basis(parameter, count)
    rest = piece - basis[:, [0, -1]] @ ends
    inner = np.linalg.lstsq(basis[:, 1:-1], rest, rcond=None)[0]
    return np.concatenate([ends[:1], inner, ends[1:]])
