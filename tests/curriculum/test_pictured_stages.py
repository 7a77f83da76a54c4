"""Stages whose goals are pictures: fonts, styles, our glyphs, random writing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from hierbrush.characters import load_library, split
from hierbrush.curriculum import Curriculum
from hierbrush.curriculum.contact_sheet import contact_sheet, rendered
from hierbrush.curriculum.model import Characters
from hierbrush.curriculum.pictures import draw_pictures
from hierbrush.errors import HierbrushError
from hierbrush.fonts import write_font
from hierbrush.fonts.tables import FontNames
from hierbrush.sim import rasterise
from hierbrush.styles.style import Style


def wanted(goals: dict[str, Any], count: int = 6, **more: Any) -> Characters:
    return Characters.model_validate({"count": count, "goals": goals, **more})


@pytest.fixture(scope="module")
def font(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("font") / "mine.ttf"
    write_font(path, "永和九年春風花月水木", names=FontNames(family="Mine"))
    return path


def test_every_hand_shows_its_share_of_training_characters(font: Path, tmp_path: Path) -> None:
    style = tmp_path / "mine.style"
    Style.learn(font, "永和九年春風花月水木").save(style)
    drawn = draw_pictures(
        wanted({"glyphs": True, "relabelled": True, "fonts": [str(font)], "styles": [str(style)]}, count=8), seed=1
    )
    assert [goal.hand for goal in drawn] == ["glyphs"] * 2 + ["relabelled"] * 2 + [str(font)] * 2 + [str(style)] * 2
    assert {split(goal.char) for goal in drawn} == {"train"}
    for goal in drawn:
        assert goal.page.shape == (256, 256)
        assert goal.page.any()
    own = load_library()[drawn[0].char]
    assert np.array_equal(drawn[0].page, rasterise([s.outline for s in own.strokes], 256, supersample=1) >= 0.5)
    again = draw_pictures(wanted({"glyphs": True, "relabelled": True}, count=4), seed=1)
    assert all(np.array_equal(one.page, other.page) for one, other in zip(again, drawn, strict=False))


def test_what_cannot_be_shown_is_told(font: Path, tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match="has none of the characters that the stage asks for"):
        draw_pictures(wanted({"fonts": [str(font)]}, strokes=[20, 30]), seed=0)
    with pytest.raises(HierbrushError, match=r"cannot read 'nowhere\.ttf'"):
        draw_pictures(wanted({"fonts": ["nowhere.ttf"]}), seed=0)
    with pytest.raises(ValidationError, match="no hand; name fonts or styles"):
        wanted({})
    with pytest.raises(ValidationError, match=r"'kai.style', expected a file that ends in .ttf, .otf"):
        wanted({"fonts": ["kai.style"]})
    with pytest.raises(ValidationError, match=r"goals\.pictures\.font"):
        wanted({"font": ["kai.ttf"]})
    assert wanted({"glyphs": True}).followed == 0
    assert Characters(goals=0.5).pictures is None


def curriculum(*goals: Any) -> dict[str, Any]:
    stages = [
        {
            "name": f"stage-{number}",
            "characters": {"count": 4, "strokes": [1, 5], "goals": each},
            "promotion": {"threshold": 0.9, "maximum_steps": 1000},
        }
        for number, each in enumerate(goals)
    ]
    return {"format": 1, "name": "pictures", "strokes": "all", "stages": stages}


def test_all_stages_show_pictures_or_none_does() -> None:
    assert Curriculum.model_validate(curriculum({"glyphs": True}, {"relabelled": True})).pictured
    assert not Curriculum.model_validate(curriculum(0.1)).pictured
    with pytest.raises(ValidationError, match="stage stage-1 shows the composer no pictures, others do"):
        Curriculum.model_validate(curriculum({"glyphs": True}, 0.2))


def test_the_contact_sheet_draws_the_hands(font: Path) -> None:
    figure = contact_sheet(Curriculum.model_validate(curriculum({"glyphs": True, "fonts": [str(font)]})), ["H"], 0)
    (axes,) = figure.axes
    texts = [text.get_text() for text in axes.texts]
    assert "pictures by glyphs, mine" in texts
    assert texts.count("glyphs") == texts.count("mine") == 2
    assert len(axes.images) == 4
    width, height = figure.get_size_inches()
    assert axes.get_xlim() == (0, width)
    assert axes.get_ylim() == (height, 0)
    assert rendered(figure, ".png").startswith(b"\x89PNG")
