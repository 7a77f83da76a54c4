"""Photographs are turned upright by their grids, and read though light and paper are uneven."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import gaussian_filter

from hierbrush.metrics import stroke_iou
from hierbrush.styles.pictures import read_ink
from hierbrush.styles.tilt import tilt_of_frame, tilt_of_lines, tilt_of_strokes
from tests.styles.test_picture_file import drawn

SIDE = 400


def own_box(ink: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return ink in its own bounding box."""
    row, column = np.nonzero(ink >= 0.5)
    part = ink[row.min() : row.max() + 1, column.min() : column.max() + 1].astype(np.float32)
    return np.asarray(Image.fromarray(part).resize((128, 128), Image.Resampling.BOX))


def photograph(*, tilt: float = 0.0, grid: bool = False, paper: int = 225, ink: int = 35) -> NDArray[np.uint8]:
    """Return the drawing photographed: paper with a texture, half of it in a sharp shadow, noise and blur."""
    rng = np.random.default_rng(3)
    page = np.full((SIDE, SIDE), float(paper)) * (1 + 0.1 * gaussian_filter(rng.standard_normal((SIDE, SIDE)), 2))
    written = np.zeros((SIDE, SIDE))
    written[72:328, 72:328] = drawn()
    page = page * (1 - written) + ink * written
    picture = Image.fromarray(page.clip(0, 255).astype(np.uint8)).convert("RGB")
    if grid:
        pen = ImageDraw.Draw(picture)
        for line in (
            (40, 40, 360, 40),
            (360, 40, 360, 360),
            (360, 360, 40, 360),
            (40, 360, 40, 40),
            (40, 200, 360, 200),
        ):
            pen.line(line, fill=(205, 80, 70), width=3)  # fmt: skip
    turned = picture.rotate(tilt, Image.Resampling.BICUBIC, fillcolor=(paper, paper, paper))
    across = np.mgrid[:SIDE, :SIDE][1] / SIDE
    light = (1 - 0.3 * across) * np.where(across + 0.2 * across.T > 0.6, 0.62, 1.0)
    lit = np.asarray(turned, float) * light[..., None] + rng.normal(0, 3, (SIDE, SIDE, 3))
    return np.asarray(Image.fromarray(lit.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7)))


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"grid": True},
        {"grid": True, "tilt": 6.0},
        {"grid": True, "tilt": -9.0},
        {"paper": 45, "ink": 220},  # a rubbing
        {"ink": 130},  # pale
    ],
)
def test_photographs_are_read_and_turned_by_their_grid(how: dict[str, float]) -> None:
    assert stroke_iou(own_box(read_ink(photograph(**how))), own_box(drawn())) > 0.85  # type: ignore[arg-type]


def test_lines_tell_the_tilt_and_strokes_alone_do_not() -> None:
    page = Image.new("1", (300, 300))
    ImageDraw.Draw(page).rectangle((40, 40, 260, 260), outline=1, width=2)
    frame = np.asarray(page.rotate(5))
    assert abs(tilt_of_lines(frame) + 5) < 0.6
    assert abs(tilt_of_frame(frame) + 5) < 0.6
    assert tilt_of_lines(np.zeros((300, 300), bool)) == 0
    assert tilt_of_frame(drawn() >= 0.5) == 0


def lines(*ends: tuple[float, float, float, float]) -> NDArray[np.float64]:
    share = np.linspace(0, 1, 32)[:, None]
    return np.array([np.array(end[:2]) * (1 - share) + np.array(end[2:]) * share for end in ends])


def turned(points: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    angle = np.radians(degrees)
    back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (points - 0.5) @ back + 0.5


def test_only_what_all_strokes_turn_by_is_a_tilt() -> None:
    rest = lines((0.2, 0.5, 0.8, 0.5), (0.5, 0.1, 0.5, 0.9))
    assert tilt_of_strokes(rest, turned(rest, 9)) == pytest.approx(9, abs=0.1)
    assert tilt_of_strokes(rest, turned(rest, -9)) == pytest.approx(-9, abs=0.1)
    rising = lines((0.2, 0.55, 0.8, 0.45), (0.5, 0.1, 0.5, 0.9))
    assert tilt_of_strokes(rest, rising) == 0
    assert tilt_of_strokes(rest, turned(rest, 3)) == 0
