"""How well each level did its part: the composer its strokes, the primitives their goals, both the character."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.metrics import Scores
from hierbrush.metrics.boxes import box_errors


@dataclass(frozen=True)
class ComposerScores:
    """A composition against the glyph that the composer never saw; every stroke is compared with the one it stands for.

    ``order_exact``: all strokes come in the right order. ``centre_error``: mean distance of the strokes' box centres,
    ``coordinate_error`` mean difference of the centres' coordinates, ``size_error`` of box widths and heights, all in
    sides of the character's box. ``box_iou``: mean IoU of the strokes' boxes. ``centre_errors`` and ``box_ious`` tell
    the same of every stroke, in the order of
    writing; how well a stroke was then written is in `WrittenStroke.iou`.
    """

    order_exact: bool
    centre_error: float
    coordinate_error: float
    size_error: float
    box_iou: float
    centre_errors: tuple[float, ...]
    box_ious: tuple[float, ...]


@dataclass(frozen=True)
class LevelScores:
    """Scores of a `Writing` by level; None where there is nothing to compare with.

    ``composer``: the composition against the glyph; None without a glyph or without a composer. ``primitive``: the ink
    against what the primitives were told to write. ``character``: the ink against the glyph.
    """

    composer: ComposerScores | None
    primitive: Scores
    character: Scores | None


def composer_scores(
    boxes: NDArray[np.float64], order: Sequence[int], glyph: Sequence[NDArray[np.float32]]
) -> ComposerScores:
    """Compare a composition with a glyph.

    Args:
        boxes: float64 [strokes, 4], centre x, centre y, width, height in the order of writing.
        order: for each stroke written its number in the glyph.
        glyph: outlines of the glyph's strokes in the right order.
    """
    off = box_errors(boxes, np.array([stroke_box(glyph[number]) for number in order]))
    return ComposerScores(
        order_exact=list(order) == list(range(len(glyph))),
        centre_error=float(off.centre.mean()),
        coordinate_error=off.coordinate,
        size_error=float(off.size.mean()),
        box_iou=float(off.iou.mean()),
        centre_errors=tuple(off.centre.tolist()),
        box_ious=tuple(off.iou.tolist()),
    )


def stroke_box(outline: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return centre x, centre y, width and height of an outline: float64 [4]."""
    low, high = outline.min(axis=0).astype(np.float64), outline.max(axis=0).astype(np.float64)
    return np.concatenate([(low + high) / 2, high - low])
