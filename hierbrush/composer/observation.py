"""What the composer observes before each decision, for many characters at once.

One observation is f32 [R, OBSERVATION_SIZE], one row a stroke: its static token from the brief, then `DYNAMIC_SIZE`
numbers: whether there is a stroke at all, whether it is written, its place as written, whether a goal is
given, the goal's place, whether it was written last. Rows without a stroke are zero. Places are residuals of the prior
(see `place`), as in the composer's action: what was decided before is seen in the same numbers as it was answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hierbrush.composer.brief import MAX_STROKES, TOKEN_SIZE, Brief
from hierbrush.composer.place import PLACE_SIZE, cut, decode_place, encode_place
from hierbrush.errors import HierbrushError

F32 = NDArray[np.float32]
Index = NDArray[np.int64]

EXISTS = TOKEN_SIZE
WRITTEN = EXISTS + 1
PLACED = WRITTEN + 1
GOAL_GIVEN = PLACED + PLACE_SIZE
GOAL = GOAL_GIVEN + 1
LAST = GOAL + PLACE_SIZE
OBSERVATION_SIZE = LAST + 1
DYNAMIC_SIZE = OBSERVATION_SIZE - TOKEN_SIZE

LARGEST_RESIDUAL = 8.0
"""Places are cut to this in observations; further off than that is all the same."""


@dataclass(frozen=True, eq=False)
class BriefBank:
    """Briefs as arrays, for environments to pick from.

    Attributes:
        tokens: f32 [G, R, TOKEN_SIZE], zero rows where there is no stroke.
        prior: f32 [G, R, PLACE_SIZE].
        counts: int64 [G], strokes of each brief.
    """

    tokens: F32
    prior: F32
    counts: Index

    @classmethod
    def of(cls, briefs: Sequence[Brief]) -> BriefBank:
        """Return the bank of the briefs, in their order.

        It has `MAX_STROKES` rows a brief, as training needs them, and more only where a brief has more strokes.
        """
        rows = max([MAX_STROKES, *map(len, briefs)])
        tokens = np.zeros((len(briefs), rows, TOKEN_SIZE), np.float32)
        prior = np.zeros((len(briefs), rows, PLACE_SIZE), np.float32)
        prior[..., :4] = 0.5
        for at, brief in enumerate(briefs):
            tokens[at, : len(brief)] = brief.tokens
            prior[at, : len(brief)] = brief.prior
        return cls(tokens, prior, np.array([len(brief) for brief in briefs], np.int64))

    @property
    def rows(self) -> int:
        """R, the rows of every observation."""
        return int(self.tokens.shape[1])


class Drafts:
    """N characters that are being written: which strokes are there, where, and which came last.

    Args:
        bank: the briefs.
        size: N.

    Attributes:
        brief: int64 [N], each character's number in the bank.
        written: bool [N, R], R being the bank's rows.
        placed: f32 [N, R, PLACE_SIZE], decoded boxes and coefficients of what is written.
    """

    def __init__(self, bank: BriefBank, size: int) -> None:
        self._bank = bank
        self.brief = np.zeros(size, np.int64)
        self.written = np.zeros((size, bank.rows), bool)
        self.placed = np.zeros((size, bank.rows, PLACE_SIZE), np.float32)
        self._observation = np.zeros((size, bank.rows, OBSERVATION_SIZE), np.float32)

    @property
    def remaining(self) -> NDArray[np.bool_]:
        """Bool [N, R], strokes that may be chosen next."""
        return (np.arange(self._bank.rows) < self._bank.counts[self.brief][:, None]) & ~self.written

    def remaining_of(self, row: int) -> int:
        """Return how many strokes of one character are not yet written."""
        return int(self._bank.counts[self.brief[row]]) - int(np.count_nonzero(self.written[row]))

    def begin(
        self, rows: Index, briefs: Index, goals: F32 | None = None, given: NDArray[np.bool_] | None = None
    ) -> None:
        """Begin characters anew.

        Args:
            rows: int64 [n], which of the N.
            briefs: int64 [n], numbers in the bank.
            goals: f32 [n, R, PLACE_SIZE], boxes and coefficients to be followed; none unless given.
            given: bool [n, R], strokes whose goals count; all unless given.
        """
        self.brief[rows] = briefs
        self.written[rows] = False
        self.placed[rows] = 0.0
        bank = self._bank
        fresh = np.zeros((len(rows), bank.rows, OBSERVATION_SIZE), np.float32)
        fresh[..., :TOKEN_SIZE] = bank.tokens[briefs]
        exists = np.arange(bank.rows) < bank.counts[briefs][:, None]
        fresh[..., EXISTS] = exists
        if goals is not None:
            follow = exists if given is None else exists & given
            fresh[..., GOAL_GIVEN] = follow
            fresh[..., GOAL : GOAL + PLACE_SIZE] = (
                cut_place(encode_place(bank.prior[briefs], goals)) * follow[..., None]
            )
        self._observation[rows] = fresh

    def write(self, rows: Index, index: Index, places: F32) -> F32:
        """Note one decision for each of some characters, and return its box and coefficients f32 [n, PLACE_SIZE].

        Args:
            rows: int64 [n], which of the N, each at most once.
            index: int64 [n], the stroke chosen.
            places: f32 [n, PLACE_SIZE].

        Raises:
            HierbrushError: a stroke does not exist or is already written.
        """
        there = (index < self._bank.counts[self.brief[rows]]) & ~self.written[rows, index]
        if not there.all():
            at = int(np.argmin(there))
            raise HierbrushError(
                f"index: stroke {int(index[at])} of row {int(rows[at])} is not there or already written"
            )
        prior = self._bank.prior[self.brief[rows], index]
        decoded = decode_place(prior, places)
        self.written[rows, index] = True
        self.placed[rows, index] = decoded
        observation = self._observation
        observation[rows, :, LAST] = 0.0
        observation[rows, index, LAST] = 1.0
        observation[rows, index, WRITTEN] = 1.0
        observation[rows, index, PLACED : PLACED + PLACE_SIZE] = cut_place(encode_place(prior, decoded))
        return decoded

    def observe(self, rows: Index | slice = slice(None)) -> F32:
        """Return copies of the observations f32 [n, R, OBSERVATION_SIZE] of some characters."""
        return self._observation[rows].copy()


def cut_place(places: F32) -> F32:
    """Return places cut to what an observation can hold."""
    return cut(places, -LARGEST_RESIDUAL, LARGEST_RESIDUAL)
