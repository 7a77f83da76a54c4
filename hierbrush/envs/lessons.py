"""What there is to know of the characters of a stage, as arrays: in memory for this process, in files for the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import load_library
from hierbrush.composer.brief import MAX_STROKES, TOKEN_SIZE, Brief, Truth, brief_of, truth_of
from hierbrush.composer.observation import BriefBank, cut_place
from hierbrush.composer.pictured import PictureBank, brief_and_glyph
from hierbrush.composer.place import PLACE_SIZE, encode_place
from hierbrush.envs.flat_hand import FlatTasks
from hierbrush.envs.kept_arrays import Arrays, kept_arrays
from hierbrush.metrics import SIDE
from hierbrush.metrics.recognition import GlyphIndex
from hierbrush.sim import rasterise
from hierbrush.sim.reference import pack
from hierbrush.strokes.types import NUMBER

if TYPE_CHECKING:
    from hierbrush.curriculum.pictures import PictureGoal

F32 = NDArray[np.float32]
Bools = NDArray[np.bool_]
Index = NDArray[np.int64]

_SOURCES = ("characters", "composer", "envs", "metrics", "sim", "strokes")


@dataclass(frozen=True, eq=False)
class Lessons:
    """The characters of a stage, R rows each, as many as the briefs' bank has.

    Attributes:
        characters: G of them.
        bank: what the composer is told of them.
        stroke_types: int64 [G, R], number of every row's stroke type.
        order: int64 [G, R], rows in the order of writing, beyond the character's strokes zeros.
        boxes: f32 [G, R, PLACE_SIZE], where each stroke of the glyph is; rows without one hold the prior.
        places: f32 [G, R, PLACE_SIZE], the same about the briefs' priors.
        glyphs: bool [G, SIDE, SIDE].
        areas: int64 [G], pixels of the glyphs' ink.
        index: the glyphs again, for recognising ink.
    """

    characters: tuple[str, ...]
    bank: BriefBank
    stroke_types: Index
    order: Index
    boxes: F32
    places: F32
    glyphs: Bools
    areas: Index
    index: GlyphIndex

    @classmethod
    def pictured(cls, goals: Sequence[PictureGoal]) -> Lessons:
        """Return the lessons for pictures of characters of the library.

        Nobody has said where the strokes lie in them: ``boxes`` are where they are expected, ``places`` the same about
        the priors.
        """
        known = [brief_and_glyph(goal.char) for goal in goals]
        briefs, pages = [brief for brief, _, _ in known], [goal.page for goal in goals]
        bank = PictureBank.pictured(briefs, [glyph for _, _, glyph in known], pages)
        order = np.zeros((len(goals), bank.rows), np.int64)
        for at, (_, numbers, _) in enumerate(known):
            order[at, : len(numbers)] = np.argsort(numbers)
        glyphs = np.stack(pages)
        return cls(
            tuple(goal.char for goal in goals),
            bank,
            bank.kinds,
            order,
            bank.expected,
            cut_place(encode_place(bank.prior, bank.expected)),
            glyphs,
            np.count_nonzero(glyphs, axis=(1, 2)),
            GlyphIndex(glyphs),
        )

    @classmethod
    def of(cls, characters: tuple[str, ...]) -> Lessons:
        """Return the lessons for characters of the library."""
        check = partial(_check, len(characters))
        kept = kept_arrays("characters", "".join(characters), _SOURCES, partial(_known, characters), check)
        counts = kept["counts"]
        exists = np.arange(max(MAX_STROKES, int(counts.max()))) < counts[:, None]

        def spread(name: str, empty: float = 0) -> NDArray[Any]:
            rows = np.full((*exists.shape, *kept[name].shape[1:]), empty, kept[name].dtype)
            rows[exists] = kept[name]
            return rows

        prior = spread("prior")
        prior[~exists, :4] = 0.5
        bank = BriefBank(spread("tokens"), prior, counts)
        boxes = np.where(exists[..., None], spread("boxes"), prior)
        places = cut_place(encode_place(prior, boxes))
        glyphs = np.unpackbits(kept["glyphs"], axis=1).reshape(-1, SIDE, SIDE).astype(bool)
        areas = np.count_nonzero(glyphs, axis=(1, 2))
        return cls(
            characters,
            bank,
            spread("stroke_types"),
            spread("order"),
            boxes,
            places,
            glyphs,
            areas,
            GlyphIndex(glyphs),
        )


@lru_cache(maxsize=4)
def lessons_of(characters: tuple[str, ...]) -> Lessons:
    """Return the lessons for characters of the library; those asked for last are kept."""
    return Lessons.of(characters)


@lru_cache(maxsize=4)
def flat_tasks_of(characters: tuple[str, ...]) -> tuple[FlatTasks, NDArray[np.uint64]]:
    """Return what a flat policy is told of characters, and their packed glyphs [G, words]."""

    def make() -> Arrays:
        return vars(FlatTasks.of([_brief_and_truth(char)[0] for char in characters]))

    def check(arrays: Arrays) -> None:
        if {len(arrays[name]) for name in FlatTasks.__dataclass_fields__} != {len(characters)}:
            raise ValueError("characters")

    kept = kept_arrays("flat", "".join(characters), _SOURCES, make, check)
    return FlatTasks(**kept), np.stack([pack(glyph) for glyph in lessons_of(characters).glyphs])


def _known(characters: tuple[str, ...]) -> Arrays:
    """Return what lessons consist of; strokes one after another, character by character."""
    library, known = load_library(), [_brief_and_truth(char) for char in characters]
    pages = [
        rasterise([stroke.outline for stroke in library[char].strokes], SIDE, supersample=1) for char in characters
    ]
    return {
        "counts": np.array([len(brief) for brief, _ in known], np.int64),
        "tokens": np.concatenate([brief.tokens for brief, _ in known]),
        "prior": np.concatenate([brief.prior for brief, _ in known]),
        "boxes": np.concatenate([truth.places for _, truth in known]),
        "order": np.concatenate([truth.order for _, truth in known]).astype(np.int64),
        "stroke_types": np.array([NUMBER[kind] for brief, _ in known for kind in brief.stroke_types], np.int64),
        "glyphs": np.packbits(np.stack([page >= 0.5 for page in pages]).reshape(len(pages), -1), axis=1),
    }


def _check(count: int, arrays: Arrays) -> None:
    """Raise ValueError unless the arrays are those of so many characters."""
    strokes = int(arrays["counts"].sum())
    shapes = {
        "counts": (count,),
        "tokens": (strokes, TOKEN_SIZE),
        "prior": (strokes, PLACE_SIZE),
        "boxes": (strokes, PLACE_SIZE),
        "order": (strokes,),
        "stroke_types": (strokes,),
        "glyphs": (count, SIDE * SIDE // 8),
    }
    if {name: arrays[name].shape for name in shapes} != shapes:
        raise ValueError("shapes")


@lru_cache(maxsize=8192)
def _brief_and_truth(char: str) -> tuple[Brief, Truth]:
    return brief_of(char), truth_of(char)
