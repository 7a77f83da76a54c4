"""A sheet written by a robot arm: its joints over time, what the simulated arm draws, and pictures of it at work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hierbrush.arguments import check_choice, check_number, check_path, check_progress, check_whole
from hierbrush.arms.arm import Arm
from hierbrush.arms.files import KINDS, render
from hierbrush.arms.motion import STEP, Motion, plan
from hierbrush.arms.servo import Run, simulate
from hierbrush.arms.timing import PERIOD, Limits
from hierbrush.arms.view import Studio, preview
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import png_bytes, write_atomically
from hierbrush.metrics import SIDE, Scores, score
from hierbrush.sim import BOX, BrushBatch
from hierbrush.writing.clips import CLIPS, clip
from hierbrush.writing.paper import pixel_corner
from hierbrush.writing.result import Page, Sheet, Writing

MOST_LIFT = 0.2
_MOST_FRAMES = 160
_SHORTEST = 0.05  # seconds between pictures
_SIZES = (160, 1600)

Told = Callable[[float], object] | None
"""Is called with the share of a work that was done since the last call."""


class ArmSheet:
    """A `Sheet` on an arm: joints over time.

    ``t`` are seconds, a row every 2 ms, ``q`` joint angles in radians ``[n, joints]``, ``joints`` their names, ``tip``
    the wanted places of the brush's tip on the paper ``[n, 3]``, ``stroke`` the stroke that each row belongs to (-1 in
    between), ``motion`` all of that with the limits that it keeps.

    Args:
        sheet: what is written.
        arm: which arm, and where its paper lies.
        lift: metres by which all of it is raised: a dry run.
        progress: is called with the share that was planned since the last call.

    Raises:
        HierbrushError: the arm cannot write it; the message says what, which axis, and where the paper had to lie.
    """

    def __init__(self, sheet: Sheet, arm: Arm, lift: float = 0.0, progress: Told = None) -> None:
        check_progress(progress)
        self.sheet = sheet
        limits = sheet.motion
        self.motion: Motion = plan(
            sheet.paths,
            sheet.width,
            sheet.height,
            arm,
            Limits(limits.speed, limits.acceleration, limits.jerk),
            names=_names(sheet),
            lift=check_number("lift", lift, 0.0, MOST_LIFT, "metres"),
            dips=sheet.dips,
            shaping=sheet.stone,
            told=progress,
        )

    @property
    def arm(self) -> Arm:
        """The arm."""
        return self.motion.arm

    @property
    def t(self) -> NDArray[np.float64]:
        """Seconds, [n]."""
        return self.motion.t

    @property
    def q(self) -> NDArray[np.float64]:
        """Joint angles in radians, [n, joints]."""
        return self.motion.q

    @property
    def joints(self) -> tuple[str, ...]:
        """Names of the joints, from the base to the tip."""
        return self.motion.joints

    @property
    def tip(self) -> NDArray[np.float64]:
        """Wanted places of the tip on the paper in metres, [n, 3]: x right, y down, z below first touch."""
        return self.motion.tip

    @property
    def stroke(self) -> NDArray[np.int32]:
        """Stroke that each row belongs to, [n]; -1 between strokes."""
        return self.motion.stroke

    def simulate(self, *, seed: int = 0, feedback: float = 1.0, progress: Told = None) -> DrawnByArm:
        """Let the simulated arm write it.

        Args:
            seed: of the encoders' noise.
            feedback: share (0 to 1) of the error that the encoders see and the next command takes off.
            progress: is called with the share that was simulated since the last call.

        Raises:
            HierbrushError: an argument out of range, or a dry run, which draws nothing.
        """
        check_progress(progress)
        if self.motion.lift:
            raise HierbrushError("lift: a dry run touches no paper; simulate without it")
        return DrawnByArm(self.sheet, simulate(self.motion, seed=seed, feedback=feedback, told=progress))

    def save(self, path: str | PathLike[str], *, format: str | None = None, **options: Any) -> Path:  # noqa: A002
        """Write the movement for a machine, or a preview of the tip's path as png.

        Args:
            path: name of the file; its suffix says which kind.
            format: the kind where it is not the suffix: script, yaml, json, csv or png.
            options: of the kind; see `hierbrush.arms.files`.

        Raises:
            HierbrushError: an unknown kind or option, or a file that cannot be written.
        """
        target = check_path("path", path)
        kind = arm_kind_of(target, format, (*KINDS, "png"))
        if kind == "png":
            write_atomically(target, png_bytes(self.preview(**options)))
        else:
            write_atomically(target, render(self.motion, kind, self.sheet.text, **options))
        return target

    def save_parts(self, path: str | PathLike[str], seconds: float, **options: Any) -> list[Path]:
        """Write the movement as files ``NAME-1``, ``NAME-2`` and so on: long programs load slowly if at all.

        Each part begins and ends at rest above the ink, see `Motion.parts`.

        Args:
            path: name of the files; the suffix says which kind.
            seconds: that a part lasts, about.
            options: of the kind.

        Raises:
            HierbrushError: as `save`.
        """
        target = check_path("path", path)
        kind = arm_kind_of(target, None, tuple(KINDS))
        parts = self.motion.parts(check_number("seconds", seconds, 1.0, 1e6, "seconds"))
        contents = [render(part, kind, self.sheet.text, **options) for part in parts]
        names = [target.with_stem(f"{target.stem}-{at}") for at in range(1, len(parts) + 1)]
        for name, content in zip(names, contents, strict=True):
            write_atomically(name, content)
        return names

    def preview(self, side: int = 900) -> Image.Image:
        """Return a picture of the tip's path over the work area, seen from above, ``side`` pixels long."""
        side = check_whole("side", side, *_SIZES, unit="pixels")
        motion = self.motion
        return preview(motion.scene, motion.tip, motion.stroke, (self.sheet.width, self.sheet.height), side)

    def __repr__(self) -> str:
        return f"<ArmSheet {shown(self.sheet.text)} on {self.arm.name}: {self.t[-1]:.1f} s, {len(self.joints)} joints>"


class DrawnByArm:
    """What a simulated arm drew: ``sheet`` is a `Writing` or `Page` with the ink that its tip left.

    ``run`` is what the joints did; ``wanted`` the sheet that was asked for.
    """

    def __init__(self, wanted: Sheet, run: Run) -> None:
        self.wanted, self.run = wanted, run
        self.sheet = _drawn(wanted, run)

    @cached_property
    def scores(self) -> tuple[Scores, ...]:
        """For every character the drawn ink against the commanded ink, on the 256 × 256 raster of its box."""
        return tuple(
            score(drawn.writing.image(SIDE), wanted.writing.image(SIDE))
            for drawn, wanted in zip(self.sheet.cells, self.wanted.cells, strict=True)
        )

    @property
    def iou(self) -> float:
        """Mean character IoU of the drawn with the commanded ink."""
        return float(np.mean([found.iou for found in self.scores]))

    def save(
        self,
        path: str | PathLike[str],
        *,
        format: str | None = None,  # noqa: A002
        size: int = 480,
        progress: Told = None,
    ) -> Path:
        """Write an animation (gif, or mp4 where imageio-ffmpeg is installed) or the last picture (png).

        Args:
            path: name of the file.
            format: the kind of file where it is not the suffix.
            size: pixels of the picture's width.
            progress: is called with the share that was drawn since the last call.

        Raises:
            HierbrushError: an unknown kind, a size out of range, or a file that cannot be written.
        """
        target = check_path("path", path)
        kind = arm_kind_of(target, format, (*CLIPS, "png"))
        size = check_whole("size", size, *_SIZES, unit="pixels")
        check_progress(progress)
        pictures = _counted(self.frames(size), len(self._rows), progress)
        content = png_bytes(list(pictures)[-1]) if kind == "png" else clip(kind, pictures, self._pace)
        write_atomically(target, content)
        return target

    @property
    def _rows(self) -> list[int]:
        last = len(self.run.tip) - 1
        count = min(max(round(last * PERIOD / _SHORTEST), 2), _MOST_FRAMES)
        return [round(float(row)) for row in np.linspace(0, last, count)]

    @property
    def _pace(self) -> float:
        return max(_SHORTEST, min(0.1, len(self.run.tip) * PERIOD / _MOST_FRAMES))

    def frames(self, size: int) -> Iterator[Image.Image]:
        """Yield pictures of the arm at work, ``size`` pixels wide, the ink growing on the paper."""
        run = self.run
        studio = Studio(run.motion.scene, run.q, size, (self.sheet.width, self.sheet.height))
        for row, ink in _growing(self.sheet, run, self._rows, studio.ink_size[0]):
            yield studio.picture(run.q[row], ink, run.tip[row])


def on_arm(sheet: Sheet, arm: object, lift: float, progress: Told = None) -> ArmSheet:
    """Return a sheet on an arm, which may be an `Arm`, its fields, its file or its name."""
    return ArmSheet(sheet, Arm.of(arm), lift, progress)


def _counted(pictures: Iterator[Image.Image], count: int, progress: Told) -> Iterator[Image.Image]:
    for picture in pictures:
        yield picture
        if progress is not None:
            progress(1 / count)


def arm_kind_of(path: Path, kind: str | None, kinds: tuple[str, ...], argument: str = "path") -> str:
    """Return the kind of file that ``kind`` names or else the suffix of ``path``.

    Raises:
        HierbrushError: it is none of ``kinds``.
    """
    if kind is not None:
        return check_choice("format", kind.lower().removeprefix(".") if isinstance(kind, str) else kind, kinds)
    suffix = path.suffix.lower()[1:]
    if suffix not in kinds:
        known = ", ".join(f".{name}" for name in kinds)
        raise HierbrushError(f"{argument}: {shown(path)} ends in {shown(path.suffix)}, expected one of {known}")
    return suffix


def _names(sheet: Sheet) -> list[str]:
    """Return what each stroke is called: its character, where that stands, and its number there."""
    many = len(sheet.cells) > 1
    return [
        f"{cell.writing.char}{f' (character {at + 1})' if many else ''}, stroke {stroke + 1}"
        for at, cell in enumerate(sheet.cells)
        for stroke in range(len(cell.writing.stroke_paths))
    ]


def _drawn(wanted: Sheet, run: Run) -> Writing | Page:
    """Return the sheet with the strokes that a run's tip drew."""
    paths = iter(run.paths)
    writings = []
    for cell in wanted.cells:
        scale = BOX / cell.side
        mine = [(_thinned(next(paths)) - [cell.x, cell.y, 0.0]) * scale for _ in cell.writing.stroke_paths]
        old = cell.writing
        writings.append(
            Writing(
                old.plan,
                brush=old.brush,
                policy=old.policy,
                seed=old.seed,
                stroke_paths=mine,
                motion=old.motion,
                dips=old.stroke_dips,
                stone=old.stone,
            )
        )
    return writings[0] if isinstance(wanted, Writing) else Page(wanted.text, writings, wanted.layout)  # type: ignore[attr-defined]


def _thinned(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a path of 2 ms rows with two rows a control tick, as strokes have them, both ends included."""
    last = len(path) - 1
    count = max(int(np.ceil(last * PERIOD / STEP)), 1)
    at = np.linspace(0, last, count + 1)
    return np.stack([np.interp(at, np.arange(len(path)), path[:, axis]) for axis in range(3)], axis=1)


def _growing(sheet: Sheet, run: Run, rows: list[int], width: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield each of ``rows`` of a run with the ink so far, ``width`` pixels wide."""
    cell = sheet.cells[0].side
    size = min(max(round(width * cell / sheet.width), 32), 1024)
    shape = sheet.paper.pixels(size)
    ink = np.zeros(shape, np.float32)
    spans, owners = run.motion.spans, [cell for cell in sheet.cells for _ in cell.writing.stroke_paths]
    batches = [BrushBatch(cell.writing.brush, 1, side=size, box=BOX, supersample=2) for cell in sheet.cells]
    batch_of = [batches[at] for at, cell in enumerate(sheet.cells) for _ in cell.writing.stroke_paths]
    starts = [start for cell in sheet.cells for start in cell.writing.starts or [None] * len(cell.writing.stroke_paths)]
    stroke, done = 0, 0
    for row in rows:
        while stroke < len(spans) and spans[stroke].start <= row:
            span, owner, batch = spans[stroke], owners[stroke], batch_of[stroke]
            until = min(row + 1, span.stop)
            points = (run.tip[span.start + done : until] - [owner.x, owner.y, 0.0]) * (BOX / owner.side)
            if not done and len(points):
                batch.dip()
                start = starts[stroke]
                if start is not None:
                    batch.turn(start)
                batch.place(points[:1])
            for point in points[4::5]:
                batch.step(point[None])
            done = until - span.start
            top, left = pixel_corner(owner, size)
            window = ink[top : top + size, left : left + size]
            window[:] = batch.coverage(0)[: window.shape[0], : window.shape[1]]
            if until < span.stop:
                break
            stroke, done = stroke + 1, 0
        yield row, ink
