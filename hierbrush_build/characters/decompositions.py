"""A component tree for every character, found by shape and checked against cjk-semantic-split.

Every way to cut a character's stroke sequence in two is a candidate: a run of strokes and what remains (a prefix and a
suffix, or a run in the middle that a frame encloses). Each side is compared with every exemplar that has as many
strokes (`matching`), and each cut is priced (`cuts`). The cheapest ones teach what components look like in their places
and which shapes without a name recur (`learn`); with these the cuts are chosen once more. Sides that fit nothing are
anonymous; equal ones share a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log

import numpy as np

from hierbrush.characters.data_file import Part
from hierbrush_build.characters.cuts import (
    RECURRENT,
    CutOption,
    Features,
    GlyphCut,
    Identity,
    candidates,
    identify,
    inside_of,
    options,
)
from hierbrush_build.characters.hints import hints_of
from hierbrush_build.characters.labels import Label
from hierbrush_build.characters.matching import Exemplar, GlyphStrokes, Match, Matcher, Side
from hierbrush_build.characters.sources import Sources
from hierbrush_build.characters.trees import build_trees, same_shapes

WEIGHTS = Features(
    overlap=0.6,
    gap=0.19,
    error=2.2,
    single=0.35,
    anonymous=-0.65,
    anonymous_size=1.27,
    composed=-0.28,
    hinted=-0.18,
    hinted_names=-0.18,
    hinted_unsure=0.0,
    repeated=-0.54,
    frame=0.1,
)
FAMILIAR = 0.11
"""What a cut costs, and how much less for a component that is familiar in its place; fitted by `costs`."""
_VERY_FAMILIAR = 5.0
WORST = 0.67
"""Cuts that cost more are not believed; the character stays whole. From `costs` too."""


@dataclass
class Decompositions:
    """The result.

    Attributes:
        trees: a tree for every character; one leaf where no cut was good enough.
        cuts: the top cut of every character that has one.
        anonymous: number of anonymous component -> how many characters have it.
    """

    trees: dict[str, Part]
    cuts: dict[str, GlyphCut]
    anonymous: dict[int, int] = field(default_factory=dict)


def decompose(sources: Sources, labels: Mapping[str, Sequence[Label]]) -> Decompositions:
    """Find a tree for every character of ``sources``."""
    strokes = GlyphStrokes(sources, labels)
    known = strokes.exemplars()
    matcher = Matcher(strokes, known)
    sides = sides_of(strokes)
    found = matcher.match_all(sides)
    first = choose(all_options(matcher, found, sources))
    learned = learn(strokes, first)
    nearest = Matcher(strokes, learned).match_all(sides)
    both = {side: min(match, nearest[side], key=lambda match: match.error) for side, match in found.items()}
    matcher = Matcher(strokes, [*known, *learned])
    chosen = choose(all_options(matcher, both, sources))
    return finish(matcher, both, chosen)


def finish(matcher: Matcher, found: Mapping[Side, Match], chosen: Mapping[str, GlyphCut]) -> Decompositions:
    """Take provisional names away and expand the trees."""
    cuts = {
        char: replace(cut, names=tuple(None if name is None or name[0] == RECURRENT else name for name in cut.names))
        for char, cut in chosen.items()
    }
    insides: dict[Side, GlyphCut] = {}
    for char, cut in cuts.items():

        def identity(side: tuple[int, ...], char: str = char) -> Identity:
            return identify((char, side), matcher, found, ())

        for side, name in zip(cut.strokes, cut.names, strict=True):
            inside = inside_of((char, side), matcher, identity) if name is None else None
            if inside is not None:
                insides[char, side] = inside
    trees, anonymous = build_trees(matcher.strokes, cuts, insides)
    return Decompositions(trees, cuts, anonymous)


def sides_of(strokes: GlyphStrokes) -> dict[int, list[Side]]:
    """Return the sides of all candidate cuts by their number of strokes."""
    asked: dict[int, list[Side]] = {}
    for char in strokes.chars:
        sides = {side for cut in candidates(len(strokes.points[char])) for side in cut}
        for side in sorted(sides):
            asked.setdefault(len(side), []).append((char, side))
    return asked


def all_options(matcher: Matcher, found: Mapping[Side, Match], sources: Sources) -> dict[str, list[CutOption]]:
    """Return the possible cuts of every character."""
    counts = stroke_counts(matcher, sources)
    return {char: options(char, matcher, found, hints_of(char, sources, counts)) for char in matcher.strokes.chars}


def stroke_counts(matcher: Matcher, sources: Sources) -> dict[str, int]:
    """Return how many strokes every component with a name has."""
    counts = {name: len(exemplars[0].types) for name, exemplars in matcher.names().items()}
    return counts | {char: len(paths) for char, paths in sources.paths.items()}


def choose(possible: Mapping[str, Sequence[CutOption]]) -> dict[str, GlyphCut]:
    """Return the cheapest cut of every character; the second time components in familiar places are cheaper."""
    priced = {
        char: np.array([option.features for option in ways]) @ np.array(WEIGHTS)
        for char, ways in possible.items()
        if ways
    }
    frequency: Counter[Place] = Counter()
    chosen: dict[str, GlyphCut] = {}
    for _ in range(2):
        cuts = {}
        for char, prices in priced.items():
            ways = possible[char]
            familiar = [familiarity(option, frequency, chosen.get(char)) for option in ways]
            costs = (prices - FAMILIAR * np.array(familiar)).round(9)
            at = int(costs.argmin())
            if costs[at] < WORST:
                cuts[char] = ways[at].cut(float(costs[at]))
        chosen = cuts
        frequency = Counter(place for cut in cuts.values() for place in places(cut))
    return chosen


Place = tuple[str, str, int]
"""A component, an operator and the number of the side."""


def places(cut: GlyphCut | CutOption) -> list[Place]:
    """Return where the sides with names stand."""
    return [(name, cut.operator, slot) for slot, name in enumerate(cut.names) if name is not None]


def familiarity(option: CutOption, frequency: Counter[Place], own: GlyphCut | CutOption | None) -> float:
    """Return how often the option's components stand in their places in other characters: logarithms, added up."""
    mine = places(own) if own is not None else []
    return sum(min(log(1 + frequency[place] - (place in mine)), _VERY_FAMILIAR) for place in places(option))


def learn(strokes: GlyphStrokes, cuts: Mapping[str, GlyphCut]) -> list[Exemplar]:
    """Return what components look like in their places, and shapes without a name that recur.

    Means of a component found in one place at least three times, or of a shape without a name found four times.
    """
    sides = [
        ((char, side), (name or "", f"{cut.operator}{slot}"))
        for char, cut in cuts.items()
        for slot, (side, name) in enumerate(zip(cut.strokes, cut.names, strict=True))
        if len(side) > 1
    ]
    learned: list[Exemplar] = []
    recurrent = 0
    for (name, _), members in same_shapes(strokes, sides):
        if len(members) >= (3 if name else 4):
            exemplars = [strokes.exemplar(name, side) for side in members]
            kinds = Counter(tuple(exemplar.types.tolist()) for exemplar in exemplars)
            commonest = max(sorted(kinds), key=kinds.__getitem__)
            mean = np.mean([exemplar.shape for exemplar in exemplars], axis=0).astype(np.float32)
            recurrent += not name
            learned.append(Exemplar(name or f"{RECURRENT}{recurrent}", mean, np.array(commonest)))
    return learned
