from __future__ import annotations

from pathlib import Path

import pytest

from hierbrush.curriculum import ConfigError, Curriculum, load_curriculum
from hierbrush.sim.model import BrushModel

HEAD = "format: 1\nname: x\nstrokes: {strokes}\nstages:\n"
STAGE = "- {{name: {name}, goals: {goals}, promotion: {promotion}{more}}}\n"


def curriculum(
    tmp_path: Path,
    strokes: str = "all",
    name: str = "a",
    goals: str = "{glyphs: {}}",
    promotion: str = "{threshold: 0.9, maximum_steps: 1e6}",
    more: str = "",
) -> Curriculum:
    path = tmp_path / "c.yaml"
    first = STAGE.format(name="a", goals="{glyphs: {}}", promotion="{threshold: 0.9, maximum_steps: 1e6}", more="")
    second = STAGE.format(name=name, goals=goals, promotion=promotion, more=more and f", {more}")
    path.write_text(HEAD.format(strokes=strokes) + (second if name == "a" else first + second), encoding="utf-8")
    return load_curriculum(path)


def test_defaults_are_plain(tmp_path: Path) -> None:
    (stage,) = curriculum(tmp_path).stages
    assert stage.brush.build() == BrushModel.preset("measured")
    assert stage.randomisation.brush == stage.randomisation.handle_sigma == stage.randomisation.paper_offset == 0
    assert not any(limit for _, limit in stage.goals.deformation)
    assert stage.promotion.at_maximum == "promote"


def test_stroke_types_come_in_the_order_of_the_block(tmp_path: Path) -> None:
    assert curriculum(tmp_path, strokes="[D, H, HZG]").stroke_types == ("HZG", "H", "D")
    assert len(curriculum(tmp_path, strokes="all").stroke_types) == 38


def test_brush_parameters_change_the_preset(tmp_path: Path) -> None:
    (stage,) = curriculum(tmp_path, more="brush: {preset: round, parameters: {width_slope: 1}}").stages
    assert stage.brush.build() == BrushModel.preset("round").replace(width_slope=1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strokes": "[H, HZX]"}, "strokes[1]: 'HZX' is none of the 38 stroke types; did you mean 'HZ'?"),
        ({"strokes": "[hzg]"}, "strokes[0]: 'hzg' is none of the 38 stroke types; did you mean 'HZG'?"),
        ({"strokes": "[H, S, H]"}, "strokes: 'H' is listed twice"),
        ({"strokes": "[]"}, "strokes should have at least 1 item"),
        ({"strokes": "every"}, "strokes should be 'all', got 'every'"),
        ({"strokes": "5"}, "strokes should be a list, got 5"),
        ({"name": "A b"}, "stages[1].name should match pattern"),
        ({"goals": "{}"}, "stages[0].goals: no source; add 'glyphs: {}' or 'basis: {}'"),
        ({"goals": "{glyphs: {size: [0.8, 0.2]}}"}, "stages[0].goals.glyphs.size: the lower bound 0.8 is above"),
        ({"goals": "{glyphs: {size: [0.8, 2]}}"}, "stages[0].goals.glyphs.size[1] should be less than or equal to 1"),
        ({"goals": "{glyphs: {size: [0.8]}}"}, "missing item 1 in stages[0].goals.glyphs.size"),
        ({"goals": "{glyphs: {weigth: 1}}"}, "unknown key 'weigth'; did you mean 'weight'?"),
        ({"promotion": "{treshold: 0.9, maximum_steps: 1}"}, "unknown key 'treshold'; did you mean 'threshold'?"),
        ({"promotion": "{threshold: .9, maximum_steps: 1.5}"}, "maximum_steps should be a valid integer"),
        ({"promotion": "{threshold: .9, maximum_steps: 1, minimum_steps: 2}"}, "minimum_steps 2 is above maximum"),
        ({"promotion": "{threshold: .9, maximum_steps: 1, metric: IOU}"}, "did you mean 'iou'?"),
        ({"more": "brush: {preset: rond}"}, "'measured' or 'round', got 'rond'; did you mean 'round'?"),
        ({"more": "brush: {parameters: {widht_slope: 1}}"}, "widht_slope: no brush parameter; did you mean 'width_slo"),
        ({"more": "brush: {parameters: {width_slope: 99}}"}, "width_slope: 99.0, expected a number from 0 to 10 m/m"),
        ({"more": "brush: {parameters: {tip: 1}}"}, "tip: no brush parameter"),
        ({"more": "episode: {ticks: [9, 4]}"}, "the lower bound 9 is above the upper bound 4"),
        ({"more": "randomisation: {handle_sigma: 1}"}, "should be less than or equal to 0.005, got 1"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        curriculum(tmp_path, **arguments)
    assert [problem for problem in caught.value.problems if message in str(problem)], str(caught.value)
    assert all(problem.where.startswith(str(tmp_path / "c.yaml") + ":") for problem in caught.value.problems)


def test_two_stages_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    stage = STAGE.format(name="a", goals="{glyphs: {}}", promotion="{threshold: 0.9, maximum_steps: 1}", more="")
    path.write_text(HEAD.format(strokes="all") + stage + stage, encoding="utf-8")
    with pytest.raises(ConfigError, match=r":5:1: stages: 'a' is listed twice$"):
        load_curriculum(path)
