"""How well composers place and order strokes, and whether what is then written is recognised; controls beside them.

Two of the controls have no strokes: a flat policy, which moves the handle for the whole character, and a handle moved
at random. Only their ink is scored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import load_library
from hierbrush.characters.orders import OrderShare, order_classes, order_line, order_shares
from hierbrush.characters.text import UnknownCharacterError
from hierbrush.composer.brief import brief_of
from hierbrush.composer.descriptions import load_describer
from hierbrush.errors import HierbrushError, shown
from hierbrush.metrics import SIDE, stroke_iou, stroke_width, touching
from hierbrush.metrics.recognition import GlyphIndex
from hierbrush.sim import BOX, BrushModel, rasterise, trace
from hierbrush.strokes.policy import MLPPolicy
from hierbrush.strokes.rollout import policy_name
from hierbrush.tables import aligned
from hierbrush.writing.result import Writing
from hierbrush.writing.workers import mapped
from hierbrush.writing.write import write_characters

SHIFT = int(0.02 * SIDE)
"""Pixels that ink may be moved by for the second of the recognition figures: 2 % of the box."""

FLAT_POLICY, RANDOM_HANDLE = "flat policy", "random handle"
WITHOUT_STROKES = (FLAT_POLICY, RANDOM_HANDLE)
"""Rows of the table that are no composers: see `hierbrush.envs.flat_hand`."""

_BATCH = 64  # characters written, and glyphs rasterised, in one piece of work
_RECOGNISED = 256  # inks compared with all glyphs at a time
_NEAREST = (1, 5)
# Glyphs that may be nearer than the right one. On 100 validation characters and two composers all places up to the
# fifth are the same as among all 9,574, with 50 as with 200.
_SHORTLIST = 200

TOLD_PARTS = ", told its glyph's parts"
"""Ends the name of a row whose composer is told what the glyph is taken apart into, which no user knows."""

COLUMNS = (
    "order_exact", "centre_error", "coordinate_error", "size_error", "box_iou", "character_iou", "primitive_iou",
    "width", "collisions", "gaps",
)  # fmt: skip
_HEADS = ("order", "centre", "per axis", "size", "box IoU", "char. IoU", "primitive", "width", "collide", "gape")


@dataclass(frozen=True, eq=False)
class ComposerRow:
    """The scores of one composer.

    Attributes:
        name: the composer.
        figures: for each of `COLUMNS` float64 [characters]; NaN for what is not there without strokes.
        places: int64 [characters], place of the right glyph among all by IoU of centred ink; 1 is the nearest.
        shifted: the same when for each glyph the best movement of up to 2 % of the box counts; 6 for all beyond 5.
        orders: region -> how many of the characters are written as its references say; empty without strokes.
    """

    name: str
    figures: dict[str, NDArray[np.float64]]
    places: NDArray[np.int64]
    shifted: NDArray[np.int64]
    orders: dict[str, OrderShare]

    def means(self, chosen: NDArray[np.bool_]) -> dict[str, float]:
        """Return the mean of every figure over some characters, and the shares recognised."""
        named = {name: _mean(values[chosen]) for name, values in self.figures.items()}
        for most in _NEAREST:
            named[f"top{most}"] = float((self.places[chosen] <= most).mean())
            named[f"top{most}_shifted"] = float((self.shifted[chosen] <= most).mean())
        return named


@dataclass(frozen=True, eq=False)
class ComposerEvaluation:
    """The characters and a row a composer.

    Attributes:
        characters: N, those with unknown components twice: first with their strokes as a set, then as a list.
        known: bool [N], made of components that training characters have.
        listed: bool [N], the composer was told the order of the strokes within unknown components.
        rows: one a composer.
    """

    characters: tuple[str, ...]
    known: NDArray[np.bool_]
    listed: NDArray[np.bool_]
    rows: tuple[ComposerRow, ...]

    def groups(self) -> dict[str, NDArray[np.bool_]]:
        """Return which characters are counted under which heading; headings without characters are left out."""
        groups = {
            "all": ~self.listed,
            "known": self.known,
            "unknown": ~self.known & ~self.listed,
            "unknown, listed": self.listed,
            "all, unknown listed": self.known | self.listed,
        }
        # Without unknown components everything is under the first two headings.
        kept = groups if self.listed.any() else dict(list(groups.items())[:2])
        return {name: chosen for name, chosen in kept.items() if chosen.any()}

    def table(self) -> str:
        """Return the table: each composer on all characters, on those of known components, and on the others."""
        heads = ["", "characters", *_HEADS, "top-1", "top-5", "top-1 ±2 %", "top-5 ±2 %"]
        lines = []
        for row in self.rows:
            for group, chosen in self.groups().items():
                means = row.means(chosen)
                shares = [means[name] for name in ("top1", "top5", "top1_shifted", "top5_shifted")]
                name = row.name if group == "all" else f"  {group}"
                figures = [means[column] for column in COLUMNS]
                lines.append([name, str(int(chosen.sum())), *map(_cell, [*figures, *shares])])
        text = [aligned([heads, *lines])]
        once = ~self.listed
        text.append(
            "order: share of characters with all strokes in order; centre: mean distance of strokes' centres, per "
            "axis: of their coordinates, size: of widths and heights, in box sides; top: share of characters "
            f"whose nearest glyphs among {len(load_library()):,} hold the right one"
        )
        text.append(
            "width: stroke width over the glyph's; collide: pairs of strokes a character that share ink and do not in "
            "the glyph, gape: pairs that do in the glyph and do not share ink"
        )
        text += [
            f"{row.name}: width {np.nanmean(row.figures['width'][once]):.3f}, standard deviation between characters "
            f"{np.nanstd(row.figures['width'][once]):.3f}"
            for row in self.rows
        ]
        text += [f"{row.name}: {order_line(row.orders)}" for row in self.rows if row.orders]
        text.append(
            "told: what an independent table says that a character is made of, as a user has it, and no stroke of the "
            f"glyph; {TOLD_PARTS[2:]}: what its glyph is taken apart into, and the types of the glyph's strokes"
        )
        text.append(
            "known: the table says it, and training characters have every part in its place, or the character is a "
            "part of theirs; unknown: a part is written by its own line, or is in no training character; listed: its "
            "strokes are told in order"
        )
        if any(row.name in WITHOUT_STROKES for row in self.rows):
            text.append(
                f"{', '.join(WITHOUT_STROKES)}: one hand moves the handle for the whole character, without strokes"
            )
        return "\n".join(text)

    def summary(self) -> dict[str, object]:
        """Return everything as JSON can hold it."""
        return {
            "characters": [char for char, listed in zip(self.characters, self.listed, strict=True) if not listed],
            "known": self.known[~self.listed].tolist(),
            "rows": {
                row.name: {
                    **{
                        group: {
                            "count": int(chosen.sum()),
                            **{name: _number(value) for name, value in row.means(chosen).items()},
                        }
                        for group, chosen in self.groups().items()
                    },
                    "order_by_references": {region: asdict(share) for region, share in row.orders.items()},
                    "by_character": {
                        char: {
                            **{name: _number(float(row.figures[name][at])) for name in COLUMNS},
                            "place": int(row.places[at]),
                            "place_shifted": int(row.shifted[at]),
                        }
                        for at, char in enumerate(self.characters)
                        if not self.listed[at]
                    },
                }
                for row in self.rows
            },
        }


def _mean(values: NDArray[np.float64]) -> float:
    """Return the mean of what is there; NaN of nothing."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if there.size else math.nan


def _cell(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 5)


def evaluate_composers(
    characters: Sequence[str],
    composers: Sequence[str],
    *,
    flat_weights: str | Path | None = None,
    policy: str | PathLike[str] = "learned",
    brush: BrushModel,
    seed: int = 0,
    workers: int = 1,
    progress: Callable[[int], object] = lambda done: None,
) -> ComposerEvaluation:
    """Compose, write and recognise every character with every composer, and with those of `WITHOUT_STROKES` named.

    ``flat_weights`` is the file of the flat policy, the shipped one unless given; ``progress`` is told how many of
    `steps` were just done.

    Raises:
        HierbrushError: a character, a composer or the policy is not known, or there is no character or no worker.
    """
    if not characters:
        raise HierbrushError("characters: there are none to evaluate")
    if workers < 1:
        raise HierbrushError(f"workers: must be at least 1, not {workers}")
    policy = policy_name(policy)
    if FLAT_POLICY in composers:  # before the minutes of the others
        flat_weights = _checked_flat(flat_weights)
    everything = load_library().characters
    unknown: list[str] = []
    written: dict[str, list[_Written]] = {}
    for name in composers:
        written[name] = []
        for listed in (False, True):
            write: Callable[[tuple[str, ...]], list[_Written]]
            if name in WITHOUT_STROKES:
                weights = flat_weights if name == FLAT_POLICY else None
                write = partial(_write_flat, weights=weights, brush=brush, seed=seed)
            else:
                composer, described = name.removesuffix(TOLD_PARTS), not name.endswith(TOLD_PARTS)
                how: dict[str, Any] = {
                    "composer": composer,
                    "described": described,
                    "policy": policy,
                    "brush": brush,
                    "seed": seed,
                }
                write = partial(_write, **how, stroke_lists=listed)
            chosen = unknown if listed else characters
            batches = [tuple(chosen[start : start + _BATCH]) for start in range(0, len(chosen), _BATCH)]
            for batch in mapped(write, batches, workers):
                written[name] += batch
                if not listed:
                    progress(len(batch))
            if name == composers[0] and not listed:
                unknown = [char for char, entry in zip(characters, written[name], strict=True) if entry.unknown]
    packed: list[NDArray[np.uint8]] = []
    glyphs = [everything[start : start + _BATCH] for start in range(0, len(everything), _BATCH)]
    for rasters in mapped(_glyph_rasters, glyphs, workers):
        packed += rasters
        progress(len(rasters))
    index = GlyphIndex(_unpacked(raster) for raster in packed)
    number = {char: at for at, char in enumerate(everything)}
    asked = (*characters, *unknown)
    answers = [number[char] for char in asked]
    rows = tuple(_row(name, characters, written[name], index, answers, progress) for name in composers)
    known = np.array([not entry.unknown for entry in written[composers[0]]])
    return ComposerEvaluation(asked, known, np.arange(len(asked)) >= len(characters), rows)


def steps(characters: int, composers: int) -> int:
    """Return how many steps `evaluate_composers` reports: writing and recognising each, and every glyph once."""
    return len(load_library()) + 2 * composers * characters


class _Written(NamedTuple):
    ink: NDArray[np.uint8]  # packed
    figures: dict[str, float]
    unknown: bool
    stroke_types: tuple[str, ...] = ()


def _write(characters: tuple[str, ...], *, described: bool, **how: Any) -> list[_Written]:
    entries = []
    for writing in write_characters(characters, goal="decomposition", described=described, **how):
        types = tuple(goal.stroke_type for goal in writing.plan.goals)
        unknown = bool(writing.plan.unknown) or (described and not _is_sure(writing.char))
        entries.append(_Written(np.packbits(writing.image(SIDE) >= 0.5), _figures(writing), unknown, types))
    return entries


def _is_sure(char: str) -> bool:
    """Return whether it is told without a guess what a character is made of, by the table or by those it is a part of.

    Training characters then have all of its parts in their places, or the character itself.
    """
    describer = load_describer()
    with suppress(UnknownCharacterError):
        if describer.taken_apart(char).guesses == 0:
            return True
    return describer.part(char) is not None


def _figures(writing: Writing) -> dict[str, float]:
    """Return the figures of `COLUMNS`; NaN for what needs as many strokes as the glyph has, where there are others."""
    levels, glyph = writing.levels, writing.plan.glyph
    composed, character = levels.composer, levels.character
    # Characters of the library have a glyph.
    assert character is not None
    assert glyph is not None
    figures = dict.fromkeys(COLUMNS, math.nan)
    figures |= {"character_iou": character.iou, "primitive_iou": levels.primitive.iou, "order_exact": 0.0}
    figures["width"] = stroke_width(writing.image(SIDE)) / stroke_width(rasterise(glyph, SIDE))
    if composed is None:
        return figures
    told = [goal.stroke_type for goal in writing.plan.goals]
    drawn = [stroke.stroke_type for stroke in load_library()[writing.char].strokes]
    figures |= {
        "order_exact": float(composed.order_exact and order_classes(told) == order_classes(drawn)),
        "centre_error": composed.centre_error,
        "coordinate_error": composed.coordinate_error,
        "size_error": composed.size_error,
        "box_iou": composed.box_iou,
    }
    return figures | _room(writing)


def _room(writing: Writing) -> dict[str, float]:
    """Return how many strokes collide or gape."""
    glyph, order = writing.plan.glyph, writing.order
    assert glyph is not None
    assert order is not None
    inks = np.array([trace(writing.brush, [path], side=SIDE, box=BOX) >= 0.5 for path in writing.stroke_paths])
    wanted = np.array([rasterise([glyph[number]], SIDE) >= 0.5 for number in order])
    room = touching(inks, wanted)
    return {"collisions": float(room.collisions), "gaps": float(room.gaps)}


def _checked_flat(weights: str | Path | None) -> str | Path:
    from hierbrush.envs.flat_hand import ACTION_SIZE, OBSERVATION_SIZE, WEIGHTS

    weights = weights or WEIGHTS
    flat = MLPPolicy.load(weights)
    sizes = flat.observation_size, flat.action_size
    if sizes != (OBSERVATION_SIZE, ACTION_SIZE):
        raise HierbrushError(
            f"flat: {shown(weights)} turns {sizes[0]} numbers into {sizes[1]}, expected a flat policy, which turns "
            f"{OBSERVATION_SIZE} into {ACTION_SIZE}"
        )
    return weights


def _write_flat(
    characters: tuple[str, ...], *, weights: str | Path | None, brush: BrushModel, seed: int
) -> list[_Written]:
    """Write with the flat policy of a weights file, or at random without one."""
    from hierbrush.envs.flat_hand import ACTION_SIZE, write_flat

    library = load_library()
    briefs = [brief_of(char) for char in characters]
    # Named by the first character, so that it does not depend on how the work is shared out.
    rng = np.random.default_rng([seed, ord(characters[0])])

    def wander(obs: NDArray[np.float32]) -> NDArray[np.float32]:
        return rng.uniform(-1.0, 1.0, (len(obs), ACTION_SIZE)).astype(np.float32)

    policy = wander if weights is None else MLPPolicy.load(weights)
    entries = []
    for char, brief, path in zip(characters, briefs, write_flat(briefs, policy, brush), strict=True):
        ink = trace(brush, [path], side=SIDE, box=BOX)
        glyph = rasterise([stroke.outline for stroke in library[char].strokes], SIDE)
        scored = {"character_iou": stroke_iou(ink, glyph), "width": stroke_width(ink) / stroke_width(glyph)}
        figures = {**dict.fromkeys(COLUMNS, math.nan), **scored}
        entries.append(_Written(np.packbits(ink >= 0.5), figures, bool(brief.unknown)))
    return entries


def _row(
    name: str,
    characters: Sequence[str],
    written: list[_Written],
    index: GlyphIndex,
    answers: list[int],
    progress: Callable[[int], object],
) -> ComposerRow:
    places, shifted = [], []
    for start in range(0, len(written), _RECOGNISED):
        inks = [_unpacked(entry.ink) for entry in written[start : start + _RECOGNISED]]
        right = answers[start : start + _RECOGNISED]
        among = index.shortlist(inks, _SHORTLIST)
        places.append(index.ranks(inks, right, among=among))
        shifted.append(index.ranks(inks, right, shift=SHIFT, most=max(_NEAREST), among=among, progress=progress))
    figures = {column: np.array([entry.figures[column] for entry in written]) for column in COLUMNS}
    # Once each: those of unknown components are written a second time after the others.
    told = [(char, entry.stroke_types) for char, entry in zip(characters, written, strict=False)]
    orders = {} if name in WITHOUT_STROKES else order_shares(told)
    return ComposerRow(name, figures, np.concatenate(places), np.concatenate(shifted), orders)


def _glyph_rasters(characters: Sequence[str]) -> list[NDArray[np.uint8]]:
    library = load_library()
    # Pixel centres instead of coverage: ten times faster, and edges half a pixel off make no other glyph the nearest.
    return [
        np.packbits(rasterise([stroke.outline for stroke in library[char].strokes], SIDE, supersample=1) >= 0.5)
        for char in characters
    ]


def _unpacked(packed: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.unpackbits(packed).reshape(SIDE, SIDE).astype(np.bool_)
