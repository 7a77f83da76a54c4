"""What writing returns: one character (`Writing`) or several on one paper (`Page`), with the same interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_kind, check_list, check_path, check_whole
from hierbrush.characters import Component
from hierbrush.errors import HierbrushError, extra_needed, shown
from hierbrush.files import write_atomically
from hierbrush.ink.model import MOST_SEED, ink_of
from hierbrush.ink.stone import InkStone
from hierbrush.metrics import SIDE, Scores, score, stroke_iou
from hierbrush.options import options_of
from hierbrush.sim import BOX, BrushModel, rasterise, trace
from hierbrush.sources import Plan, kind
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.writing import outputs
from hierbrush.writing.layout import Layout, layout_of
from hierbrush.writing.levels import LevelScores, composer_scores, stroke_box
from hierbrush.writing.outputs import Output, kind_of
from hierbrush.writing.paper import Cell, Paper, check_size, picture_shape, pixel_corner
from hierbrush.writing.passage import BLANK
from hierbrush.writing.pens import BrushPen, draw_paths
from hierbrush.writing.trajectory import MotionLimits, compose

if TYPE_CHECKING:
    from hierbrush.arms import Arm
    from hierbrush.writing.on_arm import ArmSheet

_T = TypeVar("_T", bound=np.generic)

_MOST_PLAYED = 60  # characters of a sheet that plays in a notebook, at some 10 kB each


@dataclass(frozen=True, eq=False)
class WrittenStroke:
    """One stroke as it was wanted and as the brush moved for it.

    ``goal`` is what the policy saw; ``reference`` float32 ``[n, 2]`` the outline in the unit box which alone is used
    for scoring: the glyph's, or the goal's if the stroke was composed; ``path`` float64 ``[n, 3]`` the handle in metres
    in the character box, two rows a control tick; ``span`` the rows of the trajectory that are this path;
    ``start`` where the tip pointed before, [2], where it was not as a dip leaves it.
    """

    goal: StrokeGoal
    reference: NDArray[np.float32]
    path: NDArray[np.float64]
    brush: BrushModel
    span: slice
    start: NDArray[np.float64] | None = None

    @property
    def stroke_type(self) -> str:
        """Abbreviation of the stroke's type, such as ``"HZG"``."""
        return self.goal.stroke_type

    @cached_property
    def iou(self) -> float:
        """IoU of this stroke's own ink with its reference, on the 256 × 256 raster of the character box."""
        starts = None if self.start is None else [self.start]
        ink = trace(self.brush, [self.path], side=SIDE, box=BOX, directions=starts)
        return stroke_iou(ink, rasterise([self.reference], SIDE))

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

    def __repr__(self) -> str:
        return f"<WrittenStroke {self.stroke_type}: {len(self.path)} rows, {self.span.start} to {self.span.stop}>"


class Sheet(ABC):
    """Paper with writing on it: what `Writing` and `Page` have in common.

    ``text`` is what stands on it, ``width`` and ``height`` are the paper's in metres, ``cells`` the characters in
    reading order. ``grid`` names the boxes drawn beneath (see `Layout`) and ``grid_boxes`` are their top left corners.
    """

    text: str
    brush: BrushModel
    goal: str
    policy: str
    seed: int
    motion: MotionLimits
    stone: InkStone | None
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
        return compose(self.paths, self.width, self.height, self.motion, self.dips, self.stone)

    @property
    def dips(self) -> tuple[bool, ...]:
        """Whether the brush is dipped before each stroke on this paper, in writing order."""
        return tuple(dip for cell in self.cells for dip in cell.writing.stroke_dips)

    @property
    def trajectory(self) -> NDArray[np.void]:
        """The whole movement with time: see `hierbrush.writing.TRAJECTORY` for the columns."""
        return self._movement[0]

    @abstractmethod
    def image(self, size: int = 256, ink: object = None) -> NDArray[np.float32]:
        """Return the ink, 1 = ink and 0 = paper, with a character box ``size`` pixels wide."""

    grid: str | None = None
    grid_boxes: Sequence[tuple[float, float]] = ()

    @property
    def paper(self) -> Paper:
        """The paper and where the characters' boxes stand on it."""
        return Paper(self.width, self.height, self.cells[0].side, [(cell.x, cell.y) for cell in self.cells])

    def draw(self, pen: BrushPen) -> None:
        """Tell ``pen`` the movement of every stroke, in metres on this paper.

        Raises:
            HierbrushError: ``pen`` lacks one of a pen's four methods.
        """
        draw_paths(self.paths, pen, self.dips, self.stone)

    def on(
        self,
        arm: Arm | Mapping[str, Any] | str = "ur5e",
        *,
        lift: float = 0.0,
        progress: Callable[[float], object] | None = None,
    ) -> ArmSheet:
        """Return this writing on a robot arm: its joints over time, see `hierbrush.arms`.

        Args:
            arm: ``"ur5e"``, ``"so101"``, the path of an arm's MJCF or URDF, an `Arm`, or a mapping of its fields.
            lift: metres by which all of the movement is raised, so that nothing touches: a dry run.
            progress: is called with the share that was planned since the last call.

        Raises:
            HierbrushError: MuJoCo is missing, or the arm cannot write all of this; the message names the character, the
                axis, and where the paper would have to lie.
        """
        with extra_needed("arm:", "arm"):
            from hierbrush.writing.on_arm import on_arm
        return on_arm(self, arm, lift, progress)

    @overload
    def save(self, path: str | PathLike[str], *, format: str | None = None, **options: Any) -> Path: ...

    @overload
    def save(self, path: BinaryIO, *, format: str, **options: Any) -> None: ...

    def save(
        self,
        path: str | PathLike[str] | BinaryIO,
        *,
        format: str | None = None,  # noqa: A002  # as in Pillow and Matplotlib
        **options: Any,
    ) -> Path | None:
        """Write a file of the kind that its suffix names, such as png, svg, pdf, gif, json, npz or gcode.

        There is either the old file or the whole new one. JSON and npz load back with `load`.

        Args:
            path: name of the file, or a binary file that is open for writing.
            format: the kind of file where it is not the suffix; needed for an open file.
            **options: what the kind can be told (docs/formats.md): ``size``, pixels of a character box in png (256
                unless told otherwise) and gif (240); ``ink``, as for `image`, in png, gif and pdf; ``gcode``, the
                machine, as `GcodeOptions` or as a mapping of its fields.

        Returns:
            The path; None for an open file.

        Raises:
            HierbrushError: an unknown kind, an option that the kind of file does not take, a size or a machine that
                does not fit, or a file that cannot be written.
        """
        if hasattr(path, "write"):
            _write_into(path, Output.of(kind_of(None, format), **options).render(self))
            return None
        target = check_path("path", path)
        write_atomically(target, Output.of(kind_of(target, format), **options).render(self))
        return target

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read back what ``save`` wrote as JSON or npz.

        Raises:
            HierbrushError: the file cannot be read, is damaged, or holds the other kind of sheet.
        """
        sheet = outputs.load(path)
        if not isinstance(sheet, cls):
            raise HierbrushError(
                f"path: {shown(path)} holds a {type(sheet).__name__}, not a {cls.__name__}; "
                f"use {type(sheet).__name__}.load or hierbrush.load"
            )
        return sheet

    def _repr_html_(self) -> str | None:
        """Play in a notebook; a long text shows itself as a picture, which is smaller."""
        from hierbrush.writing.exports import html

        return html.frame(self) if len(self.cells) <= _MOST_PLAYED else None

    def _repr_png_(self) -> bytes:
        return Output.of("png").render(self)

    def _repr_svg_(self) -> str:
        return Output.of("svg").export.render(self, longest=480).decode()


class Writing(Sheet):
    """One character as the brush wrote it; the paper is the character box.

    ``strokes`` are in writing order; ``goal``, ``composer``, ``policy``, ``seed`` and ``brush`` say how it was written,
    ``motion`` how fast the arm may be; ``stroke_dips`` before which strokes the brush was dipped, ``stone`` on which
    stone.

    Raises:
        HierbrushError: an argument of the wrong kind, or paths that are not those of the plan's strokes.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        brush: BrushModel,
        policy: str,
        seed: int,
        stroke_paths: Sequence[NDArray[np.float64]],
        motion: MotionLimits | Mapping[str, Any] | None = None,
        dips: Sequence[bool] | None = None,
        stone: InkStone | Mapping[str, Any] | None = None,
    ) -> None:
        check_kind("plan", plan, Plan, "a Plan")
        check_kind("brush", brush, BrushModel, "a BrushModel")
        check_kind("policy", policy, str, "the name of a policy")
        self.text = plan.char
        self.plan = plan
        self.motion = options_of("motion", MotionLimits, motion)
        self.brush, self.goal, self.policy = brush, plan.source, policy
        self.seed = check_whole("seed", seed, 0, MOST_SEED)
        self.width = self.height = BOX
        self.cells = (Cell(self, 0.0, 0.0, BOX),)
        self.stroke_paths = tuple(_frozen(path) for path in _checked_paths(stroke_paths, len(plan.goals)))
        self.stroke_dips = _checked_dips(dips, len(plan.goals))
        self.stone = None if stone is None else options_of("stone", InkStone, stone)

    @property
    def char(self) -> str:
        """The character, or the description that it was composed from."""
        return self.text

    @property
    def composer(self) -> str:
        """Who decided order, places and shapes of the strokes; "" if they are the glyph's."""
        return self.plan.composer

    @property
    def weight(self) -> float:
        """How many times as wide as is usual the strokes are."""
        return self.plan.weight

    @property
    def confidence(self) -> float | None:
        """How surely this is the character asked for, 0 to 1.

        1 for a glyph; for the learned composer the share of like characters whose ink was nearest to the right one of
        thousands, see `hierbrush.composer.descriptions.confidence_of`.

        None where nobody has measured it: for a description, and for another composer.
        """
        return kind(self.goal).confidence(self.plan)

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
        character = None if self._reference is None else self.scores
        if character is not None and self.plan.is_reference:  # the two are the same comparison
            return LevelScores(composed, character, character)
        return LevelScores(composed, score(self._ink, rasterise(self.plan.references, SIDE)), character)

    @cached_property
    def starts(self) -> tuple[NDArray[np.float64], ...] | None:
        """Where the tip pointed before each stroke, [2] each; None where each began as a dip leaves it."""
        if all(self.stroke_dips) and (self.stone is None or self.stone.strokes):
            return None
        from hierbrush.writing.inked import starts_of

        return starts_of(self.brush, self.stroke_paths, self.stroke_dips, self.stone)

    def stroke_ink(self, index: int, size: int) -> NDArray[np.float32]:
        """Return the ink of one stroke alone, float32 ``[size, size]``.

        Raises:
            HierbrushError: there is no such stroke, or ``size`` is no whole number from 32 to 1024.
        """
        index = check_whole("index", index, 0, len(self.stroke_paths) - 1)
        starts = None if self.starts is None else [self.starts[index]]
        return trace(self.brush, [self.stroke_paths[index]], side=check_size(size), box=BOX, directions=starts)

    @cached_property
    def strokes(self) -> tuple[WrittenStroke, ...]:
        """The strokes in writing order."""
        return tuple(
            WrittenStroke(goal, reference, path, self.brush, span, None if self.starts is None else self.starts[index])
            for index, (goal, reference, path, span) in enumerate(
                zip(self.plan.goals, self.plan.references, self.stroke_paths, self._movement[1], strict=True)
            )
        )

    @cached_property
    def scores(self) -> Scores:
        """IoU, XOR/area and Chamfer distance of the ink with the glyph or what was copied, on the 256 × 256 raster.

        Raises:
            HierbrushError: the character was described and has no glyph; `levels` has what can be scored.
        """
        if self._reference is None:
            raise HierbrushError(f"scores: {shown(self.char)} has no glyph to compare with; see levels.primitive")
        return score(self._ink, self._reference)

    @cached_property
    def _reference(self) -> NDArray[np.float32] | None:
        return self.plan.reference_ink()

    @cached_property
    def _ink(self) -> NDArray[np.float32]:
        return _frozen(self.image(SIDE))

    def image(self, size: int = 256, ink: object = None) -> NDArray[np.float32]:
        """Return the ink, float32 ``[size, size]``, 1 = ink and 0 = paper: the character box exactly.

        Args:
            size: pixels of its side, 32 to 1024.
            ink: an `Ink`, a mapping of its fields, or a preset's name: ``"wet"``, ``"dry"``, ``"fading"``, ``"sized"``,
                or ``"plain"``, which is the simulator's own and what is drawn unless told otherwise (docs/ink.md).

        Raises:
            HierbrushError: ``size`` is no whole number from 32 to 1024, or there is no such ink.
        """
        size, how = check_size(size), ink_of(ink)
        if how is None:
            return trace(self.brush, self.stroke_paths, side=size, box=BOX, directions=self.starts)
        from hierbrush.writing.inked import inked

        return inked(self.cells[0], size, how)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Writing):
            return NotImplemented
        return _identity(self) == _identity(other) and self.strokes == other.strokes

    __hash__ = None  # type: ignore[assignment]  # compared by its arrays

    def __repr__(self) -> str:
        strokes = len(self.stroke_paths)
        return f"<Writing {shown(self.char)}: {strokes} strokes, goal {self.goal}, policy {shown(self.policy)}>"


class Page(Sheet):
    """Several characters on one paper: a sequence of their `Writing`.

    Blank cells and line breaks of the text have none; a description stands in it in braces.

    Raises:
        HierbrushError: an argument of the wrong kind, an empty text, or writings that do not spell the text.
    """

    def __init__(self, text: str, writings: Iterable[Writing], layout: str | Layout | Mapping[str, Any]) -> None:
        check_kind("text", text, str, "a string of Chinese characters")
        self.text, self.layout = text, layout_of(layout)
        paper = self.layout.paper(text)
        units = [unit for row in self.layout.rows(text) for unit in row if unit != BLANK]
        written = _checked_writings(writings, units)
        first = written[0]
        self.brush, self.goal, self.policy, self.seed = first.brush, first.goal, first.policy, first.seed
        self.motion, self.stone = first.motion, first.stone
        self.width, self.height = paper.width, paper.height
        self.grid = self.layout.grid
        self.grid_boxes = self.layout.boxes(text) if self.grid else ()
        self.cells = tuple(
            Cell(writing, x, y, paper.cell) for writing, (x, y) in zip(written, paper.corners, strict=True)
        )

    def image(self, size: int = 256, ink: object = None) -> NDArray[np.float32]:
        """Return the ink of the whole paper, float32 ``[height, width]``, 1 = ink and 0 = paper.

        A character box is ``size`` pixels wide and starts at a whole pixel, so that each box equals its `Writing`'s
        own image. With an ``ink`` (as for `Writing.image`) the paper's grain runs on from box to box.

        Raises:
            HierbrushError: ``size`` is no whole number from 32 to 1024, or the picture would pass 64 million pixels.
        """
        size, how = check_size(size), ink_of(ink)
        sheet = np.zeros(picture_shape(self.paper, size), np.float32)
        if how is None:
            drawn: Iterator[NDArray[np.float32]] = (cell.writing.image(size) for cell in self.cells)
        else:
            from hierbrush.writing.inked import pictures

            drawn = pictures(self, size, how)
        for cell, picture in zip(self.cells, drawn, strict=True):
            top, left = pixel_corner(cell, size)
            sheet[top : top + size, left : left + size] = picture
        return sheet

    def __len__(self) -> int:
        return len(self.cells)

    @overload
    def __getitem__(self, index: int) -> Writing: ...

    @overload
    def __getitem__(self, index: slice) -> list[Writing]: ...

    def __getitem__(self, index: int | slice) -> Writing | list[Writing]:
        if isinstance(index, slice):
            return [cell.writing for cell in self.cells[index]]
        try:
            return self.cells[index].writing
        except TypeError:
            raise HierbrushError(f"index: {shown(index)}, expected a whole number or a slice") from None

    def __iter__(self) -> Iterator[Writing]:
        return (cell.writing for cell in self.cells)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Page):
            return NotImplemented
        return self.text == other.text and self.layout == other.layout and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # compared by its arrays

    def __repr__(self) -> str:
        return f"<Page {shown(self.text)}: {len(self)} characters on {self.width:.3f} x {self.height:.3f} m>"


def _write_into(file: Any, content: bytes) -> None:
    try:
        file.write(content)
    except TypeError:
        raise HierbrushError(f"path: {shown(file)} takes text, expected a file that is open for bytes") from None
    except BrokenPipeError:  # whoever reads it has enough
        raise
    except (OSError, ValueError) as error:  # ValueError: it is closed
        reason = getattr(error, "strerror", None) or error
        raise HierbrushError(f"path: cannot write {shown(file)}: {reason}") from error


def _checked_paths(paths: object, strokes: int) -> list[NDArray[np.float64]]:
    try:
        arrays = [np.array(path, np.float64) for path in paths]  # type: ignore[attr-defined]  # TypeError is caught
    except (TypeError, ValueError, OverflowError):
        arrays = []
    good = all(array.ndim == 2 and array.shape[1] == 3 and len(array) > 1 for array in arrays)
    if len(arrays) != strokes or not good or not all(np.isfinite(array).all() for array in arrays):
        raise HierbrushError(f"stroke_paths: expected {strokes} handle paths, finite numbers of the shape [n >= 2, 3]")
    return arrays


def _checked_dips(dips: object, strokes: int) -> tuple[bool, ...]:
    if dips is None:
        return (True,) * strokes
    told = tuple(dips) if isinstance(dips, list | tuple) else ()
    if len(told) != strokes or not all(isinstance(dip, bool) for dip in told):
        raise HierbrushError(f"dips: {shown(dips)}, expected True or False for each of the {strokes} strokes")
    return told


def _checked_writings(writings: object, units: list[str]) -> list[Writing]:
    written = check_list("writings", writings, "a Writing for every character of the text")
    if not all(isinstance(writing, Writing) for writing in written):
        raise HierbrushError("writings: expected a Writing for every character of the text")
    if [writing.char for writing in written] != units:
        raise HierbrushError("writings: do not spell the text; expected one for every character, in reading order")
    return written


def _frozen(array: NDArray[_T]) -> NDArray[_T]:
    array.flags.writeable = False
    return array


def _identity(writing: Writing) -> tuple[object, ...]:
    plan = writing.plan
    told = plan.char, plan.source, plan.composer, plan.decomposition, plan.order, plan.unknown, plan.weight
    glyph = None if plan.glyph is None else [outline.tolist() for outline in plan.glyph]
    picture = None if plan.picture is None else plan.picture.tobytes()
    how = writing.brush, writing.policy, writing.seed, writing.motion, writing.stroke_dips, writing.stone
    return told, glyph, picture, plan.confidence, how
