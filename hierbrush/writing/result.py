"""What writing returns: one character (`Writing`) or several on one paper (`Page`), with the same interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component
from hierbrush.errors import HierbrushError, closest
from hierbrush.files import write_atomically
from hierbrush.metrics import SIDE, Scores, score, stroke_iou
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.writing.layout import Layout
from hierbrush.writing.levels import LevelScores, composer_scores, stroke_box
from hierbrush.writing.pens import BrushPen, draw_paths
from hierbrush.writing.plan import Plan
from hierbrush.writing.trajectory import MotionLimits, compose

if TYPE_CHECKING:
    from hierbrush.writing.exports.gcode import GcodeOptions

BOX = 0.12
"""Side of the character box in metres, in which every character is written before a layout scales it."""

_T = TypeVar("_T", bound=np.generic)

SUFFIXES = (".png", ".svg", ".gif", ".json", ".npz", ".gcode")

_SIZES = (32, 1024)
_MOST_PIXELS = 64_000_000


@dataclass(frozen=True, eq=False)
class WrittenStroke:
    """One stroke as it was wanted and as the brush moved for it.

    ``goal`` is what the policy saw; ``reference`` float32 ``[n, 2]`` the outline in the unit box which alone is used
    for scoring: the glyph's, or the goal's if the stroke was composed; ``path`` float64 ``[n, 3]`` the handle in metres
    in the character box, two rows a control tick; ``span`` the rows of the trajectory that are this path.
    """

    goal: StrokeGoal
    reference: NDArray[np.float32]
    path: NDArray[np.float64]
    brush: BrushModel
    span: slice

    @property
    def stroke_type(self) -> str:
        """Abbreviation of the stroke's type, such as ``"HZG"``."""
        return self.goal.stroke_type

    @cached_property
    def iou(self) -> float:
        """IoU of this stroke's own ink with its reference, on the 256 × 256 raster of the character box."""
        return stroke_iou(trace(self.brush, [self.path], side=SIDE, box=BOX), rasterise([self.reference], SIDE))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WrittenStroke):
            return NotImplemented
        return (
            self.stroke_type == other.stroke_type
            and self.brush == other.brush
            and all(
                np.array_equal(mine, theirs)
                for mine, theirs in (
                    (self.path, other.path),
                    (self.reference, other.reference),
                    (self.goal.skeleton, other.goal.skeleton),
                    (self.goal.half_width, other.goal.half_width),
                    (self.goal.outline, other.goal.outline),
                )
            )
        )

    __hash__ = None  # type: ignore[assignment]  # compared by its arrays


class Cell(NamedTuple):
    """A character on a paper: its writing and the top left corner and side of its box in metres."""

    writing: Writing
    x: float
    y: float
    side: float


class Sheet(ABC):
    """Paper with writing on it: what `Writing` and `Page` have in common.

    ``text`` is what stands on it, ``width`` and ``height`` are the paper's in metres, ``cells`` the characters in
    reading order.
    """

    text: str
    brush: BrushModel
    goal: str
    policy: str
    seed: int
    motion: MotionLimits
    width: float
    height: float
    cells: tuple[Cell, ...]

    @cached_property
    def paths(self) -> tuple[NDArray[np.float64], ...]:
        """Handle path of every stroke on this paper, float64 ``[n, 3]`` in metres, in writing order."""
        return tuple(
            stroke_path * (cell.side / BOX) + [cell.x, cell.y, 0.0]
            for cell in self.cells
            for stroke_path in cell.writing.stroke_paths
        )

    @cached_property
    def _movement(self) -> tuple[NDArray[np.void], tuple[slice, ...]]:
        return compose(self.paths, self.width, self.height, self.motion)

    @property
    def trajectory(self) -> NDArray[np.void]:
        """The whole movement with time: see `hierbrush.writing.TRAJECTORY` for the columns."""
        return self._movement[0]

    @abstractmethod
    def image(self, size: int = 256) -> NDArray[np.float32]:
        """Return the ink, 1 = ink and 0 = paper, with a character box ``size`` pixels wide."""

    def draw(self, pen: BrushPen) -> None:
        """Tell ``pen`` the movement of every stroke, in metres on this paper."""
        draw_paths(self.paths, pen)

    def save(self, path: str | PathLike[str], *, size: int | None = None, gcode: GcodeOptions | None = None) -> Path:
        """Write a file of the kind its suffix names: png, svg, gif, json, npz or gcode.

        ``size`` is the pixels of a character box in png (256 unless told otherwise) and gif (240); ``gcode`` the
        options of a machine. JSON and npz load back with `load`.

        Raises:
            HierbrushError: an unknown suffix, an option that the kind of file does not take, a size or a machine that
                does not fit, or a file that cannot be written.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        check_suffix(target)
        if size is not None and suffix not in (".png", ".gif"):
            raise HierbrushError(f"size: {suffix[1:]} files have no pixels; only png and gif take a size")
        if gcode is not None and suffix != ".gcode":
            raise HierbrushError(f"gcode: {suffix[1:]} files take no G-code options; save as .gcode")
        content = self._encode(suffix, size, gcode)
        write_atomically(target, content)
        return target

    def _encode(self, suffix: str, size: int | None, options: GcodeOptions | None) -> bytes:
        # Imported here so that a PNG costs no Shapely and a JSON file no Pillow.
        if suffix == ".png":
            from hierbrush.writing.exports import png

            return png.render(self, 256 if size is None else size)
        if suffix == ".svg":
            from hierbrush.writing.exports import svg

            return svg.render(self).encode()
        if suffix == ".gif":
            from hierbrush.writing.exports import gif

            return gif.render(self, 240 if size is None else size)
        if suffix == ".gcode":
            from hierbrush.writing.exports import gcode

            return gcode.render(self, options or gcode.GcodeOptions()).encode()
        from hierbrush.writing.exports import archive

        return archive.to_json(self) if suffix == ".json" else archive.to_npz(self)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read back what ``save`` wrote as JSON or npz.

        Raises:
            HierbrushError: the file cannot be read, is damaged, or holds the other kind of sheet.
        """
        from hierbrush.writing.exports import archive

        sheet = archive.load(path)
        if not isinstance(sheet, cls):
            raise HierbrushError(
                f"path: {str(path)!r} holds a {type(sheet).__name__}, not a {cls.__name__}; "
                f"use {type(sheet).__name__}.load or hierbrush.load"
            )
        return sheet

    def _repr_png_(self) -> bytes:
        from hierbrush.writing.exports import png

        return png.render(self, 256)

    def _repr_svg_(self) -> str:
        from hierbrush.writing.exports import svg

        return svg.render(self, longest=480)


class Writing(Sheet):
    """One character as the brush wrote it; the paper is the character box.

    ``strokes`` are in writing order; ``goal``, ``composer``, ``policy``, ``seed`` and ``brush`` say how it was written,
    ``motion`` how fast the arm may be.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        brush: BrushModel,
        goal: str,
        policy: str,
        seed: int,
        stroke_paths: Sequence[NDArray[np.float64]],
        motion: MotionLimits | None = None,
    ) -> None:
        self.text = plan.char
        self.plan = plan
        self.motion = motion or MotionLimits()
        self.brush, self.goal, self.policy, self.seed = brush, goal, policy, seed
        self.width = self.height = BOX
        self.cells = (Cell(self, 0.0, 0.0, BOX),)
        self.stroke_paths = tuple(_frozen(np.array(path, np.float64)) for path in stroke_paths)

    @property
    def char(self) -> str:
        """The character, or the description that it was composed from."""
        return self.text

    @property
    def composer(self) -> str:
        """Who decided order, places and shapes of the strokes; "" if they are the glyph's."""
        return self.plan.composer

    @property
    def confidence(self) -> float | None:
        """How surely this is the character asked for, 0 to 1.

        1 for a glyph; for the learned composer the share of like characters whose ink was nearest to the right one of
        thousands, see `hierbrush.composer.descriptions.confidence_of`.

        None where nobody has measured it: for a description, and for another composer.
        """
        if not self.composer:
            return 1.0
        if self.composer != "learned" or len(self.char) != 1:
            return None
        from hierbrush.composer.descriptions import confidence_of

        return confidence_of(self.char)

    @property
    def decomposition(self) -> Component:
        """The component tree that was composed; its strokes are numbers of `strokes`."""
        return self.plan.decomposition

    @property
    def order(self) -> tuple[int, ...] | None:
        """For every stroke written its number in the right order; None for a character without a glyph."""
        return self.plan.order

    @cached_property
    def boxes(self) -> NDArray[np.float64]:
        """Where the strokes were wanted, in writing order: centre x, y, width, height in the unit box, ``[s, 4]``."""
        return np.array([stroke_box(goal.outline) for goal in self.plan.goals])

    @cached_property
    def levels(self) -> LevelScores:
        """The scores of the composer, of the primitives and of the whole, each by itself."""
        glyph, order = self.plan.glyph, self.plan.order
        composed = composer_scores(self.boxes, order, glyph) if self.composer and glyph and order else None
        # Where the glyph is the goal, the two are the same comparison.
        primitive = score(self._ink, rasterise(self.plan.references, SIDE)) if self.composer else self.scores
        return LevelScores(composed, primitive, self.scores if glyph else None)

    @cached_property
    def strokes(self) -> tuple[WrittenStroke, ...]:
        """The strokes in writing order."""
        return tuple(
            WrittenStroke(goal, reference, path, self.brush, span)
            for goal, reference, path, span in zip(
                self.plan.goals, self.plan.references, self.stroke_paths, self._movement[1], strict=True
            )
        )

    @cached_property
    def scores(self) -> Scores:
        """IoU, XOR/area and Chamfer distance of the ink with the glyph, on the 256 × 256 raster.

        Raises:
            HierbrushError: the character was described and has no glyph; `levels` has what can be scored.
        """
        if self.plan.glyph is None:
            raise HierbrushError(f"scores: {self.char!r} has no glyph to compare with; levels.primitive has its goals")
        return score(self._ink, rasterise(self.plan.glyph, SIDE))

    @cached_property
    def _ink(self) -> NDArray[np.float32]:
        return _frozen(self.image(SIDE))

    def image(self, size: int = 256) -> NDArray[np.float32]:
        """Return the ink, float32 ``[size, size]``, 1 = ink and 0 = paper: the character box exactly.

        Raises:
            HierbrushError: ``size`` is no whole number from 32 to 1024.
        """
        return trace(self.brush, self.stroke_paths, side=check_size(size), box=BOX)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Writing):
            return NotImplemented
        return _identity(self) == _identity(other) and self.strokes == other.strokes

    __hash__ = None  # type: ignore[assignment]  # compared by its arrays

    def __repr__(self) -> str:
        return f"<Writing {self.char!r}: {len(self.stroke_paths)} strokes, policy {self.policy!r}>"


class Page(Sheet):
    """Several characters on one paper: a sequence of their `Writing`."""

    def __init__(self, text: str, writings: Sequence[Writing], layout: Layout) -> None:
        if not writings:
            raise HierbrushError("text: is empty, expected Chinese characters such as '永和九年'")
        self.text, self.layout = text, layout
        first = writings[0]
        self.brush, self.goal, self.policy, self.seed = first.brush, first.goal, first.policy, first.seed
        self.motion = first.motion
        self.width, self.height, corners = layout.place([len(line) for line in layout.lines(text)])
        self.cells = tuple(Cell(writing, x, y, layout.cell) for writing, (x, y) in zip(writings, corners, strict=True))

    def image(self, size: int = 256) -> NDArray[np.float32]:
        """Return the ink of the whole paper, float32 ``[height, width]``, 1 = ink and 0 = paper.

        A character box is ``size`` pixels wide and starts at a whole pixel, so that each box equals its `Writing`'s
        own image.

        Raises:
            HierbrushError: ``size`` is no whole number from 32 to 1024, or the picture would pass 64 million pixels.
        """
        scale = check_size(size) / self.layout.cell
        corners = [pixel_corner(cell, size) for cell in self.cells]
        # Rounding may push the last box half a pixel past the paper's own rounded edge.
        rows = max(round(self.height * scale), *(top + size for top, _ in corners))
        columns = max(round(self.width * scale), *(left + size for _, left in corners))
        if rows * columns > _MOST_PIXELS:
            raise HierbrushError(
                f"size: {size} makes a picture of {columns} x {rows} pixels, more than {_MOST_PIXELS:,}; ask for less"
            )
        sheet = np.zeros((rows, columns), np.float32)
        for cell, (top, left) in zip(self.cells, corners, strict=True):
            sheet[top : top + size, left : left + size] = cell.writing.image(size)
        return sheet

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, index: int) -> Writing:
        return self.cells[index].writing

    def __iter__(self) -> Iterator[Writing]:
        return (cell.writing for cell in self.cells)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Page):
            return NotImplemented
        return self.text == other.text and self.layout == other.layout and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # compared by its arrays

    def __repr__(self) -> str:
        return f"<Page {self.text!r}: {len(self)} characters on {self.width:.3f} x {self.height:.3f} m>"


def pixel_corner(cell: Cell, size: int) -> tuple[int, int]:
    """Return the row and column where a cell's box starts when boxes are ``size`` pixels wide."""
    scale = size / cell.side
    return round(cell.y * scale), round(cell.x * scale)


def check_suffix(path: Path) -> None:
    """Raise HierbrushError unless the suffix names a kind of file that ``save`` writes."""
    if path.suffix.lower() not in SUFFIXES:
        what = f"unknown suffix {path.suffix!r}" if path.suffix else "no suffix"
        hint = closest(path.suffix.lower(), list(SUFFIXES)) if path.suffix else ""
        raise HierbrushError(f"path: {str(path)!r} has {what}, expected one of {', '.join(SUFFIXES)}{hint}")


def check_size(size: int) -> int:
    """Return ``size`` if it is a paper's side that can be rendered.

    Raises:
        HierbrushError: it is no whole number from 32 to 1024.
    """
    low, high = _SIZES
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or not low <= size <= high:
        raise HierbrushError(f"size: must be a whole number of pixels from {low} to {high}, not {size!r}")
    return int(size)


def _frozen(array: NDArray[_T]) -> NDArray[_T]:
    array.flags.writeable = False
    return array


def _identity(writing: Writing) -> tuple[object, ...]:
    plan = writing.plan
    told = plan.char, plan.composer, plan.decomposition, plan.order, plan.unknown
    glyph = None if plan.glyph is None else [outline.tolist() for outline in plan.glyph]
    return told, glyph, writing.brush, writing.goal, writing.policy, writing.seed, writing.motion
