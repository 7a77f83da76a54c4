"""Writing files so that whatever happens there is either the old file or the whole new one."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from hierbrush.errors import HierbrushError, shown

UNFINISHED = ".unfinished-"
"""What the name of a file begins with until all of it is on the disk."""


def write_atomically(path: str | os.PathLike[str], data: bytes, *, argument: str = "path") -> None:
    """Write a file beside its place, flush it and rename it: a full disk or a kill leaves the old file as it was.

    A link is followed, an old file's permissions are kept. A device or a pipe, which cannot be renamed over, is
    written directly.

    Args:
        path: the file.
        data: all of its bytes.
        argument: what the user knows ``path`` as, for the message.

    Raises:
        HierbrushError: it cannot be written; the message says why.
    """
    target = Path(path)
    try:
        # realpath, for a rename would replace a link and not what it points to.
        place = Path(os.path.realpath(target))
        before = place.stat() if place.exists() else None
        if before is not None and not stat.S_ISREG(before.st_mode):
            with place.open("wb") as stream:  # a folder raises IsADirectoryError here
                stream.write(data)
            return
        unfinished = place.with_name(f"{UNFINISHED}{os.getpid()}-{secrets.token_hex(4)}")
        try:
            with unfinished.open("xb") as stream:
                if before is not None:
                    os.chmod(stream.fileno(), stat.S_IMODE(before.st_mode))
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            unfinished.replace(place)
        except BaseException:  # Ctrl-C too
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
        sync(place.parent)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HierbrushError(f"{argument}: cannot write {shown(target)}: {reason}") from error


def sync(path: Path) -> None:
    """Wait until a file or a folder's list of names is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
