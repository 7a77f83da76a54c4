"""Pixels of picture files, as people have them: any depth and kind of colour, transparent, turned, in several pages."""

from __future__ import annotations

import warnings
from io import BytesIO
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array, check_path
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import MIB, read_whole

MOST_PIXELS = 60_000_000
LARGEST = 2400
"""Pixels of the longer side beyond which a picture is made smaller before it is read."""

_LIGHT = 150
"""Grey level of 255 above which all of what is not transparent is light ink, which white paper would hide."""

Source = str | PathLike[str] | NDArray[Any]


def read_pixels(picture: Source, *, argument: str = "picture") -> NDArray[np.uint8]:
    """Return a picture's pixels, uint8 [h, w] or [h, w, 3], 0 = black.

    What is transparent is white, or black if what is not is light throughout. Of several pages the first is read.

    Args:
        picture: a file, or uint8 [h, w], [h, w, 3] or [h, w, 4].
        argument: what the user knows ``picture`` as, for messages.

    Raises:
        HierbrushError: it is no picture that can be read, or is too large.
    """
    if isinstance(picture, str | PathLike):
        return _from_file(picture, argument)
    expected = "a path, or uint8 [h, w], [h, w, 3] or [h, w, 4] with 0 = black"
    array = check_array(argument, picture, None, expected, dtype=None)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise HierbrushError(f"{argument}: {array.dtype} of shape {array.shape}, expected {expected}")
    return array[..., :3] if array.ndim == 3 else array


def _from_file(path: str | PathLike[str], argument: str) -> NDArray[np.uint8]:
    content = read_whole(check_path(argument, path), most=256 * MIB, argument=argument)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what it reads all the same
            pixels, pages = _decoded(content, f"{argument}: {shown(path)}")
    except HierbrushError:
        raise
    except Exception as error:  # Pillow raises what its decoders happen to meet
        raise HierbrushError(f"{argument}: cannot read {shown(path)}: {_why(error)}") from None
    if pages > 1:
        warnings.warn(f"{argument}: {shown(path)} has {pages} pictures; the first is read", stacklevel=2)
    return pixels


def _why(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    return "it is no picture" if isinstance(error, UnidentifiedImageError) else f"it is no picture ({error})"


def _decoded(content: bytes, name: str) -> tuple[NDArray[np.uint8], int]:
    """Return the pixels of the first page, and how many pages there are."""
    from PIL import Image, ImageOps

    most = f"expected at most {MOST_PIXELS // 1_000_000} million"
    try:
        opened = Image.open(BytesIO(content))
    except Image.DecompressionBombError:
        raise HierbrushError(f"{name} has more pixels than can be read, {most}") from None
    if opened.width * opened.height > MOST_PIXELS:
        raise HierbrushError(f"{name} has {opened.width} x {opened.height} pixels, {most}")
    pages = int(getattr(opened, "n_frames", 1))
    picture = ImageOps.exif_transpose(opened)
    if min(picture.size) < 8:
        raise HierbrushError(f"{name} is {picture.width} x {picture.height} pixels, expected 8 or more a side")
    if picture.mode.startswith(("I", "F")):
        picture = Image.fromarray(_levelled(np.asarray(picture, np.float64)))
    if picture.has_transparency_data:
        picture = _on_paper(picture.convert("RGBA"))
    picture = picture.convert("RGB")
    if max(picture.size) > LARGEST:
        picture.thumbnail((LARGEST, LARGEST), Image.Resampling.BOX)
    return np.asarray(picture), pages


def _on_paper(picture: Any) -> Any:
    """Return a transparent picture on paper from which its ink stands out."""
    from PIL import Image

    solid = np.asarray(picture.convert("RGB").convert("L"))[np.asarray(picture.getchannel("A")) > 127]
    light = len(solid) > 0 and float(np.quantile(solid, 0.02)) > _LIGHT
    return Image.alpha_composite(Image.new("RGBA", picture.size, "black" if light else "white"), picture)


def _levelled(deep: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return deep grey levels as 255, from the darkest to the lightest; NaN is as the darkest."""
    known = deep[np.isfinite(deep)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    share = np.clip((np.nan_to_num(deep, nan=low) - low) / max(high - low, 1e-9), 0.0, 1.0)
    levels: NDArray[np.uint8] = np.round(share * 255).astype(np.uint8)
    return levels
