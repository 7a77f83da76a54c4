"""The two calls that the library is for: write a character, write a text."""

from __future__ import annotations

from hierbrush.characters import check_text, load_library
from hierbrush.errors import HierbrushError, closest
from hierbrush.sim import BrushModel
from hierbrush.strokes.rollout import write_strokes
from hierbrush.writing.layout import DIRECTIONS, Layout
from hierbrush.writing.result import Page, Writing
from hierbrush.writing.trajectory import MotionLimits

GOALS = ("glyph",)


def write_character(
    char: str,
    *,
    goal: str = "glyph",
    brush: str | BrushModel = "measured",
    policy: str = "learned",
    seed: int = 0,
    motion: MotionLimits | None = None,
) -> Writing:
    """Write one character.

    Args:
        char: the character.
        goal: where the strokes' order, places and shapes come from; ``"glyph"`` takes them from the character's glyph.
        brush: a preset's name (``"measured"``, ``"round"``) or a `BrushModel`.
        policy: who moves the brush: ``"learned"`` (the primitives that come with hierbrush), a control
            (``"scripted"``, ``"zero"``, ``"random"``), or the path of a ``.safetensors`` file of ``hierbrush train``.
        seed: of the policy's random numbers. The same arguments give the same writing; between machines a learned
            movement may differ by nanometres, since their matrix libraries round differently.
        motion: what the arm can do; the trajectory is slowed down to it, the ink does not depend on it.

    Raises:
        HierbrushError: the character is not known, or an argument names nothing that exists.
    """
    check_text(char)
    if goal not in GOALS:
        raise HierbrushError(f"goal: {goal!r} is not one of {', '.join(GOALS)}{closest(str(goal), list(GOALS))}")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise HierbrushError(f"seed: must be a whole number from 0 to 2**63 - 1, not {seed!r}")
    glyph = load_library()[char]
    model = BrushModel.preset(brush) if isinstance(brush, str) else brush
    if not isinstance(model, BrushModel):
        raise HierbrushError(f"brush: must be the name of a preset or a BrushModel, not {type(brush).__name__}")
    goals = [stroke.goal() for stroke in glyph.strokes]
    return Writing(
        char,
        brush=model,
        goal=goal,
        policy=policy,
        seed=seed,
        goals=goals,
        references=[stroke.outline for stroke in glyph.strokes],
        stroke_paths=write_strokes(goals, model, policy=policy, seed=seed),
        motion=motion,
    )


def write_text(
    text: str,
    *,
    layout: str | Layout = "vertical",
    goal: str = "glyph",
    brush: str | BrushModel = "measured",
    policy: str = "learned",
    seed: int = 0,
    motion: MotionLimits | None = None,
) -> Page:
    """Write a text on one paper; every character is what `write_character` makes of it.

    Args:
        text: known characters; a line break starts a new column or row.
        layout: ``"vertical"`` (columns from right to left), ``"horizontal"`` (rows), or a `Layout`.
        goal: as for `write_character`.
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
    check_text(text.replace("\n", ""))
    written: dict[str, Writing] = {}
    for char in text.replace("\n", ""):
        if char not in written:
            written[char] = write_character(char, goal=goal, brush=brush, policy=policy, seed=seed, motion=motion)
    return Page(text, [written[char] for char in text if char != "\n"], layout)
