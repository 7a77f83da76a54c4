"""Writing strokes with a policy: goals in, handle paths out, many at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_array, check_kind, check_list, check_number, check_path, check_whole
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.sim import BrushModel, GoalBank, HandleLimits, StrokeBatch
from hierbrush.sim.hand import lift_off
from hierbrush.sim.raster import BOX, MAX_BOX, MIN_BOX
from hierbrush.strokes.follower import FOLLOWER
from hierbrush.strokes.goal import StrokeGoal

# Strokes that write side by side: enough to keep the core busy, few enough to keep the bank in the cache.
_ROUND = 512

Act = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class StrokePolicy(Protocol):
    """Anything that turns observations of strokes into actions.

    ``observation`` names the observation it reads (see ``sim/observation.py``).
    """

    observation: str

    def bind(self, stroke_types: Sequence[str]) -> Act:
        """Return a function from observations float32 [n, columns] of strokes of these n types to actions [n, 3]."""
        ...


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

    Returns:
        For each goal float64 [n, 3], x, y and press depth in metres in the character box, two rows a control tick. The
        handle starts and ends at rest in the air, and between the rows it moves in straight lines; they are samples of
        a curve with continuous acceleration, and of the handle's error where there is ``noise``.

    Raises:
        HierbrushError: an argument is out of range.
    """
    goals = check_list("goals", goals, "StrokeGoals")
    for at, goal in enumerate(goals):
        check_kind(f"goals[{at}]", goal, StrokeGoal, "a StrokeGoal")
    check_kind("model", model, BrushModel, "a BrushModel")
    box = check_number("box", box, MIN_BOX, MAX_BOX, "metres")
    if brushes is not None:
        brushes = check_array("brushes", brushes, (len(goals), 10), f"[{len(goals)}, 10] brush parameters")
    if directions is not None:
        directions = check_array("directions", directions, (len(goals), 2), f"[{len(goals)}, 2] directions")
    # Any object with these two will do.
    acting = policy if hasattr(policy, "bind") and hasattr(policy, "observation") else stroke_policy(policy, seed)
    seed = check_whole("seed", seed, 0, 2**63)
    tracks = [FOLLOWER.track(goal, model, box) for goal in goals]
    paths: list[NDArray[np.float64]] = [np.empty((0, 3))] * len(goals)
    # Longest first: strokes that are over then form the tail, and a step skips them.
    order = sorted(range(len(goals)), key=lambda i: -len(tracks[i]))
    for start in range(0, len(order), _ROUND):
        chosen = order[start : start + _ROUND]
        bank = GoalBank.build([goals[i].outline for i in chosen], [tracks[i] for i in chosen], box=box)
        batch = StrokeBatch(bank, model, len(chosen), observation=acting.observation, limits=limits, seed=seed + start)
        if brushes is not None:
            batch.set_brushes(brushes[chosen])
        batch.assign(np.arange(len(chosen)))
        if directions is not None:
            batch.turn(directions[chosen])
        batch.set_noise(noise, correlation=noise_correlation, feedback=noise_feedback)
        act = acting.bind([goals[i].stroke_type for i in chosen])
        for index, path in zip(chosen, handle_paths(batch, act), strict=True):
            paths[index] = path
    return paths


def handle_paths(batch: StrokeBatch, act: Act) -> list[NDArray[np.float64]]:
    """Write the strokes that a batch was just given, longest first, and return the handle's paths.

    Args:
        batch: every slot at the start of its stroke.
        act: takes observations, gives actions.

    Returns:
        A path for each slot, as of `write_strokes`.

    Raises:
        HierbrushError: ``batch`` is no `StrokeBatch`, or ``act`` cannot be called.
    """
    check_kind("batch", batch, StrokeBatch, "a StrokeBatch")
    check_kind("act", act, Callable, "a function of observations")  # type: ignore[arg-type]
    lengths = batch.bank.ticks[batch.goal]
    poses = [batch.position.copy()]
    commands = [batch.command.copy()]
    observation = batch.observe() if batch.observation.shape[1] else batch.observation
    for tick in range(int(lengths.max())):
        # Sorted by length, a round's strokes end together or nearly so: acting for all of them wastes little.
        batch.track(act(observation), 0, int(np.count_nonzero(lengths > tick)))
        poses += [batch.midway.copy(), batch.position.copy()]
        commands.append(batch.command.copy())
    paths = []
    for slot, ticks in enumerate(lengths.tolist()):
        written = np.stack([pose[slot] for pose in poses[: 2 * ticks + 1]])
        paths.append(np.concatenate([written, lift_off(commands[ticks][slot], FOLLOWER.height)]))
    return paths
