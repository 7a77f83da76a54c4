"""Ideographic description sequences: characters that a user puts together from known ones, such as ``⿰木月``."""

from __future__ import annotations

import re

from hierbrush.arguments import check_whole
from hierbrush.characters import Component
from hierbrush.characters.descriptions import PARTS as PARTS
from hierbrush.characters.descriptions import RADICALS
from hierbrush.characters.text import describe, hint
from hierbrush.composer.exemplars import Exemplars, Form, exemplars, renumbered
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.strokes.types import ABBREVIATIONS

MOST_STROKES = 128
"""Most strokes of a character that can be composed; Unicode's longest, 𱁬, has 84."""

_DEEPEST = 200  # levels of a description that Python's stack holds
_LATER_OPERATORS = "⿼⿽⿾⿿㇯〾"
_ANONYMOUS = re.compile(r"\{(#\d{1,6})\}")
_STROKES = re.compile(r"\{#?([A-Z]+(?: +[A-Z]+)*)\}")


def is_ids(text: str) -> bool:
    """Return whether ``text`` begins as a description does and no character does, so that it can only be one."""
    return isinstance(text, str) and text[:1] in {*PARTS, *_LATER_OPERATORS, "{"}


def parse_ids(text: str, *, max_strokes: int, known: Exemplars | None = None) -> Form:
    """Return the component tree of a description and the types of its strokes.

    Args:
        text: operators ⿰ to ⿻ before their parts, nested as deep as you like; parts are characters of the library,
            anonymous components as ``str(Component)`` prints them, ``{#17}``, or components that nobody knows as the
            list of their stroke types in the order of writing, ``{S HZ H}``. Parts are taken apart as the library
            takes them apart, and written as training characters write them in that place.
        max_strokes: most strokes that may come together.
        known: forms of the parts; those of the library that ships with hierbrush unless given.

    Returns:
        The tree with its strokes numbered part by part, which is not the order of writing where one part encloses
        another, and their types. A structure that is a component of training characters has that component's name;
        any other is named by its own description.

    Raises:
        HierbrushError: the description is malformed, names what nobody knows, or has too many strokes; the message
            says at which character of ``text`` and what would have been right.
    """
    if not isinstance(text, str):
        raise HierbrushError(f"ids: {shown(text)}, expected a description such as '⿰木月'")
    if not text:
        raise HierbrushError("ids: is empty, expected a description such as '⿰木月'")
    max_strokes = check_whole("max_strokes", max_strokes, 1)
    if known is not None and not (hasattr(known, "form") and hasattr(known, "name")):  # any object with these will do
        raise HierbrushError(f"known: {shown(known)}, expected Exemplars")
    return _Reader(str(text), max_strokes, known or exemplars()).read()


class _Reader:
    """A walk along a description; ``at`` is the next character, ``types`` those of the strokes so far."""

    def __init__(self, text: str, max_strokes: int, known: Exemplars) -> None:
        self.text, self.max_strokes, self.known = text, max_strokes, known
        self.at = 0
        self.types: list[str] = []

    def read(self) -> Form:
        tree = self._part("", 0, ("", 0), expected="an operator or a character", depth=0)
        if self.at < len(self.text):
            whole = self.text[: self.at]
            raise self._error(
                self.at, f"{describe(self.text[self.at])} follows {shown(whole)}, which is whole already; leave it out "
                "or put an operator such as '⿰' in front"
            )  # fmt: skip
        return Form(tree, tuple(self.types))

    def _part(self, operator: str, slot: int, above: tuple[str, int], *, expected: str, depth: int) -> Component:
        if self.at == len(self.text):
            raise self._error(self.at, f"ends where {expected} should follow")
        if depth >= _DEEPEST:
            raise self._error(self.at, f"is nested more than {_DEEPEST} levels deep")
        # Every level adds a part and every part a stroke, so anything deeper has too many strokes.
        if depth >= self.max_strokes:
            raise self._error(self.at, f"is nested so deep that it has more than {self.max_strokes} strokes")
        char = self.text[self.at]
        if char in PARTS:
            return self._structure(char, (operator, slot), depth)
        return self._leaf(operator, slot, above, expected)

    def _structure(self, operator: str, place: tuple[str, int], depth: int) -> Component:
        start = self.at
        self.at += 1
        count = PARTS[operator]
        children = tuple(
            self._part(
                operator, slot, place, expected=f"part {slot + 1} of {count} of {operator!r} (character {start + 1})",
                depth=depth + 1,
            )
            for slot in range(count)
        )  # fmt: skip
        strokes = tuple(stroke for child in children for stroke in child.strokes)
        unnamed = Component(self.text[start : self.at], operator, tuple(sorted(strokes)), children)
        name = self.known.name(str(unnamed))
        return unnamed if name is None else Component(name, operator, unnamed.strokes, children)

    def _leaf(self, operator: str, slot: int, above: tuple[str, int], expected: str) -> Component:
        start, name = self.at, self.text[self.at]
        listed = _STROKES.match(self.text, start)
        match = listed or _ANONYMOUS.match(self.text, start)
        if name == "{":
            if match is None:
                raise self._error(start, "'{' begins no component, which would read '{#17}' or '{S HZ H}'")
            name, self.at = match[1], match.end()
        else:
            self.at += 1
        form = self.known.form(name, operator, slot, above) if listed is None else self._listed(start, name.split())
        if form is None:
            raise self._error(start, self._unknown(name, expected))
        first, total = len(self.types), len(self.types) + len(form.stroke_types)
        if total > self.max_strokes:
            raise self._error(
                start, f"{shown(name)} makes {total} strokes together with what stands before it, more than the "
                f"{self.max_strokes} that can be composed"
            )  # fmt: skip
        self.types.extend(form.stroke_types)
        return renumbered(form.tree, {number: first + number for number in range(len(form.stroke_types))})

    def _listed(self, start: int, types: list[str]) -> Form:
        """Return a component that is given by its strokes."""
        for name in types:
            if name not in ABBREVIATIONS:
                wrong = self.text.index(name, start)
                raise self._error(
                    wrong, f"{shown(name)} is none of the 38 stroke types{closest(name, list(ABBREVIATIONS))}"
                )
        return Form(Component(f"#{' '.join(types)}", "", tuple(range(len(types)))), tuple(types))

    def _unknown(self, name: str, expected: str) -> str:
        if len(name) > 1:
            return f"{shown(name)} is no anonymous component{closest(name, list(self.known.anonymous))}"
        if name in _LATER_OPERATORS:
            return f"{describe(name)} is an operator that is not understood; those from ⿰ to ⿻ are"
        radical = name.translate(RADICALS)
        if radical != name:
            return f"{describe(name)} is a radical's own code point{closest(radical, [radical])}"
        return f"{describe(name)} {hint(name)}; {expected} is expected here"

    def _error(self, at: int, what: str) -> HierbrushError:
        text = self.text if len(self.text) <= 60 else f"{self.text[:57]}..."
        place = f"character {at + 1} of {len(self.text)}" if at < len(self.text) else f"end, after character {at}"
        return HierbrushError(f"ids: {shown(text)}, {place}: {what}")
