"""Weights from strangers: one line for whatever is wrong with a file, and no memory for what it only promises."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from hierbrush.errors import HierbrushError
from hierbrush.strokes.learned import LearnedPolicy
from hierbrush.strokes.policy import MLPPolicy, PolicySet, read_safetensors

ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def packed(header: Mapping[str, Any] | bytes, body: bytes = bytes(8)) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_tensors_come_back_as_float32(tmp_path: Path, dtype: type) -> None:
    file = tmp_path / "a.safetensors"
    file.write_bytes(save({"a": np.array([[1, 2.5]], dtype), "b": np.zeros((0, 3), dtype)}))
    tensors = read_safetensors(file)
    assert tensors["a"].tolist() == [[1, 2.5]]
    assert (tensors["a"].dtype, tensors["b"].shape) == (np.float32, (0, 3))
    file.write_bytes(packed({"a": ONE}))  # without metadata
    assert read_safetensors(str(file))["a"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no safetensors file"),
        (b"\x80\x04" + bytes(50), "is no safetensors file; weights in pickles and .pt files are not read"),
        ((2**63).to_bytes(8, "little") + b"{", "is damaged: .*header too large"),
        (packed(b"{" + b'"a":' + b"[" * 100_000), "is damaged: .*recursion"),
        (packed({"a": {**ONE, "data_offsets": [-8, 0]}}), "is damaged: .*-8"),
        (packed({"a": {**ONE, "shape": [-1]}}), "is damaged: .*-1"),
        (packed({"a": {**ONE, "shape": [2**62, 2**62]}}), "is damaged: .*overflow"),
        (packed({"a": {**ONE, "shape": [2**40]}}), "is damaged: "),
        (packed({"a": {**ONE, "shape": [1] * 99 + [2]}}), "is damaged: .*dimension"),
        (packed({"a": ONE, "b": {**ONE, "data_offsets": [4, 12]}}, bytes(12)), "is damaged: .*offset"),
        (packed({"a": ONE, "b": {**ONE, "data_offsets": [12, 20]}}, bytes(20)), "is damaged: .*offset"),
        (packed({"a": ONE}, bytes(9)), "is damaged: .*not fully covered"),
        (packed({"a": ONE}, bytes(7)), "is damaged: "),
        (
            packed(b'{"a": %b, "a": %b}' % ((json.dumps(ONE).encode(),) * 2)),
            "is damaged: two entries have the name 'a'",
        ),
        (packed({"__metadata__": 5, "a": ONE}), "is damaged: "),
        (packed({"a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}), "type 'I64', expected F32 or F16"),
        (packed({"a": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}}), "type 'BF16', expected F32 or F16"),
        (packed({"a": {**ONE, "dtype": "x\n\x1b[2J" * 400}}), "is damaged: "),
    ],
)
def test_a_damaged_file_is_told_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "a.safetensors"
    file.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(HierbrushError, match=rf"a\.safetensors: .*{message}|a\.safetensors: {message}") as caught:
            read_safetensors(file)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) <= 700
    assert str(caught.value).isprintable()


def layers(prefix: str = "policy.", size: int = 64, **changes: Any) -> dict[str, np.ndarray[Any, Any]]:
    tensors = {
        "0.weight": np.zeros((8, size)), "0.bias": np.zeros(8), "2.weight": np.zeros((3, 8)), "2.bias": np.zeros(3),
    }  # fmt: skip
    return {f"{prefix}{name}": np.asarray(array, np.float32) for name, array in {**tensors, **changes}.items()}


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({}, "holds no policy"),
        ({"policy.x.weight": np.zeros(3, np.float32)}, r"layers of the shapes \[\] do not follow"),
        (layers(**{"0.bias": np.zeros(7)}), "do not follow from one another"),
        (layers(**{"0.weight": np.zeros(8)}), "do not follow from one another"),
        (layers(**{"2.weight": np.zeros((3, 9))}), "do not follow from one another"),
        (layers(**{"2.weight": np.full((3, 8), np.nan)}), "2.weight' holds NaN"),
        (layers(**{"2.weight": np.full((3, 8), 1e30)}), "2.weight' holds .* a number beyond 10,000"),
        (layers(**{"4.weight": np.zeros((3, 3))}), "tensor '4.bias' is missing"),
        (layers(size=65), "weights: observations of 65 numbers"),
        (
            layers(**{"2.weight": np.zeros((4, 8)), "2.bias": np.zeros(4)}),
            "weights: observations of 64 numbers and actions of 4, expected 3",
        ),
        ({"a": np.zeros(3, np.float32)}, "do not follow from one another"),
        ({**layers("base/"), "H/0.up": np.zeros((8, 2), np.float32)}, r"H: 0.up does not fit 0.down and base/0.weight"),
        (
            {**layers("base/"), "H/0.up": np.zeros(8, np.float32), "H/0.down": np.zeros((1, 64), np.float32)},
            r"H: 0.up does not fit 0.down and base/0.weight",
        ),
        (
            {
                **layers("base/"),
                "H/0.up": np.full((8, 1), 1e38, np.float32),
                "H/0.down": np.full((1, 64), 1e38, np.float32),
            },
            "holds NaN, infinity or a number beyond",
        ),
    ],
)
def test_networks_that_do_not_fit_are_told_in_one_line(tmp_path: Path, tensors: Any, message: str) -> None:
    file = tmp_path / "a.safetensors"
    file.write_bytes(save(tensors))
    with pytest.raises(HierbrushError, match=message) as caught:
        LearnedPolicy.load(file)
    assert len(str(caught.value).splitlines()) == 1


def test_single_policies_and_sets_are_read(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    file.write_bytes(save(layers()))
    assert (MLPPolicy.load(str(file)).observation_size, LearnedPolicy.load(file).observation) == (64, "track")
    file.write_bytes(save({**layers("base/"), **layers("H/"), "S/2.bias": np.ones(3, np.float32)}))
    assert set(PolicySet.load(file).policies) == {"H", "S"}
    with pytest.raises(HierbrushError, match="there is no policy for 'D'"):
        PolicySet.load(file).bind(["D"])
