"""Drawing with ink: a bundle of hairs dragged along recorded strokes, and what the paper does with the ink."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array, check_kind, check_list, check_number, check_whole
from hierbrush.errors import HierbrushError
from hierbrush.ink.model import HAIR_SHARE, PAPERS, Ink
from hierbrush.sim import BOX, BrushModel, trace
from hierbrush.sim.batch import REST_DIRECTION
from hierbrush.sim.core_choice import kernels
from hierbrush.sim.ink_reference import AXIS_X, AXIS_Y, BUNDLE, HAIRS, RESERVOIR, SPLIT, STAMP, TRAVELLED
from hierbrush.sim.raster import MAX_SIDE, MIN_SIDE

GRID = 1024
"""Cells of a character box's side in which ink is worked out, whatever the size of the picture: its grain is the same
in every size."""

_SPREAD_GRID = 512
_HAIR_ROWS = 64
# Paths have 40 rows a second when nothing slows them down.
_ROW_SECONDS = 0.025
# What pixels are made of what is inked twice as thickly: tone 1 - exp(-film), by its limit with eight factors, which
# has the same bits everywhere.
_FACTORS = 3
# Water that the paper holds where it fell; what is above it creeps.
_HELD = 0.9
# How far single hairs stand out beside the tufts of them: real streaks are alike over half a millimetre and more.
_SINGLE = 0.24
_STUCK = 3  # times that hairs are smoothed across: neighbours stick together
# Hairs that stand so far off the paper that they leave long scratches: their share, how far, and how they come and go.
_SCRATCHES, _OFF, _PASSING = 0.084, 0.77, 0.26
_SOAKED = 0.7  # of what hairs lack, they take up between two strokes


@dataclass(eq=False)
class Bundle:
    """What a tuft carries from stroke to stroke: the ink of its hairs, how far it is split, and which way it is bent.

    ``hairs`` float32 [101] as of ``core/ink.h``; ``direction`` float64 [2] from handle to tip.
    """

    hairs: NDArray[np.float32]
    direction: NDArray[np.float64]

    @classmethod
    def dipped(cls, load: float) -> Bundle:
        """Return a tuft that is full up to ``load`` and straight."""
        bundle = cls(np.zeros(BUNDLE, np.float32), np.array(REST_DIRECTION))
        bundle.refill(load)
        return bundle

    @property
    def load(self) -> float:
        """Ink left, 0 to 1."""
        return float(self.hairs[RESERVOIR])

    @property
    def split(self) -> float:
        """How far the tuft has parted into locks, 0 to 1."""
        return float(self.hairs[SPLIT])

    def refill(self, load: float) -> None:
        """Fill hairs and reservoir up to ``load``; bend and split stay."""
        self.hairs[: HAIRS + 1] = load

    def soak(self) -> None:
        """Let the hairs' tips take up ink from the belly, as they do in the air between two strokes."""
        hairs, belly = self.hairs[:HAIRS], self.hairs[RESERVOIR]
        drawn = np.float32(_SOAKED) * np.maximum(belly - hairs, np.float32(0.0))
        hairs += drawn
        self.hairs[RESERVOIR] = belly - np.float32(HAIR_SHARE) * drawn.mean(dtype=np.float64).astype(np.float32)

    def part(self, split: float) -> None:
        """Part the tuft into locks, 0 to 1."""
        self.hairs[SPLIT] = split

    def straighten(self) -> None:
        """Join the locks, and turn the tip as before a first stroke."""
        self.part(0.0)
        self.direction = np.array(REST_DIRECTION)


def record(
    brush: BrushModel | NDArray[np.float64],
    path: NDArray[np.float64],
    direction: NDArray[np.float64] | None = None,
    *,
    spacing: float = 0.5 * BOX / GRID,
) -> NDArray[np.float64]:
    """Return the movement of a brush along a handle path: float64 [stamps, 10].

    Columns: x, y, z of the handle, direction x, y from handle to tip, width, length and offset of the mark (0 in the
    air), metres moved in the plane, metres a second. Speed is that of a hand that no arm slows down, 40 rows a second.

    Args:
        brush: the brush, or float64 [10] as of :meth:`BrushModel.parameters`.
        path: float64 [n >= 1, 3] in metres; the handle moves in straight lines from row to row.
        direction: where the tip points before; to the upper left unless given.
        spacing: metres between stamps at most; half a cell, as the simulator has it.

    Raises:
        HierbrushError: an argument of the wrong shape.
    """
    params = brush.recorded() if isinstance(brush, BrushModel) else check_array("brush", brush, (10,), "[10]")
    rows = np.ascontiguousarray(check_array("path", path, (None, 3), "[n, 3] metres"))
    if not len(rows):
        raise HierbrushError("path: is empty, expected a handle path [n, 3] in metres")
    steps = np.diff(rows, axis=0)
    far = np.sqrt(steps[:, 0] * steps[:, 0] + steps[:, 1] * steps[:, 1])
    room = int(np.ceil(np.maximum(far, np.abs(steps[:, 2])) / spacing + 1e-6).sum()) + 2 * len(rows) + 1
    stamps = np.zeros((room, STAMP))
    state = np.zeros(7)
    state[:3] = np.rint(rows[0] * 2.0**32) / 2.0**32
    state[5:] = REST_DIRECTION if direction is None else direction
    made = kernels.ink_follow(rows[1:], far / _ROW_SECONDS, params, spacing, state, stamps)
    return stamps[:made]


class Sketch:
    """Ink on the paper of one character box, stroke after stroke.

    Args:
        brush: what writes.
        ink: how it is loaded, and the paper.
        box: side of the character box in metres, in which paths are given.
        side: side of that box on the paper in metres: grain has its size on the paper.
        corner: top left corner of the box on the paper in metres; no two characters have the same grain.
        bundle: the tuft as another character left it; freshly dipped unless given.
    """

    def __init__(
        self,
        brush: BrushModel,
        ink: Ink,
        *,
        box: float = BOX,
        side: float | None = None,
        corner: tuple[float, float] = (0.0, 0.0),
        bundle: Bundle | None = None,
    ) -> None:
        check_kind("brush", brush, BrushModel, "a BrushModel")
        check_kind("ink", ink, Ink, "an Ink")
        side = box if side is None else check_number("side", side, 1e-3, 4.0, "metres")
        self.brush, self.ink, self.box = brush, ink, box
        self.cell_mm = 1e3 * side / GRID
        self.bundle = Bundle.dipped(ink.load) if bundle is None else bundle
        self._numbers = ink.numbers(self.cell_mm, 1e3 * side / box)
        self._hair = hair_heights(ink.seed)
        self._paper = paper_heights(ink.paper, ink.seed, 1e3 * corner[0], 1e3 * corner[1], self.cell_mm)
        self._footprint = np.ascontiguousarray(brush.footprint().T)
        self.film = np.zeros((GRID, GRID), np.float32)
        self.directions: list[NDArray[np.float64]] = []

    def dip(self) -> None:
        """Fill and straighten the tuft, as if somebody did it well: `visit` is the movement that does."""
        self.bundle.straighten()
        self.bundle.refill(self.ink.load)

    def stroke(self, path: NDArray[np.float64], *, dip: bool = True) -> None:
        """Write one stroke, a handle path [n, 3] in metres in the box; ``dip`` refills and straightens first."""
        if dip:
            self.dip()
        else:
            self.bundle.soak()
        self.directions.append(self.bundle.direction)
        # Another stroke begins elsewhere along the hairs' own irregularities.
        self.bundle.hairs[TRAVELLED] = np.float32(37.0 * (len(self.directions) % 97))
        stamps = record(self.brush, path, self.bundle.direction, spacing=0.5 * self.box / GRID)
        kernels.ink_drag(
            stamps,
            self._footprint,
            GRID / self.box,
            self.brush.back_ratio,
            self._numbers,
            self._hair,
            self._paper,
            self.bundle.hairs,
            self.film,
            GRID,
            GRID,
        )
        if len(stamps):
            self.bundle.direction = stamps[-1, 3:5].copy()
            self.bundle.hairs[[AXIS_X, AXIS_Y]] = 0.0

    def tone(self, coverage: NDArray[np.float32], *, spread: bool = True) -> NDArray[np.float32]:
        """Return how black the paper is, float32 [1024, 1024], 0 to 1.

        Args:
            coverage: what the simulator inked, float32 [1024, 1024]: it cuts the edges.
            spread: whether the paper drinks; without it, ink stays where it was laid.
        """
        film = self.film * coverage
        reach = PAPERS[self.ink.paper].spread
        if spread and reach > 0.0:
            # Only what the hairs give freely is water enough to creep.
            wet = self.ink.load * (1.0 - self.ink.dryness)
            creep = _creep(film, self._paper, reach, self.cell_mm, wet)
            # Coarser cells than those of the edge leave a pale seam between a stroke and its halo.
            film = np.where(creep > 0, _closed(film + creep), film + creep)
        return _tone(film)


def _tone(film: NDArray[np.float32]) -> NDArray[np.float32]:
    light = np.maximum(np.float32(1.0) - film * np.float32(2.0**-_FACTORS * 1.6), np.float32(0.0))
    for _ in range(_FACTORS):
        light = light * light
    return np.asarray(np.float32(1.0) - light)


def _creep(
    film: NDArray[np.float32], paper: NDArray[np.float32], reach: float, cell_mm: float, wet: float
) -> NDArray[np.float32]:
    """Return what a film gains and loses where water takes it along: float32 [1024, 1024].

    Worked out on cells twice as large, for spreading has no detail that small.
    """
    part = GRID // _SPREAD_GRID
    laid, height = _means(film, part), _means(paper, part)
    water = np.clip(np.float32(wet) * laid - np.float32(_HELD), np.float32(0.0), np.float32(1.5))
    if not water.any():
        return np.zeros_like(film)
    pigment = laid.copy()
    cells = reach / (cell_mm * part)
    # A plain diffusion of rate .2 has a standard deviation of sqrt(.4 steps) cells.
    steps = int(np.clip(round(2.5 * cells * cells), 1, 160))
    numbers = np.array([0.22, 0.006, 0.5, 2e-2], np.float32)
    kernels.ink_spread(
        _SPREAD_GRID,
        _SPREAD_GRID,
        steps,
        numbers,
        np.float32(1.15) - np.float32(0.9) * height,
        np.float32(0.10) + np.float32(1.5) * height * height,
        water,
        pigment,
    )
    return _enlarged(pigment - laid)


def _closed(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return cells with valleys filled that are one or two cells wide."""
    for pick in (np.maximum, np.maximum, np.minimum, np.minimum):
        for _ in range(2):  # down, then across
            tall = np.pad(cells, ((1, 1), (0, 0)), mode="edge")
            cells = pick(pick(tall[:-2], tall[2:]), cells).T
    return cells


def _means(cells: NDArray[np.float32], part: int) -> NDArray[np.float32]:
    total = np.zeros((cells.shape[0] // part, cells.shape[1] // part), np.float32)
    for row in range(part):
        for column in range(part):
            total += cells[row::part, column::part]
    return total * np.float32(1.0 / (part * part))


def _enlarged(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return cells twice as fine, between centres interpolated."""
    for axis in (0, 1):
        padded = np.concatenate([cells.take([0], axis), cells, cells.take([-1], axis)], axis=axis)
        inner = [slice(None), slice(None)]
        inner[axis] = slice(1, -1)
        before, after = [slice(None)] * 2, [slice(None)] * 2
        before[axis], after[axis] = slice(None, -2), slice(2, None)
        near = np.float32(0.75) * padded[tuple(inner)]
        pair = np.stack(
            [near + np.float32(0.25) * padded[tuple(before)], near + np.float32(0.25) * padded[tuple(after)]], axis + 1
        )
        shape = list(cells.shape)
        shape[axis] *= 2
        cells = pair.reshape(shape)
    return cells


@lru_cache(maxsize=4)
def hair_heights(seed: int) -> NDArray[np.float32]:
    """Return how far each hair stands out: float32 [rows, 2, 96], single hairs and locks of them, about -2 to 1."""
    rng = _uniforms(seed)
    own, drift = rng(1, (1, HAIRS)), rng(2, (_HAIR_ROWS, HAIRS))
    single = 1.3 * (own - 0.5) + 0.96 * (drift - 0.5)
    for _ in range(_STUCK):
        single = 0.5 * single + 0.25 * (np.roll(single, 1, axis=1) + np.roll(single, -1, axis=1))
    off = (1.0 - _PASSING) * rng(20, (1, HAIRS)) + _PASSING * rng(21, (_HAIR_ROWS, HAIRS))
    single = _SINGLE * single - _OFF * np.clip((_SCRATCHES - off) / 0.03 + 0.5, 0.0, 1.0)
    locks, broad = np.zeros((_HAIR_ROWS, HAIRS)), np.zeros((_HAIR_ROWS, HAIRS))
    at = np.arange(HAIRS)
    for octave, (count, share, rise) in enumerate(((5, 0.6, 1.54), (13, 0.4, 0.7))):
        knots = 0.4 * rng(3 + 2 * octave, (1, count + 1)) + 0.6 * rng(4 + 2 * octave, (_HAIR_ROWS, count + 1))
        place = at * count / HAIRS
        left = place.astype(int)
        t = place - left
        t = t * t * (3.0 - 2.0 * t)
        wave = knots[:, left] + t * (knots[:, left + 1] - knots[:, left])
        locks += share * wave
        broad += rise * (wave - 0.5)
    # Only where locks part is there a gap: half of the width stays as it is.
    heights = np.stack([single + broad, np.maximum(1.6 * (locks - 0.5), 0.0)], axis=1).astype(np.float32)
    heights.flags.writeable = False
    return heights


def _uniforms(seed: int) -> Callable[[int, tuple[int, int]], NDArray[np.float64]]:
    """Return a function of a stream and a shape to numbers in [0, 1): splitmix64, the same on every machine."""

    def draw(stream: int, shape: tuple[int, int]) -> NDArray[np.float64]:
        mask = (1 << 64) - 1
        start = np.uint64((seed + stream * 0xD1B54A32D192ED03) & mask)
        v = start + np.arange(1, shape[0] * shape[1] + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        v = (v ^ (v >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        v = (v ^ (v >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        v ^= v >> np.uint64(31)
        return ((v >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)

    return draw


@lru_cache(maxsize=4)
def paper_heights(paper: str, seed: int, left: float, top: float, cell_mm: float) -> NDArray[np.float32]:
    """Return the grain of a paper in the cells of a box: float32 [1024, 1024], 0 to 1; lengths in mm."""
    kind = PAPERS[paper]
    heights = np.empty((GRID, GRID), np.float32)
    # A grain finer than a few cells would be noise of the grid, so a small box has it larger.
    fine, coarse = (max(wave, 2.0 * cell_mm) for wave in (kind.fine, kind.coarse))
    kernels.ink_paper(seed, GRID, GRID, left, top, cell_mm, fine, coarse, kind.share, heights)
    if kind.rough != 1.0:
        heights = np.float32(0.5) + np.float32(kind.rough) * (heights - np.float32(0.5))
    heights.flags.writeable = False
    return heights


def resized(picture: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the means of a square picture's cells over ``size`` by ``size`` pixels, at most as many as it has."""
    side = len(picture)
    if side % size == 0:
        return _means(picture, side // size)
    edges = np.arange(size + 1) * (side / size)
    for axis in (0, 1):
        total = np.concatenate([np.zeros((1, picture.shape[1])), np.cumsum(picture, axis=0, dtype=np.float64)])
        whole = np.minimum(edges.astype(int), side - 1)
        share = (edges - whole)[:, None]
        at = total[whole] + share * (total[whole + 1] - total[whole])
        picture = ((at[1:] - at[:-1]) * (size / side)).astype(np.float32).T
        del axis
    return np.ascontiguousarray(picture)


def ink_picture(
    brush: BrushModel,
    paths: Sequence[NDArray[np.float64]],
    ink: Ink,
    *,
    size: int = 256,
    box: float = BOX,
    side: float | None = None,
    corner: tuple[float, float] = (0.0, 0.0),
    dips: Sequence[bool] | None = None,
    shaped: Callable[[Bundle], object] | None = None,
    bundle: Bundle | None = None,
    spread: bool = True,
) -> NDArray[np.float32]:
    """Return what strokes leave on paper, float32 [size, size] in [0, 1].

    Args:
        brush: what writes.
        paths: handle paths, each float64 [n, 3] in metres in the box.
        ink: how the brush is loaded, and the paper.
        size: pixels of the box's side, 32 to 1024; the grain is the same in every size.
        box: side of the character box in metres.
        side: its side on the paper in metres, if it is scaled there; ``box`` unless given.
        corner: its top left corner on the paper in metres.
        dips: whether the brush is dipped before each stroke; before each unless given.
        shaped: how a dip fills and shapes the tuft; as `Sketch.dip` does unless given.
        bundle: the tuft as the last character left it, which goes on; freshly dipped unless given.
        spread: whether the paper drinks.

    Raises:
        HierbrushError: an argument is out of range.
    """
    size = check_whole("size", size, MIN_SIDE, MAX_SIDE, unit="pixels")
    paths = check_list("paths", paths, "handle paths, each [n, 3] metres")
    told = [True] * len(paths) if dips is None else check_list("dips", dips, "True or False for each stroke")
    if len(told) != len(paths):
        raise HierbrushError(f"dips: {len(told)} of them, expected {len(paths)}, one for each stroke")
    sketch = Sketch(brush, ink, box=box, side=side, corner=corner, bundle=bundle)
    for path, dip in zip(paths, told, strict=True):
        if dip and shaped is not None:
            shaped(sketch.bundle)
        sketch.stroke(path, dip=dip and shaped is None)
    coverage = trace(brush, paths, side=GRID, supersample=2, box=box, directions=sketch.directions)
    return resized(sketch.tone(coverage, spread=spread), size)
