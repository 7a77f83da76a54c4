from __future__ import annotations

import os
import signal

import numpy as np
import pytest

import hierbrush.planner
from hierbrush import write_character, write_picture
from hierbrush.errors import HierbrushError
from hierbrush.planner import plan_character
from hierbrush.writing import WritingInterrupted, load, write_characters


def test_a_planned_character_is_nearer_than_a_learned_one() -> None:
    learned, planned = write_character("土"), write_character("土", policy="planned", budget=600)
    assert planned.scores.iou > max(learned.scores.iou + 0.005, 0.985)
    assert np.mean([stroke.iou for stroke in planned.strokes]) > 0.975
    assert planned.policy == "planned"


def test_a_composed_character_is_planned_for_what_was_composed() -> None:
    learned, planned = (write_character("⿰木月", policy=policy) for policy in ("learned", "planned"))
    ious = [np.mean([stroke.iou for stroke in writing.strokes]) for writing in (learned, planned)]
    assert ious[1] > ious[0]


def test_the_same_arguments_give_the_same_plan_in_a_batch_and_alone(tmp_path) -> None:
    alone = write_character("二", policy="planned", budget=200, seed=5)
    together = write_characters(["二", "一"], policy="planned", budget=200, seed=5)
    assert together[0] == alone
    alone.save(tmp_path / "two.json")
    assert load(tmp_path / "two.json") == alone


def test_another_weight_is_planned_at_that_width() -> None:
    normal, bold = (write_character("一", policy="planned", budget=300, weight=weight) for weight in (1.0, 1.5))
    assert bold.image().sum() > 1.3 * normal.image().sum()


def test_progress_adds_up_to_the_characters() -> None:
    told: list[float] = []
    write_characters(["一", "二"], policy="planned", budget=300, progress=told.append)
    assert 1.0 < sum(told) <= 2.0


def interrupted_at_once(*args, told, **options):
    """Plan a character while Ctrl-C comes at the first that is told of it."""
    return plan_character(*args, told=lambda spent, iou: os.kill(os.getpid(), signal.SIGINT), **options)


def test_ctrl_c_gives_the_best_so_far(monkeypatch) -> None:
    monkeypatch.setattr(hierbrush.planner, "plan_character", interrupted_at_once)
    writing = write_character("土", policy="planned", budget=10_000)
    assert len(writing.strokes) == 3
    assert writing.scores.iou > 0.9
    with pytest.raises(WritingInterrupted) as interrupted:
        write_characters(["土", "王"], policy="planned", budget=10_000)
    assert [each.char for each in interrupted.value.finished] == ["土"]


def test_the_ink_of_a_picture_is_planned_and_ctrl_c_gives_the_best_so_far(monkeypatch) -> None:
    ink = write_character("十").image()
    learned, planned = write_picture(ink), write_picture(ink, policy="planned", budget=200, seed=2)
    assert planned.scores.iou > learned.scores.iou
    with pytest.raises(HierbrushError, match="budget: is that of a search"):
        write_picture(ink, budget=100)
    monkeypatch.setattr(hierbrush.planner, "plan_character", interrupted_at_once)
    assert write_picture(ink, policy="planned", budget=10_000).scores.iou > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": 100}, "budget: is that of a search; use it with policy='planned'"),
        ({"robust": True}, "robust: is that of a search"),
        ({"policy": "planned", "budget": 0}, "budget: 0"),
        ({"policy": "planned", "robust": 1}, "robust: 1"),
        ({"policy": "plannd"}, "did you mean 'planned'"),
    ],
)
def test_what_cannot_be_searched_for_is_told(options, message: str) -> None:
    with pytest.raises(HierbrushError, match=message):
        write_character("一", **options)
