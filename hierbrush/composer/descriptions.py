"""How a character without a glyph is described: by what it is made of, down to components that the composer knows.

The table of descriptions names parts otherwise than the library, 𥫗 for ⺮ say, and parts that are no character by
numbers of its own. Which component a name means in a place is counted in the training characters that both have. What
is no component of the library is taken apart by its own lines, as often as is needed.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType

from hierbrush.arguments import check_kind
from hierbrush.characters import CharacterLibrary, Component, UnknownCharacterError, load_library, split
from hierbrush.characters.descriptions import RADICALS, DescriptionTable, Structure, load_descriptions
from hierbrush.characters.orders import load_order_reference
from hierbrush.characters.regions import REGIONS
from hierbrush.characters.text import check_single, describe, hint
from hierbrush.composer.contradicted import load_contradicted
from hierbrush.composer.exemplars import Exemplars, Form, exemplars
from hierbrush.composer.ids import MOST_STROKES, parse_ids

VARIATION_SELECTORS = (*map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0xE0100, 0xE01F0)))
"""Marks behind a character that ask a font for one of its forms, which changes no description."""

_DEEPEST = 6
"""Levels of lines that a part is taken apart by; what the table has is known after three or not at all."""

_MOST_GUESSES = 4
"""What is known by more is refused."""

# By guesses the share of characters that were nearest to the right one: python benchmarks/bench_unicode.py --font
# ukai.ttc --unseen --sample 2300. Those that references write otherwise were right _CONTRADICTED times as often as
# others with as many guesses. Beyond the basic plane: --font TW-Kai-Ext-B-98_1.ttf, over what glyphs get in TW-Kai.
# With a glyph: hierbrush evaluate --goal decomposition.
_SURE = (0.73, 0.47, 0.29, 0.16, 0.16)
_CONTRADICTED = 0.75
_SURE_BEYOND = (0.74, 0.31, 0.15, 0.10, 0.10)
_SURE_WITH_GLYPH = 0.84

_BASIC_PLANE = 0xFFFF

_MISCOUNT, _MANY = 1, 3
"""Strokes by which a part and the component that it is met as may differ, since fonts do, and from how many on."""

_OFTEN = 3
"""Training characters that have to call a known part by another character's name for it to be believed."""

_Place = tuple[str, str, int]  # name, operator, slot
_NOTHING: Mapping[_Place, str] = MappingProxyType({})

_FRAMES = "⿴⿵⿶⿷⿸⿹⿺⿻"
_PAIRS = {"⿲": "⿰", "⿳": "⿱"}
_BESIDE = {"⿺": "⿰", "⿸": "⿱", "⿵": "⿱"}


@dataclass(frozen=True, order=True)
class Description:
    """What a character or part is written as.

    Attributes:
        guesses: how far it is from what training characters show: 0 if they have every part in its place; 1 for every
            part that is written as its own line says, and for every frame that is opened.
        text: an ideographic description sequence of known components, or a single one.
    """

    guesses: int
    text: str


@lru_cache(maxsize=4096)
def _described(char: str) -> Description:
    return load_describer().describe(char)


def description_of(char: str) -> str:
    """Return what a character without a glyph can be composed from, such as ``"⿰鼻囊"`` for 齉.

    The answer is what `hierbrush.composer.ids.parse_ids` reads; for a compatibility ideograph, a radical, or a
    character that only differs by its code point, it is one character of the library. Variation selectors are ignored.

    Args:
        char: any of Unicode's ideographs, radicals included.

    Raises:
        UnknownCharacterError: nobody knows what it is made of, or a part of it that cannot be taken apart is a
            component of no known character; the message says which.
        HierbrushError: ``char`` is not exactly one character.
    """
    check_kind("char", char, str, "a string of one character such as '永'")
    return _described(char).text


def written_as(char: str) -> str:
    """Return what a character is written as: itself if it has a glyph or is a part of others, or its `description_of`.

    Raises:
        UnknownCharacterError: it has no glyph and cannot be described.
        HierbrushError: ``char`` is not exactly one character.
    """
    return char if char in load_library() else description_of(char)


def check_writable(text: str) -> None:
    """Raise unless every character of ``text`` has a glyph or can be described.

    Raises:
        UnknownCharacterError: names the first that has not, its place, and what would be right.
        HierbrushError: ``text`` is empty or no string.
    """
    library = load_library()
    if not isinstance(text, str) or not text:
        library.check_text(text)
    for position, char in enumerate(text, 1):
        try:
            written_as(char)
        except UnknownCharacterError as error:
            place = f"character {position} of {len(text)}, " if len(text) > 1 else ""
            raise UnknownCharacterError(f"text: {place}{str(error).removeprefix('char: ')}") from None


def confidence_of(char: str) -> float:
    """Return how often what the composer makes of such a character is nearest to the right one, 0 to 1.

    For a character with a glyph, among the glyphs of all 9,574 (test characters); for others among the 20,882
    ideographs of AR PL UKai (characters that are not of the training split), by the guesses in their descriptions,
    and by whether references of the order of writing tell other strokes; beyond the basic plane among the 48,799 of
    TW-Kai-Ext-B, over what glyphs get in that hand.

    Raises:
        UnknownCharacterError: it has no glyph and cannot be described.
        HierbrushError: ``char`` is not exactly one character.
    """
    described = written_as(char)
    if described in load_library():
        return _SURE_WITH_GLYPH
    guesses, contradicted = _described(char).guesses, load_contradicted()
    sure = _SURE[guesses] if ord(char[0]) <= _BASIC_PLANE else _SURE_BEYOND[guesses]
    return round(sure * _CONTRADICTED, 2) if char[0] in contradicted.near | contradicted.far else sure


@lru_cache(maxsize=1)
def load_describer() -> Describer:
    """Return the describer of what ships with hierbrush, made once a process.

    The first description takes a second: what training characters show is read then.
    """
    return Describer(load_descriptions(), load_library())


class Describer:
    """Descriptions of characters that a library lacks.

    Args:
        table: what ideographs are made of.
        library: the characters that are known.
        without: characters that are described as if they were not among those that components are learned from.
    """

    def __init__(self, table: DescriptionTable, library: CharacterLibrary, without: Collection[str] = ()) -> None:
        self._table, self._library, self._without = table, library, without
        # Of the character that is being described: what a part is found to be may depend on what it is a part of.
        self._found: dict[_Place, Description] = {}
        self._plainly = False
        self._instead: Mapping[_Place, str] = {}

    @cached_property
    def known(self) -> Exemplars:
        """How training characters write components."""
        return Exemplars(self._library, self._without) if self._without else exemplars()

    @cached_property
    def _met(self) -> dict[tuple[str, int, str], Counter[str]]:
        """How often training characters have which component for a part in a place; most of what describing costs."""
        met: defaultdict[tuple[str, int, str], Counter[str]] = defaultdict(Counter)
        for char in self._library:
            if split(char) == "train" and char not in self._without:
                for structure in self._table.of(char):
                    self._align(structure, self._library.decomposition(char), met)
        return dict(met)

    @cached_property
    def _met_anywhere(self) -> dict[str, list[str]]:
        """Which components training characters have for a part, whatever its place."""
        met: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for (_, _, part), components in self._met.items():
            met[part].update(dict.fromkeys(components))
        return {part: list(components) for part, components in met.items()}

    def describe(self, char: str) -> Description:
        """Return the description of a character; see `description_of`.

        Raises:
            UnknownCharacterError: it cannot be described.
            HierbrushError: ``char`` is not exactly one character.
        """
        if isinstance(char, str) and len(char) > 1:
            char = char.rstrip("".join(VARIATION_SELECTORS))
        check_single(char)
        folded = self._folded(char)
        for same in (folded, *self._table.of(folded)):
            if isinstance(same, str) and self._folded(same) in self._library:
                return Description(0, self._folded(same))
        # Not the line of the table: 𠂉 is a part of 每, and drawn as such it needs no parts of its own.
        if self.part(folded):
            return Description(0, folded)
        return self.taken_apart(folded, char, plainly=folded in load_contradicted().plainly)

    def part(self, char: str) -> Form | None:
        """Return how training characters write a character that is a part of them, 五 in 語; None if it is none.

        Where references tell the order of the character itself, the part has to have it: what is called 阜 in 陽 is not
        written as 阜 is.
        """
        reference = load_order_reference()
        orders = [reference.order(char, region) for region in REGIONS]
        told = [order for order in orders if order is not None]
        found = [self.known.part(char, order) for order in told] if told else [self.known.part(char)]
        return next((form for form in found if form is not None), None)

    def taken_apart(
        self, char: str, called: str = "", *, plainly: bool = False, instead: Mapping[_Place, str] = _NOTHING
    ) -> Description:
        """Return what the table alone says a character is made of, though it may have a glyph; 𣎆 is made of 月 and 凡.

        Args:
            char: the character.
            called: what a message calls it, if otherwise.
            plainly: whether parts are called what the table calls them, where that is a character: 真, though of
                training characters one has 眞 for it.
            instead: by name, operator and slot of a part, the component that it is taken for.

        Raises:
            UnknownCharacterError: its parts are not known, or there are none.
        """
        self._found.clear()
        self._plainly, self._instead = plainly, instead
        missing: dict[str, None] = {}
        found = min(self._structures(char, "", 0, (char,), missing), default=None)
        if found is None or found.guesses > _MOST_GUESSES:
            raise UnknownCharacterError(f"char: {describe(called or char)} {self._reason(char, missing)}")
        return found

    def otherwise(self, char: str) -> Iterator[Description]:
        """Yield what a character is made of if one part is another component that training characters have for it.

        What one character calls 月 is ⺼ in most.
        """
        with suppress(UnknownCharacterError):
            told = {self.taken_apart(char)}
            for name, operator, slot in list(self._found):
                here = self._met.get((operator, slot, name), Counter())
                for component in [*here, self._folded(name), *self._met_anywhere.get(name, ())]:
                    with suppress(UnknownCharacterError):
                        found = self.taken_apart(char, instead={(name, operator, slot): component})
                        if found not in told:
                            told.add(found)
                            yield found

    def _reason(self, char: str, missing: Iterable[str]) -> str:
        if char not in self._table:
            return hint(char)
        parts = [part for part in missing if len(part) == 1 and part != char]
        if parts:
            return f"has no glyph, and nobody knows how its part {describe(parts[0])} is written in its place"
        return "has no glyph, and its parts are no components of known characters, or cross each other"

    def _align(
        self, structure: Structure, tree: Component, met: defaultdict[tuple[str, int, str], Counter[str]]
    ) -> None:
        """Note which components of a tree a structure's parts mean, as far as the two are put together alike."""
        if isinstance(structure, str):
            return
        operator, parts = structure
        if operator != tree.operator or len(parts) != len(tree.children):
            return
        for slot, (part, child) in enumerate(zip(parts, tree.children, strict=True)):
            if not isinstance(part, str):
                self._align(part, child, met)
                continue
            if (len(child.name) == 1 or child.is_anonymous) and self._may_be(part, child):
                met[operator, slot, part][child.name] += 1
            if child.children and part not in self._library:
                for inner in self._table.of(part):
                    self._align(inner, child, met)

    def _may_be(self, part: str, component: Component) -> bool:
        """Return whether a part has about as many strokes as a component; if not, the two are cut differently."""
        if part not in self._library:
            return True
        miscount = abs(len(self._library.stroke_types(part)) - len(component.strokes))
        return miscount == 0 or (miscount <= _MISCOUNT and len(component.strokes) >= _MANY)

    def _structures(
        self, name: str, operator: str, slot: int, above: tuple[str, ...], missing: dict[str, None]
    ) -> list[Description]:
        """Return what a part may be written as by its own lines, ``above`` being what it is itself a part of."""
        if len(above) > _DEEPEST:
            return []
        found = [self._put_together(line, operator, slot, above, missing) for line in self._table.of(name)]
        return [description for description in found if description is not None]

    def _put_together(
        self, structure: Structure, operator: str, slot: int, above: tuple[str, ...], missing: dict[str, None]
    ) -> Description | None:
        if isinstance(structure, str):
            return self._part(structure, operator, slot, above, missing)
        inner, parts = structure
        found = [self._put_together(part, inner, place, above, missing) for place, part in enumerate(parts)]
        whole = [one for one in found if one is not None]
        if len(whole) < len(parts):
            return None
        guesses, texts = sum(one.guesses for one in whole), [one.text for one in whole]
        if inner in _PAIRS:
            return Description(guesses, self._in_pairs(inner, *texts))
        # How a part lies around another is shown by training characters; beside and above need no frame.
        if inner not in _FRAMES or self.known.stands(texts[0].strip("{}"), inner, 0):
            return Description(guesses, inner + "".join(texts))
        opened = self._opened(inner, *texts)
        return None if opened is None else Description(guesses + 1, opened)

    def _in_pairs(self, operator: str, first: str, second: str, third: str) -> str:
        """Return three parts as two, one of them a pair, unless the outer two are alike: so does the library.

        The pair is the one that is a component of training characters, else the second one.
        """
        if first == third and operator == "⿲":
            return operator + first + second + third
        pair = _PAIRS[operator]
        if self.known.name(str(_form(pair + first + second).tree)) is not None:
            return pair + pair + first + second + third
        return pair + first + pair + second + third

    def _opened(self, operator: str, outside: str, inside: str) -> str | None:
        """Return how a part is written that stands in a frame of which no training character shows how it encloses.

        What 厥 (厂 around 欮) has around it stands below the 欮; what 殸 has below its left side stands below that;
        what 𣎆 has within stands between its 月 and its 凡; legs, as of 尾, are drawn beside. Frames that cross what
        they hold stay unknown.
        """
        frame = _form(outside).tree
        sides = [_written(child) for child in frame.children]
        if operator == frame.operator and operator in "⿸⿵":
            return f"{operator}{sides[0]}⿱{sides[1]}{inside}"
        if operator == "⿹" and frame.operator == "⿰":
            return f"⿰⿱{sides[0]}{inside}{sides[1]}"
        if operator == "⿵" and frame.operator == "⿱" and frame.children[1].operator == "⿰":
            left, right = map(_written, frame.children[1].children)
            return f"⿱{sides[0]}⿲{left}{inside}{right}"
        return _BESIDE[operator] + outside + inside if operator in _BESIDE else None

    def _part(
        self, name: str, operator: str, slot: int, above: tuple[str, ...], missing: dict[str, None]
    ) -> Description | None:
        place = name, operator, slot
        if place in self._found:
            return self._found[place]
        found = named = self._named(name, operator, slot)
        if named is None or self._folded(name) not in self._library:
            own = self._structures(name, operator, slot, (*above, name), missing) if name not in above else []
            best = min(own, default=None)
            if best is not None and (named is None or abs(_strokes(best) - _strokes(named)) > _MISCOUNT):
                found = Description(best.guesses + 1, best.text)
        if found is None:
            missing.setdefault(name)
        else:
            self._found[place] = found
        return found

    def _named(self, name: str, operator: str, slot: int) -> Description | None:
        """Return the component that a part is in a place, if training characters have it."""
        met = self._met.get((operator, slot, name), Counter())
        folded = self._folded(name)
        component = max(met, key=met.__getitem__, default=folded)
        # 夫 is no 无 because one character was cut another way; a form without a name cannot be told otherwise.
        if folded in self._library and len(component) == 1 and (met[folded] or met[component] < _OFTEN):
            component = folded
        if self._plainly and folded in self._library:
            component = folded
        component = self._instead.get((name, operator, slot), component)
        if self.known.form(component, operator, slot) is None:
            return None
        named = Description(0, _token(component))
        return named if self._is_learned(named) else None

    def _is_learned(self, description: Description) -> bool:
        """Return whether training characters have every component of a description; nobody else can place one."""
        return all(self.known.is_learned(leaf.name) for leaf in _form(description.text).tree.leaves())

    def _folded(self, name: str) -> str:
        """Return the known character that another is a code point of for the sake of old encodings or of radicals."""
        if name in self._library or len(name) > 1:
            return name
        canonical = unicodedata.normalize("NFKC", name)
        canonical = canonical if len(canonical) == 1 else name
        return canonical if canonical in self._library else canonical.translate(RADICALS)


@lru_cache(maxsize=4096)
def _form(text: str) -> Form:
    return parse_ids(text, max_strokes=MOST_STROKES)


def _strokes(description: Description) -> int:
    return len(_form(description.text).stroke_types)


def _written(component: Component) -> str:
    return component.name if len(component.name) == 1 else str(component)


def _token(name: str) -> str:
    return name if len(name) == 1 else f"{{{name}}}"
