"""Data sets of written strokes: what was wanted, seen, done and earned, for learning without a simulator."""

from __future__ import annotations

from hierbrush.datasets.card import CARD, read_card
from hierbrush.datasets.make import make_dataset
from hierbrush.datasets.settings import KINDS, DatasetSettings

__all__ = ["CARD", "KINDS", "DatasetSettings", "make_dataset", "read_card"]
