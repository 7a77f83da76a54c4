"""Ink in NumPy: the readable specification of ``core/ink.c``, and its stand-in where no compiler was there.

As in ``reference.py``, every operation is a correctly rounded one, in the order in which the C core does it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.sim.network_brush import trail_by

_GRID = 4294967296.0
_NEAR = 1e-9
_FLAT = np.float32(1e-6)
_BEYOND = np.float32(1e6)
_NOWHERE = 1000000
_MOST_STEPS = 1e8

STAMP = 10
"""Columns of a recorded movement: x, y, z, direction x, y, width, length, offset, step, speed; metres, m/s."""
HAIRS = 96
"""Hairs of the bundle."""
RESERVOIR, SPLIT, TRAVELLED, AXIS_X, AXIS_Y, BUNDLE = HAIRS, HAIRS + 1, HAIRS + 2, HAIRS + 3, HAIRS + 4, HAIRS + 5
"""Where the bundle keeps what is no hair's: ink of the reservoir, how far it is split, mm travelled, line of motion."""

NUMBERS = 10
"""Numbers of a brush; a network's follow them where it has one."""

Array = NDArray[Any]


def _on_grid(metres: float) -> float:
    return float(np.rint(metres * _GRID)) * (1.0 / _GRID)


def ink_follow(path: Array, speed: Array, params: Array, spacing: float, state: Array, out: Array) -> int:
    """Record a movement in straight lines from row to row; return how many stamps it has."""
    made, rows, stamps = 0, path.reshape(-1, 3), out.reshape(-1, STAMP)
    for row, fast in zip(rows.tolist(), speed.tolist(), strict=True):
        x0, y0, z0 = state[:3].tolist()
        dx, dy, dz = _on_grid(row[0]) - x0, _on_grid(row[1]) - y0, _on_grid(row[2]) - z0
        far, deep = math.sqrt(dx * dx + dy * dy), abs(dz)
        reach = (far if far > deep else deep) / spacing
        steps = float(math.ceil(reach)) if math.isfinite(reach) else 1.0
        if not 1.0 <= steps <= _MOST_STEPS or (z0 <= 0.0 and z0 + dz <= 0.0):
            steps = 1.0
        for k in range(1, int(steps) + 1):
            if made == len(stamps):
                raise ValueError("out: too small for the stamps")
            share = float(k) / steps
            pose = x0 + _on_grid(dx * share), y0 + _on_grid(dy * share), z0 + _on_grid(dz * share)
            mx, my = pose[0] - float(state[0]), pose[1] - float(state[1])
            if len(params) > NUMBERS:
                tuft = trail_by(params[:NUMBERS].tolist(), params[NUMBERS:], state, *pose)
            else:
                tuft = _trail(params.tolist(), state, *pose)
            stamps[made] = (*pose, state[5], state[6], *tuft, math.sqrt(mx * mx + my * my), fast)
            made += 1
    return made


def _trail(p: list[float], state: Array, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Move the handle; the tuft turns to trail towards where its root was. Return width, length and offset."""
    rx, ry = float(state[3]) - (x - float(state[0])), float(state[4]) - (y - float(state[1]))
    depth = z if z < p[9] else p[9]
    width, length = p[0] * depth + p[1], p[2] * depth + p[3]
    state[:3] = (x, y, z)
    if not (z > 0.0 and width > 0.0 and length > 0.0):
        state[3:5] = 0.0
        return 0.0, 0.0, 0.0
    offset = (p[4] * depth + p[5]) * depth + p[6]
    offset = offset if offset > 0.0 else 0.0
    distance = math.sqrt(rx * rx + ry * ry)
    if distance > _NEAR:
        state[5:7] = (rx / distance, ry / distance)
    behind = p[7] * length
    if distance < offset + behind:
        offset = distance - behind
    state[3:5] = ((offset + behind) * float(state[5]), (offset + behind) * float(state[6]))
    return width, length, offset


def ink_drag(
    stamps: Array,
    footprint: Array,
    per_metre: float,
    back: float,
    numbers: Array,
    hair: Array,
    paper: Array,
    bundle: Array,
    film: Array,
    columns: int,
    rows: int,
) -> None:
    """Drag the bundle over the paper: what the footprint comes to cover takes ink from the hair that passes there."""
    dragged = _Dragged(numbers, hair.reshape(-1, 2, HAIRS), bundle)
    heights, laid = paper.reshape(rows, columns), film.reshape(rows, columns)
    before: dict[int, tuple[int, int]] = {}
    last: tuple[float, float] | None = None
    for s in stamps.reshape(-1, STAMP):
        placed = _outline(s, footprint.reshape(2, -1), per_metre, np.float32(back)) if s[5] > 0.0 else None
        if placed is None:
            before, last = {}, None
            continue
        if last is None:
            bundle[AXIS_X], bundle[AXIS_Y] = -np.float32(s[3]), -np.float32(s[4])
        else:
            _turn(bundle, np.float32(s[0] - last[0]), np.float32(s[1] - last[1]))
        last = (float(s[0]), float(s[1]))
        x, y, hx, hy, column, row = placed
        nx, ny = -bundle[AXIS_Y], bundle[AXIS_X]
        across = (x - hx) * nx + (y - hy) * ny
        low = across.min()
        with np.errstate(divide="ignore"):
            scale = np.float32(HAIRS - 1) / (across.max() - low)
        now = _cover(x, y, column, row, columns, rows)
        contact, dose = dragged.ready(s)
        i, j = _entered(now, before)
        used = np.zeros(HAIRS + 1, np.float32)
        if len(i):
            down = ((i - row).astype(np.float32) + np.float32(0.5) - hy) * ny - low
            with np.errstate(invalid="ignore"):
                t = (((j - column).astype(np.float32) + np.float32(0.5) - hx) * nx + down) * scale
            t = _bounded(t, 0.0, HAIRS - 1)
            k = t.astype(np.int64)
            pressed = contact[k] + (t - k.astype(np.float32)) * (contact[k + 1] - contact[k])
            touch = _bounded((pressed - np.float32(1.0) + heights[i, j]) * numbers[7], 0.0, 1.0)
            laid[i, j] += touch * dose[k]
            np.add.at(used, k, touch)
        dragged.drain(s, used[:HAIRS])
        before = now


def _outline(
    s: Array, footprint: Array, per_metre: float, back_ratio: np.float32
) -> tuple[Array, Array, np.float32, np.float32, int, int] | None:
    column, row = float(s[0]) * per_metre, float(s[1]) * per_metre
    if not (math.isfinite(column) and math.isfinite(row)):
        return None
    whole_column, whole_row = math.floor(column), math.floor(row)
    if not (abs(whole_column) < _BEYOND and abs(whole_row) < _BEYOND):
        return None
    f32 = np.float32
    with np.errstate(over="ignore", invalid="ignore"):
        ux, uy = f32(s[3]), f32(s[4])
        base_x = f32(column - whole_column + float(s[7]) * float(s[3]) * per_metre)
        base_y = f32(row - whole_row + float(s[7]) * float(s[4]) * per_metre)
        half = f32(float(s[5]) * 0.5 * per_metre) + f32(0.5)
        tip = f32(float(s[6]) * per_metre) + f32(0.5)
        back = back_ratio * half
    if not (
        abs(base_x) < _BEYOND and abs(base_y) < _BEYOND and half < _BEYOND and tip < _BEYOND and abs(back) < _BEYOND
        and abs(ux) < 2 and abs(uy) < 2
    ):  # fmt: skip
        return None
    along, across = footprint[0], footprint[1] * half
    along = along * np.where(along > 0, tip, back)
    x, y = base_x + along * ux - across * uy, base_y + along * uy + across * ux
    return x, y, f32(column - whole_column), f32(row - whole_row), whole_column, whole_row


def _within(values: Any, low: int, high: int) -> Any:
    return np.minimum(np.maximum(values, low), high)


def _bounded(values: Any, low: float, high: float) -> Any:
    # NaN falls to the low end, as the comparisons of the C core have it.
    return np.fmin(np.fmax(values, np.float32(low)), np.float32(high))


def _cover(x: Array, y: Array, column: int, row: int, columns: int, rows: int) -> dict[int, tuple[int, int]]:
    """Return the run of cells, first and last, that a convex footprint covers in each row."""
    half = np.float32(0.5)
    top = int(_within(int(np.ceil(y.min() - half)) + row, 0, rows))
    bottom = int(_within(int(np.ceil(y.max() - half)) + row, top, rows))
    fall = np.roll(y, -1) - y
    slope = (np.roll(x, -1) - x) / np.where(np.abs(fall) < _FLAT, np.float32(1.0), fall)
    centre = np.arange(top - row, bottom - row).astype(np.float32) + half
    edge = x[:, None] + (centre[None, :] - y[:, None]) * slope[:, None]
    right = np.where((fall >= _FLAT)[:, None], edge, _BEYOND).min(axis=0, initial=_BEYOND)
    left = np.where((fall <= -_FLAT)[:, None], edge, -_BEYOND).max(axis=0, initial=-_BEYOND)
    last = np.floor(np.maximum(right, -_BEYOND) - half).astype(np.int64) + column
    first = np.ceil(np.minimum(left, _BEYOND) - half).astype(np.int64) + column
    last, first = _within(last, -1, columns - 1), _within(first, 0, columns)
    return {top + r: (int(a), int(b)) for r, (a, b) in enumerate(zip(first, last, strict=True))}


def _entered(now: dict[int, tuple[int, int]], before: dict[int, tuple[int, int]]) -> tuple[Array, Array]:
    """Return rows and columns of the cells of ``now`` that are not of ``before``, in order."""
    places, runs = [], []
    for row, (first, last) in now.items():
        old_first, old_last = before.get(row, (_NOWHERE, -_NOWHERE))
        if old_first > old_last:
            parts = [(first, last)]
        else:
            parts = [(first, min(last, old_first - 1)), (max(first, old_last + 1), last)]
        for start, stop in parts:
            if start <= stop:
                runs.append(np.arange(start, stop + 1))
                places.append(np.full(stop + 1 - start, row))
    if not runs:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.concatenate(places), np.concatenate(runs)


def _turn(bundle: Array, mx: np.float32, my: np.float32) -> None:
    far = mx * mx + my * my
    if not far > np.float32(1e-16):
        return
    far = np.sqrt(far)
    ax, ay = bundle[AXIS_X], bundle[AXIS_Y]
    sign = np.float32(-0.1) if mx * ax + my * ay < 0 else np.float32(0.1)
    x, y = ax + sign * (mx / far), ay + sign * (my / far)
    norm = np.sqrt(x * x + y * y)
    if norm > np.float32(1e-3):
        bundle[AXIS_X], bundle[AXIS_Y] = x / norm, y / norm


class _Dragged:
    """A bundle and its ink: what it leaves at a stamp, and what that takes from it."""

    def __init__(self, numbers: Array, hair: Array, bundle: Array) -> None:
        self._n, self._hair, self._b = numbers, hair, bundle
        e = (np.arange(HAIRS, dtype=np.float32) - np.float32(0.5 * (HAIRS - 1))) * np.float32(2.0 / (HAIRS - 1))
        e = e * e
        self._edge = e * e

    def ready(self, s: Array) -> tuple[Array, Array]:
        n, b = self._n, self._b
        press = _bounded(np.float32(s[2]) / n[3], 0.0, 1.0)
        base = n[0] + n[2] * press - n[5] * np.float32(s[9])
        at = b[TRAVELLED] * n[14]
        whole = np.floor(at)
        share, here = at - whole, int(whole) % len(self._hair)
        (fine, locks), (later, later_locks) = self._hair[here], self._hair[(here + 1) % len(self._hair)]
        fork = n[13] * b[SPLIT]
        single, lock = fine + share * (later - fine), locks + share * (later_locks - locks)
        contact = base + n[1] * b[:HAIRS] + n[4] * single - fork * lock - n[6] * self._edge
        dose = n[16] * (np.float32(0.6) + np.float32(0.4) * b[:HAIRS])
        return np.append(contact, contact[-1]), dose

    def drain(self, s: Array, used: Array) -> None:
        n, b, one = self._n, self._b, np.float32(1.0)
        moved = np.float32(s[8]) * n[15]
        flow = _bounded(n[8] * moved, 0.0, 1.0)
        drawn = flow * (b[RESERVOIR] - b[:HAIRS])
        mixed = _bounded(b[:HAIRS] + drawn - n[9] * used, 0.0, 1.0)
        lanes = np.zeros(8, np.float32)
        for part in drawn.reshape(-1, 8):
            lanes += part
        total = np.float32(0.0)
        for lane in lanes:
            total = total + lane
        left, right = np.append(mixed[0], mixed[:-1]), np.append(mixed[1:], mixed[-1])
        b[:HAIRS] = mixed + n[10] * (left - np.float32(2.0) * mixed + right)
        reservoir = _bounded(b[RESERVOIR] - n[11] * total, 0.0, 1.0)
        b[RESERVOIR] = reservoir
        b[SPLIT] = b[SPLIT] + n[12] * moved * (one - reservoir) * (one - b[SPLIT])
        b[TRAVELLED] = b[TRAVELLED] + moved


def _lattice(seed: int, x: Array, y: int) -> NDArray[np.float32]:
    """Return numbers in [0, 1) that belong to points of a lattice: splitmix64 of (seed, x, y)."""
    mask = (1 << 64) - 1
    with np.errstate(over="ignore"):
        v = np.uint64((seed + (y * 0x9E3779B97F4A7C15 & mask)) & mask) + x.astype(np.uint64) * np.uint64(
            0xD1B54A32D192ED03
        )
        v ^= v >> np.uint64(30)
        v *= np.uint64(0xBF58476D1CE4E5B9)
        v ^= v >> np.uint64(27)
        v *= np.uint64(0x94D049BB133111EB)
        v ^= v >> np.uint64(31)
    return (v >> np.uint64(40)).astype(np.float32) * np.float32(1.0 / 16777216.0)


def ink_paper(
    seed: int, columns: int, rows: int, left: float, top: float, pitch: float, fine: float, coarse: float,
    share: float, out: Array,
) -> None:  # fmt: skip
    """Write two octaves of value noise, 0 to 1."""
    result = out.reshape(rows, columns)
    result[:] = 0.0
    part = np.float32(share)
    _octave(seed, left, top, pitch, fine, part, result)
    _octave((seed + 1) & ((1 << 64) - 1), left, top, pitch, coarse, np.float32(1.0) - part, result)


def _octave(seed: int, left: float, top: float, pitch: float, wave: float, share: np.float32, out: Array) -> None:
    rows, columns = out.shape
    first = math.floor(left / wave)
    x = (left + (np.arange(columns) + 0.5) * pitch) / wave - float(first)
    cell = np.floor(x)
    along, i = _smooth((x - cell).astype(np.float32)), cell.astype(np.int64)
    lattice = np.arange(first, first + int(i.max()) + 2)
    for r in range(rows):
        y = (top + (float(r) + 0.5) * pitch) / wave
        whole = math.floor(y)
        down = _smooth(np.float32(y - whole))
        upper, lower = _lattice(seed, lattice, whole), _lattice(seed, lattice, whole + 1)
        a = upper[i] + along * (upper[i + 1] - upper[i])
        b = lower[i] + along * (lower[i + 1] - lower[i])
        out[r] += share * (a + down * (b - a))


def _smooth(t: Any) -> Any:
    return t * t * (np.float32(3.0) - np.float32(2.0) * t)


def ink_spread(
    columns: int,
    rows: int,
    steps: int,
    numbers: Array,
    passing: Array,
    pinned: Array,
    water: Array,
    pigment: Array,
) -> None:
    """Let water flow between cells, taking pigment along."""
    shape = rows, columns
    opened, held, w, p = (array.reshape(shape) for array in (passing, pinned, water, pigment))
    zero = np.float32(0.0)
    for _ in range(steps):
        thick = p / np.where(w > numbers[3], w, numbers[3])
        right, right_ink = _flow(numbers, opened, held, w, thick, np.s_[:, :-1], np.s_[:, 1:])
        down, down_ink = _flow(numbers, opened, held, w, thick, np.s_[:-1], np.s_[1:])
        left = _balance(w, right, down) - numbers[1]
        ink = _balance(p, right_ink, down_ink)
        w[:] = np.where(left > 0, left, zero)
        p[:] = np.where(ink > 0, ink, zero)


def _flow(n: Array, opened: Array, held: Array, w: Array, thick: Array, i: Any, j: Any) -> tuple[Array, Array]:
    """Return what flows from cells i to cells j, and the pigment in it."""
    amount = n[0] * (np.float32(0.5) * (opened[i] + opened[j])) * (w[i] - w[j])
    onward = amount > 0
    target, source = np.where(onward, w[j], w[i]), np.where(onward, w[i], w[j])
    pinned, ink = np.where(onward, held[j], held[i]), np.where(onward, thick[i], thick[j])
    amount = np.where((target <= n[3]) & (source < pinned), np.float32(0.0), amount)
    return amount, amount * n[2] * ink


def _balance(held: Array, right: Array, down: Array) -> Array:
    out_right, from_left = np.zeros_like(held), np.zeros_like(held)
    out_right[:, :-1], from_left[:, 1:] = right, right
    out_down, from_above = np.zeros_like(held), np.zeros_like(held)
    out_down[:-1], from_above[1:] = down, down
    balance: Array = (((held - out_right) + from_left) - out_down) + from_above
    return balance
