"""Ink: what a movement leaves when hairs run dry and paper drinks. A pass over a recorded movement, for pictures.

:class:`Ink` says how much ink there is and what the paper is like, :func:`ink_picture` draws, :func:`strokes_a_load`
says how far a dip lasts.
"""

from typing import TYPE_CHECKING

from hierbrush.lazy_names import lazy_names

if TYPE_CHECKING:
    from hierbrush.ink.draw import Bundle, Sketch, ink_picture, record
    from hierbrush.ink.model import DIPS, PAPERS, PLAIN, PRESETS, Ink, ink_of
    from hierbrush.ink.stone import InkStone, plan_dips, strokes_a_load, visit

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

# Pictures of ink are drawn by a small part of those who write.
__getattr__ = lazy_names(
    __name__,
    {
        "hierbrush.ink.draw": ("Bundle", "Sketch", "ink_picture", "record"),
        "hierbrush.ink.model": ("DIPS", "PAPERS", "PLAIN", "PRESETS", "Ink", "ink_of"),
        "hierbrush.ink.stone": ("InkStone", "plan_dips", "strokes_a_load", "visit"),
    },
)
