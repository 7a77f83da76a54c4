"""The character library: reference shapes, stroke types and decompositions of 9,574 characters."""

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
