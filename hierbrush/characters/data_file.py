"""The character file: one read-only file with the outlines, medians, stroke types and decompositions of all characters.

Layout (all integers little-endian)::

    magic       8 bytes
    length      u32, of the header
    header      JSON: counts, the notice that the data's licence asks for, and ``sections``: name -> [offset, length],
                offsets counted from the end of the header
    sections    one after the other

Small sections are read whole when first asked for; geometry lies in blocks of `BLOCK` characters, each compressed by
itself, so that one look-up reads and unpacks one block. Outlines are hanzi-writer's path commands in font units, exact:
coordinates are stored as differences of rounded integers, and the few that are not integers are patched in afterwards.
"""

from __future__ import annotations

import json
import mmap
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError

MAGIC = b"HBCHARS1"
BLOCK = 16
"""Characters a compressed block of geometry: more would pack tighter and make a single look-up slower."""

OPERATORS = "⿰⿱⿲⿳⿴⿵⿶⿷⿸⿹⿺⿻⿼⿽⿾⿿"
LABEL_SOURCES = ("cnchar", "resolved", "classified", "corrected")
ANONYMOUS = 0x110000
"""Names of components are code points; from here on they are numbers of anonymous components."""

POINTS_OF_COMMAND = {"M": 1, "L": 1, "Q": 2, "C": 3}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """One node of a decomposition as it lies in the file.

    Attributes:
        name: code point of the component, or `ANONYMOUS` + n.
        operator: an ideographic description character, or "" for a leaf.
        strokes: indices of a leaf's strokes, in writing order; empty for inner nodes.
        children: inner nodes only, in the order of the operator.
    """

    name: int
    operator: str = ""
    strokes: tuple[int, ...] = ()
    children: tuple[Part, ...] = ()


@dataclass(frozen=True)
class StrokePath:
    """One stroke in font units (1024 to the box, y up, baseline 0), as hanzi-writer gives it.

    Attributes:
        commands: one letter a path command, ``M`` first, without the closing ``Z``.
        points: float64 [p, 2], the coordinates of the commands one after the other; the last equals the first.
        median: float64 [m, 2].
    """

    commands: str
    points: Floats
    median: Floats

    @property
    def svg(self) -> str:
        """The path as hanzi-writer writes it, such as ``"M 440 788 Q 497 731 535 718 Z"``."""
        words: list[str] = []
        at = 0
        for command in self.commands:
            words.append(command)
            count = POINTS_OF_COMMAND[command]
            words += [f"{v:g}" for v in self.points[at : at + count].ravel()]
            at += count
        return " ".join([*words, "Z"])


@dataclass(frozen=True)
class Record:
    """All that the file holds about one character."""

    char: str
    paths: tuple[StrokePath, ...]
    types: tuple[int, ...]
    sources: tuple[int, ...]
    decomposition: Part


def write(path: Path, records: Sequence[Record], notice: str) -> None:
    """Write the character file; the same records and notice give the same bytes.

    Raises:
        HierbrushError: characters are repeated, or a decomposition does not cover each stroke exactly once.
    """
    records = sorted(records, key=lambda record: ord(record.char))
    if len({record.char for record in records}) != len(records):
        raise HierbrushError("records: a character is repeated, expected each once")
    trees = []
    for record in records:
        if sorted(leaf_strokes(record.decomposition)) != list(range(len(record.paths))):
            raise HierbrushError(f"records: the decomposition of {record.char} does not cover each stroke exactly once")
        trees.append(_pack_part(record.decomposition))
    blocks = [zlib.compress(_pack_geometry(records[i : i + BLOCK]), 9) for i in range(0, len(records), BLOCK)]
    sections = {
        "codepoints": np.array([ord(record.char) for record in records], "<u4").tobytes(),
        "stroke_counts": np.array([len(record.paths) for record in records], "u1").tobytes(),
        "types": zlib.compress(bytes(t for record in records for t in record.types), 9),
        "sources": zlib.compress(bytes(s for record in records for s in record.sources), 9),
        "decomposition_ends": np.cumsum([len(tree) for tree in trees]).astype("<u4").tobytes(),
        "decompositions": zlib.compress(b"".join(trees), 9),
        "block_ends": np.cumsum([len(block) for block in blocks]).astype("<u4").tobytes(),
        "geometry": b"".join(blocks),
    }
    places: dict[str, list[int]] = {}
    at = 0
    for name, data in sections.items():
        places[name] = [at, len(data)]
        at += len(data)
    header = {
        "notice": notice,
        "characters": len(records),
        "strokes": sum(len(record.paths) for record in records),
        "sections": places,
    }
    text = json.dumps(header, ensure_ascii=False, sort_keys=True).encode()
    path.write_bytes(MAGIC + struct.pack("<I", len(text)) + text + b"".join(sections.values()))


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Turn whatever reading a damaged file raises into a HierbrushError that names it."""
    try:
        yield
    except HierbrushError:
        raise
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        zlib.error,
        struct.error,
        MemoryError,
    ) as error:
        raise HierbrushError(f"character file {path}: is damaged ({error}); reinstall hierbrush") from error


class DataFile:
    """An open character file. Reading is lazy; one instance may be shared by threads.

    Raises:
        HierbrushError: the file is missing or is not a character file.
    """

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as stream:
                self._map = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:
            raise HierbrushError(f"character file {path}: cannot be read ({error}); reinstall hierbrush") from error
        if bytes(self._map[:8]) != MAGIC:
            raise HierbrushError(f"character file {path}: does not start with {MAGIC!r}; rebuild or reinstall it")
        with damage_told(path):
            (length,) = struct.unpack("<I", self._map[8:12])
            self.header: dict[str, Any] = json.loads(bytes(self._map[12 : 12 + length]))
            self._start = 12 + length
            self.codepoints = np.frombuffer(self._section("codepoints"), "<u4")
            self.stroke_counts = np.frombuffer(self._section("stroke_counts"), "u1")
        self._geometry_of_block = lru_cache(maxsize=64)(self._read_block)

    def _section(self, name: str) -> memoryview:
        offset, length = self.header["sections"][name]
        return self._map[self._start + offset : self._start + offset + length]

    @cached_property
    def first_stroke(self) -> NDArray[np.int64]:
        """int64 [characters + 1]: where each character's strokes begin in `types` and `sources`."""
        return np.concatenate([[0], np.cumsum(self.stroke_counts, dtype=np.int64)])

    @cached_property
    def types(self) -> NDArray[np.uint8]:
        """uint8 [strokes]: number of the stroke type of every stroke of every character."""
        return np.frombuffer(zlib.decompress(self._section("types")), np.uint8)

    @cached_property
    def sources(self) -> NDArray[np.uint8]:
        """uint8 [strokes]: index into `LABEL_SOURCES`."""
        return np.frombuffer(zlib.decompress(self._section("sources")), np.uint8)

    @cached_property
    def _decompositions(self) -> bytes:
        return zlib.decompress(self._section("decompositions"))

    @cached_property
    def _decomposition_ends(self) -> NDArray[np.uint32]:
        return np.frombuffer(self._section("decomposition_ends"), "<u4")

    @cached_property
    def _block_ends(self) -> NDArray[np.uint32]:
        return np.frombuffer(self._section("block_ends"), "<u4")

    def index(self, char: str) -> int | None:
        """Return the row of ``char``, or None."""
        code = ord(char)
        row = int(np.searchsorted(self.codepoints, code))
        return row if row < len(self.codepoints) and self.codepoints[row] == code else None

    def decomposition(self, row: int) -> Part:
        """Return the component tree of a row."""
        start = int(self._decomposition_ends[row - 1]) if row else 0
        return _unpack_part(self._decompositions, start)[0]

    def geometry(self, row: int) -> tuple[StrokePath, ...]:
        """Return the strokes of a row in writing order."""
        return self._geometry_of_block(row // BLOCK)[row % BLOCK]

    def _read_block(self, block: int) -> list[tuple[StrokePath, ...]]:
        start = int(self._block_ends[block - 1]) if block else 0
        data = zlib.decompress(self._section("geometry")[start : int(self._block_ends[block])])
        return _unpack_geometry(data, self.stroke_counts[block * BLOCK : (block + 1) * BLOCK].tolist())


def leaf_strokes(part: Part) -> list[int]:
    """Return the stroke indices of all leaves, in the order of the tree."""
    if not part.children:
        return list(part.strokes)
    return [stroke for child in part.children for stroke in leaf_strokes(child)]


def _pack_part(part: Part) -> bytes:
    name = part.name.to_bytes(3, "little")
    if not part.children:
        return b"\0" + name + bytes([len(part.strokes), *part.strokes])
    head = bytes([OPERATORS.index(part.operator) + 1]) + name + bytes([len(part.children)])
    return head + b"".join(_pack_part(child) for child in part.children)


def _unpack_part(data: bytes, at: int) -> tuple[Part, int]:
    operator, name, count = data[at], int.from_bytes(data[at + 1 : at + 4], "little"), data[at + 4]
    at += 5
    if operator == 0:
        return Part(name, strokes=tuple(data[at : at + count])), at + count
    children = []
    for _ in range(count):
        child, at = _unpack_part(data, at)
        children.append(child)
    return Part(name, OPERATORS[operator - 1], children=tuple(children)), at


# One block: u32 length of the commands; the commands of all strokes ("M" begins each); u8 median length of each stroke;
# the differences of outline x, outline y, median x, median y, each as all low bytes and then all high bytes of zigzag
# u16; then the patches. The last point of every outline is left out, since it equals the first.


def _pack_geometry(records: Sequence[Record]) -> bytes:
    paths = [path for record in records for path in record.paths]
    commands = "".join(path.commands for path in paths).encode("ascii")
    outline = np.concatenate([path.points[:-1] for path in paths])
    median = np.concatenate([path.median for path in paths])
    parts = [struct.pack("<I", len(commands)), commands, bytes(len(path.median) for path in paths)]
    parts += [_pack_differences(column) for points in (outline, median) for column in points.T]
    for points in (outline, median):
        values = points.ravel()
        odd = np.flatnonzero(values != np.rint(values))
        parts.append(struct.pack("<H", len(odd)) + odd.astype("<u4").tobytes() + values[odd].astype("<f8").tobytes())
    return b"".join(parts)


def _unpack_geometry(data: bytes, stroke_counts: list[int]) -> list[tuple[StrokePath, ...]]:
    (length,) = struct.unpack_from("<I", data)
    letters = np.frombuffer(data, np.uint8, length, 4)
    starts = np.flatnonzero(letters == ord("M"))
    strokes = len(starts)
    median_counts = np.frombuffer(data, np.uint8, strokes, 4 + length)
    counts = _POINTS_OF_BYTE[letters]
    point_ends = np.cumsum(np.add.reduceat(counts, starts) - 1)
    median_ends = np.cumsum(median_counts, dtype=np.int64)
    at = 4 + length + strokes
    arrays = []
    for total in (int(point_ends[-1]), int(median_ends[-1])):
        array = np.empty((total, 2))
        for column in range(2):
            array[:, column] = _unpack_differences(data, at, total)
            at += 2 * total
        arrays.append(array)
    for array in arrays:
        (odd,) = struct.unpack_from("<H", data, at)
        index = np.frombuffer(data, "<u4", odd, at + 2)
        array.reshape(-1)[index] = np.frombuffer(data, "<f8", odd, at + 2 + 4 * odd)
        at += 2 + 12 * odd
    outline, median = arrays
    commands = data[4 : 4 + length].decode("ascii")
    command_starts = [*starts.tolist(), length]
    paths = []
    point = corner = 0
    for stroke, (point_end, median_end) in enumerate(zip(point_ends.tolist(), median_ends.tolist(), strict=True)):
        points = np.concatenate([outline[point:point_end], outline[point : point + 1]])
        letters_of_stroke = commands[command_starts[stroke] : command_starts[stroke + 1]]
        paths.append(StrokePath(letters_of_stroke, points, median[corner:median_end]))
        point, corner = point_end, median_end
    characters = []
    first = 0
    for count in stroke_counts:
        characters.append(tuple(paths[first : first + count]))
        first += count
    return characters


def _pack_differences(values: Floats) -> bytes:
    steps: NDArray[np.int64] = np.diff(np.rint(values), prepend=0.0).astype(np.int64)
    zigzag = ((steps << 1) ^ (steps >> 63)).astype(np.uint16)
    return (zigzag & 255).astype(np.uint8).tobytes() + (zigzag >> 8).astype(np.uint8).tobytes()


def _unpack_differences(data: bytes, at: int, count: int) -> Floats:
    low = np.frombuffer(data, np.uint8, count, at).astype(np.int64)
    zigzag = low | np.frombuffer(data, np.uint8, count, at + count).astype(np.int64) << 8
    return np.cumsum((zigzag >> 1) ^ -(zigzag & 1)).astype(np.float64)


_POINTS_OF_BYTE = np.zeros(256, np.int64)
for _command, _count in POINTS_OF_COMMAND.items():
    _POINTS_OF_BYTE[ord(_command)] = _count
