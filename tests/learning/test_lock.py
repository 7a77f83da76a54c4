"""One training at a time writes in a folder, and whatever ended the last one does not keep the next one out."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hierbrush.errors import HierbrushError
from hierbrush.learning.runs.lock import only_writer

HOLD = """
import sys
from pathlib import Path
from hierbrush.learning.runs.lock import only_writer
with only_writer(Path(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_is_told_in_one_line_who_the_first_is_and_a_kill_leaves_no_lock(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "mine\n"
        with pytest.raises(HierbrushError, match=rf"--output: .*run' is written by another .*process {holder.pid} on"):
            only_writer(folder).__enter__()
        holder.kill()
        holder.wait()
        with only_writer(folder):
            pass


def test_it_ends_with_its_block_and_holds_within_one_process_too(tmp_path: Path) -> None:
    with only_writer(tmp_path), pytest.raises(HierbrushError, match="written by another training"):
        only_writer(tmp_path).__enter__()
    with only_writer(tmp_path):
        pass


def test_who_waits_gets_the_lock_when_it_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = only_writer(tmp_path)
    first.__enter__()
    # The other one ends while it is waited for, however long that takes.
    monkeypatch.setattr("hierbrush.learning.runs.lock.time.sleep", lambda _: first.__exit__(None, None, None))
    with only_writer(tmp_path, patience=1e9):
        pass


def test_where_there_are_no_locks_a_warning_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import fcntl

    def none(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    with only_writer(tmp_path):
        pass
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("hierbrush: warning: ")
    assert "No locks available" in line


@pytest.mark.parametrize("name", ["file", "file/run", "x" * 300, "a\0b", "/dev/null/run"])
def test_what_is_no_folder_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HierbrushError, match=r"^--output: .* cannot be used: .*; expected a folder") as caught:
        only_writer(tmp_path / name).__enter__()
    assert len(str(caught.value).splitlines()) == 1
