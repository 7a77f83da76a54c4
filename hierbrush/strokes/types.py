"""The 38 stroke types of Unicode's CJK Strokes block, read from ``primitives/*.yaml``.

`ABBREVIATIONS` is a constant, in the order of the code points U+31C0 to U+31E5, so that code which only needs names or
numbers reads no file. The table itself is read when a type is first looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.resources import folder

FIRST_CODE_POINT = 0x31C0
# fmt: off
ABBREVIATIONS = (
    "T", "WG", "XG", "BXG", "SW", "HZZ", "HZG", "HP", "HZWG", "SZWG", "HZT", "HZZP", "HPWG", "HZW", "HZZZ", "N",
    "H", "S", "P", "SP", "D", "HZ", "HG", "SZ", "SWZ", "ST", "SG", "PD", "PZ", "TN", "SZZ", "SWG",
    "HXWG", "HZZZG", "PG", "Q", "HXG", "SZP",
)
# fmt: on
NUMBER = {abbreviation: number for number, abbreviation in enumerate(ABBREVIATIONS)}
"""Number of each type: its place in the block, by which files and networks know it."""


@dataclass(frozen=True)
class StrokeType:
    """One of the 38 strokes.

    Attributes:
        abbreviation: Unicode's, such as ``"HZG"``: initials of the Chinese name.
        code_point: of the type's character in the CJK Strokes block.
        chinese: name in Chinese, such as 横折钩.
        english: name in English.
        aliases: characters outside the block that are used for this stroke, and other Chinese names.
        description: where the stroke is met and what marks it off from its neighbours.
        strokes: how many strokes of the library's characters are of this type.
        characters: how many characters have at least one.
        shape_basis: name of its entry in the shape basis file.
    """

    abbreviation: str
    code_point: int
    chinese: str
    english: str
    aliases: tuple[str, ...]
    description: str
    strokes: int
    characters: int
    shape_basis: str

    @property
    def glyph(self) -> str:
        """The type's character, such as ㇆; few fonts have the last two."""
        return chr(self.code_point)

    @property
    def number(self) -> int:
        """Place in the block, 0 to 37."""
        return self.code_point - FIRST_CODE_POINT


def stroke_type(name: str) -> StrokeType:
    """Return the type that ``name`` means: abbreviation, character of the block, alias or Chinese name.

    Raises:
        HierbrushError: no type has that name.

    >>> stroke_type("亅").abbreviation
    'SG'
    """
    if not isinstance(name, str):
        raise HierbrushError(f"name: {type(name).__name__}, expected a stroke type such as 'HZG', '㇆' or '横折钩'")
    names = _names()
    found = names.get(name) or names.get(name.upper())
    if found is None:
        near = closest(name.upper() if name.isascii() else name, list(names))
        raise HierbrushError(f"name: {shown(name)} is none of the 38 stroke types{near}")
    return found


@lru_cache(maxsize=1)
def stroke_types() -> tuple[StrokeType, ...]:
    """Return all 38 types in the order of their code points.

    Raises:
        HierbrushError: a file under ``primitives/`` is missing, broken or contradicts its name; the message says where.
    """
    place = folder("primitives")
    return tuple(_read(place / f"{abbreviation}.yaml") for abbreviation in ABBREVIATIONS)


@lru_cache(maxsize=1)
def _names() -> dict[str, StrokeType]:
    names: dict[str, StrokeType] = {}
    for kind in stroke_types():
        for name in (kind.abbreviation, kind.glyph, kind.chinese, *kind.aliases):
            if names.setdefault(name, kind) is not kind:
                raise HierbrushError(
                    f"primitives: {shown(name)} names both {names[name].abbreviation} and {kind.abbreviation}; keep one"
                )
    return names


_FIELDS: dict[str, type] = {
    "abbreviation": str,
    "code_point": str,
    "chinese": str,
    "english": str,
    "aliases": list,
    "description": str,
    "strokes": int,
    "characters": int,
    "shape_basis": str,
}


def load_primitive(path: Path) -> dict[str, Any]:
    """Return one file of ``primitives/`` as a mapping, all fields present and of the right kind.

    Raises:
        HierbrushError: the file is missing or broken; the message gives file, line and column where known.
    """
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C loader reads all 38 files in 10 ms
    try:
        fields = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except OSError as error:
        raise HierbrushError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise HierbrushError(f"{path}{place}: {getattr(error, 'problem', None) or 'is no YAML'}") from error
    if not isinstance(fields, dict):
        raise HierbrushError(f"{path}: expected a mapping with the fields {', '.join(_FIELDS)}")
    for name in fields:
        if name not in _FIELDS and name != "canonical":
            raise HierbrushError(f"{path}: unknown field {shown(name)}{closest(str(name), [*_FIELDS, 'canonical'])}")
    for name, kind in _FIELDS.items():
        if not isinstance(fields.get(name), kind):
            raise HierbrushError(f"{path}: {name}: {shown(fields.get(name))}, expected {kind.__name__}")
    return fields


def _read(path: Path) -> StrokeType:
    fields = load_primitive(path)
    abbreviation = fields["abbreviation"]
    if abbreviation != path.stem:
        raise HierbrushError(
            f"{path}: abbreviation: {shown(abbreviation)}, expected {shown(path.stem)} as the file is named"
        )
    code_point = FIRST_CODE_POINT + NUMBER[abbreviation]
    if fields["code_point"] != f"U+{code_point:04X}":
        raise HierbrushError(f"{path}: code_point: {shown(fields['code_point'])}, expected 'U+{code_point:04X}'")
    return StrokeType(
        abbreviation,
        code_point,
        fields["chinese"],
        fields["english"],
        tuple(str(alias) for alias in fields["aliases"]),
        fields["description"],
        fields["strokes"],
        fields["characters"],
        fields["shape_basis"],
    )
