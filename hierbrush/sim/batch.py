"""Brushes writing side by side: the mutable half of the simulator."""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeGuard, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hierbrush.arguments import check_array, check_choice, check_kind, check_number, check_whole
from hierbrush.box import BOX, MAX_BOX, MIN_BOX
from hierbrush.errors import HierbrushError, shown
from hierbrush.sim.arrays import KEPT, empty_slots
from hierbrush.sim.bank import GoalBank
from hierbrush.sim.core_choice import kernels
from hierbrush.sim.goal_slots import GoalSlots
from hierbrush.sim.hand import TICK_SECONDS, HandleLimits
from hierbrush.sim.model import BrushModel
from hierbrush.sim.observation import OBSERVATIONS
from hierbrush.sim.raster import check_raster, coverage

# A writer holds the brush so that its tip points up and to the left when it comes down.
REST_DIRECTION = (-(0.5**0.5), -(0.5**0.5))
_FARTHEST = 4.0
# Twice the largest that BrushModel allows, for brushes randomised around it.
_LARGEST_PARAMETER = 4000.0
# Slots below which handing work to another thread costs more than it saves.
_LEAST_SHARE = 64

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


def _alone(
    method: Callable[Concatenate[Any, _Given], _Answer],
) -> Callable[Concatenate[Any, _Given], _Answer]:
    """Refuse a call of a batch's method while another one runs: the core works on the arrays without the GIL.

    A caller that comes in the instant in which another begins waits for it instead. Asking first and then taking the
    lock in a ``with`` is what Ctrl-C cannot part from giving it back, and a signal handler gets an error, no deadlock.
    """

    @wraps(method)
    def guarded(self: Any, /, *args: _Given.args, **kwargs: _Given.kwargs) -> _Answer:
        if self._turn.locked():
            raise HierbrushError(
                f"{method.__name__}: this batch is at work in another call; it is for one caller at a time, so make a "
                "batch for each thread, or one with 'threads'"
            )
        with self._turn:
            return method(self, *args, **kwargs)

    return guarded


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everything mutable of a batch at one moment; :meth:`BrushBatch.restore` goes back to it."""

    arrays: dict[str, NDArray[Any]]


class BrushBatch:
    """N brushes on N papers; one call advances all of them by one control tick (20 Hz of simulated time).

    Each tick holds as many substeps as keep the handle's stamps half a pixel apart or closer. Slots never touch each
    other's memory, so the result does not depend on ``threads`` or on how a range is split.

    A batch is for one caller at a time: a call while another thread's runs raises `HierbrushError`, and what the
    properties show is then half done.

    Args:
        model: one brush for all slots, one for each, or float64 [N, 10] rows as of :meth:`BrushModel.parameters`.
        slots: N, at least 1.
        side: pixels of a paper's side, 32 to 1024; the paper is the character box.
        box: side of the character box in metres.
        supersample: samples a pixel side: 1 is binary ink at pixel centres (training), 4 gives anti-aliased coverage.
        spacing: metres between stamps at most; half a pixel by default.
        limits: how far a command may take a handle, for `follow`.
        threads: workers that share the slots of a step.
        seed: of the per-slot counter-based random numbers.

    Raises:
        HierbrushError: an argument is out of range.
    """

    _bank: GoalBank | None = None

    def __init__(
        self,
        model: BrushModel | Sequence[BrushModel] | NDArray[np.float64],
        slots: int,
        *,
        side: int = 256,
        box: float = BOX,
        supersample: int = 1,
        spacing: float | None = None,
        limits: HandleLimits | None = None,
        threads: int = 1,
        seed: int = 0,
    ) -> None:
        side, supersample = check_raster(side, supersample)
        words = side * supersample * ((side * supersample + 63) // 64)
        self._open(model, slots, (side, box, supersample, words), spacing, limits, threads, seed)
        self._arrays["window"][:] = (0, 0, side, side)

    def _open(
        self,
        model: BrushModel | Sequence[BrushModel] | NDArray[np.float64],
        slots: int,
        paper: tuple[int, float, int, int],
        spacing: float | None,
        limits: HandleLimits | None,
        threads: int,
        seed: int,
        columns: int = 0,
    ) -> None:
        side, box, supersample, words = paper
        if limits is not None:
            check_kind("limits", limits, HandleLimits, "HandleLimits")
        self._turn = threading.Lock()
        self.slots = check_whole("slots", slots, 1, 1 << 20)
        self.box = check_number("box", box, MIN_BOX, MAX_BOX, "metres")
        self.threads = check_whole("threads", threads, 1, 256)
        self._seed = check_whole("seed", seed, 0, (1 << 64) - 1)
        half_pixel = 0.5 * self.box / side
        self._spacing = half_pixel if spacing is None else check_number("spacing", spacing, 1e-6, 0.1, "metres")
        self.side, self.supersample, self.limits = int(side), int(supersample), limits or HandleLimits()
        rows, footprint, network = _brushes(model, self.slots)
        self._arrays = {"footprint": footprint, **empty_slots(self.slots, ink=words, observation=columns)}
        if network is not None:
            self._arrays["network"] = network
        self._arrays["direction"][:] = REST_DIRECTION
        self.set_brushes(rows)
        self._bind()
        self._helpers: tuple[int, ThreadPoolExecutor] | None = None

    def _bind(self) -> None:
        """Make the kernel, for the arrays as they are."""
        if isinstance(self._bank, GoalSlots):
            self._bank.turns.add(self._turn)
        self._kernel = kernels.Batch(
            {**self._arrays, **(self._bank.arrays if self._bank else {})},
            supersample=self.supersample,
            per_metre=self.side * self.supersample / self.box,
            spacing=self._spacing,
            unit=self.limits.unit,
            reach=self.limits.reach,
            max_move=self.limits.move,
            max_press=self.limits.press,
            lift_height=self.limits.lift,
            seed=self._seed,
        )

    def __getstate__(self) -> dict[str, Any]:
        # The kernel points into the arrays, and threads and locks cannot be copied; a copy makes its own.
        return {name: value for name, value in vars(self).items() if name not in ("_kernel", "_helpers", "_turn")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._helpers = None
        self._turn = threading.Lock()
        self._bind()

    @_alone
    def reseed(self, seed: int) -> None:
        """Draw the handles' random errors anew from ``seed``; what a slot draws next follows from it and the slot.

        Raises:
            HierbrushError: not a whole number from 0 to 2^64 - 1.
        """
        self._seed = check_whole("seed", seed, 0, (1 << 64) - 1)
        self._arrays["draws"][:] = 0
        self._bind()

    @_alone
    def set_brushes(self, rows: NDArray[np.float64], slots: ArrayLike | None = None) -> None:
        """Give slots other brushes: float64 [n or 1, 10] as of :meth:`BrushModel.parameters` or ``.randomised``.

        Raises:
            HierbrushError: a wrong shape, or a value that no brush has.
        """
        self._put("params", _check_rows("rows", rows), slots)

    @_alone
    def set_noise(
        self,
        sigma: ArrayLike,
        slots: ArrayLike | None = None,
        *,
        correlation: float = 0.0,
        feedback: float = 0.0,
    ) -> None:
        """Give the handles of slots a random error in every axis, where they follow commands.

        Args:
            sigma: standard deviation in metres.
            slots: which; all by default.
            correlation: seconds after which the error's autocorrelation has fallen to 1/e, as in a first-order
                autoregression: 0 is a new error every tick (vibration), about a second is how an arm's backlash and
                calibration err along a path. A stroke begins with an error of the full standard deviation.
            feedback: share (0 to 1) of the error of the last tick that is taken off the next command: 1 is an arm whose
                encoders see the error and whose controller closes the loop on them, 0 one that nobody measures.

        Raises:
            HierbrushError: not numbers from 0 to 0.1 m, ``correlation`` is not 0 to 1000 s, or ``feedback`` not 0 to 1.
        """
        values = _as_array("sigma", sigma, np.float64)
        if not ((values >= 0) & (values <= 0.1)).all():
            raise HierbrushError(f"sigma: {shown(sigma)}, expected metres from 0 to 0.1")
        seconds = check_number("correlation", correlation, 0.0, 1000.0, "seconds")
        memory = math.exp(-TICK_SECONDS / seconds) if seconds > 0 else 0.0
        gain = check_number("feedback", feedback, 0.0, 1.0, "a share")
        fresh = values * math.sqrt(1.0 - memory * memory)
        columns = [values, np.full_like(values, memory), fresh, np.full_like(values, gain)]
        self._put("noise", np.stack(columns, axis=-1), slots)

    @_alone
    def set_error(self, error: ArrayLike, slots: ArrayLike | None = None) -> None:
        """Give handles the error from which `set_noise` goes on in the next tick, such as that of a simulated arm.

        Args:
            error: metres in every axis, [n, 3] or [3].
            slots: which; all by default.

        Raises:
            HierbrushError: no numbers of at most 0.1 m, or a wrong shape.
        """
        values = _as_array("error", error, np.float64)
        if values.shape[-1:] != (3,) or not (np.abs(values) <= 0.1).all():
            raise HierbrushError(f"error: {shown(error)}, expected metres from -0.1 to 0.1, [n, 3] or [3]")
        self._put("drift", values, slots)

    def _put(self, name: str, values: NDArray[Any], slots: ArrayLike | None) -> None:
        target = self._arrays[name]
        chosen = slice(None) if slots is None else self._chosen(slots)
        try:
            target[chosen] = values
        except (ValueError, IndexError):
            count = self.slots if slots is None else len(np.atleast_1d(np.asarray(slots)))
            raise HierbrushError(f"{name}: shape {values.shape} for {count} slots of {target.shape[1:]} each") from None

    def _chosen(self, slots: ArrayLike) -> NDArray[np.int64]:
        chosen = np.atleast_1d(_indices("slots", slots))
        if chosen.dtype.kind not in "iu" or chosen.ndim != 1 or ((chosen < 0) | (chosen >= self.slots)).any():
            raise HierbrushError(f"slots: {shown(slots)}, expected indices from 0 to {self.slots - 1}")
        return chosen.astype(np.int64)

    def _read_only(self, name: str) -> NDArray[Any]:
        view = self._arrays[name].view()
        view.flags.writeable = False
        return view

    @property
    def position(self) -> NDArray[np.float64]:
        """Handles: live read-only float64 [N, 3], x, y and press depth z in metres; z of 0 or less is in the air."""
        return self._read_only("pose")

    @property
    def direction(self) -> NDArray[np.float64]:
        """Unit vectors from handle to tip: live read-only float64 [N, 2]."""
        return self._read_only("direction")

    @property
    def tuft(self) -> NDArray[np.float64]:
        """Width, length and offset of the marks: live read-only float64 [N, 3], metres; zero when lifted."""
        return self._read_only("tuft")

    @property
    def nbytes(self) -> int:
        """Memory that the batch owns in bytes (a bank of goals not included)."""
        return sum(array.nbytes for array in self._arrays.values())

    @_alone
    def place(self, position: ArrayLike, slots: ArrayLike | None = None) -> None:
        """Lift the brush, carry it through the air and hold it at ``position`` (metres, [3] or [n, 3]); no ink.

        A depth above 0 counts as a touch only from the next step on. Commands begin anew there.

        Raises:
            HierbrushError: not finite, or farther than 4 m from the origin.
        """
        poses = self._checked(position, "position")
        self._hold(poses, slots)
        if self._bank is None:  # otherwise the tick counts along the goal
            self._put("tick", np.zeros(1, dtype=np.int32), slots)

    def _hold(self, poses: NDArray[np.float64], slots: ArrayLike | None) -> None:
        # The grid of the core: positions on it add and subtract exactly, so ink is the same wherever a stroke lies.
        held = np.rint(poses * 2.0**32) / 2.0**32
        self._put("pose", held, slots)
        self._put("midway", held, slots)
        self._put("command", held[..., None, :], slots)
        for name in ("root", "tuft", "moved"):
            self._put(name, np.zeros(1), slots)

    @_alone
    def want(self, papers: NDArray[np.uint64], slots: ArrayLike | None = None) -> None:
        """Say what ink is wanted on the papers of slots, so that :attr:`counts` tells it from ink beside it.

        Args:
            papers: uint64 [n or 1, words], samples packed as in :attr:`packed`.
            slots: which; all by default.

        Raises:
            HierbrushError: a wrong shape, or brushes with goals, which say themselves what is wanted.
        """
        if self._bank is not None:
            raise HierbrushError("papers: these brushes have goals, which say themselves what is wanted")
        words = check_array("papers", papers, (None, None), "packed samples [n, words]", dtype=np.uint64, finite=False)
        if "wanted" not in self._arrays:
            self._arrays["wanted"] = np.zeros_like(self._arrays["ink"])
            self._bind()
        self._put("wanted", words, slots)

    @_alone
    def dip(self, slots: ArrayLike | None = None) -> None:
        """Refill and straighten the tuft; its tip points to the upper left again, as before a first stroke."""
        self._straighten(slots)

    @_alone
    def turn(self, direction: ArrayLike, slots: ArrayLike | None = None) -> None:
        """Turn lifted tufts: their tips point along ``direction`` ([2] or [n, 2], any length) when they next touch.

        Raises:
            HierbrushError: not finite, or of no length.
        """
        way = _as_array("direction", direction, np.float64)
        if way.shape[-1:] != (2,) or way.ndim > 2:
            raise HierbrushError(f"direction: shape {way.shape}, expected [n, 2] or [2]")
        length = np.sqrt((way * way).sum(axis=-1, keepdims=True))
        if not (np.isfinite(length) & (length > 1e-12)).all():
            raise HierbrushError("direction: holds NaN, infinity or nothing but zeros, expected vectors with a length")
        # What has the length 1 already keeps its bits.
        self._put("direction", np.where(np.abs(length - 1.0) < 1e-12, way, way / length), slots)

    def _straighten(self, slots: ArrayLike | None) -> None:
        for name in ("root", "tuft"):
            self._put(name, np.zeros(1), slots)
        self._put("direction", np.array(REST_DIRECTION), slots)

    @_alone
    def clear(self, slots: ArrayLike | None = None) -> None:
        """Put a blank paper under the slots and count ink from zero."""
        self._blank(slots)

    def _blank(self, slots: ArrayLike | None) -> None:
        self._put("ink", np.zeros(1, dtype=np.uint64), slots)
        self._put("counts", np.zeros(1, dtype=np.int32), slots)

    @_alone
    def step(self, target: ArrayLike, lo: int = 0, hi: int | None = None) -> None:
        """Advance slots ``lo`` to ``hi - 1`` by one control tick, the handles moving in straight lines to ``target``.

        Args:
            target: [N, 3] (or [3] for all), metres.
            lo: first slot.
            hi: one past the last slot; all by default.

        Raises:
            HierbrushError: not finite, farther than 4 m from the origin, or a range outside the batch.
        """
        self._advance(self._kernel.step, target, lo, hi)

    @_alone
    def follow(self, target: ArrayLike, lo: int = 0, hi: int | None = None) -> None:
        """Advance by one control tick as a hand does: ``target`` is the next command, within its limits.

        The handle follows the uniform cubic B-spline of its commands (about a tick behind), so that its speed and
        acceleration are continuous; it moves in two straight lines a tick, by way of :attr:`midway`. `set_noise` gives
        it an error.

        Args:
            target: [N, 3] (or [3] for all), metres.
            lo: first slot.
            hi: one past the last slot; all by default.

        Raises:
            HierbrushError: not finite, farther than 4 m from the origin, or a range outside the batch.
        """
        self._advance(self._kernel.command, target, lo, hi)

    def _advance(self, kernel: Any, target: ArrayLike, lo: int, hi: int | None) -> None:
        poses = self._checked(target, "target")
        lo, hi = self._range(lo, hi)
        self._put("target", poses, None)
        self._spread(kernel, lo, hi)

    @property
    def midway(self) -> NDArray[np.float64]:
        """Where the handles were half a tick ago, where they follow commands: live read-only float64 [N, 3], metres."""
        return self._read_only("midway")

    @property
    def command(self) -> NDArray[np.float64]:
        """The last three commanded poses, newest first: live read-only float64 [N, 3, 3], metres."""
        return self._read_only("command")

    @property
    def counts(self) -> NDArray[np.int32]:
        """Newly inked samples inside and outside what is wanted, this tick and in total: live read-only int32 [N, 4].

        Without goals, and without what :meth:`want` says, all is outside.
        """
        return self._read_only("counts")

    @property
    def tick(self) -> NDArray[np.int32]:
        """Ticks of commands done: live read-only int32 [N]."""
        return self._read_only("tick")

    def _range(self, lo: int, hi: int | None) -> tuple[int, int]:
        hi = self.slots if hi is None else hi
        if type(lo) is not int or type(hi) is not int:  # most calls are quick
            lo, hi = check_whole("lo", lo, 0, self.slots), check_whole("hi", hi, 0, self.slots)
        if not 0 <= lo <= hi <= self.slots:
            raise HierbrushError(f"lo, hi: {lo} to {hi}, expected a range within 0 to {self.slots}")
        return lo, hi

    def _checked(self, position: ArrayLike, name: str) -> NDArray[np.float64]:
        poses = _as_array(name, position, np.float64)
        if poses.shape[-1:] != (3,) or poses.ndim > 2:
            raise HierbrushError(f"{name}: shape {poses.shape}, expected [n, 3] or [3]")
        if not (np.abs(poses) <= _FARTHEST).all():
            raise HierbrushError(
                f"{name}: holds NaN, infinity or more than {_FARTHEST:g} m, expected metres within the box"
            )
        return poses

    def _spread(self, kernel: Callable[[int, int], None], lo: int, hi: int) -> None:
        try:
            self._share_out(kernel, lo, hi)
        except ValueError as error:  # what only the arrays themselves show, such as a goal replaced but not assigned
            raise HierbrushError(str(error)) from None

    def _share_out(self, kernel: Callable[[int, int], None], lo: int, hi: int) -> None:
        if self.threads == 1 or hi - lo <= _LEAST_SHARE:
            kernel(lo, hi)
            return
        # Two shares a thread: one that is held up, by costly slots or a busy core, leaves the rest to the others; more
        # would cost more in handing over the GIL than they even out.
        share = max(_LEAST_SHARE, -(-(hi - lo) // (2 * self.threads)))
        shares = deque((start, min(start + share, hi)) for start in range(lo, hi, share))

        def work() -> None:
            while shares:
                try:
                    start, stop = shares.popleft()
                except IndexError:
                    return
                kernel(start, stop)

        helpers = [self._pool().submit(work) for _ in range(min(self.threads, len(shares)) - 1)]
        try:
            work()
        finally:
            # After an error or Ctrl-C the others stop at their next share; nobody writes once this call is over.
            shares.clear()
            wait(helpers)
        for helper in helpers:
            helper.result()

    def _pool(self) -> ThreadPoolExecutor:
        # Made when first needed, and anew after a fork, which threads do not survive. It ends with the batch.
        if self._helpers is None or self._helpers[0] != os.getpid():
            self._helpers = os.getpid(), ThreadPoolExecutor(self.threads - 1, thread_name_prefix="brush")
        return self._helpers[1]

    @_alone
    def coverage(self, slot: int) -> NDArray[np.float32]:
        """Return the share of each pixel of a slot's paper that is inked: float32 [height, width] in [0, 1].

        Raises:
            HierbrushError: there is no such slot.
        """
        return self._coverage(slot)

    def _coverage(self, slot: int) -> NDArray[np.float32]:
        chosen = check_whole("slot", slot, 0, self.slots - 1)
        _, _, columns, rows = (int(value) for value in self._arrays["window"][chosen])
        return coverage(self._arrays["ink"][chosen], columns, rows, self.supersample)

    @_alone
    def ink(self, slot: int) -> NDArray[np.bool_]:
        """Return the inked pixels of a slot's paper: bool [height, width], coverage of one half or more."""
        inked: NDArray[np.bool_] = self._coverage(slot) >= 0.5
        return inked

    @property
    def packed(self) -> NDArray[np.uint64]:
        """Papers as packed samples, every row padded to whole words: live read-only uint64 [N, words]."""
        return self._read_only("ink")

    @_alone
    def footprint(self, slot: int) -> NDArray[np.float64]:
        """Return the polygon in which a slot's tuft touches the paper: float64 [24, 2], metres; [0, 2] when lifted.

        Raises:
            HierbrushError: there is no such slot.
        """
        chosen = check_whole("slot", slot, 0, self.slots - 1)
        width, length, offset = self._arrays["tuft"][chosen]
        if width <= 0:
            return np.empty((0, 2))
        unit = self._arrays["footprint"].T.astype(np.float64)
        back = self._arrays["params"][chosen, 8] * width / 2
        along = offset + unit[:, 0] * np.where(unit[:, 0] > 0, length, back)
        across = unit[:, 1] * width / 2
        ux, uy = self._arrays["direction"][chosen]
        turned = np.stack([along * ux - across * uy, along * uy + across * ux], axis=1)
        polygon: NDArray[np.float64] = self._arrays["pose"][chosen, :2] + turned
        return polygon

    @_alone
    def snapshot(self) -> Snapshot:
        """Return a copy of everything mutable."""
        return Snapshot({name: self._arrays[name].copy() for name in KEPT})

    @_alone
    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this batch or of one of the same size.

        Raises:
            HierbrushError: the snapshot is of a batch of another size.
        """
        check_kind("snapshot", snapshot, Snapshot, "what snapshot() gave")
        for name in KEPT:
            if snapshot.arrays[name].shape != self._arrays[name].shape:
                raise HierbrushError(
                    f"snapshot: {name} has shape {snapshot.arrays[name].shape}, expected {self._arrays[name].shape}"
                )
        for name in KEPT:
            self._arrays[name][:] = snapshot.arrays[name]


class StrokeBatch(BrushBatch):
    """Brushes that each follow one goal of a bank under residual control, and see what ``observation.py`` describes.

    A slot's paper is its goal's window. Action 0 leaves the handle on the goal's reference path.

    Args:
        bank: the goals; raster, box and supersampling are the bank's.
        model: as of :class:`BrushBatch`.
        slots: N.
        observation: ``"none"``, ``"track"`` (64 numbers) or ``"full"`` (219).
        limits: how far an action may take the handle.
        threads: workers that share the slots of a step.
        seed: of the per-slot random numbers.

    Raises:
        HierbrushError: an argument is out of range.
    """

    def __init__(
        self,
        bank: GoalBank,
        model: BrushModel | Sequence[BrushModel] | NDArray[np.float64],
        slots: int,
        *,
        observation: str = "full",
        limits: HandleLimits | None = None,
        threads: int = 1,
        seed: int = 0,
    ) -> None:
        check_choice("observation", observation, OBSERVATIONS)
        check_kind("bank", bank, GoalBank, "a GoalBank")
        self._bank = bank
        paper = bank.side, bank.box, bank.supersample, bank.words
        self._open(model, slots, paper, None, limits, threads, seed, OBSERVATIONS[observation])
        self.assign(np.zeros(self.slots, dtype=np.int64))

    @property
    def bank(self) -> GoalBank:
        """The goals."""
        assert self._bank is not None
        return self._bank

    @_alone
    def set_bank(self, bank: GoalBank) -> None:
        """Follow goals of another bank from now on; every slot must be given one of its goals with :meth:`assign`.

        Raises:
            HierbrushError: the bank's raster differs.
        """
        check_kind("bank", bank, GoalBank, "a GoalBank")
        if (bank.side, bank.box, bank.supersample) != (self.side, self.box, self.supersample):
            raise HierbrushError(
                f"bank: raster {bank.side} px, {bank.box} m, {bank.supersample} samples; "
                f"expected {self.side}, {self.box}, {self.supersample}"
            )
        if isinstance(self.bank, GoalSlots):
            self.bank.turns.discard(self._turn)
        self._bank = bank
        if bank.words > self._arrays["ink"].shape[1]:
            self._arrays["ink"] = np.zeros((self.slots, bank.words), dtype=np.uint64)
        self._bind()
        self._assign(np.zeros(self.slots, dtype=np.int64))

    @_alone
    def assign(self, goals: ArrayLike, slots: ArrayLike | None = None) -> None:
        """Begin the strokes ``goals`` (indices into the bank) in ``slots``: blank paper, dipped brush, at the start.

        Raises:
            HierbrushError: an index lies outside the bank.
        """
        self._assign(goals, slots)

    def _assign(self, goals: ArrayLike, slots: ArrayLike | None = None) -> None:
        chosen = np.atleast_1d(_indices("goals", goals))
        if chosen.dtype.kind not in "iu" or ((chosen < 0) | (chosen >= len(self.bank))).any():
            raise HierbrushError(f"goals: {shown(goals)}, expected indices from 0 to {len(self.bank) - 1}")
        self._put("goal", chosen, slots)
        self._put("window", self.bank.window[chosen], slots)
        self._put("tick", np.zeros(1, dtype=np.int32), slots)
        self._blank(slots)
        self._straighten(slots)
        self._hold(self._checked(self.bank.start()[chosen], "position"), slots)

    @_alone
    def track(self, action: ArrayLike, lo: int = 0, hi: int | None = None) -> None:
        """Advance by one control tick: reference path plus ``action`` is the next command, as of `follow`.

        Args:
            action: [N, 3] (or [3] for all), along, across and depth in units; clipped to [-1, 1].
            lo: first slot.
            hi: one past the last slot; all by default.

        Raises:
            HierbrushError: a wrong shape, NaN, or a range outside the batch.
        """
        self._track(action, *self._range(lo, hi))

    def _track(self, action: ArrayLike, lo: int, hi: int) -> None:
        residual = action if _is_float32(action) else _as_array("action", action, np.float32)
        if residual.shape[-1:] != (3,) or residual.ndim > 2:
            raise HierbrushError(f"action: shape {residual.shape}, expected [{self.slots}, 3]")
        # The sum of squares is NaN where a number is, in a fraction of the time that looking at each takes.
        if np.isnan(np.vdot(residual, residual)) and np.isnan(residual).any():
            raise HierbrushError("action: holds NaN, expected numbers in [-1, 1]")
        self._put("action", residual, None)
        self._spread(self._kernel.track, lo, hi)

    @_alone
    def track_slots(self, action: ArrayLike, slots: ArrayLike) -> None:
        """Advance some slots only, as `track` does; the others stay as they are.

        Args:
            action: [N, 3] (or [3] for all), of which the rows of ``slots`` count.
            slots: which.

        Raises:
            HierbrushError: a wrong shape, NaN, or an index outside the batch.
        """
        chosen = self._chosen(slots)
        self._track(action, 0, 0)
        for slot in chosen.tolist():
            self._spread(self._kernel.track, slot, slot + 1)

    @_alone
    def observe(self) -> NDArray[np.float32]:
        """Write all observations anew (after :meth:`assign`) and return them: live read-only float32 [N, columns]."""
        self._spread(self._kernel.observe, 0, self.slots)
        return self.observation

    @_alone
    def observe_slots(self, slots: ArrayLike) -> None:
        """Write the observations of some slots anew."""
        for slot in self._chosen(slots).tolist():
            self._spread(self._kernel.observe, slot, slot + 1)

    @property
    def observation(self) -> NDArray[np.float32]:
        """Observations of the last tick: live read-only float32 [N, 64 or 219]."""
        return self._read_only("observation")

    @property
    def goal(self) -> NDArray[np.int32]:
        """Index into the bank of each slot's goal: live read-only int32 [N]."""
        return self._read_only("goal")

    @property
    def done(self) -> NDArray[np.bool_]:
        """Slots whose stroke is over: bool [N]."""
        over: NDArray[np.bool_] = self._arrays["tick"] >= self.bank.ticks[self._arrays["goal"]]
        return over

    @property
    def area(self) -> NDArray[np.int32]:
        """Samples that each slot's goal wants: int32 [N]."""
        wanted: NDArray[np.int32] = self.bank.area[self._arrays["goal"]]
        return wanted


def _is_float32(values: Any) -> TypeGuard[NDArray[np.float32]]:
    # A policy's answer, every tick: nothing to convert.
    return type(values) is np.ndarray and values.dtype == np.float32


def _as_array(name: str, values: ArrayLike, dtype: type[np.floating[Any]]) -> NDArray[Any]:
    # What overflows becomes infinity, which the callers refuse or clip.
    return check_array(name, values, None, f"an array of {dtype.__name__}", dtype=dtype, finite=False)


def _indices(name: str, values: ArrayLike) -> NDArray[Any]:
    """Return an array of numbers, whole or not: the callers look at that."""
    return check_array(name, values, None, "indices", dtype=None, finite=False)


def _check_rows(name: str, rows: ArrayLike) -> NDArray[np.float64]:
    checked = _as_array(name, rows, np.float64)
    if checked.ndim != 2 or checked.shape[1] != 10 or not (np.abs(checked) <= _LARGEST_PARAMETER).all():
        raise HierbrushError(
            f"{name}: shape {checked.shape}, expected [n, 10] brush parameters of at most {_LARGEST_PARAMETER:g}"
        )
    return checked


def _brushes(
    model: BrushModel | Sequence[BrushModel] | NDArray[np.float64], slots: int
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float64] | None]:
    """Return parameters [1 or slots, 10], and what all share: the footprint, [2, vertices], and a network or None."""
    shape = BrushModel()
    if isinstance(model, np.ndarray):
        rows = _check_rows("model", model)
        if len(rows) not in (1, slots):
            raise HierbrushError(f"model: {len(rows)} rows, expected 1 or {slots}")
    else:
        models = [model] if isinstance(model, BrushModel) else list(model) if isinstance(model, Sequence) else []
        if len(models) not in (1, slots) or not all(isinstance(brush, BrushModel) for brush in models):
            raise HierbrushError(f"model: {type(model).__name__}, expected a BrushModel, 1 or {slots} of them, or rows")
        shape = models[0]
        if any(brush.tip != shape.tip for brush in models):
            raise HierbrushError("model: brushes with different tips, expected the same tip for all")
        networks = {getattr(brush, "network", ()) for brush in models}
        if len(networks) > 1:
            raise HierbrushError("model: brushes with different networks, expected the same network for all")
        rows = np.stack([brush.parameters() for brush in models])
    weights = getattr(shape, "network", ())
    return rows, np.ascontiguousarray(shape.footprint().T), np.array(weights) if weights else None
