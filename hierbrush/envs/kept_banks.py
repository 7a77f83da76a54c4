"""Banks of goals that were drawn before: in memory for this process, in files for the next.

Drawing the two thousand goals of a stage takes seconds, and every script, vector worker and env runner asks for the
same ones. A file is named by all that its content follows from: what is asked for, and the code, data and libraries
that answer. So an edited file or a new version finds nothing of the old one's. Files are in the user's cache folder, or
in the folder that the environment variable ``HIERBRUSH_CACHE`` names; where it is empty, nothing is written. A file
that cannot be read or written is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import platform
import sys
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from hierbrush.errors import HierbrushError
from hierbrush.files import write_atomically
from hierbrush.resources import folder
from hierbrush.sim import CORE, GoalBank

Arrays = dict[str, NDArray[Any]]

LARGEST_FOLDER = 512 * 2**20
"""Bytes that the files may take; the ones not used for longest go first."""

_IN_MEMORY = 2
_memory: OrderedDict[str, GoalBank] = OrderedDict()
_PACKAGE = Path(__file__).resolve().parent.parent
_SOURCES = ("characters", "curriculum", "strokes", "sim", "envs")
_IRRELEVANT = {"__pycache__", "build", "weights", "LICENSES"}
_NAMES = (
    *("goal_window", "goal_ticks", "goal_area", "mask_offset", "distance_offset", "track_offset"),
    *("mask", "distance", "track"),
)


def kept_bank(recipe: str, draw: Callable[[], GoalBank]) -> GoalBank:
    """Return the bank of a recipe, drawn only if it was not before.

    Args:
        recipe: text from which alone, beside code and data of hierbrush, the bank follows.
        draw: draws it.
    """
    if recipe in _memory:
        _memory.move_to_end(recipe)
        return _memory[recipe]
    bank = _from_file_or_drawn(recipe, draw)
    _memory[recipe] = bank
    if len(_memory) > _IN_MEMORY:
        _memory.popitem(last=False)
    return bank


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


def _from_file_or_drawn(recipe: str, draw: Callable[[], GoalBank]) -> GoalBank:
    place = cache_folder()
    if place is None:
        return draw()
    path = place / f"goals-{hashlib.sha256((_origin() + recipe).encode()).hexdigest()[:32]}.npz"
    bank = _read(path)
    if bank is None:
        bank = draw()
        _write(path, bank)
    return bank


def _read(path: Path) -> GoalBank | None:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            arrays: Arrays = {name: stored[name] for name in _NAMES}
            side, box, supersample = (stored[name].item() for name in ("side", "box", "supersample"))
        _check(arrays, supersample)
        os.utime(path)  # the last to go
    except Exception:  # whatever a damaged file makes NumPy's readers raise; zip's checksums find every one
        return None
    for array in arrays.values():
        array.flags.writeable = False
    window, ticks, area = arrays["goal_window"], arrays["goal_ticks"], arrays["goal_area"]
    return GoalBank(side, box, supersample, window, ticks, area, arrays)


def _check(arrays: Arrays, supersample: int) -> None:
    """Raise ValueError unless the arrays fit each other, for the core reads where they say."""
    window, ticks = arrays["goal_window"].astype(np.int64), arrays["goal_ticks"].astype(np.int64)
    width, height = window[:, 2], window[:, 3]
    for name, sizes in (
        ("mask", height * supersample * ((width * supersample + 63) // 64)),
        ("distance", width * height),
        ("track", ticks + 1),
    ):
        ends = np.cumsum(sizes)
        if not (
            (sizes > 0).all() and len(arrays[name]) == ends[-1] and (arrays[f"{name}_offset"] == ends - sizes).all()
        ):
            raise ValueError(name)


def _write(path: Path, bank: GoalBank) -> None:
    stream = io.BytesIO()
    parts: dict[str, Any] = {"side": bank.side, "box": bank.box, "supersample": bank.supersample, **bank.arrays}
    np.savez(stream, **parts)
    with contextlib.suppress(OSError, HierbrushError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, stream.getvalue())
        _make_room(path)


def _make_room(newest: Path) -> None:
    """Remove the files not used for longest until the others are small enough together; ``newest`` stays."""
    files = [(path, path.stat()) for path in newest.parent.glob("goals-*.npz") if path != newest]
    total = newest.stat().st_size + sum(status.st_size for _, status in files)
    for path, status in sorted(files, key=lambda file: file[1].st_mtime):
        if total <= LARGEST_FOLDER:
            return
        path.unlink(missing_ok=True)
        total -= status.st_size


@lru_cache(maxsize=1)
def _origin() -> str:
    """Return a digest of all code, data and libraries that goals follow from."""
    digest = hashlib.sha256()
    for part in (np.__version__, shapely.__version__, shapely.geos_version_string, platform.machine(), CORE):
        digest.update(f"{part}\n".encode())
    files = [path for name in _SOURCES for path in (_PACKAGE / name).rglob("*") if path.is_file()]
    files = [path for path in files if _IRRELEVANT.isdisjoint(path.relative_to(_PACKAGE).parts)]
    for path in sorted([*files, *folder("primitives").glob("*.yaml")]):
        digest.update(f"{path.name}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
