"""Expert decisions: how training characters are written, as observations and answers for imitation."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import Split, load_library, split
from hierbrush.characters.descriptions import load_descriptions
from hierbrush.characters.orders import order_classes
from hierbrush.characters.repertoire import repertoire
from hierbrush.composer.brief import MAX_STROKES, Brief, Truth, brief_of, make_brief, truth_of
from hierbrush.composer.descriptions import Describer
from hierbrush.composer.drawings import drawing_of, further_drawings
from hierbrush.composer.observation import (
    EXISTS,
    GOAL,
    GOAL_GIVEN,
    LARGEST_RESIDUAL,
    LAST,
    OBSERVATION_SIZE,
    PLACED,
    WRITTEN,
    BriefBank,
)
from hierbrush.composer.place import PLACE_SIZE, encode_place
from hierbrush.learning.imitation.practice import Teachers, invent, practised, softened
from hierbrush.sources.composed import told_of

if TYPE_CHECKING:
    from hierbrush.learning.recipes.imitation import DisturbanceSection, PracticeSection

F32 = NDArray[np.float32]
Index = NDArray[np.int64]

_FOLDS = 8


@dataclass(frozen=True, eq=False)
class ExpertDecisions:
    """What the expert decides, and what is seen before it does, for a batch.

    Attributes:
        observation: f32 [n, R, OBSERVATION_SIZE]; R is the largest number of strokes in the batch.
        index: int64 [n], the stroke that the expert writes next.
        places: f32 [n, R, PLACE_SIZE], where the expert puts every stroke.
        remaining: bool [n, R], strokes not yet written.
    """

    observation: F32
    index: Index
    places: F32
    remaining: NDArray[np.bool_]


class Decided:
    """What experts have in common: which strokes of many characters come next, and where they go.

    Attributes:
        bank: what the composer is told of the characters, N of them.
    """

    bank: BriefBank
    _turn: Index
    """[N, R], the step at which every stroke is written."""

    _places: F32
    """[N, R, PLACE_SIZE], about the priors."""

    def all_decisions(self) -> tuple[Index, Index]:
        """Return character and step of every decision, int64 [decisions] each."""
        counts = self.bank.counts
        characters = np.repeat(np.arange(len(counts)), counts)
        return characters, np.concatenate([np.arange(count) for count in counts])

    def actions(self, characters: Index, steps: Index) -> F32:
        """Return the expert's actions at some steps of some characters: f32 [n, 1 + PLACE_SIZE]."""
        index = (self._turn[characters] == steps[:, None]).argmax(axis=1)
        return np.column_stack([index.astype(np.float32), self._places[characters, index]])


class Expert(Decided):
    """The writing of many characters, any decision of which can be asked for.

    Args:
        briefs: what the composer is told.
        truths: how they are written.
    """

    def __init__(self, briefs: Sequence[Brief], truths: Sequence[Truth]) -> None:
        self.bank = BriefBank.of(briefs)
        self._turn = np.full((len(briefs), MAX_STROKES), MAX_STROKES, np.int64)
        places = self.bank.prior.copy()
        for at, truth in enumerate(truths):
            self._turn[at, truth.order] = np.arange(len(truth.order))
            places[at, : len(truth.places)] = truth.places
        self._places = np.clip(encode_place(self.bank.prior, places), -LARGEST_RESIDUAL, LARGEST_RESIDUAL)

    def decisions(
        self,
        characters: Index,
        steps: Index,
        disturbance: DisturbanceSection | None,
        rng: np.random.Generator,
        own: F32 | None = None,
    ) -> ExpertDecisions:
        """Return the decisions at some steps of some characters.

        Args:
            characters: int64 [n], numbers in the bank.
            steps: int64 [n], strokes already written.
            disturbance: what is changed about what the composer sees; None shows the expert's own writing.
            rng: of the disturbance.
            own: f32 [n, R, PLACE_SIZE], where the composer itself would put all strokes: disturbed decisions without
                goals then show what is written there, as the composer will see it when it composes, and not where the
                expert has it (data aggregation; Ross et al., 2011, arXiv 1011.0686).
        """
        bank = self.bank
        rows = int(bank.counts[characters].max())
        count = len(characters)
        turn = self._turn[characters, :rows]
        afresh = np.zeros(count, bool) if disturbance is None else rng.random(count) < disturbance.afresh
        steps = np.where(afresh, 0, steps)
        places = self._places[characters, :rows]
        exists = np.arange(rows) < bank.counts[characters][:, None]
        written = turn < steps[:, None]
        observation = np.zeros((count, rows, OBSERVATION_SIZE), np.float32)
        observation[..., : bank.tokens.shape[2]] = bank.tokens[characters, :rows]
        observation[..., EXISTS] = exists
        observation[..., WRITTEN] = written
        observation[..., LAST] = turn == steps[:, None] - 1
        seen = places
        if disturbance is not None:
            # Some characters are seen as they are and some much disturbed.
            amount = rng.random((count, 1, 1), np.float32) * 2
            shift = disturbance.shift * rng.standard_normal((count, 1, PLACE_SIZE), np.float32)
            scatter = disturbance.scatter * rng.standard_normal((count, rows, PLACE_SIZE), np.float32)
            chance = np.where(afresh[:, None], 1.0, rng.random((count, 1)))
            part = chance < disturbance.goals + disturbance.some_goals
            given = (
                exists & part & ((chance < disturbance.goals) | (rng.random((count, rows)) < rng.random((count, 1))))
            )
            base = places if own is None else np.where(part[..., None], places, own)
            seen = base + amount * (shift + scatter)
            observation[..., GOAL_GIVEN] = given
            observation[..., GOAL : GOAL + PLACE_SIZE] = places * given[..., None]
        observation[..., PLACED : PLACED + PLACE_SIZE] = seen * written[..., None]
        return ExpertDecisions(observation, (turn == steps[:, None]).argmax(axis=1), places, exists & ~written)


def briefs_and_truths(part: Split, limit: int | None = None, *, lists: bool = False) -> tuple[list[Brief], list[Truth]]:
    """Return what is told of the characters of a part of the data, and how they are written.

    Args:
        part: ``"train"``, ``"validation"`` or ``"test"``.
        limit: at most so many characters, the first by code point.
        lists: append characters with unknown components once more, their strokes as a list instead of a set.
    """
    characters = [char for char in load_library() if split(char) == part][:limit]
    briefs, truths = [brief_of(char) for char in characters], [truth_of(char) for char in characters]
    unknown = [char for char, brief in zip(characters, briefs, strict=True) if brief.unknown] if lists else []
    briefs += [brief_of(char, listed=True) for char in unknown]
    truths += [truth_of(char, listed=True) for char in unknown]
    return briefs, truths


def further_briefs_and_truths(limit: int | None = None) -> tuple[list[Brief], list[Truth]]:
    """Return the same of the further drawings of training characters, without those of unknown components.

    Args:
        limit: at most so many drawings.
    """
    briefs, truths = [], []
    for drawing in further_drawings()[:limit]:
        brief, order = make_brief(
            drawing.tree, drawing.stroke_types, repertoire=drawing.repertoire, exclude=drawing.char
        )
        if not brief.unknown:
            briefs.append(brief)
            truths.append(Truth(np.argsort(order), drawing.places[order]))
    return briefs, truths


def told_briefs_and_truths(limit: int | None = None) -> tuple[list[Brief], list[Truth]]:
    """Return training characters as a table tells them to a user, and how they are written (cross-fitting).

    An eighth of them at a time is described from what the other seven show, so that parts have to be guessed as often
    as of characters that nobody has drawn. Left out are those that are told no otherwise than by their glyphs, and
    those that are told other strokes, or in another order.

    Args:
        limit: at most so many training characters, the first by code point.
    """
    library, table = load_library(), load_descriptions()
    characters = [char for char in library if split(char) == "train"][:limit]
    briefs, truths = [], []
    for fold in range(_FOLDS):
        left_out = frozenset(characters[fold::_FOLDS])
        describer = Describer(table, library, left_out)
        for char in sorted(left_out):
            brief, types = told_of(char, describer), library.stroke_types(char)
            if brief is None or (str(brief.tree), brief.stroke_types) == _as_drawn(char):
                continue
            told = [brief.stroke_types[row] for row in brief.library_order]
            if order_classes(told) != order_classes(types):
                continue
            # Once more without the character itself, of which the library must not know.
            again, numbers = make_brief(
                brief.tree, brief.stroke_types, repertoire=repertoire(char), listed=True, exclude=char
            )
            stroke = np.empty(len(told), np.int64)
            stroke[brief.library_order] = np.arange(len(told))
            of_row = stroke[numbers]
            briefs.append(again)
            truths.append(Truth(np.argsort(of_row), drawing_of(char, library).places[of_row]))
    return briefs, truths


def _as_drawn(char: str) -> tuple[str, tuple[str, ...]]:
    brief = brief_of(char)
    return str(brief.tree), brief.stroke_types


@lru_cache(maxsize=1)
def training_expert(limit: int | None, further: bool, told: bool, practice: PracticeSection, seed: int) -> Expert:
    """Return the expert of the training characters, of further drawings, of invented ones, and as a table tells them.

    Takes minutes, and 700 MB with 15,000 characters; so the latest one is kept, for driver and learner alike.

    Args:
        limit: at most so many training characters and further drawings; the invented ones are made of all.
        further: whether further drawings count.
        told: whether training characters are there a second time, as a user's table tells them.
        practice: how many characters are invented, and who writes them.
        seed: of the invention.

    Raises:
        HierbrushError: teachers cannot be read, or there are not so many characters to be invented.
    """
    briefs, truths = briefs_and_truths("train", limit, lists=True)
    if further:
        more = further_briefs_and_truths(limit)
        briefs, truths = briefs + more[0], truths + more[1]
    if practice.teachers:
        teachers = Teachers.load(practice.teachers)
        if practice.soft_targets:
            _say(f"placing the strokes of {len(briefs)} drawings by {len(practice.teachers)} teachers")
            truths = softened(briefs, truths, teachers, practice.soft_targets)
        if practice.characters:
            _say(f"inventing {practice.characters} characters")
            invented = invent(practice.characters, seed)
            _say("placing their strokes")
            briefs, truths = briefs + invented, truths + practised(invented, teachers)
    if told:
        # As they were drawn: what teachers have to unlearn they cannot soften.
        more = told_briefs_and_truths(limit)
        briefs, truths = briefs + more[0], truths + more[1]
    return Expert(briefs, truths)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
