"""A file is the old one or the whole new one, a stranger's is read with a limit; a message stays on one line."""

from __future__ import annotations

import json
import os
import pickle
import threading
from pathlib import Path

import pytest

import hierbrush
from hierbrush.composer.composers import composer
from hierbrush.curriculum import load_curriculum
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.files import UnreadableError, read_json, read_whole, write_atomically
from hierbrush.strokes.rollout import stroke_policy


def test_a_file_is_written_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"one")
    write_atomically(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_failure_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HierbrushError, match=r"path: cannot write '.*a': No space left on device"):
        write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_links_and_permissions_stay(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o640)
    (tmp_path / "link").symlink_to("a")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_pipe_is_written_directly(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_atomically(tmp_path / "pipe", b"ink")
    reader.join()
    assert got == [b"ink"]


@pytest.mark.parametrize("name", ["", "folder", "a\0b", "x" * 300, "missing/a"])
def test_what_cannot_be_written_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(HierbrushError, match=r"^--output: cannot write .*") as caught:
        write_atomically(tmp_path / name, b"", argument="--output")
    assert len(str(caught.value).splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("永", "'永'"),
        (Path("a/b"), "'a/b'"),
        ("a\nb\x1b[2J", r"'a\nb\x1b[2J'"),
        ("x" * 1000, "'" + "x" * 298 + "…"),
        (Hostile(), "<Hostile>"),
        ("\u2028", r"'\u2028'"),
    ],
)
def test_a_value_is_shown_on_one_line(value: object, expected: str) -> None:
    assert shown(value) == expected


def place(tmp_path: Path, kind: str, suffix: str) -> Path:
    """Something that is no file, with the name of one."""
    there = tmp_path / f"x{suffix}"
    if kind == "folder":
        there.mkdir()
    elif kind == "pipe":
        os.mkfifo(there)
    elif kind == "device":
        there.symlink_to("/dev/zero")
    elif kind == "loop":
        there.symlink_to(there)
    return there


READERS = {
    "load": (".npz", hierbrush.load),
    "load json": (".json", hierbrush.load),
    "policy": (".safetensors", stroke_policy),
    "composer": (".safetensors", composer),
    "curriculum": (".yaml", load_curriculum),
}


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "loop", "missing"])
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str, reader: str) -> None:
    suffix, read = READERS[reader]
    with pytest.raises(HierbrushError, match=rf"x\{suffix}") as caught:
        read(place(tmp_path, kind, suffix))
    assert len(str(caught.value).splitlines()) == 1
    expected = {"folder": "a folder", "pipe": "a pipe or a device", "device": "a pipe or a device"}
    assert expected.get(kind, "") in str(caught.value)


@pytest.mark.parametrize("reader", READERS)
def test_what_is_too_large_is_not_read(tmp_path: Path, reader: str) -> None:
    suffix, read = READERS[reader]
    with (tmp_path / f"x{suffix}").open("wb") as stream:
        stream.truncate(300 * 2**20)  # takes no room on the disk
    with pytest.raises(HierbrushError, match=r"it is larger than 256 (MiB|KiB)$"):
        read(tmp_path / f"x{suffix}")


def test_a_stranger_s_file_has_a_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_whole(tmp_path / "a", most=5) == b"12345"
    assert read_whole(str(tmp_path / "a")) == b"12345"
    with pytest.raises(UnreadableError, match=r"^--gcode: cannot read '.*a': it is larger than 0 KiB$") as caught:
        read_whole(tmp_path / "a", most=4, argument="--gcode")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.reason) == (str(caught.value), "it is larger than 0 KiB")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"\xff", b'{"a": ' + b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"]
)
def test_what_is_no_json_object_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(
        UnreadableError, match=r"^path: cannot read '.*a\.json': it (is no JSON|holds no JSON)"
    ) as caught:
        read_json(tmp_path / "a.json")
    assert len(str(caught.value)) < 700
    (tmp_path / "a.json").write_text(json.dumps({"b": 1}))
    assert read_json(tmp_path / "a.json") == {"b": 1}


def test_a_message_is_one_line_whatever_is_put_into_it() -> None:
    error = HierbrushError(f"a: {'x' * 10_000}\n\x1b[2J\u2028, expected b")
    assert len(str(error)) == 700
    assert str(error).startswith("a: xxx")
    assert str(error).endswith(r"x\n\x1b[2J\u2028, expected b")
    assert str(HierbrushError("a\nb")) == r"a\nb"
    assert str(HierbrushError("a", "b")) == "a\nb"
    assert str(pickle.loads(pickle.dumps(HierbrushError("a", "b")))) == "a\nb"


def test_the_nearest_name_costs_nothing_for_what_is_no_name() -> None:
    assert closest("leraned", ["learned"]) == "; did you mean 'learned'?"
    assert closest(3, ["3"]) == closest("x" * 10**7, ["x"]) == ""
