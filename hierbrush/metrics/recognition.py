"""Which known glyph a piece of writing looks most like: nearest neighbour by IoU of ink centred on its own ink."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hierbrush.arguments import check_array, check_list, check_whole
from hierbrush.errors import HierbrushError, shown

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]
Words = NDArray[np.uint64]

_CHUNK = 256  # glyphs unpacked at a time: 100 MB
_BLOCK = 8  # pixels a side of the blocks that a shortlist is made from

_SURE = 0.02  # margin at which ink is rather surely recognised

# Movements are bounded three by three: ink grown by one pixel holds a movement and its eight neighbours.
_PITCH = 3


class GlyphIndex:
    """Glyphs that writing is recognised among.

    Ink is a mask, and both sides are moved by whole pixels so that their centres of ink fall on the same pixel.
    Intersections are counted, not estimated, so that the IoU of every pair is exact.

    Args:
        glyphs: rasters ``[side, side]``, bool, or coverage of which at least one half is ink; read one at a time.

    Raises:
        HierbrushError: there is no glyph, one is blank, or one is not square.
    """

    def __init__(self, glyphs: Iterable[NDArray[np.generic]]) -> None:
        rows: list[Words] = []
        blocks: list[Floats] = []
        areas: list[int] = []
        self._side = 0
        try:
            each = iter(glyphs)
        except Exception:  # a stranger's __iter__ may raise anything
            raise HierbrushError(f"glyphs: {shown(glyphs)}, expected rasters [side, side]") from None
        for index, glyph in enumerate(each):
            window, area = _centred(glyph, f"glyphs[{index}]")
            if area == 0:
                raise HierbrushError(f"glyphs[{index}]: is blank")
            if np.count_nonzero(window) != area:
                raise HierbrushError(f"glyphs[{index}]: its ink lies too far from its centre of mass to be centred")
            if rows and len(window) != self._side:
                raise HierbrushError("glyphs: differ in size, expected rasters of one side")
            self._side = len(window)
            rows.append(_packed(window))
            blocks.append(_blocks(window))
            areas.append(area)
        if not rows:
            raise HierbrushError("glyphs: there is none to compare with")
        self._words = np.stack(rows)
        self._coarse = np.stack(blocks)
        self._areas = np.array(areas, np.float64)

    def __len__(self) -> int:
        return len(self._words)

    def ious(self, inks: Sequence[NDArray[np.generic]]) -> Floats:
        """Return the IoU of every piece of writing with every glyph: float32 [inks, glyphs]; blank ink has 0."""
        masks, areas = self._masks(inks)
        drawn = masks.reshape(len(masks), self._side**2).astype(np.float32)
        # Sums of products of zeros and ones, which float32 holds exactly up to 2^24, more than a raster has pixels.
        shared = np.concatenate([drawn @ chunk.T for chunk in self._chunks()], axis=1)
        return np.asarray(shared / (areas[:, None] + self._areas - shared), np.float32)

    def shortlist(self, inks: Sequence[NDArray[np.generic]], size: int) -> NDArray[np.int64]:
        """Return for every piece of writing the glyphs most like it from afar: int64 [inks, size at most].

        Likeness is the cosine of how much ink lies in blocks of 8 × 8 pixels, after centring.
        """
        size = check_whole("size", size, 1)
        masks, _ = self._masks(inks)
        if size >= len(self) or not len(masks):
            return np.tile(np.arange(min(size, len(self))), (len(masks), 1))
        # The large matrix first: with a few inks BLAS is five times as fast as the other way round.
        likeness = (self._coarse @ np.stack([_blocks(mask) for mask in masks]).T).T
        return np.asarray(np.argpartition(-likeness, size - 1, axis=1)[:, :size], np.int64)

    def ranks(
        self,
        inks: Sequence[NDArray[np.generic]],
        answers: ArrayLike,
        *,
        shift: int = 0,
        most: int = 5,
        among: NDArray[np.int64] | None = None,
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
            among: for each ink the glyphs that may be nearer than the right one, int64 [inks, n], as `shortlist` gives
                them; all unless given.
            progress: is told how many inks were just done.

        Raises:
            HierbrushError: an argument is of another kind, or names a glyph that is not there.
        """
        shift, most = check_whole("shift", shift, 0, self._side // 2), check_whole("most", most, 1)
        if not callable(progress):
            raise HierbrushError(f"progress: {shown(progress)}, expected a function of the number of inks done")
        masks, areas = self._masks(inks)
        numbers, among = self._numbers("answers", answers, len(masks)), self._rivals(among, len(masks))
        everything = np.arange(len(self))
        places = np.empty(len(inks), np.int64)
        for index, (mask, area, answer) in enumerate(zip(masks, areas, numbers.tolist(), strict=True)):
            rivals = everything if among is None else among[index]
            rivals = rivals[rivals != answer]
            if shift == 0:
                drawn = _packed(mask)
                own = self._iou(drawn, area, np.array([answer]))[0]
                places[index] = 1 + int((self._iou(drawn, area, rivals) >= own).sum())
            else:
                places[index] = 1 + min(most, self._ahead(mask, area, answer, rivals, shift, most))
            progress(1)
        return places

    def margins(
        self, inks: Sequence[NDArray[np.generic]], answers: ArrayLike, *, among: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Return by how much the IoU with the right glyph passes that with the nearest other one: float64 [inks].

        Blank ink, which is like nothing, has -1. Where there is no other glyph, the margin is the IoU.

        Args:
            inks: rasters as of the glyphs.
            answers: for each the number of its right glyph.
            among: for each ink the glyphs that may be the nearest other one, int64 [inks, n], as `shortlist` gives
                them; all unless given.

        Raises:
            HierbrushError: an argument is of another kind, or names a glyph that is not there.
        """
        masks, areas = self._masks(inks)
        numbers, among = self._numbers("answers", answers, len(masks)), self._rivals(among, len(masks))
        everything = np.arange(len(self))
        margins = np.full(len(inks), -1.0)
        for index, (mask, area, answer) in enumerate(zip(masks, areas, numbers.tolist(), strict=True)):
            if area:
                rivals = everything if among is None else among[index]
                drawn = _packed(mask)
                nearest = self._iou(drawn, area, rivals[rivals != answer]).max(initial=0.0)
                margins[index] = self._iou(drawn, area, np.array([answer]))[0] - nearest
        return margins

    def _ahead(self, mask: Mask, area: float, answer: int, rivals: NDArray[np.int64], shift: int, most: int) -> int:
        """Return how many rivals are as near as the right glyph or nearer, each moved at its best; stop at ``most``."""
        moved = np.stack([_packed(_moved(mask, y, x)) for y, x in _movements(shift)])
        own = self._iou(moved, area, np.array([answer]))[0]
        # No intersection passes that with ink grown to hold every movement: first all of them, then nine by nine.
        rivals = rivals[self._iou(_packed(_grown(mask, shift)), area, rivals) >= own]
        around = np.stack([_packed(_moved(_grown(mask, 1), y, x)) for y, x in _centres(shift)])
        bounds = self._iou(around, area, rivals)
        rivals = rivals[np.argsort(-bounds, kind="stable")][: int((bounds >= own).sum())]
        ahead = 0
        for start in range(0, len(rivals), most):
            if ahead >= most:
                break
            ahead += int((self._iou(moved, area, rivals[start : start + most]) >= own).sum())
        return ahead

    def _iou(self, drawn: Words, area: float, glyphs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the best IoU with each of some glyphs: float64 [n].

        Args:
            drawn: packed ink ``[words]``, or several movements of it ``[movements, words]``.
            area: pixels of ink; an intersection cannot pass it, though grown ink has more.
            glyphs: int64 [n].
        """
        words = self._words[glyphs]
        shared = np.zeros(len(glyphs))
        for movement in np.atleast_2d(drawn):
            np.maximum(shared, np.bitwise_count(words & movement).sum(1, dtype=np.int64), out=shared)
        np.minimum(shared, area, out=shared)
        return np.asarray(shared / (area + self._areas[glyphs] - shared), np.float64)

    def _numbers(self, name: str, numbers: ArrayLike, *shape: int | None) -> NDArray[np.int64]:
        """Return numbers of glyphs in an array of a shape."""
        wanted = f"{'x'.join('n' if axis is None else str(axis) for axis in shape)} numbers from 0 to {len(self) - 1}"
        found = check_array(name, numbers, shape, wanted, dtype=None)
        # An empty list has no kind of numbers.
        if found.size and (found.dtype.kind not in "iu" or found.min() < 0 or found.max() >= len(self)):
            raise HierbrushError(f"{name}: {shown(numbers)}, expected {wanted}")
        return found.astype(np.int64)

    def _rivals(self, among: ArrayLike | None, count: int) -> NDArray[np.int64] | None:
        return None if among is None else self._numbers("among", among, count, None)

    def _masks(self, inks: Sequence[NDArray[np.generic]]) -> tuple[Mask, NDArray[np.float64]]:
        inks = check_list("inks", inks, "rasters [side, side]")
        masks = np.empty((len(inks), self._side, self._side), np.bool_)
        areas = np.empty(len(inks))
        for index, ink in enumerate(inks):
            window, areas[index] = _centred(ink, f"inks[{index}]")
            if len(window) != self._side:
                raise HierbrushError(f"inks[{index}]: shape {np.shape(ink)} differs from the glyphs'")
            masks[index] = window
        return masks, areas

    def _chunks(self) -> Iterable[Floats]:
        for start in range(0, len(self), _CHUNK):
            packed = self._words[start : start + _CHUNK].view(np.uint8)
            yield np.unpackbits(packed, axis=1, count=self._side**2).astype(np.float32)


def sureness(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how surely ink is taken for its glyph, 0 to 1: the logistic of `GlyphIndex.margins`, 73 % at .02.

    What is recognised anyway gains hardly more by a larger margin, where the margin itself would keep on growing.
    """
    sure: NDArray[np.float64] = 1 / (1 + np.exp(-margins / _SURE))
    return sure


def _movements(shift: int) -> list[tuple[int, int]]:
    reach = range(-shift, shift + 1)
    return [(y, x) for y in reach for x in reach if y * y + x * x <= shift * shift]


def _centres(shift: int) -> list[tuple[int, int]]:
    """Return movements such that each of `_movements` is one of them or its neighbour."""
    return sorted({(_PITCH * round(y / _PITCH), _PITCH * round(x / _PITCH)) for y, x in _movements(shift)})


def _moved(mask: Mask, y: int, x: int) -> Mask:
    return _slid(_slid(mask, y, 0), x, 1)


def _grown(mask: Mask, shift: int) -> Mask:
    # The square holds the disc of movements; growing rows, then columns, is cheaper than growing by the disc.
    for axis in (0, 1):
        mask = np.logical_or.reduce([_slid(mask, step, axis) for step in range(-shift, shift + 1)])
    return mask


def _slid(mask: Mask, step: int, axis: int) -> Mask:
    out = np.zeros_like(mask)
    low, high = max(step, 0), mask.shape[axis] + min(step, 0)
    target, source = slice(low, high), slice(low - step, high - step)
    if axis == 0:
        out[target] = mask[source]
    else:
        out[:, target] = mask[:, source]
    return out


def _packed(mask: Mask) -> Words:
    bits = np.packbits(mask.ravel())
    words: Words = np.pad(bits, (0, -len(bits) % 8)).view(np.uint64)
    return words


def _blocks(mask: Mask) -> Floats:
    """Return the ink in every block of 8 × 8 pixels as a vector of length one, or of zeros if there is none."""
    pad = -len(mask) % _BLOCK
    side = (len(mask) + pad) // _BLOCK
    padded = np.pad(mask, (0, pad)).reshape(side, _BLOCK, side, _BLOCK)
    ink = padded.sum(1, dtype=np.uint8).sum(2, dtype=np.uint8).astype(np.float32).ravel()
    return np.asarray(ink / max(float(np.linalg.norm(ink)), 1e-9), np.float32)


def _centred(raster: NDArray[np.generic], name: str) -> tuple[Mask, int]:
    """Return a window on the ink with its centre of mass in the middle, and the pixels of ink inside and outside.

    The window has five quarters of the raster's side. Ink that lies outside it meets no glyph, since those of a
    `GlyphIndex` lie inside.
    """
    raster = check_array(name, raster, (None, None), "[side, side] of ink or coverage", dtype=None, finite=False)
    if raster.shape[0] != raster.shape[1] or raster.shape[0] % 16 or not raster.size:
        raise HierbrushError(f"{name}: shape {raster.shape} is not [side, side] with a multiple of 16 pixels")
    ink = np.asarray(raster if raster.dtype == np.bool_ else raster.astype(np.float32) >= 0.5)
    side, window = len(ink), len(ink) * 5 // 4
    area = int(np.count_nonzero(ink))
    if area == 0:
        return np.zeros((window, window), np.bool_), 0
    at = np.arange(side)
    rows, columns = (int(np.rint(at @ np.count_nonzero(ink, axis=1 - axis) / area)) for axis in (0, 1))
    # The ink's corner in the window; what sticks out on either side is cut.
    down, right = window // 2 - rows, window // 2 - columns
    centred = np.zeros((window, window), np.bool_)
    part = ink[max(-down, 0) : window - down, max(-right, 0) : window - right]
    centred[max(down, 0) : max(down, 0) + part.shape[0], max(right, 0) : max(right, 0) + part.shape[1]] = part
    return centred, area
