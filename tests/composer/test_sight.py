"""What a composer sees of a picture."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.characters import load_library
from hierbrush.composer.pictured import brief_and_glyph
from hierbrush.composer.place import CENTRE_UNIT, shaped_goals, sides
from hierbrush.composer.sight import (
    SIGHT_SIZE,
    covered_map,
    depth_map,
    middle_lines,
    on_ink,
    seen_widths,
    sight,
)
from hierbrush.sim import rasterise
from hierbrush.strokes.types import NUMBER

ONE = np.zeros(1, np.int64)
NEAR, FAR = 165 + 18, 165 + 20 + 18
"""Columns of where ink draws a whole stroke, in sight."""


def page_of(char: str) -> np.ndarray:
    strokes = load_library()[char].strokes
    return rasterise([stroke.outline for stroke in strokes], 256, supersample=1) >= 0.5


def seen(places: np.ndarray, kinds: np.ndarray, page: np.ndarray, written: np.ndarray) -> np.ndarray:
    which = np.zeros(len(kinds), np.int64)
    return sight(depth_map(page)[None], covered_map(written)[None], which, kinds, places)


def test_depths_and_cover_tell_ink_from_paper() -> None:
    page = np.zeros((256, 256), bool)
    page[64:128, 64:192] = True
    depth = depth_map(page) / 1000
    assert depth[48, 64] == pytest.approx(32 / 256, abs=0.004)
    assert depth[30, 64] == pytest.approx(-4 / 256, abs=0.004)
    assert depth.min() == -0.127  # further away is all the same
    assert covered_map(page)[24, 32] == 255
    assert covered_map(page)[0, 0] == 0
    assert (depth_map(np.zeros((256, 256), bool)) == -127).all()
    assert (depth_map(np.ones((256, 256), bool)) == 127).all()


def test_middle_lines_are_those_of_the_goals() -> None:
    brief, _, places = brief_and_glyph("永")
    kinds = np.array([NUMBER[kind] for kind in brief.stroke_types])
    lines = middle_lines(kinds, places)
    goals = shaped_goals(brief.stroke_types, places)
    points = np.round(np.linspace(0, 31, 9)).astype(int)
    assert np.allclose(lines, [goal.skeleton[points] for goal in goals], atol=1e-3)


def test_ink_draws_a_stroke_to_where_it_is() -> None:
    brief, _, places = brief_and_glyph("一")
    kinds = np.array([NUMBER[kind] for kind in brief.stroke_types])
    page = page_of("一")
    for reach, shift in ((NEAR, 0.012), (FAR, 0.04)):
        moved = places.copy()
        moved[:, 1] += shift
        there, off = (seen(at, kinds, page, np.zeros_like(page))[0] for at in (places, moved))
        assert there.shape == (SIGHT_SIZE,)
        assert abs(there[reach + 1]) < 0.1
        # 横 runs across, so that only where it lies in height can be told; it is drawn up, and most of the way.
        assert off[reach + 1] * CENTRE_UNIT == pytest.approx(-shift, rel=0.6)


def test_what_is_written_is_seen() -> None:
    brief, _, places = brief_and_glyph("二")
    kinds = np.array([NUMBER[kind] for kind in brief.stroke_types])
    page = page_of("二")
    blank = seen(places, kinds, page, np.zeros_like(page))
    written = seen(places, kinds, page, page)
    assert not blank[:, -25:].any()
    assert written[:, -25:].max() > 0.5
    assert np.array_equal(blank[:, :-25], written[:, :-25])


def test_nothing_is_seen_of_no_strokes() -> None:
    none, page = np.zeros((0, 16), np.float32), page_of("一")
    assert seen(none, np.zeros(0, np.int64), page, page).shape == (0, SIGHT_SIZE)


def test_places_are_put_on_the_ink() -> None:
    _, _, places = brief_and_glyph("永")
    page = np.zeros((256, 256), bool)
    page[26:128, 13:243] = True
    assert sides(on_ink(places, page)) == pytest.approx([13 / 256, 26 / 256, 243 / 256, 0.5], abs=1e-3)


@pytest.mark.parametrize("bold", [0.7, 1.0, 1.5])
def test_widths_are_read_from_the_picture(bold: float) -> None:
    brief, _, places = brief_and_glyph("永")
    kinds = np.array([NUMBER[kind] for kind in brief.stroke_types])
    own = np.array([goal.half_width.mean() for goal in shaped_goals(brief.stroke_types, places)])
    goals = shaped_goals(brief.stroke_types, places, own * bold)
    page = rasterise([goal.outline for goal in goals], 256, supersample=1) >= 0.5
    read = seen_widths(depth_map(page)[None], np.zeros(len(kinds), np.int64), kinds, places)
    assert read.mean() == pytest.approx(bold * own.mean(), rel=0.2)
