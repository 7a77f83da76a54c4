"""A new script's strokes are data: a file of drawn strokes, a curriculum that names it, and no code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hierbrush.curriculum import load_curriculum
from hierbrush.curriculum.goals import sample_goals
from hierbrush.envs.stroke import StrokeVectorEnv
from hierbrush.errors import HierbrushError
from hierbrush.metrics import stroke_iou
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes import script
from hierbrush.strokes.rollout import write_strokes
from hierbrush.strokes.script import read_script

TOY = """\
script: toy
types:
  TOY_ARC:
    description: round to the right and back
    shapes:
      - [[0.3, 0.2, 0.03], [0.7, 0.3, 0.035], [0.75, 0.6, 0.035], [0.35, 0.8, 0.025]]
      - [[0.2, 0.3, 0.03], [0.6, 0.25, 0.03], [0.7, 0.6, 0.03], [0.3, 0.7, 0.03]]
  TOY_HOOK:
    shapes:
      - [[0.5, 0.1, 0.03], [0.5, 0.8, 0.035], [0.5, 0.8, 0.035], [0.3, 0.7, 0.02]]
"""

CURRICULUM = """\
format: 1
name: toy
script: toy.yaml
strokes: all
stages:
  - name: only
    goals: {count: 12, basis: {}}
    promotion: {threshold: 0.99, maximum_steps: 100000}
"""


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "_KNOWN", {})


@pytest.fixture
def curriculum(tmp_path: Path) -> Path:
    (tmp_path / "toy.yaml").write_text(TOY, encoding="utf-8")
    file = tmp_path / "curriculum.yaml"
    file.write_text(CURRICULUM, encoding="utf-8")
    return file


def test_goals_of_a_script_are_drawn_and_the_follower_writes_them(curriculum: Path) -> None:
    loaded = load_curriculum(curriculum)
    assert loaded.stroke_types == ("TOY_ARC", "TOY_HOOK")
    goals = sample_goals(loaded.stages[0].goals, loaded.stroke_types, 12, 0)
    assert {goal.stroke_type for goal in goals} == {"TOY_ARC", "TOY_HOOK"}
    assert all(0.0 <= value <= 1.0 for goal in goals for value in goal.box)
    brush = BrushModel.preset("measured")
    for goal, path in zip(goals, write_strokes(goals, brush), strict=True):
        assert stroke_iou(trace(brush, [path], side=256), rasterise([goal.outline], 256)) > 0.6


def test_an_environment_practises_them_in_a_process_that_has_not_read_the_file(curriculum: Path) -> None:
    loaded = load_curriculum(curriculum)
    content = loaded.model_dump(mode="json")
    script._KNOWN.clear()
    for given in (loaded, content):
        env = StrokeVectorEnv(4, curriculum=given, stroke="TOY_HOOK")
        env.reset(seed=1)
        ious = []
        for _ in range(80):
            _, _, over, _ = env.step_batch(np.zeros((4, 3), np.float32))
            ious += env.episode_metrics["iou"][over].tolist()
        assert np.mean(ious) > 0.6


def test_both_kinds_of_stroke_may_be_taught_together(curriculum: Path) -> None:
    curriculum.write_text(CURRICULUM.replace("strokes: all", "strokes: [TOY_HOOK, S, H]"), encoding="utf-8")
    assert load_curriculum(curriculum).stroke_types == ("H", "S", "TOY_HOOK")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("script: toy", "skript: toy", "expected the keys script and types"),
        ("TOY_HOOK:", "Hook:", r"toy\.yaml:\d+:\d+: 'Hook', expected a name such as KANA_NO"),
        ("description:", "describtion:", r"toy\.yaml:\d+:\d+: unknown key 'describtion'; did you mean 'description'"),
        ("[0.5, 0.1, 0.03]", "[0.5, 1.1, 0.03]", r"toy\.yaml:10:\d+: \[0\.5, 1\.1, 0\.03\], expected \[x, y"),
        ("[0.5, 0.1, 0.03]", "[0.5, 0.1]", r"expected \[x, y, half-width\]"),
        ("[0.5, 0.1, 0.03]", "[0.5, 0.1, 0.3]", r"half-width from 0\.002 to 0\.2"),
    ],
)
def test_what_is_wrong_with_a_script_is_told_with_its_place(
    curriculum: Path, before: str, after: str, message: str
) -> None:
    assert before in TOY
    (curriculum.parent / "toy.yaml").write_text(TOY.replace(before, after), encoding="utf-8")
    with pytest.raises(HierbrushError, match=message):
        read_script(curriculum.parent / "toy.yaml")
    with pytest.raises(HierbrushError, match=message):
        load_curriculum(curriculum)


def test_a_type_of_no_script_is_refused_with_the_nearest(curriculum: Path) -> None:
    curriculum.write_text(CURRICULUM.replace("strokes: all", "strokes: [TOY_HOK]"), encoding="utf-8")
    with pytest.raises(HierbrushError, match="'TOY_HOK' is none of the stroke types; did you mean 'TOY_HOOK'"):
        load_curriculum(curriculum)
