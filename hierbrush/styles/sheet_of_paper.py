"""A sheet of paper that lies on something dark, as photographs have it: what lies around it is no writing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_COARSE = 200
_LEAST, _MOST = 0.12, 0.93
"""Share of the picture that the sheet takes."""

_PAPER = 0.62
"""Share of the sheet that is paper at least: a light 口 on a dark rubbing has less."""

_STRAIGHT = 0.93
"""Share of the sheet's convex hull that it fills at least."""

_EDGE = 0.012
"""Of the sheet's side that is left out with the table: the paper's edge is dark."""


def on_sheet(value: Floats) -> Floats:
    """Return the lightness [h, w] of the part of a picture that is a light sheet on a dark ground; else all of it."""
    from scipy.ndimage import binary_erosion
    from skimage.transform import resize

    step = max(1, max(value.shape) // _COARSE)
    rows, columns = (extent // step for extent in value.shape)
    small = value[: rows * step, : columns * step].reshape(rows, step, columns, step).mean(axis=(1, 3))
    sheet = _sheet(small)
    if sheet is None:
        return value
    inner = binary_erosion(sheet, iterations=1 + round(_EDGE * max(small.shape)))
    paper = float(np.quantile(small[inner], 0.75))
    whole = np.asarray(resize(inner.astype(np.float64), value.shape, order=1, mode="edge")) > 0.5
    row, column = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
    box = slice(row[0], row[-1] + 1), slice(column[0], column[-1] + 1)
    return np.where(whole[box], value[box], paper)


def _sheet(small: Floats) -> Mask | None:
    """Return where the sheet is, None if the picture shows no table around one."""
    from scipy.ndimage import binary_fill_holes, label
    from skimage.filters import threshold_otsu
    from skimage.morphology import convex_hull_image

    if np.ptp(small) < 0.15:
        return None
    light = small > threshold_otsu(small)
    if np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]]).mean() > 0.35:
        return None
    pieces, count = label(light)
    if not count:
        return None
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    largest = pieces == sizes.argmax()
    sheet: Mask = binary_fill_holes(largest)
    share = float(sheet.mean())
    if not _LEAST < share < _MOST or light[sheet].mean() < _PAPER or not (~light[sheet]).any():
        return None
    return sheet if sheet.sum() >= _STRAIGHT * convex_hull_image(sheet).sum() else None
