"""Flattening of paths."""

from __future__ import annotations

import numpy as np

from hierbrush.characters.data_file import StrokePath
from hierbrush.characters.outline import TOLERANCE, UNITS, flatten

MEDIAN = np.zeros((2, 2))


def dense(path: StrokePath) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The same outline with 400 points a curve, in font units, by the textbook formulas."""
    points, at = [path.points[0]], 1
    t = np.linspace(0, 1, 401)[1:, None]
    for command in path.commands[1:]:
        start = path.points[at - 1]
        if command == "L":
            curve = start + t * (path.points[at] - start)
            at += 1
        elif command == "Q":
            a, b = path.points[at : at + 2]
            curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * a + t**2 * b
            at += 2
        else:
            a, b, c = path.points[at : at + 3]
            curve = (1 - t) ** 3 * start + 3 * t * (1 - t) ** 2 * a + 3 * t**2 * (1 - t) * b + t**3 * c
            at += 3
        points.extend(curve)
    return np.array(points)


def test_curves_stay_within_the_tolerance() -> None:
    paths = [
        StrokePath(
            "MQLC", np.array([[0, 0], [300, 500], [600, 0], [600, -80], [500, -300], [90, -300], [0, 0.0]]), MEDIAN
        ),
        StrokePath("MLLQ", np.array([[10, 10], [500, 10], [500, 700], [10, 700], [10, 10.0]]), MEDIAN),
    ]
    for path, polygon in zip(paths, flatten(paths), strict=True):
        flat = np.stack([polygon[:, 0] * UNITS, 900 - polygon[:, 1] * UNITS], axis=1)
        edge = np.roll(flat, -1, axis=0) - flat
        offset = dense(path)[:, None] - flat[None]
        along = np.clip((offset * edge).sum(axis=2) / np.maximum((edge * edge).sum(axis=1), 1e-9), 0, 1)
        distance = np.linalg.norm(offset - along[..., None] * edge, axis=2).min(axis=1)
        assert distance.max() <= TOLERANCE + 1e-3
        assert distance.max() > TOLERANCE / 10  # no more points than the tolerance asks for


def test_lines_get_no_points_in_between_and_the_start_is_not_repeated() -> None:
    square = StrokePath("MLLLL", np.array([[0, 900], [1024, 900], [1024, -124], [0, -124], [0, 900.0]]), MEDIAN)
    (polygon,) = flatten([square])
    np.testing.assert_array_equal(polygon, [[1, 0], [1, 1], [0, 1], [0, 0]])
    assert polygon.dtype == np.float32
