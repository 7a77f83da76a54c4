"""Strokes found in ink: the right ones where the truth is known, none where it is another character."""

from __future__ import annotations

import numpy as np
import pytest

from hierbrush.characters import load_library
from hierbrush.errors import HierbrushError
from hierbrush.metrics import stroke_iou
from hierbrush.sim import rasterise
from hierbrush.styles.registration import Registration, register
from tests.styles.conftest import warped


def found_in_warp(char: str, seed: int) -> tuple[Registration, float]:
    """Return a registration of a warped character, and the mean IoU of its strokes with the true ones."""
    truth = warped(char, seed)
    found = register(rasterise([goal.outline for goal in truth], 256), load_library()[char])
    ious = [
        stroke_iou(rasterise([goal.outline], 256), rasterise([true.outline], 256))
        for goal, true in zip(found.goals, truth, strict=True)
    ]
    return found, float(np.mean(ious))


def test_strokes_of_warped_characters_are_found() -> None:
    answers = [found_in_warp(char, seed) for seed, char in enumerate("永和湖國林語")]
    accepted = [iou for found, iou in answers if found.accepted]
    assert len(accepted) >= 5
    assert np.mean(accepted) >= 0.93


def test_strokes_keep_their_types_and_directions() -> None:
    found, _ = found_in_warp("永", 3)
    glyph = load_library()["永"]
    for goal, stroke in zip(found.goals, glyph.strokes, strict=True):
        assert goal.stroke_type == stroke.stroke_type
        ours, theirs = (line[-1] - line[0] for line in (stroke.goal().skeleton, goal.skeleton))
        assert ours @ theirs > 0


def test_another_character_of_as_many_strokes_is_rejected() -> None:
    library = load_library()
    for char, other in (("和", "社"), ("東", "林"), ("間", "湖"), ("永", "本")):
        ink = rasterise([goal.outline for goal in warped(char, 1)], 256)
        found = register(ink, library[other])
        assert not found.accepted
        assert found.reason


def test_characters_that_look_alike_are_not_taken_for_each_other() -> None:
    library = load_library()
    for char, other in (("末", "未"), ("己", "已"), ("一", "乙"), ("人", "入"), ("杖", "杜")):
        ink = rasterise([goal.outline for goal in warped(char, 5)], 256)
        assert register(ink, library[char]).accepted, char
        assert not register(ink, library[other]).accepted, other


def test_the_strokes_found_make_the_ink() -> None:
    ink = rasterise([goal.outline for goal in warped("國", 2)], 256)
    found = register(ink, load_library()["國"])
    assert stroke_iou(rasterise([goal.outline for goal in found.goals], 256), ink) > 0.95
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()


def test_the_same_ink_gives_the_same_strokes() -> None:
    first, again = (found_in_warp("林", 4)[0] for _ in range(2))
    for one, other in zip(first.goals, again.goals, strict=True):
        assert np.array_equal(one.outline, other.outline)


def test_blank_paper_is_told() -> None:
    with pytest.raises(HierbrushError, match="ink: is blank"):
        register(np.zeros((256, 256)), load_library()["永"])
