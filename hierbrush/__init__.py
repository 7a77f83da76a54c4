"""Chinese characters written with a simulated brush, stroke by stroke.

>>> import hierbrush
>>> writing = hierbrush.write_character("永")  # doctest: +SKIP
>>> writing.save("yong.png")  # doctest: +SKIP

Importing the package loads nothing heavy, NumPy included; each name below is imported when it is first used. Gymnasium
knows the environments (``gymnasium.make("hierbrush/Stroke-v0")``) once both packages are imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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

_HOMES = {
    "BrushModel": "hierbrush.sim",
    "GcodeOptions": "hierbrush.writing",
    "HierbrushError": "hierbrush.errors",
    "Ink": "hierbrush.ink",
    "InkStone": "hierbrush.ink",
    "Layout": "hierbrush.writing",
    "MotionLimits": "hierbrush.writing",
    "Page": "hierbrush.writing",
    "Style": "hierbrush.styles.style",
    "Writing": "hierbrush.writing",
    "WritingInterrupted": "hierbrush.writing",
    "load": "hierbrush.writing",
    "write_character": "hierbrush.writing",
    "write_characters": "hierbrush.writing",
    "write_pages": "hierbrush.writing",
    "write_picture": "hierbrush.writing",
    "write_text": "hierbrush.writing",
}

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


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
