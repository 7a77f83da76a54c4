"""A component tree for every character, found by shape and checked against cjk-semantic-split.

Every way to cut a character's stroke sequence in two is a candidate: a run of strokes and what remains (a prefix and a
suffix, or a run in the middle that a frame encloses). Each side is compared with every character that has as many
strokes, both scaled to their own boxes. The cut that costs least wins; the cost counts how badly both sides fit, how
much their boxes overlap, and is lowered where cjk-semantic-split names the same parts. A second pass knows how often
each component was found in each place. Sides that fit no character are anonymous; equal ones share a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters.build.labels import Label, resample
from hierbrush.characters.build.sources import Sources
from hierbrush.characters.data_file import ANONYMOUS, Part

POINTS = 8

# Types that stand for one another where a component is squeezed to the left or the top: 土 ends in a rise there, 木 in
# a dot, 儿 and 七 lose their hook.
_GROUPS = "H T|S SP P|D N TN|HZ HZG|SWG ST SW SZ|XG BXG|HP HG|HZWG HXG HZW HXWG"
_GROUP = {kind: number for number, group in enumerate(_GROUPS.split("|")) for kind in group.split()}

# cjk-semantic-split's names for forms that the library holds under another code point.
_ALIASES = {"𥫗": "⺮", "𧾷": "⻊", "訁": "讠"}

KNOWN = 0.105
ALLOGRAPH = 0.15
SQUEEZED = 0.2
"""A side is the component that it fits best if the error (see `Matcher`) is at most `KNOWN`, or `ALLOGRAPH` where all
stroke types agree (the left-hand 土 of 地), or `SQUEEZED` where besides it is a known frame (the 走 of 赴) or
cjk-semantic-split names it."""
WORST = 1.1
"""Cuts that cost more are not believed; the character stays flat."""
_LOOSE = 0.47
"""What counts as overlap where middle strokes lie inside a component that is no known frame: enough that 頌 is
no longer taken for one around two strokes of 頁, and 衷 still holds 中."""
_FRAMES = {
    "⿺": "辶廴走鬼麦麥是尢毛鼠九処支爪瓜",
    "⿸": "广厂尸疒户戶虍耂麻鹿产辰戸厤",
    "⿵": "门門冂几風风鬥戊戌",
    "⿴": "囗",
    "⿷": "匚匸",
    "⿶": "凵",
    "⿹": "勹弋戈气氣",
}
_FRAME_OPERATOR = {char: operator for operator, chars in _FRAMES.items() for char in chars}


@dataclass(frozen=True)
class Cut:
    """One way to part a character.

    Attributes:
        operator: ideographic description character.
        strokes: of each side, in the order of the operator; two sides, or three for ⿲ and ⿳.
        names: the library's character that each side is, or None.
        errors: how far each side is from the nearest character.
        cost: total, the lower the better.
        origin: "split" where cjk-semantic-split names the same parts, else "mined".
    """

    operator: str
    strokes: tuple[tuple[int, ...], ...]
    names: tuple[str | None, ...]
    errors: tuple[float, ...]
    cost: float
    origin: str


@dataclass
class Decompositions:
    """The result.

    Attributes:
        trees: a tree for every character; one leaf where no cut was good enough.
        cuts: the top cut of every character that has one.
        anonymous: number of anonymous component -> how many characters have it.
    """

    trees: dict[str, Part]
    cuts: dict[str, Cut]
    anonymous: dict[int, int] = field(default_factory=dict)


class Matcher:
    """Nearest characters of runs of strokes, all strokes resampled to eight points.

    The error of a match is the root mean square distance of corresponding points, both in units of their own boxes,
    plus a term for stroke types that differ.
    """

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
        self.types = {char: np.array([_code(label.stroke_type) for label in labels[char]]) for char in self.chars}
        self.by_count: dict[int, list[str]] = {}
        for char in self.chars:
            self.by_count.setdefault(len(self.points[char]), []).append(char)

    def match(self, count: int, asked: Sequence[tuple[str, tuple[int, ...]]]) -> tuple[list[str], NDArray[np.float32]]:
        """Return the best other character for each ``(char, strokes)`` of ``count`` strokes, and the errors."""
        known = self.by_count.get(count, [])
        names = [""] * len(asked)
        errors = np.full(len(asked), 9.0, np.float32)
        if not known:
            return names, errors
        table = np.array([_normalised(self.points[char]) for char in known])
        types = np.array([self.types[char] for char in known])
        halves = (table * table).sum(axis=1) / 2
        row_of = {char: row for row, char in enumerate(known)}
        keep = min(6, len(known))
        for start in range(0, len(asked), 4096):
            part = asked[start : start + 4096]
            query = np.array([_normalised(self.points[char][list(strokes)]) for char, strokes in part])
            squares = 2 * (halves - query @ table.T + (query * query).sum(axis=1, keepdims=True) / 2)
            for index, (char, _) in enumerate(part):
                if char in row_of:  # never itself
                    squares[index, row_of[char]] = 1e9
            near = np.argpartition(squares, keep - 1, axis=1)[:, :keep]
            query_types = np.array([self.types[char][list(strokes)] for char, strokes in part])
            other = types[near]
            differs = np.where(
                query_types[:, None, :] == other, 0.0, np.where(query_types[:, None, :] // 64 == other // 64, 0.3, 1.0)
            ).mean(axis=2)
            error = (
                np.sqrt(np.maximum(np.take_along_axis(squares, near, axis=1), 0) / (count * POINTS)) + 0.15 * differs
            )
            best = error.argmin(axis=1)
            for index, column in enumerate(best):
                names[start + index] = known[near[index, column]]
            errors[start : start + 4096] = error[np.arange(len(part)), best]
        return names, errors

    def error(self, char: str, side: tuple[int, ...], part: str) -> float:
        """Return the root mean square distance of a side from one character of as many strokes."""
        difference = _normalised(self.points[char][list(side)]) - _normalised(self.points[part])
        return float(np.sqrt((difference * difference).sum() / (len(side) * POINTS)))


def _code(kind: str) -> int:
    """Return a number whose quotient by 64 is equal for types that stand for one another."""
    from hierbrush.strokes.types import NUMBER

    return 64 * _GROUP.get(kind, 40 + NUMBER[kind]) + NUMBER[kind]


def _normalised(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale strokes [m, 8, 2] to their own box; a side counts at least a quarter of the other."""
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    size = np.maximum(high - low, max(0.25 * float((high - low).max()), 30.0))
    centred: NDArray[np.float32] = ((points - (low + high) / 2) / size).astype(np.float32).ravel()
    return centred


def _candidates(count: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield (run, remainder) for every run of strokes but the whole."""
    everything = range(count)
    for start in range(count):
        for end in range(start + 1, count + 1):
            if end < count:  # a suffix is the remainder of a prefix
                run = tuple(range(start, end))
                yield run, tuple(index for index in everything if index < start or index >= end)


Side = tuple[str, tuple[int, ...]]


def decompose(sources: Sources, labels: Mapping[str, Sequence[Label]]) -> Decompositions:
    """Find a tree for every character of ``sources``."""
    matcher = Matcher(sources, labels)
    return choose(matcher, match_sides(matcher), sources)


def match_sides(matcher: Matcher) -> dict[Side, tuple[str, float]]:
    """Return for every side of every candidate cut the nearest character and the error."""
    asked: dict[int, list[Side]] = {}
    for char in matcher.chars:
        sides = {side for cut in _candidates(len(matcher.points[char])) for side in cut}
        for side in sorted(sides):
            asked.setdefault(len(side), []).append((char, side))
    found: dict[Side, tuple[str, float]] = {}
    for count, sides_of_count in sorted(asked.items()):
        names, errors = matcher.match(count, sides_of_count)
        found.update(
            (side, (name, float(error))) for side, name, error in zip(sides_of_count, names, errors, strict=True)
        )
    return found


def choose(matcher: Matcher, found: Mapping[Side, tuple[str, float]], sources: Sources) -> Decompositions:
    """Choose the cheapest cut of every character, twice, and expand the trees."""
    options = {char: _options(char, matcher, found, sources) for char in matcher.chars}
    frequency: Counter[tuple[str, str, int]] = Counter()
    cuts: dict[str, Cut] = {}
    for _ in range(2):
        cuts = {}
        for char, possible in options.items():
            priced = [(cut.cost - _familiarity(cut, frequency), number, cut) for number, cut in enumerate(possible)]
            if priced:
                cost, _, cut = min(priced, key=lambda entry: (round(entry[0], 9), entry[1]))
                if cost < WORST:
                    cuts[char] = replace(cut, cost=cost)
        frequency = Counter(
            (name, cut.operator, slot)
            for cut in cuts.values()
            for slot, name in enumerate(cut.names)
            if name is not None
        )
    return _trees(matcher, {char: _in_three(char, cut, matcher, found) for char, cut in cuts.items()})


def _familiarity(cut: Cut, frequency: Counter[tuple[str, str, int]]) -> float:
    """Return how much a cut gains by components that are often found in their places."""
    return sum(
        0.04 * min(log(1 + frequency[name, cut.operator, slot]), 4.0)
        for slot, name in enumerate(cut.names)
        if name is not None
    )


def _options(char: str, matcher: Matcher, found: Mapping[Side, tuple[str, float]], sources: Sources) -> list[Cut]:
    """Return all cuts of a character with at least one named side, priced without regard to frequency."""
    evidence = _evidence(char, sources)
    boxes = matcher.boxes[char]
    options = []
    for run, rest in _candidates(len(boxes)):
        gap = run[0] > 0
        sides = {side: _identify(char, side, matcher, found, evidence) for side in (run, rest)}
        if sides[run][0] is None and sides[rest][0] is None:
            continue
        arranged = _arrange(boxes, run, rest, sides, gap)
        if arranged is None:
            continue
        operator, order, overlap = arranged
        cost = 0.9 * overlap + (0.25 if gap else 0.0)
        for side in order:
            name, error = sides[side]
            cost += 2.0 * min(error, 0.2) + (0.35 if len(side) == 1 else 0.0) + (0.2 if name is None else 0.0)
        names = (sides[order[0]][0], sides[order[1]][0])
        named = False
        for counts, parts in evidence:
            if counts == (len(order[0]), len(order[1])):
                agreeing = sum(name in parts for name in names if name is not None)
                named = agreeing > 0
                cost -= 0.3 + 0.05 * agreeing if named else 0.1
                break
        errors = (sides[order[0]][1], sides[order[1]][1])
        options.append(Cut(operator, order, names, errors, cost, "split" if named else "mined"))
    return options


def _in_three(char: str, cut: Cut, matcher: Matcher, found: Mapping[Side, tuple[str, float]]) -> Cut:
    """Part an anonymous side once more in the same direction where that names all three (京 is ⿳亠口小)."""
    if cut.operator not in "⿰⿱" or None not in cut.names:
        return cut
    boxes = matcher.boxes[char]
    slot = cut.names.index(None)
    side = cut.strokes[slot]
    best: tuple[float, Cut] | None = None
    for at in range(1, len(side)):
        halves = (side[:at], side[at:])
        if any((char, half) not in found for half in halves):  # such as both ends of a side in two runs
            continue
        sides = {half: _identify(char, half, matcher, found, ()) for half in halves}
        if any(name is None for name, _ in sides.values()):
            continue
        arranged = _arrange(boxes, side[:at], side[at:], sides, False)
        if arranged is None or arranged[0] != cut.operator:
            continue
        _, order, overlap = arranged
        cost = overlap + sum(error for _, error in sides.values())
        if best is None or cost < best[0]:
            middle = [(part, *sides[part]) for part in order]
            parts = [(cut.strokes[i], cut.names[i], cut.errors[i]) for i in (0, 1)]
            parts[slot : slot + 1] = middle
            strokes, names, errors = zip(*parts, strict=True)
            best = (cost, Cut("⿲" if cut.operator == "⿰" else "⿳", strokes, names, errors, cut.cost, cut.origin))
    return best[1] if best is not None else cut


def _identify(
    char: str,
    side: tuple[int, ...],
    matcher: Matcher,
    found: Mapping[Side, tuple[str, float]],
    evidence: Sequence[tuple[tuple[int, int], set[str]]],
) -> tuple[str | None, float]:
    """Return which character a side is, or None, and the error. A single stroke is no component by itself."""
    name, error = found[char, side]
    if len(side) == 1:
        return None, error
    groups = matcher.types[char][list(side)] // 64
    # One or two strokes fit something by chance.
    limit = KNOWN if len(side) > 2 else 0.8 * KNOWN
    if error <= limit or (len(side) > 2 and error <= ALLOGRAPH and (groups == matcher.types[name] // 64).all()):
        return name, error
    hinted = {part for _, parts in evidence for part in parts}
    if side[0] == 0 and len(side) > 2:
        hinted |= set(_FRAME_OPERATOR)
    for part in sorted(hinted & set(matcher.by_count.get(len(side), ()))):
        if part != char and (groups == matcher.types[part] // 64).all():
            other = matcher.error(char, side, part)
            if other <= SQUEEZED:
                return part, min(other, ALLOGRAPH)
    return None, error


def _box(boxes: NDArray[np.float64], strokes: Sequence[int]) -> NDArray[np.float64]:
    chosen = boxes[list(strokes)]
    return np.concatenate([chosen[:, :2].min(axis=0), chosen[:, 2:].max(axis=0)])


def _arrange(
    boxes: NDArray[np.float64],
    run: tuple[int, ...],
    rest: tuple[int, ...],
    sides: Mapping[tuple[int, ...], tuple[str | None, float]],
    gap: bool,
) -> tuple[str, tuple[tuple[int, ...], tuple[int, ...]], float] | None:
    """Return operator, sides in its order, and how much the sides' boxes overlap (0 to 1); None where nothing fits."""
    a, b = _box(boxes, run), _box(boxes, rest)
    overlap = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    smaller = np.maximum(np.minimum(a[2:] - a[:2], b[2:] - b[:2]), 60.0)
    share = np.clip(overlap / smaller, 0.0, 1.0)
    # A frame is a known enclosing component with room for the other side; it is written first, last or around it.
    for outer, inner, box_outer, box_inner in ((rest, run, b, a), (run, rest, a, b)):
        operator = _FRAME_OPERATOR.get(sides[outer][0] or "", "")
        if operator and not (gap and outer is run) and share.min() > 0.2 and _encloses(operator, box_outer, box_inner):
            return operator, (outer, inner), 0.0
    if gap:
        # Middle strokes inside a known component that is no usual frame: 哀, 街.
        inside = bool((a[:2] >= b[:2] - 20).all() and (a[2:] <= b[2:] + 20).all())
        return ("⿴", (rest, run), _LOOSE) if inside and None not in (sides[rest][0], sides[run][0]) else None
    if share[0] <= share[1]:
        return "⿰", (run, rest) if a[0] + a[2] < b[0] + b[2] else (rest, run), float(share[0])
    return "⿱", (run, rest) if a[1] + a[3] > b[1] + b[3] else (rest, run), float(share[1])


def _encloses(operator: str, outer: NDArray[np.float64], inner: NDArray[np.float64]) -> bool:
    """Whether the inner box (left, bottom, right, top; y up) sits where the frame leaves room."""
    size = outer[2:] - outer[:2]
    left, _, right, top = (inner - outer) / np.tile(size, 2)
    centre = (inner[:2] + inner[2:] - outer[:2] - outer[2:]) / 2 / size
    if operator == "⿺":
        return bool(left > 0.1 and centre[1] > -0.1)
    if operator == "⿸":
        return bool(left > -0.08 and top < -0.03 and centre[1] < 0)
    if operator == "⿹":
        return bool(right < 0.15 and top < 0.1 and centre[0] < 0.1)
    return bool(abs(centre[0]) < 0.35 and abs(centre[1]) < 0.4 and left > -0.08 and right < 0.08)


def _evidence(char: str, sources: Sources) -> list[tuple[tuple[int, int], set[str]]]:
    """Return the stroke counts of first and second side, and the part names, that cjk-semantic-split speaks for."""
    evidence = []
    for split in sources.parts.get(char, ()):
        parts = [_ALIASES.get(part, part) for part, _ in split]
        positions = [position for _, position in split]
        counts = [len(sources.paths[part]) if part in sources.paths else None for part in parts]
        total = len(sources.paths[char])
        for cut in _groups(positions):
            head, tail = counts[:cut], counts[cut:]
            first = sum(head) if None not in head else None  # type: ignore[arg-type]
            second = sum(tail) if None not in tail else None  # type: ignore[arg-type]
            if first is None and second is not None:
                first = total - second
            if second is None and first is not None:
                second = total - first
            if first and second and first > 0 and second > 0 and first + second == total:
                evidence.append(((first, second), set(parts)))
    return evidence


def _groups(positions: Sequence[int]) -> list[int]:
    """Return after how many parts the first side may end; nested parts are flattened upstream."""
    first = positions[0]
    if first == 50:
        column = 1
        while column < len(positions) and positions[column] in ((50, 70) if 70 in positions[:3] else (50, 60)):
            column += 1
        return [column] if column < len(positions) else []
    if first in (10, 30):
        run = 1
        while run < len(positions) - 1 and positions[run] == first:
            run += 1
        return list(range(1, run + 1))
    return [1]


def _trees(matcher: Matcher, cuts: Mapping[str, Cut]) -> Decompositions:
    """Expand named components by their own cuts and number the anonymous ones."""
    numbers = _cluster(matcher, cuts)
    trees: dict[str, Part] = {}

    def tree(name: int, char: str, strokes: Sequence[int], depth: int) -> Part:
        """The tree of ``char`` written with the given strokes."""
        cut = cuts.get(char)
        if cut is None or depth > 12:
            return Part(name, strokes=tuple(strokes))
        children = []
        for slot in range(len(cut.strokes)):
            side = [strokes[index] for index in cut.strokes[slot]]
            component = cut.names[slot]
            if component is None:
                children.append(Part(ANONYMOUS + numbers[char, slot], strokes=tuple(side)))
            else:
                children.append(tree(ord(component), component, side, depth + 1))
        return Part(name, cut.operator, children=tuple(children))

    for char in matcher.chars:
        trees[char] = tree(ord(char), char, range(len(matcher.points[char])), 0)
    return Decompositions(trees, dict(cuts), dict(sorted(Counter(numbers.values()).items())))


def _cluster(matcher: Matcher, cuts: Mapping[str, Cut]) -> dict[tuple[str, int], int]:
    """Number anonymous sides, 1 the most frequent: equal stroke types and near shapes share a number."""
    leaders: dict[tuple[int, ...], list[tuple[NDArray[np.float32], list[tuple[str, int]]]]] = {}
    for char, cut in cuts.items():
        for slot in range(len(cut.strokes)):
            if cut.names[slot] is None:
                side = list(cut.strokes[slot])
                shape = _normalised(matcher.points[char][side])
                groups = leaders.setdefault(tuple(matcher.types[char][side] // 64), [])
                for leader, members in groups:
                    if np.sqrt(((leader - shape) ** 2).sum() / (len(side) * POINTS)) <= KNOWN:
                        members.append((char, slot))
                        break
                else:
                    groups.append((shape, [(char, slot)]))
    members_of = sorted(
        (members for groups in leaders.values() for _, members in groups), key=lambda members: (-len(members), members)
    )
    return {member: number for number, members in enumerate(members_of, 1) for member in members}
