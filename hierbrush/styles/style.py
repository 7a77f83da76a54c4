"""A style: one hand's parsed examples and what they have in common, in one file of tensors and JSON."""

from __future__ import annotations

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
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.styles import hand, style_file
from hierbrush.styles.controls import Common, common_of
from hierbrush.styles.drawn import Drawn, base_of, learned, own_of, places_of
from hierbrush.styles.foretelling import Foretelling
from hierbrush.styles.named import SUFFIX as SUFFIX
from hierbrush.styles.named import style_place
from hierbrush.styles.registration import Registration, register
from hierbrush.styles.stance import Stance

Floats = NDArray[np.float64]

FEWEST = 5
"""Examples without which a style is a guess."""


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
        stance: how its characters stand in their boxes.
        foretelling: how it draws strokes.
        origin: where the examples come from, as a line.
    """

    name: str
    characters: tuple[str, ...]
    lines: Floats
    outlines: Floats
    confidence: Floats
    stance: Stance
    foretelling: Foretelling
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
        drawn = Drawn(
            tuple(char for char, _ in found),
            np.array([goal.skeleton for goal in goals], np.float64),
            np.array([goal.outline for goal in goals], np.float64),
            np.array([answer.confidence.min() for _, answer in found]),
        )
        return cls(name, *drawn, *learned(drawn), tuple(refused), origin)

    def of(self, characters: Iterable[str]) -> Style:
        """Return what would have been learned of some of the examples alone.

        Args:
            characters: those that were given; which of them the style has is looked up.

        Raises:
            HierbrushError: the style has fewer than 5 of them.
        """
        given = frozenset(characters)
        chars = tuple(char for char in self.characters if char in given)
        if len(chars) < FEWEST:
            raise HierbrushError(f"characters: the style has {len(chars)} of them, expected {FEWEST} or more")
        strokes = np.concatenate([np.arange(self._places[char].start, self._places[char].stop) for char in chars])
        sure = self.confidence[[self.characters.index(char) for char in chars]]
        drawn = Drawn(chars, self.lines[strokes], self.outlines[strokes], sure)
        rejected = tuple(char for char in self.rejected if char in given)
        return Style(self.name, *drawn, *learned(drawn), rejected, self.origin)

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
        base = hand.strokes_of(goals, tree)
        box, bold = self.stance(base)
        placed = hand.placed(base, box, bold)
        found = hand.applied(placed, self.foretelling(base.features, hand.shapes_of(placed)))
        # Its ink's middle is told more surely than any stroke's place.
        found = hand.shifted(found, box[:2] - hand.box_of(found.outlines)[:2])
        found = hand.held_within(found)
        return hand.goals_of([goal.stroke_type for goal in goals], found.lines, found.outlines)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the style to a file; there is either the old file or the whole new one.

        Raises:
            HierbrushError: it cannot be written.
        """
        place = check_path("path", path)
        write_atomically(place, style_file.packed(self))
        return place

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Style:
        """Read a style's file, or the style of a name that comes with hierbrush.

        Raises:
            HierbrushError: it is none, is damaged, or of another version.
        """
        return cls(*style_file.unpacked(path, read_whole(style_place(path), argument="style")))

    @cached_property
    def _places(self) -> dict[str, slice]:
        """Where each character's strokes are."""
        return places_of(self.characters)

    @cached_property
    def common(self) -> Common:
        """What all its characters have in common against the base hand."""
        base = base_of(self.characters)
        own = own_of(self.lines, self.outlines, base)
        return common_of(hand.joined(base), own, list(self._places.values()))
