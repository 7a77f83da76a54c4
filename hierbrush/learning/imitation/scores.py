"""How near a composer comes to the way characters are written, and the steepness of its pointer that suits it best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hierbrush.composer.brief import Brief, Truth
from hierbrush.composer.compose import Decides, compose
from hierbrush.composer.pictured import copy_pictures
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.metrics.boxes import box_errors

if TYPE_CHECKING:
    from hierbrush.learning.imitation.goal_expert import Lesson

SLOPE = "slope"
"""Name of the tensor with the pointer's steepness."""

STEEPNESS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Factors that `steeper_pointer` tries."""


def composition_scores(briefs: Sequence[Brief], truths: Sequence[Truth], policy: Decides) -> dict[str, float]:
    """Compose characters and return how near they come to the truth.

    Returns:
        ``order`` (share of characters in exactly the right order), ``centre`` (mean distance of the strokes' centres),
        ``size`` (mean difference of widths and heights), ``box_iou``; each also with ``_known``, over characters whose
        components are all known. Means over characters of the mean over strokes, in sides of the character's box.
    """
    rows = []
    for truth, composed in zip(truths, compose(briefs, policy), strict=True):
        rows.append([np.array_equal(composed.order, truth.order), *_near(composed.places, truth.places)])
    scores = np.array(rows, np.float64)
    known = np.array([not brief.unknown for brief in briefs])
    names = ("order", "centre", "size", "box_iou")
    return {
        **dict(zip(names, scores.mean(axis=0).tolist(), strict=True)),
        **{f"{name}_known": value for name, value in zip(names, scores[known].mean(axis=0).tolist(), strict=True)},
    }


def _near(places: NDArray[np.float32], true: NDArray[np.float32]) -> tuple[float, float, float]:
    """Return the mean distance of centres, the mean difference of sides, and the mean IoU of boxes [S, 4 or more]."""
    errors = box_errors(places[:, :4].astype(np.float64), true[:, :4].astype(np.float64))
    return float(errors.centre.mean()), float(errors.size.mean()), float(errors.iou.mean())


def copying_scores(lessons: Sequence[Lesson], policy: ComposerPolicy) -> dict[str, float]:
    """Return ``centre``, ``size`` and ``box_iou`` of the strokes that a composer finds in pictures, as means.

    ``centre_first`` is that of where they were looked for; ``centre_known`` is ``centre`` once more, as curves show it.
    """
    found = copy_pictures(
        [lesson.brief for lesson in lessons],
        [lesson.expected for lesson in lessons],
        [lesson.page for lesson in lessons],
        policy,
    )
    pairs = zip(lessons, found, strict=True)
    rows = np.array([(*_near(places, one.truth), _near(one.expected, one.truth)[0]) for one, places in pairs])
    names = ("centre", "size", "box_iou", "centre_first")
    scores = dict(zip(names, rows.mean(axis=0).tolist(), strict=True))
    return {**scores, "centre_known": scores["centre"]}


def steeper_pointer(
    tensors: dict[str, NDArray[np.float32]], briefs: Sequence[Brief], truths: Sequence[Truth]
) -> dict[str, NDArray[np.float32]]:
    """Return a composer that follows the library's order more closely, if that orders more known characters rightly.

    What the pointer learns of training characters' order does not all hold for others. The steepness with which it
    follows the library is its temperature, and set like one: afterwards, on characters that it did not learn from.

    Args:
        tensors: of a `ComposerPolicy`.
        briefs: characters to choose by; those with unknown components do not count, whose order is guesswork.
        truths: how they are written.
    """
    told = [(brief, truth.order) for brief, truth in zip(briefs, truths, strict=True) if not brief.unknown]
    known = [brief for brief, _ in told]

    def in_order(steepness: float) -> int:
        policy = ComposerPolicy({**tensors, SLOPE: tensors[SLOPE] * np.float32(steepness)})
        composed = zip(compose(known, policy), told, strict=True)
        return sum(np.array_equal(mine.order, order) for mine, (_, order) in composed)

    best = max(STEEPNESS, key=in_order)  # the first of equally good ones
    return {**tensors, SLOPE: tensors[SLOPE] * np.float32(best)}
