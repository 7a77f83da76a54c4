"""What a source is, the sources by name, and asking them one after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from os import PathLike, fspath
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, ClassVar, TypeVar

import numpy as np

from hierbrush.arguments import check_choice
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.sources.plan import Plan, RejectedError

# How far the handle's reach may fall short of the outline's on a side, as a share of the box: 6.1 mm of 120 at most in
# one character of 40 (python -m pytest tests/writing/test_limits.py).
_SHORT_OF = 1 / 12


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked of the sources, the same for all characters of a call.

    Attributes:
        goal: what the user gave as goal: the name of a source, a file, an array or picture, or None.
        style: what the user gave as style: a file, or None.
        composer: who is to compose; None if nobody was named.
        weight: how many times as wide as is usual the strokes are.
        direction: of the text, which punctuation is placed for.
        stroke_lists: whether a composer is told the order of the strokes within unknown components.
        order: whose order glyphs are written in, one of `hierbrush.characters.regions.ORDERS`.
        described: whether a composer is told of characters with a glyph, too, what the table of descriptions says, and
            not what their glyphs are taken apart into.
    """

    goal: Any = None
    style: Any = None
    composer: str | None = None
    weight: float = 1.0
    direction: str = "horizontal"
    stroke_lists: bool = False
    order: str = "prc"
    described: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nothing was asked for, so that what is best known is followed."""
        return self.goal is None and self.style is None and self.composer is None

    def names(self, source: str) -> bool:
        """Return whether the goal is the name of a source."""
        return isinstance(self.goal, str) and self.goal == source

    def file(self, *suffixes: str) -> Path | None:
        """Return the goal as a path if it is a file's name that ends in one of these, such as ``".ttf"``."""
        return self.path_if(lambda text: text.lower().endswith(suffixes))

    def path_if(self, wanted: Callable[[str], bool]) -> Path | None:
        """Return the goal as a path if it is a file's name that is wanted."""
        try:
            text = fspath(self.goal) if isinstance(self.goal, PathLike) else self.goal
            return Path(text) if isinstance(text, str) and wanted(text) else None
        except Exception:  # a stranger's __fspath__ may raise anything
            return None


class Source(ABC):
    """Where the strokes of characters come from. It is opened for a request that it accepts, or as a next one.

    Attributes:
        name: as `Writing.goal` and files tell it.
        wanted: how a user asks for it, as the end of ``expected one of ...``; "" if it is only asked after others.
        regional: whether it knows other orders of writing than the PRC's.
        pairs: whether it has what two digits or marks that share a cell look like.
        heeds_composer: whether it is of use to say who composes.
        quick: whether plans cost next to nothing, so that limits are checked by them before anything is written.
        then: names of the sources that are asked in turn for what this one refuses or rejects.
    """

    name: ClassVar[str]
    wanted: ClassVar[str]
    regional: ClassVar[bool] = False
    pairs: ClassVar[bool] = False
    heeds_composer: ClassVar[bool] = True
    quick: ClassVar[bool] = False
    then: tuple[str, ...] = ()

    def __init__(self, request: Request) -> None:
        self.request = request

    @classmethod
    @abstractmethod
    def accepts(cls, request: Request) -> bool:
        """Return whether this source is the one that is asked for; no file is opened for it."""

    @abstractmethod
    def plans(self, texts: Sequence[str]) -> list[Plan | RejectedError]:
        """Return the strokes of each character, or why they are not surely known.

        Raises:
            HierbrushError: the request itself cannot be met, such as a file that cannot be read.
        """

    def check(self, text: str) -> None:  # noqa: B027  # a source that has none need not say so
        """Raise HierbrushError if it can be seen without work that there are no strokes for this character."""

    @staticmethod
    def confidence(plan: Plan) -> float | None:
        """Return how surely a plan of this source's is the character, 0 to 1; None if nobody has measured it."""
        return plan.confidence


_KINDS: dict[str, type[Source]] = {}

_Kind = TypeVar("_Kind", bound=type[Source])


def register(kind: _Kind) -> _Kind:
    """Make a source known by its name; a decorator. Sources outside this package call it before they are asked for."""
    _KINDS[kind.name] = kind
    return kind


@cache
def _find() -> None:
    package = import_module("hierbrush.sources")
    for module in sorted(iter_modules(package.__path__), key=lambda found: found.name):
        import_module(f"{package.__name__}.{module.name}")


def names() -> list[str]:
    """Return the names of all sources; what is best known, and quick, comes first."""
    return [one.name for one in _kinds()]


def _kinds() -> list[type[Source]]:
    _find()
    return sorted(_KINDS.values(), key=lambda one: not one.quick)


def kind(name: str) -> type[Source]:
    """Return the source of a name.

    Raises:
        HierbrushError: there is none.
    """
    return _KINDS[check_choice("goal", name, names())]


def asked(request: Request) -> type[Source]:
    """Return the source that a request is for.

    Raises:
        HierbrushError: it is for none.
    """
    first = next((one for one in _kinds() if one.accepts(request)), None)
    if first is None:
        raise _unaccepted(request)
    return first


def chain(request: Request) -> list[Source]:
    """Return the source that a request is for and those that are asked after it.

    Raises:
        HierbrushError: it is for none.
    """
    first = asked(request)
    if request.order != "prc" and not first.regional:
        raise HierbrushError(
            f"order: {shown(request.order)} is known of glyphs alone; leave out goal, style and composer, or use 'prc'"
        )
    source = first(request)
    return [source, *(_KINDS[name](request) for name in source.then)]


def _unaccepted(request: Request) -> HierbrushError:
    argument, value = ("goal", request.goal) if request.goal is not None else ("style", request.style)
    wanted = [one.wanted for one in _kinds() if one.wanted]
    return HierbrushError(f"{argument}: {shown(value)} is not one of {', '.join(wanted)}{closest(value, wanted)}")


def _asked_first(text: str, request: Request) -> Source:
    refusal = HierbrushError("goal: no source was asked")
    for source in chain(request):
        try:
            source.check(text)
        except HierbrushError as error:
            refusal = error
        else:
            return source
    raise refusal


def check(text: str, request: Request) -> None:
    """Raise HierbrushError if it can be seen without work that no source has strokes for a character."""
    _asked_first(text, request)


def plans_of(texts: Sequence[str], request: Request) -> list[Plan]:
    """Return the strokes of characters, each by the first source that neither refuses nor rejects it.

    Args:
        texts: characters, or ideographic descriptions such as ``"⿰木月"``.
        request: what is asked for.

    Raises:
        HierbrushError: no source has the strokes of a character; the last one's reason.
    """
    found: dict[int, Plan] = {}
    refused: dict[int, HierbrushError] = {}
    for source in chain(request):
        asked = []
        for at, text in enumerate(texts):
            if at not in found:
                try:
                    source.check(text)
                    asked.append(at)
                except HierbrushError as error:
                    refused[at] = error
        answers = source.plans([texts[at] for at in asked]) if asked else []
        for at, answer in zip(asked, answers, strict=True):
            if isinstance(answer, Plan):
                found[at] = answer
            else:
                refused[at] = answer
    if len(found) < len(texts):
        raise next(refused[at] for at in range(len(texts)) if at not in found)
    return [found[at] for at in range(len(texts))]


def sure_bounds(text: str, request: Request) -> tuple[float, float, float, float]:
    """Return the corners x, y, x, y in the unit box of what the handle is sure to visit, before anything is written.

    That is the middle of the box unless the source tells more at once.

    Raises:
        HierbrushError: as of `check`.
    """
    source = _asked_first(text, request)
    plan = source.plans([text])[0] if source.quick else None
    if not isinstance(plan, Plan):
        return 0.5, 0.5, 0.5, 0.5
    outline = np.concatenate(plan.references)
    low, high = outline.min(axis=0) + _SHORT_OF, outline.max(axis=0) - _SHORT_OF
    middle = (low + high) / 2
    (left, top), (right, bottom) = np.minimum(low, middle).tolist(), np.maximum(high, middle).tolist()
    return left, top, right, bottom
