"""What commands say when something is wrong, and what they check before they begin."""

from __future__ import annotations

import os
from pathlib import Path

import click

from hierbrush.errors import HierbrushError, shown


def complain(message: str) -> None:
    """Tell what is wrong on standard error, each line of the message on a line of its own."""
    for line in message.splitlines() or [""]:
        tidy = " ".join(line.split())
        # Surrogates from a badly encoded argument would make the complaint itself fail.
        click.echo(f"hierbrush: error: {tidy}".encode(errors="backslashreplace").decode(), err=True)


def check_place(option: str, path: Path) -> None:
    """Refuse, before long work, a file whose folder is not there.

    Raises:
        HierbrushError: it is not, or ``path`` is a folder itself.
    """
    try:
        if path.is_dir():
            reason = "it is a folder"
        else:
            reason = "" if path.parent.is_dir() else f"there is no folder {shown(path.parent)}"
    except (OSError, ValueError) as error:  # a name too long, or a NUL in it
        reason = getattr(error, "strerror", None) or str(error)
    if reason:
        raise HierbrushError(f"{option}: cannot write {shown(path)}: {reason}")


def available_cpus() -> int:
    """Return how many processes can work side by side."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
