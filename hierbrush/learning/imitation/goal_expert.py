"""Expert decisions where a picture is the goal: registered drawings of fonts, and random writing relabelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Split, load_library, split
from hierbrush.composer.brief import MAX_STROKES, Brief
from hierbrush.composer.hindsight import acted, written
from hierbrush.composer.observation import (
    EXISTS,
    GOAL,
    GOAL_GIVEN,
    LAST,
    OBSERVATION_SIZE,
    PLACED,
    WRITTEN,
    BriefBank,
    cut_place,
)
from hierbrush.composer.pictured import PICTURED_SIZE, brief_and_glyph
from hierbrush.composer.place import PLACE_SIZE, decode_place, encode_place, shaped_goals
from hierbrush.composer.sight import COVERED_SIDE, depth_map, on_ink, sight
from hierbrush.learning.imitation.expert import Decided, ExpertDecisions
from hierbrush.sim import rasterise
from hierbrush.strokes.types import NUMBER

if TYPE_CHECKING:
    from hierbrush.learning.recipes.imitation import DisturbanceSection, GoalsSection
    from hierbrush.styles.registered import Drawing

F32 = NDArray[np.float32]
Index = NDArray[np.int64]
Page = NDArray[np.bool_]

_FIRST_LOOK, _OWN_LOOK = 0.35, 0.75
"""Shares of the decisions that see the expected strokes where they are first looked for; up to the second share, where
the composer itself then believes them; beyond, near where they are."""

_PRIOR = 0.15
"""Share of the drawings whose strokes are expected where the component library has them, as where there is no glyph."""

_EACH = 3
"""Random writings of each character that is drawn."""

_COARSE = 1.2
"""Standard deviation of what is seen near the truth, at most, in place units."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """A picture of a character, and where its strokes lie in it; all in the rows of the brief.

    Attributes:
        brief: what the composer is told.
        order: int64 [S], rows in the order of writing.
        expected: f32 [S, PLACE_SIZE], where the strokes are looked for first.
        truth: f32 [S, PLACE_SIZE], where they are.
        page: bool [256, 256].
    """

    brief: Brief
    order: Index
    expected: F32
    truth: F32
    page: Page


def registered_lessons(drawings: Iterable[Drawing], rng: np.random.Generator) -> Iterator[Lesson]:
    """Yield the lessons of registered drawings."""
    for drawing in drawings:
        brief, order, glyph = brief_and_glyph(drawing.char)
        page = drawing.page
        expected = brief.prior if rng.random() < _PRIOR else glyph
        yield Lesson(brief, np.argsort(order), on_ink(expected, page), drawing.places[order], page)


def relabelled_lessons(part: Split, count: int, rng: np.random.Generator) -> Iterator[Lesson]:
    """Yield ``count`` lessons of random writing of a split's characters, the ink of which is the picture."""
    known = [char for char in load_library() if split(char) == part]
    for number in range(count):
        if number % _EACH == 0:  # to find out about a character takes longer than to write it
            brief, order, glyph = brief_and_glyph(known[int(rng.integers(len(known)))])
        truth = acted(glyph, brief.tree, rng)
        page = written(brief.stroke_types, truth, rng)
        expected = brief.prior if rng.random() < _PRIOR else glyph
        yield Lesson(brief, np.argsort(order), on_ink(expected, page), truth, page)


class GoalExpert(Decided):
    """The copying of many pictures, any decision of which can be asked for, as `Expert` is of writing.

    Args:
        lessons: the pictures.
    """

    def __init__(self, lessons: Sequence[Lesson]) -> None:
        briefs = [lesson.brief for lesson in lessons]
        self.bank = BriefBank.of(briefs)
        count, rows = self.bank.prior.shape[:2]
        self._turn = np.full((count, rows), rows, np.int64)
        self._kinds = np.zeros((count, rows), np.int64)
        self._expected, truth = self.bank.prior.copy(), self.bank.prior.copy()
        self._depths = np.stack([depth_map(lesson.page) for lesson in lessons])
        self._drawn = np.zeros((count, rows, COVERED_SIDE**2 // 8), np.uint8)
        for at, lesson in enumerate(lessons):
            strokes = len(lesson.brief)
            self._turn[at, lesson.order] = np.arange(strokes)
            self._kinds[at, :strokes] = [NUMBER[kind] for kind in lesson.brief.stroke_types]
            self._expected[at, :strokes], truth[at, :strokes] = lesson.expected, lesson.truth
            goals = shaped_goals(lesson.brief.stroke_types, lesson.truth)
            for row, goal in enumerate(goals):
                inked = rasterise([goal.outline], COVERED_SIDE, supersample=1) >= 0.5
                self._drawn[at, row] = np.packbits(inked)
        self._places = cut_place(encode_place(self.bank.prior, truth))
        self._first = cut_place(encode_place(self.bank.prior, self._expected))

    def decisions(
        self,
        characters: Index,
        steps: Index,
        disturbance: DisturbanceSection | None,
        rng: np.random.Generator,
        own: F32 | None = None,
    ) -> ExpertDecisions:
        """Return the decisions at some steps of some characters; see `Expert.decisions`.

        Args:
            characters: int64 [n], numbers in the bank.
            steps: int64 [n], strokes already written.
            disturbance: what is changed about what the composer sees; None shows the expert's own writing, and the
                strokes where they are first looked for.
            rng: of the disturbance.
            own: f32 [n, R, PLACE_SIZE], where the composer believes all strokes after its first look.
        """
        bank, count = self.bank, len(characters)
        rows = int(bank.counts[characters].max())
        turn = self._turn[characters, :rows]
        if disturbance is not None:
            steps = np.where(rng.random(count) < disturbance.afresh, 0, steps)
        written_already = turn < steps[:, None]
        exists = np.arange(rows) < bank.counts[characters][:, None]
        places, believed = self._places[characters, :rows], self._first[characters, :rows]
        seen = places
        if disturbance is not None:
            amount = rng.random((count, 1, 1), np.float32) * 2
            shift = disturbance.shift * rng.standard_normal((count, 1, PLACE_SIZE), np.float32)
            scatter = disturbance.scatter * rng.standard_normal((count, rows, PLACE_SIZE), np.float32)
            seen = places + amount * (shift + scatter)
            chance = rng.random((count, 1, 1))
            near = places + rng.uniform(0, _COARSE, (count, 1, 1)).astype(np.float32) * (shift + 2 * scatter)
            looked = believed if own is None else own + 0.3 * amount * scatter
            believed = np.where(chance < _FIRST_LOOK, believed, np.where(chance < _OWN_LOOK, looked, near))
        seen, believed = cut_place(seen.astype(np.float32)), cut_place(believed.astype(np.float32))
        observation = np.zeros((count, rows, PICTURED_SIZE), np.float32)
        observation[..., : bank.tokens.shape[2]] = bank.tokens[characters, :rows]
        observation[..., EXISTS] = exists
        observation[..., WRITTEN] = written_already
        observation[..., LAST] = turn == steps[:, None] - 1
        observation[..., PLACED : PLACED + PLACE_SIZE] = seen * written_already[..., None]
        observation[..., GOAL_GIVEN] = exists
        observation[..., GOAL : GOAL + PLACE_SIZE] = believed * exists[..., None]
        at = np.where(written_already[..., None], seen, believed)
        observation[exists, OBSERVATION_SIZE:] = self._seen(characters, rows, at, written_already, exists)
        return ExpertDecisions(observation, (turn == steps[:, None]).argmax(axis=1), places, exists & ~written_already)

    def _seen(self, characters: Index, rows: int, at: F32, done: Page, exists: Page) -> F32:
        which = np.broadcast_to(np.arange(len(characters))[:, None], exists.shape)[exists]
        strokes = self._drawn[characters, :rows] * done[..., None]
        covered = 255 * np.unpackbits(np.bitwise_or.reduce(strokes, axis=1), axis=1)
        covered = covered.reshape(-1, COVERED_SIDE, COVERED_SIDE)
        where = decode_place(self.bank.prior[characters, :rows], at)[exists]
        kinds = self._kinds[characters, :rows][exists]
        return sight(self._depths[characters], covered, which, kinds, where)


@lru_cache(maxsize=1)
def goal_expert(goals: GoalsSection, limit: int | None, seed: int) -> GoalExpert:
    """Return the expert of registered and relabelled drawings; the latest one is kept.

    Args:
        goals: where the drawings come from.
        limit: at most so many of each kind.
        seed: of what is drawn.

    Raises:
        HierbrushError: the file of drawings cannot be read.
    """
    from hierbrush.styles.registered import Registered

    rng = np.random.default_rng(seed)
    lessons: list[Lesson] = []
    if goals.drawings is not None:
        known = Registered.load(Path(goals.drawings), argument="goals.drawings").drawings
        fitting = [each for each in known if len(each.places) <= MAX_STROKES]
        lessons += registered_lessons(fitting[:limit], rng)
    count = goals.relabelled if limit is None else min(limit, goals.relabelled)
    lessons += relabelled_lessons("train", count, rng)
    return GoalExpert(lessons)


def validation_lessons(count: int, seed: int) -> list[Lesson]:
    """Return relabelled writing of validation characters."""
    return list(relabelled_lessons("validation", count, np.random.default_rng(seed)))
