"""Files: written so that there is either the old or the whole new one, read so that a stranger's cannot do harm."""

from __future__ import annotations

import contextlib
import os
import stat
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hierbrush.arguments import check_path
from hierbrush.errors import HierbrushError, one_line, shown

if TYPE_CHECKING:
    from PIL.Image import Image

UNFINISHED = ".unfinished-"
"""What the name of a file begins with until all of it is on the disk."""


MIB = 2**20
MOST_BYTES = 256 * MIB
"""More than any file of ours has."""


class UnreadableError(HierbrushError):
    """A file that cannot be read; ``reason`` says why, as the end of a sentence."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = one_line(reason)


def read_whole(path: str | os.PathLike[str], *, most: int = MOST_BYTES, argument: str = "path") -> bytes:
    """Return the bytes of a file from a stranger.

    What is no regular file is not even waited for: a pipe may never end, and a device such as ``/dev/zero`` does not.

    Args:
        path: the file.
        most: bytes that it may have.
        argument: what the user knows ``path`` as, for the message.

    Raises:
        UnreadableError: it is missing, no regular file, or larger than ``most``.
    """

    def unreadable(reason: str) -> UnreadableError:
        return UnreadableError(f"{argument}: cannot read {shown(path)}: {reason}", reason)

    place = check_path(argument, path)
    try:
        # Without O_NONBLOCK (Windows has none) opening a pipe would wait for a writer.
        descriptor = os.open(place, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                what = "a folder" if stat.S_ISDIR(facts.st_mode) else "a pipe or a device"
                raise unreadable(f"it is {what}, expected a file")
            if facts.st_size > most:
                size = f"{most // MIB} MiB" if most >= MIB else f"{most // 1024} KiB"
                raise unreadable(f"it is larger than {size}")
            # A file of /proc says that it has no bytes. No more room is taken than a file has.
            expected = facts.st_size or min(most, MIB)
            with open(descriptor, "rb", closefd=False) as stream:
                content = stream.read(expected + 1)
        finally:
            os.close(descriptor)
    except UnreadableError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise unreadable(getattr(error, "strerror", None) or str(error)) from None
    if len(content) > expected:
        raise unreadable("it grows while it is read")
    return content


def read_json(path: str | os.PathLike[str], *, most: int = MOST_BYTES, argument: str = "path") -> dict[str, Any]:
    """Return the object in a JSON file from a stranger.

    Args:
        path: the file.
        most: bytes that it may have.
        argument: what the user knows ``path`` as, for the message.

    Raises:
        UnreadableError: as of `read_whole`, or it is no JSON object, or nested too deep.
    """
    import json

    content = read_whole(path, most=most, argument=argument)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        reason = f"it is no JSON that can be read: {error}"
    else:
        if isinstance(found, dict):
            return found
        reason = "it holds no JSON object"
    raise UnreadableError(f"{argument}: cannot read {shown(path)}: {reason}", reason)


def png_bytes(picture: Image) -> bytes:
    """Return a picture of Pillow's as a PNG file."""
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


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
    target = check_path(argument, path)
    try:
        # realpath, for a rename would replace a link and not what it points to.
        place = Path(os.path.realpath(target))
        before = place.stat() if place.exists() else None
        if before is not None and not stat.S_ISREG(before.st_mode):
            with place.open("wb") as stream:  # a folder raises IsADirectoryError here
                stream.write(data)
            return
        unfinished = place.with_name(f"{UNFINISHED}{os.getpid()}-{os.urandom(4).hex()}")
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


def make_folder(path: str | os.PathLike[str], *, argument: str = "folder") -> Path:
    """Make a folder, and those that it lies in, unless it is there.

    Raises:
        HierbrushError: it cannot be made; the message says why.
    """
    folder = check_path(argument, path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HierbrushError(f"{argument}: cannot make {shown(folder)}: {reason}") from error
    return folder


def sync(path: Path) -> None:
    """Wait until a file or a folder's list of names is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
