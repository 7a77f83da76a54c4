"""Where the repository's data folders lie, in a wheel and in an editable install alike."""

from __future__ import annotations

from pathlib import Path

from hierbrush.arguments import check_choice
from hierbrush.errors import HierbrushError

_PACKAGE = Path(__file__).resolve().parent
FOLDERS = ("primitives", "curricula", "configs")


def folder(name: str) -> Path:
    """Return the folder ``primitives``, ``curricula`` or ``configs``.

    A wheel carries a copy inside the package (``hierbrush/_data``); an editable install reads the checkout, so that an
    edited YAML file counts at once.

    Raises:
        HierbrushError: ``name`` is not one of the three, or neither place holds it.
    """
    check_choice("folder", name, FOLDERS)
    for candidate in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise HierbrushError(
        f"folder: {name!r} lies neither in the package nor in a checkout beside it; reinstall hierbrush"
    )
