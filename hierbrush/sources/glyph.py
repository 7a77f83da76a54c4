"""Glyphs: strokes as the character library draws them, and marks as they were drawn by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hierbrush.characters import Component, load_library
from hierbrush.characters.marks import is_mark, mark_goals
from hierbrush.characters.text import check_single, describe
from hierbrush.composer.descriptions import check_writable, written_as
from hierbrush.composer.ids import is_ids
from hierbrush.errors import HierbrushError, shown
from hierbrush.sources.plan import Plan, RejectedError
from hierbrush.sources.source import Request, Source, register
from hierbrush.strokes.goal import with_widths


@register
class GlyphSource(Source):
    """The glyphs of the library; a mark as the direction of the text asks for."""

    name = wanted = "glyph"
    quick = True

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        # Without a wish the composer is asked for what has no glyph.
        self.then = ("decomposition",) if request.is_open else ()

    @classmethod
    def accepts(cls, request: Request) -> bool:
        """Return whether it is named, or nothing is: what is best known is the glyph."""
        return request.style is None and (request.is_open or request.names(cls.name))

    def check(self, text: str) -> None:
        """Raise HierbrushError unless the library or the marks have this character."""
        if is_ids(text):
            raise HierbrushError(f"goal: the description {shown(text)} has no glyph to follow; use 'decomposition'")
        if is_mark(text):
            return
        check_writable(text)
        check_single(text)
        if written_as(text) not in load_library():
            raise HierbrushError(f"goal: {describe(text)} has no glyph to follow; use goal='decomposition'")

    def plans(self, texts: Sequence[str]) -> list[Plan | RejectedError]:
        """Return the strokes of each glyph or mark in the right order.

        Raises:
            UnknownCharacterError: the library does not hold a character.
        """
        return [self._mark(text) if is_mark(text) else self._glyph(text) for text in texts]

    def _mark(self, char: str) -> Plan:
        strokes = mark_goals(char, self.request.direction)
        order, drawn = tuple(range(len(strokes))), tuple(goal.outline for goal in strokes)
        goals = tuple(with_widths(strokes, np.full(len(strokes), self.request.weight)))
        tree = Component(char, "", order)
        return Plan(char, goals, drawn, tree, self.name, order=order, glyph=drawn, weight=self.request.weight)

    def _glyph(self, char: str) -> Plan:
        glyph, weight = load_library()[written_as(char)], self.request.weight
        drawn = tuple(stroke.outline for stroke in glyph.strokes)
        goals = tuple(with_widths([stroke.goal() for stroke in glyph.strokes], np.full(len(drawn), weight)))
        order = tuple(range(len(drawn)))
        return Plan(char, goals, drawn, glyph.decomposition, self.name, order=order, glyph=drawn, weight=weight)

    @staticmethod
    def confidence(plan: Plan) -> float | None:
        """Return 1: a glyph is the character."""
        return 1.0
