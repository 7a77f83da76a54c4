"""The character library: reference shapes, stroke types and decompositions of 9,574 characters."""

from typing import TYPE_CHECKING

from hierbrush.lazy_names import lazy_names

if TYPE_CHECKING:
    from hierbrush.characters.library import CharacterLibrary, Component, Glyph, GlyphStroke, check_text, load_library
    from hierbrush.characters.text import Split, UnknownCharacterError, split

__all__ = [
    "CharacterLibrary",
    "Component",
    "Glyph",
    "GlyphStroke",
    "Split",
    "UnknownCharacterError",
    "check_text",
    "load_library",
    "split",
]

_LIBRARY = ("CharacterLibrary", "Component", "Glyph", "GlyphStroke", "check_text", "load_library")
__getattr__ = lazy_names(
    __name__,
    {
        "hierbrush.characters.library": _LIBRARY,
        "hierbrush.characters.text": ("Split", "UnknownCharacterError", "split"),
    },
)
