"""The two calls that the library is for: write a character, write a text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike, fspath
from typing import Any, TypedDict, Unpack

from hierbrush.arguments import check_choice, check_kind, check_number, check_whole
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.sim import BrushModel
from hierbrush.sources import BOLDEST, LIGHTEST, Request, check, plans_of
from hierbrush.strokes.rollout import policy_name, write_strokes
from hierbrush.writing.layout import DIRECTIONS, Layout, layout_of
from hierbrush.writing.options import options_of
from hierbrush.writing.passage import BLANK, Missing, spelled, writable
from hierbrush.writing.result import MOST_SEED, Page, Writing
from hierbrush.writing.trajectory import MotionLimits
from hierbrush.writing.workers import mapped

_BATCH = 64  # characters composed and written side by side: what fits into a core's cache
_MOST_WORKERS = 1024

Progress = Callable[[int], object]
Motion = MotionLimits | Mapping[str, Any] | None


class How(TypedDict, total=False):
    """How characters are written: the arguments of `write_character` after the first."""

    goal: Any
    style: str | PathLike[str] | None
    composer: str | PathLike[str] | None
    brush: str | BrushModel
    policy: str | PathLike[str]
    seed: int
    motion: Motion
    weight: float


class WritingInterrupted(KeyboardInterrupt):
    """Ctrl-C came while many characters were being written.

    Attributes:
        finished: the writings that were finished, in the order asked for.
        pages: of a text, the sheets of as many of its characters as were finished.
        page: the first of them; None where there is none.
    """

    def __init__(self, finished: list[Writing], pages: Sequence[Page] = ()) -> None:
        super().__init__("interrupted")
        self.finished, self.pages = finished, pages

    @property
    def page(self) -> Page | None:
        """The first sheet that was begun."""
        return self.pages[0] if self.pages else None


def write_character(
    char: str,
    *,
    goal: Any = None,
    style: str | PathLike[str] | None = None,
    composer: str | PathLike[str] | None = None,
    brush: str | BrushModel = "measured",
    policy: str | PathLike[str] = "learned",
    seed: int = 0,
    motion: Motion = None,
    weight: float = 1.0,
) -> Writing:
    """Write one character.

    Args:
        char: any Chinese character, or the description of what is none by its components, such as ``"⿰木月"``. One
            without a glyph is composed from what it is made of. Punctuation and digits too, which stand in their box as
            they do in a horizontal text.
        goal: where the strokes' order, places and shapes come from: ``"glyph"``, from the character's glyph; or
            ``"decomposition"``, from the composer, which knows how training characters write the character's
            components. What is best known unless given: the glyph where there is one, the composer where there is none
            (a description has no glyph, nor have most characters of Unicode) or where ``composer`` is given.
        style: file of the hand to write in; the one that hierbrush knows unless given.
        composer: who composes: ``"learned"`` unless given, a baseline (``"component means"``,
            ``"nearest character"``, ``"fixed splits"``), or the path of a ``.safetensors`` file.
        brush: a preset's name (``"measured"``, ``"round"``) or a `BrushModel`.
        policy: who moves the brush: ``"learned"`` (the primitives that come with hierbrush), a control
            (``"scripted"``, ``"zero"``, ``"random"``), or the path of weights that ``hierbrush train`` made: a
            ``.safetensors`` file or the folder of a training. Stroke types that it did not practise are written by the
            primitives that come with hierbrush; a warning says which.
        seed: of the policy's random numbers. The same arguments give the same writing, bit by bit with the glyph as
            goal; between machines a composed character may differ visibly, since their matrix libraries round
            differently before the composer decides (`benchmarks/bench_machines.py` says by how much).
        motion: what the arm can do, as `MotionLimits` or as a mapping of its fields; the trajectory is slowed down to
            it, the ink does not depend on it.
        weight: how wide strokes are written, 0.4 to 2; 1 is the width that the strokes of the hand have.

    Raises:
        HierbrushError: the character or a component is not known, the description is malformed, or an argument names
            nothing that exists.
    """
    (writing,) = write_characters(
        [char],
        goal=goal,
        style=style,
        composer=composer,
        brush=brush,
        policy=policy,
        seed=seed,
        motion=motion,
        weight=weight,
    )
    return writing


def write_characters(
    characters: Iterable[str],
    *,
    stroke_lists: bool = False,
    described: bool = False,
    direction: str = "horizontal",
    workers: int = 1,
    progress: Progress | None = None,
    **how: Unpack[How],
) -> list[Writing]:
    """Write many characters side by side, which takes a fraction of the time of one after the other.

    What is written is what `write_character` writes, bit by bit; only ``policy="random"`` draws its numbers for a
    batch.

    Args:
        characters: each as for `write_character`.
        stroke_lists: tell the composer the order of the strokes within components that no training character has, as
            ``{S HZ H}`` in a description does.
        described: tell the composer of characters with a glyph, too, no more than what an independent table says that
            they are made of; where that cannot be composed, what their glyph is taken apart into.
        direction: of the text that punctuation is placed for, ``"vertical"`` or ``"horizontal"``.
        workers: processes that share the work; a batch gives the same in any of them.
        progress: is told how many characters were just written.
        **how: ``goal``, ``style``, ``composer``, ``brush``, ``policy``, ``seed``, ``motion`` and ``weight``, each as
            for `write_character`, for every character.

    Raises:
        HierbrushError: as for `write_character`, or there are fewer than 1 workers.
        WritingInterrupted: Ctrl-C came; it has the characters that were finished.
    """
    check_kind("progress", progress, Callable | None, "a function of a number or None")  # type: ignore[arg-type]
    check_kind("stroke_lists", stroke_lists, bool, "True or False")
    check_kind("described", described, bool, "True or False")
    check_choice("direction", direction, DIRECTIONS)
    request, hand = replace(_request(stroke_lists, direction, **how), described=described), _hand(**how)
    chars = _checked_characters(characters, request)
    batches = [chars[start : start + _BATCH] for start in range(0, len(chars), _BATCH)]
    write = partial(_write_batch, request=request, **hand)
    written: list[Writing] = []
    try:
        for batch in mapped(write, batches, check_whole("workers", workers, 1, _MOST_WORKERS)):
            written += batch
            if progress is not None:
                progress(len(batch))
    except KeyboardInterrupt:
        raise WritingInterrupted(written) from None
    return written


def _checked_characters(characters: Any, request: Request) -> list[str]:
    """Return the characters, if each of them can be seen to be one that there are strokes for."""
    try:
        iterator = iter(characters)
    except Exception:  # a stranger's __iter__ may raise anything
        raise HierbrushError(f"characters: {shown(characters)}, expected characters such as ['永', '和']") from None
    chars = list(iterator)
    for char in chars:
        check_kind("char", char, str, "a string of one character such as '永'")
        check(char, request)
    return chars


def _request(stroke_lists: bool, direction: str, **how: Unpack[How]) -> Request:
    composer, style = how.get("composer"), how.get("style")
    return Request(
        goal=how.get("goal"),
        style=None if style is None else _name("style", style),
        composer=None if composer is None else _name("composer", composer),
        weight=check_number("weight", how.get("weight", 1.0), LIGHTEST, BOLDEST, "times the usual width"),
        direction=direction,
        stroke_lists=stroke_lists,
    )


def _hand(**how: Unpack[How]) -> dict[str, Any]:
    """Return who moves which brush how, checked."""
    known = list(How.__annotations__)
    for name in how:
        if name not in known:
            hint = closest(name, known) or f"; there are {', '.join(known)}"
            raise HierbrushError(f"{name}: is no argument{hint}")
    brush = how.get("brush", "measured")
    if not isinstance(brush, str | BrushModel):
        raise HierbrushError(f"brush: {shown(brush)}, expected the name of a preset or a BrushModel")
    return {
        "brush": BrushModel.preset(brush) if isinstance(brush, str) else brush,
        "policy": policy_name(_name("policy", how.get("policy", "learned"))),
        "seed": check_whole("seed", how.get("seed", 0), 0, MOST_SEED),
        "motion": options_of("motion", MotionLimits, how.get("motion")),
    }


def _name(argument: str, value: object) -> str:
    """Return a name, or a path as text."""
    text: object = value
    if isinstance(value, PathLike):
        try:
            text = fspath(value)
        except Exception:  # a stranger's __fspath__ may raise anything
            text = None
    if not isinstance(text, str):
        raise HierbrushError(f"{argument}: {shown(value)}, expected a name or a path")
    return text


def _write_batch(
    batch: list[str], *, request: Request, brush: BrushModel, policy: str, seed: int, motion: MotionLimits
) -> list[Writing]:
    plans = plans_of(batch, request)
    paths = iter(write_strokes([goal for plan in plans for goal in plan.goals], brush, policy=policy, seed=seed))
    return [
        Writing(
            plan,
            brush=brush,
            policy=policy,
            seed=seed,
            stroke_paths=[next(paths) for _ in plan.goals],
            motion=motion,
        )
        for plan in plans
    ]


def write_text(
    text: str,
    *,
    layout: str | Layout | Mapping[str, Any] = "vertical",
    missing: Missing = "error",
    workers: int = 1,
    progress: Progress | None = None,
    **how: Unpack[How],
) -> Page:
    """Write a text on one paper; every character is what `write_character` makes of it.

    Args:
        text: as people paste it: Chinese characters, their punctuation and digits, spaces for blank cells, and
            descriptions in braces, ``"心無{⿱罒圭}礙"``. A line break starts a new column or row; what is invisible is
            left out. Punctuation is placed as the layout's direction asks for.
        layout: ``"vertical"`` (columns from right to left), ``"horizontal"`` (rows), a `Layout` or its fields.
        missing: what is done with what cannot be written, such as Latin letters: ``"error"`` tells all of it with its
            places, ``"blank"`` leaves its cell empty, ``"box"`` draws the □ of editions; a function is given the
            character and returns the text to write in its place (``""`` leaves it out, None refuses it).
        workers: processes that share the work, as for `write_characters`.
        progress: is told how many different characters were just written.
        **how: as for `write_characters`; punctuation has only its glyph.

    Raises:
        HierbrushError: the text is empty, holds what cannot be written or fills more than one sheet of the layout's
            paper, or an argument names nothing that exists.
        WritingInterrupted: Ctrl-C came; it has a page of the characters that were finished.
    """
    page = layout_of(layout)
    text = writable(text, missing)
    page.paper(text)
    return write_pages(text, layout=page, workers=workers, progress=progress, **how)[0]


def write_pages(
    text: str,
    *,
    layout: str | Layout | Mapping[str, Any] = "vertical",
    missing: Missing = "error",
    workers: int = 1,
    progress: Progress | None = None,
    **how: Unpack[How],
) -> list[Page]:
    """Write a text on as many sheets as it fills; how many lines a sheet has is said by the layout, see `Layout.on`.

    Args:
        text: as for `write_text`.
        layout: as for `write_text`.
        missing: as for `write_text`.
        workers: processes that share the work, as for `write_characters`.
        progress: is told how many different characters were just written.
        **how: as for `write_characters`.

    Raises:
        HierbrushError: the text is empty or holds what cannot be written, or an argument names nothing that exists.
        WritingInterrupted: Ctrl-C came; it has the sheets of the characters that were finished.
    """
    page = layout_of(layout)
    text = writable(text, missing)
    try:
        written = write_characters(
            characters_of(text, page), direction=page.direction, workers=workers, progress=progress, **how
        )
    except WritingInterrupted as interrupted:
        finished = interrupted.finished
        raise WritingInterrupted(finished, _pages(text, finished, page)) from None
    return _pages(text, written, page)


def characters_of(text: str, layout: Layout) -> list[str]:
    """Return the different characters, marks and descriptions of a text in the order of their first places."""
    return list(dict.fromkeys(unit for row in layout.rows(text) for unit in row if unit != BLANK))


def _pages(text: str, written: list[Writing], layout: Layout) -> list[Page]:
    """Return the sheets of a text up to its first character that is not written."""
    by_character = {writing.char: writing for writing in written}
    pages = []
    for part in layout.pages(text):
        rows, missed = _begun(layout.rows(part), by_character)
        begun = "\n".join(map(spelled, rows)).strip("\n") if missed else part
        chosen = [by_character[unit] for row in rows for unit in row if unit != BLANK]
        if chosen:
            pages.append(Page(begun, chosen, layout))
        if missed:
            break
    return pages


def _begun(rows: list[list[str]], written: Mapping[str, Writing]) -> tuple[list[list[str]], bool]:
    """Return rows up to the first unit that is not written, and whether there is one."""
    for line, row in enumerate(rows):
        for at, unit in enumerate(row):
            if unit != BLANK and unit not in written:
                return [*rows[:line], row[:at]], True
    return rows, False
