"""What the policies' networks are made of, with the same bits on every machine and for a row alone or among others.

Matrix libraries choose the order of a sum by the shape of the matrices and by the machine, so that products differ in
the last bit; a policy that acts on what it did before turns that into visible differences. Here every sum has one fixed
order, in the C core and in its NumPy twin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError
from hierbrush.sim import reference
from hierbrush.sim.core_choice import kernels

F32 = NDArray[np.float32]

HEAD_SIZE = reference.HEAD_SIZE
"""Width of an attention head."""

_PANEL = 16

MOST_LAYERS = 64
"""Layers that `perceptron` takes."""


def linear(x: F32, weight: F32, bias: F32, *, rectified: bool = False) -> F32:
    """Return ``x @ weight + bias``, f32 [n, outputs].

    Args:
        x: f32 [n, inputs].
        weight: f32 [inputs, outputs], contiguous, or as `packed` returns it.
        bias: f32 [outputs].
        rectified: negative results are 0.

    Raises:
        HierbrushError: the shapes do not fit.
    """
    if x.ndim != 2 or weight.shape not in (
        (x.shape[1], *bias.shape),
        (len(bias) // _PANEL, x.shape[1], _PANEL),
    ):
        raise HierbrushError(
            f"x, weight, bias: shapes {x.shape}, {weight.shape} and {bias.shape}, expected [n, k], [k, m] and [m]"
        )
    out = np.empty((len(x), len(bias)), np.float32)
    kernels.linear(np.ascontiguousarray(x, np.float32), weight, bias, rectified, out)
    return out


def packed(weight: F32) -> F32:
    """Return weights f32 [inputs, outputs] in the order in which `linear` reads them: f32 [outputs / 16, inputs, 16].

    Others than those with a multiple of 16 outputs stay as they are. The sums are the same; networks that are larger
    than a cache come faster from memory.
    """
    inputs, outputs = weight.shape
    if outputs % _PANEL:
        return np.ascontiguousarray(weight)
    return np.ascontiguousarray(weight.reshape(inputs, -1, _PANEL).transpose(1, 0, 2))


def perceptron(x: F32, rows: NDArray[np.int64], layers: tuple[F32, ...], out: F32) -> None:
    """Write what a network answers to some rows, cut to [-1, 1], into the same rows of ``out``.

    It is the chain of `linear`, rectified but for the last, in one call: for the few rows of a character that saves
    most of the time.

    Args:
        x: f32 [n, inputs], contiguous.
        rows: int64 [k], which.
        layers: weight f32 [inputs, outputs] and bias f32 [outputs] of one layer after another, contiguous.
        out: f32 [n, outputs] of the last layer, contiguous.

    Raises:
        HierbrushError: the shapes do not fit.
    """
    if x.ndim != 2 or out.ndim != 2 or len(x) != len(out) or len(layers[0]) != x.shape[1]:
        raise HierbrushError(
            f"x, layers, out: shapes {x.shape}, {layers[0].shape} and {out.shape}, expected [n, k], [k, m] and [n, ...]"
        )
    kernels.perceptrons(x, x.shape[1], ((rows, layers),), out)


def attention(qkv: F32, exists: NDArray[np.bool_]) -> F32:
    """Return scaled dot-product attention, f32 [n, rows, heads * HEAD_SIZE]; Vaswani et al., 2017.

    Args:
        qkv: f32 [n, rows, 3, heads, HEAD_SIZE], queries, keys and values.
        exists: bool [n, rows], rows that may be attended to.

    Raises:
        HierbrushError: the shapes do not fit.
    """
    if qkv.ndim != 5 or qkv.shape[2:5:2] != (3, HEAD_SIZE) or exists.shape != qkv.shape[:2]:
        raise HierbrushError(
            f"qkv, exists: shapes {qkv.shape} and {exists.shape}, expected [n, rows, 3, heads, {HEAD_SIZE}] and "
            "[n, rows]"
        )
    count, rows, _, heads, _ = qkv.shape
    out = np.zeros((count, rows, heads * HEAD_SIZE), np.float32)
    if out.size:
        there = np.ascontiguousarray(exists).view(np.uint8)
        kernels.attention(np.ascontiguousarray(qkv, np.float32), there, count, heads, out)
    return out


def normalised(x: F32, weight: F32, bias: F32, epsilon: float) -> F32:
    """Return x with each row normalised, times ``weight``, plus ``bias``, f32 [n, width]; Ba et al., 2016.

    Args:
        x: f32 [n, width], width a multiple of 8.
        weight: f32 [width].
        bias: f32 [width].
        epsilon: is added to the variance.
    """
    out = np.empty_like(x)
    kernels.normalise(x, weight, bias, epsilon, out)
    return out
