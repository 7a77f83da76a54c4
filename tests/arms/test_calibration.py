"""Four touched corners give the paper, however it is tilted and turned."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.arms import Calibration
from hierbrush.errors import HierbrushError


def corners(width: float, height: float, tilt: float = 0.0, turn: float = 0.0) -> np.ndarray:
    """Return the corners of a paper whose lower edge is raised by ``tilt`` and that is turned about z."""
    flat = np.array([[0, 0, 0], [width, 0, 0], [width, -height, 0], [0, -height, 0]])
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    return flat @ (about_z @ about_x).T + [0.3, 0.1, 0.05]


@pytest.mark.parametrize(("tilt", "turn"), [(0.0, 0.0), (0.3, 0.0), (0.0, 2.0), (0.5, -1.0)])
def test_touched_corners_give_back_the_paper(tilt: float, turn: float) -> None:
    points = corners(0.2, 0.1, tilt, turn)
    found = Calibration.touched(points)
    assert found.width == pytest.approx(0.2)
    assert found.height == pytest.approx(0.1)
    assert np.allclose(found.axes @ found.axes.T, np.eye(3))
    assert found.axes[2, 2] == pytest.approx(np.cos(tilt))
    here = np.array([[0, 0, 0], [0.2, 0, 0], [0.2, 0.1, 0], [0, 0.1, 0]])
    assert np.allclose(found.world(here), points)
    assert np.allclose(found.paper(points), here)
    deeper = found.world(np.array([[0.1, 0.05, 0.01]]))[0] - found.world(np.array([[0.1, 0.05, 0.0]]))[0]
    assert np.allclose(deeper, -0.01 * found.axes[2])


def test_unsteady_touches_are_averaged() -> None:
    wobble = np.random.default_rng(0).normal(0, 2e-4, (4, 3))
    found = Calibration.touched(corners(0.2, 0.1, 0.2) + wobble)
    assert np.linalg.norm(found.corner - corners(0.2, 0.1, 0.2)[0]) < 5e-4


def test_the_stone_stands_right_of_the_paper_unless_touched() -> None:
    points = corners(0.2, 0.1)
    assert np.allclose(Calibration.touched(points).stone_on_paper, [0.23, 0.05, 0.0])
    assert np.allclose(Calibration.touched(points, [0.3, 0.3, 0.02]).stone, [0.3, 0.3, 0.02])


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ([[0, 0, 0]] * 3, "four points"),
        ("abcd", "four points"),
        ([[0, 0, float("nan")]] * 4, "four points"),
        (np.zeros((4, 3)), "sides of 10 to 2000 mm"),
        (corners(0.2, 0.1)[[0, 1, 2, 3, 0]], "four points"),
        (corners(0.2, 0.1)[::-1], "expected the order top left"),
        (corners(0.2, 0.1)[[0, 3, 2, 1]], "expected the order top left"),
        (corners(0.2, 0.1)[[0, 2, 1, 3]], "touch them again|sides of 10"),
        (corners(0.2, 0.1) + [[0, 0, 0.02], [0, 0, 0], [0, 0, 0], [0, 0, 0]], "touch them again"),
        (corners(0.2, 0.1, tilt=1.55), "a wall"),
    ],
)
def test_what_is_no_paper_is_told(points: object, told: str) -> None:
    with pytest.raises(HierbrushError, match=told):
        Calibration.touched(points)
