"""Where the parts of a cut lie: the operator, and how much the parts overlap.

Boxes are float64 [4]: left, bottom, right, top in font units, y up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Box = NDArray[np.float64]

FRAMES: Mapping[str, str] = {
    "⿺": "辶廴走鬼麦麥是尢毛鼠九処支爪瓜虎風风尧堯兀",
    "⿸": "广厂尸疒户戶虍耂麻鹿产辰戸厤厭厌雁鴈朕攸倝羊麃䧹",
    "⿵": "门門冂几風风鬥戊戌",
    "⿴": "囗",
    "⿷": "匚匸",
    "⿶": "凵",
    "⿹": "勹弋戈气氣𢦏",
    "⿻": "衣行",
}
"""Components that are written around others, by the operator."""

FRAME_OPERATORS: Mapping[str, tuple[str, ...]] = {
    char: tuple(operator for operator, chars in FRAMES.items() if char in chars)
    for char in sorted(set("".join(FRAMES.values())))
}

_CROSSED = 0.9
"""Sides whose boxes overlap by more in both directions cross one another, as the halves of 夫 do; neither is beside
nor above the other."""
_LOOSE_OVERLAP = 0.47
"""What counts as overlap where middle strokes lie inside a component that is no known frame: enough that 頌 is
no longer taken for one around two strokes of 頁, and 衷 still holds 中."""


def box_of(boxes: NDArray[np.float64], strokes: Sequence[int]) -> Box:
    """Return the box around some of the strokes, whose own boxes are float64 [n, 4]."""
    chosen = boxes[list(strokes)]
    return np.concatenate([chosen[:, :2].min(axis=0), chosen[:, 2:].max(axis=0)])


def arrange(
    boxes: NDArray[np.float64],
    run: tuple[int, ...],
    rest: tuple[int, ...],
    names: Mapping[tuple[int, ...], str | None],
    gap: bool,
) -> tuple[str, tuple[tuple[int, ...], tuple[int, ...]], float] | None:
    """Return operator, sides in its order, and how much the sides' boxes overlap (0 to 1); None where nothing fits.

    Args:
        boxes: float64 [n, 4] of the character's strokes.
        run: strokes that follow one another in writing.
        rest: the other strokes.
        names: of both sides.
        gap: whether ``rest`` is written before and after ``run``.
    """
    a, b = box_of(boxes, run), box_of(boxes, rest)
    overlap = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    smaller = np.maximum(np.minimum(a[2:] - a[:2], b[2:] - b[:2]), 60.0)
    share = np.clip(overlap / smaller, 0.0, 1.0)
    # A frame is a known enclosing component with room for the other side; it is written first, last or around it.
    for outer, inner, box_outer, box_inner in ((rest, run, b, a), (run, rest, a, b)):
        if (gap and outer is run) or share.min() <= 0.2:
            continue
        for operator in FRAME_OPERATORS.get(names[outer] or "", ()):
            if (operator != "⿻" or gap) and _encloses(operator, box_outer, box_inner):
                return operator, (outer, inner), 0.0
    if gap:
        inside = bool((a[:2] >= b[:2] - 20).all() and (a[2:] <= b[2:] + 20).all())
        return ("⿴", (rest, run), _LOOSE_OVERLAP) if inside and None not in (names[rest], names[run]) else None
    if share.min() > _CROSSED:
        return None
    if share[0] <= share[1]:
        return "⿰", (run, rest) if a[0] + a[2] < b[0] + b[2] else (rest, run), float(share[0])
    return "⿱", (run, rest) if a[1] + a[3] > b[1] + b[3] else (rest, run), float(share[1])


def _encloses(operator: str, outer: Box, inner: Box) -> bool:
    """Whether the inner box sits where the frame leaves room."""
    size = outer[2:] - outer[:2]
    left, _, right, top = (inner - outer) / np.tile(size, 2)
    centre = (inner[:2] + inner[2:] - outer[:2] - outer[2:]) / 2 / size
    if operator == "⿺":
        return bool(left > 0.1 and centre[1] > -0.1)
    if operator == "⿸":
        return bool(left > -0.08 and top < -0.03 and centre[1] < 0)
    if operator == "⿹":
        return bool(right < 0.15 and top < 0.1 and centre[0] < 0.1)
    return bool(abs(centre[0]) < 0.35 and abs(centre[1]) < 0.4 and left > -0.08 and right < 0.08)
