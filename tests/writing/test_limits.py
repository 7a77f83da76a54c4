"""What is refused before anything is written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hierbrush.characters import load_library
from hierbrush.errors import HierbrushError
from hierbrush.sources import Request, sure_bounds
from hierbrush.writing import Layout, write_characters
from hierbrush.writing.outputs import Output

TEXT = "永" * 992
GLYPH = Request("glyph")


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("png", {"size": 512}, "size: 512 makes a png of"),
        ("gif", {}, "size: 240 makes a gif of"),
        ("gcode", {}, "gcode: the movement needs x from .* but work_x ends at 0.0 and 300.0"),
    ],
)
def test_what_cannot_be_written_is_seen_on_the_empty_paper(kind: str, options: dict[str, Any], message: str) -> None:
    paper = Layout("horizontal", per_line=32).paper(TEXT)
    with pytest.raises(HierbrushError, match=message):
        Output.of(kind, **options).check(paper, [sure_bounds("永", GLYPH)] * len(TEXT))


def test_the_size_advised_is_one_that_fits() -> None:
    paper = Layout("horizontal", per_line=32).paper(TEXT)
    with pytest.raises(HierbrushError, match=r"ask for (\d+) or less") as caught:
        Output.of("png", size=1024).check(paper, ())
    Output.of("png", size=int(str(caught.value).split()[-3])).check(paper, ())


def test_what_fits_is_not_refused() -> None:
    paper = Layout(cell=0.03).paper("永和九年\n歲在癸丑")
    for kind in ("png", "gif", "gcode", "svg", "json", "npz"):
        Output.of(kind).check(paper, [sure_bounds(char, GLYPH) for char in "永和九年歲在癸丑"])


@pytest.mark.parametrize("policy", ["learned", "scripted", "random"])
def test_the_handle_visits_what_it_is_said_to(policy: str) -> None:
    chosen = [*list(load_library())[::400], *"一丨丶乙"]
    for writing in write_characters(chosen, policy=policy):
        left, top, right, bottom = sure_bounds(writing.char, GLYPH)
        points = np.concatenate(writing.paths)[:, :2] / writing.width
        assert (points.min(axis=0) <= [left, top]).all(), writing.char
        assert (points.max(axis=0) >= [right, bottom]).all(), writing.char


def test_of_a_composition_only_the_middle_of_the_box_is_sure() -> None:
    assert sure_bounds("⿰木月", Request("decomposition")) == (0.5, 0.5, 0.5, 0.5)
