"""The policies' networks: the same bits on both cores, for a row alone and among others, and what they should be."""

from __future__ import annotations

import itertools
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError
from hierbrush.sim import reference
from hierbrush.sim.network import HEAD_SIZE, attention, linear, normalised, packed

F32 = NDArray[np.float32]


def numbers(rng: np.random.Generator, *shape: int) -> F32:
    """Numbers of all sizes, zeros of both signs among them."""
    drawn = rng.normal(0.0, 1.0, shape) * 10.0 ** rng.integers(-4, 2, shape)
    return np.where(rng.random(shape) < 0.2, rng.choice([0.0, -0.0], shape), drawn).astype(np.float32)


def assert_bits(one: F32, other: F32) -> None:
    np.testing.assert_array_equal(one.view(np.uint32), other.view(np.uint32))


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 64])
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (7, 3), (219, 128), (128, 130), (33, 24), (5, 71)])
@pytest.mark.parametrize("rectified", [False, True])
def test_products_have_the_same_bits(core: ModuleType, rows: int, inputs: int, outputs: int, rectified: bool) -> None:
    rng = np.random.default_rng([rows, inputs, outputs])
    x, weight, bias = numbers(rng, rows, inputs), numbers(rng, inputs, outputs), numbers(rng, outputs)
    both = [np.empty((rows, outputs), np.float32) for _ in range(2)]
    for kernel, out in zip((core, reference), both, strict=True):
        kernel.linear(x, weight, bias, rectified, out)
    assert_bits(*both)
    wanted = x.astype(float) @ weight + bias
    np.testing.assert_allclose(both[0], np.maximum(wanted, 0) if rectified else wanted, rtol=1e-4, atol=1e-2)
    for row in range(rows):
        assert_bits(linear(x[row : row + 1], weight, bias, rectified=rectified), both[0][row : row + 1])
    for kernel, out in zip((core, reference), both, strict=True):
        kernel.linear(x, packed(weight), bias, rectified, out)
    assert_bits(*both)
    assert_bits(both[0], linear(x, weight, bias, rectified=rectified))


@pytest.mark.parametrize("widths", [(219, 128, 128, 3), (7, 3), (5, 71, 9, 33, 1)])
def test_some_rows_through_all_layers_are_the_chain_of_products(core: ModuleType, widths: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(widths))
    shapes = list(itertools.pairwise(widths))
    layers = tuple(array for shape in shapes for array in (numbers(rng, *shape) / 4, numbers(rng, shape[1]) / 4))
    x, rows = numbers(rng, 11, widths[0]), np.array([9, 0, 4, 10, 2])
    wanted = x[rows]
    for at in range(0, len(layers), 2):
        wanted = linear(wanted, *layers[at : at + 2], rectified=at + 2 < len(layers))
    for kernel in (core, reference):
        out = np.full((11, widths[-1]), 7.0, np.float32)
        kernel.perceptrons(x, widths[0], ((rows[:3], layers), (rows[3:], layers)), out)
        assert_bits(out[rows], np.clip(wanted, -1.0, 1.0))
        assert (np.delete(out, rows, axis=0) == 7.0).all()


def test_what_does_not_fit_a_network_is_refused(core: ModuleType) -> None:
    x, out, rows = np.zeros((4, 6), np.float32), np.zeros((4, 2), np.float32), np.arange(4)
    layers = np.zeros((6, 2), np.float32), np.zeros(2, np.float32)
    core.perceptrons(x, 6, ((rows, layers),), out)
    wrong: list[tuple[Any, ...]] = [
        (x, 6, ((rows, layers), (rows + 1, layers)), out),
        (x, 6, ((rows - 1, layers),), out),
        (x, 5, ((rows, layers),), out),
        (x, 6, ((rows, layers[:1]),), out),
        (x, 6, ((rows, ()),), out),
        (x, 6, ((rows, None),), out),
        (x, 6, ((rows, layers * 2),), out),
        (x, 6, ((rows, layers),), out[:3]),
        (x, 6, ((rows.astype(np.int32), layers),), out),
        (x, 0, ((rows, layers),), out),
        (x, 6, ((rows,),), out),
        (x, 6, (rows,), out),
    ]
    for arguments in wrong:
        with pytest.raises(ValueError, match=r"layers|rows|x, out|inputs|groups"):
            core.perceptrons(*arguments)


@pytest.mark.parametrize("rows", [1, 2, 8, 13, 30])
@pytest.mark.parametrize("heads", [1, 3])
def test_attention_has_the_same_bits(core: ModuleType, rows: int, heads: int) -> None:
    rng = np.random.default_rng([rows, heads])
    qkv = 5 * numbers(rng, 4, rows, 3, heads, HEAD_SIZE)
    exists = rng.random((4, rows)) < 0.7
    exists[0], exists[1, 1:] = False, False
    both = [np.empty((4, rows, heads * HEAD_SIZE), np.float32) for _ in range(2)]
    for kernel, out in zip((core, reference), both, strict=True):
        kernel.attention(qkv, exists.view(np.uint8), 4, heads, out)
    assert_bits(*both)
    assert not both[0][0].any()
    # What lies beyond the last row that exists, in a batch with longer characters, changes nothing.
    longer = np.pad(qkv, ((0, 0), (0, 9), (0, 0), (0, 0), (0, 0)), constant_values=3.0)
    assert_bits(attention(longer, np.pad(exists, ((0, 0), (0, 9))))[:, :rows], both[0])


def test_attention_is_softmax() -> None:
    rng = np.random.default_rng(0)
    qkv = rng.normal(0.0, 3.0, (3, 12, 3, 2, HEAD_SIZE)).astype(np.float32)
    exists = np.ones((3, 12), bool)
    exists[1, 5:] = False
    query, key, value = qkv.astype(float).transpose(2, 0, 3, 1, 4)
    score = query @ key.transpose(0, 1, 3, 2) / np.sqrt(HEAD_SIZE)
    score[~np.broadcast_to(exists[:, None, None], score.shape)] = -np.inf
    weight = np.exp(score - score.max(axis=-1, keepdims=True))
    wanted = (weight / weight.sum(axis=-1, keepdims=True) @ value).transpose(0, 2, 1, 3).reshape(3, 12, -1)
    np.testing.assert_allclose(attention(qkv, exists), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("width", [8, 32, 136])
def test_normalisation_has_the_same_bits(core: ModuleType, width: int) -> None:
    rng = np.random.default_rng(width)
    x, weight, bias = numbers(rng, 9, width), numbers(rng, width), numbers(rng, width)
    x[3] = 0.5
    both = [np.empty_like(x) for _ in range(2)]
    for kernel, out in zip((core, reference), both, strict=True):
        kernel.normalise(x, weight, bias, 1e-5, out)
    assert_bits(*both)
    exact = x.astype(float)
    wanted = (exact - exact.mean(axis=1, keepdims=True)) / np.sqrt(exact.var(axis=1, keepdims=True) + 1e-5) * weight
    np.testing.assert_allclose(both[0], wanted + bias, rtol=1e-3, atol=1e-3)
    assert_bits(normalised(x[4:5], weight, bias, 1e-5), both[0][4:5])


def test_shapes_that_do_not_fit_are_named() -> None:
    x, weight, bias = np.zeros((2, 3), np.float32), np.zeros((3, 4), np.float32), np.zeros(4, np.float32)
    for wrong in ((x[0], weight, bias), (x[:, :2], weight, bias), (x, weight, bias[:3]), (x, weight[0], bias)):
        with pytest.raises(HierbrushError, match=r"^x, weight, bias: shapes "):
            linear(*wrong)
    qkv = np.zeros((1, 2, 3, 1, HEAD_SIZE), np.float32)
    for qkv_, exists in (
        (qkv[..., :9], np.ones((1, 2), bool)),
        (qkv, np.ones((1, 3), bool)),
        (qkv[0], np.ones(2, bool)),
    ):
        with pytest.raises(HierbrushError, match=r"^qkv, exists: shapes "):
            attention(qkv_, exists)


def test_the_core_never_leaves_its_arrays(core: ModuleType) -> None:
    def made(*shape: int) -> F32:
        return np.zeros(shape, np.float32)

    calls: list[tuple[str, tuple[Any, ...]]] = [
        ("linear", (made(2, 3), made(3, 4), made(4), False, made(2, 3))),
        ("linear", (made(2, 3), made(3, 4), made(0), False, made(2, 4))),
        ("linear", (made(2, 3), made(0, 4), made(4), False, made(2, 4))),
        ("linear", (made(7), made(3, 4), made(4), False, made(2, 4))),
        ("linear", (made(2, 3), made(1, 3, 16), made(8), False, made(2, 8))),
        ("linear", (made(2, 3), made(1, 3, 16), made(32), False, made(2, 32))),
        ("linear", (made(2, 3), made(2, 3, 8), made(16), False, made(2, 16))),
        ("linear", (made(2, 3), made(3, 1, 16), made(16), False, made(2, 16))),
        ("attention", (made(2, 3, 3, 1, 32), np.zeros((2, 3), np.uint8), 2, 2, made(2, 3, 32))),
        ("attention", (made(2, 3, 3, 1, 32), np.zeros((2, 3), np.uint8), 0, 1, made(2, 3, 32))),
        ("attention", (made(2, 3, 3, 1, 32), np.zeros((2, 3), np.uint8), -1, -1, made(2, 3, 32))),
        ("attention", (made(2, 3, 3, 1, 32), np.zeros((2, 3), np.uint8), 2, 1 << 30, made(2, 3, 32))),
        ("attention", (made(2, 3, 3, 1, 32), np.zeros((2, 4), np.uint8), 2, 1, made(2, 3, 32))),
        ("normalise", (made(2, 12), made(12), made(12), 1e-5, made(2, 12))),
        ("normalise", (made(2, 8), made(8), made(8), 1e-5, made(1, 8))),
        ("normalise", (made(2, 8), made(0), made(0), 1e-5, made(2, 8))),
        ("normalise", (made(9), made(8), made(8), 1e-5, made(9))),
    ]  # fmt: skip
    for name, arguments in calls:
        with pytest.raises(ValueError, match="sizes that do not fit"):
            getattr(core, name)(*arguments)
