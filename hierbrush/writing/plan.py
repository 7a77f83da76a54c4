"""What to write before a brush moves: the strokes of characters, from their glyphs or from a composer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component, load_library
from hierbrush.composer.descriptions import written_as
from hierbrush.errors import shown
from hierbrush.strokes.goal import StrokeGoal, with_widths
from hierbrush.writing.marks import is_mark, mark_goals

Outline = NDArray[np.float32]

LIGHTEST, BOLDEST = 0.4, 2.0
"""Bounds to the weight: lighter, and a stroke is thinner than the brush's tip; bolder, and characters close up."""

GOALS = ("glyph", "decomposition")
"""Where the strokes of a character come from: what its font drew, or what a composer makes of its components."""

# How far the handle's reach may fall short of the outline's on a side, as a share of the box: 6.1 mm of 120 at most in
# one character of 40 (python -m pytest tests/writing/test_limits.py).
_SHORT_OF = 1 / 12


@dataclass(frozen=True, eq=False)
class Plan:
    """The strokes of one character in the order in which they will be written.

    Attributes:
        char: the character, or the description that it is composed from.
        goals: what the primitives are told.
        references: float32 [n, 2] for every stroke, what its ink is scored against: its outline in the glyph, or in
            its goal if that was composed.
        decomposition: the component tree; its strokes are numbered as ``goals`` are.
        composer: who composed; "" if the strokes are the glyph's.
        order: for every stroke its number in the glyph, whose strokes are in the right order; None without a glyph.
        glyph: outlines of the glyph's strokes in the right order, float32 [n, 2] each; None without a glyph.
        unknown: components that no training character has.
        weight: how many times as wide as is usual the strokes are.
    """

    char: str
    goals: tuple[StrokeGoal, ...]
    references: tuple[Outline, ...]
    decomposition: Component
    composer: str = ""
    order: tuple[int, ...] | None = None
    glyph: tuple[Outline, ...] | None = None
    unknown: tuple[str, ...] = ()
    weight: float = 1.0

    def __repr__(self) -> str:
        source = f"composer {shown(self.composer)}" if self.composer else "the glyph"
        return f"<Plan {shown(self.char)}: {len(self.goals)} strokes from {source}>"


def glyph_plan(char: str, direction: str = "horizontal", weight: float = 1.0) -> Plan:
    """Return the strokes of a known character as its glyph has them, of a mark as the direction of the text asks for.

    Args:
        char: the character or mark.
        direction: of the text, which marks are placed for.
        weight: how many times as wide as is usual the strokes are.

    Raises:
        UnknownCharacterError: the library does not hold the character.
    """
    if is_mark(char):
        marks = mark_goals(char, direction)
        numbers, drawn = tuple(range(len(marks))), tuple(goal.outline for goal in marks)
        wide = tuple(with_widths(marks, np.full(len(marks), weight)))
        return Plan(char, wide, drawn, Component(char, "", numbers), order=numbers, glyph=drawn, weight=weight)
    glyph = load_library()[written_as(char)]
    outlines = tuple(stroke.outline for stroke in glyph.strokes)
    goals = with_widths([stroke.goal() for stroke in glyph.strokes], np.full(len(outlines), weight))
    order = tuple(range(len(goals)))
    return Plan(char, tuple(goals), outlines, glyph.decomposition, order=order, glyph=outlines, weight=weight)


def sure_bounds(char: str, goal: str, direction: str = "horizontal") -> tuple[float, float, float, float]:
    """Return the corners x, y, x, y in the unit box of what the handle is sure to visit, before anything is written.

    That is the middle of the box unless the glyph tells more.
    """
    if goal != "glyph":
        return 0.5, 0.5, 0.5, 0.5
    outline = np.concatenate(glyph_plan(char, direction).references)
    low, high = outline.min(axis=0) + _SHORT_OF, outline.max(axis=0) - _SHORT_OF
    middle = (low + high) / 2
    (left, top), (right, bottom) = np.minimum(low, middle).tolist(), np.maximum(high, middle).tolist()
    return left, top, right, bottom


def composed_plans(
    texts: Sequence[str], composer: str, *, stroke_lists: bool = False, weight: float = 1.0
) -> list[Plan]:
    """Return the strokes of characters as a composer places them, told their decompositions alone.

    Of training characters the component library knows how they are written themselves.

    Args:
        texts: characters, or ideographic descriptions such as ``"⿰木月"``. One without a glyph is composed from what
            it is made of.
        composer: name of a composer, or the path of its weights.
        stroke_lists: tell the composer the order of the strokes within components that no training character has, as
            ``{S HZ H}`` in a description does.
        weight: how many times as wide as is usual the strokes are.

    Raises:
        HierbrushError: a character is not known, a description is malformed, or there is no such composer.
    """
    # The composer is only loaded where something is composed.
    from hierbrush.characters.repertoire import repertoire
    from hierbrush.composer.brief import brief_from_ids, make_brief
    from hierbrush.composer.composers import composer as composer_of
    from hierbrush.composer.exemplars import renumbered
    from hierbrush.composer.ids import is_ids

    library = load_library()
    briefs, numbers, known = [], [], []
    for text in texts:
        written = text if is_ids(text) else written_as(text)
        if is_ids(written):
            brief, of_glyph = brief_from_ids(written, char="" if is_ids(text) else text), None
        else:
            tree, types = library.decomposition(written), library.stroke_types(written)
            brief, of_glyph = make_brief(tree, types, repertoire=repertoire(written), listed=stroke_lists)
        known.append(written)
        briefs.append(brief)
        numbers.append(of_glyph)
    plans = []
    for text, written, composition, of_glyph in zip(texts, known, composer_of(composer)(briefs), numbers, strict=True):
        goals = tuple(composition.goals(weight))
        rows = composition.order.tolist()
        order = glyph = None
        if of_glyph is not None:
            order = tuple(of_glyph[row] for row in rows)
            glyph = tuple(stroke.outline for stroke in library[written].strokes)
        tree = renumbered(composition.brief.tree, {row: at for at, row in enumerate(rows)})
        references = tuple(goal.outline for goal in goals)
        plans.append(Plan(text, goals, references, tree, composer, order, glyph, composition.brief.unknown, weight))
    return plans
