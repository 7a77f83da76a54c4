"""How well a policy writes the characters of one part of the data, with the controls in the same table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from os import PathLike
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_choice, check_number, check_whole
from hierbrush.characters import Glyph, load_library, split
from hierbrush.characters.orders import OrderShare, order_line, order_shares
from hierbrush.errors import HierbrushError
from hierbrush.metrics import SIDE, Scores, disc_coverage, inscribed_discs, score, stroke_iou
from hierbrush.sim import BOX, BrushModel, rasterise, trace
from hierbrush.sources import Request, plans_of
from hierbrush.strokes.rollout import PLANNED, policy_name, write_strokes
from hierbrush.tables import aligned, counted
from hierbrush.writing.planned import Planning, searched_paths
from hierbrush.writing.trajectory import MotionLimits, compose, motion_peaks
from hierbrush.writing.workers import mapped

SPLITS = ("train", "validation", "test")
DISC_ORACLE = "disc oracle"
CONTROLS = ("scripted", DISC_ORACLE, "random")
# A residual of nothing is the scripted follower, so the zero control shares its row.
LABELS = {"scripted": "scripted = zero"}
_BATCH = 32  # characters written in one call: some 380 strokes


@dataclass(frozen=True)
class MachineErrors:
    """What the machine between a policy and the paper does wrong; nothing unless given.

    Attributes:
        brush: every character is written with a brush of its own whose width, length, offset, root and base are each
            off by a factor from 1 ± this share. Policies plan for the brush that they were told of.
        handle: standard deviation in metres of the handle's position error, each axis.
        handle_correlation: seconds over which that error drifts, as an arm's calibration and backlash do along a path;
            0 is a new error every control tick, which nobody who acts once a tick can correct.
        handle_feedback: share of that error that the arm's encoders see and the next command takes off; 0 is an error
            that nobody measures.
    """

    brush: float = 0.0
    handle: float = 0.0
    handle_correlation: float = 10.0
    handle_feedback: float = 1.0

    def __post_init__(self) -> None:
        for name, argument, high, unit in (
            ("brush", "brush_error", np.nextafter(1.0, 0.0), "a share"),
            ("handle", "handle_error", 0.02, "metres"),
            ("handle_correlation", "handle_correlation", 1e6, "seconds"),
            ("handle_feedback", "handle_feedback", 1.0, "a share"),
        ):
            object.__setattr__(self, name, check_number(argument, getattr(self, name), 0.0, high, unit))


@dataclass(frozen=True)
class Row:
    """The scores of one writer.

    ``strokes`` holds the stroke IoUs ``[S]``, ``characters`` one `Scores` a character, ``motion`` the highest speed
    (m/s), acceleration (m/s²) and jerk (m/s³) of all its movements; None for a writer that moves nothing.
    """

    name: str
    strokes: NDArray[np.float64]
    characters: tuple[Scores, ...]
    motion: tuple[float, float, float] | None

    def column(self, name: str) -> NDArray[np.float64]:
        """Return ``"stroke_iou"``, or a field of `Scores` for every character."""
        if name == "stroke_iou":
            return self.strokes
        return np.array([getattr(scores, name) for scores in self.characters])


COLUMNS = {
    "stroke_iou": "stroke IoU",
    "iou": "character IoU",
    "xor_area": "XOR/area",
    "chamfer": "Chamfer",
}


@dataclass(frozen=True)
class Evaluation:
    """The characters, the stroke types, and one `Row` for the policy and each control."""

    characters: tuple[str, ...]
    stroke_types: tuple[str, ...]
    rows: tuple[Row, ...]

    def table(self) -> str:
        """Return the table: mean, then the 5th, 50th and 95th percentile."""
        heads = ["", *COLUMNS.values()]
        lines = [
            [LABELS.get(row.name, row.name), *(_summary(row.column(name), name) for name in COLUMNS)]
            for row in self.rows
        ]
        counts = f"{counted(len(self.characters), 'character')}, {counted(len(self.stroke_types), 'stroke')}"
        text = [aligned([heads, *lines]), f"{counts}; mean, then 5 / 50 / 95 %"]
        text.append(order_line(self.orders()))
        moved = self.rows[0].motion
        if moved is not None:
            limits = MotionLimits()
            text.append(
                f"{self.rows[0].name}: speed up to {moved[0]:.3f} of {limits.speed:g} m/s allowed, acceleration "
                f"{moved[1]:.2f} of {limits.acceleration:g} m/s², jerk {moved[2]:.1f} of {limits.jerk:g} m/s³"
            )
        return "\n".join(text)

    def orders(self) -> dict[str, OrderShare]:
        """Return for each region how many of the characters are written in the order that its references give."""
        library = load_library()
        return order_shares((char, library.stroke_types(char)) for char in self.characters)

    def summary(self) -> dict[str, object]:
        """Return everything as JSON can hold it: figures of each writer, also by stroke type and by character."""
        types = np.array(self.stroke_types)
        return {
            "side": SIDE,
            "characters": list(self.characters),
            "strokes": len(self.stroke_types),
            "order_by_references": {region: asdict(share) for region, share in self.orders().items()},
            "rows": {
                row.name: {
                    **{name: _figures(row.column(name)) for name in COLUMNS},
                    "motion_peaks": row.motion,
                    "stroke_iou_by_type": {
                        kind: {"strokes": int((types == kind).sum()), **_figures(row.strokes[types == kind])}
                        for kind in sorted(set(self.stroke_types))
                    },
                    "by_character": {
                        char: [round(value, 5) for value in (scores.iou, scores.xor_area, scores.chamfer)]
                        for char, scores in zip(self.characters, row.characters, strict=True)
                    },
                }
                for row in self.rows
            },
        }


def _summary(values: NDArray[np.float64], column: str) -> str:
    # Chamfer distances are fractions of the side: a pixel is .004.
    digits = 5 if column == "chamfer" else 4
    low, middle, high = (f"{value:.{digits - 1}f}" for value in np.percentile(values, [5, 50, 95]))
    return f"{values.mean():.{digits}f}  {low} / {middle} / {high}"


def _figures(values: NDArray[np.float64]) -> dict[str, float]:
    low, middle, high = np.percentile(values, [5, 50, 95])
    named = {"mean": values.mean(), "p5": low, "p50": middle, "p95": high}
    return {name: round(float(value), 5) for name, value in named.items()}


def characters_of(part: str, limit: int | None = None) -> tuple[str, ...]:
    """Return the characters of ``"train"``, ``"validation"`` or ``"test"``, the first ``limit`` of them.

    Raises:
        HierbrushError: the part is none of the three, or the limit is below 1.
    """
    check_choice("split", part, SPLITS)
    if limit is not None:
        limit = check_whole("limit", limit, 1)
    return tuple(char for char in load_library().characters if split(char) == part)[:limit]


def evaluate(
    characters: Sequence[str],
    *,
    policy: str | PathLike[str] = "learned",
    budget: int | None = None,
    robust: bool = False,
    brush: BrushModel,
    seed: int = 0,
    errors: MachineErrors | None = None,
    workers: int = 1,
    progress: Callable[[int], object] = lambda done: None,
) -> Evaluation:
    """Write every character with the policy and the controls, and score them.

    A stroke's own ink is held against its own outline, a character's ink against the union of its outlines, both on the
    256 × 256 raster. The ``errors`` hold for the policy and the controls alike. ``workers`` processes share the
    work, which changes nothing in the result. ``progress`` is told how many characters were just done.

    ``policy="planned"`` searches with ``budget`` rollouts a stroke for the brush that plans are made for, and has the
    policy that it begins with in the same table.

    Raises:
        HierbrushError: a character or the policy is not known, there is no character or no worker, or a plan, which
            is made once and for all, is to be written by a handle that errs.
    """
    if not characters:
        raise HierbrushError("characters: there are none to evaluate")
    if workers < 1:
        raise HierbrushError(f"workers: must be at least 1, not {workers}")
    policy = policy_name(policy)
    planning = Planning.of(policy, budget, robust)
    if planning is not None and errors is not None and errors.handle:
        raise HierbrushError("handle_error: a plan sees no error; use brush_error, or a policy")
    began = ("learned",) if planning is not None else ()
    names = tuple(dict.fromkeys(["scripted" if policy == "zero" else policy, *began, *CONTROLS]))
    size = _BATCH if planning is None else 1
    batches = [tuple(characters[start : start + size]) for start in range(0, len(characters), size)]
    score_batch = partial(
        _score_batch,
        names=names,
        brush=brush,
        planning=planning,
        seed=seed,
        errors=errors or MachineErrors(),
    )
    done: list[_Batch] = []
    for batch, scored in zip(batches, mapped(score_batch, batches, workers), strict=True):
        done.append(scored)
        progress(len(batch))
    rows = tuple(
        Row(
            name,
            np.concatenate([batch.strokes[name] for batch in done]),
            tuple(scores for batch in done for scores in batch.characters[name]),
            _highest([batch.motion[name] for batch in done if name in batch.motion]),
        )
        for name in names
    )
    return Evaluation(tuple(characters), tuple(kind for batch in done for kind in batch.stroke_types), rows)


class _Batch(NamedTuple):
    stroke_types: list[str]
    strokes: dict[str, list[float]]
    characters: dict[str, list[Scores]]
    motion: dict[str, tuple[float, float, float]]


def _highest(motions: Sequence[tuple[float, float, float]]) -> tuple[float, float, float] | None:
    if not motions:
        return None
    speed, acceleration, jerk = (max(values) for values in zip(*motions, strict=True))
    return speed, acceleration, jerk


def _score_batch(
    characters: tuple[str, ...],
    names: tuple[str, ...],
    brush: BrushModel,
    planning: Planning | None,
    seed: int,
    errors: MachineErrors,
) -> _Batch:
    library = load_library()
    glyphs = [library[char] for char in characters]
    goals = [stroke.goal() for glyph in glyphs for stroke in glyph.strokes]
    # Named by the first character, so that a brush does not depend on how the work is shared out.
    rng = np.random.default_rng([seed, ord(characters[0])])
    brushes = brush.randomised(len(glyphs), errors.brush, rng)
    of_stroke = np.repeat(brushes, [len(glyph.strokes) for glyph in glyphs], axis=0)
    written = {
        name: write_strokes(
            goals,
            brush,
            policy=name,
            seed=seed,
            noise=errors.handle,
            noise_correlation=errors.handle_correlation,
            noise_feedback=errors.handle_feedback,
            brushes=of_stroke,
        )
        for name in names
        if name not in (DISC_ORACLE, PLANNED)
    }
    if planning is not None:
        plans = plans_of(characters, Request("glyph"))
        written[PLANNED] = [path for paths in searched_paths(plans, brush, planning, seed) for path in paths]
    paths = {name: iter(of_name) for name, of_name in written.items()}
    motion = {name: _motion(of_name) for name, of_name in written.items()} if not errors.handle else {}
    batch = _Batch(
        [goal.stroke_type for goal in goals], {name: [] for name in names}, {name: [] for name in names}, motion
    )
    for glyph, parameters in zip(glyphs, brushes, strict=True):
        references = [rasterise([stroke.outline], SIDE) for stroke in glyph.strokes]
        whole = rasterise([stroke.outline for stroke in glyph.strokes], SIDE)
        for name in names:
            if name == DISC_ORACLE:
                inks, ink = _disc_inks(glyph)
            else:
                inks, ink = _brush_inks([next(paths[name]) for _ in glyph.strokes], parameters[None])
            batch.strokes[name].extend(map(stroke_iou, inks, references))
            batch.characters[name].append(score(ink, whole))
    return batch


def _brush_inks(
    paths: list[NDArray[np.float64]], brush: NDArray[np.float64]
) -> tuple[Iterator[NDArray[np.float32]], NDArray[np.float32]]:
    return (trace(brush, [path], side=SIDE, box=BOX) for path in paths), trace(brush, paths, side=SIDE, box=BOX)


def _motion(paths: Sequence[NDArray[np.float64]]) -> tuple[float, float, float]:
    rows, _ = compose(paths, BOX, BOX, MotionLimits())
    return motion_peaks(rows)


def _disc_inks(glyph: Glyph) -> tuple[Iterator[NDArray[np.float32]], NDArray[np.float32]]:
    discs = [inscribed_discs(stroke.outline, stroke.median) for stroke in glyph.strokes]
    return (disc_coverage([part], SIDE) for part in discs), disc_coverage(discs, SIDE)
