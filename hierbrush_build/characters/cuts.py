"""The ways to cut one character in two or three, and what speaks for and against each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush_build.characters.frames import FRAME_OPERATORS, arrange, box_of
from hierbrush_build.characters.hints import Hint
from hierbrush_build.characters.matching import FAR, Match, Matcher, Side

KNOWN = 0.105
ALLOGRAPH = 0.15
SQUEEZED = 0.2
"""A side is the component that it fits best if the error (see `Match`) is at most `KNOWN`, or `ALLOGRAPH` where all
stroke types agree (the left-hand 土 of 地), or `SQUEEZED` where besides it is a known frame (the 走 of 赴) or
cjk-semantic-split names it."""

SMALLEST = 5
"""Characters of fewer strokes are cut with care, see `_fit_for_small`: 王 and 木 are learned as a whole."""

LIDS, BELTS, CLOTHES = "亠⺍炏", "口冖", "𧘇"
"""A lid, a belt and a base are three parts, not two: 京, 勞, 觉; but in 哀 the lid and the base are 衣."""

RECURRENT = "#"
"""Begins the provisional names of shapes that recur without being a known component."""

SINGLE = {"H": "一", "T": "一", "S": "丨", "SG": "亅", "P": "丿", "SP": "丿", "D": "丶", "N": "丶", "SWG": "乚"}
"""Names of single strokes."""


@dataclass(frozen=True)
class GlyphCut:
    """One way to part a character.

    Attributes:
        operator: ideographic description character.
        strokes: of each side, in the order of the operator; two sides, or three for ⿲ and ⿳.
        names: the component that each side is, or None.
        errors: how far each side is from the nearest exemplar.
        cost: total, the lower the better.
        origin: "split" where cjk-semantic-split names the same parts, else "mined".
    """

    operator: str
    strokes: tuple[tuple[int, ...], ...]
    names: tuple[str | None, ...]
    errors: tuple[float, ...]
    cost: float
    origin: str


class Features(NamedTuple):
    """What counts for a cut.

    Attributes:
        overlap: of the sides' boxes, 0 to 1.
        gap: 1 where one side is written before and after the other.
        error: of all sides, each at most 0.2.
        single: sides of one stroke.
        anonymous: sides without a name.
        anonymous_size: their share of the strokes.
        composed: share of the strokes in sides without a name that are two components with one.
        hinted: 1 where cjk-semantic-split has sides of so many strokes, all of them known to it.
        hinted_names: sides that it names likewise.
        hinted_unsure: 1 where the strokes of one of its parts had to be inferred.
        repeated: 1 for three parts.
        frame: 1 where one side is written around the other.
    """

    overlap: float
    gap: float
    error: float
    single: float
    anonymous: float
    anonymous_size: float
    composed: float
    hinted: float
    hinted_names: float
    hinted_unsure: float
    repeated: float
    frame: float


@dataclass(frozen=True)
class CutOption:
    """A cut that can be made, not yet priced.

    Attributes:
        operator: as in `GlyphCut`.
        strokes: as in `GlyphCut`.
        names: as in `GlyphCut`.
        errors: as in `GlyphCut`.
        features: what its price is made of.
        hinted: whether cjk-semantic-split names one of the sides.
    """

    operator: str
    strokes: tuple[tuple[int, ...], ...]
    names: tuple[str | None, ...]
    errors: tuple[float, ...]
    features: Features
    hinted: bool

    def cut(self, cost: float) -> GlyphCut:
        """Return the option as a cut of so much cost."""
        return GlyphCut(self.operator, self.strokes, self.names, self.errors, cost, "split" if self.hinted else "mined")


Identity = tuple[str | None, float]
"""The component that a side is, or None, and the error."""


def candidates(count: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield (run, remainder) for every run of strokes but the whole."""
    everything = range(count)
    for start in range(count):
        for end in range(start + 1, count + 1):
            if end < count:  # a suffix is the remainder of a prefix
                run = tuple(range(start, end))
                yield run, tuple(index for index in everything if index < start or index >= end)


def options(char: str, matcher: Matcher, found: Mapping[Side, Match], hints: Sequence[Hint]) -> list[CutOption]:
    """Return all cuts of a character with at least one named side."""
    boxes = matcher.strokes.boxes[char]
    count = len(boxes)
    known: dict[tuple[int, ...], Identity] = {}
    whole: dict[tuple[int, ...], bool] = {}

    def identity(side: tuple[int, ...]) -> Identity:
        if side not in known:
            known[side] = identify((char, side), matcher, found, hints)
        return known[side]

    def inside(side: tuple[int, ...]) -> bool:
        if side not in whole:
            whole[side] = inside_of((char, side), matcher, identity) is not None
        return whole[side]

    result = []
    for run, rest in candidates(count):
        gap = run[0] > 0
        identities = {side: identity(side) for side in (run, rest)}
        if gap:
            row = _row_of_three(boxes, run, count, identity)
            if row is not None:
                result.append(row)
        if all(name is None for name, _ in identities.values()):
            continue
        arranged = arrange(boxes, run, rest, {side: name for side, (name, _) in identities.items()}, gap)
        if arranged is None:
            continue
        operator, order, overlap = arranged
        if count < SMALLEST and not _fit_for_small(operator, order, identities, overlap, gap):
            continue
        nameless = [side for side in order if identities[side][0] is None]
        composed = sum(len(side) for side in nameless if inside(side)) / count
        result.append(_option(operator, order, [identities[side] for side in order], overlap, gap, hints, composed))
    return result


def _fit_for_small(
    operator: str,
    order: Sequence[tuple[int, ...]],
    identities: Mapping[tuple[int, ...], Identity],
    overlap: float,
    gap: bool,
) -> bool:
    """Whether a character of few strokes may be cut so: into known components, or a stroke beside one (亿, 引)."""
    if gap and overlap > 0.0:
        return False
    if any(len(side) == 1 for side in order):
        return operator == "⿰" and overlap <= 0.2
    return all((identities[side][0] or RECURRENT)[0] != RECURRENT for side in order)


def _option(
    operator: str,
    order: Sequence[tuple[int, ...]],
    identities: Sequence[Identity],
    overlap: float,
    gap: bool,
    hints: Sequence[Hint],
    composed: float = 0.0,
) -> CutOption:
    names = tuple(name for name, _ in identities)
    errors = tuple(min(error, 0.2) for _, error in identities)
    hinted = agreeing = unsure = 0
    for hint in hints:
        if hint.counts == tuple(map(len, order)):
            agreeing = sum(name in hint.parts for name in names if name is not None)
            hinted, unsure = int(hint.sure), int(not hint.sure)
            break
    total = sum(map(len, order))
    nameless = [len(side) / total for side, name in zip(order, names, strict=True) if name is None]
    features = Features(
        overlap=overlap,
        gap=float(gap),
        error=sum(errors),
        single=sum(len(side) == 1 for side in order),
        anonymous=len(nameless),
        anonymous_size=sum(nameless),
        composed=composed,
        hinted=hinted,
        hinted_names=agreeing,
        hinted_unsure=unsure,
        repeated=float(len(order) == 3),
        frame=float(operator not in "⿰⿱⿲⿳"),
    )
    return CutOption(operator, tuple(order), names, tuple(error for _, error in identities), features, agreeing > 0)


def _row_of_three(
    boxes: NDArray[np.float64],
    run: tuple[int, ...],
    count: int,
    identity: Callable[[tuple[int, ...]], Identity],
) -> CutOption | None:
    """Return the cut in three whose middle is ``run``, or None.

    First and last are the same component (班, 辨, 器 has 吅 above and below), or a belt lies under a lid.
    """
    first, last = tuple(range(run[0])), tuple(range(run[-1] + 1, count))
    if min(len(first), len(run), len(last)) < 2:
        return None
    ends = identity(first), identity(last)
    if ends[0][0] is None or ends[1][0] is None:
        return None
    repeated = ends[0][0] == ends[1][0] and len(first) == len(last) > 2
    belted = ends[0][0] in LIDS and (identity(run)[0] or "-") in BELTS and ends[1][0] not in CLOTHES
    if not (repeated or belted):
        return None
    a, b, c = (box_of(boxes, side) for side in (first, run, last))
    for axis, operator in ((0, "⿲"), (1, "⿳")):
        low, high = (a, c) if axis == 0 else (c, a)  # y runs upward
        gaps = [
            min(before[axis + 2], after[axis + 2]) - max(before[axis], after[axis])
            for before, after in ((low, b), (b, high))
        ]
        sizes = [max(min(box[axis + 2] - box[axis], b[axis + 2] - b[axis]), 60.0) for box in (low, high)]
        centres = [box[axis] + box[axis + 2] for box in (low, b, high)]
        overlap = max(gap / size for gap, size in zip(gaps, sizes, strict=True))
        # A belt reaches into its base, and lies under its lid.
        fits = overlap < 0.4 if repeated else overlap < 1.0 and operator == "⿳"
        if centres[0] < centres[1] < centres[2] and fits:
            order = (first, run, last)
            middle = identity(run)
            return _option(operator, order, [ends[0], middle, ends[1]], max(overlap, 0.0), False, ())
    return None


def inside_of(side: Side, matcher: Matcher, identity: Callable[[tuple[int, ...]], Identity]) -> GlyphCut | None:
    """Return the cut of a side without a name in two named ones, in places of the side, or None.

    Only a side whose strokes follow one another in writing is cut, and only between two of them.
    """
    char, strokes = side
    if len(strokes) < 4 or strokes[-1] - strokes[0] != len(strokes) - 1:
        return None
    best: GlyphCut | None = None
    for at in range(2, len(strokes) - 1):
        halves = (strokes[:at], strokes[at:])
        known = {half: identity(half) for half in halves}
        names = {half: name for half, (name, _) in known.items()}
        if any(name is None or name[0] == RECURRENT for name in names.values()):
            continue
        arranged = arrange(matcher.strokes.boxes[char], *halves, names, False)
        if arranged is None or arranged[2] > 0.5:
            continue
        operator, order, overlap = arranged
        cost = overlap + sum(error for _, error in known.values())
        if best is None or cost < best.cost:
            places = tuple(tuple(stroke - strokes[0] for stroke in part) for part in order)
            errors = tuple(known[part][1] for part in order)
            best = GlyphCut(operator, places, tuple(names[part] for part in order), errors, cost, "mined")
    return best


def identify(side: Side, matcher: Matcher, found: Mapping[Side, Match], hints: Sequence[Hint]) -> Identity:
    """Return which component a side is, or None, and the error."""
    char, strokes = side
    match = found.get(side, _NOTHING)
    if len(strokes) == 1:
        return None, match.error
    # One or two strokes fit something by chance.
    limit = KNOWN if len(strokes) > 2 else 0.8 * KNOWN
    if match.error <= limit or (len(strokes) > 2 and match.error <= ALLOGRAPH and match.alike):
        return match.name, match.error
    hinted = {part for hint in hints for part in hint.parts}
    if strokes[0] == 0 and len(strokes) > 2:
        hinted |= set(FRAME_OPERATORS)
    for part in sorted(hinted & matcher.names_of_count(len(strokes))):
        if part != char:
            other = matcher.distance(side, part)
            if other <= SQUEEZED:
                return part, min(other, ALLOGRAPH)
    return None, match.error


_NOTHING = Match("", FAR, False)
