"""How a hand's characters stand, and its strokes, are foretold from examples; without likes the base hand's stay."""

from __future__ import annotations

import numpy as np

from hierbrush.characters import load_library
from hierbrush.styles import hand, stance
from hierbrush.styles.chosen import chosen
from hierbrush.styles.content import in_places_of
from hierbrush.styles.drawn import Drawn, learned

LIBRARY = load_library()


def base(char: str) -> hand.Strokes:
    glyph = LIBRARY[char]
    return hand.strokes_of([stroke.goal() for stroke in glyph.strokes], glyph.decomposition)


def lifted(char: str) -> hand.Strokes:
    """Return a character in a hand that centres its ink, and whose strokes are half as bold again."""
    ours = base(char)
    box = hand.box_of(ours.outlines)
    return hand.placed(ours, np.array([0.5, 0.45, *box[2:]]), 1.5)


def drawn(chars: list[str]) -> Drawn:
    own = [lifted(char) for char in chars]
    return Drawn(
        tuple(chars),
        np.concatenate([each.lines for each in own]),
        np.concatenate([each.outlines for each in own]),
        np.ones(len(chars)),
    )


def test_a_hand_that_centres_its_ink_is_told_by_few_examples() -> None:
    told, _ = learned(drawn(chosen(40)))
    away, left = [], []
    for char in "湖永中河林明空病道":
        box, bold = told(base(char))
        away.append(np.abs(hand.box_of(base(char).outlines)[:2] - [0.5, 0.45]))
        left.append(np.abs(box[:2] - [0.5, 0.45]))
        assert 1.3 < bold < 1.7
    assert np.mean(left) < 0.4 * np.mean(away)


def test_residuals_are_what_makes_one_hand_the_other() -> None:
    ours, theirs = base("永"), lifted("永")
    changed = hand.applied(ours, hand.residuals(ours, theirs))
    assert np.abs(changed.lines - theirs.lines).max() < 1e-6
    assert np.abs(changed.outlines - theirs.outlines).max() < 1e-6


def test_nothing_is_told_of_what_is_like_no_example() -> None:
    told = learned(drawn(list("一二三十土")))[1]
    ours = base("永")
    features = ours.features.copy()
    features[:, 0], features[:, 3:5] = 99, 30.0
    assert np.abs(told(features, hand.shapes_of(ours))).max() < 1e-6


def test_stances_that_tell_nothing_are_left_at_their_mean() -> None:
    rng = np.random.default_rng(0)
    found = rng.normal(0, 0.01, (60, stance.ANSWERS))
    told = stance.learned(rng.normal(0, 1, (60, stance.TRAITS)), found)
    assert (np.abs(told.weights).max(axis=0) == 0).sum() >= 3


def test_ink_is_held_within_the_box() -> None:
    large = hand.placed(base("永"), np.array([0.6, 0.5, 0.1, 0.1]), 1.0)
    assert large.outlines.max() > 1.0
    points = hand.held_within(large).outlines
    assert points.min() > 0.0
    assert points.max() < 1.0


def test_contents_strokes_tell_where_not_in_what_shape() -> None:
    goals = [stroke.goal() for stroke in LIBRARY["永"].strokes]
    content = [goal.transformed([0.8, 0.9], [0.1, 0.02]) for goal in goals]
    found = in_places_of(goals, content)
    for one, other in zip(found, content, strict=True):
        middle = [(goal.skeleton.min(axis=0) + goal.skeleton.max(axis=0)) / 2 for goal in (one, other)]
        assert np.abs(middle[0] - middle[1]).max() < 1e-3
    # Breadth is not the content's.
    assert np.median(found[1].half_width / goals[1].half_width) > 0.95
