"""Checkpoints that are either complete or not there, whatever moment the process dies at."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from hierbrush.errors import HierbrushError
from hierbrush.files import UNFINISHED, sync

_NAME = re.compile(r"step-(\d{12})")


def save(folder: Path, steps: int, write: Callable[[Path], None], *, keep: int) -> Path:
    """Let ``write`` fill a new directory and make it the checkpoint of ``steps``; keep the newest ``keep``.

    The directory gets its name only after every byte is on the disk, so a name that exists is a complete checkpoint. A
    checkpoint loses its name before its files are removed.

    Raises:
        HierbrushError: the files cannot be written, on a full disk say; earlier checkpoints are untouched.
    """
    target = folder / name_of(steps)
    unfinished = folder / f"{UNFINISHED}{os.getpid()}-{target.name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        write(unfinished)
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


def remove_unfinished(folder: Path) -> None:
    """Remove what a process that was killed had begun to write or to delete."""
    for path in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(path, ignore_errors=True)


def _discard(checkpoint: Path) -> None:
    nameless = checkpoint.with_name(f"{UNFINISHED}{os.getpid()}-old-{checkpoint.name}")
    checkpoint.rename(nameless)
    shutil.rmtree(nameless, ignore_errors=True)


def _sync_tree(folder: Path) -> None:
    for parent, _, files in os.walk(folder, topdown=False):
        for name in files:
            sync(Path(parent, name))
        sync(Path(parent))
