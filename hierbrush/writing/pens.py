"""The pen protocol: a writing does not know how it is drawn, a drawing does not know how the writing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError, shown
from hierbrush.ink.stone import InkStone

_METHODS = ("dip", "lower", "move_to", "lift")


class BrushPen(Protocol):
    """What a drawing must understand: four calls, in metres on the paper, x right, y down, z the press depth.

    Every stroke arrives as ``dip``, ``lower``, any number of ``move_to`` (one a row of its path), ``lift``; without a
    ``dip`` where the brush goes on with the ink it has. A pen that also has ``shape(stone)`` gets that instead of
    ``dip`` where the brush is filled and shaped on an `InkStone`.
    """

    def dip(self) -> None:
        """Refill and straighten the tuft."""

    def lower(self, x: float, y: float, z: float) -> None:
        """Come down from the air to where a stroke starts."""

    def move_to(self, x: float, y: float, z: float) -> None:
        """Move the handle in a straight line."""

    def lift(self) -> None:
        """Leave the paper."""


class RecordingPen:
    """Keeps what it is told: ``calls`` holds the name of each call followed by its arguments."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, *tuple[float, ...]]] = []

    def dip(self) -> None:
        """Record a dip."""
        self.calls.append(("dip",))

    def lower(self, x: float, y: float, z: float) -> None:
        """Record where a stroke starts."""
        self.calls.append(("lower", x, y, z))

    def move_to(self, x: float, y: float, z: float) -> None:
        """Record a movement."""
        self.calls.append(("move_to", x, y, z))

    def lift(self) -> None:
        """Record the end of a stroke."""
        self.calls.append(("lift",))

    def replay(self, pen: BrushPen) -> None:
        """Tell another pen the same.

        Raises:
            HierbrushError: ``pen`` lacks one of a pen's four methods.
        """
        _check_pen(pen)
        for name, *arguments in self.calls:
            getattr(pen, name)(*arguments)


def draw_paths(
    paths: Sequence[NDArray[np.float64]],
    pen: BrushPen,
    dips: Sequence[bool] | None = None,
    stone: InkStone | None = None,
) -> None:
    """Tell ``pen`` the handle paths ``[n, 3]`` of strokes, in order, and the dips before those that ``dips`` says.

    Raises:
        HierbrushError: ``pen`` lacks one of a pen's four methods.
    """
    _check_pen(pen)
    shape = getattr(pen, "shape", None)
    for index, path in enumerate(paths):
        if dips is None or dips[index]:
            if stone is not None and callable(shape):
                shape(stone)
            else:
                pen.dip()
        pen.lower(*path[0].tolist())
        for row in path[1:].tolist():
            pen.move_to(*row)
        pen.lift()


def _check_pen(pen: object) -> None:
    missing = [name for name in _METHODS if not callable(getattr(pen, name, None))]
    # A class has the methods too, but nobody to call them on.
    if missing or isinstance(pen, type):
        raise HierbrushError(
            f"pen: {shown(pen)}, expected an object with dip(), lower(x, y, z), move_to(x, y, z) and lift()"
        )
