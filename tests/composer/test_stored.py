"""Tensors and the strings beside them, as data files are stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hierbrush.composer import stored
from hierbrush.errors import HierbrushError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "things.safetensors"
    stored.write(path, {"numbers": np.arange(3, dtype=np.float32)}, {"names": ["永", "国"]})
    return path


def test_what_was_written_is_read(path: Path) -> None:
    with stored.read(path, "things") as (tensors, strings):
        assert tensors["numbers"].tolist() == [0, 1, 2]
        assert strings == {"names": ["永", "国"]}


def test_a_missing_json_file_is_told_of_the_file(path: Path) -> None:
    path.with_suffix(".json").unlink()
    message = r"things\.safetensors: holds no things, or its JSON file is missing"
    with pytest.raises(HierbrushError, match=message), stored.read(path, "things"):
        pytest.fail("there is nothing to be read")


def test_what_is_missing_in_a_file_is_named(path: Path) -> None:
    message = r"things\.safetensors: holds no things.*'places'"
    with pytest.raises(HierbrushError, match=message), stored.read(path, "things") as (tensors, _):
        tensors["places"]


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"a": ' + b"[" * 100_000])
def test_a_damaged_json_file_is_told_in_one_line(path: Path, content: bytes) -> None:
    path.with_suffix(".json").write_bytes(content)
    with pytest.raises(HierbrushError, match=r"holds no things.*it (is|holds) no JSON") as caught:  # noqa: SIM117
        with stored.read(path, "things"):
            pytest.fail("there is nothing to be read")
    assert len(str(caught.value).splitlines()) == 1
