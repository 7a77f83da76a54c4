"""Writing a character without a hierarchy: one hand that is told the brief and moves the handle at every control tick.

This is what the two levels are measured against. The hand knows no strokes, no goals and no follower: it sees the
brush, the ink around it and a summary of the brief, and answers with the handle's velocity. It has the brush, the
paper, the limits and the smoothness of the handle that primitives have, but nobody carries it from stroke to stroke and
nobody dips it: it must lift and travel by itself, for which it gets some more ticks.

An observation is f32 [OBSERVATION_SIZE]; lengths are in units of 3 mm where nothing else is said:

==========  =====  =============================================================================================
columns     count  content
==========  =====  =============================================================================================
brush          18  handle x, y (-1 to 1 in the box), place within its block of pixels (2, 0 to 1); press depth,
                   width and offset of the mark; direction of the tuft (2); last three commands minus handle (9)
progress        2  ticks done / ticks; ticks left / 256
summary        65  strokes of each type / 4 (38); outermost operator (12, one-hot); for its first three components, or
                   the character itself, strokes / 10 and the box that the library expects (5 each, zero if none)
quarters       16  ink expected but not there, less ink there but not expected, in 4 x 4 parts of the page (shares)
blocks        169  the same in the 13 x 13 blocks of 16 pixels around the handle; -1 beyond the page
eye            98  7 x 7 points around the handle, 6 pixels apart: whether ink is expected, whether there is ink
==========  =====  =============================================================================================

The ink expected is what the component library expects: the priors of the brief, all strokes drawn at once. It is the
same for any order of the strokes and holds nothing of the character's own glyph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hierbrush.composer.brief import Brief
from hierbrush.composer.place import stroke_goals
from hierbrush.composer.tree import OPERATORS, SLOTS
from hierbrush.metrics import SIDE
from hierbrush.sim import BOX, BrushBatch, BrushModel, HandleLimits, rasterise
from hierbrush.sim.hand import lift_off
from hierbrush.sim.reference import pack
from hierbrush.strokes.follower import FOLLOWER
from hierbrush.strokes.types import ABBREVIATIONS, NUMBER

F32 = NDArray[np.float32]
Bools = NDArray[np.bool_]
Index = NDArray[np.int64]
Words = NDArray[np.uint64]

WEIGHTS = Path(__file__).resolve().parent / "weights" / "flat.safetensors"

TICKS_A_STROKE = 36
"""Control ticks for each stroke of a character: primitives take 32 on training characters, and the ways through the air
from one stroke to the next, which cost the hierarchy no tick, take 4 at the handle's highest speed."""

_PAGE_WORDS = SIDE * SIDE // 64
_BLOCK = 16
_BLOCKS = SIDE // _BLOCK
_QUARTER = 4
_REACH = 6
_EYE, _EYE_PITCH = 7, 6

_BRUSH, _PROGRESS = 18, 2
_PART = 5
_SUMMARY = len(ABBREVIATIONS) + len(OPERATORS) + SLOTS * _PART
_STATE_END = _BRUSH + _PROGRESS
_SUMMARY_END = _STATE_END + _SUMMARY
_QUARTERS_END = _SUMMARY_END + (_BLOCKS // _QUARTER) ** 2
_BLOCKS_END = _QUARTERS_END + (2 * _REACH + 1) ** 2
OBSERVATION_SIZE = _BLOCKS_END + 2 * _EYE * _EYE
ACTION_SIZE = 3

# An action of 1 is as fast as the handle of a primitive can be.
_LIMITS = HandleLimits()
_REACH_OF_ALL = BOX / 2
_FASTEST = np.array([_LIMITS.move, _LIMITS.move, _LIMITS.press])
_REST = np.array([BOX / 2, BOX / 2, -FOLLOWER.height])


@dataclass(frozen=True, eq=False)
class FlatTasks:
    """What the hand is told of G characters.

    Attributes:
        summary: f32 [G, columns], as in the table above.
        expected: uint64 [G, words], packed ink that the component library expects.
        ticks: int32 [G], control ticks to write in.
    """

    summary: F32
    expected: Words
    ticks: NDArray[np.int32]

    @classmethod
    def of(cls, briefs: Sequence[Brief]) -> FlatTasks:
        """Return the tasks for briefs; about 0.2 ms a stroke."""
        return cls(
            np.stack([_summary(brief) for brief in briefs]),
            np.stack([_expected(brief) for brief in briefs]),
            np.array([TICKS_A_STROKE * len(brief) for brief in briefs], np.int32),
        )


def _summary(brief: Brief) -> F32:
    types = np.bincount([NUMBER[kind] for kind in brief.stroke_types], minlength=len(ABBREVIATIONS)) / 4
    operator = np.zeros(len(OPERATORS))
    if brief.tree.operator:
        operator[OPERATORS.index(brief.tree.operator)] = 1.0
    parts = np.zeros((SLOTS, _PART))
    for slot, part in enumerate((brief.tree.children or (brief.tree,))[:SLOTS]):
        boxes = brief.prior[list(part.strokes), :4]
        low, high = (boxes[:, :2] - boxes[:, 2:] / 2).min(axis=0), (boxes[:, :2] + boxes[:, 2:] / 2).max(axis=0)
        parts[slot] = (len(part.strokes) / 10, *(low + high - 1), *(high - low))
    return np.concatenate([types, operator, parts.ravel()]).astype(np.float32)


def _expected(brief: Brief) -> Words:
    outlines = [goal.outline for goal in stroke_goals(brief.stroke_types, brief.prior, len(brief))]
    return pack(rasterise(outlines, SIDE, supersample=1) >= 0.5)


class FlatBatch:
    """N characters written side by side, each by a hand that moves at every control tick, on one `BrushBatch`.

    Args:
        tasks: the characters.
        model: the brush.
        slots: N.
        threads: workers that share the slots.
        seed: of the simulator.

    Attributes:
        brushes: the simulator.
        area: int64 [N], samples of the glyphs.
    """

    def __init__(self, tasks: FlatTasks, model: BrushModel, slots: int, *, threads: int = 1, seed: int = 0) -> None:
        self.brushes = BrushBatch(
            model, slots, side=SIDE, box=BOX, supersample=1, limits=_LIMITS, threads=threads, seed=seed
        )
        self.brushes.want(np.zeros((1, _PAGE_WORDS), np.uint64))
        self.area = np.ones(slots, np.int64)
        self._ticks = np.ones(slots, np.int32)
        self._observation = np.zeros((slots, OBSERVATION_SIZE), np.float32)
        self._expected = np.zeros((slots, _PAGE_WORDS), np.uint64)
        self._expected_blocks = np.zeros((slots, _BLOCKS, _BLOCKS), np.float32)
        self._tasks = tasks

    @property
    def done(self) -> Bools:
        """Characters whose ticks are over: bool [N]."""
        over: Bools = self.brushes.tick >= self._ticks
        return over

    def begin(self, rows: Index, tasks: Index, wanted: Words | None = None) -> None:
        """Begin characters on blank pages, the brush in the air over the middle.

        Args:
            rows: int64 [n], which of the N.
            tasks: int64 [n], numbers of the characters.
            wanted: uint64 [n, words], packed glyphs by which ``brushes.counts`` tells ink on the glyph from ink beside
                it; without them all ink is beside. The hand does not see them.
        """
        self._observation[rows, _STATE_END:_SUMMARY_END] = self._tasks.summary[tasks]
        self._expected[rows] = self._tasks.expected[tasks]
        self._expected_blocks[rows] = _block_ink(self._expected[rows])
        self._ticks[rows] = self._tasks.ticks[tasks]
        if wanted is not None:
            self.brushes.want(wanted, rows)
            self.area[rows] = np.maximum(np.bitwise_count(wanted).sum(axis=1), 1)
        brushes = self.brushes
        brushes.clear(rows)
        brushes.dip(rows)
        brushes.place(np.tile(_REST, (len(rows), 1)), rows)

    def step(self, velocity: F32) -> None:
        """Move every handle for one control tick.

        Args:
            velocity: f32 [N, 3] in [-1, 1], x, y and press depth; beyond is cut. 1 is the handle's limit, 8 mm a tick
                in the plane and 5 mm in depth; a depth of 0 and less is in the air.
        """
        brushes = self.brushes
        command = brushes.command[:, 0] + np.clip(velocity, -1.0, 1.0) * _FASTEST
        # As an action would tell it, from the middle of the box: commands stay in it, and are as fine as float32.
        told = ((command - _REST) / _REACH_OF_ALL).astype(np.float32)
        brushes.follow(_REST + np.clip(told.astype(np.float64), -1.0, 1.0) * _REACH_OF_ALL)

    def observe(self) -> F32:
        """Return what every hand sees now: f32 [N, OBSERVATION_SIZE], written over by the next call."""
        batch, seen, unit = self.brushes, self._observation, self.brushes.limits.unit
        pose, tuft = batch.position, batch.tuft
        pixel = pose[:, :2] * (SIDE / BOX)
        block = np.clip(np.floor(pixel / _BLOCK).astype(np.int64), 0, _BLOCKS - 1)
        seen[:, 0:2] = pose[:, :2] * (2 / BOX) - 1
        seen[:, 2:4] = pixel / _BLOCK - block
        seen[:, 4] = pose[:, 2] / unit
        seen[:, 5:7] = tuft[:, [0, 2]] / unit
        seen[:, 7:9] = batch.direction
        seen[:, 9:18] = ((batch.command - pose[:, None]) / unit).reshape(len(seen), -1)
        ticks = self._ticks
        seen[:, 18] = batch.tick / ticks
        seen[:, 19] = (ticks - batch.tick) / 256
        ink = batch.packed
        left = self._expected_blocks - _block_ink(ink)
        quarters = _BLOCKS // _QUARTER
        seen[:, _SUMMARY_END:_QUARTERS_END] = (
            left.reshape(-1, quarters, _QUARTER, quarters, _QUARTER).mean(axis=(2, 4)).reshape(len(seen), -1)
        )
        around = np.pad(left, ((0, 0), (_REACH, _REACH), (_REACH, _REACH)), constant_values=-1.0)
        width = around.shape[2]
        first = block[:, 1] * width + block[:, 0]
        seen[:, _QUARTERS_END:_BLOCKS_END] = np.take_along_axis(
            around.reshape(len(seen), -1), first[:, None] + _BLOCK_STEPS, axis=1
        )
        points = np.floor(pixel).astype(np.int64)[:, None] + _EYE_STEPS
        within = ((points >= 0) & (points < SIDE)).all(axis=2)
        column, row = np.clip(points, 0, SIDE - 1).transpose(2, 0, 1)
        for start, page in ((_BLOCKS_END, self._expected), (_BLOCKS_END + _EYE * _EYE, ink)):
            byte = np.take_along_axis(page.view(np.uint8), row * (SIDE // 8) + (column >> 3), axis=1)
            seen[:, start : start + _EYE * _EYE] = (byte >> (column & 7).astype(np.uint8)) & within
        return seen


_AROUND = np.arange(2 * _REACH + 1)
_BLOCK_STEPS = (_AROUND[:, None] * (_BLOCKS + 2 * _REACH) + _AROUND).ravel()
_EYE_ROWS, _EYE_COLUMNS = np.mgrid[:_EYE, :_EYE].reshape(2, -1) * _EYE_PITCH - _EYE // 2 * _EYE_PITCH
_EYE_STEPS = np.stack([_EYE_COLUMNS, _EYE_ROWS], axis=1)


def _block_ink(pages: Words) -> F32:
    """Return the share of ink in every block of packed pages uint64 [n, words]: f32 [n, 16, 16]."""
    # Every second row is counted: half the time, and a block's 128 pixels fit into the byte that they are summed in.
    rows = pages.view("<u2").reshape(len(pages), SIDE // 2, 2, _BLOCKS)[:, :, 0]
    counts = np.bitwise_count(rows).view("<u8").reshape(len(pages), _BLOCKS, _BLOCK // 2, _BLOCKS // 8)
    by_block = counts.sum(axis=2, dtype=np.uint64).view(np.uint8).reshape(len(pages), _BLOCKS, _BLOCKS)
    shares: F32 = by_block.astype(np.float32) / np.float32(_BLOCK * _BLOCK // 2)
    return shares


def write_flat(briefs: Sequence[Brief], policy: Callable[[F32], F32], model: BrushModel) -> list[NDArray[np.float64]]:
    """Write characters side by side and return the handle's paths.

    Args:
        briefs: what the hand is told of each.
        policy: from observations f32 [n, OBSERVATION_SIZE] to velocities f32 [n, 3], such as an `MLPPolicy`.
        model: the brush.

    Returns:
        For each character one path as of `write_strokes`, float64 [n, 3], metres: two rows a control tick, from rest to
        rest in the air.
    """
    tasks = FlatTasks.of(briefs)
    batch = FlatBatch(tasks, model, len(briefs))
    every = np.arange(len(briefs))
    batch.begin(every, every)
    brushes = batch.brushes
    poses = [brushes.position.copy()]
    commands = []
    for _ in range(int(tasks.ticks.max())):
        batch.step(policy(batch.observe()))
        poses += [brushes.midway.copy(), brushes.position.copy()]
        commands.append(brushes.command.copy())
    # Those of fewer strokes went on moving beside the others; what they did after their time is left out.
    return [
        np.concatenate(
            [[pose[slot] for pose in poses[: 2 * ticks + 1]], lift_off(commands[ticks - 1][slot], FOLLOWER.height)]
        )
        for slot, ticks in enumerate(tasks.ticks.tolist())
    ]
