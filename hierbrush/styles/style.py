"""A style: one hand's parsed examples and what they have in common, in one file of tensors and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_path
from hierbrush.characters import Component, load_library
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import read_whole, write_atomically
from hierbrush.strokes.goal import OUTLINE_POINTS, SKELETON_POINTS, StrokeGoal
from hierbrush.styles import hand
from hierbrush.styles.registration import Registration, register

Floats = NDArray[np.float64]

SUFFIX = ".style"
VERSION = 1
FEWEST = 5
"""Examples without which a style is a guess."""

_FINE = 16384.0
"""Steps to a box's side in which points are kept: a sixty-fourth of a pixel at 256."""

_TENSORS = {
    "strokes": ("int32", (None,)),
    "lines": ("int16", (None, SKELETON_POINTS, 2)),
    "outlines": ("int16", (None, OUTLINE_POINTS, 2)),
    "confidence": ("float32", (None,)),
}


@dataclass(frozen=True, eq=False)
class Style:
    """One hand.

    Attributes:
        name: what it is called.
        characters: those that were drawn and surely parsed.
        rejected: those that were drawn and were not.
        lines: f64 [strokes of all characters, 32, 2], middle lines in the unit box.
        outlines: f64 [strokes, 128, 2].
        confidence: f64 [characters], of the least sure stroke of each.
        origin: where the examples come from, as a line.
    """

    name: str
    characters: tuple[str, ...]
    lines: Floats
    outlines: Floats
    confidence: Floats
    rejected: tuple[str, ...] = ()
    origin: str = ""

    def __repr__(self) -> str:
        return f"<Style {shown(self.name)}: {len(self.characters)} characters, {len(self.lines)} strokes>"

    @classmethod
    def learn(
        cls,
        source: str | PathLike[str],
        characters: Iterable[str] | int | None = None,
        *,
        name: str | None = None,
        progress: Any = None,
    ) -> Style:
        """Learn a style from examples.

        Args:
            source: a font's file; a folder of pictures, each named by its character (``永.png``, ``U+6C38.png``,
                ``06C38-永.png``); or the scan or photograph of a filled practice sheet, or a folder of several.
            characters: which characters to take, or how many; of a font 200 training characters unless given, of
                pictures all. What a test or validation character looks like is only taken if it is named.
            name: of the style; the file's unless given.
            progress: is called with 1 for each character read.

        Raises:
            HierbrushError: the source cannot be read or has too few characters whose strokes are surely found.
        """
        from hierbrush.styles.examples import examples_of

        path = check_path("source", source)
        found, refused = [], []
        for char, ink in examples_of(path, characters):
            answer = register(ink, load_library()[char]) if char in load_library() else None
            if answer is not None and answer.accepted:
                found.append((char, answer))
            else:
                refused.append(char)
            if progress is not None:
                progress(1)
        if len(found) < FEWEST:
            raise HierbrushError(
                f"source: {shown(path)} has {len(found)} characters whose strokes are surely found, expected {FEWEST} "
                f"or more{'; not found: ' + ''.join(refused[:30]) if refused else ''}"
            )
        return cls._of(name or path.stem, found, refused, path.name)

    @classmethod
    def _of(cls, name: str, found: Sequence[tuple[str, Registration]], refused: Sequence[str], origin: str) -> Style:
        goals = [goal for _, answer in found for goal in answer.goals]
        return cls(
            name,
            tuple(char for char, _ in found),
            np.array([goal.skeleton for goal in goals], np.float64),
            np.array([goal.outline for goal in goals], np.float64),
            np.array([answer.confidence.min() for _, answer in found]),
            tuple(refused),
            origin,
        )

    def __contains__(self, char: object) -> bool:
        return char in self._places

    def drawn(self, char: str) -> list[StrokeGoal]:
        """Return a character's strokes as the hand has drawn them.

        Raises:
            HierbrushError: it has not.
        """
        if char not in self:
            raise HierbrushError(f"char: {shown(char)} is none that the style {shown(self.name)} has drawn")
        part = self._places[char]
        types = load_library().stroke_types(char)
        return hand.goals_of(types, self.lines[part], self.outlines[part])

    def strokes(self, goals: Sequence[StrokeGoal], tree: Component) -> list[StrokeGoal]:
        """Return strokes of the base hand as this hand would draw them, deformed where they stand.

        Args:
            goals: the base hand's strokes of a character.
            tree: its decomposition.
        """
        base = hand.moved(hand.strokes_of(goals, tree), self.common)
        change = hand.foretold(base.features, self._base.features, self._weights)
        lines, outlines = hand.applied(base, change)
        return hand.goals_of([goal.stroke_type for goal in goals], lines, outlines)

    def shifted(self, goals: Sequence[StrokeGoal], tree: Component) -> list[StrokeGoal]:
        """Return strokes of the base hand with this hand's mean shift, stretch and width alone: a control."""
        base = hand.moved(hand.strokes_of(goals, tree), self.common)
        return hand.goals_of([goal.stroke_type for goal in goals], base.lines, base.outlines)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the style to a file; there is either the old file or the whole new one.

        Raises:
            HierbrushError: it cannot be written.
        """
        from safetensors.numpy import save

        place = check_path("path", path)
        tensors: dict[str, NDArray[Any]] = {
            "strokes": np.array([part.stop - part.start for part in self._places.values()], np.int32),
            "lines": _rounded(self.lines),
            "outlines": _rounded(self.outlines),
            "confidence": self.confidence.astype(np.float32),
        }
        card = {
            "format": VERSION,
            "name": self.name,
            "characters": "".join(self.characters),
            "rejected": "".join(self.rejected),
            "origin": self.origin,
        }
        write_atomically(place, save(tensors, {"style": json.dumps(card, ensure_ascii=False)}))
        return place

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Style:
        """Read a style's file.

        Raises:
            HierbrushError: it is none, is damaged, or of another version.
        """
        return _read(path, read_whole(path, argument="style"))

    @cached_property
    def _places(self) -> dict[str, slice]:
        """Where each character's strokes are."""
        places, start = {}, 0
        for char in self.characters:
            stop = start + len(load_library().stroke_types(char))
            places[char] = slice(start, stop)
            start = stop
        return places

    @cached_property
    def _base(self) -> hand.Strokes:
        library = load_library()
        glyphs = [library[char] for char in self.characters]
        return hand.joined(
            [hand.strokes_of([stroke.goal() for stroke in glyph.strokes], glyph.decomposition) for glyph in glyphs]
        )

    @cached_property
    def _own(self) -> hand.Strokes:
        from hierbrush.sim import distance_to_outline

        widths = distance_to_outline(self.lines, self.outlines)
        return hand.centred(hand.Strokes(self.lines, self.outlines, widths, self._base.features))

    @cached_property
    def common(self) -> hand.Common:
        """What all its strokes have in common against the base hand."""
        return hand.common_of(self._base, self._own, list(self._places.values()))

    @cached_property
    def _weights(self) -> Floats:
        base = hand.moved(self._base, self.common)
        character = np.repeat(np.arange(len(self.characters)), [p.stop - p.start for p in self._places.values()])
        own = hand.with_ends_of(self._own, self._base, self.common.width)
        return hand.learned(base.features, hand.residuals(base, own), character)


def _rounded(points: Floats) -> NDArray[np.int16]:
    rounded: NDArray[np.int16] = np.clip(np.round(points * _FINE), -32768, 32767).astype(np.int16)
    return rounded


def _read(path: str | PathLike[str], content: bytes) -> Style:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    def unreadable(reason: str) -> HierbrushError:
        return HierbrushError(
            f"style: cannot read {shown(path)}: {reason}; expected a file that hierbrush style learn made"
        )

    try:
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        card = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["style"])
        version = card["format"]
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise unreadable(f"it is no style ({type(error).__name__})") from None
    if version != VERSION:
        raise unreadable(f"it is of version {shown(version)}, this hierbrush reads version {VERSION}")
    for name, (dtype, shape) in _TENSORS.items():
        held = tensors.get(name)
        if (
            held is None
            or held.dtype != dtype
            or held.ndim != len(shape)
            or any(want not in (None, have) for want, have in zip(shape, held.shape, strict=True))
        ):
            raise unreadable(f"its tensor {name!r} is missing or of another shape")
    texts = [card.get(key) for key in ("name", "characters", "rejected", "origin")]
    if not all(isinstance(text, str) for text in texts):
        raise unreadable("its card lacks a name or its characters")
    characters, library = tuple(texts[1]), load_library()
    strange = [char for char in characters if char not in library]
    if strange or len(set(characters)) < len(characters):
        raise unreadable("it holds a character that the library does not have, or one twice")
    counts = [len(library.stroke_types(char)) for char in characters]
    if (
        counts != tensors["strokes"].tolist()
        or not all(len(tensors[name]) == sum(counts) for name in ("lines", "outlines"))
        or len(tensors["confidence"]) != len(counts)
        or not counts
    ):
        raise unreadable("its strokes are not as many as its characters have")
    lines, outlines = (tensors[name].astype(np.float64) / _FINE for name in ("lines", "outlines"))
    confidence = tensors["confidence"].astype(np.float64)
    return Style(texts[0], characters, lines, outlines, confidence, tuple(texts[2]), texts[3])
