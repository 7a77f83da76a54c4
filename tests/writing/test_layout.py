from __future__ import annotations

from typing import Any

import pytest

from hierbrush.errors import HierbrushError
from hierbrush.writing import Layout


def test_columns_run_down_and_leftward() -> None:
    layout = Layout(cell=0.1, spacing=0.01, line_spacing=0.02, margin=0.03)
    width, height, corners = layout.place([2, 1])
    assert (width, height) == pytest.approx((0.03 + 0.1 + 0.02 + 0.1 + 0.03, 0.03 + 0.1 + 0.01 + 0.1 + 0.03))
    assert corners == [pytest.approx(corner) for corner in [(0.15, 0.03), (0.15, 0.14), (0.03, 0.03)]]


def test_rows_run_rightward_and_down() -> None:
    layout = Layout("horizontal", cell=0.1, spacing=0.01, line_spacing=0.02, margin=0.03)
    width, height, corners = layout.place([2, 1])
    assert (width, height) == pytest.approx((0.27, 0.28))
    assert corners == [pytest.approx(corner) for corner in [(0.03, 0.03), (0.14, 0.03), (0.03, 0.15)]]


def test_lines_break_where_the_text_or_the_layout_says() -> None:
    assert Layout().lines("永和九年\n歲在") == ["永和九年", "歲在"]
    assert Layout(per_line=3).lines("永和九年\n歲在") == ["永和九", "年", "歲在"]
    assert Layout(per_line=2).lines("永和九年") == ["永和", "九年"]
    assert Layout().lines("永\n\n和") == ["永", "", "和"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"direction": "vertcal"}, "did you mean 'vertical'"),
        ({"direction": None}, "layout: direction: None"),
        ({"cell": 0.0}, "cell: 0.0, expected metres from 0.001 to 2"),
        ({"cell": float("nan")}, "cell: nan, expected metres"),
        ({"margin": -0.01}, "margin: -0.01, expected metres from 0 to 2"),
        ({"spacing": float("inf")}, "spacing: inf, expected metres"),
        ({"line_spacing": "1"}, "line_spacing: '1', expected metres"),
        ({"per_line": 0}, "per_line: 0, expected a whole number of characters"),
        ({"per_line": 1.5}, "per_line: 1.5, expected a whole number"),
        ({"cell": 60}, "cell: 60, expected metres from 0.001 to 2"),
        ({"spacing": 6}, "spacing: 6, expected metres from 0 to 2"),
        ({"cell": True}, "cell: True, expected metres"),
        ({3: 0.1}, "unknown field 3; there are direction, cell"),
        ([0.1], r"layout: \[0.1\], expected a Layout or a mapping of its fields"),
        (None, "layout: None, expected a Layout"),
        ({"cel": 0.1}, "unknown field 'cel'; did you mean 'cell'"),
    ],
)
def test_wrong_fields_are_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        Layout.from_mapping(fields)


@pytest.mark.parametrize("lengths", [None, 3, [], [1.5], ["1"], [-1], [10**9], [[1]]])
def test_lines_without_lengths_are_refused(lengths: Any) -> None:
    with pytest.raises(HierbrushError, match="lengths: "):
        Layout().place(lengths)


def test_lines_of_what_is_no_text_are_refused() -> None:
    with pytest.raises(HierbrushError, match="text: 3, expected a string"):
        Layout().lines(3)  # type: ignore[arg-type]
