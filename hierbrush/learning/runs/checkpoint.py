"""Checkpoints that are complete and unchanged or not taken, whatever dies, is damaged or is put there by others."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from hierbrush.errors import HierbrushError, shown
from hierbrush.files import UNFINISHED, sync

COMPLETE = "complete.json"
"""Written last into a checkpoint: the steps that it was taken at, and its files with their sizes and SHA-256."""

_NAME = re.compile(r"step-(\d{12})")
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_LARGEST_LIST = 2**20  # bytes of complete.json; RLlib's checkpoints have some fifty files, or two hundred
Facts = tuple[int, str]
"""Size and SHA-256 of a file."""


class DamagedCheckpointError(HierbrushError):
    """A checkpoint is not what was written."""


def save(folder: Path, steps: int, write: Callable[[Path], None], *, keep: int) -> Path:
    """Let ``write`` fill a new directory and make it the checkpoint of ``steps``; keep the newest ``keep``.

    The directory gets its name only after every byte is on the disk, so a name that exists is a complete checkpoint. A
    checkpoint loses its name before its files are removed. Nobody but the owner can change it, whatever the umask.

    Raises:
        HierbrushError: the files cannot be written, on a full disk say; earlier checkpoints are untouched.
    """
    target = folder / name_of(steps)
    unfinished = folder / f"{UNFINISHED}{os.getpid()}-{target.name}"
    try:
        make(folder)
        shutil.rmtree(unfinished, ignore_errors=True)
        make(unfinished)
        write(unfinished)
        (unfinished / COMPLETE).write_bytes(contents(unfinished, steps))
        protect(unfinished)
        _sync_tree(unfinished)
        if target.exists():
            _discard(target)
        unfinished.rename(target)
        sync(folder)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise HierbrushError(f"{target}: the checkpoint cannot be written: {error}") from error
    for old in complete(folder)[:-keep]:
        _discard(old)
    return target


def complete(folder: Path) -> list[Path]:
    """Return the complete checkpoints in ``folder``, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def name_of(steps: int) -> str:
    """Return the name of the checkpoint that is taken at ``steps``."""
    return f"step-{steps:012d}"


def steps_in(name: str) -> int | None:
    """Return the environment steps that a checkpoint's name says; None if it is no checkpoint's name."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else None


def steps_of(checkpoint: Path) -> int:
    """Return the environment steps that a checkpoint was taken at."""
    steps = steps_in(checkpoint.name)
    if steps is None:
        raise HierbrushError(f"{checkpoint}: is no checkpoint of hierbrush; expected a name like step-000000819200")
    return steps


def contents(folder: Path, steps: int) -> bytes:
    """Return what `COMPLETE` says of the files in ``folder``."""
    files = {path.relative_to(folder).as_posix(): facts(path.read_bytes()) for path, _ in _files(folder)}
    return json.dumps({"steps": steps, "files": files}).encode()


def facts(data: bytes) -> Facts:
    """Return the size and the SHA-256 of a file's bytes."""
    return len(data), hashlib.sha256(data).hexdigest()


def listed(data: bytes, steps: int) -> dict[str, Facts]:
    """Return the files of the checkpoint of ``steps`` by `COMPLETE`'s bytes.

    Raises:
        DamagedCheckpointError: they list no files, or one outside the folder, or are of another checkpoint.
    """
    try:
        document = json.loads(data)
        taken_at = document.get("steps", steps)
        files = {name: (int(size), str(digest)) for name, (size, digest) in document["files"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise DamagedCheckpointError(f"{COMPLETE} is not what was written") from None
    if taken_at != steps:
        raise DamagedCheckpointError(f"{COMPLETE} is of step {shown(taken_at)}")
    for name in files:
        if not _is_inside(name):
            raise DamagedCheckpointError(f"{COMPLETE} names {shown(name)}, which lies outside the checkpoint")
    return files


def check(checkpoint: Path) -> None:
    """Read a checkpoint's folder over.

    Raises:
        DamagedCheckpointError: a file is missing, is not what was written, or was not there.
    """
    try:
        if checkpoint.is_dir() and not os.path.lexists(checkpoint / COMPLETE):
            raise DamagedCheckpointError(
                f"has no {COMPLETE}, which is written last; those of earlier versions of hierbrush have none"
            )
        wanted = listed(_small(checkpoint / COMPLETE), steps_of(checkpoint))
        for path, status in _files(checkpoint):
            name = path.relative_to(checkpoint).as_posix()
            if name == COMPLETE:
                continue
            if name not in wanted:
                raise DamagedCheckpointError(f"{shown(name)} was not there when it was written")
            size, digest = wanted.pop(name)
            if not stat.S_ISREG(status.st_mode) or status.st_size != size or _digest(path) != digest:
                raise DamagedCheckpointError(f"{shown(name)} is not what was written")
        if wanted:
            raise DamagedCheckpointError(f"{shown(next(iter(wanted)))} is missing")
    except OSError as error:
        raise DamagedCheckpointError(f"{checkpoint}: cannot be read: {error.strerror}") from error
    except DamagedCheckpointError as error:
        raise DamagedCheckpointError(f"{checkpoint}: {error}") from None


def read(checkpoint: Path, name: str) -> bytes:
    """Return one file of a checkpoint.

    Raises:
        DamagedCheckpointError: it is not what was written.
    """
    try:
        data = _small(checkpoint / name)
        whole = listed(_small(checkpoint / COMPLETE), steps_of(checkpoint)).get(name) == facts(data)
    except OSError as error:
        raise DamagedCheckpointError(f"{checkpoint}: {name} cannot be read: {error.strerror}") from error
    if not whole:
        raise DamagedCheckpointError(f"{checkpoint}: {name} is not what was written")
    return data


def set_aside(checkpoint: Path) -> Path:
    """Take its name from a damaged checkpoint, so that it does not count as one; return where it lies then."""
    target = checkpoint.with_name(f"damaged-{checkpoint.name}")
    if target.exists():
        _discard(target)
    checkpoint.rename(target)
    return target


def refuse_strangers(checkpoint: Path) -> None:
    """Refuse a checkpoint that another user put there or could have changed: RLlib's files are pickles, which run code.

    Root's files are taken too, since root needs no such way. Systems without users pass.

    Raises:
        HierbrushError: the folder, the one that it lies in, or a file belongs to another user, or others can write it.
    """
    if not hasattr(os, "geteuid"):
        return
    trusted = {0, os.geteuid()}
    folders = [(path, path.stat()) for path in (checkpoint.parent, checkpoint)]
    for path, status in (*folders, *_everything(checkpoint)):
        if status.st_uid not in trusted:
            why = f"belongs to another user (number {status.st_uid})"
        elif status.st_mode & _OTHERS_WRITE and not stat.S_ISLNK(status.st_mode):
            why = f"can be written by other users (mode {stat.S_IMODE(status.st_mode):o})"
        else:
            continue
        raise HierbrushError(
            f"--resume: {shown(path)} {why}, and loading a checkpoint runs code that its files hold; if you trust them "
            "add --trust-checkpoints or set HIERBRUSH_TRUST_CHECKPOINTS=1"
        )


def make(folder: Path) -> None:
    """Make a folder that only its owner can write to, and those that it lies in; one that is there stays as it is."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        _protect(folder)


def protect(folder: Path) -> None:
    """Let only the owner write to a folder and all that is in it."""
    _protect(folder)
    for path, status in _everything(folder):
        if not stat.S_ISLNK(status.st_mode):
            _protect(path)


def remove_unfinished(folder: Path) -> None:
    """Remove what a process that was killed had begun to write or to delete."""
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()


def _discard(checkpoint: Path) -> None:
    nameless = checkpoint.with_name(f"{UNFINISHED}{os.getpid()}-old-{checkpoint.name}")
    checkpoint.rename(nameless)
    if nameless.is_dir():
        shutil.rmtree(nameless, ignore_errors=True)
    else:
        nameless.unlink()


def _protect(path: Path) -> None:
    mode = path.stat().st_mode
    if mode & _OTHERS_WRITE:
        path.chmod(stat.S_IMODE(mode) & ~_OTHERS_WRITE)


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    plain = path.as_posix() == name and name != "." and not set(name) & {"\0", "\\", ":"}
    return plain and not path.is_absolute() and ".." not in path.parts


def _everything(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield folders, files and links below ``folder``, with what is known of them; links are not followed."""

    def refuse(error: OSError) -> None:
        raise error

    for parent, folders, files in os.walk(folder, onerror=refuse):
        for name in (*folders, *files):
            path = Path(parent, name)
            yield path, path.lstat()


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    return ((path, status) for path, status in _everything(folder) if not stat.S_ISDIR(status.st_mode))


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _small(path: Path) -> bytes:
    """Return the bytes of a file that has few; nothing of one that has many, or is none."""
    if not stat.S_ISREG(path.lstat().st_mode):
        return b""
    with path.open("rb") as stream:
        data = stream.read(_LARGEST_LIST + 1)
    return data if len(data) <= _LARGEST_LIST else b""


def _sync_tree(folder: Path) -> None:
    for parent, _, files in os.walk(folder, topdown=False):
        for name in files:
            sync(Path(parent, name))
        sync(Path(parent))
