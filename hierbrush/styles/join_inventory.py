"""Which strokes a running hand joins, and how: pairs of stroke types with how often, and examples of ligatures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_path
from hierbrush.characters import load_library
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import read_whole, write_atomically
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.styles.examples import Wanted, examples_of
from hierbrush.styles.join_likelihood import FORM, Likelihood, form_of
from hierbrush.styles.joins import POINTS, Join, gaps, joins_in, may_join
from hierbrush.styles.registration import Picture, Registration, register

Floats = NDArray[np.float64]

SUFFIX = ".joins"
VERSION = 2
FEWEST = 20
"""Pairs of strokes seen without which an inventory is a guess."""

_OTHER_TYPE = 0.12
"""What another type of the first or the second stroke counts in the distance of two pairs, in sides of the box."""

_THIN = 0.45
"""Width of a ligature over that of the thinner of its strokes, at most."""

_SURE = 0.6
"""Confidence of both strokes of a pair from which it is learned from, whatever becomes of the others."""


class Seen(NamedTuple):
    """A pair of consecutive strokes that the regular character keeps apart, and whether the hand joined them.

    Attributes:
        types: the two strokes' types.
        step: f64 [2], from the one's end to the other's start as the regular character has it.
        form: f64 [11], what else tells whether they are joined, see `form_of`.
        join: f64 [8, 2], the ligature from (0, 0) to (1, 0), and its half-width; None if the brush was lifted.
    """

    types: tuple[str, str]
    step: Floats
    form: Floats
    join: Join | None


@dataclass(frozen=True, eq=False)
class JoinInventory:
    """The joins of one hand.

    Attributes:
        seen: the pairs of strokes that were seen.
        characters: of how many characters.
        origin: where they come from, as a line.
    """

    seen: tuple[Seen, ...]
    characters: int
    origin: str = ""

    def __repr__(self) -> str:
        return f"<JoinInventory of {self.characters} characters: {self.joined} of {len(self.seen)} pairs joined>"

    @property
    def joined(self) -> int:
        """How many of the pairs are joined."""
        return sum(one.join is not None for one in self.seen)

    def types(self) -> list[tuple[tuple[str, str], int, int]]:
        """Return each joined pair of types with how often it was joined and seen, the commonest first."""
        seen = Counter(one.types for one in self.seen)
        joined = Counter(one.types for one in self.seen if one.join is not None)
        return [(types, count, seen[types]) for types, count in joined.most_common()]

    @classmethod
    def learn(
        cls,
        source: str | PathLike[str],
        characters: Wanted = None,
        *,
        progress: Callable[[int], object] | None = None,
    ) -> JoinInventory:
        """Learn from examples.

        Args:
            source: as for `Style.learn`: a font, a folder of pictures, or photographs of practice sheets.
            characters: as for `Style.learn`.
            progress: is told how many examples were just looked at.

        Raises:
            HierbrushError: there is no such source, or too few pairs of strokes were found in it.
        """
        place, library = check_path("source", source), load_library()
        seen: list[Seen] = []
        used = 0
        for char, ink in examples_of(place, characters):
            goals = [stroke.goal() for stroke in library[char].strokes]
            picture = Picture(ink)
            found = register(picture, library[char])
            pairs = _pairs(picture, goals, found)
            used += bool(pairs)
            seen += pairs
            if progress is not None:
                progress(1)
        if len(seen) < FEWEST:
            raise HierbrushError(
                f"source: {len(seen)} pairs of strokes found in {shown(place)}, expected {FEWEST}; give more characters"
            )
        return cls(tuple(seen), used, place.name)

    def joins_of(self, goals: Sequence[StrokeGoal], widths: float = 1.0) -> dict[int, Join]:
        """Return the ligatures that this hand would write between strokes, by the number of the stroke before each.

        Args:
            goals: a character's strokes.
            widths: factor on the ligatures' half-widths.
        """
        lines = np.array([goal.skeleton for goal in goals], np.float64)
        numbers = [number for number in np.flatnonzero(may_join(lines)).tolist() if self._joins(goals, number)]
        return self.joins_between(goals, numbers, widths)

    def joins_between(
        self, goals: Sequence[StrokeGoal], numbers: Iterable[int], widths: float = 1.0
    ) -> dict[int, Join]:
        """Return the ligatures that this hand would write after strokes of some numbers; as `joins_of`."""
        found = {}
        for number in numbers:
            first, second = goals[number], goals[number + 1]
            end, start = (np.asarray(each, np.float64) for each in (first.skeleton[-1], second.skeleton[0]))
            example = self._example((first.stroke_type, second.stroke_type), start - end)
            # Thick ligatures close the narrow turns of strokes that are not a running hand's own.
            thin = _THIN * float(min(first.half_width.mean(), second.half_width.mean()))
            found[number] = Join(_between(example.line, end, start), min(example.half_width * widths, thin))
        return found

    def _joins(self, goals: Sequence[StrokeGoal], number: int) -> bool:
        """Whether this hand joins a stroke to the next one."""
        first, second = goals[number], goals[number + 1]
        form = form_of(first, second, len(goals))
        return (
            self.joined > 0
            and self._likelihood.of((first.stroke_type, second.stroke_type), form) >= self._likelihood.least
        )

    @cached_property
    def _likelihood(self) -> Likelihood:
        joined = np.array([one.join is not None for one in self.seen])
        return Likelihood([one.types for one in self.seen], [one.form for one in self.seen], joined)

    def _example(self, types: tuple[str, str], step: Floats) -> Join:
        """Return the ligature of the joined pair that is most like another pair."""
        return min(
            (one for one in self.seen if one.join is not None),
            key=lambda one: (
                float(np.hypot(*(one.step - step)))
                + _OTHER_TYPE * sum(a != b for a, b in zip(one.types, types, strict=True))
            ),
        ).join  # type: ignore[return-value]

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the inventory to a file, ``.joins``, as JSON.

        Raises:
            HierbrushError: the name ends otherwise, or the file cannot be written.
        """
        place = check_path("path", path)
        if place.suffix != SUFFIX:
            raise HierbrushError(f"path: {shown(path)}, expected a name that ends in {SUFFIX}")
        rows = [_row(one) for one in self.seen]
        table = {"version": VERSION, "origin": self.origin, "characters": self.characters, "pairs": rows}
        write_atomically(place, (json.dumps(table, ensure_ascii=False) + "\n").encode())
        return place

    @classmethod
    def load(cls, path: str | PathLike[str]) -> JoinInventory:
        """Read an inventory.

        Raises:
            HierbrushError: the file cannot be read, or is none of this version.
        """
        place = check_path("path", path)
        try:
            table = json.loads(read_whole(place, argument="path"))
            version = table["version"]
            if version != VERSION:
                raise HierbrushError(f"path: {shown(place)} is of version {shown(version)}, expected {VERSION}")
            seen = tuple(_read(row) for row in table["pairs"])
            return cls(seen, int(table["characters"]), str(table["origin"]))
        except HierbrushError:
            raise
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
            raise HierbrushError(
                f"path: {shown(place)} is no inventory of joins, as hierbrush style joins makes"
            ) from None


def sure_pairs(found: Registration, expected: Floats) -> list[int]:
    """Return the numbers of the strokes after which the regular character parts, and which are sure with the next.

    Args:
        found: the strokes in ink.
        expected: f64 [strokes, k, 2], the regular character's middle lines.
    """
    sure = found.confidence >= _SURE
    numbers: list[int] = np.flatnonzero(may_join(expected) & sure[1:] & sure[:-1]).tolist()
    return numbers


def _pairs(picture: Picture, goals: Sequence[StrokeGoal], found: Registration) -> list[Seen]:
    expected = np.array([goal.skeleton for goal in goals], np.float64)
    joins, steps = joins_in(picture, expected, found.ribbons), gaps(expected)
    return [
        Seen(
            (goals[n].stroke_type, goals[n + 1].stroke_type),
            steps[n],
            form_of(goals[n], goals[n + 1], len(goals)),
            _framed(joins.get(n)),
        )
        for n in sure_pairs(found, expected)
    ]


def _framed(join: Join | None) -> Join | None:
    """Return a ligature in the frame in which it leads from (0, 0) to (1, 0); straight if its ends meet."""
    if join is None:
        return None
    end, step = join.line[0], join.line[-1] - join.line[0]
    length = float(np.hypot(*step))
    if length < 0.01:
        return Join(np.stack([np.linspace(0, 1, POINTS), np.zeros(POINTS)], axis=1), join.half_width)
    along = step / length
    across = np.array([-along[1], along[0]])
    moved = join.line - end
    return Join(np.stack([moved @ along, moved @ across], axis=1) / length, join.half_width)


def _between(line: Floats, end: Floats, start: Floats) -> Floats:
    """Return a framed ligature led from an end to a start."""
    step = start - end
    placed: Floats = end + line[:, :1] * step + line[:, 1:] * np.array([-step[1], step[0]])
    return placed


def _row(one: Seen) -> dict[str, Any]:
    row: dict[str, Any] = {"types": list(one.types)}
    row |= {name: np.round(getattr(one, name), 4).tolist() for name in ("step", "form")}
    if one.join is not None:
        row |= {"line": np.round(one.join.line, 4).tolist(), "half_width": round(one.join.half_width, 5)}
    return row


def _read(row: dict[str, Any]) -> Seen:
    first, second = row["types"]
    step, form = (np.array(row[name], np.float64) for name in ("step", "form"))
    join = None
    if "line" in row:
        join = Join(np.array(row["line"], np.float64), float(row["half_width"]))
        if join.line.shape != (POINTS, 2) or not np.isfinite(join.line).all() or not 0 < join.half_width < 0.5:
            raise ValueError("line")
    if step.shape != (2,) or form.shape != (FORM,) or not np.isfinite([*step, *form]).all():
        raise ValueError("step")
    return Seen((str(first), str(second)), step, form, join)
