"""Glyphs: strokes as the character library draws them, and marks as they were drawn by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hierbrush.characters import Component, load_library
from hierbrush.characters.marks import is_mark, mark_goals
from hierbrush.characters.regional import order_in
from hierbrush.characters.text import check_single, describe
from hierbrush.composer.descriptions import check_writable, written_as
from hierbrush.composer.exemplars import renumbered
from hierbrush.composer.ids import is_ids
from hierbrush.errors import HierbrushError, shown
from hierbrush.sources.plan import Plan, RejectedError
from hierbrush.sources.source import Request, Source, register
from hierbrush.strokes.goal import with_widths


@register
class GlyphSource(Source):
    """The glyphs of the library; a mark as the direction of the text asks for."""

    name = wanted = "glyph"
    regional = quick = pairs = True
    heeds_composer = False

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        # Without a wish the composer is asked for what has no glyph; its order is the PRC's.
        self.then = ("decomposition",) if request.is_open and request.order == "prc" else ()

    @classmethod
    def accepts(cls, request: Request) -> bool:
        """Return whether it is named, or nothing is: what is best known is the glyph."""
        return request.style is None and (request.is_open or request.names(cls.name))

    def check(self, text: str) -> None:
        """Raise HierbrushError unless the library or the marks have this character."""
        if is_ids(text):
            raise HierbrushError(f"goal: the description {shown(text)} has no glyph to follow; {self._without_glyph()}")
        if is_mark(text):
            return
        check_writable(text)
        check_single(text)
        if written_as(text) not in load_library():
            raise HierbrushError(f"goal: {describe(text)} has no glyph to follow; {self._without_glyph()}")
        order_in(written_as(text), self.request.order)

    def _without_glyph(self) -> str:
        if self.request.order == "prc":
            return "use goal='decomposition'"
        return f"order={self.request.order!r} is known of glyphs alone, use order='prc'"

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
        written, weight = written_as(char), self.request.weight
        glyph, order = load_library()[written], order_in(written, self.request.order)
        outlines = tuple(stroke.outline for stroke in glyph.strokes)
        strokes = [glyph.strokes[number].goal() for number in order]
        goals = tuple(with_widths(strokes, np.full(len(order), weight)))
        drawn = tuple(outlines[number] for number in order)
        tree = renumbered(glyph.decomposition, {number: at for at, number in enumerate(order)})
        return Plan(char, goals, drawn, tree, self.name, order=order, glyph=outlines, weight=weight)

    @staticmethod
    def confidence(plan: Plan) -> float | None:
        """Return 1: a glyph is the character."""
        return 1.0
