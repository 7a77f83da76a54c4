"""A brush's numbers from what it drew: least squares on blurred coverage, which changes smoothly with every number.

The renderer is the simulator itself, so a known brush is found again exactly; blurring its anti-aliased coverage makes
the residual differentiable, and Gauss-Newton with a Marquardt term descends it, from a wide blur to a narrow one.
Strokes of a real brush differ by up to a quarter of their width, so every stroke has factors of its own besides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array, check_kind, check_whole
from hierbrush.brushes.identified import SPREADS, BrushFile
from hierbrush.brushes.refine import refined
from hierbrush.brushes.sheet import CELL_SHAPE, CalibrationSheet
from hierbrush.errors import HierbrushError
from hierbrush.sim import BrushModel

Told = Callable[[int, float], object]

NAMES = (
    "width_slope", "width_intercept", "length_slope", "length_intercept", "offset_quadratic", "offset_slope",
    "offset_intercept", "root_ratio", "back_ratio", "max_depth",
)  # fmt: skip
"""The ten numbers, in the order of :meth:`BrushModel.parameters`."""

# A change of each that moves an edge by some 0.05 mm: what is a small step, and the unit in which they are fitted.
_STEPS = np.array([0.006, 5e-5, 0.006, 5e-5, 0.8, 0.006, 5e-5, 0.008, 0.012, 5e-5])
# Columns of the row that each factor of a stroke scales.
_SCALED = ((0, 1), (2, 3), (4, 5, 6), (7,), (8,))
# Changes of a stroke's own factors that move an edge as far.
_FACTOR_STEPS = np.array([0.01, 0.01, 0.04, 0.03, 0.015])
_ROUGH = 0.12  # share of a difference that is no derivative, from which it counts half
_BLURS = ((4.0, 4), (2.5, 30), (1.5, 10), (0.8, 20))  # standard deviation in pixels, most iterations
_WIDER = 3.0  # times as large are the differences that are tried where small ones lead no further
_AMISS = 0.03  # root mean square of what is left of a stroke that counts half, at least
_SETTLING_BLUR = 1.5
_ALIKE, _MOST_SETTLING, _SETTLED = 0.03, 25, 2e-4  # strokes that differ by less are taken to be alike
_MOST_REFINING = 24
_DONE = 2e-3  # steps: smaller changes end a blur
_LOW = np.array([0.0, -0.01, 0.0, -0.01, -1000.0, -10.0, -0.01, 0.0, 0.01, 1e-3])
_HIGH = np.array([10.0, 0.01, 10.0, 0.01, 1000.0, 10.0, 0.01, 1.0, 3.0, 0.03])
# Numbers times these are where a search begins.
_ELSEWHERE = np.array(
    [
        [1.0] * 10,
        [0.9, 1.0, 1.2, 0.8, 1.2, 1.2, 1.0, 0.7, 1.0, 0.9],
        [1.1, 1.0, 0.8, 1.2, 0.8, 0.8, 1.0, 1.3, 1.0, 0.8],
        [0.9, 1.5, 0.9, 1.0, 0.7, 1.1, 1.5, 1.0, 0.9, 0.85],
    ]
)
# Fits that leave that much more are as good: times as much, and in coverage.
_AS_WELL, _ALMOST = 2.0, 0.002
_SCANNED = 0.03  # coverage of a pixel that a scan is wrong by, at least
# Standard error, as a share of the number (or of what moves an edge by 0.1 mm), beyond which it is not determined.
_UNSURE = 0.10


@dataclass(frozen=True, eq=False)
class BrushFit:
    """What a fit found.

    Attributes:
        model: the brush.
        spread: how much strokes differ: standard deviations of factors around 1, by the names of `SPREADS`.
        error: standard error of each of the ten numbers, in its own unit: what the pictures' own noise leaves open, and
            how far fits that begin elsewhere and explain them as well come to other numbers.
        sheets: how many sheets like this one would determine each number; 1 where it is determined, infinity where no
            number of them would.
        undetermined: names of those that the pictures do not determine; they are near where the fit began.
        factors: float64 [n, 5], each stroke's own factors.
        rendered: what the fitted strokes look like, float32 [n, 94, 128].
        residual: root mean square of what is left, of the pixels with ink in either.
    """

    model: BrushModel
    spread: dict[str, float]
    error: NDArray[np.float64]
    sheets: NDArray[np.float64]
    undetermined: tuple[str, ...]
    factors: NDArray[np.float64]
    rendered: NDArray[np.float32]
    residual: float

    def file(self) -> BrushFile:
        """Return what is written to a brush file."""
        return BrushFile(self.model, self.spread, self.undetermined)


def fit_brush(
    ink: NDArray[np.float32],
    filled: NDArray[np.bool_] | None = None,
    *,
    start: BrushModel | None = None,
    scatter: float = 0.2,
    starts: int = 3,
    progress: Told | None = None,
) -> BrushFit:
    """Fit a brush to the cells of filled calibration sheets.

    Args:
        ink: float32 [45, 94, 128] in [0, 1], as of `read_scan`; of several sheets one after another.
        filled: which cells count; all unless given.
        start: where the fit begins and what numbers keep that the pictures do not determine; ``measured``.
        scatter: how much strokes are expected to differ, a share: 0 fits one brush to all.
        starts: from how many places the search begins where strokes differ; the best is kept, and how far the others
            lie off it says how sure it is.
        progress: is told the iteration and the residual.

    Raises:
        HierbrushError: a wrong shape, or pictures that no brush leaves.
    """
    each = len(CalibrationSheet().cells)
    shape = (each, *CELL_SHAPE)
    pages = max(len(ink) // each, 1) if isinstance(ink, np.ndarray) and ink.ndim else 1
    whole = (pages * each, *CELL_SHAPE)
    wanted = check_array("ink", ink, whole, f"{list(shape)} coverage", dtype=np.float32)
    kept = np.ones(whole[0], bool) if filled is None else np.asarray(filled, bool)
    start = BrushModel() if start is None else start
    check_kind("start", start, BrushModel, "a BrushModel")
    starts = check_whole("starts", starts, 1, len(_ELSEWHERE))
    sheet, told, found = CalibrationSheet(pages), _Counted(progress), []
    for change in _ELSEWHERE[:starts]:
        found.append(_descended(Fitting(sheet, wanted, kept, scatter), start.parameters() * change, told))
        if found[-1][0].scatter == 0.0:  # strokes that are alike leave nothing open
            break
    return _finished(found, start)


class _Counted:
    """Tells the iterations of several searches as those of one."""

    def __init__(self, progress: Told | None) -> None:
        self._progress, self._count = progress, 0

    def __call__(self, residual: float) -> None:
        self._count += 1
        if self._progress is not None:
            self._progress(self._count, residual)


_Found = tuple["Fitting", NDArray[np.float64], NDArray[np.float64]]


def _descended(fitting: Fitting, row: NDArray[np.float64], told: _Counted) -> _Found:
    """Return where a search from some numbers ends: the fitting, the numbers, and each stroke's factors."""
    factors = np.ones((len(fitting.kept), len(_SCALED)))
    damping = 1e-2
    for number, (blur, most) in enumerate(_BLURS):
        fitting.blur(blur)
        # Strokes get factors of their own once the whole is nearly right.
        own = fitting.scatter > 0 and number > 0
        for _ in range(most):
            row, factors, change, damping = fitting.improve(row, factors, own, damping)
            told(fitting.residual)
            if change < _DONE and fitting.reach > 1.0:
                break
            # Small differences are those of single samples, large ones those of the shape: each gets over the other's
            # dead ends.
            fitting.reach = _WIDER if change < _DONE else 1.0
        fitting.reach = 1.0
    if fitting.scatter < _ALIKE:
        row, factors = _settled(fitting, row, factors, told)
    else:
        row, factors = refined(fitting, row, factors, told, _MOST_REFINING)
    return fitting, row, factors


def _settled(
    fitting: Fitting, row: NDArray[np.float64], factors: NDArray[np.float64], told: _Counted
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the numbers of strokes that are all alike, fitted without factors of their own."""
    fitting.scatter, damping, factors = 0.0, 1e-6, np.ones_like(factors)
    # So near the end a difference is to be trusted, and what is trusted less holds the search up.
    fitting.trusting = True
    fitting.blur(_SETTLING_BLUR)
    for _ in range(_MOST_SETTLING):
        row, factors, change, damping = fitting.improve(row, factors, False, damping)
        told(fitting.residual)
        if change < _SETTLED and fitting.reach > 1.0:
            break
        fitting.reach = _WIDER if change < _SETTLED else 1.0
    fitting.reach, fitting.trusting = 1.0, False
    fitting.blur(_BLURS[-1][0])
    return row, factors


class Fitting:
    """The residual of filled sheets under one blur, and steps that make it smaller.

    ``row`` are the ten numbers, float64 [10]; ``factors`` each stroke's own, float64 [cells, 5].
    """

    def __init__(
        self, sheet: CalibrationSheet, wanted: NDArray[np.float32], kept: NDArray[np.bool_], scatter: float
    ) -> None:
        self.sheet, self.kept, self.scatter = sheet, kept, scatter
        self._raw = wanted
        self.noise = 0.05
        self.residual = np.inf
        self.reach, self.trusting, self.steps = 1.0, False, _STEPS
        self.weight = np.ones(int(kept.sum()))

    def blur(self, sigma: float) -> None:
        """Compare pictures blurred by ``sigma`` pixels from now on."""
        self._sigma = sigma
        self.wanted = self._blurred(self._raw)

    def _blurred(self, cells: NDArray[np.float32]) -> NDArray[np.float64]:
        from scipy.ndimage import gaussian_filter

        soft = gaussian_filter(cells, (0, self._sigma, self._sigma), mode="constant")
        return np.asarray(soft[self.kept], np.float64).reshape(int(self.kept.sum()), -1)

    def rows(self, row: NDArray[np.float64], factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the numbers of each stroke, [cells, 10]."""
        rows = np.tile(row, (len(factors), 1))
        for column, scaled in enumerate(_SCALED):
            rows[:, scaled] *= factors[:, column, None]
        return rows

    def render(self, row: NDArray[np.float64], factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the blurred pictures of the kept cells, float64 [kept cells, pixels]."""
        return self._blurred(self.sheet.render(self.rows(row, factors)))

    def improve(
        self, row: NDArray[np.float64], factors: NDArray[np.float64], own: bool, damping: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], float, float]:
        """Return better numbers, the largest change in steps, and the damping to go on with."""
        error = self.left(row, factors)
        normal, gradient = self.normal(row, factors, self.wanted - error, error, own)
        cost = self._cost(error, factors, own)
        for _ in range(12):
            scaled = normal + damping * np.diag(np.diag(normal) + 1e-9 * np.diag(normal).max())
            new_row, new_factors = self.moved(row, factors, np.linalg.solve(scaled, gradient))
            left = self.left(new_row, new_factors)
            if self._cost(left, new_factors, own) < cost:
                self.learn(left, new_factors, own)
                moved = np.abs((new_row - row) / _STEPS).max()
                return new_row, new_factors, float(moved), max(damping / 5, 1e-8)
            damping *= 5
        self.learn(error, factors, own)
        return row, factors, 0.0, 1e-2

    def left(self, row: NDArray[np.float64], factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the pictures have beyond the fit, float64 [kept cells, pixels]."""
        return self.wanted - self.render(row, factors)

    def moved(
        self, row: NDArray[np.float64], factors: NDArray[np.float64], step: NDArray[Any]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return numbers and factors after a step of the numbers alone, or of the numbers and then the factors."""
        row = np.clip(row + step[:10] * _STEPS, _LOW, _HIGH)
        if len(step) == 10:
            return row, factors
        factors = self.scaled(factors, step[10:].reshape(-1, len(_SCALED)))
        # What all strokes have in common is the brush's, not theirs.
        common = factors[self.kept].mean(axis=0)
        for column, columns in enumerate(_SCALED):
            row[list(columns)] *= common[column]
        return np.clip(row, _LOW, _HIGH), factors / common

    def scaled(self, factors: NDArray[np.float64], step: NDArray[Any]) -> NDArray[np.float64]:
        """Return the factors after a step of each kept stroke's own, [kept cells, 5]."""
        factors = factors.copy()
        factors[self.kept] *= np.exp(np.clip(step * _FACTOR_STEPS, -0.3, 0.3))
        return factors

    def learn(self, error: NDArray[np.float64], factors: NDArray[np.float64], own: bool) -> None:
        """Keep how large what is left is: it weighs pictures against the expectation that strokes are alike."""
        self.residual = float(np.sqrt((error * error).mean()))
        # A stroke drawn amiss counts less; but one that is a little off may be the only one that knows a number.
        apart = np.sqrt((error * error).mean(axis=1))
        self.weight = 1.0 / (1.0 + (apart / max(4.0 * float(np.median(apart)), _AMISS)) ** 2)
        self.noise = max(float(np.sqrt((self.weight[:, None] * error * error).mean() / self.weight.mean())), 1e-3)
        if own:
            found = float(np.log(factors[self.kept]).std())
            self.scatter = float(np.clip(found, 0.01, 0.5))

    def _cost(self, error: NDArray[np.float64], factors: NDArray[np.float64], own: bool) -> float:
        if own:
            return float(self.costs(error, factors).sum())
        return float((self.weight[:, None] * error * error).sum()) / self.noise**2 * self._independent

    def costs(self, error: NDArray[np.float64], factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each kept stroke costs: what is left of its picture, and how far its factors are from 1."""
        logs = np.log(factors[self.kept])
        seen = self.weight * (error * error).sum(axis=1) / self.noise**2 * self._independent
        return np.asarray(seen + (logs * logs).sum(axis=1) / self.scatter**2)

    def own_normal(
        self, row: NDArray[np.float64], factors: NDArray[np.float64], error: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the normal matrix [5, 5] and the gradient [5] of each kept stroke's own factors."""
        return self._owned(factors, self._factor_changes(row, factors), error)

    def _owned(
        self, factors: NDArray[np.float64], single: NDArray[np.float64], error: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        level = self._independent / self.noise**2 * self.weight
        prior = (_FACTOR_STEPS / self.scatter) ** 2
        normal = np.einsum("c,cpi,cpj->cij", level, single, single, optimize=True) + np.diag(prior)
        gradient = np.einsum("c,cpi,cp->ci", level, single, error, optimize=True)
        return normal, gradient - prior * np.log(factors[self.kept]) / _FACTOR_STEPS

    @property
    def _independent(self) -> float:
        """Share of the pixels that count as independent of their neighbours, blurred as they are."""
        return 1.0 / max(4 * np.pi * self._sigma**2, 1.0)

    def normal(
        self, row: NDArray[np.float64], factors: NDArray[np.float64], base: NDArray[np.float64],
        error: NDArray[np.float64], own: bool,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
        """Return the normal matrix and the gradient: the ten numbers, then the factors of each cell."""
        level = self._independent / self.noise**2
        shared, trusted = self._changes(row, factors, base), self.weight
        cells = len(base)
        size = 10 + (cells * len(_SCALED) if own else 0)
        normal, gradient = np.zeros((size, size)), np.zeros(size)
        weighed = level * trusted[:, None, None] * shared
        normal[:10, :10] = np.einsum("cpi,cpj->ij", weighed, shared)
        gradient[:10] = np.einsum("cpi,cp->i", weighed, error)
        if not own:
            return normal, gradient
        single = self._factor_changes(row, factors)
        owned, own_gradient = self._owned(factors, single, error)
        gradient[10:] = own_gradient.ravel()
        for cell in range(cells):
            block = slice(10 + cell * len(_SCALED), 10 + (cell + 1) * len(_SCALED))
            normal[block, block] = owned[cell]
            cross = level * trusted[cell] * shared[cell].T @ single[cell]
            normal[:10, block], normal[block, :10] = cross, cross.T
        return normal, gradient

    def _changes(
        self, row: NDArray[np.float64], factors: NDArray[np.float64], base: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return how pictures change with each number, a step: [cells, pixels, 10].

        A stroke hangs on a knife's edge where the tuft falls one way or another as it touches. Its differences to both
        sides do not agree, and must not be mistaken for a steep derivative: they count less.
        """
        changes, steps = [], self.reach * _STEPS
        for at in range(10):
            above, below = row.copy(), row.copy()
            above[at], below[at] = min(row[at] + steps[at], _HIGH[at]), max(row[at] - steps[at], _LOW[at])
            upper, lower = self.render(above, factors) - base, base - self.render(below, factors)
            change = (upper + lower) * (_STEPS[at] / (above[at] - below[at]))
            if above[at] > row[at] > below[at] and not self.trusting:
                apart = ((upper - lower) ** 2).sum(axis=1)
                doubt = apart / ((upper * upper).sum(axis=1) + (lower * lower).sum(axis=1) + 1e-12) / _ROUGH
                change = change / (1.0 + doubt * doubt)[:, None]
            changes.append(change)
        return np.stack(changes, axis=-1)

    def _factor_changes(self, row: NDArray[np.float64], factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how pictures change with each of their factors, a step: [cells, pixels, 5]."""
        return np.stack([self._factor_change(row, factors, at) for at in range(len(_SCALED))], axis=-1)

    def _factor_change(self, row: NDArray[np.float64], factors: NDArray[np.float64], at: int) -> NDArray[np.float64]:
        step = self.reach * _FACTOR_STEPS[at]
        other = factors.copy()
        other[:, at] *= np.exp(step)
        upper = self.render(row, other)
        other[:, at] *= np.exp(-2 * step)
        return (upper - self.render(row, other)) / (2 * self.reach)

    def errors(self, row: NDArray[np.float64], factors: NDArray[np.float64], own: bool) -> NDArray[np.float64]:
        """Return the standard error of each number, infinity where pictures say nothing."""
        base = self.render(row, factors)
        # However well a brush fits, a scan is not known better than that.
        self.noise = max(self.noise, _SCANNED)
        normal, _ = self.normal(row, factors, base, self.wanted - base, own)
        silent = np.diag(normal)[:10] < 1e-7 * np.diag(normal)[:10].max()
        inverse = np.linalg.pinv(normal, rcond=1e-12, hermitian=True)
        deviation = np.sqrt(np.maximum(np.diag(inverse)[:10], 0.0)) * _STEPS
        return np.where(silent, np.inf, deviation)


def _finished(found: Sequence[_Found], start: BrushModel) -> BrushFit:
    found = sorted(found, key=lambda one: one[0].residual)
    fitting, row, factors = found[0]
    noise = fitting.errors(row, factors, fitting.scatter > 0)
    rivals = np.stack([other[1] for other in found if other[0].residual < _AS_WELL * fitting.residual + _ALMOST])
    apart = np.sqrt(((rivals - row) ** 2).sum(axis=0) / max(len(rivals) - 1, 1))
    deviation = np.sqrt(noise**2 + apart**2)
    # A number near 0 is measured against what moves an edge by 0.1 mm.
    size = np.maximum(np.abs(row), 2 * _STEPS)
    unsure = deviation > _UNSURE * size
    with np.errstate(invalid="ignore"):
        sheets = np.maximum(np.ceil((deviation / (_UNSURE * size)) ** 2), 1.0) * fitting.sheet.pages
    # Nothing was pressed deeper than that.
    deep = row[9] > max(cell.path[:, 2].max() for cell in fitting.sheet.cells) - 2 * _STEPS[9]
    unsure[9] |= deep
    sheets[9] = np.inf if deep else sheets[9]
    row = np.where(np.isinf(deviation), start.parameters(), row)
    rendered = fitting.sheet.render(fitting.rows(row, factors))
    if fitting.residual > 0.25:
        raise HierbrushError("scan: no brush of this kind leaves such strokes; were they drawn as the sheet says?")
    if row[0] * row[9] + row[1] <= 0 or row[2] * row[9] + row[3] <= 0:
        raise HierbrushError(
            "scan: the brush that fits best is impossible: it leaves no mark, however deep it is pressed"
        )
    kept = factors[fitting.kept]
    return BrushFit(
        model=model_of(row, start.tip),
        spread={name: float(kept[:, column].std()) for column, name in enumerate(SPREADS)},
        error=deviation,
        sheets=sheets,
        undetermined=tuple(name for name, lost in zip(NAMES, unsure, strict=True) if lost),
        factors=factors,
        rendered=rendered,
        residual=_rms(rendered[fitting.kept], fitting._raw[fitting.kept]),
    )


def _rms(one: NDArray[Any], other: NDArray[Any]) -> float:
    inked = np.maximum(one, other) > 0
    return float(np.sqrt(((one - other)[inked] ** 2).mean())) if inked.any() else 0.0


def model_of(row: NDArray[np.float64], tip: str = "parabola") -> BrushModel:
    """Return the brush whose :meth:`BrushModel.parameters` are ``row``; its offset is used whole."""
    return BrushModel(**dict(zip(NAMES, row.tolist(), strict=True)), offset_scale=1.0, tip=tip)


def residual_picture(ink: NDArray[np.float32], fit: BrushFit) -> NDArray[np.uint8]:
    """Return all cells as one picture in colour: ink of both is grey, the scan's alone red, the fit's alone blue.

    uint8 [rows, columns, 3].
    """
    columns = 5
    tiles = []
    for scan, ours in zip(ink, fit.rendered, strict=True):
        both = np.minimum(scan, ours)
        red, blue = scan - both, ours - both
        light = np.stack([1 - 0.6 * both - blue, 1 - 0.6 * both - red - blue, 1 - 0.6 * both - red], axis=-1)
        tile = np.clip(light, 0, 1)
        tile[:, [0, -1]] = tile[[0, -1]] = 0.8
        tiles.append(tile)
    rows = [np.concatenate(tiles[at : at + columns], axis=1) for at in range(0, len(tiles), columns)]
    return np.asarray(np.rint(255 * np.concatenate(rows)), np.uint8)
