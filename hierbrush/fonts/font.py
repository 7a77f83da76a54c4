"""A TrueType font from what the brush writes, glyph by glyph, so that it can be stopped and gone on with."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import check_kind, check_path, check_whole
from hierbrush.errors import HierbrushError, shown
from hierbrush.files import read_whole, write_atomically
from hierbrush.fonts.curves import Contour
from hierbrush.fonts.glyph import glyph_contours
from hierbrush.fonts.tables import FontNames, font_bytes

_BATCH = 64
_VERTICAL = "vertical"


class FontInterrupted(KeyboardInterrupt):
    """Ctrl-C came; ``folder`` keeps the glyphs that were finished, and the same call goes on from there."""

    def __init__(self, folder: Path, finished: int) -> None:
        super().__init__("interrupted")
        self.folder, self.finished = folder, finished


@dataclass(frozen=True)
class FontReport:
    """What a font holds: its file, the characters in it, those that were left out with the reason, its bytes."""

    path: Path
    characters: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    size: int = 0

    @property
    def bytes_a_glyph(self) -> float:
        """Bytes of the file for each of its characters."""
        return self.size / max(len(self.characters), 1)


def write_font(
    path: str | PathLike[str],
    characters: Iterable[str],
    *,
    names: FontNames | None = None,
    workers: int = 1,
    progress: Callable[[int], object] | None = None,
    **writing: Any,
) -> FontReport:
    """Write characters and make a TrueType font of the ink.

    Finished glyphs are kept in a folder beside the font, ``<path>.parts``, until it is whole; the same call goes on
    from there.

    Args:
        path: the font's file, ``.ttf``.
        characters: each once in the font; a string or any iterable. What cannot be written is left out and reported.
        names: what the font is called, and its licence.
        workers: processes that share the work.
        progress: is told how many characters were just done, those that a stopped call had done at the beginning.
        **writing: whose hand it is, as for `hierbrush.write_characters`: ``goal``, ``style``, ``composer``, ``brush``,
            ``policy``, ``seed``, ``weight``.

    Raises:
        HierbrushError: there is nothing to write, an argument is wrong, or the file cannot be written.
        FontInterrupted: Ctrl-C came.
    """
    target = check_path("path", path)
    if target.suffix.lower() != ".ttf":
        raise HierbrushError(f"path: {shown(path)} does not end in .ttf")
    chosen = _chosen(characters)
    writable, left_out = _sorted_out(chosen, writing)
    if not writable:
        raise HierbrushError(f"characters: none of {shown(''.join(chosen))} can be written: {_first(left_out)}")
    parts = _Parts(target, writable, writing)
    glyphs: dict[str, list[Contour]] = {}
    try:
        for done in parts.all(check_whole("workers", workers, 1, 1024)):
            glyphs |= done
            if progress is not None:
                progress(sum(len(name) == 1 for name in done))
    except KeyboardInterrupt:
        raise FontInterrupted(parts.folder, sum(len(name) == 1 for name in glyphs)) from None
    left_out |= {char: f"{shown(char)} is not surely known" for char in writable if char not in glyphs}
    if len(left_out) == len(chosen):
        raise HierbrushError(f"characters: none can be written: {_first(left_out)}")
    data = font_bytes(glyphs, names or FontNames())
    write_atomically(target, data)
    rmtree(parts.folder, ignore_errors=True)
    return FontReport(target, tuple(name for name in glyphs if len(name) == 1), left_out, len(data))


def _chosen(characters: Any) -> list[str]:
    check_kind("characters", characters, Iterable, "a string or other characters")
    chosen = list(dict.fromkeys(characters))
    for char in chosen:
        if not isinstance(char, str) or len(char) != 1:
            raise HierbrushError(f"characters: {shown(char)}, expected single characters, for a font has no others")
    return [char for char in chosen if not char.isspace()]


def _first(left_out: Mapping[str, str]) -> str:
    return next(iter(left_out.values()), "there are none")


def _sorted_out(characters: Sequence[str], how: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Return the characters that may be written, and why each of the others cannot, as far as it shows without work."""
    from hierbrush.sources import Request, check

    request = Request(**{name: how[name] for name in ("goal", "style", "composer") if how.get(name) is not None})
    writable, left_out = [], {}
    for char in characters:
        try:
            check(char, request)
        except HierbrushError as error:
            left_out[char] = str(error)
        else:
            writable.append(char)
    return writable, left_out


class _Parts:
    """The glyphs of a font in files of some dozen, each written once and whole."""

    def __init__(self, target: Path, characters: Sequence[str], writing: Mapping[str, Any]) -> None:
        self.folder = target.with_name(target.name + ".parts")
        self._batches = [list(characters[at : at + _BATCH]) for at in range(0, len(characters), _BATCH)]
        self._writing = dict(writing)

    def all(self, workers: int) -> Iterator[dict[str, list[Contour]]]:
        """Yield the glyphs of each batch: what is there already first, then what has to be written."""
        from hierbrush.writing.workers import mapped

        missing = []
        for batch in self._batches:
            kept = self._kept(batch)
            if kept is None:
                missing.append(batch)
            else:
                yield kept
        work = partial(_glyphs_of, writing=self._writing)
        for batch, glyphs in zip(missing, mapped(work, missing, workers), strict=True):
            self._keep(batch, glyphs)
            yield glyphs

    def _place(self, batch: Sequence[str]) -> Path:
        """Return a batch's file: another for other characters, another hand or another way of making curves."""
        key = json.dumps(["".join(batch), {k: repr(v) for k, v in sorted(self._writing.items())}, _version()])
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"

    def _keep(self, batch: Sequence[str], glyphs: Mapping[str, list[Contour]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {
            f"{name}.{at}": np.column_stack([contour.points, contour.on]).astype(np.int16)
            for name, contours in glyphs.items()
            for at, contour in enumerate(contours)
        }
        np.savez_compressed(buffer, names=np.array(list(glyphs)), allow_pickle=False, **arrays)
        write_atomically(self._place(batch), buffer.getvalue())

    def _kept(self, batch: Sequence[str]) -> dict[str, list[Contour]] | None:
        place = self._place(batch)
        if not place.exists():
            return None
        try:
            with np.load(io.BytesIO(read_whole(place)), allow_pickle=False) as stored:
                return {str(name): _contours(stored, str(name)) for name in stored["names"]}
        except (HierbrushError, ValueError, KeyError, OSError, zipfile.BadZipFile):
            return None  # damaged: made again


def _contours(stored: Any, name: str) -> list[Contour]:
    rows: list[NDArray[np.int16]] = []
    while f"{name}.{len(rows)}" in stored:
        rows.append(stored[f"{name}.{len(rows)}"])
    return [Contour(row[:, :2].astype(np.int64), row[:, 2].astype(bool)) for row in rows]


def _version() -> str:
    from hierbrush import __version__

    return __version__


def _glyphs_of(batch: Sequence[str], *, writing: Mapping[str, Any]) -> dict[str, list[Contour]]:
    """Return the glyphs of a batch by character; a mark that stands otherwise in columns has a second one.

    A character that its source rejects, such as one that is not surely found in a picture, has none.
    """
    from hierbrush.characters.marks import is_mark, mark_goals

    glyphs = _written(batch, writing)
    turned = [char for char in batch if is_mark(char) and mark_goals(char) is not mark_goals(char, _VERTICAL)]
    upright = _written(turned, {**writing, "direction": _VERTICAL}) if turned else {}
    return glyphs | {f"{char}.vert": found for char, found in upright.items()}


def _written(batch: Sequence[str], writing: Mapping[str, Any]) -> dict[str, list[Contour]]:
    from hierbrush.sources import RejectedError
    from hierbrush.writing import write_characters

    try:
        written = write_characters(batch, **writing)
    except RejectedError:
        if len(batch) == 1:
            return {}
        return {name: found for char in batch for name, found in _written([char], writing).items()}
    return {char: glyph_contours(found) for char, found in zip(batch, written, strict=True)}
