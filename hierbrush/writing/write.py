"""The two calls that the library is for: write a character, write a text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike, fspath
from typing import Any, NamedTuple, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from hierbrush.arguments import Progress, check_choice, check_kind, check_number, check_progress, check_whole
from hierbrush.characters.regions import ORDERS
from hierbrush.errors import HierbrushError, closest, shown
from hierbrush.ink.model import DIPS, MOST_SEED
from hierbrush.ink.stone import InkStone, plan_dips
from hierbrush.options import options_of
from hierbrush.sim import PRESETS, BrushModel
from hierbrush.sources import BOLDEST, LIGHTEST, Plan, RejectedError, Request, check, kind, plans_of
from hierbrush.strokes.rollout import policy_name, write_strokes
from hierbrush.writing.layout import DIRECTIONS, Layout, layout_of
from hierbrush.writing.passage import BLANK, Missing, spelled, writable
from hierbrush.writing.planned import Paths, PlanInterrupted, Planning, searched_paths
from hierbrush.writing.result import Page, Writing
from hierbrush.writing.trajectory import MotionLimits
from hierbrush.writing.workers import mapped

_BATCH = 64  # characters composed and written side by side: what fits into a core's cache
_MOST_WORKERS = 1024

MotionLimitsLike = MotionLimits | Mapping[str, Any] | None
InkStoneLike = InkStone | Mapping[str, Any] | None


class Dipping(NamedTuple):
    """When the brush is dipped (see `DIPS`), and on which stone."""

    when: str
    stone: InkStone | None

    @property
    def carries(self) -> bool:
        """Whether a stroke may begin with a tuft that is not as a good dip leaves it."""
        return self.when != "stroke" or (self.stone is not None and not self.stone.strokes)


@dataclass(frozen=True)
class Writer:
    """Who moves which brush how: what `How` says of it, checked."""

    brush: BrushModel
    policy: str
    planning: Planning | None
    dipping: Dipping
    seed: int
    motion: MotionLimits


class How(TypedDict, total=False):
    """How characters are written: the arguments of `write_character` after the first."""

    goal: Any
    style: str | PathLike[str] | None
    composer: str | PathLike[str] | None
    brush: str | BrushModel
    policy: str | PathLike[str]
    budget: int | None
    robust: bool
    seed: int
    motion: MotionLimitsLike
    weight: float
    order: str
    dip: str
    stone: InkStoneLike


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
    budget: int | None = None,
    robust: bool = False,
    seed: int = 0,
    motion: MotionLimitsLike = None,
    weight: float = 1.0,
    order: str = "prc",
    dip: str = "stroke",
    stone: InkStoneLike = None,
) -> Writing:
    """Write one character.

    Args:
        char: any Chinese character, or the description of what is none by its components, such as ``"⿰木月"``. One
            without a glyph is composed from what it is made of. Punctuation and digits too, which stand in their box as
            they do in a horizontal text.
        goal: where the strokes' order, places and shapes come from: ``"glyph"``, from the character's glyph; or
            ``"decomposition"``, from the composer, which knows how training characters write the character's
            components. What is best known unless given: the glyph where there is one, the composer where there is none
            (a description has no glyph, nor have most characters of Unicode) or where ``composer`` is given. A font's
            file (``"MaShanZheng.ttf"``), a picture's (``"yong.png"``) or an array [h, w] with 1 = ink is copied: the
            character's strokes are found in that ink or, where they are not surely there, its skeleton is written;
            ``writing.goal`` tells which.
        style: the hand to write in: a style's file, or the name of one that comes with hierbrush (``"mashan"``);
            hierbrush's own hand unless given.
        composer: who composes: ``"learned"`` unless given, a control (``"component means"``,
            ``"nearest character"``, ``"fixed splits"``), or the path of a ``.safetensors`` file. With a font or
            picture as goal, who copies it in place of registration: ``"goal-conditioned"``, or such a path.
        brush: a preset's name (``"measured"``, ``"round"``), a brush file made by ``hierbrush brush fit``, or a
            `BrushModel`.
        policy: who moves the brush: ``"learned"`` (the primitives that come with hierbrush), ``"planned"`` (a search
            in the simulator that begins with what these do, and takes seconds instead of milliseconds), a control
            (``"scripted"``, ``"zero"``, ``"random"``), or the path of weights that ``hierbrush train`` made: a
            ``.safetensors`` file or the folder of a training. Stroke types that it did not practise are written by the
            primitives that come with hierbrush; a warning says which.
        budget: strokes written in the search for each stroke of ``policy="planned"``; 2,400 unless given, and fewer
            than 36 change nothing. Ctrl-C ends the search with the best so far.
        robust: whether that search looks for what does well on average with brushes off by 10 % and a hand off by
            0.5 mm.
        seed: of the policy's random numbers and of the search. The same arguments give the same writing, bit by bit
            with the glyph as goal; between machines a composed or a planned character may differ visibly, since their
            matrix libraries round differently before something is decided (`benchmarks/bench_machines.py` says by how
            much).
        motion: what the arm can do, as `MotionLimits` or as a mapping of its fields; the trajectory is slowed down to
            it, the ink does not depend on it.
        weight: how wide strokes are written, 0.4 to 2; 1 is the width that the strokes of the hand have.
        order: whose order of writing glyphs are written in: ``"prc"``, or ``"tw"`` for Taiwan's, which is known of
            seven in ten glyphs; of the others, and of compositions, it is refused with a reason.
        dip: when the brush is dipped: before each ``"stroke"``, before each ``"character"``, or ``"auto"``: when its
            ink would not last for the next stroke. Without a dip the tuft stays bent as the last stroke left it.
        stone: the `InkStone` (or a mapping of its fields) on which each dip is a real movement; a short one unless
            given, after which the tuft counts as straight.

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
        budget=budget,
        robust=robust,
        seed=seed,
        motion=motion,
        weight=weight,
        order=order,
        dip=dip,
        stone=stone,
    )
    return writing


def write_picture(
    picture: Any,
    *,
    brush: str | BrushModel = "measured",
    policy: str | PathLike[str] = "learned",
    budget: int | None = None,
    robust: bool = False,
    seed: int = 0,
    motion: MotionLimitsLike = None,
    weight: float = 1.0,
) -> Writing:
    """Write the ink of a picture, whatever it shows: the skeleton of the ink becomes strokes in a plausible order.

    Args:
        picture: a picture's file, or an array: float or bool [h, w] with 1 = ink, or uint8 [h, w], [h, w, 3] or
            [h, w, 4] with 0 = black.
        brush: as for `write_character`.
        policy: as for `write_character`.
        budget: as for `write_character`.
        robust: as for `write_character`.
        seed: as for `write_character`.
        motion: as for `write_character`.
        weight: as for `write_character`.

    Raises:
        HierbrushError: there is no such picture, or no ink in it.
    """
    request = _request(False, "horizontal", goal=picture, weight=weight)
    writer = _writer(brush=brush, policy=policy, budget=budget, robust=robust, seed=seed, motion=motion)
    try:
        return _written(kind("skeleton")(request).plans([""]), writer)[0]
    except _BatchInterrupted as interrupted:
        return interrupted.finished[0]


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
        progress: is told how many characters were just written; of those that are planned here, in parts.
        **how: ``goal``, ``style``, ``composer``, ``brush``, ``policy``, ``budget``, ``robust``, ``seed``, ``motion``,
            ``weight``, ``order``, ``dip`` and ``stone``, each as for `write_character`, for every character.

    Raises:
        HierbrushError: as for `write_character`, or there are fewer than 1 workers.
        WritingInterrupted: Ctrl-C came; it has the characters that were finished.
    """
    check_progress(progress)
    check_kind("stroke_lists", stroke_lists, bool, "True or False")
    check_kind("described", described, bool, "True or False")
    check_choice("direction", direction, DIRECTIONS)
    request, writer = replace(_request(stroke_lists, direction, **how), described=described), _writer(**how)
    chars = _checked_characters(characters, request)
    workers = check_whole("workers", workers, 1, _MOST_WORKERS)
    # Searches take so long that a character is a batch.
    size = _BATCH if writer.planning is None else 1
    batches = [chars[start : start + size] for start in range(0, len(chars), size)]
    here = progress is not None and writer.planning is not None and 1 in (workers, len(batches))
    write = partial(_write_batch, request=request, writer=writer, told=progress if here else None)
    written: list[Writing] = []
    try:
        for batch in mapped(write, batches, workers):
            written += batch
            if progress is not None and not here:
                progress(len(batch))
    except _BatchInterrupted as interrupted:
        written += interrupted.finished
        if len(written) == len(chars):
            return written
        raise WritingInterrupted(written) from None
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
        order=check_choice("order", how.get("order", "prc"), ORDERS),
    )


def _writer(**how: Unpack[How]) -> Writer:
    known = list(How.__annotations__)
    for name in how:
        if name not in known:
            hint = closest(name, known) or f"; there are {', '.join(known)}"
            raise HierbrushError(f"{name}: is no argument{hint}")
    brush = how.get("brush", "measured")
    stone, dip = how.get("stone"), check_choice("dip", how.get("dip", "stroke"), DIPS)
    dipping = Dipping(dip, None if stone is None else options_of("stone", InkStone, stone))
    policy = policy_name(_name("policy", how.get("policy", "learned")))
    planning = Planning.of(policy, how.get("budget"), how.get("robust", False))
    if planning is not None and dipping.carries:
        raise HierbrushError("dip: what is planned begins each stroke with a straight tuft; dip before each stroke")
    return Writer(
        _brush(brush),
        policy,
        planning,
        dipping,
        check_whole("seed", how.get("seed", 0), 0, MOST_SEED),
        options_of("motion", MotionLimits, how.get("motion")),
    )


def _brush(brush: object) -> BrushModel:
    if isinstance(brush, BrushModel):
        return brush
    if isinstance(brush, str) and brush in PRESETS:
        return PRESETS[brush]
    # Reading YAML is only worth its import for a brush of a file.
    from hierbrush.brushes.brush_file import brush_of

    return brush_of(brush)


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


class _BatchInterrupted(KeyboardInterrupt):
    """Ctrl-C came while a batch was searched for; ``finished`` are its writings so far, the last one still to gain."""

    def __init__(self, finished: list[Writing]) -> None:
        super().__init__("interrupted")
        self.finished = finished


def _write_batch(
    batch: list[str], *, request: Request, writer: Writer, told: Callable[[float], object] | None
) -> list[Writing]:
    return _written(plans_of(batch, request), writer, told)


def _written(
    plans: Sequence[Plan | RejectedError], writer: Writer, told: Callable[[float], object] | None = None
) -> list[Writing]:
    found = [_accepted(plan) for plan in plans]
    brush, policy, seed = writer.brush, writer.policy, writer.seed

    def writings(paths: list[Paths], dips: list[tuple[bool, ...]] | None = None) -> list[Writing]:
        return [
            Writing(
                plan,
                brush=brush,
                policy=policy,
                seed=seed,
                stroke_paths=of_plan,
                motion=writer.motion,
                dips=None if dips is None else dips[at],
                stone=writer.dipping.stone,
            )
            for at, (plan, of_plan) in enumerate(zip(found, paths, strict=False))
        ]

    if writer.planning is not None:
        try:
            return writings(searched_paths(found, brush, writer.planning, seed, told))
        except PlanInterrupted as interrupted:
            raise _BatchInterrupted(writings(interrupted.finished)) from None
    written = iter(write_strokes([goal for plan in found for goal in plan.goals], brush, policy=policy, seed=seed))
    paths = [[next(written) for _ in plan.goals] for plan in found]
    if not writer.dipping.carries:
        return writings(paths)
    dips = [plan_dips(brush, own, writer.dipping.when) for own in paths]
    return writings(_carried(found, dips, writer), dips)


def _carried(plans: Sequence[Plan], dips: Sequence[Sequence[bool]], writer: Writer) -> list[Paths]:
    """Write strokes with tufts that stay bent from one to the next: the first of all characters, then the second."""
    from hierbrush.writing.inked import Tuft

    tufts = [Tuft(writer.brush, writer.dipping.stone) for _ in plans]
    paths: list[list[NDArray[np.float64]]] = [[] for _ in plans]
    for number in range(max((len(plan.goals) for plan in plans), default=0)):
        going = [at for at, plan in enumerate(plans) if number < len(plan.goals)]
        starts = np.array([tufts[at].before(dips[at][number]) for at in going])
        goals = [plans[at].goals[number] for at in going]
        seed = writer.seed + number
        written = write_strokes(goals, writer.brush, policy=writer.policy, seed=seed, directions=starts)
        for at, path in zip(going, written, strict=True):
            paths[at].append(path)
            tufts[at].write(path)
    return list(paths)


def _accepted(plan: Plan | RejectedError) -> Plan:
    if isinstance(plan, RejectedError):
        raise plan
    return plan


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
    text = writable(text, missing, _request(False, page.direction, **how))
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
    text = writable(text, missing, _request(False, page.direction, **how))
    try:
        written = write_characters(
            different_characters(text, page), direction=page.direction, workers=workers, progress=progress, **how
        )
    except WritingInterrupted as interrupted:
        finished = interrupted.finished
        raise WritingInterrupted(finished, _pages(text, finished, page)) from None
    return _pages(text, written, page)


def different_characters(text: str, layout: Layout) -> list[str]:
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
