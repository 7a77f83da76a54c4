"""Tables of text, and how numbers of things are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def aligned(rows: Iterable[Sequence[str]], *, right: bool = False) -> str:
    """Return lines whose cells stand below each other; all but the first at the right if asked."""
    lines = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if right and at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def counted(number: int, noun: str) -> str:
    """Return ``"1 character"``, ``"2 characters"``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
