"""Write characters: the brush movement, the ink it leaves, and files of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hierbrush.lazy_names import lazy_names

if TYPE_CHECKING:
    from hierbrush.box import BOX
    from hierbrush.writing.exports.gcode import GcodeOptions
    from hierbrush.writing.layout import Layout
    from hierbrush.writing.levels import ComposerScores, LevelScores
    from hierbrush.writing.outputs import load
    from hierbrush.writing.paper import Cell
    from hierbrush.writing.pens import BrushPen, RecordingPen
    from hierbrush.writing.result import Page, Sheet, Writing, WrittenStroke
    from hierbrush.writing.trajectory import TRAJECTORY, MotionLimits
    from hierbrush.writing.write import (
        WritingInterrupted,
        write_character,
        write_characters,
        write_pages,
        write_picture,
        write_text,
    )

__all__ = [
    "BOX",
    "TRAJECTORY",
    "BrushPen",
    "Cell",
    "ComposerScores",
    "GcodeOptions",
    "Layout",
    "LevelScores",
    "MotionLimits",
    "Page",
    "RecordingPen",
    "Sheet",
    "Writing",
    "WritingInterrupted",
    "WrittenStroke",
    "load",
    "write_character",
    "write_characters",
    "write_pages",
    "write_picture",
    "write_text",
]

# The command line asks what kinds of file there are, and must not wait for all of writing to be loaded.
__getattr__ = lazy_names(
    __name__,
    {
        "hierbrush.box": ("BOX",),
        "hierbrush.writing.exports.gcode": ("GcodeOptions",),
        "hierbrush.writing.layout": ("Layout",),
        "hierbrush.writing.levels": ("ComposerScores", "LevelScores"),
        "hierbrush.writing.outputs": ("load",),
        "hierbrush.writing.paper": ("Cell",),
        "hierbrush.writing.pens": ("BrushPen", "RecordingPen"),
        "hierbrush.writing.result": ("Page", "Sheet", "Writing", "WrittenStroke"),
        "hierbrush.writing.trajectory": ("TRAJECTORY", "MotionLimits"),
        "hierbrush.writing.write": (
            "WritingInterrupted",
            "write_character",
            "write_characters",
            "write_pages",
            "write_picture",
            "write_text",
        ),
    },
)
