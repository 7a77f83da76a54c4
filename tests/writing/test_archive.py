from __future__ import annotations

import contextlib
import json
import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hierbrush.errors import HierbrushError
from hierbrush.writing import MotionLimits, Page, Writing, archive, load, write_character
from hierbrush.writing.archive import to_json, to_npz


@pytest.fixture(scope="module")
def yi() -> Writing:
    return write_character("一", policy="random", seed=7)


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_writing_comes_back_equal(yong: Writing, suffix: str, tmp_path: Path) -> None:
    back = Writing.load(yong.save(tmp_path / f"x{suffix}"))
    assert back == yong
    assert np.array_equal(back.trajectory, yong.trajectory)
    assert np.array_equal(back.image(64), yong.image(64))
    assert back.scores == yong.scores


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_page_comes_back_equal(page: Page, suffix: str, tmp_path: Path) -> None:
    file = page.save(tmp_path / f"x{suffix}")
    assert load(file) == page
    with pytest.raises(HierbrushError, match=r"holds a Page, not a Writing; use Page\.load"):
        Writing.load(file)


def test_the_trajectory_is_there_for_whoever_replays_it(yong: Writing) -> None:
    document = json.loads(to_json(yong))["trajectory"]
    assert document["columns"] == list(yong.trajectory.dtype.names or ())
    assert len(document["rows"]) == len(yong.trajectory)
    assert document["rows"][40] == pytest.approx(list(yong.trajectory[40].item()), abs=1e-6)
    with np.load(BytesIO(to_npz(yong)), allow_pickle=False) as arrays:
        assert np.array_equal(arrays["trajectory"], yong.trajectory)


def spoil_json(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def spoil(content: bytes) -> bytes:
        document = json.loads(content)
        change(document)
        return json.dumps(document).encode()

    return spoil


def stroke(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["characters"][0]["strokes"][0]
    return found


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda content: b"", "is not JSON: line 1"),
        (lambda content: content[:-50], "is not JSON"),
        (lambda content: b"\xff" + content, "is not UTF-8"),
        (lambda content: b"[" * 100_000, "is nested deeper"),
        (lambda content: b"[1]", "expected a JSON object"),
        (lambda content: b"{}", "is not a hierbrush file"),
        (lambda content: b'{"a": ' + b"9" * 5000 + b"}", "a number that cannot be read"),
        (lambda content: content.replace(b'"seed":7', b'"seed":NaN'), "holds NaN"),
        (spoil_json(lambda d: d.update(version=3)), "is of version 3"),
        (spoil_json(lambda d: d.update(seed="7")), "seed must be a whole number"),
        (spoil_json(lambda d: d.update(brush=None)), "brush must be an object"),
        (spoil_json(lambda d: d["brush"].update(widht=3)), "brush"),
        (spoil_json(lambda d: d["brush"].update(width_slope="wide")), "width_slope"),
        (spoil_json(lambda d: d.update(layout=[])), "layout must be an object or null"),
        (spoil_json(lambda d: d.update(layout={"cells": 1})), "layout: unknown field 'cells'; did you mean 'cell'"),
        (spoil_json(lambda d: d.update(characters=[])), "text is not the text of its characters"),
        (spoil_json(lambda d: d.update(characters=3)), "characters must be a list"),
        (spoil_json(lambda d: d.update(text="二")), "text is not the text of its characters"),
        (spoil_json(lambda d: d["characters"][0].update(strokes=[])), "expected a character with strokes"),
        (spoil_json(lambda d: d["characters"].append(d["characters"][0])), "text is not the text"),
        (spoil_json(lambda d: stroke(d).pop("path")), "path is missing"),
        (spoil_json(lambda d: stroke(d).update(path=[[0, 0, "1"]] * 3)), "path is no table of numbers"),
        (spoil_json(lambda d: stroke(d).update(path=[[0, 0], [1, 2, 3]])), "path is no table of numbers"),
        (spoil_json(lambda d: stroke(d).update(path=[[0, 0, 10**400]] * 3)), "path is no table of numbers"),
        (spoil_json(lambda d: stroke(d).update(path=[[0, 0, 1e30]] * 3)), "path holds values outside"),
        (spoil_json(lambda d: stroke(d).update(path=[[0, 0, 0]])), r"path has shape \(1, 3\)"),
        (spoil_json(lambda d: stroke(d).update(outline=[[0, 0]])), "outline"),
        (spoil_json(lambda d: stroke(d).update(reference=None)), "reference is no table of numbers"),
        (spoil_json(lambda d: stroke(d).update(stroke_type=5)), "stroke_type must be text"),
    ],
)
def test_damaged_json_gives_one_clear_error(
    yi: Writing, spoil: Callable[[bytes], bytes], message: str, tmp_path: Path
) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(spoil(to_json(yi)))
    with pytest.raises(HierbrushError, match=message) as caught:
        load(file)
    assert str(file) in str(caught.value)


def respoil(**changes: Any) -> Callable[[bytes], bytes]:
    """Write the npz again with some arrays changed, or left out when None."""

    def spoil(content: bytes) -> bytes:
        with np.load(BytesIO(content)) as arrays:
            tables = {name: arrays[name] for name in arrays.files}
        for name, change in changes.items():
            table = tables.pop(name)
            if change is not None:
                tables[name] = change(table)
        file = BytesIO()
        np.savez(file, **tables)
        return file.getvalue()

    return spoil


def boast(content: bytes) -> bytes:
    """Name an array of a hundred thousand gigabytes in a header and send nothing."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (13000000000000,), }"
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as entries:
        entries.writestr("header.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    return file.getvalue()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda content: b"", "is not a readable npz file"),
        (lambda content: content[:200], "is not a readable npz file"),
        (lambda content: b"\x93NUMPY" + content, "."),
        (boast, "is not a readable npz file"),
        (respoil(header=lambda a: np.array([object()], dtype=object)), "is not a readable npz file"),
        (respoil(header=None), "header is missing"),
        (respoil(header=lambda a: np.array("[]")), "header is no JSON object"),
        (respoil(header=lambda a: np.array("{}")), "characters is missing"),
        (respoil(path=None), "path is missing"),
        (respoil(path=lambda a: a[:-1]), "path and path_rows do not belong together"),
        (respoil(path_rows=lambda a: -a), "path and path_rows do not belong together"),
        (respoil(path_rows=lambda a: a.astype(float)), "path and path_rows do not belong together"),
        (respoil(path=lambda a: a.astype(str)), "path is no table of numbers"),
        (respoil(path=lambda a: a * np.nan), "path holds values outside"),
        (respoil(path=lambda a: a[:, :2]), "path has shape"),
        (respoil(skeleton=lambda a: a[:0]), "differ in their number of strokes"),
        (respoil(skeleton=lambda a: a[:, :5]), "skeleton"),
        (respoil(reference=None), "reference is missing"),
    ],
)
def test_damaged_npz_gives_one_clear_error(
    yi: Writing, spoil: Callable[[bytes], bytes], message: str, tmp_path: Path
) -> None:
    file = tmp_path / "x.npz"
    file.write_bytes(spoil(to_npz(yi)))
    with pytest.raises(HierbrushError, match=message) as caught:
        load(file)
    assert str(file) in str(caught.value)


def test_a_zip_bomb_is_not_unpacked(yi: Writing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = to_npz(yi)
    with zipfile.ZipFile(BytesIO(content)) as entries:
        unpacked = sum(entry.file_size for entry in entries.infolist())
    assert unpacked > 1.3 * len(content)
    file = tmp_path / "x.npz"
    file.write_bytes(content)
    monkeypatch.setattr(archive, "_MOST_BYTES", unpacked - 1)
    monkeypatch.setattr(archive.np, "load", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(HierbrushError, match="unpacks to more than any sheet"):
        load(file)


@pytest.mark.parametrize("suffix", [".json", ".npz"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_never_raise_anything_else(yi: Writing, suffix: str, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(to_json(yi) if suffix == ".json" else to_npz(yi))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path / f"x{suffix}"
    file.write_bytes(content)
    with contextlib.suppress(HierbrushError):
        load(file)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.json", "path: cannot read .*No such file"),
        ("x.jsn", "only .json and .npz files can be loaded.*did you mean '.json'"),
        ("x.png", "only .json and .npz files can be loaded"),
        ("x", "only .json and .npz files can be loaded"),
        ("a\0b.json", "path: cannot read"),
    ],
)
def test_unreadable_paths_are_named(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(HierbrushError, match=message):
        load(tmp_path / name)


@pytest.mark.parametrize("suffix", ["json", "npz"])
def test_the_arms_limits_come_back(suffix: str, tmp_path: Path) -> None:
    slow = write_character("一", motion=MotionLimits(speed=0.05, acceleration=0.5, jerk=5.0))
    loaded = load(slow.save(tmp_path / f"slow.{suffix}"))
    assert loaded == slow
    assert loaded != write_character("一")
    assert np.array_equal(loaded.trajectory, slow.trajectory)
    assert slow.trajectory["t"][-1] > write_character("一").trajectory["t"][-1]
