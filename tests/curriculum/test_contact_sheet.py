from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from PIL import Image

from hierbrush.curriculum import Curriculum, load_curriculum
from hierbrush.curriculum.contact_sheet import contact_sheet, rendered
from hierbrush.resources import folder


@pytest.fixture(scope="module")
def dots() -> Curriculum:
    return load_curriculum(folder("curricula") / "dots.yaml")


@pytest.fixture(scope="module")
def figure(dots: Curriculum) -> Figure:
    return contact_sheet(dots, ["D"], seed=0)


def test_sheet_shows_every_stage_and_its_goals(dots: Curriculum, figure: Figure) -> None:
    (axes,) = figure.axes
    texts = [text.get_text() for text in axes.texts]
    for number, stage in enumerate(dots.stages, 1):
        assert f"{number}  {stage.name}" in texts
        assert f"iou ≥ {stage.promotion.threshold:g} over {stage.promotion.window} iterations" in texts
    assert texts.count("D") == 18 * len(dots.stages)
    strokes = [patch for patch in axes.patches if isinstance(patch, Polygon) and len(patch.get_xy()) > 100]
    assert len(strokes) == 2 * 18 * len(dots.stages), "each goal on its page and close up"
    width, height = figure.get_size_inches()
    for stroke in strokes:
        low, high = stroke.get_xy().min(axis=0), stroke.get_xy().max(axis=0)
        assert (low >= 0).all()
        assert (high <= (width, height)).all()


def test_same_seed_same_picture_and_another_seed_another(dots: Curriculum, figure: Figure) -> None:
    first = rendered(figure, ".png")
    again, other = (rendered(contact_sheet(dots, ["D"], seed), ".png") for seed in (0, 9))
    assert first == again
    assert first != other
    picture = np.asarray(Image.open(io.BytesIO(first)).convert("L"))
    assert picture.shape[1] > 1500
    assert 0.002 < (picture < 60).mean() < 0.2, "ink on paper"


@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_vector_formats(figure: Figure, suffix: str, start: bytes) -> None:
    assert rendered(figure, suffix).startswith(start)


def test_descriptions_in_any_script_and_of_any_length_are_drawn(dots: Curriculum) -> None:
    described = dots.model_copy(update={"description": "点 " + "first $x_ then \\frac " * 40})
    assert rendered(contact_sheet(described, ["D"], 0), ".png").startswith(b"\x89PNG")
