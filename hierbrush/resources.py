"""Where the repository's data folders lie, in a wheel and in an editable install alike, and what names in them mean."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from hierbrush.arguments import check_choice, check_path
from hierbrush.errors import HierbrushError, closest, shown

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


def page_file(name: str) -> Path:
    """Return a file of the page to watch: the player, or what `hierbrush studio` serves.

    Raises:
        HierbrushError: the installation lacks it.
    """
    path = _PACKAGE / "studio" / "page" / name
    if not path.is_file():
        raise HierbrushError(f"page: {shown(name)} does not lie in the package; reinstall hierbrush")
    return path


def named_file(
    kind: str,
    name: str | os.PathLike[str],
    *,
    argument: str,
    beside: str | os.PathLike[str] | None = None,
    other: Callable[[Path], bool] = lambda file: False,
) -> Path:
    """Return the YAML file that a user means by a path or by the name of one of hierbrush's own.

    ``curricula/dots.yaml``, ``dots.yaml`` and ``dots`` are hierbrush's own, unless there is such a file: beside the
    file that names it, or from the working folder.

    Args:
        kind: the folder of hierbrush's own, ``curricula`` or ``configs``.
        name: path or name.
        argument: what the user knows ``name`` as, for the message.
        beside: the file that names it.
        other: whether a file of that bare name is of another kind, and not what is looked for.

    Raises:
        HierbrushError: there is no such file.
    """
    path = check_path(argument, name)
    beside = None if beside is None else check_path("beside", beside)
    bare = path.parent == Path()
    for place in [path] if beside is None else [beside.parent / path, path]:
        if os.path.exists(place) and not os.path.isdir(place) and not (bare and os.path.isfile(place) and other(place)):
            return place
    own = {file.stem: file for file in sorted(folder(kind).glob("*.yaml"))}
    if (bare or path.parent == Path(kind)) and path.name.removesuffix(".yaml") in own:
        return own[path.name.removesuffix(".yaml")]
    near = "" if beside is None else f", neither beside {shown(beside)} nor here"
    wrong = f"{shown(name)} is a folder" if os.path.isdir(path) else f"there is no file {shown(name)}{near}"
    raise HierbrushError(
        f"{argument}: {wrong}; hierbrush's own {kind} are {', '.join(own)}{closest(path.stem, list(own))}"
    )


def commit() -> str | None:
    """Return the commit of the checkout that hierbrush runs from, ``+changed`` if files differ; None outside one."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+changed", "--exclude=*"],
            cwd=_PACKAGE,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip() or None
