from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hierbrush.characters import load_library, split
from hierbrush.composer.brief import brief_of
from hierbrush.errors import HierbrushError
from hierbrush.metrics import score
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.writing import Layout, Page, Writing, write_character, write_characters, write_text


def test_image_is_the_character_box(yong: Writing) -> None:
    image = yong.image()
    assert image.shape == (256, 256)
    assert image.dtype == np.float32
    assert image.min() == 0.0
    assert image.max() == 1.0
    glyph = rasterise([stroke.outline for stroke in load_library()["永"].strokes], 256)
    assert score(image, glyph).iou > 0.85
    assert score(image.T.copy(), glyph).iou < 0.5


@pytest.mark.parametrize("size", [32, 100, 1024])
def test_image_sizes_show_the_same_ink(yong: Writing, size: int) -> None:
    image = yong.image(size)
    assert image.shape == (size, size)
    assert image.mean() == pytest.approx(yong.image(512).mean(), rel=0.02)


@pytest.mark.parametrize("size", [31, 1025, 0, -5, 256.0, True, "256", None])
def test_impossible_sizes_are_refused(yong: Writing, size: Any) -> None:
    with pytest.raises(HierbrushError, match="size: must be a whole number of pixels from 32 to 1024"):
        yong.image(size)


def test_scores_follow_from_image_and_glyph(yong: Writing) -> None:
    glyph = rasterise([stroke.reference for stroke in yong.strokes], 256)
    assert yong.scores == score(yong.image(256), glyph)


def test_strokes_carry_type_goal_slice_and_iou(yong: Writing) -> None:
    glyph = load_library()["永"]
    assert [stroke.stroke_type for stroke in yong.strokes] == [stroke.stroke_type for stroke in glyph.strokes]
    for index, stroke in enumerate(yong.strokes):
        rows = yong.trajectory[stroke.span]
        assert (rows["stroke"] == index).all()
        assert np.array_equal(np.column_stack([rows[axis] for axis in "xyz"]), stroke.path)
        own = trace(yong.brush, [stroke.path], side=256)
        wanted = rasterise([stroke.reference], 256)
        assert stroke.iou == score(own, wanted).iou
        assert stroke.iou > 0.7


def test_the_controls_write_worse_than_the_follower(yong: Writing) -> None:
    assert write_character("永", goal="glyph", policy="random").scores.iou < yong.scores.iou - 0.1


def test_same_arguments_same_writing() -> None:
    assert write_character("永", policy="random", seed=3) == write_character("永", policy="random", seed=3)
    assert write_character("永", policy="random", seed=3) != write_character("永", policy="random", seed=4)
    assert write_character("永") != write_character("和")
    assert write_character("永") != "永"


def test_brush_by_name_or_model() -> None:
    named, given = write_character("永", brush="round"), write_character("永", brush=BrushModel.preset("round"))
    assert named == given
    assert named != write_character("永", goal=named.goal)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"char": ""}, "empty"),
        ({"char": "永和"}, "2 characters"),
        ({"char": "a"}, "U\\+0061"),
        ({"char": "😀"}, "U\\+1F600"),
        ({"char": "\ud800"}, "U\\+D800"),
        ({"char": 5}, "int"),
        ({"char": "永", "goal": "glyf"}, "goal: 'glyf'.*did you mean 'glyph'"),
        ({"char": "永", "brush": "measurd"}, "did you mean 'measured'"),
        ({"char": "永", "brush": 3}, "brush"),
        ({"char": "永", "policy": "scriptd"}, "did you mean 'scripted'"),
        ({"char": "永", "seed": -1}, "seed: must be a whole number"),
        ({"char": "永", "seed": 1.5}, "seed: must be a whole number"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        write_character(**arguments)


def test_a_page_holds_what_write_character_makes(page: Page, yong: Writing) -> None:
    assert len(page) == 3
    assert page[0] == yong
    assert [writing.char for writing in page] == ["永", "和", "九"]
    assert page.text == "永和\n九"


def test_page_image_is_its_boxes_and_nothing_else(page: Page) -> None:
    image = page.image(64)
    scale = 64 / page.layout.cell
    assert image.shape == (round(page.height * scale), round(page.width * scale))
    assert image.sum() == pytest.approx(sum(writing.image(64).sum() for writing in page))
    # The second column of vertical writing is the left one.
    top, left = round(page.layout.margin * scale), round(page.layout.margin * scale)
    assert np.array_equal(image[top : top + 64, left : left + 64], page[2].image(64))


def test_page_movement_lies_where_its_boxes_are(page: Page) -> None:
    first, last = page.cells[0], page.cells[-1]
    assert first.x > last.x
    assert first.y == last.y
    strokes = len(page[0].strokes)
    assert np.allclose(page.paths[0], page[0].strokes[0].path + [first.x, first.y, 0])
    assert np.allclose(page.paths[strokes + len(page[1].strokes)], page[2].strokes[0].path + [last.x, last.y, 0])


def test_a_smaller_cell_scales_the_movement(yong: Writing) -> None:
    small = write_text("永", goal="glyph", layout=Layout(cell=0.06, margin=0.0))
    assert (small.width, small.height) == pytest.approx((0.06, 0.06))
    assert np.allclose(small.paths[0], yong.paths[0] / 2)
    assert np.array_equal(small.image(128), yong.image(128))


def test_pages_differ_by_layout_and_text() -> None:
    assert write_text("一二") == write_text("一二\n")
    assert write_text("一二") != write_text("一二", layout="horizontal")
    assert write_text("一二") != write_text("一\n二")
    assert write_text("一") != write_character("一")


def test_a_page_too_large_to_draw_is_refused() -> None:
    huge = write_text("一", layout=Layout(cell=0.01, margin=5.0))
    with pytest.raises(HierbrushError, match="size: 1024 makes a picture"):
        huge.image(1024)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": ""}, "empty"),
        ({"text": "\n"}, "empty"),
        ({"text": "永 和"}, "U\\+0020"),
        ({"text": "永\r和"}, "U\\+000D"),
        ({"text": None}, "text: must be a string"),
        ({"text": "永", "layout": "vertikal"}, "layout: direction 'vertikal'.*did you mean 'vertical'"),
        ({"text": "永", "layout": 3}, "layout: must be one of vertical, horizontal or a Layout, not int"),
    ],
)
def test_wrong_text_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        write_text(**arguments)


def test_a_decomposition_is_followed_unless_only_the_glyph_knows() -> None:
    assert write_character("湖").goal == "decomposition"
    assert write_character("湖", goal="glyph").goal == "glyph"
    lonely = next(char for char in load_library() if split(char) == "test" and brief_of(char).unknown)
    assert write_character(lonely).goal == "glyph"
    assert write_character(lonely, goal="decomposition").goal == "decomposition"


def test_lists_of_strokes_put_unknown_components_in_order() -> None:
    lonely = [char for char in load_library() if split(char) == "test" and brief_of(char).unknown][:8]
    plain, listed = (
        write_characters(lonely, goal="decomposition", policy="scripted", stroke_lists=lists) for lists in (False, True)
    )

    def in_order(writings: list[Writing]) -> int:
        return sum(writing.order == tuple(range(len(writing.strokes))) for writing in writings)

    assert in_order(listed) > in_order(plain)
