"""Strokes that a policy writes, and what it is told about them."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
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

F32 = NDArray[np.float32]

Act = Callable[[F32], F32]


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
        told: is called after each stroke.
    """
    model = BrushModel.preset("measured") if model is None else model
    rows = model.randomised(len(goals), brush, rng)
    rows[::3] = model.parameters()
    written = write(goals, rows, act, noise, rng, model)
    labels = []
    for goal, row, (_, actions) in zip(goals, rows, written, strict=True):
        scenario = Scenarios(row[None], np.zeros((1, 3)))
        ink = rasterise([goal.outline], SIDE)
        rollouts = Rollouts(goal, model, ink, 3 * len(actions) + 1, scenarios=scenario)
        labels.append(lessons(rollouts, actions, rng))
        told()
    return Taught(
        np.concatenate([seen for seen, _ in written]),
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
) -> list[tuple[F32, F32]]:
    """Return what a policy saw, float32 [ticks, 219], and did, [ticks, 3], in each stroke.

    ``model`` is the brush that the follower plans for, ``measured`` unless given; ``brushes`` [strokes, 10] are those
    that write.
    """
    model = BrushModel.preset("measured") if model is None else model
    tracks = FOLLOWER.tracks(goals, model)
    order = sorted(range(len(goals)), key=lambda at: -len(tracks[at]))
    bank = GoalBank.build([goals[at].outline for at in order], [tracks[at] for at in order])
    batch = StrokeBatch(bank, model, len(goals), observation="full")
    batch.set_brushes(brushes[order])
    batch.assign(np.arange(len(goals)))
    seen, done = [batch.observe().copy()], []
    for tick in range(int(bank.ticks.max())):
        shaken = act(seen[-1]) + noise * rng.standard_normal((len(goals), 3), np.float32)
        done.append(np.clip(shaken, -1.0, 1.0))
        batch.track(done[-1], 0, int(np.count_nonzero(bank.ticks > tick)))
        seen.append(batch.observation.copy())
    obs, actions = np.array(seen), np.array(done)
    found = {at: (obs[:ticks, slot], actions[:ticks, slot]) for slot, (at, ticks) in _slots(order, bank)}
    return [found[at] for at in range(len(goals))]


def _slots(order: Sequence[int], bank: GoalBank) -> list[tuple[int, tuple[int, int]]]:
    return list(enumerate(zip(order, bank.ticks.tolist(), strict=True)))
