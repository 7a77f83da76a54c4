"""One writer at a time in a run's folder."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from hierbrush.errors import HierbrushError, shown

LOCK = ".lock"
"""The file whose lock a training holds. It is never removed: a new file would have a lock of its own."""

_PAUSE = 0.5  # seconds between two tries
_LONGEST_NOTE = 200


@contextlib.contextmanager
def only_writer(folder: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Make a folder and be the only one of its kind that writes there.

    The lock is the operating system's (``flock``), which ends with the process that holds it however that ends, so
    nothing is left to be cleaned up. On a network file system it holds between machines where that passes locks on, as
    NFS does; where there are no locks a warning says so, and the training goes on without.

    Args:
        folder: of the run.
        patience: seconds to wait for another writer to end.

    Raises:
        HierbrushError: the folder cannot be made or written to, or another process writes there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HierbrushError(
            f"--output: {shown(folder)} cannot be used: {reason}; expected a folder that can be written, or a new one"
        ) from error
    try:
        _lock(descriptor, folder, time.monotonic() + patience)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path, until: float) -> None:
    while not _locked(descriptor, folder):
        if time.monotonic() >= until:
            holder = os.pread(descriptor, _LONGEST_NOTE, 0).decode(errors="replace").strip()
            raise HierbrushError(
                f"--output: {shown(folder)} is written by another training ({shown(holder)}); end that one first, or "
                "give another --output"
            )
        time.sleep(_PAUSE)
    note = f"process {os.getpid()} on {socket.gethostname()} since {time.ctime()}\n"
    with contextlib.suppress(OSError):  # a full disk; the lock holds all the same
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, note.encode()[:_LONGEST_NOTE], 0)


def _locked(descriptor: int, folder: Path) -> bool:
    """Return whether the lock is ours now, or cannot be had here at all."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (OSError, ImportError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        print(
            f"hierbrush: warning: {shown(folder)} has no locks ({error}); see to it that one training at a time "
            "writes there",
            file=sys.stderr,
            flush=True,
        )
    return True
