"""How far a training is: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 15.0


class Display:
    """Shows some figures, steps/s and time left of one policy; where nothing can be shown any more, nothing is.

    Args:
        name: what is trained.
        total: steps wanted.
        done: steps already there.
        stream: where to; standard error by default.
        bar: False for lines on a terminal too, where several trainings show themselves.
        figures: labels and keys of what is shown of a record.
    """

    def __init__(
        self,
        name: str,
        total: int,
        done: int,
        stream: TextIO | None = None,
        *,
        bar: bool = True,
        figures: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._name, self._total, self._first, self._figures = name, total, done, figures
        self._stream = stream or sys.stderr
        self._started = self._last_line = time.monotonic()
        self._bar: tqdm[Any] | None = None
        if bar and self._stream.isatty():
            self._bar = tqdm(total=total, initial=done, desc=name, unit="step", unit_scale=True, file=self._stream)

    def begin(self, done: int) -> None:
        """Count from so many steps on, which were there before, and from this moment."""
        self._first, self._started = done, time.monotonic()
        if self._bar is not None:
            with contextlib.suppress(OSError):
                self._bar.n = self._bar.initial = min(done, self._total)
                self._bar.start_t = self._bar.last_print_t = time.time()  # as tqdm counts

    def update(self, record: Mapping[str, Any]) -> None:
        """Show the record of an iteration: its ``steps`` and what it has of the figures."""
        shown = " ".join(
            f"{label} {value:.3f}" if isinstance(value, float) else f"{label} {value}"
            for label, value in ((label, record.get(key)) for label, key in self._figures)
            if value is not None
        )
        if self._bar is not None:
            with contextlib.suppress(OSError):
                self._bar.set_postfix_str(shown, refresh=False)
                # The last iteration may go beyond what was asked for.
                self._bar.update(min(record["steps"], self._total) - self._bar.n)
            return
        now = time.monotonic()
        if now - self._last_line >= _SECONDS_BETWEEN_LINES or record["steps"] >= self._total:
            self._last_line = now
            rate = (record["steps"] - self._first) / max(now - self._started, 1e-9)
            left = max(0.0, self._total - record["steps"]) / max(rate, 1e-9)
            share = min(1.0, record["steps"] / self._total)
            self.say(f"{share:4.0%} {record['steps']:,} steps, {shown}, {rate:,.0f} steps/s, {_duration(left)} left")

    def say(self, message: str) -> None:
        """Show a sentence on a line of its own."""
        line = f"{self._name}: {message}"
        # A terminal that has been closed must not end a training before its checkpoint.
        with contextlib.suppress(OSError):
            if self._bar is not None:
                self._bar.write(line, file=self._stream)
            else:
                print(line, file=self._stream, flush=True)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            with contextlib.suppress(OSError):
                self._bar.close()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
