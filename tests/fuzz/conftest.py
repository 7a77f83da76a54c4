"""What the fuzzers share: a seeded sequence of cases, as long as there is time for, and a judge of what comes back.

``HIERBRUSH_FUZZ_SECONDS`` (2 unless set) is how long each fuzzer runs, ``HIERBRUSH_FUZZ_SEED`` (0) which sequence it
takes. More seconds are more of the same sequence; a slow machine still tries each fuzzer's fixed minimum.

    def test_it(fuzz):
        for rng in fuzz.cases(least=50):
            value = rng.choice(HOSTILE)
            fuzz.call(lambda: f"stroke_type({value!r})", stroke_type, value)

Each case has a source of random numbers of its own, so that ``fuzz.only`` repeats one without those before it. When the
test is over its calls, crashes and wrong kinds are told in a line, and it fails if there are any of the last two.
"""

from __future__ import annotations

import os
import random
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hierbrush import HierbrushError

SECONDS = float(os.environ.get("HIERBRUSH_FUZZ_SECONDS", "2"))
SEED = int(os.environ.get("HIERBRUSH_FUZZ_SEED", "0"))
LONGEST = 700
"""Characters of a message, the user's own part of it included."""
_TOLD = 40


class Fuzz:
    """One fuzzer's sequence of cases, and its counters.

    ``calls`` counts what was tried. A *crash* is what a user could not even catch sensibly: memory or the stack run
    out, an internal error, an exit. (A fault of the machine code ends the whole run; pytest then shows where.) A *wrong
    kind* is any other exception than the one expected, or a message that is no single line of bearable length.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0
        self.crashes: list[tuple[str, str]] = []  # where, and what was called
        self.wrong: list[tuple[str, str]] = []
        self.number = -1

    def cases(self, least: int) -> Iterator[random.Random]:
        """Give each case's source of random numbers: ``least`` of them, and more while there is time."""
        until = time.monotonic() + SECONDS
        self.number = 0
        while self.number < least or time.monotonic() < until:
            yield self.only(self.number)
            self.number += 1

    def only(self, number: int) -> random.Random:
        """Return the source of random numbers of one case."""
        return random.Random(f"{self.name} {SEED} {number}")

    def call(
        self,
        what: Callable[[], str],
        function: Callable[..., Any],
        *args: Any,
        expected: type[Exception] | tuple[type[Exception], ...] = HierbrushError,
        lines: int = 1,
        **kwargs: Any,
    ) -> Any:
        """Call and return what comes back, or the expected exception; note everything else.

        Args:
            what: says what was called, for whoever mends it; only asked if something is wrong.
            function: what to call, with all further arguments.
            expected: the exceptions that are a right answer.
            lines: most lines of their messages.
        """
        self.calls += 1
        try:
            return function(*args, **kwargs)
        except expected as error:
            # A configuration has a line for each of its problems.
            self.message(what, str(error), max(lines, len(getattr(error, "problems", ())) + 1))
            return error
        except (MemoryError, RecursionError, SystemError, SystemExit, GeneratorExit) as error:
            self.crashes.append(self._raised(what, error))
        except Exception as error:
            self.wrong.append(self._raised(what, error))
        return None

    def message(self, what: Callable[[], str], text: str, lines: int = 1) -> None:
        """Note a message that is no line, longer than bearable, or holds what a terminal would obey."""
        parts = text.split("\n")
        if len(parts) > lines or any(len(part) > LONGEST or not part.isprintable() for part in parts) or not text:
            self.notice(what, f"message {text[:900]!r}")

    def notice(self, what: Callable[[], str], fault: str) -> None:
        """Note an answer that is wrong in another way."""
        self.wrong.append((fault, self._case(what)))

    def summary(self) -> str:
        """Return the line that is told at the end."""
        return f"{self.name}: {self.calls:,} calls, {len(self.crashes)} crashes, {len(self.wrong)} wrong kinds"

    def report(self) -> str:
        """Return the line and an example of each different fault."""
        examples: dict[str, str] = {}
        for where, case in [*self.crashes, *self.wrong]:
            examples.setdefault(where, case)
        return "\n".join([self.summary(), *(f"{case}: {where}" for where, case in list(examples.items())[:_TOLD])])

    def _case(self, what: Callable[[], str]) -> str:
        return f"case {self.number}: {' '.join(what().split())[:400]}"

    def _raised(self, what: Callable[[], str], error: BaseException) -> tuple[str, str]:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} at {os.path.relpath(frame.filename)}:{frame.lineno}"
        return where, f"{self._case(what)}: {str(error)[:200]!r}"


@pytest.fixture
def fuzz(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Iterator[Fuzz]:
    """One fuzzer's cases and counters, judged when the test is over."""
    fuzzer = Fuzz(request.node.name)
    yield fuzzer
    record_property("fuzz", fuzzer.summary())
    if fuzzer.crashes or fuzzer.wrong:
        pytest.fail(fuzzer.report(), pytrace=False)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print every fuzzer's line."""
    for reports in list(terminalreporter.stats.values()):
        for report in reports:
            for name, line in getattr(report, "user_properties", ()):
                if name == "fuzz" and report.when == "teardown":
                    terminalreporter.write_line(f"fuzz {line}")
