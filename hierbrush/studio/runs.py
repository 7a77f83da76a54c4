"""Trainings below one folder, for the page: their names, their learning curves, what they left behind."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.files import read_json, read_whole

_METRICS, _CONFIG, _CHECKPOINTS = "metrics.jsonl", "config.json", "checkpoints"
PRIMITIVES, COMPOSER = "policies.safetensors", "composer.safetensors"
"""What trainings of primitives and of the composer leave in their folders."""

_DEEPEST, _MOST_FOLDERS = 3, 5000
_MOST_BYTES, _MOST_CONFIG = 64 * 2**20, 2**20
_MOST_RECORDS = 600


@dataclass(frozen=True)
class Runs:
    """The trainings below a folder; nothing outside it is ever read."""

    root: Path | None

    def found(self) -> dict[str, Path]:
        """Return the folders of trainings by their names, the newest first."""
        if self.root is None or not self.root.is_dir():
            return {}
        homes: list[Path] = []
        for seen, (folder, folders, files) in enumerate(os.walk(self.root)):
            inside = Path(folder).relative_to(self.root)
            folders[:] = sorted(name for name in folders if name != _CHECKPOINTS and not name.startswith("."))
            if len(inside.parts) >= _DEEPEST or seen > _MOST_FOLDERS:
                folders.clear()
            if _METRICS in files:
                homes.append(Path(folder))
        homes.sort(key=lambda home: -(home / _METRICS).stat().st_mtime)
        return {home.relative_to(self.root).as_posix().replace("./", "") or ".": home for home in homes}

    def listed(self) -> list[dict[str, Any]]:
        """Return what there is to open, the newest first."""
        return [
            {
                "name": name,
                "primitives": (home / PRIMITIVES).is_file(),
                "composer": (home / COMPOSER).is_file(),
                "written": (home / _METRICS).stat().st_mtime,
            }
            for name, home in self.found().items()
        ]

    def home(self, name: object) -> Path:
        """Return the folder of a training by its name.

        Raises:
            HierbrushError: there is none of that name.
        """
        found = self.found()
        if not isinstance(name, str) or name not in found:
            known = ", ".join(found) or "none; start hierbrush studio --runs FOLDER"
            raise HierbrushError(
                f"run: {shown(name)} is no training here{closest(name, list(found))}; there are {known}"
            )
        return found[name]

    def curves(self, name: object) -> dict[str, Any]:
        """Return a training's measures over its steps, its stages and its configuration.

        Raises:
            HierbrushError: there is none of that name, or its log cannot be read.
        """
        home = self.home(name)
        records = _thinned(_records(home / _METRICS))
        names = list(dict.fromkeys(key for record in records for key, value in record.items() if _is_number(value)))
        config = read_json(home / _CONFIG, most=_MOST_CONFIG) if (home / _CONFIG).is_file() else {}
        return {
            "name": name,
            "steps": [record["steps"] for record in records],
            "measures": {
                key: [record[key] if _is_number(record.get(key)) else None for record in records]
                for key in names
                if key != "steps"
            },
            "stages": _stages(records),
            "config": config,
            "primitives": (home / PRIMITIVES).is_file(),
            "composer": (home / COMPOSER).is_file(),
        }


def _records(path: Path) -> list[dict[str, Any]]:
    """Return the whole records of a log; what a kill cut short is left out."""
    records = []
    for line in read_whole(path, most=_MOST_BYTES, argument="run").split(b"\n"):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and _is_number(record.get("steps")):
            records.append(record)
    return records


def _thinned(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    stride = -(-len(records) // _MOST_RECORDS) or 1
    return records[::-1][::stride][::-1]  # the last one stays


def _stages(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    stages: list[dict[str, Any]] = []
    for record in records:
        name = str(record.get("stage_name", ""))
        if name and (not stages or stages[-1]["name"] != name):
            stages.append({"name": name, "from": record["steps"]})
    return stages


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
