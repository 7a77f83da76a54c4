"""The inkstone: where a brush is filled, pressed flat and drawn to a point, and how far a load of ink lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_choice, check_number, check_whole
from hierbrush.box import BOX
from hierbrush.ink.model import DIPS, Ink
from hierbrush.sim import BrushModel

if TYPE_CHECKING:
    from hierbrush.ink.draw import Bundle

AIR = 0.012
"""How far above the stone the brush goes back to its middle, in metres."""

# How much of a split a stroke over 10 mm of stone combs out, and what pressing a tuft flat leaves of its point.
_COMBED, _FLATTENED = 0.65, 0.6
# Of the load that a dip begins with: what must be left at the end of a stroke.
_LEAST = 0.35

Row = tuple[float, float, float]


class Move(NamedTuple):
    """One piece of a dip: a straight way to ``end`` (metres on the paper, z below its first touch), then ``rest`` rows.

    ``wet`` says whether the tuft touches the stone on the way.
    """

    end: Row
    rest: int
    wet: bool


@dataclass(frozen=True)
class InkStone:
    """A stone beside the paper, and how the brush is filled and shaped on it. Lengths in metres.

    The brush goes down in the stone's middle and is pressed until the tuft is flat. Then it is drawn to the edge again
    and again, each time in another direction, less far and more lightly, until the tip is a point that looks to the
    upper left, as before a first stroke.

    Attributes:
        x: from the paper's right edge to the stone's middle.
        y: from half the paper's height down to the stone's middle.
        radius: of its flat.
        height: of its face above the paper.
        press: depth by which the tuft is pressed flat.
        strokes: how often it is drawn to the edge; 0 fills it without shaping it.
        extent: how far the first of them goes, as a share of the radius.
        fall: what the last one has of the extent and depth of the first.

    Raises:
        HierbrushError: a value is out of range.
    """

    x: float = 0.07
    y: float = 0.0
    radius: float = 0.035
    height: float = 0.01
    press: float = 0.01
    strokes: int = 5
    extent: float = 0.9
    fall: float = 0.4

    def __post_init__(self) -> None:
        bounds = {
            "x": (-2.0, 2.0, "metres"),
            "y": (-2.0, 2.0, "metres"),
            "radius": (0.005, 0.2, "metres"),
            "height": (-0.05, 0.1, "metres"),
            "press": (0.001, 0.03, "metres"),
            "extent": (0.1, 1.0, "a share"),
            "fall": (0.05, 1.0, "a share"),
        }
        for name, (low, high, unit) in bounds.items():
            object.__setattr__(self, name, check_number(f"stone: {name}", getattr(self, name), low, high, unit))
        object.__setattr__(self, "strokes", check_whole("stone: strokes", self.strokes, 0, 24))

    def middle(self, width: float, height: float) -> tuple[float, float]:
        """Return where the stone's middle is on a paper of ``width`` by ``height`` metres, in metres."""
        return width + self.x, height / 2 + self.y

    def moves(self, middle: tuple[float, float] = (0.0, 0.0), *, soak: int = 16) -> list[Move]:
        """Return the dip, which begins and ends in the air over the stone's middle.

        Args:
            middle: of the stone, metres on the paper.
            soak: rows that the tuft rests pressed flat.
        """
        x, y = middle
        face = -self.height
        above = (x, y, face - AIR)
        moves = [Move((x, y, face + self.press), soak, True)]
        for number in range(self.strokes):
            if number:
                moves.append(Move((x, y, face + self.press * self._share(number)), 0, True))
            turn, far = self._stroke(number)
            edge = (x + far * cos(turn), y + far * sin(turn))
            # The tip leaves the stone as the stroke ends: so it is drawn to a point.
            moves.append(Move((*edge, face - 0.001), 0, True))
            moves.append(Move((*edge, face - AIR), 0, False))
            moves.append(Move(above, 0, False))
        if not self.strokes:
            moves.append(Move(above, 0, True))
        return moves

    def _share(self, number: int) -> float:
        return 1.0 - (1.0 - self.fall) * (number / max(self.strokes - 1, 1))

    def _stroke(self, number: int) -> tuple[float, float]:
        """Return direction and length of a stroke; the last one goes down and to the right."""
        left = self.strokes - 1 - number
        return pi / 4 + 2 * pi * left / max(self.strokes, 1), self.radius * self.extent * self._share(number)

    def path(self) -> NDArray[np.float64]:
        """Return the dip as seen from the stone: float64 [n, 3], metres from its middle, z below its face."""
        rows: list[Row] = [(0.0, 0.0, -AIR)]
        rows += [move.end for move in self.moves()]
        return np.array(rows) + [0.0, 0.0, self.height]


def visit(bundle: Bundle, brush: BrushModel, ink: Ink, stone: InkStone) -> None:
    """Fill a bundle on a stone and shape it as far as the routine does: its tip, its split and its load follow."""
    from hierbrush.ink.draw import record

    rows = stone.path()
    # Pressed flat the tuft drinks all that the ink's load allows, and its locks part.
    bundle.refill(ink.load)
    bundle.part(max(bundle.split, _FLATTENED))
    stamps = record(brush, rows, bundle.direction)
    if len(stamps):
        bundle.direction = stamps[-1, 3:5].copy()
    for number in range(stone.strokes):
        combed = _COMBED * min(stone._stroke(number)[1] / 0.01, 1.0)
        bundle.part(bundle.split * (1.0 - combed))


def plan_dips(
    brush: BrushModel, paths: Sequence[NDArray[np.float64]], dip: str, ink: Ink | None = None, *, box: float = BOX
) -> tuple[bool, ...]:
    """Say before which strokes of a character the brush is dipped.

    Args:
        brush: what writes.
        paths: handle paths, each float64 [n, 3] in metres in the box.
        dip: ``"stroke"``, ``"character"`` (before the first), or ``"auto"``: before the first, and wherever the stroke
            would otherwise end with less than a third of the ink that a dip gives.
        ink: for ``"auto"``; `Ink()` unless given.
        box: side of the character box in metres.

    Raises:
        HierbrushError: there is no such way to dip.
    """
    check_choice("dip", dip, DIPS)
    if dip != "auto":
        return tuple(dip == "stroke" or not index for index in range(len(paths)))
    from hierbrush.ink.draw import Sketch

    ink = Ink() if ink is None else ink
    sketch = Sketch(brush, ink, box=box)
    dips: list[bool] = []
    for path in paths:
        held = sketch.bundle.hairs.copy()
        sketch.stroke(path, dip=not dips)
        again = bool(dips) and sketch.bundle.load < _LEAST * ink.load
        if again:
            sketch.bundle.hairs[:] = held
            sketch.stroke(path, dip=True)
        dips.append(again or not dips)
    return tuple(dips)


def strokes_a_load(
    brush: BrushModel, paths: Sequence[NDArray[np.float64]], ink: Ink | None = None, *, box: float = BOX
) -> int:
    """Return how many of the strokes one dip writes before less than a third of its ink is left; all at most."""
    dips = plan_dips(brush, paths, "auto", ink, box=box)
    later = [index for index, dip in enumerate(dips) if dip and index]
    return later[0] if later else len(dips)
