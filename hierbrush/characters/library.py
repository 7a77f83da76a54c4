"""The characters that can be written: shapes, stroke types and components."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_path
from hierbrush.characters.data_file import ANONYMOUS, LABEL_SOURCES, DataFile, Part, StrokePath, damage_told
from hierbrush.characters.outline import flatten, to_unit_box
from hierbrush.characters.text import UnknownCharacterError, check_single, describe, hint
from hierbrush.errors import HierbrushError, shown
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.types import ABBREVIATIONS

DATA_FILE = Path(__file__).resolve().parent / "data" / "characters.bin"

Points = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class GlyphStroke:
    """One stroke of a character's reference shape, in the unit box (x right, y down).

    Attributes:
        stroke_type: abbreviation of one of the 38 stroke types.
        outline: float32 [n, 2], closed polygon; curves flattened to within a fifth of a font unit.
        median: float32 [m, 2], polyline along the stroke in writing direction.
        label_source: where the stroke type comes from: ``"cnchar"`` (given), ``"resolved"`` (a merged letter parted by
            shape), ``"classified"`` (by shape alone) or ``"corrected"`` (by hand).
        source: the stroke in font units, as the data file has it.
    """

    stroke_type: str
    outline: Points
    median: Points
    label_source: str
    source: StrokePath

    def __repr__(self) -> str:
        return f"<GlyphStroke {self.stroke_type}: {len(self.outline)} points>"

    @property
    def path(self) -> str:
        """The outline as SVG path commands in font units (1024 to the box, y up, 900 at the top), exact."""
        return self.source.svg

    def goal(self) -> StrokeGoal:
        """Return the stroke as a goal for a primitive; computed once."""
        return self._goal

    @cached_property
    def _goal(self) -> StrokeGoal:
        return StrokeGoal.from_outline(self.stroke_type, self.outline, self.median)


@dataclass(frozen=True)
class Component:
    """A node of a character's decomposition.

    Attributes:
        name: the component as a character, such as ``"木"``; allographs share one name (the left-hand 木 of 林 is
            ``"木"``). Parts that are no character by themselves are ``"#17"``: the same number is the same shape.
        operator: how the children are put together, an ideographic description character from ⿰ to ⿻; ""
            for a leaf. The root of a character with no known components is a leaf.
        strokes: indices of all strokes below this node, in writing order; not always contiguous (国 closes its frame
            last).
        children: in the order of the operator (left before right, top before bottom, outside before inside), which is
            not always the order of writing; empty for a leaf.
    """

    name: str
    operator: str
    strokes: tuple[int, ...]
    children: tuple[Component, ...] = ()

    @property
    def is_leaf(self) -> bool:
        """Whether the node is not taken apart further."""
        return not self.children

    @property
    def is_anonymous(self) -> bool:
        """Whether the component is no character of the library."""
        return self.name.startswith("#")

    def leaves(self) -> Iterator[Component]:
        """Yield the leaves in the order of the operators."""
        if self.is_leaf:
            yield self
        for child in self.children:
            yield from child.leaves()

    def __str__(self) -> str:
        """Return an ideographic description sequence, such as ``⿰木木``; anonymous parts in braces."""
        if self.is_leaf:
            return f"{{{self.name}}}" if self.is_anonymous else self.name
        return self.operator + "".join(str(child) for child in self.children)


@dataclass(frozen=True, eq=False)
class Glyph:
    """The reference shape of a character.

    Attributes:
        char: the character.
        strokes: in writing order.
        decomposition: the component tree; its root is the character itself.
    """

    char: str
    strokes: tuple[GlyphStroke, ...]
    decomposition: Component

    def __repr__(self) -> str:
        return f"<Glyph {self.char!r}: {len(self.strokes)} strokes, {self.decomposition}>"


class CharacterLibrary:
    """Read-only mapping from characters to glyphs, backed by one memory-mapped file.

    Raises:
        HierbrushError: the file is missing or is not a character file.
    """

    def __init__(self, path: str | PathLike[str] = DATA_FILE) -> None:
        self._path = check_path("path", path)
        self._file = DataFile(self._path)
        self._glyph = lru_cache(maxsize=1024)(self._read)

    @cached_property
    def characters(self) -> tuple[str, ...]:
        """All characters in the order of their code points."""
        with damage_told(self._path):
            return tuple(map(chr, self._file.codepoints.tolist()))

    def __len__(self) -> int:
        return len(self._file.codepoints)

    def __iter__(self) -> Iterator[str]:
        return iter(self.characters)

    def __contains__(self, char: object) -> bool:
        return isinstance(char, str) and len(char) == 1 and self._file.index(char) is not None

    def __getitem__(self, char: str) -> Glyph:
        """Return the glyph of ``char``; the latest 1,024 are kept.

        Raises:
            UnknownCharacterError: the library does not hold ``char``.
            HierbrushError: ``char`` is not exactly one character.
        """
        check_single(char)
        return self._glyph(char)

    def __repr__(self) -> str:
        return f"CharacterLibrary({len(self)} characters, {self.stroke_count} strokes)"

    def __reduce__(self) -> tuple[Any, ...]:
        # A memory map cannot be sent to another process, but the file can be opened there.
        return CharacterLibrary, (self._path,)

    @property
    def stroke_count(self) -> int:
        """Number of strokes of all characters together."""
        return int(self._file.header["strokes"])

    @property
    def notice(self) -> str:
        """Where the data comes from, what was changed and under which licence it may be passed on."""
        return str(self._file.header["notice"])

    def stroke_types(self, char: str) -> tuple[str, ...]:
        """Return the stroke types of ``char`` in writing order, without unpacking its outlines.

        Raises:
            UnknownCharacterError: the library does not hold ``char``.
        """
        row = self._row(char)
        with damage_told(self._path):
            first, end = self._file.first_stroke[row : row + 2]
            return tuple(ABBREVIATIONS[number] for number in self._file.types[first:end])

    def decomposition(self, char: str) -> Component:
        """Return the component tree of ``char`` without unpacking its outlines.

        Raises:
            UnknownCharacterError: the library does not hold ``char``.
        """
        row = self._row(char)
        with damage_told(self._path):
            return _component(self._file.decomposition(row))

    def check_text(self, text: str) -> None:
        """Raise unless every character of ``text`` can be written; see `check_text`."""
        if not isinstance(text, str):
            raise HierbrushError(f"text: {shown(text)}, expected a string such as '永和九年'")
        if not text:
            raise HierbrushError("text: is empty, expected at least one character such as '永'")
        for position, char in enumerate(text, 1):
            if char not in self:
                place = f"character {position} of {len(text)}, " if len(text) > 1 else ""
                raise UnknownCharacterError(f"text: {place}{describe(char)} {hint(char)}")

    def _row(self, char: str) -> int:
        check_single(char)
        row = self._file.index(char)
        if row is None:
            raise UnknownCharacterError(f"char: {describe(char)} {hint(char)}")
        return row

    def _read(self, char: str) -> Glyph:
        row = self._row(char)
        with damage_told(self._path):
            return Glyph(char, tuple(self._strokes(row)), _component(self._file.decomposition(row)))

    def _strokes(self, row: int) -> Iterator[GlyphStroke]:
        first, end = self._file.first_stroke[row : row + 2]
        paths = self._file.geometry(row)
        for path, outline, number, source in zip(
            paths, flatten(paths), self._file.types[first:end], self._file.sources[first:end], strict=True
        ):
            median = to_unit_box(path.median)
            outline.flags.writeable = median.flags.writeable = False
            yield GlyphStroke(ABBREVIATIONS[number], outline, median, LABEL_SOURCES[source], path)


@lru_cache(maxsize=1)
def load_library() -> CharacterLibrary:
    """Return the library that ships with hierbrush, opened once a process.

    Raises:
        HierbrushError: the data file is missing or broken.
    """
    return CharacterLibrary()


def check_text(text: str) -> None:
    """Raise unless the library can write every character of ``text``.

    Raises:
        UnknownCharacterError: names the first character that it cannot write, its code point, and what would be right.
        HierbrushError: ``text`` is empty or no string.
    """
    load_library().check_text(text)


def _component(part: Part) -> Component:
    name = chr(part.name) if part.name < ANONYMOUS else f"#{part.name - ANONYMOUS}"
    if not part.children:
        return Component(name, "", part.strokes)
    children = tuple(_component(child) for child in part.children)
    return Component(name, part.operator, tuple(sorted(s for child in children for s in child.strokes)), children)
