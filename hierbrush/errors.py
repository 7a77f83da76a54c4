"""The one family of errors that hierbrush raises for input it cannot use."""

from __future__ import annotations


class HierbrushError(ValueError):
    """Input that cannot be used.

    The message is one sentence for the user: it names the argument (or file, line and column) and says what would
    have been right. The command line prints it without a traceback and exits with status 2.
    """


def closest(name: str, known: list[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name nearest to ``name``, or ``""`` when none is near."""
    # difflib costs 5 ms to import and is only needed once something is already wrong.
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
