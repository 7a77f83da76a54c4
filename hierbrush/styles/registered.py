"""Registered drawings: characters as fonts have them, with the places of their strokes, for a composer to learn from.

What registration accepts of several fonts lies in one file of tensors and JSON. Training characters only: what test and
validation characters look like in any hand is learned from nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_path, check_whole
from hierbrush.characters import Split, load_library, split
from hierbrush.composer.place import PLACE_SIZE, measured_place
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import read_whole, write_atomically
from hierbrush.styles.chosen import is_common
from hierbrush.styles.fonts import Font
from hierbrush.styles.registration import register

F32 = NDArray[np.float32]

SUFFIX = ".drawings"
VERSION = 1
SIDE = 256

_SAVED_EVERY = 50
_CARD = "drawings"


@dataclass(frozen=True, eq=False)
class Drawing:
    """One character as one font has it.

    Attributes:
        char: the character.
        font: name of the font's file.
        places: f32 [S, PLACE_SIZE], box and shape coefficients of every stroke, in the order of the glyph's.
        half_widths: f32 [S], mean half-widths, in sides of the box.
        ink: uint8 [8192], the font's glyph, 256 x 256 pixels, packed bits.
    """

    char: str
    font: str
    places: F32
    half_widths: F32
    ink: NDArray[np.uint8]

    @property
    def page(self) -> NDArray[np.bool_]:
        """The glyph's ink, bool [256, 256]."""
        return np.unpackbits(self.ink).reshape(SIDE, SIDE).astype(bool)


@dataclass(frozen=True, eq=False)
class Registered:
    """Drawings of several fonts.

    Attributes:
        drawings: those that registration accepted.
        rejected: for each font's file, the characters that it did not accept.
    """

    drawings: tuple[Drawing, ...] = ()
    rejected: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"<Registered: {len(self.drawings)} drawings of {len(self.fonts)} fonts>"

    @property
    def fonts(self) -> tuple[str, ...]:
        """Names of the fonts' files."""
        named = [drawing.font for drawing in self.drawings] + [font for font, _ in self.rejected]
        return tuple(dict.fromkeys(named))

    def of(self, font: str) -> set[str]:
        """Return the characters of a font that were looked for, found or not."""
        found = {drawing.char for drawing in self.drawings if drawing.font == font}
        return found.union(*(chars for name, chars in self.rejected if name == font))

    def save(self, path: str | PathLike[str]) -> None:
        """Write the drawings to a file; there is either the old file or the whole new one.

        Raises:
            HierbrushError: it cannot be written.
        """
        from safetensors.numpy import save

        fonts = self.fonts
        drawings = self.drawings
        card = {
            "format": VERSION,
            "characters": "".join(drawing.char for drawing in drawings),
            "fonts": list(fonts),
            "rejected": dict(self.rejected),
        }
        tensors: dict[str, NDArray[Any]] = {
            "font": np.array([fonts.index(drawing.font) for drawing in drawings], np.int32),
            "places": _joined([drawing.places for drawing in drawings], (0, PLACE_SIZE)),
            "half_widths": _joined([drawing.half_widths for drawing in drawings], (0,)),
            "ink": np.array([drawing.ink for drawing in drawings], np.uint8).reshape(-1, SIDE * SIDE // 8),
        }
        write_atomically(check_path("path", path), save(tensors, {_CARD: json.dumps(card, ensure_ascii=False)}))

    @classmethod
    def load(cls, path: str | PathLike[str], *, argument: str = "path") -> Registered:
        """Read such a file.

        Args:
            path: the file.
            argument: what the user knows ``path`` as, for the message.

        Raises:
            HierbrushError: it is none, is damaged, or of another version.
        """
        return _read(path, read_whole(path, argument=argument), argument)


def _joined(parts: Sequence[F32], empty: tuple[int, ...]) -> F32:
    return np.concatenate([np.zeros(empty, np.float32), *parts]).astype(np.float32)


def _read(path: str | PathLike[str], content: bytes, argument: str) -> Registered:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    def unreadable(reason: str) -> HierbrushError:
        return HierbrushError(
            f"{argument}: cannot read {shown(path)}: {reason}; expected a file that hierbrush goals register made"
        )

    try:
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        card = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][_CARD])
        version, characters = card["format"], str(card["characters"])
        fonts = tuple(map(str, card["fonts"]))
        rejected = tuple((str(font), str(chars)) for font, chars in card["rejected"].items())
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise unreadable(f"it holds no drawings ({type(error).__name__})") from None
    if version != VERSION:
        raise unreadable(f"it is of version {shown(version)}, this hierbrush reads version {VERSION}")
    library = load_library()
    strange = [char for char in characters if char not in library]
    if strange:
        raise unreadable(f"it holds {shown(strange[0])}, which the library does not have")
    counts = [len(library.stroke_types(char)) for char in characters]
    total = sum(counts)
    wanted = {
        "font": ((len(characters),), "int32"),
        "places": ((total, PLACE_SIZE), "float32"),
        "half_widths": ((total,), "float32"),
        "ink": ((len(characters), SIDE * SIDE // 8), "uint8"),
    }
    for name, (shape, kind) in wanted.items():
        if name not in tensors or (tensors[name].shape, str(tensors[name].dtype)) != (shape, kind):
            raise unreadable(f"its tensor {name!r} is missing or of another shape")
    number = tensors["font"]
    if not all(np.isfinite(tensors[name]).all() for name in ("places", "half_widths")):
        raise unreadable("it holds NaN or infinity")
    if len(number) and not 0 <= int(number.min()) <= int(number.max()) < len(fonts):
        raise unreadable("it names a font that it does not list")
    stops = np.cumsum(counts, dtype=np.int64)
    parts = [slice(int(stop) - count, int(stop)) for stop, count in zip(stops, counts, strict=True)]
    return Registered(
        tuple(
            Drawing(
                char,
                fonts[int(number[at])],
                tensors["places"][part],
                tensors["half_widths"][part],
                tensors["ink"][at],
            )
            for at, (char, part) in enumerate(zip(characters, parts, strict=True))
        ),
        rejected,
    )


def characters_of(font: Font, count: int, seed: int = 0, part: Split = "train") -> list[str]:
    """Return characters of one split that a font and the library share, drawn with a seed, common ones first.

    Args:
        font: the font.
        count: at most so many.
        seed: of the draw.
        part: of the split.
    """
    library = load_library()
    shared = [char for char in font.characters if char in library and split(char) == part]
    order = np.random.default_rng(seed).permutation(len(shared))
    return sorted((shared[at] for at in order.tolist()), key=lambda char: not is_common(char))[:count]


def drawing_of(char: str, font: Font) -> Drawing | None:
    """Return a character as a font has it, None if its strokes are not surely found there.

    Raises:
        HierbrushError: the font or the library does not have the character.
    """
    ink = font.ink(char)
    answer = register(ink, load_library()[char])
    if not answer.accepted:
        return None
    return Drawing(
        char,
        font.path.name,
        np.array([measured_place(goal) for goal in answer.goals], np.float32),
        np.array([goal.half_width.mean() for goal in answer.goals], np.float32),
        np.packbits(ink >= 0.5),
    )


def register_fonts(
    fonts: Sequence[str | PathLike[str]],
    path: str | PathLike[str],
    *,
    characters: int = 300,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> Registered:
    """Register training characters of fonts and keep what is accepted in a file; what is in the file is not done again.

    Args:
        fonts: the fonts' files.
        path: the file, which is written every fifty characters and at the end, and when it is interrupted.
        characters: how many of each font are looked for.
        seed: by which they are drawn.
        progress: is called with 1 for each character looked for, and with the number of those done before.

    Raises:
        HierbrushError: a font cannot be read, or the file is none of ours or cannot be written.
    """
    place = check_path("path", path)
    count = check_whole("characters", characters, 1)
    opened = [Font(font) for font in fonts]
    known = Registered.load(place) if place.exists() else Registered()
    drawings, rejected = list(known.drawings), {font: list(chars) for font, chars in known.rejected}
    todo = list(_todo(opened, known, count, seed))
    if progress is not None:
        progress(_asked(opened, count, seed) - len(todo))

    def keep() -> Registered:
        kept = Registered(tuple(drawings), tuple((font, "".join(chars)) for font, chars in rejected.items()))
        kept.save(place)
        return kept

    try:
        for done, (font, char) in enumerate(todo):
            drawing = drawing_of(char, font)
            if drawing is None:
                rejected.setdefault(font.path.name, []).append(char)
            else:
                drawings.append(drawing)
            if progress is not None:
                progress(1)
            if done % _SAVED_EVERY == _SAVED_EVERY - 1:
                keep()
    except KeyboardInterrupt:
        keep()
        raise
    return keep()


def _todo(fonts: Sequence[Font], known: Registered, count: int, seed: int) -> Iterator[tuple[Font, str]]:
    """Yield what is not yet done, the fonts in turn, so that every part of it holds all of them."""
    lists = []
    for number, font in enumerate(fonts):
        done = known.of(font.path.name)
        lists.append([(font, char) for char in characters_of(font, count, seed + number) if char not in done])
    for at in range(max(map(len, lists), default=0)):
        yield from (chars[at] for chars in lists if at < len(chars))


def _asked(fonts: Sequence[Font], count: int, seed: int) -> int:
    return sum(len(characters_of(font, count, seed + number)) for number, font in enumerate(fonts))
