"""Moving pictures from single ones: GIF always, MP4 where a library for it is installed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from hierbrush.errors import extra_needed

CLIPS = ("gif", "mp4")
_LAST_SECONDS = 2.5
_COLOURS = 48


def clip(kind: str, pictures: Iterable[Image.Image], seconds: float) -> bytes:
    """Return a film of RGB pictures of one size.

    Args:
        kind: ``"gif"`` or ``"mp4"``.
        pictures: one at least.
        seconds: that each is seen; the last one stays longer.

    Raises:
        HierbrushError: MP4 is asked for and imageio-ffmpeg, which ``hierbrush[render]`` brings, is not installed.
    """
    return _gif(list(pictures), seconds) if kind == "gif" else _mp4(list(pictures), seconds)


def _gif(pictures: list[Image.Image], seconds: float) -> bytes:
    # One palette for all: pictures that differ little then differ in few bytes. The last has every colour.
    palette = pictures[-1].quantize(_COLOURS, method=Image.Quantize.MEDIANCUT)
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    file = BytesIO()
    shown = [round(seconds * 1e3)] * (len(frames) - 1) + [round(_LAST_SECONDS * 1e3)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=shown, loop=0, optimize=False)
    return file.getvalue()


def _mp4(pictures: list[Image.Image], seconds: float) -> bytes:
    with extra_needed("mp4:", "render", "; or save as .gif"):
        import imageio_ffmpeg
    # The encoder wants even sides, and writes to a file of its own.
    width, height = (side - side % 2 for side in pictures[0].size)
    rate = 1 / seconds
    still = round(_LAST_SECONDS * rate)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "clip.mp4"
        writer = imageio_ffmpeg.write_frames(str(place), (width, height), fps=rate, macro_block_size=2)
        writer.send(None)
        for picture in [*pictures, *[pictures[-1]] * still]:
            writer.send(np.ascontiguousarray(np.asarray(picture)[:height, :width]).tobytes())
        writer.close()
        return place.read_bytes()
