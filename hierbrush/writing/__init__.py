"""Write characters: the brush movement, the ink it leaves, and files of both."""

from __future__ import annotations

from hierbrush.sim import BOX
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
