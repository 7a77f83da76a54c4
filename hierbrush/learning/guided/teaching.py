"""Strokes that a policy writes, and what it is told about them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError
from hierbrush.files import write_atomically
from hierbrush.metrics import SIDE
from hierbrush.planner import Rollouts, Scenarios, lessons
from hierbrush.sim import BrushModel, GoalBank, StrokeBatch, rasterise
from hierbrush.strokes.follower import FOLLOWER
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.rollout import Hand, expect_errors

F32 = NDArray[np.float32]

Act = Callable[[F32], F32]


class Written(NamedTuple):
    """A stroke as written: float32 [ticks, 219] seen and [ticks, 3] done; errors [ticks, 3] of a hand, if any."""

    seen: F32
    actions: F32
    errors: NDArray[np.float64] | None


class Taught(NamedTuple):
    """n states that a policy came to, and the strokes that they are from, all float32.

    ``obs`` [n, columns] is what it saw, ``actions`` [n, 3] what was best, ``weights`` [n, 3, 3] what missing it costs;
    ``fitness`` [strokes].
    """

    obs: F32
    actions: F32
    weights: F32
    fitness: F32

    def save(self, file: Path) -> None:
        """Write an npz file, whole or not at all."""
        stream = io.BytesIO()
        np.savez(stream, **self._asdict())
        write_atomically(file, stream.getvalue())

    @classmethod
    def load(cls, file: Path) -> Taught:
        """Read back what `save` wrote.

        Raises:
            HierbrushError: it cannot be read.
        """
        try:
            with np.load(file, allow_pickle=False) as columns:
                return cls(*(columns[name] for name in cls._fields))
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise HierbrushError(f"{file}: cannot be read: {error}") from None


def teach(
    goals: Sequence[StrokeGoal],
    act: Act,
    rng: np.random.Generator,
    *,
    brush: float,
    noise: float,
    model: BrushModel | None = None,
    directions: NDArray[np.float64] | None = None,
    hand: Hand | None = None,
    told: Callable[[], object] = lambda: None,
) -> Taught:
    """Let a policy write strokes and return what it should have done.

    Args:
        goals: the strokes.
        act: the policy, from observations [n, 219] to actions [n, 3].
        rng: of brushes, noise and derivatives.
        brush: share by which brushes are off; every third one is exact.
        noise: standard deviation of what is added to the policy's actions, so that it meets more states.
        model: the brush that the strokes are written with; ``measured`` unless given.
        directions: where the tuft points before each stroke, [n, 2]; as a dip leaves it unless given.
        hand: what really holds the brush. Where it was off is taken as given: what would have been best with the same
            errors, of which a policy then learns what can be told from what it sees.
        told: is called after each stroke.
    """
    model = BrushModel.preset("measured") if model is None else model
    rows = model.randomised(len(goals), brush, rng)
    rows[::3] = model.parameters()
    written = write(goals, rows, act, noise, rng, model, hand, directions)
    labels = []
    starts = [None] * len(goals) if directions is None else list(directions)
    for goal, row, start, (_, actions, errors) in zip(goals, rows, starts, written, strict=True):
        scenario = Scenarios(row[None], np.zeros((1, 3)))
        ink = rasterise([goal.outline], SIDE)
        rollouts = Rollouts(goal, model, ink, 3 * len(actions) + 1, scenarios=scenario, errors=errors, direction=start)
        labels.append(lessons(rollouts, actions, rng))
        told()
    return Taught(
        np.concatenate([seen for seen, _, _ in written]),
        np.concatenate([label.actions for label in labels]),
        np.concatenate([label.weights for label in labels]),
        np.array([label.fitness for label in labels], np.float32),
    )


def write(
    goals: Sequence[StrokeGoal],
    brushes: NDArray[np.float64],
    act: Act,
    noise: float,
    rng: np.random.Generator,
    model: BrushModel | None = None,
    hand: Hand | None = None,
    directions: NDArray[np.float64] | None = None,
) -> list[Written]:
    """Return what a policy saw and did in each stroke, and by how much its hand was off.

    ``model`` is the brush that the follower plans for, ``measured`` unless given; ``brushes`` [strokes, 10] are those
    that write.
    """
    model = BrushModel.preset("measured") if model is None else model
    tracks = FOLLOWER.tracks(goals, model)
    order = sorted(range(len(goals)), key=lambda at: -len(tracks[at]))
    most = len(goals) if hand is None else hand.slots
    found: dict[int, Written] = {}
    for start in range(0, len(order), most):
        chosen = order[start : start + most]
        bank = GoalBank.build([goals[at].outline for at in chosen], [tracks[at] for at in chosen])
        batch = StrokeBatch(bank, model, len(chosen), observation="full")
        batch.set_brushes(brushes[chosen])
        batch.assign(np.arange(len(chosen)))
        if directions is not None:
            batch.turn(directions[chosen])
        found |= zip(chosen, _write(batch, act, noise, rng, hand), strict=True)
    return [found[at] for at in range(len(goals))]


def _write(
    batch: StrokeBatch, act: Act, noise: float, rng: np.random.Generator, hand: Hand | None
) -> Iterator[Written]:
    """Yield what was seen and done in each slot of a batch that is at its strokes' beginnings, longest first."""
    lengths, seen, done, off = batch.bank.ticks, [batch.observe().copy()], [], []
    if hand is not None:
        expect_errors(batch)
        hand.begin(batch, np.arange(batch.slots))
    for tick in range(int(lengths.max())):
        shaken = act(seen[-1]) + noise * rng.standard_normal((batch.slots, 3), np.float32)
        done.append(np.clip(shaken, -1.0, 1.0))
        writing = int(np.count_nonzero(lengths > tick))
        if hand is not None:
            off.append(hand.errors(batch, done[-1], writing))
            batch.set_error(off[-1])
        batch.track(done[-1], 0, writing)
        seen.append(batch.observation.copy())
    obs, actions, errors = np.array(seen), np.array(done), np.array(off) if off else None
    for slot, ticks in enumerate(lengths.tolist()):
        yield Written(obs[:ticks, slot], actions[:ticks, slot], None if errors is None else errors[:ticks, slot])
