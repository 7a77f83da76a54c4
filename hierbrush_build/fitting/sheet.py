"""A picture of drawings over the glyphs that they were fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from hierbrush.composer.drawings import FurtherDrawing
from hierbrush.composer.place import shaped_goals
from hierbrush.sim import rasterise
from hierbrush_build.fitting.fonts import coverage

_COLUMNS, _ROWS = 10, 6
_CELL = 128
# What each takes from white: ink beside the glyph is blue, the glyph without ink red, both together grey.
_GLYPH, _INK = np.array([0.0, 0.5, 0.5]), np.array([0.6, 0.0, 0.0])


def write_sheet(path: Path, drawings: Sequence[FurtherDrawing], fonts: Mapping[str, Path], seed: int = 0) -> None:
    """Write a PNG file with sixty drawings.

    Args:
        path: the file.
        drawings: sixty of them are picked.
        fonts: each character's font.
        seed: of the choice.
    """
    chosen = np.random.default_rng(seed).permutation(len(drawings))[: _COLUMNS * _ROWS]
    page = np.ones((_ROWS * _CELL, _COLUMNS * _CELL, 3))
    for cell, number in enumerate(chosen):
        drawing = drawings[number]
        outlines = [goal.outline for goal in shaped_goals(drawing.stroke_types, drawing.places)]
        taken = coverage(fonts[drawing.char], drawing.char, _CELL)[..., None] * _GLYPH
        taken = taken + rasterise(outlines, _CELL, supersample=4)[..., None] * _INK
        row, column = divmod(cell, _COLUMNS)
        page[row * _CELL : (row + 1) * _CELL, column * _CELL : (column + 1) * _CELL] -= taken
    Image.fromarray((255 * page.clip(0, 1)).astype(np.uint8)).save(path)
