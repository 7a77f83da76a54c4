"""Writing strokes with a policy: goals in, handle paths out, many at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array, check_kind, check_number, check_path, check_whole
from hierbrush.box import BOX, MAX_BOX, MIN_BOX
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.sim import BrushModel, GoalBank, HandleLimits, StrokeBatch
from hierbrush.sim.hand import lift_off
from hierbrush.strokes.follower import FOLLOWER
from hierbrush.strokes.goal import StrokeGoal, check_goals

# The simulator adds a handle's error only where it is told of one; this much is none.
_NO_ERROR, _LASTING = 1e-12, 1000.0

# Strokes that write side by side: enough to keep the core busy, few enough to keep the bank in the cache.
_ROUND = 512
_TRACKED = 64  # strokes whose tracks are made at once

Act = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class StrokePolicy(Protocol):
    """Anything that turns observations of strokes into actions.

    ``observation`` names the observation it reads (see ``sim/observation.py``).
    """

    observation: str

    def bind(self, stroke_types: Sequence[str]) -> Act:
        """Return a function from observations float32 [n, columns] of strokes of these n types to actions [n, 3]."""
        ...


class Hand(Protocol):
    """Anything that holds brushes and does not quite take them where it is told, such as simulated arms.

    ``slots`` is how many brushes it holds.
    """

    slots: int

    def begin(self, batch: StrokeBatch, slots: NDArray[np.int64]) -> None:
        """Hold the brushes of these slots where their strokes begin."""
        ...

    def errors(self, batch: StrokeBatch, actions: NDArray[np.float32], count: int) -> NDArray[np.float64]:
        """Return by how much the first ``count`` handles are off after a tick of these actions, [slots, 3] metres."""
        ...


def expect_errors(batch: StrokeBatch, slots: NDArray[np.int64] | None = None) -> None:
    """Let a batch's handles err by what `BrushBatch.set_error` says before each tick, and by nothing else."""
    check_kind("batch", batch, StrokeBatch, "a StrokeBatch")
    batch.set_noise(_NO_ERROR, slots, correlation=_LASTING)


class ZeroPolicy:
    """No residual: the scripted follower itself."""

    observation = "none"

    def bind(self, stroke_types: Sequence[str]) -> Act:
        """Return a function that answers zeros, float32 [n, 3]."""
        zeros = np.zeros((len(stroke_types), 3), dtype=np.float32)
        return lambda observation: zeros


class RandomPolicy:
    """Uniform residuals: what a policy that has learned nothing does."""

    observation = "none"

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(check_whole("seed", seed, 0))

    def bind(self, stroke_types: Sequence[str]) -> Act:
        """Return a function that answers uniform actions in [-1, 1], float32 [n, 3]."""
        shape = (len(stroke_types), 3)
        return lambda observation: self._rng.uniform(-1.0, 1.0, shape).astype(np.float32)


# Policies that need no weights. "zero" and "scripted" are the same thing by construction, a residual of nothing being
# the follower; both names stay because users ask for the one and tables report the other.
CONTROLS: dict[str, Callable[[int], StrokePolicy]] = {
    "scripted": lambda seed: ZeroPolicy(),
    "zero": lambda seed: ZeroPolicy(),
    "random": RandomPolicy,
}


PLANNED = "planned"
"""The name of what is no policy but a search, see `hierbrush.planner`; whole characters are written by it."""

POLICIES = ("learned", PLANNED, *CONTROLS)


def stroke_policy(policy: str | PathLike[str], seed: int = 0) -> StrokePolicy:
    """Return a policy by name: ``"learned"``, a control, a ``.safetensors`` file, or the folder of a training.

    Raises:
        HierbrushError: there is no such policy, or its weights cannot be used.
    """
    seed = check_whole("seed", seed, 0)
    if isinstance(policy, str) and policy in CONTROLS:
        return CONTROLS[policy](seed)
    if isinstance(policy, str) and policy == PLANNED:
        raise HierbrushError(
            f"policy: {PLANNED!r} is a search, which only characters can be written by; hierbrush.planner has it for "
            "strokes"
        )
    # Reading weights is only worth its import when a policy has learned something.
    from hierbrush.strokes.learned import policy_at, shipped_policy

    return shipped_policy() if isinstance(policy, str) and policy == "learned" else policy_at(_path(policy))


def policy_name(policy: str | PathLike[str]) -> str:
    """Return the name by which `stroke_policy` knows a policy, once it is sure that it can be used.

    Where stroke types of a user's weights are as shipped, a warning says so.

    Raises:
        HierbrushError: there is no such policy, or its weights cannot be used.
    """
    if isinstance(policy, str) and policy in POLICIES:
        return policy
    from hierbrush.strokes.learned import policy_at, tell

    path = _path(policy)
    tell(policy_at(path), path)
    return path


def _path(policy: object) -> str:
    """Return the path that a policy is given as, if something is there."""
    if not isinstance(policy, str | PathLike):
        raise HierbrushError(
            f"policy: must be {', '.join(POLICIES)} or the path of trained weights, not {type(policy).__name__}"
        )
    path = str(check_path("policy", policy))
    if not os.path.exists(path):
        raise HierbrushError(
            f"policy: {shown(policy)} is neither a file, nor the folder of a training, nor one of "
            f"{', '.join(POLICIES)}{closest(path, list(POLICIES))}"
        )
    return path


def write_strokes(
    goals: Sequence[StrokeGoal],
    model: BrushModel,
    *,
    policy: str | PathLike[str] | StrokePolicy = "scripted",
    seed: int = 0,
    box: float = BOX,
    limits: HandleLimits | None = None,
    noise: float = 0.0,
    noise_correlation: float = 0.0,
    noise_feedback: float = 0.0,
    brushes: NDArray[np.float64] | None = None,
    directions: NDArray[np.float64] | None = None,
    hand: Hand | None = None,
) -> list[NDArray[np.float64]]:
    """Write strokes and return the handle's paths.

    Args:
        goals: what to write; strokes do not see each other.
        model: the brush that the follower plans for and, without ``brushes``, writes with.
        policy: one, or what `stroke_policy` makes one of.
        seed: of random policies and of the handle's error.
        box: side of the character box in metres.
        limits: how far an action may take the handle.
        noise: standard deviation of the handle's error in each axis, metres.
        noise_correlation: seconds over which that error drifts; see `BrushBatch.set_noise`.
        noise_feedback: share of that error that the arm sees and corrects a tick later; see there.
        brushes: float64 [len(goals), 10], the brush that each stroke is really written with (robustness tests).
        directions: float64 [len(goals), 2], where the tip points before each stroke; as a dip leaves it unless given.
        hand: what really holds the brushes, in place of the handle's error here.

    Returns:
        For each goal float64 [n, 3], x, y and press depth in metres in the character box, two rows a control tick. The
        handle starts and ends at rest in the air, and between the rows it moves in straight lines; they are samples of
        a curve with continuous acceleration, and of the handle's error where there is ``noise``.

    Raises:
        HierbrushError: an argument is out of range.
    """
    goals = check_goals(goals)
    check_kind("model", model, BrushModel, "a BrushModel")
    box = check_number("box", box, MIN_BOX, MAX_BOX, "metres")
    if brushes is not None:
        brushes = check_array("brushes", brushes, (len(goals), 10), f"[{len(goals)}, 10] brush parameters")
    if directions is not None:
        directions = check_array("directions", directions, (len(goals), 2), f"[{len(goals)}, 2] directions")
    if hand is not None and not all(hasattr(hand, name) for name in ("slots", "begin", "errors")):
        raise HierbrushError(f"hand: {shown(hand)}, expected a Hand or None")
    # Any object with these two will do.
    acting = policy if hasattr(policy, "bind") and hasattr(policy, "observation") else stroke_policy(policy, seed)
    seed = check_whole("seed", seed, 0, 2**63)
    tracks = [
        track
        for start in range(0, len(goals), _TRACKED)
        for track in FOLLOWER.tracks(goals[start : start + _TRACKED], model, box)
    ]
    paths: list[NDArray[np.float64]] = [np.empty((0, 3))] * len(goals)
    # Longest first: strokes that are over then form the tail, and a step skips them.
    order = sorted(range(len(goals)), key=lambda i: -len(tracks[i]))
    most = _ROUND if hand is None else hand.slots
    for start in range(0, len(order), most):
        chosen = order[start : start + most]
        bank = GoalBank.build([goals[i].outline for i in chosen], [tracks[i] for i in chosen], box=box)
        batch = StrokeBatch(bank, model, len(chosen), observation=acting.observation, limits=limits, seed=seed + start)
        if brushes is not None:
            batch.set_brushes(brushes[chosen])
        batch.assign(np.arange(len(chosen)))
        if directions is not None:
            batch.turn(directions[chosen])
        batch.set_noise(noise, correlation=noise_correlation, feedback=noise_feedback)
        act = acting.bind([goals[i].stroke_type for i in chosen])
        for index, path in zip(chosen, handle_paths(batch, act, hand), strict=True):
            paths[index] = path
    return paths


def handle_paths(batch: StrokeBatch, act: Act, hand: Hand | None = None) -> list[NDArray[np.float64]]:
    """Write the strokes that a batch was just given, longest first, and return the handle's paths.

    Args:
        batch: every slot at the start of its stroke.
        act: takes observations, gives actions.
        hand: what really holds the brushes.

    Returns:
        A path for each slot, as of `write_strokes`.

    Raises:
        HierbrushError: ``batch`` is no `StrokeBatch`, or ``act`` cannot be called.
    """
    check_kind("batch", batch, StrokeBatch, "a StrokeBatch")
    check_kind("act", act, Callable, "a function of observations")  # type: ignore[arg-type]
    lengths = batch.bank.ticks[batch.goal]
    most = int(lengths.max())
    poses = np.empty((2 * most + 1, batch.slots, 3))
    commands = np.empty((most + 1, *batch.command.shape))
    if hand is not None:
        expect_errors(batch)
        hand.begin(batch, np.arange(batch.slots))
    position, midway, command = batch.position, batch.midway, batch.command
    poses[0], commands[0] = position, command
    observation = batch.observe() if batch.observation.shape[1] else batch.observation
    for tick, writing in enumerate((lengths[:, None] > np.arange(most)).sum(axis=0).tolist()):
        # Sorted by length, a round's strokes end together or nearly so: acting for all of them wastes little.
        actions = act(observation)
        if hand is not None:
            batch.set_error(hand.errors(batch, actions, writing))
        batch.track(actions, 0, writing)
        poses[2 * tick + 1], poses[2 * tick + 2], commands[tick + 1] = midway, position, command
    paths = []
    for slot, ticks in enumerate(lengths.tolist()):
        paths.append(np.concatenate([poses[: 2 * ticks + 1, slot], lift_off(commands[ticks, slot], FOLLOWER.height)]))
    return paths
