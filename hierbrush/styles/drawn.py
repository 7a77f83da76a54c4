"""Examples of a hand as they were parsed, and what is learned of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import load_library
from hierbrush.metrics import stroke_iou
from hierbrush.sim import distance_to_outline, rasterise
from hierbrush.styles import hand, stance
from hierbrush.styles.foretelling import Follow, Foretelling, Lesson

Floats = NDArray[np.float64]


class Drawn(NamedTuple):
    """Examples as they were parsed; see `Style`."""

    characters: tuple[str, ...]
    lines: Floats
    outlines: Floats
    confidence: Floats


def places_of(characters: Iterable[str]) -> dict[str, slice]:
    """Return which strokes are each character's, where all strokes stand one after the other."""
    places, start = {}, 0
    for char in characters:
        stop = start + len(load_library().stroke_types(char))
        places[char] = slice(start, stop)
        start = stop
    return places


def learned(drawn: Drawn) -> tuple[stance.Stance, Foretelling]:
    """Learn how a hand's characters stand, and how it draws strokes."""
    base = base_of(drawn.characters)
    own = own_of(drawn.lines, drawn.outlines, base)
    boxes, placed = [], []
    for each, part in zip(base, places_of(drawn.characters).values(), strict=True):
        box, bold = hand.box_of(own.outlines[part]), stance.boldness(each, own.part(part))
        boxes.append([*(box - hand.box_of(each.outlines)), bold])
        placed.append(hand.placed(each, box, float(np.exp(bold))))
    every = hand.joined(placed)
    own = hand.with_ends_of(own, every, 1.0)
    number = np.repeat(np.arange(len(base)), [len(each.lines) for each in base])
    lesson = Lesson(every.features, hand.residuals(every, own), hand.shapes_of(every), number)
    follow = _followed(placed, own, lesson, number)
    return (
        stance.learned(np.array([stance.traits_of(each) for each in base]), np.array(boxes)),
        lesson.foretelling(follow),
    )


_SIDE = 128
_TRIED = 40


def _followed(placed: Sequence[hand.Strokes], own: hand.Strokes, lesson: Lesson, number: NDArray[np.int64]) -> Follow:
    """Return how far to follow what is foretold.

    What foretells residuals best need not foretell ink best. So that is tried, on characters that each was not told of:
    with their whole ink, which tells where strokes stand, and with single strokes', which tells their shapes.
    """
    tried = np.linspace(0, len(placed) - 1, min(_TRIED, len(placed))).round().astype(int)
    inks = {at: rasterise(list(own.outlines[number == at]), _SIDE) for at in tried}
    strokes = {at: _single(own.outlines[number == at]) for at in tried}

    def worth(follow: Follow) -> float:
        change, found, alone = lesson.left_out(follow), [], []
        for at in tried:
            drawn = hand.applied(placed[at], change[number == at])
            drawn = hand.shifted(drawn, hand.box_of(placed[at].outlines)[:2] - hand.box_of(drawn.outlines)[:2])
            found.append(stroke_iou(rasterise(list(drawn.outlines), _SIDE), inks[at]))
            alone.append(
                np.mean([stroke_iou(*pair) for pair in zip(_single(drawn.outlines), strokes[at], strict=True)])
            )
        return float(np.mean(found) + np.mean(alone))

    best = Follow()
    most = worth(best)
    for which in (2, 1, 0, 2):
        for trial in _ways(best, which):
            gain = worth(trial) if trial != best else most
            if gain > most + 0.002:
                best, most = trial, gain
    return best


def _single(outlines: Floats) -> list[NDArray[np.float32]]:
    """Return each stroke's ink, its centre in the middle of the box."""
    following = np.roll(outlines, -1, axis=1)
    cross = outlines[..., 0] * following[..., 1] - following[..., 0] * outlines[..., 1]
    area = 3 * cross.sum(axis=1)
    middle = ((outlines + following) * cross[..., None]).sum(axis=1) / np.where(area == 0, 1.0, area)[:, None]
    return [rasterise([outline], _SIDE) for outline in outlines - middle[:, None] + 0.5]


def _ways(follow: Follow, which: int) -> list[Follow]:
    """Return ways that differ in places (0), lines (1) or outlines (2) alone."""
    ways = []
    for share, free in ((1.0, 0.0), (1.0, 0.5), (1.0, 1.0), (0.5, 0.0), (0.0, 0.0)):
        told, freed = list(follow.told), list(follow.freed)
        told[which] = share
        if which:
            freed[which - 1] = free
        if which or not free:
            ways.append(Follow((told[0], told[1], told[2]), (freed[0], freed[1])))
    return ways


def base_of(characters: Iterable[str]) -> list[hand.Strokes]:
    """Return the base hand's strokes of characters."""
    glyphs = [load_library()[char] for char in characters]
    return [hand.strokes_of([stroke.goal() for stroke in glyph.strokes], glyph.decomposition) for glyph in glyphs]


def own_of(lines: Floats, outlines: Floats, base: Sequence[hand.Strokes]) -> hand.Strokes:
    """Return a hand's strokes, comparable with the base hand's, in the order of the base hand's."""
    features = hand.joined(base).features
    return hand.comparable(hand.Strokes(lines, outlines, distance_to_outline(lines, outlines), features))
