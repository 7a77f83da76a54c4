"""From a font's glyph to a further drawing, if it is one that may be learned and that the strokes cover."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component, load_library, split
from hierbrush.composer.drawings import FurtherDrawing
from hierbrush.metrics import SIDE
from hierbrush.metrics.recognition import GlyphIndex
from hierbrush.sim import rasterise
from hierbrush_build.fitting.fit import fit
from hierbrush_build.fitting.fonts import coverage

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]

LEAST_IOU = 0.75
"""Drawings that cover less of the glyph are not kept: they are made of something else than they are said to be."""

MOST_LIKENESS = 0.6
"""Glyphs whose IoU with a test or validation character's is larger are left out, 鐡 for 鐵 say."""

_PIXELS = 2 * SIDE


class Task(NamedTuple):
    """A character to be drawn: what it is made of, and the component library's expectation, in its numbering."""

    char: str
    typeface: int
    font: Path
    description: str
    tree: Component
    stroke_types: tuple[str, ...]
    order: tuple[int, ...]
    places: F32


def drawn(tasks: Sequence[Task]) -> list[FurtherDrawing | str]:
    """Return each character's drawing, or in place of one why there is none."""
    inks = [coverage(task.font, task.char, _PIXELS) for task in tasks]
    likeness = _held_out().ious([_halved(ink) for ink in inks]).max(axis=1).tolist()
    return [_fit(*each) for each in zip(tasks, inks, likeness, strict=True)]


def _fit(task: Task, ink: Floats, likeness: float) -> FurtherDrawing | str:
    if likeness > MOST_LIKENESS:
        return "like a test or validation character"
    if not (ink >= 0.5).any():
        return "blank"
    places, iou = fit(ink, task.stroke_types, task.tree, task.places)
    if iou < LEAST_IOU:
        return "not covered"
    order = list(task.order)
    types = tuple(task.stroke_types[stroke] for stroke in order)
    return FurtherDrawing(task.char, task.typeface, task.description, task.order, places[order], types)


def _halved(ink: Floats) -> Floats:
    halved: Floats = ink.reshape(SIDE, 2, SIDE, 2).mean(axis=(1, 3))
    return halved


@cache
def _held_out() -> GlyphIndex:
    library = load_library()
    return GlyphIndex(
        rasterise([stroke.outline for stroke in library[char].strokes], SIDE, supersample=1)
        for char in library
        if split(char) != "train"
    )
