"""How wide strokes are written: overlap pays for bold ink, so every table says how bold it was."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array


def stroke_width(ink: NDArray[np.floating] | NDArray[np.bool_]) -> float:
    """Return the mean half-width of ink in pixels: its Euclidean distance transform, averaged over its skeleton.

    Args:
        ink: [h, w], coverage of which at least one half counts, or bool.

    Where strokes cross or run into one another the skeleton is shared and lies deeper, so ink that closes up counts as
    bold. NaN without ink.

    Raises:
        HierbrushError: ``ink`` is no raster.
    """
    ink = check_array("ink", ink, (None, None), "a raster [h, w]", dtype=None)
    # Imported here, for only tables need them.
    from scipy.ndimage import distance_transform_edt
    from skimage.morphology import skeletonize

    inked = ink >= 0.5
    # A frame, or ink that reaches the edge would count as if it ended nowhere.
    framed = np.pad(inked, 1)
    skeleton = skeletonize(framed)
    return float(distance_transform_edt(framed)[skeleton].mean()) if skeleton.any() else float("nan")
