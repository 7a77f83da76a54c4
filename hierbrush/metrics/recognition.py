"""Which known glyph a piece of writing looks most like: nearest neighbour by IoU of ink centred on its own ink."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

_CHUNK = 256  # glyphs unpacked at a time: 100 MB
_TOLERANCE = 1e-9


class GlyphIndex:
    """Glyphs that writing is recognised among.

    Ink is a mask, and both sides are moved by whole pixels so that their centres of ink fall on the same pixel. The
    IoU of every pair is exact: intersections are sums of products of zeros and ones, which float32 holds exactly up to
    2^24, more than a raster has pixels.

    Args:
        glyphs: rasters ``[side, side]``, bool, or coverage of which at least one half is ink; read one at a time.

    Raises:
        HierbrushError: there is no glyph, one is blank, or one is not square.
    """

    def __init__(self, glyphs: Iterable[NDArray[np.generic]]) -> None:
        rows, areas = [], []
        for index, glyph in enumerate(glyphs):
            window, area = _centred(glyph, f"glyphs[{index}]")
            if area == 0:
                raise HierbrushError(f"glyphs[{index}]: is blank")
            if np.count_nonzero(window) != area:
                raise HierbrushError(f"glyphs[{index}]: its ink lies too far from its centre of mass to be centred")
            rows.append(np.packbits(window.ravel()))
            areas.append(area)
        if not rows:
            raise HierbrushError("glyphs: there is none to compare with")
        if len({len(row) for row in rows}) != 1:
            raise HierbrushError("glyphs: differ in size, expected rasters of one side")
        self._bits = np.stack(rows)
        self._side = math.isqrt(self._bits.shape[1] * 8)
        self._areas = np.array(areas, np.float64)

    def __len__(self) -> int:
        return len(self._bits)

    def ious(self, inks: Sequence[NDArray[np.generic]]) -> Floats:
        """Return the IoU of every piece of writing with every glyph: float32 [inks, glyphs]; blank ink has 0."""
        drawn, areas = self._masks(inks)
        return self._strict(drawn, areas)

    def _strict(self, drawn: Floats, areas: NDArray[np.float64]) -> Floats:
        shared = np.concatenate([drawn @ chunk.T for chunk in self._chunks()], axis=1)
        return np.asarray(shared / (areas[:, None] + self._areas - shared), np.float32)

    def ranks(
        self,
        inks: Sequence[NDArray[np.generic]],
        answers: Sequence[int],
        *,
        shift: int = 0,
        most: int = 5,
        progress: Callable[[int], object] = lambda done: None,
    ) -> NDArray[np.int64]:
        """Return the place of the right glyph among all by IoU: int64 [inks], 1 if it is the nearest.

        A tie counts against the writing, so that blank ink comes last.

        Args:
            inks: rasters as of the glyphs.
            answers: for each the number of its right glyph.
            shift: how far in pixels ink may be moved from the centre, by the length of the movement; for every glyph
                the best movement counts.
            most: with a shift, places beyond this one are not told apart, which saves most of the work; the answer is
                then ``most + 1``.
            progress: is told how many inks were just done.
        """
        masks, areas = self._masks(inks)
        strict = self._strict(masks, areas)
        own = strict[np.arange(len(inks)), answers]
        if shift == 0:
            progress(len(inks))
            return np.asarray((strict >= own[:, None]).sum(1), np.int64)
        bounds = self._bounds(masks, areas, shift)
        places = np.empty(len(inks), np.int64)
        for index, answer in enumerate(answers):
            moved = self._moved(masks[index], shift)
            best = self._best(moved, areas[index], np.array([answer]))[0]
            # A glyph whose bound lies below the right one's best cannot pass it; the likeliest of the rest come first.
            rivals = np.flatnonzero(bounds[index] >= best - _TOLERANCE)
            rivals = rivals[rivals != answer]
            rivals = rivals[np.argsort(-strict[index, rivals], kind="stable")]
            ahead = 0
            for start in range(0, len(rivals), 64):
                ahead += int((self._best(moved, areas[index], rivals[start : start + 64]) >= best - _TOLERANCE).sum())
                if ahead >= most:
                    break
            places[index] = min(ahead, most) + 1
            progress(1)
        return places

    def _masks(self, inks: Sequence[NDArray[np.generic]]) -> tuple[Floats, NDArray[np.float64]]:
        masks = np.empty((len(inks), self._side**2), np.float32)
        areas = np.empty(len(inks))
        for index, ink in enumerate(inks):
            window, areas[index] = _centred(ink, f"inks[{index}]")
            if len(window) != self._side:
                raise HierbrushError(f"inks[{index}]: shape {ink.shape} differs from the glyphs'")
            masks[index] = window.ravel()
        return masks, areas

    def _chunks(self) -> Iterable[Floats]:
        for start in range(0, len(self._bits), _CHUNK):
            yield np.unpackbits(self._bits[start : start + _CHUNK], axis=1).astype(np.float32)

    def _bounds(self, masks: Floats, areas: NDArray[np.float64], shift: int) -> NDArray[np.float64]:
        """Return what no moved ink's IoU can pass: float64 [inks, glyphs].

        All movements of the ink lie in the ink grown by ``shift``, so no intersection passes that of the glyph with
        the grown ink; counting a block of 4 × 4 pixels as grown if any of its pixels is can only raise the bound.
        """
        side = self._side
        grown = np.stack([_grown(mask.reshape(side, side), shift) for mask in masks])
        blocks = grown.reshape(len(masks), side // 4, 4, side // 4, 4).max((2, 4)).reshape(len(masks), -1)
        shared = np.concatenate(
            [
                blocks @ chunk.reshape(len(chunk), side // 4, 4, side // 4, 4).sum((2, 4)).reshape(len(chunk), -1).T
                for chunk in self._chunks()
            ],
            axis=1,
        )
        shared = np.minimum(shared, np.minimum(areas[:, None], self._areas))
        return np.asarray(shared / (areas[:, None] + self._areas - shared), np.float64)

    def _moved(self, mask: Floats, shift: int) -> Floats:
        side = self._side
        padded = np.pad(mask.reshape(side, side), shift)
        return np.stack(
            [padded[shift - y : shift - y + side, shift - x : shift - x + side].ravel() for y, x in _movements(shift)]
        )

    def _best(self, moved: Floats, area: float, glyphs: NDArray[np.intp]) -> NDArray[np.float64]:
        rasters = np.unpackbits(self._bits[glyphs], axis=1).astype(np.float32)
        shared = (moved @ rasters.T).max(0)
        return np.asarray(shared / (area + self._areas[glyphs] - shared), np.float64)


def _movements(shift: int) -> list[tuple[int, int]]:
    reach = range(-shift, shift + 1)
    return [(y, x) for y in reach for x in reach if y * y + x * x <= shift * shift]


def _grown(mask: Floats, shift: int) -> Floats:
    # The square holds the disc of movements; growing rows, then columns, is cheaper than growing by the disc.
    for axis in (0, 1):
        mask = np.maximum.reduce([_slid(mask, step, axis) for step in range(-shift, shift + 1)])
    return mask


def _slid(mask: Floats, step: int, axis: int) -> Floats:
    out = np.zeros_like(mask)
    low, high = max(step, 0), mask.shape[axis] + min(step, 0)
    target, source = slice(low, high), slice(low - step, high - step)
    if axis == 0:
        out[target] = mask[source]
    else:
        out[:, target] = mask[:, source]
    return out


def _centred(raster: NDArray[np.generic], name: str) -> tuple[Mask, int]:
    """Return a window on the ink with its centre of mass in the middle, and the pixels of ink inside and outside.

    The window has five quarters of the raster's side. Ink that lies outside it meets no glyph, since those of a
    `GlyphIndex` lie inside.
    """
    if raster.ndim != 2 or raster.shape[0] != raster.shape[1] or raster.shape[0] % 16:
        raise HierbrushError(f"{name}: shape {raster.shape} is not [side, side] with a multiple of 16 pixels")
    ink = np.asarray(raster if raster.dtype == np.bool_ else raster.astype(np.float32) >= 0.5)
    side, window = len(ink), len(ink) * 5 // 4
    area = int(np.count_nonzero(ink))
    if area == 0:
        return np.zeros((window, window), np.bool_), 0
    rows, columns = (int(np.rint(np.average(np.arange(side), weights=ink.sum(1 - axis)))) for axis in (0, 1))
    top, left = side + rows - window // 2, side + columns - window // 2
    return np.pad(ink, side)[top : top + window, left : left + window], area
