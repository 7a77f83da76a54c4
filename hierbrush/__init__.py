"""Chinese characters written with a simulated brush, stroke by stroke.

>>> import hierbrush
>>> writing = hierbrush.write_character("永")  # doctest: +SKIP
>>> writing.save("yong.png")  # doctest: +SKIP

Importing the package loads nothing heavy, NumPy included; each name below is imported when it is first used. Gymnasium
knows the environments (``gymnasium.make("hierbrush/Stroke-v0")``) once both packages are imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hierbrush.lazy_names import lazy_names
from hierbrush.registration import register_with_gymnasium

if TYPE_CHECKING:
    from hierbrush.errors import HierbrushError
    from hierbrush.ink import Ink, InkStone
    from hierbrush.sim import BrushModel
    from hierbrush.styles.style import Style
    from hierbrush.writing import (
        GcodeOptions,
        Layout,
        MotionLimits,
        Page,
        Writing,
        WritingInterrupted,
        load,
        write_character,
        write_characters,
        write_pages,
        write_picture,
        write_text,
    )

__version__ = "0.1.0"

__all__ = [
    "BrushModel",
    "GcodeOptions",
    "HierbrushError",
    "Ink",
    "InkStone",
    "Layout",
    "MotionLimits",
    "Page",
    "Style",
    "Writing",
    "WritingInterrupted",
    "__version__",
    "load",
    "write_character",
    "write_characters",
    "write_pages",
    "write_picture",
    "write_text",
]


register_with_gymnasium()


__getattr__ = lazy_names(
    __name__,
    {
        "hierbrush.errors": ("HierbrushError",),
        "hierbrush.ink": ("Ink", "InkStone"),
        "hierbrush.sim": ("BrushModel",),
        "hierbrush.styles.style": ("Style",),
        "hierbrush.writing": (
            "GcodeOptions",
            "Layout",
            "MotionLimits",
            "Page",
            "Writing",
            "WritingInterrupted",
            "load",
            "write_character",
            "write_characters",
            "write_pages",
            "write_picture",
            "write_text",
        ),
    },
)


def __dir__() -> list[str]:
    return __all__
