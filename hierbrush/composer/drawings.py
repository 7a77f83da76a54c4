"""Drawings: how characters are written, in the order of writing, as the component library and the composer learn it.

Every training character of the character library is one. *Further* drawings are training characters that
hanzi-writer-data lacks, and others once more as AR PL KaitiM Big5 draws them: their strokes were fitted to the ink of
two fonts (`hierbrush_build.fitting`). The split holds for them as for all: no test or validation character is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import CharacterLibrary, Component, load_library, split
from hierbrush.characters.repertoire import Repertoire, repertoire
from hierbrush.composer import stored
from hierbrush.composer.exemplars import renumbered
from hierbrush.composer.ids import parse_ids
from hierbrush.composer.place import PLACE_SIZE, measured_place
from hierbrush.strokes.types import ABBREVIATIONS, NUMBER

F32 = NDArray[np.float32]

FILE = Path(__file__).resolve().parent / "data" / "drawings.safetensors"

MAX_STROKES = 40
"""Most strokes of a character; the longest in the library has 33."""

_NO_PLACES = np.empty((0, PLACE_SIZE), np.float32)  # or what has no drawing could not be concatenated


@dataclass(frozen=True, eq=False)
class Drawing:
    """A character as somebody has drawn it; all in the order of writing.

    Attributes:
        char: the character.
        repertoire: what it was drawn for.
        tree: its decomposition.
        stroke_types: abbreviation of every stroke's type.
        places: f32 [strokes, PLACE_SIZE], box and shape coefficients of every stroke.
    """

    char: str
    repertoire: Repertoire
    tree: Component
    stroke_types: tuple[str, ...]
    places: F32


def training_drawings(library: CharacterLibrary | None = None) -> list[Drawing]:
    """Return the library's training characters; takes half a millisecond a stroke.

    Args:
        library: the characters; those that ship with hierbrush unless given.
    """
    library = library or load_library()
    return [drawing_of(char, library) for char in library if split(char) == "train"]


def drawing_of(char: str, library: CharacterLibrary) -> Drawing:
    """Return a character as the library draws it.

    Raises:
        UnknownCharacterError: the library does not hold ``char``.
    """
    glyph = library[char]
    places = np.array([measured_place(stroke.goal()) for stroke in glyph.strokes], np.float32)
    types = tuple(stroke.stroke_type for stroke in glyph.strokes)
    return Drawing(char, repertoire(char), glyph.decomposition, types, places)


@dataclass(frozen=True, eq=False)
class FurtherDrawing:
    """A further drawing as it lies in the file.

    Attributes:
        char: the character.
        typeface: index in `hierbrush.characters.repertoire.TYPEFACES`.
        description: its decomposition as `parse_ids` reads it; "" for a character of the library, which has one.
        order: the strokes' numbers in that decomposition, in the order of writing.
        places: f32 [strokes, PLACE_SIZE], in the order of writing.
        stroke_types: in the order of writing.
    """

    char: str
    typeface: int
    description: str
    order: tuple[int, ...]
    places: F32
    stroke_types: tuple[str, ...]


def pack(drawings: Sequence[FurtherDrawing]) -> tuple[dict[str, NDArray[np.floating]], dict[str, object]]:
    """Return further drawings as the arrays and the JSON that `further_drawings` reads."""
    tensors: dict[str, NDArray[np.floating]] = {
        "typeface": np.array([drawing.typeface for drawing in drawings], np.float16),
        "strokes": np.array([len(drawing.order) for drawing in drawings], np.float16),
        "order": np.array([stroke for drawing in drawings for stroke in drawing.order], np.float16),
        "types": np.array([NUMBER[kind] for drawing in drawings for kind in drawing.stroke_types], np.float16),
        "places": np.concatenate([_NO_PLACES, *(drawing.places for drawing in drawings)]).astype(np.float16),
    }
    strings: dict[str, object] = {
        "characters": "".join(drawing.char for drawing in drawings),
        "descriptions": [drawing.description for drawing in drawings],
    }
    return tensors, strings


def read_further(path: Path) -> list[FurtherDrawing]:
    """Return further drawings as they lie in a file.

    Raises:
        HierbrushError: the file or the JSON file beside it is missing or broken.
    """
    drawings: list[FurtherDrawing] = []
    with stored.read(path, "drawings") as (tensors, strings):
        chars, descriptions = strings["characters"], strings["descriptions"]
        typefaces, counts = tensors["typeface"].astype(int).tolist(), tensors["strokes"].astype(int).tolist()
        end = 0
        for char, description, typeface, count in zip(chars, descriptions, typefaces, counts, strict=True):
            start, end = end, end + count
            order = tuple(tensors["order"][start:end].astype(int).tolist())
            types = tuple(ABBREVIATIONS[number] for number in tensors["types"][start:end].astype(int).tolist())
            places = tensors["places"][start:end].reshape(count, PLACE_SIZE)
            drawings.append(FurtherDrawing(char, typeface, description, order, places, types))
    return drawings


def further_drawings(path: Path = FILE) -> list[Drawing]:
    """Return the further drawings in a file, some 11,000; takes seconds.

    Args:
        path: the file.

    Raises:
        HierbrushError: the file or the JSON file beside it is missing or broken, or a drawing describes what nobody
            knows.
    """
    library = load_library()
    drawings: list[Drawing] = []
    for further in read_further(path):
        char, described = further.char, further.description
        tree = parse_ids(described, max_strokes=MAX_STROKES).tree if described else library.decomposition(char)
        written = renumbered(tree, {stroke: turn for turn, stroke in enumerate(further.order)})
        drawings.append(
            Drawing(char, repertoire(char, further.typeface), written, further.stroke_types, further.places)
        )
    return drawings
