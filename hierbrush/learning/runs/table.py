"""One table at the end of a training of many policies."""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hierbrush.files import write_atomically
from hierbrush.learning.runs.job import Job
from hierbrush.learning.runs.logs import METRICS_FILE, read_metrics
from hierbrush.tables import aligned

RESULTS = "results.csv"
_COLUMNS = ("policy", "steps", "stage", "return", "iou", "iou_p05", "seconds")


def write_table(jobs: Sequence[Job], output: Path, *, order_by: str | None) -> None:
    """Write how every policy ended to ``results.csv`` and to standard error.

    Args:
        jobs: the policies.
        output: folder for the file.
        order_by: column of the logs by whose last value the rows are ordered, the largest first; as given unless named.
    """
    rows = [_row(job) for job in jobs]
    columns = [*_COLUMNS, *([order_by] if order_by not in (*_COLUMNS, None) else [])]
    if order_by is not None:
        rows.sort(key=lambda row: -_number(row.get(order_by)))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(output / RESULTS, text.getvalue().encode())
    print(aligned([columns, *[[_shown(row.get(column)) for column in columns] for row in rows]]), file=sys.stderr)


def _row(job: Job) -> dict[str, Any]:
    records = read_metrics(job.folder / METRICS_FILE)
    last = records[-1] if records else {}
    return {**last, "policy": job.name, "stage": last.get("stage_name")}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else -math.inf


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
