"""How a policy writes validation strokes: the same figure for whatever was learned however."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from hierbrush.characters import GlyphStroke, load_library
from hierbrush.datasets.episodes import places_of
from hierbrush.learning.runs.weights import tensors_of
from hierbrush.metrics import SIDE, stroke_iou
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.learned import LearnedPolicy
from hierbrush.strokes.policy import MLPPolicy, PolicySet
from hierbrush.strokes.rollout import Hand, write_strokes
from hierbrush.strokes.types import ABBREVIATIONS

_SEED = 977


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
    """Return mean and 5th percentile of the stroke IoU on ``count`` validation strokes, drawn once for all.

    Args:
        network: the policy of all types.
        strokes: their types; all unless given.
        count: how many, at most.
        model: the brush that writes; ``measured`` unless given.
        hand: what holds the brush, if it errs.
    """
    chosen = _chosen(tuple(strokes), count)
    model = BrushModel.preset("measured") if model is None else model
    policy = LearnedPolicy(PolicySet(dict.fromkeys(ABBREVIATIONS, network)))
    paths = write_strokes([stroke.goal() for stroke in chosen], model, policy=policy, hand=hand)
    ious = [
        stroke_iou(trace(model, [path], side=SIDE), rasterise([stroke.outline], SIDE))
        for stroke, path in zip(chosen, paths, strict=True)
    ]
    return {"iou": float(np.mean(ious)), "iou_p5": float(np.percentile(ious, 5))}


@lru_cache(maxsize=8)
def _chosen(strokes: tuple[str, ...], count: int) -> tuple[GlyphStroke, ...]:
    places, library = places_of("validation", strokes), load_library()
    order = np.random.default_rng(_SEED).permutation(len(places))[:count]
    return tuple(library[places[at][0]].strokes[places[at][1]] for at in order)
