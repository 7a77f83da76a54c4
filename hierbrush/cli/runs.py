"""``hierbrush runs``: what has been trained, and how far."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import click

from hierbrush.errors import HierbrushError, shown
from hierbrush.tables import aligned

# Read here and not through hierbrush.learning, which imports Ray and takes seconds.
_METRICS = "metrics.jsonl"
_CHECKPOINTS, _COMPLETE, _TIMES = "checkpoints", "complete.json", "times.json"
_NO_CARDS = ("config.json", "writer.json")
_SCORES = ("iou", "character_iou", "box_iou")
_TAIL = 1 << 16  # bytes; a record has a few hundred
_LARGEST_TIMES = 1 << 20  # bytes


class _Run(NamedTuple):
    name: str
    state: str
    steps: str
    stage: str
    score: str
    age: str


@click.command(short_help="List trainings: how far they are, how good, how old.")
@click.argument("folder", default="runs")
def runs(folder: str) -> None:
    """List the trainings below FOLDER (runs/ unless given), the newest first.

    FOLDER may be a URI where a training keeps its checkpoints (output.storage), such as s3://bucket/runs.
    """
    if "://" in folder:
        found = _stored(folder)
    else:
        root = Path(folder)
        if not os.path.isdir(folder):  # a path's own is_dir raises at a name too long
            raise HierbrushError(f"FOLDER: {shown(folder)} is no folder; trainings go to runs/ unless told otherwise")
        # No pipe, which never ends, nor a link to nowhere.
        logs = [log for log in root.rglob(_METRICS) if os.path.isfile(log) and os.access(log, os.R_OK)]
        logs.sort(key=lambda log: log.stat().st_mtime, reverse=True)
        # A checkpoint has a copy of the log.
        found = [_run(log, root) for log in logs if log.parent.parent.name != _CHECKPOINTS]
    if not found:
        click.echo(f"no trainings in {folder}")
        return
    click.echo(aligned([_Run("name", "state", "steps", "stage", "score", "age"), *found]))


def _run(log: Path, folder: Path) -> _Run:
    home = log.parent
    checkpoints = sorted((home / _CHECKPOINTS).glob("step-*")) if os.path.isdir(home / _CHECKPOINTS) else []
    if _finished(path.name for path in home.iterdir()):
        state = "finished"
    else:
        state = "can be resumed" if checkpoints else "no checkpoint yet"
    name = home.relative_to(folder).as_posix()
    return _row(name if name != "." else home.resolve().name, state, _last_record(log), log.stat().st_mtime)


def _finished(names: Iterable[str]) -> bool:
    """Return whether one of the files of a folder is a card, which is written last."""
    return any(name.endswith(".json") and name not in _NO_CARDS for name in names)


def _row(name: str, state: str, record: dict[str, Any], written: float) -> _Run:
    scores = [f"{name} {record[name]:.3f}" for name in _SCORES if _is_number(record.get(name))]
    return _Run(
        name,
        state,
        f"{record['steps']:,}" if _is_number(record.get("steps")) else "-",
        str(record.get("stage_name") or "-"),
        ", ".join(scores) or "-",
        _age(time.time() - written),
    )


def _stored(uri: str) -> list[_Run]:
    """Return the trainings behind a URI, by the newest complete checkpoint of each."""
    from pyarrow import ArrowException  # type: ignore[import-untyped]
    from pyarrow.fs import FileSelector, FileSystem  # type: ignore[import-untyped]

    try:
        files, root = FileSystem.from_uri(uri)
        paths = {info.path: info for info in files.get_file_info(FileSelector(root, recursive=True))}
    except (ArrowException, OSError, ValueError) as error:
        raise HierbrushError(f"FOLDER: {shown(uri)} cannot be read: {error}") from None
    newest: dict[str, str] = {}
    for path in sorted(paths):
        inside = re.fullmatch(rf"(.*)/{_CHECKPOINTS}/step-\d{{12}}/{_COMPLETE}", path)
        if inside is not None:
            newest[inside[1]] = path
    homes = sorted(newest, key=lambda home: paths[newest[home]].mtime_ns, reverse=True)
    rows = []
    for home in homes:
        record = _stored_record(files, newest[home].removesuffix(_COMPLETE) + _TIMES)
        names = [path.rpartition("/")[2] for path in paths if path.rpartition("/")[0] == home]
        state = "finished" if _finished(names) else "can be resumed"
        name = home.removeprefix(root).strip("/") or home.rpartition("/")[2]
        rows.append(_row(name, state, record, paths[newest[home]].mtime_ns / 1e9))
    return rows


def _stored_record(files: Any, path: str) -> dict[str, Any]:
    """Return the record in a checkpoint behind a URI; none if it is damaged, which a resumed training will tell."""
    try:
        with files.open_input_stream(path) as stream:
            record = json.loads(stream.read(_LARGEST_TIMES))["record"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _last_record(log: Path) -> dict[str, Any]:
    """Return the last whole record of a log; a training that was killed may have left half a line."""
    with log.open("rb") as file:
        size = file.seek(0, 2)
        tail = _TAIL
        while True:
            file.seek(max(0, size - tail))
            for line in reversed(file.read().split(b"\n")):
                record = _record(line)
                if record is not None:
                    return record
            if tail >= size:
                return {}
            tail *= 16  # what a power cut leaves may be long


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and _is_number(record.get("steps")) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
