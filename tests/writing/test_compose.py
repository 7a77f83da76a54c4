from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hierbrush.errors import HierbrushError
from hierbrush.writing import Writing, load, write_character, write_characters, write_text

BASELINES = ("component means", "nearest character", "fixed splits")


@pytest.fixture(scope="module")
def described() -> Writing:
    return write_character("⿰木月", composer="component means")


@pytest.fixture(scope="module")
def composed() -> Writing:
    return write_character("林", goal="decomposition", composer="component means")


def test_a_described_character_is_written_part_by_part(described: Writing) -> None:
    assert [stroke.stroke_type for stroke in described.strokes] == ["H", "S", "P", "D", "SP", "HZG", "H", "H"]
    assert (described.char, described.goal, str(described.decomposition)) == ("⿰木月", "decomposition", "⿰木月")
    left, right = described.decomposition.children
    assert described.boxes[list(left.strokes), 0].max() < described.boxes[list(right.strokes), 0].min()
    assert described.image().max() == 1.0


def test_a_described_character_is_scored_by_its_goals_alone(described: Writing) -> None:
    assert described.order is None
    assert described.levels.composer is None
    assert described.levels.character is None
    assert described.levels.primitive.iou > 0.9
    with pytest.raises(HierbrushError, match="scores: '⿰木月' has no glyph"):
        _ = described.scores


def test_a_composed_character_is_scored_level_by_level(composed: Writing) -> None:
    levels = composed.levels
    assert composed.order == tuple(range(8))
    assert levels.composer is not None
    assert levels.composer.order_exact
    assert levels.composer.centre_error < 0.05
    assert 0.5 < levels.composer.box_iou < 1.0
    assert levels.composer.centre_error == pytest.approx(np.mean(levels.composer.centre_errors))
    assert levels.composer.box_iou == pytest.approx(np.mean(levels.composer.box_ious))
    assert len(levels.composer.box_ious) == len(composed.strokes)
    assert levels.character == composed.scores
    assert levels.primitive.iou > 0.9 > composed.scores.iou


def test_the_glyph_as_goal_has_no_composer() -> None:
    writing = write_character("林", goal="glyph")
    assert writing.composer == ""
    assert writing.levels.composer is None
    assert writing.levels.primitive == writing.levels.character == writing.scores
    assert str(writing.decomposition) == "⿰木木"


@pytest.mark.parametrize("suffix", ["json", "npz"])
def test_compositions_load_back(described: Writing, composed: Writing, suffix: str, tmp_path: Path) -> None:
    for writing in (described, composed):
        back = load(writing.save(tmp_path / f"x.{suffix}"))
        assert isinstance(back, Writing)
        assert back == writing
        assert back.levels == writing.levels
        assert (back.decomposition, back.order, back.composer) == (
            writing.decomposition,
            writing.order,
            writing.composer,
        )


def test_many_are_what_each_is_alone(described: Writing, composed: Writing) -> None:
    done: list[int] = []
    both = write_characters(["⿰木月", "林"], goal="decomposition", composer="component means", progress=done.append)
    assert sum(done) == 2
    for writing, alone in zip(both, (described, composed), strict=True):
        assert np.abs(writing.image() - alone.image()).mean() < 1e-3
        assert writing.decomposition == alone.decomposition


def test_processes_change_nothing() -> None:
    characters = list("一二三" * 30)
    alone = write_characters(characters, policy="scripted")
    assert write_characters(characters, policy="scripted", workers=2) == alone


def test_a_text_may_be_composed() -> None:
    page = write_text("林林", goal="decomposition", composer="component means")
    assert page[0].composer == "component means"
    assert page[0] == write_character("林", goal="decomposition", composer="component means")


@pytest.mark.parametrize("composer", BASELINES[2:])
def test_baselines_compose(composer: str) -> None:
    writing = write_character("林", goal="decomposition", composer=composer)
    assert writing.levels.composer is not None
    assert writing.levels.composer.order_exact
    assert writing.levels.composer.centre_error < 0.2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"char": "⿰木"}, "end, after character 2"),
        ({"char": "⿰木月", "goal": "glyph"}, "goal: the description '⿰木月' has no glyph"),
        ({"char": "林", "goal": "decompositon"}, "did you mean 'decomposition'"),
        ({"char": "林", "goal": "decomposition", "composer": "fixed split"}, "did you mean 'fixed splits'"),
        ({"char": "林", "goal": "decomposition", "composer": "no/such.safetensors"}, "cannot be read"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        write_character(**arguments)
