"""What a style is called by: its file, or the name of one that comes with hierbrush."""

from __future__ import annotations

import json
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any

from hierbrush.arguments import check_path
from hierbrush.errors import HierbrushError, closest, shown

SUFFIX = ".style"
_FOLDER = Path(__file__).resolve().parent / "shipped"


@cache
def shipped() -> dict[str, Path]:
    """Return the files of the styles that come with hierbrush, by name."""
    return {file.stem: file for file in sorted(_FOLDER.glob(f"*{SUFFIX}"))}


def card(name: str) -> dict[str, Any]:
    """Return the card of a style that comes with hierbrush: what it was learned from, its licence, its figures."""
    found: dict[str, Any] = json.loads(shipped()[name].with_suffix(".json").read_text(encoding="utf-8"))
    return found


def style_place(style: str | PathLike[str]) -> Path:
    """Return the file that a user means by a path or by a name.

    Raises:
        HierbrushError: it is neither a file nor a name.
    """
    path = check_path("style", style)
    own = shipped().get(path.name.removesuffix(SUFFIX)) if path.parent == Path() else None
    # A folder of copies may have the name of a style; no style is a folder.
    if path.exists() and not (own and path.is_dir()):
        return path
    if own:
        return own
    known = list(shipped())
    raise HierbrushError(
        f"style: there is no file {shown(style)}, and hierbrush's own styles are {', '.join(known)}"
        f"{closest(path.name, known)}"
    )
