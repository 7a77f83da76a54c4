"""Copies: a character as a font or a picture has it, its known strokes found in that ink, or the ink's skeleton."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Component, load_library
from hierbrush.characters.marks import is_mark
from hierbrush.characters.text import check_single, describe
from hierbrush.composer.descriptions import written_as
from hierbrush.composer.ids import is_ids
from hierbrush.errors import HierbrushError, shown
from hierbrush.metrics import SIDE
from hierbrush.sources.plan import Plan, RejectedError
from hierbrush.sources.source import Request, Source, register
from hierbrush.strokes.goal import StrokeGoal, with_widths
from hierbrush.styles.suffixes import PICTURES, is_font

if TYPE_CHECKING:
    from hierbrush.styles.fonts import Font
    from hierbrush.styles.registration import Registration

Ink = NDArray[np.float32]


class _Copied(Source):
    """Ink that is given for each character."""

    file_suffixes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def ink(self, text: str) -> Ink:
        """Return the ink of a character in its box, float32 [256, 256]."""

    def plans(self, texts: Sequence[str]) -> list[Plan | RejectedError]:
        """Return the strokes of each character where its ink shows them.

        Raises:
            HierbrushError: the file cannot be read, or has no ink for a character.
        """
        return [self._found(text) for text in texts]

    def _found(self, text: str) -> Plan | RejectedError:
        from hierbrush.styles.registration import Picture, register_goals

        ink = self.ink(text)
        expected = _expected(text)
        if expected is None:
            return RejectedError(f"goal: nothing is known of the strokes of {describe(text)}")
        goals, tree = expected
        ink = self.upright(text, ink, goals, tree)
        if self.request.composer is not None:
            seen = _seen(text, ink, tree, goals, self.request.composer)
            weight = self.request.weight
            return replace(_plan(text, seen, tree, self.name, ink, weight, None), composer=self.request.composer)
        found = register_goals(Picture(ink), goals, tree)
        if not found.accepted:
            self.doubt(text, ink, goals)
            return RejectedError(f"goal: the strokes of {describe(text)} are not surely there: {found.reason}")
        return _plan(text, found.goals, tree, self.name, ink, self.request.weight, _sureness(found))

    def upright(self, text: str, ink: Ink, goals: Sequence[StrokeGoal], tree: Component) -> Ink:
        """Return the ink turned upright, if it is ink that may be tilted."""
        return ink

    def doubt(self, text: str, ink: Ink, goals: Sequence[StrokeGoal]) -> None:
        """Raise HierbrushError if ink in which the strokes were not found cannot be the character."""


def _seen(text: str, ink: Ink, tree: Component, goals: Sequence[StrokeGoal], composer: str) -> list[StrokeGoal]:
    """Return the strokes where a composer that sees the ink answers that they lie, in the order of ``goals``."""
    from hierbrush.characters.repertoire import repertoire
    from hierbrush.composer.brief import make_brief
    from hierbrush.composer.composers import seeing_composer
    from hierbrush.composer.pictured import copied_goals, copy_pictures
    from hierbrush.composer.place import measured_place

    policy = seeing_composer(composer)
    types = [goal.stroke_type for goal in goals]
    brief, order = make_brief(tree, types, repertoire=repertoire(text), listed=text not in load_library(), exclude=text)
    expected = np.array([measured_place(goals[stroke]) for stroke in order], np.float32)
    (places,) = copy_pictures([brief], [expected], [ink >= 0.5], policy)
    found = copied_goals(brief, places, ink >= 0.5)
    return [found[row] for row in np.argsort(order).tolist()]


def _sureness(found: Registration) -> float:
    return float(found.confidence.min())


def _expected(text: str) -> tuple[list[StrokeGoal], Component] | None:
    """Return the strokes that a character has as far as we know, and what belongs together; None if we do not."""
    if is_mark(text):
        return None
    try:
        written = written_as(text)
        if written in load_library():
            glyph = load_library()[written]
            return [stroke.goal() for stroke in glyph.strokes], glyph.decomposition
        from hierbrush.sources.composed import ComposedSource

        (plan,) = ComposedSource(Request(goal="decomposition")).plans([text])
    except HierbrushError:
        return None
    return (list(plan.goals), plan.decomposition) if isinstance(plan, Plan) else None


def _plan(
    text: str,
    goals: Sequence[StrokeGoal],
    tree: Component,
    source: str,
    ink: Ink,
    weight: float,
    confidence: float | None,
) -> Plan:
    wide = tuple(with_widths(goals, np.full(len(goals), weight)))
    picture = np.round(ink * 255).astype(np.uint8)
    references = tuple(goal.outline for goal in goals)
    return Plan(text, wide, references, tree, source, weight=weight, picture=picture, confidence=confidence)


@register
class FontSource(_Copied):
    """A font's glyphs."""

    name = "font"
    wanted = "a font (.ttf, .otf, .ttc, .ttc#1, .woff)"
    then = ("skeleton",)

    @classmethod
    def accepts(cls, request: Request) -> bool:
        """Return whether the goal is a font's file."""
        return request.style is None and request.path_if(is_font) is not None

    def check(self, text: str) -> None:
        """Raise HierbrushError unless the font has the character."""
        _font_of(self.request).check(_single(text))

    def ink(self, text: str) -> Ink:
        """Return the glyph in the em box."""
        return _font_of(self.request).ink(text, SIDE)


@register
class PictureSource(_Copied):
    """A picture or array of one character."""

    name = "picture"
    wanted = "a picture (.png, .jpg ...)"
    then = ("skeleton",)

    @classmethod
    def accepts(cls, request: Request) -> bool:
        """Return whether the goal is a picture's file or an array."""
        asked = request.file(*PICTURES) is not None or _is_array(request.goal)
        return request.style is None and asked

    def check(self, text: str) -> None:
        """Raise HierbrushError unless this is one character."""
        _single(text)

    def plans(self, texts: Sequence[str]) -> list[Plan | RejectedError]:
        """Return the strokes of the character where the picture shows them.

        Raises:
            HierbrushError: the picture cannot be read or is blank, or several characters are to be found in it.
        """
        _alone(texts)
        return super().plans(texts)

    def ink(self, text: str) -> Ink:
        """Return the picture's ink in the box."""
        return _picture_ink(self.request.goal, 0.0)

    def upright(self, text: str, ink: Ink, goals: Sequence[StrokeGoal], tree: Component) -> Ink:
        """Return the ink of a photograph or scan turned as its strokes tell; ink that was given as such stays."""
        from hierbrush.styles.registration import tilt_of

        if _is_ink(self.request.goal):
            return ink
        tilt = tilt_of(ink, goals, tree)
        return _picture_ink(self.request.goal, tilt) if tilt else ink

    def doubt(self, text: str, ink: Ink, goals: Sequence[StrokeGoal]) -> None:
        """Raise HierbrushError if the picture surely shows another character; ink that was given as such may."""
        from hierbrush.styles.another import another

        if _is_ink(self.request.goal):
            return
        named = "the array" if _is_array(self.request.goal) else shown(str(self.request.goal))
        longer = _shape(np.argwhere(ink >= 0.5)[:, ::-1]) / _shape(np.concatenate([goal.outline for goal in goals]))
        if max(longer, 1 / longer) > _ELONGATED:
            raise HierbrushError(
                f"goal: {named} seems to show more than {describe(text)}; crop it to that, or give all it shows to "
                "hierbrush copy --text"
            )
        shows = another(ink, goals)
        if shows is not None and shows != text:
            raise HierbrushError(
                f"goal: {named} seems to show {describe(shows)}, expected {describe(text)}; write_picture (hierbrush "
                "copy without --text) writes whatever it shows"
            )


_ELONGATED = 1.8
"""How many times as long in shape ink is, at least, that shows two characters in place of one."""


def _shape(points: NDArray[np.generic]) -> float:
    """Return how wide points [n, 2] lie over how high they do; lines are taken for narrow boxes."""
    width, height = (float(np.ptp(points[:, axis])) for axis in (0, 1))
    least = 0.3 * max(width, height)
    return max(width, least) / max(height, least)


def _picture_ink(goal: Any, tilt: float) -> Ink:
    from hierbrush.styles.pictures import fitted_box, read_ink
    from hierbrush.styles.tilt import turned

    return fitted_box(turned(read_ink(goal, argument="goal"), tilt), SIDE)


@register
class SkeletonSource(_Copied):
    """The same ink where no character's strokes were found in it: written by its skeleton."""

    name = "skeleton"
    wanted = ""

    @classmethod
    def accepts(cls, request: Request) -> bool:
        """Return False: it is asked after the others, or by `write_picture`."""
        return False

    def check(self, text: str) -> None:
        """Raise HierbrushError unless this is one character, which the font has if there is one."""
        _single(text)
        if FontSource.accepts(self.request):
            _font_of(self.request).check(text)

    def ink(self, text: str) -> Ink:
        """Return the font's glyph or the picture."""
        source = FontSource if FontSource.accepts(self.request) else PictureSource
        return source(self.request).ink(text)

    def _found(self, text: str) -> Plan | RejectedError:
        from hierbrush.styles.skeleton_route import strokes_of_ink

        ink = self.ink(text)
        goals = strokes_of_ink(ink)
        return _plan(
            text, goals, Component(text, "", tuple(range(len(goals)))), self.name, ink, self.request.weight, None
        )


def _is_array(goal: Any) -> bool:
    return goal is not None and not isinstance(goal, str | PathLike) and hasattr(goal, "__array__")


def _is_ink(goal: Any) -> bool:
    """Return whether a goal is an array of coverage, not of pixels as a camera has them."""
    return _is_array(goal) and np.asarray(goal).dtype != np.uint8


def _single(text: str) -> str:
    if is_ids(text) and len(text) > 1:
        raise HierbrushError(f"goal: the description {shown(text)} is no character of a font or picture")
    check_single(text)
    return text


def _alone(texts: Sequence[str]) -> None:
    if len(set(texts)) > 1:
        raise HierbrushError(
            f"goal: a picture shows one character, but {len(set(texts))} are to be written; see hierbrush copy --text"
        )


def _font_of(request: Request) -> Font:
    from hierbrush.styles.fonts import open_font

    return open_font(request.goal)
