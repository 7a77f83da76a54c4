"""What `python -m hierbrush.evaluation.…` prints, at a tiny size."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.evaluation import places, reward, types
from hierbrush.metrics.boxes import box_errors
from hierbrush.tables import aligned, counted


def test_cells_stand_below_each_other() -> None:
    assert aligned([["", "a"], ["long", "b"]]) == "      a\nlong  b"
    assert aligned([["", "a"], ["x", "long"]], right=True) == "      a\nx  long"
    assert (counted(1, "character"), counted(1200, "stroke")) == ("1 character", "1,200 strokes")


def test_boxes_are_compared_in_sides_of_the_characters_box() -> None:
    off = box_errors(
        np.array([[0.5, 0.5, 0.2, 0.2], [0.3, 0.4, 0.2, 0.2]]), np.array([[0.5, 0.5, 0.2, 0.2], [0.0, 0.0, 0.2, 0.1]])
    )
    np.testing.assert_allclose(off.centre, [0.0, 0.5])
    np.testing.assert_allclose(off.size, [0.0, 0.05])
    np.testing.assert_allclose(off.iou, [1.0, 0.0])
    assert off.coordinate == pytest.approx(0.175)


@pytest.mark.slow
def test_places(capsys: pytest.CaptureFixture[str]) -> None:
    places.main(["learned", "--limit", "2", "--weight", "0.8", "1", "--by-typeface"])
    out = capsys.readouterr().out
    assert out.startswith("validation: 2 characters of known components\n")
    assert out.count("\nlearned ") == 2
    assert "nearest ±2 %" in out


@pytest.mark.slow
def test_reward(capsys: pytest.CaptureFixture[str]) -> None:
    reward.main(["learned", "--limit", "2"])
    assert "mean above imitation" in capsys.readouterr().out


def test_types() -> None:
    rare, common = sorted(types.rows("learned", 1, ("H", "SZZ")), key=lambda row: row.many)
    assert (common.stroke_type, common.known, common.undrawn) == ("H", 1, None)
    assert rare.undrawn is not None
    assert common.cells()[:2] == ["H", "1 of test"]
    assert common.missed(1.0)
    assert not common._replace(learned=0.99, zero=0.9, discs=0.98).missed(0.95)
