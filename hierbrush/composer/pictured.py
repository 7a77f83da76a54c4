"""Copying pictures: what is written so far where the picture of the whole character is its goal.

What the composer believes of each stroke is given to it as that stroke's goal: at first what is expected, moved to
where the ink lies, and after every look what it answered. Beside it stands what the picture shows there
(`hierbrush.composer.sight`). So a stroke that was not where it was expected is looked for again, nearer to where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import load_library
from hierbrush.characters.repertoire import repertoire
from hierbrush.composer.brief import Brief, make_brief
from hierbrush.composer.drawings import drawing_of
from hierbrush.composer.observation import (
    GOAL,
    GOAL_GIVEN,
    OBSERVATION_SIZE,
    PLACED,
    BriefBank,
    Drafts,
    cut_place,
)
from hierbrush.composer.place import PLACE_SIZE, decode_place, encode_place, shaped_goals
from hierbrush.composer.policy import ComposerPolicy
from hierbrush.composer.sight import (
    COVERED_SIDE,
    SIGHT_SIZE,
    Depths,
    covered_map,
    depth_map,
    on_ink,
    seen_widths,
    sight,
)
from hierbrush.errors import HierbrushError
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.types import NUMBER

F32 = NDArray[np.float32]
Index = NDArray[np.int64]
Page = NDArray[np.bool_]

PICTURED_SIZE = OBSERVATION_SIZE + SIGHT_SIZE
"""Numbers observed of a stroke where a picture is the goal."""

LOOKS = 3
"""How often a composer looks before it decides anything."""


@dataclass(frozen=True, eq=False)
class PictureBank(BriefBank):
    """Briefs with the pictures that are to be copied.

    Attributes:
        kinds: int64 [G, R], number of every row's stroke type.
        expected: f32 [G, R, PLACE_SIZE], where the strokes are looked for first.
        depths: int8 [G, 128, 128], of the pictures.
    """

    kinds: Index
    expected: F32
    depths: Depths

    @classmethod
    def pictured(cls, briefs: Sequence[Brief], expected: Sequence[F32], pages: Sequence[Page]) -> PictureBank:
        """Return the bank of briefs and pictures.

        Args:
            briefs: of the characters.
            expected: f32 [S, PLACE_SIZE] of each, where its strokes are looked for, but for the ink's box.
            pages: bool [256, 256] of each.

        Raises:
            HierbrushError: a page is blank.
        """
        plain = BriefBank.of(briefs)
        kinds, first = np.zeros(plain.prior.shape[:2], np.int64), plain.prior.copy()
        for at, (brief, places, page) in enumerate(zip(briefs, expected, pages, strict=True)):
            if not page.any():
                raise HierbrushError("picture: is blank, so no strokes can be found in it")
            kinds[at, : len(brief)] = [NUMBER[kind] for kind in brief.stroke_types]
            first[at, : len(brief)] = on_ink(places, page)
        depths = np.stack([depth_map(page) for page in pages])
        return cls(plain.tokens, plain.prior, plain.counts, kinds, first, depths)


class PicturedDrafts(Drafts):
    """`Drafts` that is shown pictures: observations are f32 [n, R, PICTURED_SIZE].

    Args:
        bank: briefs and pictures.
        size: N.
    """

    def __init__(self, bank: PictureBank, size: int) -> None:
        super().__init__(bank, size)
        self._pictures = bank
        self._covered = np.zeros((size, COVERED_SIDE, COVERED_SIDE), np.uint8)

    def start(self, rows: Index, briefs: Index) -> None:
        """Begin characters anew, their strokes believed where they are expected.

        Args:
            rows: int64 [n], which of the N.
            briefs: int64 [n], numbers in the bank.
        """
        self.begin(rows, briefs, self._pictures.expected[briefs])
        self._covered[rows] = 0

    def believe(self, rows: Index, places: F32) -> None:
        """Take what a composer answered, f32 [n, R, PLACE_SIZE] about the priors, for where strokes lie from now on."""
        given = self._observation[rows, :, GOAL_GIVEN, None]
        self._observation[rows, :, GOAL : GOAL + PLACE_SIZE] = cut_place(places) * given

    def show(self, row: int, page: Page) -> None:
        """Show what is written of one character by now, bool [256, 256]."""
        self._covered[row] = covered_map(page)

    def observe(self, rows: Index | slice = slice(None)) -> F32:
        """Return the observations f32 [n, R, PICTURED_SIZE] of some characters."""
        at = np.arange(len(self.brief))[rows]
        plain, briefs, bank = self._observation[at], self.brief[at], self._pictures
        exists = np.arange(bank.rows) < bank.counts[briefs][:, None]
        believed = np.where(
            self.written[at][..., None],
            plain[..., PLACED : PLACED + PLACE_SIZE],
            plain[..., GOAL : GOAL + PLACE_SIZE],
        )
        which = np.broadcast_to(np.arange(len(at))[:, None], exists.shape)[exists]
        where = decode_place(bank.prior[briefs], believed)[exists]
        observation = np.zeros((*exists.shape, PICTURED_SIZE), np.float32)
        observation[..., :OBSERVATION_SIZE] = plain
        observation[exists, OBSERVATION_SIZE:] = sight(
            bank.depths[briefs], self._covered[at], which, bank.kinds[briefs][exists], where
        )
        return observation

    def widths(self, rows: Index, index: Index, places: F32) -> NDArray[np.float64]:
        """Return the half-widths float64 [n] that strokes have in their pictures.

        Args:
            rows: int64 [n], which of the N.
            index: int64 [n], the stroke of each.
            places: f32 [n, PLACE_SIZE], where they lie, decoded.
        """
        briefs, bank = self.brief[rows], self._pictures
        return seen_widths(bank.depths[briefs], np.arange(len(rows)), bank.kinds[briefs, index], places)


def brief_and_glyph(char: str) -> tuple[Brief, list[int], F32]:
    """Return a character's brief, the number in the glyph of each of its rows, and where the glyph has those.

    The places are f32 [S, PLACE_SIZE], in the brief's rows.
    """
    library = load_library()
    tree, types = library.decomposition(char), library.stroke_types(char)
    brief, order = make_brief(tree, types, repertoire=repertoire(char), exclude=char)
    return brief, order, drawing_of(char, library).places[order]


def copy_pictures(
    briefs: Sequence[Brief],
    expected: Sequence[F32],
    pages: Sequence[Page],
    policy: ComposerPolicy,
    looks: int = LOOKS,
) -> list[F32]:
    """Return where strokes lie in pictures, f32 [S, PLACE_SIZE] of each, as a composer sees it before it writes.

    Args:
        briefs: of the characters.
        expected: f32 [S, PLACE_SIZE] of each, where its strokes are looked for, but for the ink's box.
        pages: bool [256, 256] of each.
        policy: a composer that sees pictures.
        looks: how often it looks.

    Raises:
        HierbrushError: the composer sees no pictures, or a page is blank.
    """
    check_sees(policy, "policy")
    bank = PictureBank.pictured(briefs, expected, pages)
    every = np.arange(len(briefs))
    drafts = PicturedDrafts(bank, len(briefs))
    drafts.start(every, every)
    places = encode_place(bank.prior, bank.expected)
    for _ in range(looks):
        _, places = policy.heads(drafts.observe())
        drafts.believe(every, places)
    found = decode_place(bank.prior, cut_place(places))
    return [each[: len(brief)] for each, brief in zip(found, briefs, strict=True)]


def copy_stepwise(
    brief: Brief,
    expected: F32,
    page: Page,
    policy: ComposerPolicy,
    order: Iterable[int],
    write: Callable[[StrokeGoal], Page],
) -> list[StrokeGoal]:
    """Return the strokes of a picture, each decided after the ink of those before it was seen, in the brief's rows.

    Args:
        brief: of the character.
        expected: f32 [S, PLACE_SIZE], where its strokes are looked for, but for the ink's box.
        page: bool [256, 256].
        policy: a composer that sees pictures.
        order: rows in the order of writing.
        write: returns the ink of a stroke, bool [256, 256].

    Raises:
        HierbrushError: the composer sees no pictures, or the page is blank.
    """
    check_sees(policy, "policy")
    one, ink = np.zeros(1, np.int64), np.zeros_like(page)
    drafts = PicturedDrafts(PictureBank.pictured([brief], [expected], [page]), 1)
    drafts.start(one, one)
    for _ in range(LOOKS - 1):
        drafts.believe(one, policy.heads(drafts.observe())[1])
    found: dict[int, StrokeGoal] = {}
    for row in order:
        places = policy.heads(drafts.observe())[1]
        drafts.believe(one, places)
        decided = drafts.write(one, np.array([row]), places[:, row])
        width = drafts.widths(one, np.array([row]), decided)
        (found[row],) = shaped_goals([brief.stroke_types[row]], decided, width)
        ink |= write(found[row])
        drafts.show(0, ink)
    return [found[row] for row in range(len(brief))]


def copied_goals(brief: Brief, places: F32, page: Page, weight: float = 1.0) -> list[StrokeGoal]:
    """Return the strokes that a composer found in a picture, as wide as they are there, in the brief's rows.

    Args:
        brief: of the character.
        places: f32 [S, PLACE_SIZE], where they lie.
        page: bool [256, 256].
        weight: how many times as wide.
    """
    kinds = np.array([NUMBER[kind] for kind in brief.stroke_types], np.int64)
    widths = seen_widths(depth_map(page)[None], np.zeros(len(brief), np.int64), kinds, places)
    return shaped_goals(brief.stroke_types, places, weight * widths)


def check_sees(policy: ComposerPolicy, argument: str) -> None:
    """Raise HierbrushError unless a composer sees pictures."""
    if not policy.sees:
        raise HierbrushError(
            f"{argument}: this composer sees no pictures; expected one trained with 'goals' (docs/goals.md)"
        )
