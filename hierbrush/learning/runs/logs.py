"""What a training run writes down: metrics.jsonl, TensorBoard events and a picture of the learning curve."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hierbrush.files import write_atomically

METRICS_FILE = "metrics.jsonl"
CURVE_FILE = "curve.png"


class RunLog:
    """Appends one record an iteration; a resumed run drops the records of steps that its checkpoint has not seen.

    Args:
        folder: the run's folder.
        steps: environment steps that the run continues from, 0 for a new one.
        tensorboard: whether to write event files too.
        earlier: log to continue instead of the folder's own, which another machine may have written.
    """

    def __init__(self, folder: Path, *, steps: int, tensorboard: bool, earlier: Path | None = None) -> None:
        self.path = folder / METRICS_FILE
        kept = [record for record in read_metrics(earlier or self.path) if record["steps"] <= steps]
        # At once or not at all: a process that dies here must not take the log with it.
        write_atomically(self.path, "".join(json.dumps(record) + "\n" for record in kept).encode())
        self._file = self.path.open("a", encoding="utf-8")
        self._events: Any = None
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(str(folder / "tensorboard"), purge_step=steps or None)
            self._report_thread = threading.excepthook
            threading.excepthook = self._report

    def write(self, record: dict[str, Any]) -> None:
        """Append a flat record of numbers and text with the key ``steps``."""
        record = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in record.items()
        }
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()
        if self._events is not None:
            for key, value in record.items():
                if isinstance(value, int | float) and key != "steps":
                    self._events.add_scalar(key, value, record["steps"])

    def _report(self, failed: threading.ExceptHookArgs) -> None:
        # TensorBoard writes in a thread of its own, and raises what that thread met in our next call as well.
        if not (isinstance(failed.exc_value, OSError) and type(failed.thread).__module__.startswith("tensorboard")):
            self._report_thread(failed)

    def close(self) -> None:
        """Close the files; what a full disk does not take is lost."""
        with contextlib.suppress(OSError):
            self._file.close()
        if self._events is not None:
            with contextlib.suppress(OSError):
                self._events.close()
            threading.excepthook = self._report_thread


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the records of a metrics file; a damaged line, or a last one cut short by a kill, is left out."""
    if not path.exists():
        return []
    records = [_record(line) for line in path.read_bytes().split(b"\n")]
    return [record for record in records if record is not None]


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(record, dict) and _is_number(record.get("steps"))
    return record if whole else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class Curve:
    """What a picture shows of the records over their steps.

    Attributes:
        per: steps that make a unit of the horizontal axis.
        across: its label.
        left, right: label of each vertical axis.
        lines: of the left axis, as column and label.
        scores: of the right axis, which is only drawn where a record has the first of them.
    """

    per: float
    across: str
    left: str
    right: str
    lines: tuple[tuple[str, str], ...]
    scores: tuple[tuple[str, str], ...]


LEARNING_CURVE = Curve(
    per=1e6,
    across="steps (millions)",
    left="return per episode",
    right="stroke IoU with exploration noise",
    lines=(("return", "return"),),
    scores=(("iou", "IoU, mean"), ("iou_p05", "IoU, 5th percentile")),
)

_LINES = ({"color": "tab:gray", "linewidth": 1}, {"color": "tab:olive", "linewidth": 1})
_SCORES = ({"color": "tab:blue", "marker": "."}, {"color": "tab:blue", "marker": ".", "linestyle": ":"})


def draw_curve(folder: Path, curve: Curve = LEARNING_CURVE) -> None:
    """Draw the records of a run, and where the stages of its curriculum change, to ``curve.png``."""
    records = read_metrics(folder / METRICS_FILE)
    if not records:
        return
    figure = _figure()
    axes = figure.subplots()
    _plot(axes, records, curve, curve.lines, _LINES)
    axes.set_xlabel(curve.across)
    axes.set_ylabel(curve.left)
    lines = list(axes.get_lines())
    scored = [record for record in records if record.get(curve.scores[0][0]) is not None]
    if scored:
        score = axes.twinx()
        _plot(score, scored, curve, curve.scores, _SCORES)
        score.set_ylabel(curve.right)
        lines += score.get_lines()
    axes.legend(lines, [str(line.get_label()) for line in lines], loc="best")
    for before, record in itertools.pairwise(records):
        if record.get("stage") != before.get("stage"):
            axes.axvline(record["steps"] / curve.per, color="tab:red", linewidth=0.8, alpha=0.6)
    figure.savefig(folder / CURVE_FILE, dpi=120)


def _plot(axes: Any, records: list[dict[str, Any]], curve: Curve, columns: Any, styles: Any) -> None:
    steps = [record["steps"] / curve.per for record in records]
    for (column, label), style in zip(columns, styles, strict=False):
        axes.plot(steps, _column(records, column), label=label, **style)


def _figure() -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _column(records: list[dict[str, Any]], key: str) -> list[float]:
    return [record[key] if _is_number(record.get(key)) else math.nan for record in records]
