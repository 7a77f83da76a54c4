"""Ink without a character: strokes that make it, each from the left or above, in reading order."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hierbrush import write_picture
from hierbrush.errors import HierbrushError
from hierbrush.metrics import stroke_iou
from hierbrush.sim import rasterise
from hierbrush.styles.skeleton_route import strokes_of_ink
from tests.styles.conftest import warped


def drawing(*lines: tuple[float, ...], width: int = 18) -> np.ndarray:
    """Return lines drawn on a box of 256 pixels, 1 = ink."""
    page = Image.new("L", (256, 256))
    for line in lines:
        ImageDraw.Draw(page).line(line, fill=255, width=width)
    return np.asarray(page, np.float32) / 255


def test_a_cross_is_two_strokes() -> None:
    goals = strokes_of_ink(drawing((30, 120, 226, 130), (128, 30, 124, 226)))
    assert sorted(goal.stroke_type for goal in goals) == ["H", "S"]
    for goal in goals:
        step = goal.skeleton[-1] - goal.skeleton[0]
        assert step.max() > 0.6


def test_strokes_are_written_in_reading_order() -> None:
    goals = strokes_of_ink(drawing((150, 60, 230, 60), (30, 200, 100, 200), (30, 60, 100, 60)))
    starts = [tuple(np.round(goal.skeleton[0] * 10).astype(int)) for goal in goals]
    assert [x < 5 for x, _ in starts] == [True, True, False]
    assert starts[0][1] < starts[1][1]


def test_a_ring_keeps_its_hole() -> None:
    page = Image.new("L", (256, 256))
    ImageDraw.Draw(page).ellipse((60, 60, 196, 196), outline=255, width=20)
    ink = np.asarray(page, np.float32) / 255
    assert stroke_iou(rasterise([goal.outline for goal in strokes_of_ink(ink)], 256), ink) > 0.9
    assert write_picture(ink).scores.iou > 0.88


@pytest.mark.parametrize("char", "永國語")
def test_a_character_is_written_by_its_skeleton(char: str) -> None:
    writing = write_picture(rasterise([goal.outline for goal in warped(char, 5)], 256))
    assert writing.goal == "skeleton"
    assert writing.scores.iou > 0.85


def test_a_dot_is_a_stroke() -> None:
    page = Image.new("L", (256, 256))
    ImageDraw.Draw(page).ellipse((120, 120, 140, 140), fill=255)
    assert len(strokes_of_ink(np.asarray(page, np.float32) / 255)) == 1


def test_blank_paper_is_told() -> None:
    with pytest.raises(HierbrushError, match="ink: is blank"):
        strokes_of_ink(np.zeros((256, 256)))
    with pytest.raises(HierbrushError, match=r"picture|goal: the array holds no ink"):
        write_picture(np.zeros((64, 64)))


def test_a_blot_wider_than_the_brush_is_filled_by_strokes_side_by_side() -> None:
    page = Image.new("L", (256, 256))
    ImageDraw.Draw(page).ellipse((50, 75, 200, 175), fill=255)
    writing = write_picture(np.asarray(page, np.float32) / 255)
    assert len(writing.strokes) > 2
    assert writing.scores.iou > 0.88


def test_a_line_that_turns_back_sharply_is_parted_there() -> None:
    goals = strokes_of_ink(drawing((60, 230, 128, 30), (128, 30, 196, 230), width=9))
    assert len(goals) == 2
    assert len(strokes_of_ink(drawing((60, 60, 200, 60), (200, 60, 200, 200), width=14))) == 1
