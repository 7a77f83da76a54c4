from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import pytest

from hierbrush.characters import load_library, split
from hierbrush.composer.brief import brief_of
from hierbrush.composer.composers import WEIGHTS as COMPOSER
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.errors import HierbrushError
from hierbrush.metrics import score, stroke_width
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.learned import WEIGHTS, LearnedPolicy
from hierbrush.strokes.policy import PolicySet
from hierbrush.writing import (
    Layout,
    Page,
    RecordingPen,
    Writing,
    WritingInterrupted,
    write,
    write_character,
    write_characters,
    write_text,
)


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
    with pytest.raises(HierbrushError, match=r"size: .*, expected a whole number of pixels from 32 to 1024"):
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
        ({"char": 5}, "char: 5, expected a string of one character"),
        ({"char": "永", "goal": "glyf"}, "goal: 'glyf'.*did you mean 'glyph'"),
        ({"char": "永", "brush": "measurd"}, "did you mean 'measured'"),
        ({"char": "永", "brush": 3}, "brush"),
        ({"char": "永", "policy": "scriptd"}, "did you mean 'scripted'"),
        ({"char": "永", "seed": -1}, "seed: -1, expected a whole number"),
        ({"char": "永", "seed": 1.5}, "seed: 1.5, expected a whole number"),
        ({"char": "永", "goal": ["glyph"]}, "goal: .* is not one of glyph, decomposition"),
        ({"char": "永", "composer": 3}, "composer: 3, expected a name or a path"),
        ({"char": "永", "policy": None}, "policy: None, expected a name or a path"),
        ({"char": "永", "motion": 0.5}, "motion: 0.5, expected a MotionLimits or a mapping of its fields"),
        ({"char": "永", "motion": {"sped": 1}}, "motion: unknown field 'sped'; did you mean 'speed'"),
        ({"char": "永", "motion": {"speed": 1e-9}}, "motion: speed: 1e-09, expected m/s from 0.001"),
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
    huge = write_text("一", layout=Layout(cell=0.01, margin=2.0))
    with pytest.raises(HierbrushError, match=r"size: 1024 makes a png of .* or take a smaller paper"):
        huge.image(1024)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": ""}, "empty"),
        ({"text": "\n"}, "empty"),
        ({"text": " \u3000\r\n"}, "empty"),
        ({"text": "永\0和"}, r"text: line 1, column 2: U\+0000 is a control character"),
        ({"text": None}, "text: must be a string"),
        ({"text": "永", "layout": "vertikal"}, "layout: direction: 'vertikal'.*did you mean 'vertical'"),
        ({"text": "永", "layout": 3}, "layout: 3, expected one of vertical, horizontal, a Layout or its fields"),
    ],
)
def test_wrong_text_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        write_text(**arguments)


def test_what_is_best_known_is_followed_unless_composing_is_asked_for() -> None:
    assert write_character("湖").goal == "glyph"
    assert write_character("湖", goal="decomposition").goal == "decomposition"
    assert write_character("湖", composer="component means").goal == "decomposition"
    assert write_character("湖", goal="glyph", composer="component means").goal == "glyph"
    assert write_character("⿰木月", composer="component means").goal == "decomposition"


def test_nothing_malformed_is_written_without_asking() -> None:
    for writing in write_characters("世光凸爬縣塞"):
        assert writing.scores.iou > 0.9, writing.char


def test_natural_arguments_work(tmp_path: Path) -> None:
    weights = tmp_path / "policies.safetensors"
    copyfile(WEIGHTS, weights)
    plain = write_character("一")
    named = write_character("一", policy=weights, seed=np.int64(0), motion={"speed": np.float32(0.25)})  # type: ignore[arg-type]
    assert named.policy == str(weights)
    assert np.array_equal(named.paths[0], plain.paths[0])
    assert named.motion == plain.motion
    composed = tmp_path / "composer.safetensors"
    copyfile(COMPOSER, composed)
    assert write_character("一", composer=composed).composer == str(composed)
    many = write_characters((char for char in "一一"), workers=np.int64(1))  # type: ignore[arg-type]
    assert [writing.char for writing in many] == ["一", "一"]
    page = write_text("一", layout={"direction": "horizontal", "cell": np.float64(0.03)})
    assert page.layout == Layout("horizontal", cell=0.03)
    assert page.image(np.int32(64)).shape == page.image(64).shape  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"characters": 3}, "characters: 3, expected characters such as"),
        ({"characters": [3]}, "char: 3, expected a string of one character"),
        ({"characters": "一", "workers": 0}, "workers: 0, expected a whole number from 1"),
        ({"characters": "一", "workers": "2"}, "workers: '2', expected a whole number"),
        ({"characters": "一", "progress": 5}, "progress: 5, expected a function"),
        ({"characters": "一", "stroke_lists": "no"}, "stroke_lists: 'no', expected True or False"),
    ],
)
def test_wrong_arguments_for_many_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        write_characters(**arguments)


def test_a_page_is_a_sequence_and_checks_what_it_is_made_of(page: Page) -> None:
    assert page[1:] == [page[1], page[2]]
    assert Page(page.text, iter(page), "vertical") == page
    for arguments, message in (
        ((3, list(page), "vertical"), "text: 3, expected a string"),
        (("永和九", [1, 2, 3], "vertical"), "writings: expected a Writing for every"),
        (("永和", list(page), "vertical"), "writings: do not spell the text"),
        (("", [], "vertical"), "text: is empty"),
    ):
        with pytest.raises(HierbrushError, match=message):
            Page(*arguments)


def test_a_writing_checks_what_it_is_made_of(yong: Writing) -> None:
    fields: dict[str, Any] = {
        "plan": yong.plan, "brush": yong.brush, "policy": "learned", "seed": 0,
        "stroke_paths": yong.stroke_paths,
    }  # fmt: skip
    assert Writing(**fields) == yong
    for name, wrong in (("plan", "永"), ("brush", "round"), ("policy", None), ("seed", -1)):
        with pytest.raises(HierbrushError, match=f"{name}: "):
            Writing(**{**fields, name: wrong})
    for wrong_paths in (3, [], yong.stroke_paths[1:], [np.zeros((3, 2))] * 5, [np.full((3, 3), np.nan)] * 5):
        with pytest.raises(HierbrushError, match="stroke_paths: expected 5 handle paths"):
            Writing(**{**fields, "stroke_paths": wrong_paths})


def test_a_pen_that_is_none_is_named(yong: Writing) -> None:
    for pen in (None, 3, RecordingPen):
        with pytest.raises(HierbrushError, match=r"pen: .*expected an object with dip"):
            yong.draw(pen)  # type: ignore[arg-type]


def test_what_is_printed_is_a_line(yong: Writing, page: Page) -> None:
    policies = PolicySet.load(WEIGHTS)
    things = [
        yong, page, yong.plan, yong.strokes[0], yong.strokes[0].goal, page.cells[0], policies,
        next(iter(policies.policies.values())), LearnedPolicy(policies), yong.plan.decomposition, load_library()["永"],
        load_library()["永"].strokes[0], ComposerPolicy.load(COMPOSER),
    ]  # fmt: skip
    for thing in things:
        assert "\n" not in repr(thing), type(thing)
        assert len(repr(thing)) < 300, type(thing)


class TestCtrlC:
    """What is finished when Ctrl-C comes is handed over."""

    @staticmethod
    def interrupting(after: int) -> Callable[[int], None]:
        calls: list[int] = []

        def progress(done: int) -> None:
            calls.append(done)
            if len(calls) == after:
                raise KeyboardInterrupt

        return progress

    def test_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(write, "_BATCH", 2)
        with pytest.raises(WritingInterrupted) as caught:
            write_characters("一二三十", policy="scripted", progress=self.interrupting(1))
        assert [writing.char for writing in caught.value.finished] == ["一", "二"]
        assert isinstance(caught.value, KeyboardInterrupt)

    def test_a_text(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(write, "_BATCH", 2)
        with pytest.raises(WritingInterrupted) as caught:
            write_text("一二一\n三", policy="scripted", progress=self.interrupting(1))
        assert caught.value.page == write_text("一二一", policy="scripted")
        with pytest.raises(WritingInterrupted) as caught:
            write_text("一二一\n三", policy="scripted", progress=self.interrupting(2))
        assert caught.value.page == write_text("一二一\n三", policy="scripted")


def test_lists_of_strokes_put_unknown_components_in_order() -> None:
    lonely = list(islice((char for char in load_library() if split(char) == "test" and brief_of(char).unknown), 8))
    plain, listed = (
        write_characters(lonely, goal="decomposition", policy="scripted", stroke_lists=lists) for lists in (False, True)
    )

    def in_order(writings: list[Writing]) -> int:
        return sum(writing.order == tuple(range(len(writing.strokes))) for writing in writings)

    assert in_order(listed) > in_order(plain)


@pytest.mark.parametrize("goal", ["glyph", "decomposition"])
def test_weight_is_the_writer_s_choice(goal: str, tmp_path: Path) -> None:
    usual = write_character("永", goal=goal)
    for weight in (0.5, np.float32(1.5)):
        other = write_character("永", goal=goal, weight=weight)
        assert other.weight == pytest.approx(float(weight))
        assert stroke_width(other.image()) / stroke_width(usual.image()) == pytest.approx(weight, rel=0.12)
        assert Writing.load(other.save(tmp_path / "a.json")) == other
    assert write_character("永", goal=goal, weight=1) == usual
    assert other != usual


@pytest.mark.parametrize("weight", [0.3, 2.1, np.nan, "bold", None, True])
def test_a_weight_that_no_brush_writes_is_refused(weight: Any) -> None:
    with pytest.raises(HierbrushError, match=r"^weight: .*0\.4.*2"):
        write_character("永", weight=weight)
