"""How an episode looks: the goal, the ink so far and where the brush touches, as a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hierbrush.sim import GoalBank, StrokeBatch
from hierbrush.sim.raster import coverage

F32 = NDArray[np.float32]
Frame = NDArray[np.uint8]

SCALE = 2
"""Pixels of a picture's side for each pixel of the page's."""

_PAPER = np.array([250, 247, 240], np.float32)
_GOAL = np.array([214, 204, 186], np.float32)
_INK = np.array([24, 22, 28], np.float32)
_BRUSH = (196, 48, 36)


def picture(ink: F32, goal: F32, footprint: NDArray[np.float64], *, box: float) -> Frame:
    """Return a page as a picture: uint8 [SCALE * S, SCALE * S, 3], y downward.

    Args:
        ink: f32 [S, S], the share of each pixel that is inked.
        goal: f32 [S, S], the share of each pixel that is wanted.
        footprint: f64 [n, 2], outline of where the tuft touches, in metres; [0, 2] when lifted.
        box: side of the page in metres.
    """
    colours = _PAPER + goal[..., None] * (_GOAL - _PAPER)
    colours += ink[..., None] * (_INK - colours)
    page = Image.fromarray(np.rint(colours).astype(np.uint8))
    side = SCALE * len(ink)
    page = page.resize((side, side), Image.Resampling.NEAREST)
    if len(footprint):
        corners = [tuple(corner) for corner in (footprint * (side / box)).tolist()]
        ImageDraw.Draw(page).polygon(corners, outline=_BRUSH)
    return np.asarray(page).copy()


def stroke_picture(strokes: StrokeBatch, slot: int) -> Frame:
    """Return a slot's goal, ink and brush as `picture` does."""
    goal = int(strokes.goal[slot])
    window, side = strokes.bank.window[goal], strokes.side
    wanted = on_page(_mask(strokes.bank, goal), window, side)
    inked = on_page(strokes.coverage(slot), window, side)
    return picture(inked, wanted, strokes.footprint(slot), box=strokes.box)


def on_page(part: F32, window: NDArray[np.int32], side: int) -> F32:
    """Return what lies in a window (left, top, width, height in pixels) on a page f32 [side, side]; the rest is cut."""
    left, top, width, height = window.tolist()
    page = np.zeros((side, side), np.float32)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + width, side), min(top + height, side)
    if x1 > x0 and y1 > y0:
        page[y0:y1, x0:x1] = part[y0 - top : y1 - top, x0 - left : x1 - left]
    return page


def _mask(bank: GoalBank, goal: int) -> F32:
    _, _, columns, rows = bank.window[goal].tolist()
    words = rows * bank.supersample * ((columns * bank.supersample + 63) // 64)
    start = int(bank.arrays["mask_offset"][goal])
    return coverage(bank.arrays["mask"][start : start + words], columns, rows, bank.supersample)
