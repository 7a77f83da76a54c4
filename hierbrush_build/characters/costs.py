"""What a cut costs: fitted to cjk-semantic-split's opinions, on characters cut without its help.

The opinions say how many strokes each side of a character has. Of the cuts that can be made without them, those whose
sides have so many strokes shall be the likeliest: a softmax over a character's cuts, each with minus its cost as its
logit. What the opinions themselves are worth cannot be learned from them, and is set by hand (`HINT`); so is what three
parts are worth (`THREE`), since an opinion has two sides. No reference table is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from hierbrush.characters import split
from hierbrush_build.characters.corrections import apply, load_corrections
from hierbrush_build.characters.cuts import CutOption, Features
from hierbrush_build.characters.decompositions import all_options, familiarity, places, sides_of, stroke_counts
from hierbrush_build.characters.hints import Hint, hints_of
from hierbrush_build.characters.labels import label
from hierbrush_build.characters.matching import GlyphStrokes, Matcher
from hierbrush_build.characters.sources import Sources

ERROR = 2.2
"""Cost of a side's error of 1; fixes the unit of all costs."""

HINT, THREE = 1.0, 3.0
"""Logits: of an opinion's stroke counts, and of each name that it shares with a cut; of three parts found by a rule."""

_DECAY = 1e-5
_BY_HAND = ("hinted", "hinted_names", "hinted_unsure", "repeated")
_ROUNDS = 5


@dataclass(frozen=True)
class Costs:
    """What was fitted.

    Attributes:
        weights: a feature's cost.
        familiar: how much less a component costs that is familiar in its place.
        worst: 99 % of the cuts that agree with an opinion cost no more, hints not counted.
        characters: how many have an opinion and a cut that agrees with it.
        agreeing: the share of them whose cheapest cut does.
    """

    weights: Features
    familiar: float
    worst: float
    characters: int
    agreeing: float


def costs_of(sources: Sources) -> Costs:
    """Return the costs of cuts, fitted to what cjk-semantic-split says of training characters."""
    corrections = load_corrections()
    sources = apply(sources, corrections)
    strokes = GlyphStrokes(sources, label(sources, corrections)[0])
    matcher = Matcher(strokes, strokes.exemplars())
    found = matcher.match_all(sides_of(strokes))
    possible = all_options(matcher, found, replace(sources, parts={}))
    counts = stroke_counts(matcher, sources)
    taught = [char for char in possible if split(char) == "train"]
    return fit_costs(
        {char: possible[char] for char in taught}, {char: hints_of(char, sources, counts) for char in taught}
    )


def fit_costs(possible: Mapping[str, Sequence[CutOption]], hints: Mapping[str, Sequence[Hint]]) -> Costs:
    """Fit the costs.

    Args:
        possible: all cuts of the characters to learn from, found without hints.
        hints: what is said of these characters.
    """
    learned = [number for number, name in enumerate(Features._fields) if name not in _BY_HAND]
    every = [ways for ways in possible.values() if ways]
    features = [np.array([option.features for option in ways])[:, learned] for ways in every]
    right = []
    for char, ways in possible.items():
        if ways:
            counts = {hint.counts for hint in hints.get(char, ()) if hint.sure}
            right.append(np.array([tuple(map(len, option.strokes)) in counts for option in ways], bool))
    taught = [at for at, agrees in enumerate(right) if agrees.any() and not agrees.all()]
    # As when cuts are chosen: what is familiar in its place is learned from the cheapest cuts of all characters.
    chosen: list[CutOption | None] = [None] * len(every)
    theta = np.zeros(len(learned) + 1)
    for _ in range(_ROUNDS):
        frequency = Counter(place for option in chosen if option is not None for place in places(option))
        table: list[NDArray[np.float64]] = [
            np.column_stack([rows, np.array([-familiarity(option, frequency, own) for option in ways])])
            for rows, ways, own in zip(features, every, chosen, strict=True)
        ]
        theta = _likeliest([table[at] for at in taught], [right[at] for at in taught], theta)
        costs = [rows @ theta for rows in table]
        chosen = [
            ways[int(np.where(agrees | ~agrees.any(), cost, np.inf).argmin())]
            for ways, agrees, cost in zip(every, right, costs, strict=True)
        ]
    agreeing = np.mean([right[at][int(costs[at].argmin())] for at in taught])
    unit = ERROR / theta[learned.index(Features._fields.index("error"))]
    by_hand = {"hinted": -HINT * unit, "hinted_names": -HINT * unit, "hinted_unsure": 0.0, "repeated": -THREE * unit}
    fitted = {Features._fields[number]: theta[at] * unit for at, number in enumerate(learned)}
    weights = Features(**{name: float(value) for name, value in {**fitted, **by_hand}.items()})
    worst = np.quantile([costs[at][right[at]].min() for at in taught], 0.99) * unit
    return Costs(weights, float(theta[-1] * unit), float(worst), len(taught), float(agreeing))


def _likeliest(
    table: Sequence[NDArray[np.float64]], right: Sequence[NDArray[np.bool_]], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weights under which the right rows of every block are likeliest."""
    rows = np.concatenate(table)
    spread = rows.std(axis=0)
    unit = np.where(spread > 0, spread, 1.0)
    rows = rows / unit
    agrees = np.concatenate(right)
    starts = np.cumsum([0, *map(len, table[:-1])])
    block = np.repeat(np.arange(len(table)), [len(part) for part in table])

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = -(rows @ theta)
        logits -= np.maximum.reduceat(logits, starts)[block]
        weight = np.exp(logits)
        every, chosen = np.add.reduceat(weight, starts), np.add.reduceat(weight * agrees, starts)
        # A right cut may be so dear that nothing of it is left.
        chosen = np.maximum(chosen, 1e-30)
        share = weight * agrees / chosen[block] - weight / every[block]
        value = np.log(every / chosen).mean() + _DECAY * theta @ theta
        return float(value), share @ rows / len(table) + 2 * _DECAY * theta

    found: NDArray[np.float64] = minimize(loss, start * unit, jac=True, method="L-BFGS-B").x / unit
    return found
