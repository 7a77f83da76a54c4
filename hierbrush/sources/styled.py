"""Styled characters: as a learned hand has drawn them, or would draw them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hierbrush.characters import load_library
from hierbrush.errors import HierbrushError
from hierbrush.sources.composed import ComposedSource
from hierbrush.sources.glyph import GlyphSource
from hierbrush.sources.plan import Plan, RejectedError
from hierbrush.sources.source import Request, Source, register
from hierbrush.strokes.goal import StrokeGoal, with_widths

if TYPE_CHECKING:
    from hierbrush.styles.style import Style

SUFFIX = ".style"


@register
class StyleSource(Source):
    """A hand learned from examples: copied where it has drawn the character, elsewhere the base hand's, deformed.

    The base hand is the library's glyph, or the composer where there is none, or the copy of a font that is the goal.
    """

    name = "style"
    wanted = "a style (.style)"

    @classmethod
    def accepts(cls, request: Request) -> bool:
        """Return whether there is a style."""
        return request.style is not None or request.file(SUFFIX) is not None

    def check(self, text: str) -> None:
        """Raise HierbrushError unless there is a base hand for this character."""
        refusal: HierbrushError | None = None
        for source in self._bases():
            try:
                source.check(text)
            except HierbrushError as error:
                refusal = refusal or error
            else:
                return
        assert refusal is not None
        raise refusal

    def plans(self, texts: Sequence[str]) -> list[Plan | RejectedError]:
        """Return the strokes of each character in this hand.

        Raises:
            HierbrushError: the style cannot be read, or a character has no base hand.
        """
        style = style_at(self.request.style if self.request.style is not None else self.request.goal)
        return [self._plan(text, style) for text in texts]

    def _bases(self) -> list[Source]:
        plain = Request(goal=None, direction=self.request.direction, stroke_lists=self.request.stroke_lists)
        goal = self.request.goal
        if goal is not None and self.request.file(SUFFIX) is None:
            from hierbrush.sources.source import chain

            return chain(Request(goal=goal, composer=self.request.composer, direction=self.request.direction))
        if self.request.composer is not None:
            return [ComposedSource(Request(composer=self.request.composer))]
        return [GlyphSource(plain), ComposedSource(plain)]

    def _plan(self, text: str, style: Style) -> Plan | RejectedError:
        weight, own = self.request.weight, self.request.goal is None or self.request.file(SUFFIX) is not None
        if own and text in style:
            goals = style.drawn(text)
            tree = load_library().decomposition(text)
            sure = float(style.confidence[style.characters.index(text)])
        else:
            base = self._base(text)
            if isinstance(base, RejectedError):
                return base
            goals, tree, sure = style.strokes(_in_base_hand(base), base.decomposition), base.decomposition, None
        references = tuple(goal.outline for goal in goals)
        wide = tuple(with_widths(goals, np.full(len(goals), weight)))
        order = tuple(range(len(goals)))
        return Plan(
            text, wide, references, tree, self.name, order=order, glyph=references, weight=weight, confidence=sure
        )

    def _base(self, text: str) -> Plan | RejectedError:
        answer: Plan | RejectedError = RejectedError(f"goal: nothing is known of the strokes of {text}")
        for source in self._bases():
            try:
                source.check(text)
            except HierbrushError:
                continue
            (answer,) = source.plans([text])
            if isinstance(answer, Plan):
                return answer
        return answer


def _in_base_hand(plan: Plan) -> Sequence[StrokeGoal]:
    """Return strokes without what another hand's shapes would add to this one's: the glyph's, where a copy's stand."""
    library = load_library()
    types = [goal.stroke_type for goal in plan.goals]
    if plan.picture is None or plan.char not in library or types != list(library.stroke_types(plan.char)):
        return plan.goals
    from hierbrush.styles.content import in_places_of

    return in_places_of([stroke.goal() for stroke in library[plan.char].strokes], plan.goals)


def style_at(path: object) -> Style:
    """Return the style in a file or of a name; the latest four are kept until their files change.

    Raises:
        HierbrushError: it cannot be read.
    """
    from hierbrush.styles.named import style_place

    place = style_place(path)  # type: ignore[arg-type]  # it is checked there
    try:
        modified = Path(place).stat().st_mtime_ns
    except (OSError, ValueError):
        modified = 0
    return _style(str(place), modified)


@lru_cache(maxsize=4)
def _style(path: str, modified: int) -> Style:
    from hierbrush.styles.style import Style

    return Style.load(path)
