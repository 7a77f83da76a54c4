"""``hierbrush runs``: what has been trained, and how far."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import click

from hierbrush.errors import HierbrushError

# Read here and not through hierbrush.learning, which imports Ray and takes seconds.
_METRICS = "metrics.jsonl"
_FINISHED = ("card.json", "composer.json", "policies.json")
_CHECKPOINTS = "checkpoints"
_TAIL = 1 << 16  # bytes; a record has a few hundred


class _Run(NamedTuple):
    name: str
    state: str
    steps: str
    stage: str
    score: str
    age: str


@click.command(short_help="List trainings: how far they are, how good, how old.")
@click.argument("folder", type=click.Path(path_type=Path), default="runs")
def runs(folder: Path) -> None:
    """List the trainings below FOLDER (runs/ unless given), the newest first."""
    if not folder.is_dir():
        raise HierbrushError(f"FOLDER: {str(folder)!r} is no folder; trainings go to runs/ unless told otherwise")
    logs = sorted(folder.rglob(_METRICS), key=lambda log: log.stat().st_mtime, reverse=True)
    if not logs:
        click.echo(f"no trainings in {folder}")
        return
    rows = [_Run("name", "state", "steps", "stage", "score", "age"), *(_run(log, folder) for log in logs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_Run._fields))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _run(log: Path, folder: Path) -> _Run:
    record = _last_record(log)
    home = log.parent
    checkpoints = sorted((home / _CHECKPOINTS).glob("step-*")) if (home / _CHECKPOINTS).is_dir() else []
    if any((home / name).exists() for name in _FINISHED):
        state = "finished"
    else:
        state = "can be resumed" if checkpoints else "no checkpoint yet"
    scores = [f"{name} {record[name]:.3f}" for name in ("iou", "character_iou") if record.get(name) is not None]
    name = home.relative_to(folder).as_posix()
    return _Run(
        name if name != "." else home.resolve().name,
        state,
        f"{record['steps']:,}" if "steps" in record else "-",
        str(record.get("stage_name") or "-"),
        ", ".join(scores) or "-",
        _age(time.time() - log.stat().st_mtime),
    )


def _last_record(log: Path) -> dict[str, Any]:
    """Return the last whole record of a log; a training that was killed may have left half a line."""
    with log.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _TAIL))
        lines = file.read().splitlines()
    for line in reversed(lines):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            return record
    return {}


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
