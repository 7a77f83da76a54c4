"""Marks: punctuation, digits and signs of repetition, drawn by hand for the brush and written by the same primitives.

How they look and where in their box they stand is data, `data/marks.yaml`. What stands otherwise in columns has there a
form of its own, under the code point that Unicode has for it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from hierbrush.strokes.drawn import smooth, swept_goal
from hierbrush.strokes.goal import StrokeGoal

_DATA = Path(__file__).resolve().parent / "data" / "marks.yaml"

BOX_MARK = "□"
"""What editions print for a character that is lost."""

_WIDE = {chr(code): chr(code + 0xFEE0) for code in (*range(0x21, 0x24), *range(0x25, 0x30), *range(0x30, 0x40))}
_SAME = {
    **_WIDE, **dict.fromkeys("・‧•∙⋅", "·"), **dict.fromkeys("–―─⸺", "—"), **dict.fromkeys("〜~", "～"),
    **dict.fromkeys("⋯", "…"), "−": "－", "﹑": "、", "﹐": "，", "｡": "。", "､": "、", "［": "〔", "］": "〕",
    "[": "〔", "]": "〕", "○": "〇",
}  # fmt: skip
"""Other code points of the same marks: half-width, of other standards, or what keyboards have in their place."""

_IN_COLUMNS = dict(
    zip(
        "，、。；：！？…—（）〈〉《》「」『』“”‘’【】〔〕",
        "︐︑︒︔︓︕︖︙︱︵︶︿﹀︽︾﹁﹂﹃﹄﹃﹄﹁﹂︻︼︹︺",
        strict=True,
    )
)

NEVER_FIRST = frozenset("，、。；：！？…）〉》」』”’】〕·．％～々〻")
"""Marks that begin no line (GB/T 15834-2011, 5.1), as `folded` names them."""

NEVER_LAST = frozenset("（〈《「『“‘【〔")
"""Marks that end no line."""

_HALVES = (NEVER_FIRST | NEVER_LAST) - frozenset("…·．％～々〻")
"""Marks that need but half a cell where others stand beside them."""

_BETWEEN_DIGITS = frozenset(".,:")
_IN_NUMBERS = frozenset("0123456789") | _BETWEEN_DIGITS

_OF_PAIR, _ASIDE = 0.72, 0.2
"""How large the digits of a pair are in a column (縦中横), and how far from the middle each stands."""

_RING = 96
_SLIT = 0.004  # what a ring is left open by, since an outline has no holes: less than the brush closes
_THIN = 0.35  # of its width a ring has at both ends

Points = NDArray[np.float64]


def folded(char: str) -> str:
    """Return the mark that a character is another code point of, or the character itself."""
    return _SAME.get(char, char)


def is_mark(char: str) -> bool:
    """Return whether a character is a mark that can be written, or two in one cell: `is_pair`, `is_couple`."""
    # Most of what is written are ideographs, and reading the file takes as long as writing one.
    return is_pair(char) or is_couple(char) or (len(char) == 1 and category(char) != "Lo" and folded(char) in _marks())


def is_pair(text: str) -> bool:
    """Return whether a text is two digits, or one with a mark within a number, which stand side by side in one cell."""
    return len(text) == 2 and set(text) <= _IN_NUMBERS and not set(text) <= _BETWEEN_DIGITS


def is_couple(text: str) -> bool:
    """Return whether a text is two marks that share a cell, each in a half of it (标点挤压)."""
    return len(text) == 2 and all(folded(char) in _HALVES for char in text)


@lru_cache(maxsize=256)
def half_of(char: str, direction: str) -> int | None:
    """Return the half of its cell along the line that holds all of a mark, 0 or 1; None for what needs more.

    Args:
        char: a character.
        direction: of the setting, ``"vertical"`` or ``"horizontal"``.
    """
    if folded(char) not in _HALVES:
        return None
    low, high = _extent(char, direction)
    return 0 if high <= 0.5 else 1 if low >= 0.5 else None


def _extent(char: str, direction: str) -> tuple[float, float]:
    """Return where along the line a mark begins and ends."""
    along = np.concatenate([goal.outline for goal in mark_goals(char, direction)])[:, int(direction == "vertical")]
    return float(along.min()), float(along.max())


def mark_goals(char: str, direction: str = "horizontal") -> tuple[StrokeGoal, ...]:
    """Return the strokes of a mark in the order of writing.

    Args:
        char: one that `is_mark` knows.
        direction: of the setting, ``"vertical"`` or ``"horizontal"``.
    """
    if is_pair(char) and direction == "vertical":
        return tuple(
            goal.transformed(_OF_PAIR, (0.5 - 0.5 * _OF_PAIR + side, 0.5 - 0.5 * _OF_PAIR))
            for digit, side in zip(char, (-_ASIDE, _ASIDE), strict=True)
            for goal in mark_goals(digit)
        )
    if is_pair(char) or is_couple(char):
        return tuple(goal for half, mark in enumerate(char) for goal in _in_half(mark, half, direction))
    form = folded(char)
    return _goals(_IN_COLUMNS.get(form, form) if direction == "vertical" else form)


def _in_half(char: str, half: int, direction: str) -> list[StrokeGoal]:
    """Return the strokes of a mark in a half of the cell: as far from its edges as by itself, or in its middle."""
    low, high = _extent(char, direction)
    own = half_of(char, direction)
    scale = 1.0 if own is not None else min(1.0, 0.5 / (high - low))
    moved = 0.5 * (half - own) if own is not None else 0.25 + 0.5 * half - scale * (low + high) / 2
    aside = 0.5 - 0.5 * scale
    shift = (aside, moved) if direction == "vertical" else (moved, aside)
    return [goal.transformed(scale, shift) for goal in mark_goals(char, direction)]


@lru_cache(maxsize=1)
def _marks() -> dict[str, Any]:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return dict(yaml.load(_DATA.read_text(encoding="utf-8"), Loader=loader))


@lru_cache(maxsize=256)
def _goals(form: str) -> tuple[StrokeGoal, ...]:
    mark = _marks()[form]
    if "like" in mark:
        return tuple(goal.transformed(1.0, mark["moved"]) for goal in _goals(mark["like"]))
    return tuple(_goal(*one) for stroke in mark["strokes"] for one in stroke.items())


def _goal(stroke_type: str, drawn: list[Any]) -> StrokeGoal:
    if drawn[0] == "ring":
        line = _ring(*drawn[1:])
    elif drawn[0] == "dot":
        line = _dot(*drawn[1:])
    else:
        line = smooth(np.array(drawn, np.float64))
    return swept_goal(stroke_type, line)


def _ring(x: float, y: float, across: float, down: float, half_width: float) -> Points:
    """Return points f64 [n, 3] of an ellipse from its top, leftward first, with ends that nearly meet."""
    short = (_THIN * half_width + _SLIT / 2) / across
    at = np.linspace(short, 2 * np.pi - short, _RING)
    full = np.minimum(1.0, _THIN + (1 - _THIN) * (np.minimum(at, at[::-1]) - short) / 0.6)
    return np.stack([x - across * np.sin(at), y - down * np.cos(at), half_width * full], axis=1)


def _dot(x: float, y: float, radius: float) -> Points:
    """Return a drop f64 [n, 3] that grows towards the lower right, as a brush sets it down."""
    return smooth(np.array([[x - radius, y - radius, 0.35 * radius], [x, y, 0.85 * radius],
                              [x + 0.35 * radius, y + 0.4 * radius, radius]]))  # fmt: skip
