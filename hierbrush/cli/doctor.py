"""``hierbrush doctor``: what is installed and what runs."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, requires, version

import click

_EXTRAS = ("train", "arm", "dev")


@click.command(short_help="Say what is installed and what runs.")
def doctor() -> None:
    """Say which core is loaded, its flags, the versions of what hierbrush needs, the data, and the extras."""
    from hierbrush import __version__
    from hierbrush.characters import load_library
    from hierbrush.resources import FOLDERS, folder
    from hierbrush.sim import CORE, core_info

    lines = [
        ("hierbrush", __version__),
        ("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        ("core", "C" if CORE == "c" else "NumPy twin: writes the same ink, but slowly; a C compiler was missing"),
        ("  build", core_info()["build"]),
        ("characters", f"{len(load_library().characters):,}"),
        *((name, str(folder(name))) for name in FOLDERS),
        *((name, _version(name)) for name in _packages(None)),
    ]
    for extra in _EXTRAS:
        missing = [name for name in _packages(extra) if _version(name) == "missing"]
        state = f'lacks {", ".join(missing)}; pip install "hierbrush[{extra}]"' if missing else "complete"
        lines.append((f"[{extra}]", state))
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        click.echo(f"{name.ljust(width)}  {value}")


def _packages(extra: str | None) -> list[str]:
    """Return the names of the packages that hierbrush, or one of its extras, asks for."""
    names = []
    try:
        requirements = requires("hierbrush") or []
    except PackageNotFoundError:  # run from a checkout that nobody installed
        return []
    for requirement in requirements:
        asked, _, condition = requirement.partition(";")
        if (extra is None and "extra" not in condition) or (extra is not None and f'"{extra}"' in condition):
            name = asked.strip()
            for mark in "<>=!~[ (":
                name = name.split(mark)[0]
            names.append(name)
    return names


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
