"""Strokes lie nearest to the characters that look alike."""

from __future__ import annotations

import numpy as np

from hierbrush.characters import load_library
from hierbrush.styles.lookalikes import apart, lookalikes


def lines_of(char: str) -> np.ndarray:
    return np.array([stroke.goal().skeleton for stroke in load_library()[char].strokes], np.float64)


def test_a_character_itself_is_none_of_its_lookalikes() -> None:
    (first,) = lookalikes(lines_of("未"), lines_of("未"), 1)
    assert first.char == "末"
    assert first.ratio < 0.1


def test_strokes_of_another_lie_nearer_to_that() -> None:
    first, second = lookalikes(lines_of("己"), lines_of("已"), 2)
    assert first.char == "己"
    assert first.ratio > 3 > second.ratio


def test_neither_place_nor_size_counts() -> None:
    assert apart(lines_of("永"), lines_of("永") * 0.5 + 0.1) < 1e-8
    assert apart(lines_of("永"), lines_of("永") * [0.5, 0.7]) < 1e-3
    assert apart(lines_of("未"), lines_of("末")) > 1e-4


def test_a_line_alone_has_lookalikes() -> None:
    assert [one.char for one in lookalikes(lines_of("一"), lines_of("一"), 3)] == ["乙"]
