"""What is known of characters is made once, and found again bit by bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hierbrush.composer.brief import brief_of, truth_of
from hierbrush.composer.observation import BriefBank
from hierbrush.envs import lessons
from hierbrush.envs.lessons import Lessons, flat_tasks_of
from hierbrush.strokes.types import ABBREVIATIONS

CHARACTERS = ("永", "国", "一")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count the characters that are looked at, with a cache of the test's own."""
    monkeypatch.setenv("HIERBRUSH_CACHE", str(tmp_path))
    calls: list[str] = []
    known = lessons._brief_and_truth.__wrapped__
    monkeypatch.setattr(lessons, "_brief_and_truth", lambda char: (calls.append(char), known(char))[1])
    flat_tasks_of.cache_clear()
    lessons.lessons_of.cache_clear()
    yield calls
    flat_tasks_of.cache_clear()
    lessons.lessons_of.cache_clear()


def test_lessons_are_what_briefs_and_truths_say(made: list[str]) -> None:
    found = Lessons.of(CHARACTERS)
    bank = BriefBank.of([brief_of(char) for char in CHARACTERS])
    for mine, theirs in zip((found.bank.tokens, found.bank.prior, found.bank.counts), vars(bank).values(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype
    for at, char in enumerate(CHARACTERS):
        truth, types = truth_of(char), brief_of(char).stroke_types
        count = len(types)
        assert found.order[at, :count].tolist() == truth.order.tolist()
        np.testing.assert_array_equal(found.boxes[at, :count], truth.places)
        np.testing.assert_array_equal(found.boxes[at, count:], bank.prior[at, count:])
        assert tuple(ABBREVIATIONS[number] for number in found.stroke_types[at, :count]) == types


def test_they_are_made_once_and_read_bit_by_bit(made: list[str], tmp_path: Path) -> None:
    first, (tasks, glyphs) = Lessons.of(CHARACTERS), flat_tasks_of(CHARACTERS)
    looked_at = len(made)
    flat_tasks_of.cache_clear()
    lessons.lessons_of.cache_clear()
    again, (same, pages) = Lessons.of(CHARACTERS), flat_tasks_of(CHARACTERS)
    assert len(made) == looked_at
    for name in ("order", "stroke_types", "boxes", "places", "glyphs", "areas"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))
        assert getattr(again, name).dtype == getattr(first, name).dtype
    for name, array in vars(tasks).items():
        np.testing.assert_array_equal(getattr(same, name), array)
    np.testing.assert_array_equal(pages, glyphs)
    Lessons.of(CHARACTERS[:2])
    assert len(made) == looked_at + 2
    assert sorted(path.name.partition("-")[0] for path in tmp_path.iterdir()) == ["characters", "characters", "flat"]


def test_a_file_of_others_is_made_anew(made: list[str], tmp_path: Path) -> None:
    first = Lessons.of(CHARACTERS)
    (path,) = tmp_path.glob("characters-*")
    whole = path.read_bytes()
    with np.load(path) as stored:
        arrays = dict(stored)
    np.savez(path, **{**arrays, "order": arrays["order"][:-1]})
    again = Lessons.of(CHARACTERS)
    np.testing.assert_array_equal(again.order, first.order)
    assert path.read_bytes() == whole
