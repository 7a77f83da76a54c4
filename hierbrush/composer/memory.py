"""Answers that are kept because they are asked for again: 氵 beside eight strokes stands in hundreds of characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

_Answer = TypeVar("_Answer")

_MOST = 4096


class Memory(Generic[_Answer]):
    """Some thousand answers by what was asked; all are forgotten when it is full. It can be pickled."""

    def __init__(self) -> None:
        self._answers: dict[tuple[object, ...], _Answer] = {}

    def of(self, answer: Callable[..., _Answer], *asked: object) -> _Answer:
        """Return what ``answer`` of ``asked`` is, or was before."""
        if asked not in self._answers:
            if len(self._answers) >= _MOST:
                self._answers.clear()
            self._answers[asked] = answer(*asked)
        return self._answers[asked]
