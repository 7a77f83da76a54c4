"""The two calls that the library is for: write a character, write a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from hierbrush.characters.text import check_single, describe
from hierbrush.composer.descriptions import check_writable, written_as
from hierbrush.composer.ids import is_ids
from hierbrush.errors import HierbrushError, closest
from hierbrush.sim import BrushModel
from hierbrush.strokes.rollout import write_strokes
from hierbrush.writing.layout import DIRECTIONS, Layout
from hierbrush.writing.plan import Plan, composed_plans, glyph_plan
from hierbrush.writing.result import Page, Writing
from hierbrush.writing.trajectory import MotionLimits
from hierbrush.writing.workers import mapped

GOALS = ("decomposition", "glyph")
_BATCH = 64  # characters composed and written side by side: what fits into a core's cache


def write_character(
    char: str,
    *,
    goal: str | None = None,
    composer: str = "learned",
    brush: str | BrushModel = "measured",
    policy: str = "learned",
    seed: int = 0,
    motion: MotionLimits | None = None,
) -> Writing:
    """Write one character.

    Args:
        char: any Chinese character, or the description of what is none by its components, such as ``"⿰木月"``. One
            without a glyph is composed from what it is made of.
        goal: where the strokes' order, places and shapes come from: ``"decomposition"``, from the composer, which knows
            how training characters write the character's components; or ``"glyph"``, from the character's glyph. The
            decomposition unless given, but the glyph where a component occurs in no training character: then nobody
            but the glyph knows. A description has no glyph, nor have most characters of Unicode.
        composer: who composes: ``"learned"``, a baseline (``"component means"``, ``"nearest character"``,
            ``"fixed splits"``), or the path of a ``.safetensors`` file.
        brush: a preset's name (``"measured"``, ``"round"``) or a `BrushModel`.
        policy: who moves the brush: ``"learned"`` (the primitives that come with hierbrush), a control
            (``"scripted"``, ``"zero"``, ``"random"``), or the path of a ``.safetensors`` file of ``hierbrush train``.
        seed: of the policy's random numbers. The same arguments give the same writing; between machines a learned
            movement may differ by nanometres, since their matrix libraries round differently.
        motion: what the arm can do; the trajectory is slowed down to it, the ink does not depend on it.

    Raises:
        HierbrushError: the character or a component is not known, the description is malformed, or an argument names
            nothing that exists.
    """
    return write_characters([char], goal=goal, composer=composer, brush=brush, policy=policy, seed=seed, motion=motion)[
        0
    ]


def write_characters(
    characters: Sequence[str],
    *,
    goal: str | None = None,
    composer: str = "learned",
    brush: str | BrushModel = "measured",
    policy: str = "learned",
    seed: int = 0,
    motion: MotionLimits | None = None,
    stroke_lists: bool = False,
    workers: int = 1,
    progress: Callable[[int], object] = lambda done: None,
) -> list[Writing]:
    """Write many characters side by side, which takes a fraction of the time of one after the other.

    What is written is what `write_character` writes, up to the rounding of products of larger matrices; only
    ``policy="random"`` draws its numbers for a batch.

    Args:
        characters: each as for `write_character`.
        goal: as for `write_character`, for each character.
        composer: as for `write_character`.
        brush: as for `write_character`.
        policy: as for `write_character`.
        seed: as for `write_character`.
        motion: as for `write_character`.
        stroke_lists: tell the composer the order of the strokes within components that no training character has, as
            ``{S HZ H}`` in a description does.
        workers: processes that share the work; a batch gives the same in any of them.
        progress: is told how many characters were just written.

    Raises:
        HierbrushError: as for `write_character`, or there are fewer than 1 workers.
    """
    goals = [_checked_goal(char, goal) for char in characters]
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise HierbrushError(f"seed: must be a whole number from 0 to 2**63 - 1, not {seed!r}")
    if workers < 1:
        raise HierbrushError(f"workers: must be at least 1, not {workers}")
    model = BrushModel.preset(brush) if isinstance(brush, str) else brush
    if not isinstance(model, BrushModel):
        raise HierbrushError(f"brush: must be the name of a preset or a BrushModel, not {type(brush).__name__}")
    pairs = list(zip(characters, goals, strict=True))
    batches = [pairs[start : start + _BATCH] for start in range(0, len(pairs), _BATCH)]
    write = partial(
        _write_batch,
        composer=composer,
        brush=model,
        policy=policy,
        seed=seed,
        motion=motion,
        stroke_lists=stroke_lists,
    )
    written: list[Writing] = []
    for batch in mapped(write, batches, workers):
        written += batch
        progress(len(batch))
    return written


def _checked_goal(char: str, goal: str | None) -> str | None:
    if goal is not None and goal not in GOALS:
        raise HierbrushError(f"goal: {goal!r} is not one of {', '.join(GOALS)}{closest(str(goal), list(GOALS))}")
    if is_ids(char):
        if goal == "glyph":
            raise HierbrushError(f"goal: the description {char!r} has no glyph to follow; use goal='decomposition'")
        return "decomposition"
    check_writable(char)
    check_single(char)
    if not is_ids(written_as(char)):
        return goal
    if goal == "glyph":
        raise HierbrushError(f"goal: {describe(char)} has no glyph to follow; use goal='decomposition'")
    return "decomposition"


def _write_batch(
    batch: list[tuple[str, str | None]],
    *,
    composer: str,
    brush: BrushModel,
    policy: str,
    seed: int,
    motion: MotionLimits | None,
    stroke_lists: bool,
) -> list[Writing]:
    composed = [char for char, goal in batch if goal != "glyph"]
    from_composer = iter(composed_plans(composed, composer, stroke_lists=stroke_lists) if composed else ())
    plans: list[tuple[Plan, str]] = []
    for char, goal in batch:
        plan = next(from_composer) if goal != "glyph" else None
        if plan is None or (goal is None and plan.unknown):
            plans.append((glyph_plan(char), "glyph"))
        else:
            plans.append((plan, "decomposition"))
    paths = iter(write_strokes([goal for plan, _ in plans for goal in plan.goals], brush, policy=policy, seed=seed))
    return [
        Writing(
            plan,
            brush=brush,
            goal=goal,
            policy=policy,
            seed=seed,
            stroke_paths=[next(paths) for _ in plan.goals],
            motion=motion,
        )
        for plan, goal in plans
    ]


def write_text(
    text: str,
    *,
    layout: str | Layout = "vertical",
    goal: str | None = None,
    composer: str = "learned",
    brush: str | BrushModel = "measured",
    policy: str = "learned",
    seed: int = 0,
    motion: MotionLimits | None = None,
) -> Page:
    """Write a text on one paper; every character is what `write_character` makes of it.

    Args:
        text: Chinese characters; a line break starts a new column or row.
        layout: ``"vertical"`` (columns from right to left), ``"horizontal"`` (rows), or a `Layout`.
        goal: as for `write_character`.
        composer: as for `write_character`.
        brush: as for `write_character`.
        policy: as for `write_character`.
        seed: as for `write_character`.
        motion: as for `write_character`.

    Raises:
        HierbrushError: the text is empty or holds what cannot be written, or an argument names nothing that exists.
    """
    if isinstance(layout, str):
        layout = Layout(direction=layout)
    if not isinstance(layout, Layout):
        raise HierbrushError(f"layout: must be one of {', '.join(DIRECTIONS)} or a Layout, not {type(layout).__name__}")
    if not isinstance(text, str):
        raise HierbrushError(f"text: must be a string of Chinese characters, not {type(text).__name__}")
    text = text.strip("\n")
    check_writable(text.replace("\n", ""))
    written: dict[str, Writing] = {}
    for char in text.replace("\n", ""):
        if char not in written:
            written[char] = write_character(
                char, goal=goal, composer=composer, brush=brush, policy=policy, seed=seed, motion=motion
            )
    return Page(text, [written[char] for char in text if char != "\n"], layout)
