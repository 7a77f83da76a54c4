"""Writing drawn with ink: what pictures of a sheet need of `hierbrush.ink`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hierbrush.box import BOX
from hierbrush.ink import Bundle, Ink, InkStone, Sketch, ink_picture, record, visit
from hierbrush.ink.draw import resized
from hierbrush.sim import BrushModel, trace

if TYPE_CHECKING:
    from hierbrush.writing.paper import Cell
    from hierbrush.writing.result import Sheet


class Tuft:
    """Which way a tuft is bent while strokes are written, dipped or not.

    Args:
        brush: the brush.
        stone: where it is dipped; without one it is straight after a dip.
    """

    def __init__(self, brush: BrushModel, stone: InkStone | None) -> None:
        self._brush, self._stone = brush, stone
        self._bundle = Bundle.dipped(1.0)

    def before(self, dip: bool) -> NDArray[np.float64]:
        """Dip or not; return where the tip points then, [2]."""
        if dip and self._stone is not None:
            visit(self._bundle, self._brush, Ink(), self._stone)
        elif dip:
            self._bundle.straighten()
        return self._bundle.direction

    def write(self, path: NDArray[np.float64]) -> None:
        """Follow a handle path, float64 [n, 3]."""
        stamps = record(self._brush, path, self._bundle.direction)
        if len(stamps):
            self._bundle.direction = stamps[-1, 3:5].copy()


def starts_of(
    brush: BrushModel, paths: Sequence[NDArray[np.float64]], dips: Sequence[bool], stone: InkStone | None
) -> tuple[NDArray[np.float64], ...]:
    """Return where the tip points before each stroke of a character, [2] each."""
    tuft, starts = Tuft(brush, stone), []
    for path, dip in zip(paths, dips, strict=True):
        starts.append(tuft.before(dip))
        tuft.write(path)
    return tuple(starts)


def inked(cell: Cell, size: int, ink: Ink, bundle: Bundle | None = None) -> NDArray[np.float32]:
    """Return a character's box drawn with ink, float32 [size, size]; ``bundle`` goes on to the next character."""
    writing = cell.writing
    shaped = None if writing.stone is None else partial(visit, brush=writing.brush, ink=ink, stone=writing.stone)
    return ink_picture(
        writing.brush,
        writing.stroke_paths,
        ink,
        size=size,
        box=BOX,
        side=cell.side,
        corner=(cell.x, cell.y),
        dips=writing.stroke_dips,
        shaped=shaped,
        bundle=bundle,
    )


def pictures(sheet: Sheet, size: int, ink: Ink) -> Iterator[NDArray[np.float32]]:
    """Yield the boxes of a sheet's characters drawn with ink; one brush writes them all."""
    bundle = Bundle.dipped(ink.load)
    for cell in sheet.cells:
        yield inked(cell, size, ink, bundle)


class Growing:
    """A character's ink while it is being written, for animations: its own, or what the simulator covers."""

    def __init__(self, cell: Cell, ink: Ink | None, size: int) -> None:
        self._size = size
        self._before = np.zeros((size, size), np.float32)
        self._tones = [] if ink is None else list(_tones(cell, ink, size))

    def during(self, stroke: int, coverage: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the ink while a stroke is written, the simulator's ``coverage`` being what is touched so far."""
        if not self._tones:
            return coverage
        return np.minimum(np.maximum(self._tones[stroke], self._before), np.maximum(coverage, self._before))

    def after(self, stroke: int, coverage: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the ink after a stroke."""
        self._before = coverage if not self._tones else self._tones[stroke]
        return self._before


def _tones(cell: Cell, ink: Ink, size: int) -> Iterator[NDArray[np.float32]]:
    """Yield the box as it is after each stroke, before the paper drinks."""
    writing = cell.writing
    sketch = Sketch(writing.brush, ink, box=BOX, side=cell.side, corner=(cell.x, cell.y))
    for at, (path, dip) in enumerate(zip(writing.stroke_paths, writing.stroke_dips, strict=True)):
        if dip and writing.stone is not None:
            visit(sketch.bundle, writing.brush, ink, writing.stone)
        sketch.stroke(path, dip=dip and writing.stone is None)
        covered = trace(
            writing.brush, writing.stroke_paths[: at + 1], side=len(sketch.film), supersample=2, box=BOX,
            directions=sketch.directions,
        )  # fmt: skip
        yield resized(sketch.tone(covered, spread=False), size)
