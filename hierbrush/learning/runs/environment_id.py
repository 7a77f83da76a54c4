"""``environment.id`` of a configuration: what it may be, and where the module that it names is looked for."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path

from hierbrush.errors import HierbrushError, shown
from hierbrush.registration import STROKE_ENV, register


def check_environment(environment: str, config_path: Path) -> None:
    """Import what registers an environment, and make sure that something does.

    A module that Python's path does not have is looked for beside the configuration, then in the current folder. That
    folder is put on the path, and on the one of processes that this one starts, Ray's runners among them.

    Gymnasium would complain too, but only after Ray has started, and without the name of the setting.

    Raises:
        HierbrushError: the id is malformed, its module is nowhere or cannot be imported, or registers no such id.
    """
    import gymnasium

    register()
    module, _, name = environment.rpartition(":")
    if not name or ((module or ":" in environment) and not all(part.isidentifier() for part in module.split("."))):
        raise HierbrushError(
            f"environment.id: {shown(environment)}, expected a Gymnasium id such as {STROKE_ENV!r}, or 'module:id' "
            "with the name of the Python module that registers it"
        )
    if module:
        _import(module, environment, config_path)
    try:
        gymnasium.spec(name)
    except gymnasium.error.Error as error:
        raise HierbrushError(f"environment.id: {shown(environment)} cannot be used: {_line(error)}") from None


def _import(module: str, environment: str, config_path: Path) -> None:
    top = module.split(".")[0]
    folders = list(dict.fromkeys((config_path.resolve().parent, Path.cwd())))
    importlib.invalidate_caches()  # the file may be younger than Python's list of its folder
    if top not in sys.modules and importlib.util.find_spec(top) is None:
        there = [folder for folder in folders if os.path.isfile(folder / f"{top}.py") or os.path.isdir(folder / top)]
        if not there:
            searched = " or ".join(str(folder) for folder in folders)
            raise HierbrushError(
                f"environment.id: {shown(environment)} cannot be used: there is no module {top} on Python's path, "
                f"and no {top}.py in {searched}"
            )
        _put_on_path(str(there[0]))
    try:
        importlib.import_module(module)
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything
        raise HierbrushError(
            f"environment.id: {shown(environment)} cannot be used: importing {module} raised {type(error).__name__}: "
            f"{_line(error)}"
        ) from error


def _put_on_path(folder: str) -> None:
    sys.path.append(folder)
    # Last, as above: nothing in the folder shall hide another module of the same name.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), folder]))


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
