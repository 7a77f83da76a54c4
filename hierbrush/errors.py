"""The one family of errors that hierbrush raises for input it cannot use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST = 300
_LONGEST_MESSAGE = 700
_LONGEST_NAME = 100


class HierbrushError(ValueError):
    """Input that cannot be used.

    The message is one sentence for the user: it names the argument (or file, line and column) and says what would
    have been right. The command line prints it without a traceback and exits with status 2.

    Args:
        *lines: the message; more than one where several things are wrong, each line for itself. Whatever is in a line,
            it stays one: control characters are escaped, and of more than 700 characters the middle is left out.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__(*(one_line(line) for line in lines))

    def __str__(self) -> str:
        return "\n".join(self.args)


class MissingExtraError(HierbrushError, ImportError):
    """A package is not installed that one of hierbrush's extras brings.

    Args:
        needs: what needs it.
        package: its name.
        extra: the extra.
        advice: what else can be done.
    """

    def __init__(self, needs: str, package: str | None, extra: str, advice: str = "") -> None:
        package = (package or "").partition(".")[0].replace("_", "-")
        super().__init__(
            f'{needs} needs {package}, which is not installed; pip install "hierbrush[{extra}]" brings it{advice}'
        )


@contextmanager
def extra_needed(needs: str, extra: str, advice: str = "") -> Iterator[None]:
    """Turn the import error of a package that one of hierbrush's extras brings into advice to install it.

    Args:
        needs: what needs it: the argument or option, with its colon.
        extra: the extra.
        advice: what else can be done.

    Raises:
        MissingExtraError: a package is not installed; a module of hierbrush's own is no package.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "hierbrush").startswith("hierbrush"):
            raise
        raise MissingExtraError(needs, error.name, extra, advice) from None


def one_line(text: str, most: int = _LONGEST_MESSAGE) -> str:
    """Return a text with everything escaped that a terminal would not print, its middle left out beyond ``most``."""
    # Cut first, so that a huge text costs no more than a long one.
    text = _cut(str(text), most)
    return _cut("".join(char if char.isprintable() else _escaped(char) for char in text), most)


def _cut(text: str, most: int) -> str:
    end = most // 3
    return text if len(text) <= most else f"{text[: most - end - 1]}…{text[-end:]}"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()


def shown(value: object) -> str:
    """Return how a value of the user's stands in a message: on one line, quoted, with 300 characters at most.

    Control characters and what a terminal cannot show are escaped; of a long value the beginning is shown. Paths are
    shown as the strings that the user gave.
    """
    from os import PathLike, fspath

    try:
        plain = fspath(value) if isinstance(value, PathLike) else value
        # More could not be shown, and might be a gigabyte.
        text = repr(plain[: _LONGEST + 1] if isinstance(plain, str | bytes) and type(plain) in (str, bytes) else plain)
        text = "".join(char if char.isprintable() else _escaped(char) for char in text[: _LONGEST + 1])
    except Exception:  # a stranger's __repr__ or __fspath__ may raise anything
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def closest(name: object, known: list[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name nearest to ``name``, or ``""`` when none is near."""
    if not isinstance(name, str) or len(name) > _LONGEST_NAME:
        return ""
    # difflib costs 5 ms to import and is only needed once something is already wrong.
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    return f"; did you mean {shown(near[0])}?" if near else ""
