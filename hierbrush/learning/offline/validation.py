"""How a policy writes validation strokes: the same figure for whatever was learned however."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import load_library, split
from hierbrush.curriculum import load_curriculum
from hierbrush.curriculum.goals import sample_goals
from hierbrush.learning.runs.weights import tensors_of
from hierbrush.metrics import SIDE, stroke_iou
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.learned import LearnedPolicy
from hierbrush.strokes.policy import MLPPolicy, PolicySet
from hierbrush.strokes.rollout import Hand, write_strokes
from hierbrush.strokes.types import ABBREVIATIONS

_SEED = 977
_FEW = 30
_OFF = 0.1
"""Share by which brushes are off that a policy was not told of."""


def network_of(algorithm: Any) -> MLPPolicy:
    """Return the policy that an algorithm's learner has by now."""
    return MLPPolicy.from_tensors(tensors_of(algorithm, "policy."))


def validation_scores(
    network: MLPPolicy,
    strokes: Sequence[str],
    count: int,
    model: BrushModel | None = None,
    hand: Hand | None = None,
) -> dict[str, float]:
    """Return how a policy writes ``count`` validation strokes, drawn once for all.

    Where validation characters have fewer than 30 strokes of these types, shapes that nobody drew fill up to 30.

    Args:
        network: the policy of all types.
        strokes: their types; all unless given.
        count: how many, at most.
        model: the brush that writes; ``measured`` unless given.
        hand: what holds the brush, if it errs.

    Returns:
        Mean and 5th percentile of the stroke IoU, and the mean with brushes that are off by up to 10 %.
    """
    model = BrushModel.preset("measured") if model is None else model
    goals, outlines = zip(*_chosen(tuple(strokes), count), strict=True)
    policy = LearnedPolicy(PolicySet(dict.fromkeys(ABBREVIATIONS, network)))
    exact = np.repeat(model.parameters()[None], len(goals), axis=0)
    off = model.randomised(len(goals), _OFF, np.random.default_rng(_SEED))
    ious, off_ious = (_ious(policy, model, goals, outlines, brushes, hand) for brushes in (exact, off))
    low = np.percentile(ious, 5)
    return {"iou": float(ious.mean()), "iou_p5": float(low), "iou_brush_off": float(off_ious.mean())}


def _ious(
    policy: LearnedPolicy,
    model: BrushModel,
    goals: Sequence[StrokeGoal],
    outlines: Sequence[NDArray[np.float32]],
    brushes: NDArray[np.float64],
    hand: Hand | None,
) -> NDArray[np.float64]:
    paths = write_strokes(goals, model, policy=policy, brushes=brushes, hand=hand)
    return np.array(
        [
            stroke_iou(trace(brush[None], [path], side=SIDE), rasterise([outline], SIDE))
            for brush, path, outline in zip(brushes, paths, outlines, strict=True)
        ]
    )


@lru_cache(maxsize=8)
def _chosen(strokes: tuple[str, ...], count: int) -> tuple[tuple[StrokeGoal, NDArray[np.float32]], ...]:
    library = load_library()
    places = [
        (char, number)
        for char in library.characters
        if split(char) == "validation"
        for number, kind in enumerate(library.stroke_types(char))
        if not strokes or kind in strokes
    ]
    order = np.random.default_rng(_SEED).permutation(len(places))[:count]
    found = [library[places[at][0]].strokes[places[at][1]] for at in order]
    pairs = [(stroke.goal(), stroke.outline) for stroke in found]
    lacking = min(count, _FEW) - len(pairs)
    return (*pairs, *((goal, goal.outline) for goal in (_undrawn(strokes, lacking) if lacking > 0 else ())))


def _undrawn(strokes: Sequence[str], count: int) -> Sequence[StrokeGoal]:
    shapes = load_curriculum("specialists.yaml").stages[-1].goals
    assert shapes is not None
    return sample_goals(shapes.model_copy(update={"glyphs": None}), strokes or ABBREVIATIONS, count, _SEED)
