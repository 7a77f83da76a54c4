"""A file is the old one or the whole new one; a message stays on one line."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from hierbrush.errors import HierbrushError, shown
from hierbrush.files import write_atomically


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
