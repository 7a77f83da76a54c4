"""What a sheet can be saved as: the kinds of file, the options each takes, and what cannot be saved as it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hierbrush.arguments import check_choice, check_whole
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.writing.options import options_of

if TYPE_CHECKING:
    from hierbrush.writing.exports.gcode import GcodeOptions
    from hierbrush.writing.layout import Paper
    from hierbrush.writing.result import Sheet

KINDS = ("png", "svg", "pdf", "gif", "json", "npz", "gcode")
PIXEL_SIZES = {"png": 256, "gif": 240}
"""Kinds of file that have pixels, and how many of them the side of a character's box has unless told otherwise."""

BINARY = ("png", "pdf", "gif", "npz")
"""Kinds of file that are no text."""

_SIZES = (32, 1024)
_MOST_PIXELS = {"png": 64_000_000, "gif": 2_000_000}


@dataclass(frozen=True)
class Output:
    """A kind of file with its options, both checked; ``gcode`` is there for G-code alone."""

    kind: str
    size: int
    gcode: GcodeOptions | None

    @classmethod
    def of(cls, kind: str, *, size: object = None, gcode: object = None) -> Output:
        """Return the output of a kind that `kind_of` gave.

        Args:
            kind: one of `KINDS`.
            size: pixels of a character's box, for the kinds that have pixels; None for the default.
            gcode: `GcodeOptions` or a mapping of its fields, for G-code; None for the defaults.

        Raises:
            HierbrushError: an option that the kind does not take, or one that is out of range.
        """
        if size is not None and kind not in PIXEL_SIZES:
            raise HierbrushError(f"size: {kind} files have no pixels; only png and gif take a size")
        pixels = PIXEL_SIZES.get(kind, 0) if size is None else check_size(size)
        if kind != "gcode":
            if gcode is not None:
                raise HierbrushError(f"gcode: {kind} files take no G-code options; save as .gcode")
            return cls(kind, pixels, None)
        from hierbrush.writing.exports.gcode import GcodeOptions

        return cls(kind, pixels, options_of("gcode", GcodeOptions, gcode))

    def check(self, paper: Paper, bounds: Sequence[Sequence[float]]) -> None:
        """Refuse what can be seen to fail before anything is written.

        Args:
            paper: what is going to be written on.
            bounds: for each of its boxes what the handle is sure to visit, see `plan.sure_bounds`.

        Raises:
            HierbrushError: a picture of too many pixels, or a paper that the machine does not reach all of.
        """
        if self.kind in PIXEL_SIZES:
            picture_shape(paper, self.size, self.kind)
        elif self.gcode is not None:
            from hierbrush.writing.exports import gcode

            gcode.check(paper, bounds, self.gcode)

    def render(self, sheet: Sheet) -> bytes:
        """Return the content of the file.

        Raises:
            HierbrushError: see `check`, and a movement that leaves the machine's work area.
        """
        # Imported here so that a PNG costs no Shapely and a JSON file no Pillow.
        if self.kind == "png":
            from hierbrush.writing.exports import png

            return png.render(sheet, self.size)
        if self.kind == "svg":
            from hierbrush.writing.exports import svg

            return svg.render(sheet).encode()
        if self.kind == "pdf":
            return self.render_all([sheet])
        if self.kind == "gif":
            from hierbrush.writing.exports import gif

            return gif.render(sheet, self.size)
        if self.gcode is not None:
            from hierbrush.writing.exports import gcode

            return gcode.render(sheet, self.gcode).encode()
        from hierbrush.writing.exports import archive

        return archive.to_json(sheet) if self.kind == "json" else archive.to_npz(sheet)

    @property
    def holds_pages(self) -> bool:
        """Whether one file takes many sheets."""
        return self.kind == "pdf"

    def render_all(self, sheets: Iterable[Sheet], title: str = "") -> bytes:
        """Return the content of a file of many sheets, for a kind that `holds_pages`."""
        from hierbrush.writing.exports import pdf

        return pdf.render(sheets, title)


def kind_of(path: Path | None, format: str | None = None, *, argument: str = "path") -> str:  # noqa: A002
    """Return the kind of file that ``format`` names or else the suffix of ``path``.

    Raises:
        HierbrushError: there is no such kind, or neither tells one.
    """
    if format is not None:
        kind = format.lower().removeprefix(".") if isinstance(format, str) else format
        return check_choice("format", kind, KINDS)
    if path is None:
        raise HierbrushError(f"format: is needed where no name tells it, expected one of {', '.join(KINDS)}")
    suffix = path.suffix.lower()
    if suffix[1:] not in KINDS:
        suffixes = [f".{kind}" for kind in KINDS]
        what = f"unknown suffix {shown(path.suffix)}" if suffix else "no suffix"
        hint = closest(suffix, suffixes) if suffix else ""
        raise HierbrushError(f"{argument}: {shown(path)} has {what}, expected one of {', '.join(suffixes)}{hint}")
    return suffix[1:]


def check_size(size: object) -> int:
    """Return ``size`` if it is a paper's side that can be rendered.

    Raises:
        HierbrushError: it is no whole number from 32 to 1024.
    """
    return check_whole("size", size, *_SIZES, unit="pixels")


def picture_shape(paper: Paper, size: int, kind: str = "png") -> tuple[int, int]:
    """Return the rows and columns of a picture whose character boxes are ``size`` pixels wide.

    Raises:
        HierbrushError: they are more than the kind of picture may have.
    """
    rows, columns = paper.pixels(size)
    most = _MOST_PIXELS[kind]
    if rows * columns > most:
        fitting = int(size * (most / (rows * columns)) ** 0.5)
        hint = f"ask for {fitting} or less" if fitting >= _SIZES[0] else "write less, or take a smaller paper"
        raise HierbrushError(f"size: {size} makes a {kind} of {columns} x {rows} pixels, more than {most:,}; {hint}")
    return rows, columns
