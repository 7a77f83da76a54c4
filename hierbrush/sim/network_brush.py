"""A brush with a network, in NumPy: what ``core/tuft.h`` does where the ten numbers alone do not tell the mark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

INPUTS, HIDDEN, OUTPUTS = 5, 12, 5
SIZE = (INPUTS + 1) * HIDDEN + (HIDDEN + 1) * OUTPUTS
"""Weights and biases of a network: layer by layer the weights [inputs, outputs], then the biases.

It sees the depth in centimetres, its square, the cosine between the movement and where the tuft points, its square, and
the press' share of the movement. It says by what share the mark is wider and longer, how many centimetres further on
it lies and its root lies further behind, and how far, less 1, a slack tuft lets its root stay where it is.
"""

_NEAR = 1e-9


def trail_by(
    p: Sequence[float], network: NDArray[np.float64], state: NDArray[np.float64], x: float, y: float, z: float
) -> tuple[float, float, float]:
    """Move the handle of ``state`` (pose [3], root [2], direction [2]); return width, length and offset of the mark."""
    mx, my, dz = x - float(state[0]), y - float(state[1]), z - float(state[2])
    rx, ry = float(state[3]) - mx, float(state[4]) - my
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
    ux, uy = state[5:7].tolist()
    far = math.sqrt(mx * mx + my * my)
    moved, q = math.sqrt(far * far + dz * dz), depth * 100.0
    along = (mx * ux + my * uy) / far if far > _NEAR else 0.0
    press = dz / moved if moved > _NEAR else 0.0
    said = _consult(network, [q, q * q, along, along * along, press])
    width *= 1.0 + _bounded(said[0], -0.5, 0.5)
    length *= 1.0 + _bounded(said[1], -0.5, 0.5)
    shift = 0.01 * _bounded(said[2], -1.0, 1.0)
    behind = p[7] * length + 0.01 * _bounded(said[3], 0.0, 2.0)
    arm = offset + behind
    if distance < arm:
        slack = (arm - distance) * _bounded(1.0 + said[4], 0.0, 1.0)
        offset -= slack
        arm -= slack
    state[3:5] = (arm * ux, arm * uy)
    return width, length, offset + shift


def _bounded(value: float, low: float, high: float) -> float:
    # As in C: NaN falls to the low end.
    value = value if value > low else low
    return value if value < high else high


def _consult(network: NDArray[np.float64], seen: Sequence[float]) -> list[float]:
    first, hidden, second, out = layers(network)
    for value, row in zip(seen, first, strict=True):
        hidden = hidden + value * row
    for value, row in zip(np.where(hidden > 0.0, hidden, 0.0), second, strict=True):
        out = out + value * row
    said: list[float] = out.tolist()
    return said


def layers(network: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return weights [inputs, hidden] and biases, weights [hidden, outputs] and biases; leading axes stay."""
    cuts = np.cumsum([INPUTS * HIDDEN, HIDDEN, HIDDEN * OUTPUTS])
    first, hidden, second, out = np.split(network, cuts, axis=-1)
    lead = network.shape[:-1]
    return first.reshape(*lead, INPUTS, HIDDEN), hidden, second.reshape(*lead, HIDDEN, OUTPUTS), out
