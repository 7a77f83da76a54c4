"""The simulator in NumPy: the readable specification of the C core, and its stand-in where no compiler was there.

Both cores work on the same arrays (see ``batch.py``) and give the same bits: every operation here is a correctly
rounded addition, subtraction, multiplication, division or square root, in the order in which ``core/*.c`` does it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.sim.ink_reference import ink_drag as ink_drag  # the core has these too
from hierbrush.sim.ink_reference import ink_follow as ink_follow
from hierbrush.sim.ink_reference import ink_paper as ink_paper
from hierbrush.sim.ink_reference import ink_spread as ink_spread
from hierbrush.sim.network_brush import trail_by
from hierbrush.sim.observation import AHEAD, CONTOUR_POINTS, DISCS, PATCH_ACROSS, PATCH_ALONG, TRACK_SIZE

BUILD = "NumPy twin"

_GRID = 4294967296.0
_NEAR = 1e-9
_FLAT = np.float32(1e-6)
_BEYOND = np.float32(1e6)
_MOST_STEPS = 1e8
_LAST_TICK = (1 << 31) - 1
_MASK64 = (1 << 64) - 1
HEAD_SIZE = 32
"""Width of an attention head of the networks."""

Array = NDArray[Any]


def _on_grid(metres: float) -> float:
    return float(np.rint(metres * _GRID)) * (1.0 / _GRID)


def _uniform(seed: int, slot: int, draw: int) -> float:
    x = (seed + slot * 0xD1B54A32D192ED03 + draw * 0x9E3779B97F4A7C15) & _MASK64
    x ^= x >> 30
    x = x * 0xBF58476D1CE4E5B9 & _MASK64
    x ^= x >> 27
    x = x * 0x94D049BB133111EB & _MASK64
    x ^= x >> 31
    return float(x >> 11) * (1.0 / 9007199254740992.0)


def unpack(words: Array, columns: int, rows: int) -> NDArray[np.bool_]:
    """Return packed samples as bool [rows, columns]."""
    per_row = (columns + 63) // 64
    packed = words[: rows * per_row].astype("<u8", copy=False).view(np.uint8).reshape(rows, per_row * 8)
    return np.unpackbits(packed, axis=1, count=columns, bitorder="little").view(np.bool_)


def pack(samples: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return bool [rows, columns] as words, each row padded to whole words."""
    rows, columns = samples.shape
    padded = np.zeros((rows, (columns + 63) // 64 * 64), dtype=np.bool_)
    padded[:, :columns] = samples
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64, copy=False).ravel()


class Batch:
    """The same constructor and methods as ``_core.Batch``, a slot at a time."""

    def __init__(
        self,
        arrays: dict[str, Array],
        *,
        supersample: int,
        per_metre: float,
        spacing: float,
        unit: float,
        reach: float,
        max_move: float,
        max_press: float,
        lift_height: float,
        seed: int,
    ) -> None:
        self._a = arrays
        self._supersample = supersample
        self._per_metre = per_metre
        self._spacing = spacing
        self._unit = unit
        self._reach = reach
        self._max_move = max_move
        self._max_press = max_press
        self._lift_height = lift_height
        self._seed = seed

    def step(self, lo: int, hi: int) -> None:
        """Advance slots by one control tick towards ``target``."""
        for slot in range(lo, hi):
            self._write(slot, [[float(value) for value in self._a["target"][slot]]])

    def command(self, lo: int, hi: int) -> None:
        """Advance slots by a hand whose next command is ``target``."""
        a = self._a
        for slot in range(lo, hi):
            last = int(a["goal_ticks"][a["goal"][slot]]) if "track" in a else _LAST_TICK
            self._follow(slot, a["target"][slot].tolist(), min(int(a["tick"][slot]) + 1, last))

    def track(self, lo: int, hi: int) -> None:
        """Advance slots under residual control, then observe."""
        a = self._a
        for slot in range(lo, hi):
            goal = int(a["goal"][slot])
            following = min(int(a["tick"][slot]) + 1, int(a["goal_ticks"][goal]))
            ref = [float(value) for value in a["track"].reshape(-1, TRACK_SIZE)[a["track_offset"][goal] + following]]
            along, across, press = (_clip(float(value), -1.0, 1.0) * self._reach for value in a["action"][slot])
            wanted = [
                ref[0] + (along * ref[6] - across * ref[7]),
                ref[1] + (along * ref[7] + across * ref[6]),
                ref[2] + press,
            ]
            self._follow(slot, wanted, following)
        if a["observation"].shape[1]:
            self.observe(lo, hi)

    def _follow(self, slot: int, wanted: list[float], following: int) -> None:
        """Move the handle along the cubic B-spline of its commands, ``wanted`` the next, within limits."""
        a = self._a
        last, before, first = a["command"][slot].tolist()
        gain = float(a["noise"][slot, 3]) if a["tick"][slot] else 0.0
        seen = [gain * value for value in a["drift"][slot].tolist()]
        dx = wanted[0] - seen[0] - last[0]
        dy = wanted[1] - seen[1] - last[1]
        dz = _clip(wanted[2], -self._lift_height, float(a["params"][slot, 9])) - seen[2] - last[2]
        far = math.sqrt(dx * dx + dy * dy)
        if far > self._max_move:
            dx = dx * (self._max_move / far)
            dy = dy * (self._max_move / far)
        dz = _clip(dz, -self._max_press, self._max_press)
        fresh = [value + _on_grid(change) for value, change in zip(last, (dx, dy, dz), strict=True)]
        error = self._error(slot)
        half = [
            c2 + _on_grid(((c3 - c2) + 23.0 * (c1 - c2) + (c0 - c2)) / 48.0 + e)
            for c0, c1, c2, c3, e in zip(fresh, last, before, first, error, strict=True)
        ]
        whole = [
            c1 + _on_grid(((c2 - c1) + (c0 - c1)) / 6.0 + e)
            for c0, c1, c2, e in zip(fresh, last, before, error, strict=True)
        ]
        self._write(slot, [half, whole])
        a["command"][slot] = (fresh, last, before)
        a["tick"][slot] = following

    def _error(self, slot: int) -> list[float]:
        """Draw and keep the handle's error of this tick."""
        sigma, memory, new, _ = self._a["noise"][slot].tolist()
        drift = self._a["drift"][slot]
        for i, last in enumerate(drift.tolist()):
            if not sigma > 0.0:
                drift[i] = 0.0
            elif self._a["tick"][slot]:
                drift[i] = memory * last + new * self._normal(slot)
            else:
                drift[i] = sigma * self._normal(slot)
        error: list[float] = drift.tolist()
        return error

    def _normal(self, slot: int) -> float:
        """Centred sum of twelve uniforms."""
        draws = self._a["draws"]
        first, total = int(draws[slot]), 0.0
        for i in range(12):
            total += _uniform(self._seed, slot, (first + i) & _MASK64)
        draws[slot] = np.uint64((first + 12) & _MASK64)
        return total - 6.0

    def _write(self, slot: int, stops: list[list[float]]) -> None:
        """Move the handle from stop to stop within one control tick and count the new ink."""
        a = self._a
        columns, rows = (int(extent) * self._supersample for extent in a["window"][slot, 2:])
        words = a["ink"][slot]
        before = unpack(words, columns, rows)
        ink = before.copy()
        start = a["pose"][slot].copy()
        for stop in stops:
            if stop is stops[-1] and len(stops) > 1:
                a["midway"][slot] = a["pose"][slot]
            self._travel(slot, stop, ink)
        fresh = ink & ~before
        inside = 0
        if "track" in a or "wanted" in a:
            mask = a["mask"][a["mask_offset"][a["goal"][slot]] :] if "track" in a else a["wanted"][slot]
            inside = int(np.count_nonzero(fresh & unpack(mask, columns, rows)))
        outside = int(np.count_nonzero(fresh)) - inside
        packed = pack(ink)
        words[: len(packed)] = packed
        a["moved"][slot] = a["pose"][slot] - start
        counts = a["counts"][slot]
        counts[:2] = (inside, outside)
        counts[2:] += (inside, outside)

    def _travel(self, slot: int, stop: list[float], ink: NDArray[np.bool_]) -> None:
        """Move the handle in a straight line, stamping on the way."""
        a = self._a
        x0, y0, z0 = (float(value) for value in a["pose"][slot])
        dx, dy, dz = _on_grid(stop[0]) - x0, _on_grid(stop[1]) - y0, _on_grid(stop[2]) - z0
        far, deep = math.sqrt(dx * dx + dy * dy), abs(dz)
        reach = (far if far > deep else deep) / self._spacing
        steps = float(math.ceil(reach)) if math.isfinite(reach) else reach
        if not 1.0 <= steps <= _MOST_STEPS or (z0 <= 0.0 and z0 + dz <= 0.0) or a["params"][slot, 9] <= 0.0:
            steps = 1.0
        for k in range(1, int(steps) + 1):
            share = float(k) / steps
            self._trail(slot, x0 + _on_grid(dx * share), y0 + _on_grid(dy * share), z0 + _on_grid(dz * share))
            if a["tuft"][slot, 0] > 0.0:
                self._stamp(slot, ink)

    def _trail(self, slot: int, x: float, y: float, z: float) -> None:
        """Move the handle; the tuft turns to trail towards where its root was."""
        a = self._a
        p = [float(value) for value in a["params"][slot]]
        pose, root, u, tuft = a["pose"][slot], a["root"][slot], a["direction"][slot], a["tuft"][slot]
        if "network" in a:
            state = np.concatenate([pose, root, u])
            tuft[:] = trail_by(p, a["network"], state, x, y, z)
            pose[:], root[:], u[:] = state[:3], state[3:5], state[5:]
            return
        rx, ry = float(root[0]) - (x - float(pose[0])), float(root[1]) - (y - float(pose[1]))
        # Comparisons as in C: min and max answer otherwise for NaN and zeros of different sign.
        depth = z if z < p[9] else p[9]
        width, length = p[0] * depth + p[1], p[2] * depth + p[3]
        pose[:] = (x, y, z)
        if not (z > 0.0 and width > 0.0 and length > 0.0):
            root[:] = 0.0
            tuft[:] = 0.0
            return
        offset = (p[4] * depth + p[5]) * depth + p[6]
        offset = offset if offset > 0.0 else 0.0
        distance = math.sqrt(rx * rx + ry * ry)
        if distance > _NEAR:
            u[:] = (rx / distance, ry / distance)
        behind = p[7] * length
        if distance < offset + behind:
            offset = distance - behind
        root[:] = ((offset + behind) * float(u[0]), (offset + behind) * float(u[1]))
        tuft[:] = (width, length, offset)

    def _stamp(self, slot: int, ink: NDArray[np.bool_]) -> None:
        """Press one footprint, a convex polygon: each row of samples meets it between its left and its right edges."""
        a = self._a
        pose, u, tuft, window = a["pose"][slot], a["direction"][slot], a["tuft"][slot], a["window"][slot]
        scale, supersample = self._per_metre, self._supersample
        column = float(pose[0]) * scale - float(window[0]) * supersample
        row = float(pose[1]) * scale - float(window[1]) * supersample
        if not (math.isfinite(column) and math.isfinite(row)):
            return
        whole_column, whole_row = math.floor(column), math.floor(row)
        if not (abs(whole_column) < _BEYOND and abs(whole_row) < _BEYOND):
            return
        f32 = np.float32
        ux, uy = f32(u[0]), f32(u[1])
        base_x = f32(column - whole_column + float(tuft[2]) * float(u[0]) * scale)
        base_y = f32(row - whole_row + float(tuft[2]) * float(u[1]) * scale)
        half, tip = f32(float(tuft[0]) * 0.5 * scale), f32(float(tuft[1]) * scale)
        back = f32(a["params"][slot, 8]) * half
        along, across = a["footprint"]
        s, t = along * np.where(along > 0, tip, back), across * half
        x, y = base_x + s * ux - t * uy, base_y + s * uy + t * ux
        fall = np.roll(y, -1) - y
        slope = (np.roll(x, -1) - x) / np.where(np.abs(fall) < _FLAT, f32(1.0), fall)
        low, high = y.min(), y.max()
        if not (low > -_BEYOND and high < _BEYOND):
            return
        rows, columns = ink.shape
        first_row = max(int(np.ceil(low - f32(0.5))) + whole_row, 0)
        last_row = min(int(np.floor(high - f32(0.5))) + whole_row, rows - 1)
        if first_row > last_row:
            return
        centre = (np.arange(first_row, last_row + 1) - whole_row).astype(f32) + f32(0.5)
        edge = x[:, None] + (centre[None, :] - y[:, None]) * slope[:, None]
        right = np.where((fall >= _FLAT)[:, None], edge, _BEYOND).min(axis=0)
        left = np.where((fall <= -_FLAT)[:, None], edge, -_BEYOND).max(axis=0)
        left, right = np.clip(left, -_BEYOND, _BEYOND), np.clip(right, -_BEYOND, _BEYOND)
        first = np.ceil(left - f32(0.5)).astype(np.int64) + whole_column
        last = np.floor(right - f32(0.5)).astype(np.int64) + whole_column
        start, stop = max(int(first.min()), 0), min(int(last.max()) + 1, columns)
        if start < stop:
            column_row = np.arange(start, stop)[None, :]
            ink[first_row : last_row + 1, start:stop] |= (column_row >= first[:, None]) & (column_row <= last[:, None])

    def observe(self, lo: int, hi: int) -> None:
        """Write the observations of slots ``lo`` to ``hi - 1``; the columns are named in ``observation.py``."""
        for slot in range(lo, hi):
            self._observe(slot)

    def _observe(self, slot: int) -> None:
        a, unit = self._a, self._unit
        per_unit = 1.0 / unit
        per_far = 0.25 * per_unit
        x, y, z = (float(value) for value in a["pose"][slot])
        width, length, offset = (float(value) for value in a["tuft"][slot])
        ux, uy = (float(value) for value in a["direction"][slot])
        # What a closed loop took off the command is no part of what was wanted.
        gain = float(a["noise"][slot, 3]) if a["tick"][slot] else 0.0
        wanted = a["command"][slot, 0] + gain * a["drift"][slot]
        cx, cy, cz = (float(value) for value in wanted - a["pose"][slot])
        mx, my, mz = (float(value) for value in a["moved"][slot])
        goal, now = int(a["goal"][slot]), int(a["tick"][slot])
        ticks, start = int(a["goal_ticks"][goal]), int(a["track_offset"][goal])
        following = min(now + 1, ticks)
        track = a["track"].reshape(-1, TRACK_SIZE)
        ref, ahead = track[start + now], track[start + following]
        tx, ty = float(ahead[6]), float(ahead[7])
        area = float(max(int(a["goal_area"][goal]), 1))
        ex, ey = x - float(ref[0]), y - float(ref[1])
        out = a["observation"][slot]
        out[:19] = [
            z * per_unit,
            (float(ahead[2]) - z) * per_unit,
            width * per_unit,
            offset * per_unit,
            ux * tx + uy * ty,
            uy * tx - ux * ty,
            (ex * tx + ey * ty) * per_unit,
            (ey * tx - ex * ty) * per_unit,
            (mx * tx + my * ty) * per_unit,
            (my * tx - mx * ty) * per_unit,
            mz * per_unit,
            (cx * tx + cy * ty) * per_unit,
            (cy * tx - cx * ty) * per_unit,
            cz * per_unit,
            float(now) / float(ticks),
            float(ticks - now) * 0.0625,
            float(a["counts"][slot, 2]) / area,
            float(a["counts"][slot, 3]) / area,
            math.sqrt(area) / self._per_metre * per_far,
        ]
        points = track[start + np.minimum(following + np.array(AHEAD), ticks)]
        dx, dy = points[:, 3] - x, points[:, 4] - y
        px, py = points[:, 6], points[:, 7]
        out[19 : 19 + 5 * len(AHEAD)] = np.stack(
            [
                (dx * tx + dy * ty) * per_far,
                (dy * tx - dx * ty) * per_far,
                points[:, 5] * per_unit,
                px * tx + py * ty,
                py * tx - px * ty,
            ],
            axis=1,
        ).ravel()
        rest = out[19 + 5 * len(AHEAD) :]
        if not len(rest):
            return
        pixels = self._per_metre / float(self._supersample)
        quarter = 0.25 / pixels * per_unit
        discs = points[:DISCS]
        mid_x, mid_y, radius = discs[:, 3], discs[:, 4], discs[:, 5]
        px, py = discs[:, 6] * radius, discs[:, 7] * radius
        around_x = np.stack([mid_x + py, mid_x + px, mid_x - py], axis=1).ravel()
        around_y = np.stack([mid_y - px, mid_y + py, mid_y + px], axis=1).ravel()
        rest[: 3 * DISCS] = self._distance_at(slot, around_x, around_y) * quarter
        rest = rest[3 * DISCS :]

        base_x, base_y = x + offset * ux, y + offset * uy
        half = width * 0.5
        back = float(a["params"][slot, 8]) * half
        vertices = a["footprint"].shape[1]
        unit_along, unit_across = a["footprint"].astype(np.float64)
        chosen = [i * vertices // CONTOUR_POINTS for i in range(CONTOUR_POINTS)]
        s = unit_along[chosen] * np.where(unit_along[chosen] > 0, length, back)
        t = unit_across[chosen] * half
        rest[:CONTOUR_POINTS] = self._distance_at(slot, base_x + s * ux - t * uy, base_y + s * uy + t * ux) * quarter
        rest = rest[CONTOUR_POINTS:]

        pitch = unit * 0.5
        along = ((np.arange(PATCH_ALONG) - 3) * pitch).repeat(PATCH_ACROSS)
        across = np.tile((np.arange(PATCH_ACROSS) - PATCH_ACROSS // 2) * pitch, PATCH_ALONG)
        rest[0::2], rest[1::2] = self._look(slot, x + along * tx - across * ty, y + along * ty + across * tx, quarter)

    def _field(self, slot: int) -> tuple[NDArray[np.int8], Array, float]:
        a = self._a
        window, goal = a["window"][slot], int(a["goal"][slot])
        columns, rows = int(window[2]), int(window[3])
        start = int(a["distance_offset"][goal])
        pixels = self._per_metre / float(self._supersample)
        return a["distance"][start : start + columns * rows].reshape(rows, columns), window, pixels

    def _distance_at(self, slot: int, x: Array, y: Array) -> Array:
        """Signed distance in quarter pixels, interpolated between pixel centres."""
        field, window, pixels = self._field(slot)
        rows, columns = field.shape
        column, row = x * pixels - float(window[0]) - 0.5, y * pixels - float(window[1]) - 0.5
        c = _clip_all(np.floor(column), 0.0, float(columns - 2))
        r = _clip_all(np.floor(row), 0.0, float(rows - 2))
        a, b = _clip_all(column - c, 0.0, 1.0), _clip_all(row - r, 0.0, 1.0)
        i, j = r.astype(np.int64), c.astype(np.int64)
        values = field.astype(np.float64)
        upper = values[i, j] + a * (values[i, j + 1] - values[i, j])
        lower = values[i + 1, j] + a * (values[i + 1, j + 1] - values[i + 1, j])
        distance: Array = upper + b * (lower - upper)
        return distance

    def _look(self, slot: int, x: Array, y: Array, quarter: float) -> tuple[Array, Array]:
        """Nearest pixel's distance (in units) and ink."""
        field, window, pixels = self._field(slot)
        rows, columns = field.shape
        column, row = np.floor(x * pixels - float(window[0])), np.floor(y * pixels - float(window[1]))
        within = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        j, i = np.where(within, column, 0).astype(np.int64), np.where(within, row, 0).astype(np.int64)
        distance = np.where(within, field[i, j].astype(np.float64), -127.0) * quarter
        supersample = self._supersample
        ink = unpack(self._a["ink"][slot], columns * supersample, rows * supersample)
        inked = ink[i * supersample + (supersample >> 1), j * supersample + (supersample >> 1)]
        return distance, np.where(within, inked, False).astype(np.float32)


def _clip(value: float, low: float, high: float) -> float:
    # NaN falls to the low end, as the comparisons of the C core have it.
    value = value if value > low else low
    return value if value < high else high


def _clip_all(values: Array, low: float, high: float) -> Array:
    clipped: Array = np.fmin(np.fmax(values, low), high)
    return clipped


def fill_polygon(points: NDArray[np.float64], columns: int, rows: int, bits: NDArray[np.uint64]) -> None:
    """OR into ``bits`` the samples whose centre lies inside the polygon (nonzero winding); coordinates in samples."""
    winding = np.zeros((rows, columns + 1), dtype=np.int32)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        sign = 1
        if y0 > y1:
            x0, y0, x1, y1, sign = x1, y1, x0, y0, -1
        row = np.arange(max(math.ceil(y0 - 0.5), 0), min(math.ceil(y1 - 0.5), rows))
        if len(row):
            x = x0 + (x1 - x0) * ((row + 0.5 - y0) / (y1 - y0))
            column = np.clip(np.ceil(x - 0.5), 0, columns).astype(np.int64)
            winding[row, column] += sign
    bits |= pack(np.cumsum(winding, axis=1)[:, :columns] != 0)


def polygon_distance(
    points: NDArray[np.float64], columns: int, rows: int, inside: NDArray[np.uint64], out: NDArray[np.int8]
) -> None:
    """Write the signed distance of each pixel centre to the polygon: quarter pixels, saturated, inside positive."""
    p = points.astype(np.float32)
    edge = np.roll(p, -1, axis=0) - p
    squared = edge[:, 0] * edge[:, 0] + edge[:, 1] * edge[:, 1]
    inverse = np.float32(1.0) / np.maximum(squared, np.float32(1e-12))
    column = np.arange(columns, dtype=np.float32) + np.float32(0.5)
    is_in = unpack(inside, columns, rows)
    result = out.reshape(rows, columns)
    for row in range(rows):
        ox = column[None, :] - p[:, :1]
        oy = (np.float32(row) + np.float32(0.5) - p[:, 1])[:, None]
        along = np.clip((ox * edge[:, :1] + oy * edge[:, 1:]) * inverse[:, None], np.float32(0.0), np.float32(1.0))
        dx, dy = ox - along * edge[:, :1], oy - along * edge[:, 1:]
        quarters = np.rint(np.sqrt((dx * dx + dy * dy).min(axis=0)) * np.float32(4.0))
        value = np.minimum(quarters, 127).astype(np.int8)
        result[row] = np.where(is_in[row], value, -value)


def outline_distance(points: Array, outlines: Array, count: int, out: Array) -> None:
    """Write the distance of each point to the closed polygon of its share of ``count``, inside or outside."""
    shared, result = points.reshape(count, -1, 2), out.reshape(count, -1)
    for at, outline in enumerate(outlines.reshape(count, -1, 2)):
        # Coordinates apart: arrays of pairs would cost four times as much.
        x, y = outline.T
        edge_x, edge_y = np.roll(x, -1) - x, np.roll(y, -1) - y
        offset_x, offset_y = shared[at, :, :1] - x, shared[at, :, 1:] - y
        squared = np.maximum(edge_x * edge_x + edge_y * edge_y, 1e-30)
        along = np.clip((offset_x * edge_x + offset_y * edge_y) / squared, 0.0, 1.0)
        offset_x -= along * edge_x
        offset_y -= along * edge_y
        result[at] = np.sqrt((offset_x * offset_x + offset_y * offset_y).min(axis=1))


def nearest_points(points: Array, lines: Array, count: int, out: Array) -> None:
    """Write the nearest point to each point on the line of its share of ``count``, of equally long steps.

    Only the two steps at the nearest of the line's own points are looked at, which is ten times faster than all.
    """
    shared, lines = points.reshape(count, -1, 2), lines.reshape(count, -1, 2)
    apart_x, apart_y = (shared[..., axis, None] - lines[:, None, :, axis] for axis in (0, 1))
    nearest = (apart_x * apart_x + apart_y * apart_y).argmin(axis=2)
    rows, last = np.arange(count)[:, None], lines.shape[1] - 2
    apart = []
    for first in (np.maximum(nearest - 1, 0), np.minimum(nearest, last)):
        start = lines[rows, first]
        step, offset = lines[rows, first + 1] - start, shared - start
        share = (offset * step).sum(axis=2) / np.maximum((step * step).sum(axis=2), 1e-18)
        apart.append(offset - np.clip(share, 0.0, 1.0)[..., None] * step)
    before, after = apart
    nearer = (before * before).sum(axis=2) < (after * after).sum(axis=2)
    out.reshape(shared.shape)[...] = shared - np.where(nearer[..., None], before, after)


def contacts(lines: Array, widths: Array, pairs: NDArray[np.int64], reach: int, out: Array) -> None:
    """Write where strokes come nearest, [pairs, 7]: gap, a point on each, and the first one's direction away."""
    first, second = pairs.reshape(2, -1)
    for row, one, other in zip(out.reshape(-1, 7), first, second, strict=True):
        both, wide = lines[[one, other]], widths[[one, other]]
        across, down = (both[0, :, None, axis] - both[1, None, :, axis] for axis in (0, 1))
        gaps = np.sqrt(across * across + down * down) - wide[0][:, None] - wide[1]
        at = np.unravel_index(gaps.argmin(), gaps.shape)
        tail = _tail(both, wide, reach) if gaps[at] < 0 else None
        if tail is not None:
            row[:] = tail
            continue
        points = both[[0, 1], at]
        row[0], row[1:5] = gaps[at], points.ravel()
        row[5:] = (points[0] - points[1]) / max(_length(points[0] - points[1]), 1e-9)


def _tail(lines: Array, widths: Array, reach: int) -> Array | None:
    """Return how two strokes that cross come apart, as of `contacts`; None where their skeletons do not cross."""
    crossing = _crossing(*lines)
    if crossing is None:
        return None
    last = lines.shape[1] - 1
    steps = np.diff(lines, axis=1)
    lengths = np.sqrt(steps[..., 0] ** 2 + steps[..., 1] ** 2)
    ends = []
    for stroke, at in enumerate(crossing):
        for end, part in ((0, lengths[stroke, :at]), (last, lengths[stroke, at:])):
            ends.append((float(np.cumsum(part)[-1]) if len(part) else 0.0, stroke, end))
    beyond, stroke, end = min(ends)
    at, tip = crossing[stroke], lines[stroke, end]
    back = lines[stroke, min(max(at + (reach if end == 0 else -reach), 0), last)] - tip
    back = back / max(_length(back), 1e-9)
    overlap = beyond + widths[1 - stroke, crossing[1 - stroke]] + widths[stroke, end]
    other = lines[1 - stroke, crossing[1 - stroke]]
    points = [tip, other] if stroke == 0 else [other, tip]
    return np.concatenate([[-overlap], *points, back if stroke == 0 else -back])


def _crossing(one: Array, other: Array) -> tuple[int, int] | None:
    """Return the steps in which two lines cross, of several the middle ones; None where they do not."""
    along, across = np.diff(one, axis=0)[:, None], np.diff(other, axis=0)[None]
    between = other[None, :-1] - one[:-1, None]
    turn = _cross(along, across)
    with np.errstate(all="ignore"):
        share, share_other = _cross(between, across) / turn, _cross(between, along) / turn
    found = np.argwhere((share >= 0) & (share <= 1) & (share_other >= 0) & (share_other <= 1))
    return tuple(found[len(found) // 2].tolist()) if len(found) else None


def _cross(one: Array, other: Array) -> Array:
    product: Array = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return product


def _length(vector: Array) -> float:
    return math.sqrt(vector[0] * vector[0] + vector[1] * vector[1])


def distance_transform(mask: NDArray[np.uint8], columns: int, rows: int, out: NDArray[np.float32]) -> None:
    """Write the exact distance in pixels from each pixel to the nearest nonzero one; infinity where there is none."""
    squared = np.where(mask.reshape(rows, columns) != 0, 0.0, np.inf)
    offsets = np.arange(max(rows, columns), dtype=np.float64)
    between = (offsets[:, None] - offsets[None, :]) ** 2
    vertical = np.empty_like(squared)
    for row in range(rows):
        vertical[row] = (squared + between[row, :rows, None]).min(axis=0)
    vertical = vertical.astype(np.float32).astype(np.float64)
    result = out.reshape(rows, columns)
    for column in range(columns):
        result[:, column] = np.sqrt((vertical + between[column, None, :columns]).min(axis=1))


def linear(x: Array, weight: Array, bias: Array, rectified: bool, out: Array) -> None:
    """Write bias + x weight, summed from the bias on over the inputs in order; negative sums are 0 if ``rectified``."""
    if weight.ndim == 3:  # packed
        weight = weight.transpose(1, 0, 2).reshape(x.shape[1], -1)
    out[:] = bias
    for column, row in zip(x.T, weight, strict=True):
        out += column[:, None] * row
    if rectified:
        out[~(out > 0)] = 0.0


def perceptrons(x: Array, inputs: int, groups: tuple[tuple[Array, tuple[Array, ...]], ...], out: Array) -> None:
    """Write some rows of x through all layers, each but the last one rectified, cut to [-1, 1], for each network."""
    for rows, layers in groups:
        hidden = x.reshape(-1, inputs)[rows]
        for weight, bias in zip(layers[::2], layers[1::2], strict=True):
            before, hidden = hidden, np.empty((len(rows), len(bias)), np.float32)
            linear(before, weight, bias, bias is not layers[-1], hidden)
        out[rows] = np.minimum(np.maximum(hidden, np.float32(-1.0)), np.float32(1.0))


def attention(qkv: Array, exists: Array, count: int, heads: int, out: Array) -> None:
    """Write the scaled dot-product attention among the rows of each of ``count`` characters that exist."""
    parts = qkv.reshape(count, -1, 3, heads, HEAD_SIZE).transpose(2, 0, 3, 1, 4)
    query, key, value = parts[0] * np.float32(HEAD_SIZE**-0.5), parts[1], parts[2]
    there = exists.reshape(count, 1, 1, -1) != 0
    score = np.zeros((*query.shape[:3], query.shape[2]), np.float32)
    for d in range(HEAD_SIZE):
        score += query[..., d, None] * key[..., None, :, d]
    score -= np.where(there, score, -np.inf).max(axis=-1, keepdims=True, initial=-np.inf)
    weight = np.where(there, _exponential(score), np.float32(0))
    total = np.zeros_like(weight[..., :1])
    for j in range(weight.shape[-1]):
        total += weight[..., j, None]
    mixed = np.zeros_like(query)
    for j in range(weight.shape[-1]):
        share = weight[..., j, None] / np.where(there[..., j, None], total, np.float32(1))
        mixed = np.where(there[..., j, None], mixed + share * value[..., j, None, :], mixed)
    out.reshape(count, -1, heads, HEAD_SIZE)[:] = mixed.transpose(0, 2, 1, 3)


def _exponential(x: Array) -> Array:
    """Return exp of float32 from -87 to 0, to about an ulp; beyond it is 0. Coefficients: Cephes, expf."""
    f32 = np.float32
    shift = f32(12582912.0)  # 1.5 * 2^23: adding and taking it off rounds to whole numbers
    within = (x >= f32(-87.0)) & (x <= f32(0.0))
    x = np.where(within, x, f32(0))
    whole = (x * f32(1.44269504) + shift) - shift
    r = (x - whole * f32(0.693359375)) - whole * f32(-2.12194440e-4)
    p = f32(1.9875691500e-4) * r + f32(1.3981999507e-3)
    for coefficient in (8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1):
        p = p * r + f32(coefficient)
    scale = ((whole.astype(np.int32) + 127) << 23).view(f32)
    grown: Array = np.where(within, ((p * (r * r) + r) + f32(1)) * scale, f32(0))
    return grown


def normalise(x: Array, weight: Array, bias: Array, epsilon: float, out: Array) -> None:
    """Write each row less its mean, over its standard deviation, times ``weight``, plus ``bias``."""
    width = np.float32(len(weight))
    centred = x - (_lane_sum(x) / width)[:, None]
    deviation = np.sqrt(_lane_sum(centred * centred) / width + np.float32(epsilon))
    out[:] = centred / deviation[:, None] * weight + bias


def _lane_sum(rows: Array) -> Array:
    """Sum each row in eight interleaved parts, then those in order."""
    lanes = np.zeros((len(rows), 8), np.float32)
    for part in np.split(rows, rows.shape[1] // 8, axis=1):
        lanes += part
    total = lanes[:, 0].copy()
    for i in range(1, 8):
        total += lanes[:, i]
    return total
