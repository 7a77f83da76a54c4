"""Drawing a stage's pictures: training characters as the stage's hands have them, to be copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import load_library
from hierbrush.composer.hindsight import acted, written
from hierbrush.composer.pictured import brief_and_glyph
from hierbrush.composer.sight import PICTURE_SIDE
from hierbrush.curriculum.characters import draw_characters
from hierbrush.curriculum.model import Characters
from hierbrush.errors import HierbrushError, shown
from hierbrush.sim import rasterise

Page = NDArray[np.bool_]

GLYPHS, RELABELLED = "glyphs", "relabelled"


@dataclass(frozen=True, eq=False)
class PictureGoal:
    """A character as a hand has it.

    Attributes:
        char: the character.
        hand: ``glyphs``, ``relabelled``, or the file of a font or style.
        page: bool [256, 256], its ink.
    """

    char: str
    hand: str
    page: Page


def draw_pictures(wanted: Characters, seed: int) -> tuple[PictureGoal, ...]:
    """Return the pictures that a stage practises: ``count`` in all, each hand its share; the same seed gives the same.

    Raises:
        HierbrushError: no training character is as the stage wants it, or a hand cannot be read or has none of them.
    """
    assert wanted.pictures is not None
    hands = wanted.pictures.hands
    share = -(-wanted.count // len(hands))
    found: list[PictureGoal] = []
    for number, hand in enumerate(hands):
        everything = wanted.model_copy(update={"count": 10_000})
        chars = list(draw_characters(everything, seed))
        order = np.random.default_rng([seed, number]).permutation(len(chars))
        mine = [PictureGoal(char, hand, page) for char, page in _pages(hand, [chars[at] for at in order], share, seed)]
        if not mine:
            raise HierbrushError(f"goals: {shown(hand)} has none of the characters that the stage asks for")
        found += mine
    return tuple(found[: wanted.count])


def _pages(hand: str, chars: list[str], count: int, seed: int) -> Iterator[tuple[str, Page]]:
    """Yield up to ``count`` of the characters that a hand has, with their ink."""
    if hand == GLYPHS:
        strokes = load_library()
        for char in chars[:count]:
            yield char, _inked([stroke.outline for stroke in strokes[char].strokes])
    elif hand == RELABELLED:
        rng = np.random.default_rng([seed, 1])
        for char in chars[:count]:
            brief, _, places = brief_and_glyph(char)
            yield char, written(brief.stroke_types, acted(places, brief.tree, rng), rng)
    elif hand.lower().endswith(".style"):
        yield from _of_style(Path(hand), chars[:count])
    else:
        from hierbrush.styles.fonts import open_font

        font = open_font(hand)
        for char in [char for char in chars if char in font][:count]:
            yield char, font.ink(char, PICTURE_SIDE) >= 0.5


def _of_style(path: Path, chars: list[str]) -> Iterator[tuple[str, Page]]:
    from hierbrush.styles.style import Style

    style, library = Style.load(path), load_library()
    for char in chars:
        goals = [stroke.goal() for stroke in library[char].strokes]
        drawn = style.drawn(char) if char in style else style.strokes(goals, library.decomposition(char))
        yield char, _inked([goal.outline for goal in drawn])


def _inked(outlines: list[NDArray[np.float32]]) -> Page:
    return np.asarray(rasterise(outlines, PICTURE_SIDE, supersample=1) >= 0.5)
