"""Composed characters: strokes as a composer places them, told the decomposition alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from hierbrush.characters import load_library
from hierbrush.characters.marks import is_mark
from hierbrush.characters.orders import load_order_reference, order_classes
from hierbrush.characters.regions import REGIONS
from hierbrush.characters.text import UnknownCharacterError, check_single
from hierbrush.composer.descriptions import check_writable, confidence_of, load_describer, written_as
from hierbrush.composer.ids import MOST_STROKES, is_ids
from hierbrush.errors import HierbrushError
from hierbrush.sources.plan import Plan, RejectedError
from hierbrush.sources.source import Request, Source, register

if TYPE_CHECKING:
    from hierbrush.composer.brief import Brief
    from hierbrush.composer.compose import Composition
    from hierbrush.composer.descriptions import Describer

LEARNED = "learned"


@register
class ComposedSource(Source):
    """What a composer makes of components; of training characters the component library knows how they are written.

    A character without a glyph is composed from its description.
    """

    name = wanted = "decomposition"

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        # A mark has nothing but its glyph.
        self.then = ("glyph",) if self.accepts(request) else ()

    @classmethod
    def accepts(cls, request: Request) -> bool:
        """Return whether it is named, or a composer is and nothing else."""
        if request.goal is None:
            return request.style is None and request.composer is not None
        return request.style is None and request.names(cls.name)

    def check(self, text: str) -> None:
        """Raise HierbrushError unless this is a description, or a character that has one."""
        if is_ids(text):
            return
        if is_mark(text):
            raise HierbrushError("goal: a mark is composed of nothing; use 'glyph'")
        check_writable(text)
        check_single(text)

    def plans(self, texts: Sequence[str]) -> list[Plan | RejectedError]:
        """Return the strokes of each character or description in the order in which the composer decided.

        Raises:
            HierbrushError: a character is not known, a description is malformed, or there is no such composer.
        """
        # The composer is only loaded where something is composed.
        from hierbrush.composer.composers import composer as composer_of

        composer = self.request.composer or LEARNED
        briefs, numbers = zip(*(self._brief(text) for text in texts), strict=True)
        compositions = composer_of(composer)(briefs)
        return [
            self._plan(text, composition, of_glyph, composer)
            for text, composition, of_glyph in zip(texts, compositions, numbers, strict=True)
        ]

    def _brief(self, text: str) -> tuple[Brief, Sequence[int] | None]:
        """Return what is to be composed and for each stroke of it its number in the glyph, None without a glyph."""
        from hierbrush.characters.repertoire import repertoire
        from hierbrush.composer.brief import brief_from_ids, make_brief

        written = text if is_ids(text) else written_as(text)
        if is_ids(written):
            return brief_from_ids(written, char="" if is_ids(text) else text), None
        library = load_library()
        brief = told_of(written) if self.request.described or written not in library else None
        if written not in library:
            assert brief is not None  # or there would be nothing that it is written as
            return brief, None
        tree, types = library.decomposition(written), library.stroke_types(written)
        if brief is not None:
            rows = brief.library_order.tolist()
            return brief, matched([brief.stroke_types[row] for row in rows], types, rows)
        return make_brief(tree, types, repertoire=repertoire(written), listed=self.request.stroke_lists)

    def _plan(self, text: str, composition: Composition, of_glyph: Sequence[int] | None, composer: str) -> Plan:
        from hierbrush.composer.exemplars import renumbered

        rows, weight = composition.order.tolist(), self.request.weight
        goals = tuple(composition.goals(weight))
        order = glyph = None
        if of_glyph is not None:
            order = tuple(of_glyph[row] for row in rows) if len(of_glyph) else None
            glyph = tuple(stroke.outline for stroke in load_library()[written_as(text)].strokes)
        tree = renumbered(composition.brief.tree, {row: at for at, row in enumerate(rows)})
        references = tuple(goal.outline for goal in goals)
        unknown = composition.brief.unknown
        return Plan(text, goals, references, tree, self.name, composer, order, glyph, unknown, weight)

    @staticmethod
    def confidence(plan: Plan) -> float | None:
        """Return the share of like characters whose ink was nearest to the right one of thousands.

        None where nobody has measured it: for a description, and for another composer than the learned one.
        """
        return confidence_of(plan.char) if plan.composer == LEARNED and len(plan.char) == 1 else None


def told_of(char: str, describer: Describer | None = None) -> Brief | None:
    """Return what is known of a character without its glyph; None where it cannot be composed.

    That is what the table says, unless that has to be guessed, or is written in another order than the character, and
    training characters have the character as a part. Where that fails, too, one of its parts may have another form
    than is usual, or be another component, if it then has the order that references give.

    Args:
        char: the character.
        describer: who describes it; the one of all training characters unless given.
    """
    from hierbrush.composer.brief import brief_from_ids, brief_of_part

    describer = describer or load_describer()
    told: list[Brief] = []
    for plainly in (False, True):
        with suppress(UnknownCharacterError):
            described = describer.taken_apart(char, plainly=plainly)
            brief = brief_from_ids(described.text, char=char)
            if described.guesses == 0 and not _contradicted(brief, char):
                return brief
            told.append(brief)
    part = describer.part(char)
    if part is not None:
        return brief_of_part(part, char)
    return next((brief for brief in _mended(told, char, describer) if not _contradicted(brief, char)), None) or next(
        iter(told), None
    )


def _mended(told: Sequence[Brief], char: str, describer: Describer) -> Iterator[Brief]:
    """Yield ways to write a character, and after each those with one component in another form."""
    from hierbrush.composer.brief import brief_from_ids, brief_of_part
    from hierbrush.composer.reforming import reformed

    yield from told
    others = (brief_from_ids(other.text, char=char) for other in describer.otherwise(char))
    for brief in chain(told, others):
        yield brief
        for form in reformed(brief.tree, brief.stroke_types, describer.known):
            if len(form.stroke_types) <= MOST_STROKES:
                yield brief_of_part(form, char)


def _contradicted(brief: Brief, char: str) -> bool:
    """Return whether the first region that has a character writes it otherwise: 戊 is not 丿 and 戈, as tables say."""
    reference, types = load_order_reference(), [brief.stroke_types[row] for row in brief.library_order]
    region = next((region for region in REGIONS if reference.order(char, region)), None)
    return region is not None and not reference.agrees(char, types, region)


def matched(told: Sequence[str], drawn: Sequence[str], rows: Sequence[int]) -> list[int]:
    """Return for each row of a brief which stroke of a glyph it is; empty where they have other numbers of strokes.

    The first horizontal one is the first horizontal one, and so on; strokes of a class that the glyph lacks get what is
    left over, in turn.

    Args:
        told: types of the strokes, in the order in which they are expected to be written.
        drawn: types of the glyph's strokes, in order.
        rows: the row of each of ``told``.
    """
    if len(told) != len(drawn):
        return []
    left = list(range(len(drawn)))
    classes, wanted = order_classes(drawn), order_classes(told)
    found: dict[int, int] = {}
    for turn, kind in enumerate(wanted):
        stroke = next((stroke for stroke in left if classes[stroke] == kind), None)
        if stroke is not None:
            found[turn] = stroke
            left.remove(stroke)
    strokes = [found[turn] if turn in found else left.pop(0) for turn in range(len(told))]
    return [stroke for _, stroke in sorted(zip(rows, strokes, strict=True))]
