"""The one family of errors that hierbrush raises for input it cannot use."""

from __future__ import annotations


class HierbrushError(ValueError):
    """Input that cannot be used.

    The message is one sentence for the user: it names the argument (or file, line and column) and says what would
    have been right. The command line prints it without a traceback and exits with status 2.
    """


_LONGEST = 300


def shown(value: object) -> str:
    """Return how a value of the user's stands in a message: on one line, quoted, with 300 characters at most.

    Control characters and what a terminal cannot show are escaped; of a long value the beginning is shown. Paths are
    shown as the strings that the user gave.
    """
    from os import PathLike, fspath

    try:
        text = repr(fspath(value)) if isinstance(value, PathLike) else repr(value)
    except Exception:  # a stranger's __repr__ or __fspath__ may raise anything
        text = f"<{type(value).__name__}>"
    text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def closest(name: str, known: list[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name nearest to ``name``, or ``""`` when none is near."""
    # difflib costs 5 ms to import and is only needed once something is already wrong.
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
