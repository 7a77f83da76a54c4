"""Which component a run of strokes is: nearest exemplars, each stroke resampled and scaled to the run's own box.

An exemplar is a whole character, a component cut out of one (`CUT_OUTS`), or the mean of what was found in one place
before (`Exemplar` says how a name may come to have several).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.strokes.types import NUMBER
from hierbrush_build.characters.labels import Label, resample
from hierbrush_build.characters.sources import Sources

POINTS = 8
FAR = 9.0
"""Error of a run that was compared with nothing."""

# Types that stand for one another where a component is squeezed to the left or the top: 土 ends in a rise there, 木 in
# a dot, 儿 and 七 lose their hook.
_GROUPS = "H T|S SP P|D N TN|HZ HZG|SWG ST SW SZ|XG BXG|HP HG|HZWG HXG HZW HXWG"
_GROUP = {kind: number for number, group in enumerate(_GROUPS.split("|")) for kind in group.split()}

CUT_OUTS: Mapping[str, tuple[str, ...]] = {
    "羊": ("美0-5", "差0-5"),
    "艹": ("葉0-3",),
    "頁": ("頤7-15",),
    "鬼": ("塊3-12", "魍0-8"),
    "衣": ("哀0-1,5-8", "裹0-1,10-13"),
    "行": ("衕0-2,9-11",),
    "攸": ("倏0-5", "修0-5"),
    "厌": ("餍0-5", "靥0-5"),
    "厭": ("饜0-13", "魘0-13"),
    "麥": ("麵0-10",),
    "鼠": ("鼴0-12",),
    "手": ("掰0-3",),
    "足": ("路0-6",),
    "牛": ("物0-3", "告0-3"),
    "𢦏": ("哉0-2,6-8",),
    "𠂉": ("每0-1", "午0-1"),
    "𠂇": ("左0-1",),
    "𡗗": ("春0-4",),
    "龸": ("堂0-4",),
    "𠃓": ("杨4-6",),
    "𠂤": ("帥0-5",),
    "𠫓": ("充0-3",),
    "𧘇": ("表4-7",),
    "龷": ("昔0-3",),
    "䒑": ("前0-2",),
    "龰": ("走3-6",),
    "𤴓": ("是4-8",),
}
"""Forms of components that are no characters of their own, and where they are written as such: strokes from 0."""


@dataclass(frozen=True, eq=False)
class Exemplar:
    """One way to write a component.

    Attributes:
        name: the component.
        shape: f32 [16 m], see `normalised`.
        types: int [m], see `code`.
        source: the character that it is or was cut out of, which is never compared with it; "" for a mean.
    """

    name: str
    shape: NDArray[np.float32]
    types: NDArray[np.int64]
    source: str = ""


Side = tuple[str, tuple[int, ...]]
"""A character and some of its strokes."""


class GlyphStrokes:
    """Resampled strokes, boxes and types of all characters."""

    def __init__(self, sources: Sources, labels: Mapping[str, Sequence[Label]]) -> None:
        self.chars = list(sources.paths)
        self.points = {
            char: np.array([resample(path.median, POINTS) for path in paths], np.float32)
            for char, paths in sources.paths.items()
        }
        self.boxes = {
            char: np.array([[*path.points.min(axis=0), *path.points.max(axis=0)] for path in paths])
            for char, paths in sources.paths.items()
        }
        self.types = {char: np.array([code(label.stroke_type) for label in labels[char]]) for char in self.chars}

    def exemplar(self, name: str, side: Side) -> Exemplar:
        """Return some strokes of a character as an exemplar of ``name``."""
        char, strokes = side[0], list(side[1])
        return Exemplar(name, normalised(self.points[char][strokes]), self.types[char][strokes], char)

    def exemplars(self) -> list[Exemplar]:
        """Return all characters as themselves and the cut-outs."""
        whole = [self.exemplar(char, (char, tuple(range(len(self.points[char]))))) for char in self.chars]
        parts = [
            self.exemplar(name, (place[0], _ranges(place[1:])))
            for name, places in CUT_OUTS.items()
            for place in places
            if place[0] in self.points
        ]
        return whole + parts


def _ranges(text: str) -> tuple[int, ...]:
    """Read ``"0-2,6-8"``."""
    ends = [[int(end) for end in part.split("-")] for part in text.split(",")]
    return tuple(stroke for first, last in ends for stroke in range(first, last + 1))


def code(kind: str) -> int:
    """Return a number for a stroke type; its quotient by 64 is equal for types that stand for one another."""
    return 64 * _GROUP.get(kind, 40 + NUMBER[kind]) + NUMBER[kind]


def normalised(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale strokes f32 [m, 8, 2] to their own box, flattened; a side counts at least a quarter of the other."""
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    size = np.maximum(high - low, max(0.25 * float((high - low).max()), 30.0))
    centred: NDArray[np.float32] = ((points - (low + high) / 2) / size).astype(np.float32).ravel()
    return centred


@dataclass(frozen=True)
class Match:
    """What a side is like.

    Attributes:
        name: the nearest exemplar's.
        error: root mean square distance of corresponding points, both in units of their own boxes, plus a term for
            stroke types that differ.
        alike: whether all stroke types stand for one another.
    """

    name: str
    error: float
    alike: bool


class Matcher:
    """Nearest exemplars of sides."""

    def __init__(self, strokes: GlyphStrokes, exemplars: Iterable[Exemplar]) -> None:
        self.strokes = strokes
        self.by_count: dict[int, list[Exemplar]] = {}
        self._by_name: dict[str, list[Exemplar]] = {}
        self._names: dict[int, set[str]] = {}
        for exemplar in exemplars:
            self.by_count.setdefault(len(exemplar.types), []).append(exemplar)
            self._by_name.setdefault(exemplar.name, []).append(exemplar)

    def match_all(self, sides: Mapping[int, Sequence[Side]]) -> dict[Side, Match]:
        """Return the nearest exemplar of every side; sides are given by their number of strokes."""
        found: dict[Side, Match] = {}
        for count, asked in sorted(sides.items()):
            found.update(zip(asked, self._match(count, asked), strict=True))
        return found

    def _match(self, count: int, asked: Sequence[Side]) -> list[Match]:
        known = self.by_count.get(count, [])
        if not known:
            return [Match("", FAR, False)] * len(asked)
        table = np.array([exemplar.shape for exemplar in known])
        types = np.array([exemplar.types for exemplar in known])
        halves = (table * table).sum(axis=1) / 2
        rows_of: dict[str, list[int]] = {}
        for row, exemplar in enumerate(known):
            rows_of.setdefault(exemplar.source, []).append(row)
        rows_of.pop("", None)
        keep = min(6, len(known))
        found: list[Match] = []
        for start in range(0, len(asked), 4096):
            part = asked[start : start + 4096]
            query = np.array([normalised(self.strokes.points[char][list(side)]) for char, side in part])
            squares = 2 * (halves - query @ table.T + (query * query).sum(axis=1, keepdims=True) / 2)
            for index, (char, _) in enumerate(part):
                squares[index, rows_of.get(char, [])] = 1e9
            near = np.argpartition(squares, keep - 1, axis=1)[:, :keep]
            query_types = np.array([self.strokes.types[char][list(side)] for char, side in part])[:, None, :]
            other = types[near]
            alike = query_types // 64 == other // 64
            differs = np.where(query_types == other, 0.0, np.where(alike, 0.3, 1.0)).mean(axis=2)
            distance = np.sqrt(np.maximum(np.take_along_axis(squares, near, axis=1), 0) / (count * POINTS))
            error = distance + 0.15 * differs
            best = error.argmin(axis=1)
            rows = np.arange(len(part))
            same = alike.all(axis=2)[rows, best]
            found += [
                Match(known[row].name, float(e), bool(s))
                for row, e, s in zip(near[rows, best], error[rows, best], same, strict=True)
            ]
        return found

    def distance(self, side: Side, name: str) -> float:
        """Return the root mean square distance from the nearest exemplar of a name whose types are alike, or `FAR`."""
        char, strokes = side[0], list(side[1])
        shape, types = None, self.strokes.types[char][strokes] // 64
        best = FAR
        for exemplar in self.named(name, len(strokes)):
            if exemplar.source != char and (exemplar.types // 64 == types).all():
                shape = normalised(self.strokes.points[char][strokes]) if shape is None else shape
                difference = shape - exemplar.shape
                best = min(best, float(np.sqrt((difference * difference).sum() / (len(strokes) * POINTS))))
        return best

    def names_of_count(self, count: int) -> set[str]:
        """Return the names of all exemplars with so many strokes."""
        if count not in self._names:
            self._names[count] = {exemplar.name for exemplar in self.by_count.get(count, ())}
        return self._names[count]

    def named(self, name: str, count: int) -> list[Exemplar]:
        """Return the exemplars of a name with so many strokes."""
        return [exemplar for exemplar in self.names().get(name, ()) if len(exemplar.types) == count]

    def names(self) -> Mapping[str, list[Exemplar]]:
        """Return all exemplars by name."""
        return self._by_name
