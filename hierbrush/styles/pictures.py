"""Ink in pictures as people have them: scans, photographs, rubbings, practice sheets with red grids.

Light that changes slowly is divided out, paper and ink get the grey levels 0 and 1, whichever of the two is darker, and
what is too small to be writing is left out. A clean picture, black on white, comes out as it is.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array
from hierbrush.errors import HierbrushError, shown
from hierbrush.styles.grids import without_grid
from hierbrush.styles.picture_file import MOST_PIXELS, Source, read_pixels
from hierbrush.styles.sheet_of_paper import on_sheet
from hierbrush.styles.suffixes import PICTURES
from hierbrush.styles.tilt import tilt_of_frame, tilt_of_lines, turned

Floats = NDArray[np.float64]

_LEAST_CONTRAST = 0.12
"""Difference of ink and paper, in grey levels of 0 to 1, below which there is no ink."""

_FLAT = 0.03
_MARGIN = 0.06
_COLOURED = 60
"""Levels of 255 by which the channels of a coloured pixel differ."""


def is_picture(path: str | PathLike[str]) -> bool:
    """Whether a path's suffix is a picture's."""
    return Path(path).suffix.lower() in PICTURES


def read_ink(picture: Source, *, argument: str = "picture") -> Floats:
    """Return the ink in a picture: f64 [h, w], 0 = paper, 1 = ink.

    Args:
        picture: a file; or an array: bool or float [h, w] in [0, 1] with 1 = ink, as `Writing.image` returns, or uint8
            [h, w], [h, w, 3] or [h, w, 4] with 0 = black, as Pillow and OpenCV have them.
        argument: what the user knows ``picture`` as, for messages.

    Raises:
        HierbrushError: it is no picture that can be read, is too large, or holds no ink.
    """
    if isinstance(picture, str | PathLike):
        ink = _ink_of(read_pixels(picture, argument=argument))
    else:
        ink = _from_array(picture, argument)
    if not (ink >= 0.5).any():
        raise HierbrushError(f"{argument}: {_named(picture)} holds no ink, expected writing that stands out from paper")
    return ink


def box_ink(picture: Source, side: int = 256, *, argument: str = "picture") -> NDArray[np.float32]:
    """Return the ink of a picture of one character in the character's box: float32 [side, side].

    A square picture is the box itself, unless its ink fills little of it; otherwise the box is the ink's own with the
    margin that characters usually have.

    Args:
        picture: as for `read_ink`.
        side: pixels of the box's side.
        argument: as for `read_ink`.

    Raises:
        HierbrushError: as for `read_ink`.
    """
    return fitted_box(read_ink(picture, argument=argument), side)


def fitted_box(ink: Floats, side: int = 256) -> NDArray[np.float32]:
    """Return ink [h, w] in a character's box, float32 [side, side]; see `box_ink`."""
    row, column = np.nonzero(ink >= 0.5)
    top, bottom, left, right = row.min(), row.max() + 1, column.min(), column.max() + 1
    height, width = ink.shape
    extent = max(bottom - top, right - left)
    whole = max(height, width)
    if max(height, width) > 1.15 * min(height, width) or extent < 0.45 * whole:
        whole = round(extent * (1 + 2 * _MARGIN))
        middle = (top + bottom) / 2, (left + right) / 2
    else:
        middle = height / 2, width / 2
    start = [round(m - whole / 2) for m in middle]
    square = np.zeros((whole, whole))
    ys, xs = (slice(max(0, s), min(extent, s + whole)) for s, extent in zip(start, ink.shape, strict=True))
    square[ys.start - start[0] : ys.stop - start[0], xs.start - start[1] : xs.stop - start[1]] = ink[ys, xs]
    return _scaled(square, side)


def _scaled(square: Floats, side: int) -> NDArray[np.float32]:
    from PIL import Image

    if len(square) == side:
        return square.astype(np.float32)
    method = Image.Resampling.BOX if len(square) > side else Image.Resampling.BICUBIC
    picture = Image.fromarray(square.astype(np.float32)).resize((side, side), method)
    return np.clip(np.asarray(picture, np.float32), 0.0, 1.0)


def _named(picture: Source) -> str:
    return shown(str(picture)) if isinstance(picture, str | PathLike) else "the array"


def _from_array(picture: Any, argument: str) -> Floats:
    expected = "a path, or an array [h, w] with 1 = ink, or uint8 [h, w], [h, w, 3] or [h, w, 4] with 0 = black"
    array = check_array(argument, picture, None, expected, dtype=None)
    if array.ndim not in (2, 3) or min(array.shape[:2], default=0) < 8 or (array.ndim == 3 and array.shape[2] > 4):
        raise HierbrushError(f"{argument}: shape {array.shape}, expected {expected}, 8 pixels or more a side")
    if array.shape[0] * array.shape[1] > MOST_PIXELS:
        raise HierbrushError(f"{argument}: shape {array.shape}, expected at most {MOST_PIXELS} pixels")
    if array.dtype == np.uint8:
        return _ink_of(array)
    if array.ndim != 2:
        raise HierbrushError(f"{argument}: {array.dtype} of shape {array.shape}, expected {expected}")
    if array.dtype == np.bool_:
        return array.astype(np.float64)
    if array.min() < 0 or array.max() > 1:
        raise HierbrushError(f"{argument}: values from {array.min():g} to {array.max():g}, expected {expected}")
    return array.astype(np.float64)


def _ink_of(pixels: NDArray[np.uint8]) -> Floats:
    value, lines = _values(pixels)
    return _ink(value, 0.0 if lines is None else tilt_of_lines(lines))


def _coloured(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels are coloured by more than the paper is."""
    channels = pixels[..., :3].astype(np.int16)
    spread = channels.max(axis=2) - channels.min(axis=2)
    coloured: NDArray[np.bool_] = spread > max(_COLOURED, float(np.median(spread)) + 25)
    return coloured


def _values(array: NDArray[np.uint8]) -> tuple[Floats, NDArray[np.bool_] | None]:
    """Return how light each pixel is, 0 to 1, and where a grid is.

    A coloured line on light paper counts as paper, so that grids vanish.
    """
    if array.ndim == 2:
        return array / 255.0, None
    if array.shape[2] == 4:
        opacity = array[..., 3:] / 255.0
        array = np.round(array[..., :3] * opacity + 255 * (1 - opacity)).astype(np.uint8)
    if array.shape[2] < 3:
        return array[..., 0] / 255.0, None
    grey = array @ np.array([0.299, 0.587, 0.114]) / 255.0
    coloured = _coloured(array)
    if not coloured.any() or np.median(grey) < 0.45:
        return grey, None
    # Red or blue ink alone on the paper is writing, not a grid; a shadow is neither.
    light = array.max(axis=2) / 255.0
    dark = light < 0.55 * _paper(light)
    return (light, coloured) if dark.mean() > 0.004 else (grey, None)


def _ink(value: Floats, tilt: float = 0.0) -> Floats:
    """Return ink f64 [h, w] from lightness [h, w], turned by ``tilt`` degrees."""
    if np.ptp(value) < _LEAST_CONTRAST:
        return np.zeros_like(value)
    value = on_sheet(value)
    if _inverted(value):
        value = 1 - value if value.min() < 0.02 and value.max() > 0.98 else _negative(value)
    paper = _paper(value)
    flat = np.ptp(paper) < _FLAT and (np.abs(value - value.max()) < 0.02).mean() > 0.3
    if flat and value.max() > 0.97 and value.min() < 0.1:
        return _bare(_cleaned(1 - value, least=4), tilt)
    ratio = np.clip(value / np.maximum(paper, 0.05), 0.0, 1.2)
    noise = _noise(ratio)
    if noise > 0.015:
        from scipy.ndimage import gaussian_filter

        ratio = gaussian_filter(ratio, min(1.5, max(0.7, max(value.shape) / 800)))
    ink = _levelled(ratio, noise)
    if ink is None:
        return np.zeros_like(value)
    again = _levelled(ratio / _paper_between(ratio, ink), noise)
    ink = _cleaned(ink if again is None else again, least=max(6, round(2.5e-5 * ink.size)))
    ink = _only_writing(ink)
    return _without_frame(_bare(ink, tilt or tilt_of_frame(ink >= 0.5)))


def _bare(ink: Floats, tilt: float) -> Floats:
    """Return ink turned upright, without a black frame and grid; a clean picture is turned by these alone."""
    upright = turned(ink, tilt)
    bare = without_grid(upright)
    if bare is upright and not tilt:
        framed = turned(ink, tilt_of_frame(ink >= 0.5))
        bare = without_grid(framed)
        return upright if bare is framed else bare
    return bare


def _levelled(ratio: Floats, noise: float) -> Floats | None:
    """Return ink with the level of paper 0 and that of ink 1, None if the two are as good as one."""
    from skimage.filters import threshold_otsu

    between = float(threshold_otsu(ratio))
    dark, light = ratio[ratio < between], ratio[ratio >= between]
    if not len(dark) or not len(light):
        return None
    ink_level, paper_level = float(np.median(dark)), float(np.median(light))
    if paper_level - ink_level < max(_LEAST_CONTRAST, 6 * noise):
        return None
    return np.clip((paper_level - ratio) / (paper_level - ink_level), 0.0, 1.0)


def _negative(value: Floats) -> Floats:
    """Return light writing on dark paper as dark writing on light paper.

    Light falls on both alike, so that it is their ratio that tells them apart: lightness is taken as a logarithm.
    """
    log = np.log(np.maximum(value, 0.03))
    low, high = np.quantile(log, (0.005, 0.995))
    dark: Floats = np.clip(1 - 0.9 * (log - low) / max(float(high - low), 1e-6), 0.0, 1.0)
    return dark


def _paper_between(ratio: Floats, ink: Floats) -> Floats:
    """Return the lightness of the paper near by, without ink: the edge of a shadow is sharper than `_paper` sees."""
    from scipy.ndimage import gaussian_filter, minimum_filter
    from skimage.transform import resize

    step = max(1, max(ratio.shape) // 300)
    rows, columns = (extent // step for extent in ratio.shape)
    values, inked = (
        each[: rows * step, : columns * step].reshape(rows, step, columns, step) for each in (ratio, ink > 0.75)
    )
    free = minimum_filter(~inked.any(axis=(1, 3)), 3, mode="nearest").astype(np.float64)
    light = values.mean(axis=(1, 3))
    found, known = np.ones((rows, columns)), np.zeros((rows, columns), np.bool_)
    for share in (90, 45, 20):
        sigma = max(1.0, max(rows, columns) / share)
        weight = gaussian_filter(free, sigma)
        take = ~known & (weight > 0.25)
        mean = gaussian_filter(free * light, sigma) / np.maximum(weight, 1e-6)
        found[take], known = mean[take], known | take
    paper: Floats = np.maximum(np.asarray(resize(found, ratio.shape, order=1, mode="edge")), 0.2)
    return paper


def _only_writing(ink: Floats) -> Floats:
    """Return ink that is black or white but at its edges, without pale pieces and what fills corners of the picture."""
    from scipy.ndimage import binary_dilation, binary_erosion, label, mean

    mask: NDArray[np.bool_] = np.asarray(ink >= 0.5)
    pieces, count = label(mask, structure=np.ones((3, 3)))
    if count:
        number = np.arange(1, count + 1)
        dark, size = mean(ink, pieces, number), np.bincount(pieces.ravel(), minlength=count + 1)[1:]
        keep = dark > 0.72 * float(dark[size.argmax()])
        corners = _in_corners(pieces, count)
        if size[keep & ~corners].sum() > 0.4 * size[keep].sum():
            keep &= ~corners
        mask = np.asarray(np.concatenate([[False], keep])[pieces])
    sharp = np.where(binary_dilation(mask), ink, 0.0)
    sharp[binary_erosion(mask, iterations=2)] = 1.0
    return sharp


def _in_corners(pieces: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    """Return which pieces [count] touch two sides of the picture that meet, as a table under the paper does."""
    sides = (pieces[0], pieces[:, -1], pieces[-1], pieces[:, 0])
    touching = np.zeros((4, count + 1), np.bool_)
    for side, row in zip(touching, sides, strict=True):
        side[row] = True
    both: NDArray[np.bool_] = np.any(touching & np.roll(touching, 1, axis=0), axis=0)[1:]
    return both


def flattened(value: Floats) -> Floats:
    """Return lightness [h, w] over that of the paper around, about 1 where nothing is written."""
    return np.clip(value / np.maximum(_paper(value), 0.05), 0.0, 1.2)


def ink_of_lightness(value: Floats) -> Floats | None:
    """Return the ink f64 [h, w] on a small piece of paper of about one lightness, None if nothing is written there."""
    from scipy.ndimage import gaussian_filter
    from skimage.filters import threshold_otsu

    paper = float(np.quantile(value, 0.9))
    ratio = gaussian_filter(np.clip(value / max(paper, 0.05), 0.0, 1.0), 0.6)
    between = float(threshold_otsu(ratio)) if np.ptp(ratio) > 0 else 0.0
    dark, light = ratio[ratio < between], ratio[ratio >= between]
    if not len(dark) or float(np.median(dark)) > 0.72 * float(np.median(light)):
        return None
    ink_level, paper_level = float(np.median(dark)), float(np.median(light))
    return _cleaned(np.clip((paper_level - ratio) / (paper_level - ink_level), 0.0, 1.0), least=24)


def _inverted(value: Floats) -> bool:
    """Whether the writing is lighter than what it stands on: the lesser part of the picture is writing."""
    from skimage.filters import threshold_otsu

    small = value[:: max(1, len(value) // 200), :: max(1, value.shape[1] // 200)]
    dark = small < threshold_otsu(small) if np.ptp(small) > 0 else np.zeros_like(small, bool)
    edge = np.concatenate([dark[0], dark[-1], dark[:, 0], dark[:, -1]])
    share = float(dark.mean())
    return share > 0.6 or (share > 0.4 and float(edge.mean()) > 0.6)


def _paper(value: Floats) -> Floats:
    """Return the lightness of the paper everywhere, without what is written on it."""
    from scipy.ndimage import gaussian_filter, grey_closing, percentile_filter
    from skimage.transform import resize

    step = max(1, max(value.shape) // 96)
    rows, columns = (extent // step for extent in value.shape)
    coarse = value[: rows * step, : columns * step].reshape(rows, step, columns, step)
    light = percentile_filter(np.quantile(coarse, 0.75, axis=(1, 3)), 50, size=3)
    size = max(3, max(light.shape) // 5)
    closed = grey_closing(np.pad(light, size, mode="edge"), size=(size, size))[size:-size, size:-size]
    smooth = gaussian_filter(closed, size / 3, mode="nearest")
    return np.asarray(resize(smooth, value.shape, order=1, mode="edge"))


def _noise(value: Floats) -> float:
    """Return the standard deviation of noise, from second differences, of which writing has few (Immerkaer 1996)."""
    step = value[1:-1, 1:-1] * 4 - 2 * (value[:-2, 1:-1] + value[2:, 1:-1] + value[1:-1, :-2] + value[1:-1, 2:])
    step += value[:-2, :-2] + value[:-2, 2:] + value[2:, :-2] + value[2:, 2:]
    return float(np.median(np.abs(step)) / 0.6745 / 6)


def _cleaned(ink: Floats, least: int) -> Floats:
    """Return ink without specks of fewer pixels than ``least``, and its pinholes filled."""
    from scipy.ndimage import label

    mask = ink >= 0.5
    eight = np.ones((3, 3))
    pieces, count = label(mask, structure=eight)
    if count:
        sizes = np.bincount(pieces.ravel())
        keep = sizes >= min(least, sizes[1:].max())
        keep[0] = True
        ink = np.where(keep[pieces], ink, 0.0)
    holes, count = label(ink < 0.5)
    if count > 1:
        sizes = np.bincount(holes.ravel())
        ink = np.where((sizes < least)[holes] & (ink < 0.5), 1.0, ink)
    return ink


def _without_frame(ink: Floats) -> Floats:
    """Return ink without thin straight lines that run along the picture from side to side, such as a box's frame."""
    from scipy.ndimage import binary_opening, maximum_filter1d, minimum_filter1d

    mask = ink >= 0.5
    lines = np.zeros_like(mask)
    for axis in (0, 1):
        long = max(12, round(0.72 * mask.shape[axis]))
        run = maximum_filter1d(minimum_filter1d(mask, long, axis=axis, mode="constant"), long, axis=axis)
        if not run.any():
            continue
        # A line as thick as a stroke is a stroke.
        wide = max(3, round(0.03 * mask.shape[1 - axis]))
        thin = run & ~binary_opening(mask, structure=np.ones((1, wide) if axis == 0 else (wide, 1)))
        whole = thin.sum(axis=axis, keepdims=True) > 0.6 * run.sum(axis=axis, keepdims=True)
        lines |= thin & whole
    return np.where(lines, 0.0, ink)
