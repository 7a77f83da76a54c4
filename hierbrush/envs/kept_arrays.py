"""Arrays that were made before: in files for the next process.

A file is named by all that its content follows from: what is asked for, and the code, data and libraries that answer.
So an edited file or a new version finds nothing of the old one's. Files are in the cache folder of the user, or in that
which the environment variable ``HIERBRUSH_CACHE`` names; where it is empty, nothing is written. A file that cannot be
read or written is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError
from hierbrush.files import write_atomically
from hierbrush.resources import folder
from hierbrush.sim import CORE

Arrays = dict[str, NDArray[Any]]

LARGEST_FOLDER = 512 * 2**20
"""Bytes that the files may take; the ones not used for longest go first."""

_PACKAGE = Path(__file__).resolve().parent.parent
_IRRELEVANT = {"__pycache__", "build", "fitting", "weights", "LICENSES"}


def kept_arrays(
    kind: str,
    recipe: str,
    sources: Sequence[str],
    make: Callable[[], Mapping[str, NDArray[Any]]],
    check: Callable[[Arrays], None],
) -> Arrays:
    """Return the arrays of a recipe, read-only, made only if they were not before.

    Args:
        kind: what they are, the beginning of the files' names.
        recipe: text from which alone, beside code and data of hierbrush, they follow.
        sources: packages of hierbrush whose code and data they follow from.
        make: makes them.
        check: raises anything unless arrays fit each other.
    """
    place = cache_folder()
    digest = hashlib.sha256((_origin(*sources) + recipe).encode()).hexdigest()[:32] if place else ""
    path = place / f"{kind}-{digest}.npz" if place else None
    arrays = _read(path, check) if path else None
    if arrays is None:
        arrays = dict(make())
        if path:
            _write(path, arrays)
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


def cache_folder() -> Path | None:
    """Return the folder of the files; None if the user wants none or has no home."""
    chosen = os.environ.get("HIERBRUSH_CACHE")
    if chosen is not None:
        return Path(chosen) if chosen else None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base, "hierbrush") if base and os.path.isabs(base) else None


def _read(path: Path, check: Callable[[Arrays], None]) -> Arrays | None:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            arrays: Arrays = dict(stored)
        check(arrays)
        os.utime(path)  # the last to go
    except Exception:  # whatever a damaged file makes NumPy's readers raise; zip's checksums find every one
        return None
    return arrays


def _write(path: Path, arrays: Arrays) -> None:
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    with contextlib.suppress(OSError, HierbrushError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, stream.getvalue())
        _make_room(path)


def _make_room(newest: Path) -> None:
    """Remove the files not used for longest until the others are small enough together; ``newest`` stays."""
    files = [(path, path.stat()) for path in newest.parent.glob("*-*.npz") if path != newest]
    total = newest.stat().st_size + sum(status.st_size for _, status in files)
    for path, status in sorted(files, key=lambda file: file[1].st_mtime):
        if total <= LARGEST_FOLDER:
            return
        path.unlink(missing_ok=True)
        total -= status.st_size


@lru_cache(maxsize=4)
def _origin(*sources: str) -> str:
    """Return a digest of all code, data and libraries that arrays follow from."""
    digest = hashlib.sha256()
    for part in (np.__version__, shapely.__version__, shapely.geos_version_string, platform.machine(), CORE):
        digest.update(f"{part}\n".encode())
    files = [path for name in sources for path in (_PACKAGE / name).rglob("*") if path.is_file()]
    files = [path for path in files if _IRRELEVANT.isdisjoint(path.relative_to(_PACKAGE).parts)]
    for path in sorted([*files, *folder("primitives").glob("*.yaml")]):
        digest.update(f"{path.name}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
