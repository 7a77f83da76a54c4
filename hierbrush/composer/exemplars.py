"""How components are written where they stand: stroke types and inner structure, as training characters have them.

One component has several forms that share a name: 木 ends in a dot at the left of 林 and in a press-down stroke by
itself. The form depends on the operator and the slot, so that is what forms are looked up by. Training characters
alone are counted, and of them only decompositions and stroke types, no geometry; an anonymous part that none of them
has is taken from the first character that has it, for to name such a part is to name that character.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from hierbrush.characters import CharacterLibrary, Component, GlyphStroke, load_library, split
from hierbrush.characters.orders import order_classes

_T = TypeVar("_T")
_Place = tuple[str, str, int]  # name, operator, slot
_Slot = tuple[str, int]  # operator, slot
_Key = tuple[str, str, tuple[str, ...]]  # name, structure, stroke types


FRAMED = {(frame, 1) for frame in "⿴⿵⿶⿷⿸⿹⿺"}
"""Places within a frame, in which components are written alike: 米 ends in a dot in 氣 as in 匊."""

_ALIKE = {("⿰", 0): ("⿲", 0), ("⿰", 1): ("⿲", 2), ("⿱", 0): ("⿳", 0), ("⿱", 1): ("⿳", 2)}
_ALIKE |= {other: place for place, other in _ALIKE.items()}
_LAST = (("⿰", 1), ("⿱", 1), ("⿲", 2), ("⿳", 2))


@dataclass(frozen=True)
class Form:
    """A component as some character writes it.

    Attributes:
        tree: the component; its strokes are numbered from 0.
        stroke_types: abbreviation of every stroke, in the order of the tree's numbers.
    """

    tree: Component
    stroke_types: tuple[str, ...]


class Exemplars:
    """The commonest form of every component in every slot, and the commonest name of every structure.

    Reading all decompositions takes a third of a second; use `exemplars`, which keeps the answer.

    Args:
        library: the characters.
        without: characters that do not count, as if the library lacked them.
    """

    def __init__(self, library: CharacterLibrary, without: Collection[str] = ()) -> None:
        self._library, self._without = library, without
        forms: defaultdict[_Place, Counter[_Key]] = defaultdict(Counter)
        deeper: defaultdict[tuple[_Place, _Slot], Counter[_Key]] = defaultdict(Counter)
        names: defaultdict[str, Counter[str]] = defaultdict(Counter)
        closings: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        seen: dict[_Key, tuple[Component, tuple[str, ...], str]] = {}
        elsewhere: dict[str, tuple[Component, tuple[str, ...]]] = {}
        for char in library.characters:
            if char in without:
                continue
            types = library.stroke_types(char)
            training = split(char) == "train"
            for node, operator, slot, above in _below(library.decomposition(char)):
                if not training:
                    if node.is_anonymous:
                        elsewhere.setdefault(node.name, (node, types))
                    continue
                structure = str(node)
                key = node.name, structure, tuple([types[stroke] for stroke in node.strokes])
                seen.setdefault(key, (node, types, char))
                forms[node.name, operator, slot][key] += 1
                deeper[(node.name, operator, slot), above][key] += 1
                if not node.is_leaf:
                    names[structure][node.name] += 1
            for node in _nodes(library.decomposition(char)) if training else ():
                if len(node.children) == 2:
                    outside, inside = node.children
                    after = sum(stroke > inside.strokes[0] for stroke in outside.strokes)
                    for name in (outside.name, ""):
                        # None or all is the same for every component; "" stands for those that were never seen.
                        closings[node.operator, name][-1 if after == len(outside.strokes) else after] += 1
        anywhere: defaultdict[str, Counter[_Key]] = defaultdict(Counter)
        for (name, _, _), counts in forms.items():
            anywhere[name].update(counts)
        self._forms = {place: _form(*seen[_commonest(counts)][:2]) for place, counts in forms.items()}
        self._deeper = {place: _form(*seen[_commonest(counts)][:2]) for place, counts in deeper.items()}
        framed: defaultdict[str, Counter[_Key]] = defaultdict(Counter)
        for (name, operator, slot), counts in forms.items():
            if (operator, slot) in FRAMED:
                framed[name].update(counts)
        self._framed = {name: _form(*seen[_commonest(counts)][:2]) for name, counts in framed.items()}
        self._anywhere = {name: _form(*seen[_commonest(counts)][:2]) for name, counts in anywhere.items()}
        self._counts, self._anywhere_counts, self._seen = forms, anywhere, seen
        self._sources = {
            **{(name, "", 0): seen[_commonest(counts)] for name, counts in anywhere.items()},
            **{place: seen[_commonest(counts)] for place, counts in forms.items()},
        }
        self._elsewhere = {name: _form(*example) for name, example in elsewhere.items() if name not in self._anywhere}
        self._closings = {place: _commonest(counts) for place, counts in closings.items()}
        self._names = {structure: _commonest(counts) for structure, counts in names.items()}

    def form(self, name: str, operator: str = "", slot: int = 0, above: tuple[str, int] = ("", 0)) -> Form | None:
        """Return how a component is written, or None if no character of the library has it.

        Args:
            name: a character, or ``"#17"`` for an anonymous part.
            operator: the ideographic description character that puts it together with others; "" if it stands alone.
            slot: its place among the operator's parts, from 0.
            above: operator and slot of what it is a part of; 足 ends otherwise on the left side of another character.
        """
        place = name, operator, slot
        here = (self._deeper.get((place, above)) or self._forms.get(place)) if operator else None
        if here is None:
            here = self._framed.get(name) if (operator, slot) in FRAMED else self._forms.get((name, *_like(place)))
        if name not in self._library:
            return here or self._anywhere.get(name) or self._elsewhere.get(name)
        alone = form_of(name, self._library)
        # A form of another length is another shape under the same name, 阜 for 阝 say: not what the user typed.
        return here if here is not None and len(here.stroke_types) == len(alone.stroke_types) else alone

    def part(self, name: str, order: str | None = None) -> Form | None:
        """Return how training characters write a component, or None if none has it in the order asked for.

        Components on the right and below count first: on the left and above the last stroke is cut short, which it is
        not in a character that stands alone.

        Args:
            name: a character.
            order: its strokes' classes, see `hierbrush.characters.orders.order_classes`; any unless given.
        """
        last = sum((self._counts.get((name, *place), Counter()) for place in _LAST), Counter[_Key]())
        for key, _ in [*last.most_common(), *self._anywhere_counts.get(name, Counter()).most_common()]:
            form = _form(*self._seen[key][:2])
            if order in (None, order_classes(form.stroke_types)):
                return form
        return None

    def forms(self, name: str) -> list[Form]:
        """Return all forms in which training characters write a component, the commonest first."""
        return [_form(*self._seen[key][:2]) for key, _ in self._anywhere_counts.get(name, Counter()).most_common()]

    def stands(self, name: str, operator: str, slot: int) -> bool:
        """Return whether training characters have a component in a place."""
        return (name, operator, slot) in self._forms

    def is_learned(self, name: str) -> bool:
        """Return whether a training character is a component or has it."""
        return name in self._anywhere or self._is_training(name)

    def _is_training(self, name: str) -> bool:
        return name in self._library and name not in self._without and split(name) == "train"

    def drawn(self, name: str, operator: str = "", slot: int = 0) -> tuple[GlyphStroke, ...] | None:
        """Return a component's strokes as a training character with its commonest form has them, or None.

        In this place if a training character has it there, else anywhere, else as the character alone.
        """
        source = self._sources.get((name, operator, slot)) or self._sources.get((name, "", 0))
        if source is not None:
            node, _, char = source
            strokes = self._library[char].strokes
            return tuple(strokes[stroke] for stroke in node.strokes)
        return self._library[name].strokes if self._is_training(name) else None

    def name(self, structure: str) -> str | None:
        """Return the component that training characters build as ``structure``, 明 for ``"⿰日月"`` taken apart."""
        return self._names.get(structure)

    def closing(self, operator: str, outside: Component) -> int:
        """Return how many strokes of a pair's first part are written after the second, 1 for 囗 in 国."""
        after = self._closings.get((operator, outside.name), self._closings.get((operator, ""), 0))
        return len(outside.strokes) if after < 0 else min(after, len(outside.strokes))

    @property
    def anonymous(self) -> tuple[str, ...]:
        """Names of all anonymous parts."""
        return tuple(name for name in {**self._anywhere, **self._elsewhere} if name.startswith("#"))


@lru_cache(maxsize=1)
def exemplars() -> Exemplars:
    """Return the forms in the library that ships with hierbrush, read once a process."""
    return Exemplars(load_library())


def form_of(char: str, library: CharacterLibrary) -> Form:
    """Return the form of a character that stands alone.

    Raises:
        UnknownCharacterError: the library does not hold ``char``.
    """
    return Form(library.decomposition(char), library.stroke_types(char))


def renumbered(node: Component, numbers: dict[int, int]) -> Component:
    """Return the tree with its strokes renumbered."""
    children = tuple(renumbered(child, numbers) for child in node.children)
    return Component(node.name, node.operator, tuple(sorted(numbers[stroke] for stroke in node.strokes)), children)


def _like(place: _Place) -> _Slot:
    """Return the place in which a component is written alike: 辛 at the left of 辣 as at that of 辨."""
    return _ALIKE.get(place[1:], ("", 0))


def _nodes(root: Component) -> Iterator[Component]:
    """Yield a tree's nodes, the root first."""
    yield root
    for child in root.children:
        yield from _nodes(child)


def _below(root: Component, above: _Slot = ("", 0)) -> Iterator[tuple[Component, str, int, _Slot]]:
    """Yield every node below the root with the operator and the slot in which it stands, and those of its parent."""
    for slot, child in enumerate(root.children):
        yield child, root.operator, slot, above
        yield from _below(child, (root.operator, slot))


def _form(node: Component, types: tuple[str, ...]) -> Form:
    numbers = {stroke: number for number, stroke in enumerate(node.strokes)}
    return Form(renumbered(node, numbers), tuple(types[stroke] for stroke in node.strokes))


def _commonest(counts: Counter[_T]) -> _T:
    # Ties go to what was met first, in the order of code points.
    return max(counts, key=counts.__getitem__)
