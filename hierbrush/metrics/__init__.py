"""How near ink is to what was wanted: the fixed metrics, and the disc oracle they are read against."""

from __future__ import annotations

from hierbrush.metrics.disc_oracle import disc_coverage, disc_oracle, inscribed_discs
from hierbrush.metrics.extras import cosine, ssim
from hierbrush.metrics.scores import SIDE, Scores, score, stroke_iou
from hierbrush.metrics.stroke_width import stroke_width
from hierbrush.metrics.touching import Touching, touching

__all__ = [
    "SIDE",
    "Scores",
    "Touching",
    "cosine",
    "disc_coverage",
    "disc_oracle",
    "inscribed_discs",
    "score",
    "ssim",
    "stroke_iou",
    "stroke_width",
    "touching",
]
