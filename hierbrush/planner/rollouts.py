"""Candidates for one stroke written side by side, and how much of the wanted ink each of them leaves."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hierbrush.metrics import SIDE
from hierbrush.planner.disturbed import Scenarios
from hierbrush.sim import BrushModel, GoalBank, Snapshot, StrokeBatch
from hierbrush.sim.hand import lift_offs
from hierbrush.strokes.follower import FOLLOWER
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.rollout import expect_errors

SUPERSAMPLE = 4
"""Samples a pixel side: that of the fixed metrics, so that what is optimised is what is reported."""

FULL = SUPERSAMPLE**2
_SAMPLES = SIDE * SUPERSAMPLE

Bools = NDArray[np.bool_]
Counts = NDArray[np.uint8]
F32 = NDArray[np.float32]
Actions = NDArray[np.float32]

_T = TypeVar("_T", bound=np.generic)


def _nibbles() -> NDArray[np.uint16]:
    """Return for every byte of samples how many of its two pixels' are set, a byte each side by side."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    counts: NDArray[np.uint16] = bits.reshape(256, 2, SUPERSAMPLE).sum(axis=2, dtype=np.uint8).view(np.uint16)[:, 0]
    return counts


_PIXELS = _nibbles()


class Rollouts:
    """One stroke written by many candidates at once, on the raster of the fixed metrics.

    Candidates are residual actions as a stroke policy gives them, under the same limits. Fitness is the IoU of the
    whole sheet's ink with ``wanted``; without ``under`` that is of the stroke alone. Where there are several scenarios,
    it is their mean.

    Args:
        goal: what the follower runs along.
        model: the brush that the plan is made for.
        wanted: [256, 256], the share of each pixel that should be ink, as `rasterise` gives it.
        candidates: how many are written at once, at most.
        under: bool [1024, 1024], samples that other strokes have inked; none unless given.
        scenarios: brushes and hands; the exact ones unless given.
        errors: float64 [ticks, 3], metres by which the hand is off at each tick whatever the candidate; nothing unless
            given.
        direction: where the tuft points before, [2]; as a dip leaves it unless given.
        box: side of the character box in metres.
    """

    def __init__(
        self,
        goal: StrokeGoal,
        model: BrushModel,
        wanted: F32,
        candidates: int,
        *,
        under: Bools | None = None,
        scenarios: Scenarios | None = None,
        errors: NDArray[np.float64] | None = None,
        direction: NDArray[np.float64] | None = None,
        box: float = 0.12,
    ) -> None:
        self.scenarios = scenarios or Scenarios.exact(model)
        self.candidates, self.spent = candidates, 0
        track = FOLLOWER.track(goal, model, box)
        tracks = [track + np.concatenate([offset, np.zeros(5)]) for offset in self.scenarios.offsets]
        bank = GoalBank.build([goal.outline] * len(tracks), tracks, side=SIDE, box=box, supersample=SUPERSAMPLE)
        self.ticks = int(bank.ticks[0])
        rows = np.tile(self.scenarios.brushes, (candidates, 1))
        self._batch = StrokeBatch(bank, model, len(rows), observation="none")
        self._batch.set_brushes(rows)
        self._batch.assign(np.tile(np.arange(len(tracks)), candidates))
        if direction is not None:
            self._batch.turn(direction)
        self._errors = errors
        if errors is not None:
            expect_errors(self._batch)
        left, top, columns, height = (int(value) for value in bank.window[0])
        self._place = _Place(left, top, columns, height)
        self.wanted = self._place.cut(wanted)
        self.counted = self._place.cut(np.ones((SIDE, SIDE), bool))
        self._begin = self._batch.snapshot()
        self._elsewhere = (0.0, 0.0, 0, 0)
        if under is not None:
            self._lay(under, wanted)
        self._shares = float(wanted.sum())
        self._pixels = int(np.count_nonzero(wanted >= 0.5))

    def _lay(self, under: Bools, wanted: F32) -> None:
        """Let every paper begin with the other strokes' ink, and count what of it lies beyond the window."""
        here = self._place.cut(under, SUPERSAMPLE)
        self._begin.arrays["ink"][:, : here.shape[0] * _words(here.shape[1])] = _packed(here)
        inked = under.reshape(SIDE, SUPERSAMPLE, SIDE, SUPERSAMPLE).sum(axis=(1, 3)) / np.float32(FULL)
        self._place.blank(inked)
        pixels, right = inked >= 0.5, wanted >= 0.5
        common = float(np.minimum(inked, wanted).sum())
        self._elsewhere = (
            common,
            float(inked.sum()) - common,
            int(np.count_nonzero(pixels & right)),
            int(np.count_nonzero(pixels & ~right)),
        )

    @property
    def area(self) -> float:
        """Pixels wanted."""
        return self._shares

    def write(self, actions: Actions) -> Counts:
        """Write n candidates, float32 [n, ticks, 3]; return samples a pixel, uint8 [n, scenarios, height, width]."""
        batch, each = self._batch, len(self.scenarios)
        count = len(actions) * each
        self.spent += len(actions)
        batch.restore(self._begin)
        residual = np.zeros((batch.slots, 3), np.float32)
        for tick in range(self.ticks):
            residual[:count] = np.repeat(actions[:, tick], each, axis=0)
            if self._errors is not None:
                batch.set_error(self._errors[tick])
            batch.track(residual, 0, count)
        poses = np.zeros((batch.slots, 3))
        for pose in lift_offs(batch.command[:count], FOLLOWER.height).swapaxes(0, 1):
            poses[:count] = pose
            batch.step(poses, 0, count)
        return self._counts(count).reshape(len(actions), each, *self.wanted.shape)

    def _counts(self, count: int) -> Counts:
        """Return how many samples of each pixel of the first papers are inked: uint8 [count, height, width]."""
        height, width = self.wanted.shape
        per_row = _words(width * SUPERSAMPLE) * 8
        papers = self._batch.packed[:count, : height * SUPERSAMPLE * per_row // 8]
        samples = papers.view(np.uint8).reshape(count, height, SUPERSAMPLE, per_row)
        pairs = _PIXELS[samples[:, :, 0]]
        for row in range(1, SUPERSAMPLE):
            pairs += _PIXELS[samples[:, :, row]]
        return pairs.view(np.uint8).reshape(count, height, -1)[:, :, :width]

    def fitness(self, counts: Counts) -> NDArray[np.float64]:
        """Return how near what `write` returned is to what is wanted, the mean over the scenarios: float64 [n].

        It is the IoU of areas: what both cover of each pixel over what either does. The pixels' own IoU, which tables
        report, is blind to what happens within a pixel: who searches by it alone finds ink that fits the raster and
        leaves the shape as it was.
        """
        inked = counts * (np.float32(1.0 / FULL) * self.counted)
        common = np.minimum(inked, self.wanted).sum(axis=(2, 3), dtype=np.float64)
        beyond = inked.sum(axis=(2, 3), dtype=np.float64) - common
        hits, misses, _, _ = self._elsewhere
        return _mean_iou(common + hits, beyond + misses, self._shares)

    def iou(self, counts: Counts) -> NDArray[np.float64]:
        """Return the IoU as the fixed metrics have it, by whole pixels, the mean over the scenarios: float64 [n]."""
        ink, right = (counts >= FULL // 2) & self.counted, self.wanted >= 0.5
        _, _, hits, misses = self._elsewhere
        common = np.count_nonzero(ink & right, axis=(2, 3)) + hits
        beyond = np.count_nonzero(ink & ~right, axis=(2, 3)) + misses
        return _mean_iou(common, beyond, self._pixels)

    def samples(self, actions: Actions) -> Bools:
        """Return the samples of the box that a movement, float32 [ticks, 3], inks alone: bool [1024, 1024]."""
        kept = self._begin
        self._begin = _without_ink(kept)
        self.write(actions[None])
        self._begin = kept
        self.spent -= 1
        height, width = (extent * SUPERSAMPLE for extent in self.wanted.shape)
        packed = self._batch.packed[0, : height * _words(width)].view(np.uint8)
        bits = np.unpackbits(packed, bitorder="little").reshape(height, -1)[:, :width]
        return self._place.put(bits.astype(bool), SUPERSAMPLE)


def _mean_iou(common: NDArray[Any], beyond: NDArray[Any], wanted: float) -> NDArray[np.float64]:
    """Return the mean IoU [n] from what is common, [n, scenarios], what is ink beyond it, and all that is wanted."""
    mean: NDArray[np.float64] = (common / np.maximum(wanted + beyond, 1e-9)).mean(axis=1)
    return mean


def _without_ink(begin: Snapshot) -> Snapshot:
    return Snapshot({**begin.arrays, "ink": np.zeros_like(begin.arrays["ink"])})


class _Place:
    """A window, in pixels, which may reach beyond the box."""

    def __init__(self, left: int, top: int, columns: int, rows: int) -> None:
        self.shape = rows, columns
        self._spans = [_overlap(top, rows), _overlap(left, columns)]

    def cut(self, whole: NDArray[_T], scale: int = 1) -> NDArray[_T]:
        """Return the window's part of a raster of the box; what lies beyond the box is 0."""
        part = np.zeros([extent * scale for extent in self.shape], whole.dtype)
        inside, outside = self._slices(scale)
        part[inside] = whole[outside]
        return part

    def put(self, part: Bools, scale: int = 1) -> Bools:
        """Return a raster of the box that is False but for the window's part."""
        whole = np.zeros((SIDE * scale, SIDE * scale), bool)
        inside, outside = self._slices(scale)
        whole[outside] = part[inside]
        return whole

    def blank(self, whole: F32) -> None:
        """Make the window's part of a raster of the box 0."""
        whole[self._slices(1)[1]] = 0.0

    def _slices(self, scale: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        inside, outside = zip(
            *((slice(scale * a, scale * (a + n)), slice(scale * b, scale * (b + n))) for a, b, n in self._spans),
            strict=True,
        )
        return inside, outside


def _overlap(start: int, extent: int) -> tuple[int, int, int]:
    """Return where a window's overlap with the box begins in the window and in the box, and how long it is."""
    first = min(max(start, 0), SIDE)
    return first - start, first, max(min(start + extent, SIDE) - first, 0)


def _words(samples: int) -> int:
    return (samples + 63) // 64


def _packed(bits: Bools) -> NDArray[np.uint64]:
    """Return rows of samples as the core holds them, each padded to whole words, one after another."""
    height, width = bits.shape
    padded = np.zeros((height, 64 * _words(width)), bool)
    padded[:, :width] = bits
    return np.packbits(padded, axis=1, bitorder="little").view(np.uint64).ravel()
