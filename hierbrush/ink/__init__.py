"""Ink: what a movement leaves when hairs run dry and paper drinks. A pass over a recorded movement, for pictures.

:class:`Ink` says how much ink there is and what the paper is like, :func:`ink_picture` draws, :func:`strokes_a_load`
says how far a dip lasts.
"""

from hierbrush.ink.draw import Bundle, Sketch, ink_picture, record
from hierbrush.ink.model import PAPERS, PLAIN, PRESETS, Ink, ink_of
from hierbrush.ink.stone import DIPS, InkStone, plan_dips, strokes_a_load, visit

__all__ = [
    "DIPS",
    "PAPERS",
    "PLAIN",
    "PRESETS",
    "Bundle",
    "Ink",
    "InkStone",
    "Sketch",
    "ink_of",
    "ink_picture",
    "plan_dips",
    "record",
    "strokes_a_load",
    "visit",
]
