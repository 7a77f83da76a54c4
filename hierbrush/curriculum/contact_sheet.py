"""A picture of what a policy will be asked for: sampled goals of every stage, with the stage's rules beside them."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.patches import Polygon, Rectangle
from numpy.typing import NDArray

from hierbrush.characters import load_library
from hierbrush.curriculum.characters import draw_characters
from hierbrush.curriculum.goals import sample_goals
from hierbrush.curriculum.model import Characters, Curriculum, Deformation, Goals, Stage
from hierbrush.curriculum.pictures import PictureGoal, draw_pictures
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.script import known_types

FORMATS = (".png", ".svg", ".pdf")

# Lengths on the sheet are in inches.
_COLUMNS, _ROWS = 6, 3
_PAGE, _CLOSE_UP = 1.06, 0.62
_CELL = (_PAGE + _CLOSE_UP + 0.22, _PAGE + 0.16)
_TEXT = 3.2
_MARGIN = 0.4
_HEADER, _HEADER_LINE, _HEADER_WRAP = 0.74, 0.2, 150
_STAGE_GAP = 0.34
_LINE = 0.152
_STAGE_TITLE = 0.3
_WRAP, _FACTS_WRAP = 47, 41
_LABEL = 0.62
_DPI = 140

_PAPER, _TILE, _GUIDE = "#f6f1e7", "#fffdf8", "#e3d6c3"
_INK, _SKELETON, _TEXT_COLOUR, _FAINT = "#23201d", "#d2402f", "#2b2723", "#857a6d"

_CHINESE = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "PingFang SC", "Microsoft YaHei", "SimHei")


def contact_sheet(curriculum: Curriculum, stroke_types: Sequence[str], seed: int) -> Figure:
    """Draw the sheet: a band a stage, eighteen samples each: goals by stroke type, or characters by strokes.

    Each goal is shown on its page (the character box) where and as large as it is asked for, and close up beside it,
    with its skeleton in red from the dot on.

    Raises:
        HierbrushError: see :func:`~hierbrush.curriculum.goals.sample_goals`.
    """
    texts = [_facts(stage) for stage in curriculum.stages]
    heights = [max(_ROWS * _CELL[1], _STAGE_TITLE + _LINE * len(lines)) for lines in texts]
    width = 2 * _MARGIN + _TEXT + _COLUMNS * _CELL[0]
    description = textwrap.wrap(" ".join(curriculum.description.split()), _HEADER_WRAP)
    top = _MARGIN + _HEADER + _HEADER_LINE * len(description)
    height = top + sum(heights) + _STAGE_GAP * len(heights)
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor=_PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)  # y down, as on the page
    axes.axis("off")
    axes.autoscale(enable=False)  # or pictures would set the limits
    names = ", ".join(stroke_types) if len(stroke_types) < 12 else f"{len(stroke_types)} stroke types"
    legend = f"{names}  ·  seed {seed}  ·  each goal on its page, and close up beside it; skeleton red, from the dot on"
    _write(axes, _MARGIN, _MARGIN, curriculum.name, size=19, weight="bold")
    for index, line in enumerate([*description, legend]):
        last = index == len(description)
        _write(
            axes, _MARGIN, _MARGIN + 0.3 + _HEADER_LINE * index, line, size=9, colour=_FAINT if last else _TEXT_COLOUR
        )
    for number, (stage, lines, band) in enumerate(zip(curriculum.stages, texts, heights, strict=True)):
        axes.plot([_MARGIN, width - _MARGIN], [top - _STAGE_GAP / 2] * 2, color=_GUIDE, linewidth=1.0)
        title = f"{number + 1}  {stage.name}"
        _write(axes, _MARGIN, top + 0.1, title, size=13, weight="bold")
        for index, (label, text) in enumerate(lines):
            y = top + _STAGE_TITLE + _LINE * (index + 0.5)
            _write(axes, _MARGIN, y, label, size=7.6, colour=_FAINT)
            _write(axes, _MARGIN + _LABEL, y, text, size=7.6)
        for index in range(_COLUMNS * _ROWS):
            row, column = divmod(index, _COLUMNS)
            place = _MARGIN + _TEXT + column * _CELL[0], top + row * _CELL[1]
            if index == 0:
                draw = _drawings(stage, stroke_types, seed + number)
            if index < len(draw):
                draw[index](axes, *place)
        top += band + _STAGE_GAP
    return figure


def _drawings(stage: Stage, stroke_types: Sequence[str], seed: int) -> list[Callable[[Axes, float, float], None]]:
    """Return what draws each of a stage's samples, given where."""
    if stage.characters is not None and stage.pictured:
        drawn = draw_pictures(stage.characters, seed)
        chosen = np.random.default_rng(seed).permutation(len(drawn))[: _COLUMNS * _ROWS]
        return [partial(_draw_picture, drawn[at]) for at in sorted(chosen.tolist())]
    if stage.characters is not None:
        return [partial(_draw_character, char) for char in _sampled_characters(stage.characters, seed)]
    assert stage.goals is not None
    goals = sample_goals(stage.goals, stroke_types, _COLUMNS * _ROWS, seed)
    places = {name: at for at, name in enumerate(known_types())}
    ordered = sorted(goals, key=lambda goal: (places[goal.stroke_type], -goal.length))
    return [partial(_draw_goal, goal) for goal in ordered]


def _sampled_characters(wanted: Characters, seed: int) -> list[str]:
    library = load_library()
    drawn = draw_characters(wanted, seed)
    chosen = np.random.default_rng(seed).permutation(len(drawn))[: _COLUMNS * _ROWS]
    return sorted((drawn[at] for at in chosen.tolist()), key=lambda char: len(library.stroke_types(char)))


def rendered(figure: Figure, suffix: str) -> bytes:
    """Return the figure as a file of one of ``FORMATS``."""
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # Where no font has the Chinese of a description, boxes are drawn; that is no reason to fail or to complain.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(stream, format=suffix.removeprefix("."), facecolor=figure.get_facecolor())
    return stream.getvalue()


def _write(
    axes: Axes, x: float, y: float, text: str, *, size: float, weight: str = "normal", colour: str = _TEXT_COLOUR
) -> None:
    # parse_math: a dollar sign in a description is a dollar sign.
    axes.text(x, y, text, fontsize=size, weight=weight, color=colour, va="center", family=_families(), parse_math=False)


@lru_cache(maxsize=1)
def _families() -> list[str]:
    installed = set(fontManager.get_font_names())
    return ["DejaVu Sans", *(name for name in _CHINESE if name in installed)]


def _draw_page(axes: Axes, left: float, top: float) -> None:
    page = Rectangle((left, top), _PAGE, _PAGE, facecolor=_TILE, edgecolor=_GUIDE, linewidth=0.9, zorder=0.8)
    axes.add_patch(page)
    centre = np.array([left, top]) + _PAGE / 2
    for along in ((0.5, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, -0.5)):  # the guide lines of a practice sheet
        ends = centre + _PAGE * np.outer([-1, 1], along)
        axes.plot(*ends.T, color=_GUIDE, linewidth=0.5, linestyle=(0, (3, 3)), zorder=0.9)


def _draw_character(char: str, axes: Axes, left: float, top: float) -> None:
    library = load_library()
    _draw_page(axes, left, top)
    for stroke in library[char].strokes:
        outline = np.asarray(stroke.outline) * _PAGE + (left, top)
        axes.add_patch(Polygon(outline, closed=True, facecolor=_INK, edgecolor="none"))
    x, y = left + _PAGE + 0.07, top + 0.12
    tree = library.decomposition(char)
    _write(axes, x, y, f"U+{ord(char):04X}", size=7.5, weight="bold")
    _write(axes, x, y + 0.17, f"{len(library.stroke_types(char))} strokes", size=6.2, colour=_FAINT)
    _write(axes, x, y + 0.29, f"{len(tree.children) or 'no'} parts", size=6.2, colour=_FAINT)


def _draw_picture(goal: PictureGoal, axes: Axes, left: float, top: float) -> None:
    _draw_page(axes, left, top)
    shade = np.zeros((*goal.page.shape, 4))
    shade[..., :3], shade[..., 3] = to_rgb(_INK), goal.page
    extent = (left, left + _PAGE, top + _PAGE, top)
    axes.imshow(shade, extent=extent, aspect="auto", interpolation="bilinear", zorder=1.2)
    x, y = left + _PAGE + 0.07, top + 0.12
    _write(axes, x, y, f"U+{ord(goal.char):04X}", size=7.5, weight="bold")
    name = Path(goal.hand).stem
    for number, line in enumerate(textwrap.wrap(name, 11)[:4]):
        _write(axes, x, y + 0.17 + 0.12 * number, line, size=6.2, colour=_FAINT)


def _draw_goal(goal: StrokeGoal, axes: Axes, left: float, top: float) -> None:
    _draw_page(axes, left, top)
    _draw_stroke(axes, goal, scale=_PAGE, shift=np.array([left, top]), line=0.7)

    low, high = np.array(goal.box[:2]), np.array(goal.box[2:])
    side = max(float((high - low).max()), 1e-6) * 1.06
    scale = _CLOSE_UP / side
    close_up = np.array([left + _PAGE + 0.05, top])
    _draw_stroke(axes, goal, scale=scale, shift=close_up + _CLOSE_UP / 2 - scale * (low + high) / 2, line=0.9)
    x, y = left + _PAGE + 0.07, top + _CLOSE_UP + 0.14
    _write(axes, x, y, goal.stroke_type, size=9.5, weight="bold")
    _write(axes, x, y + 0.15, f"length {goal.length:.2f}", size=6.2, colour=_FAINT)
    _write(axes, x, y + 0.26, f"width {2 * float(goal.half_width.mean()):.3f}", size=6.2, colour=_FAINT)


def _draw_stroke(axes: Axes, goal: StrokeGoal, *, scale: float, shift: NDArray[np.float64], line: float) -> None:
    skeleton = goal.skeleton * scale + shift
    axes.add_patch(Polygon(goal.outline * scale + shift, closed=True, facecolor=_INK, edgecolor="none"))
    axes.plot(*skeleton.T, color=_SKELETON, linewidth=line, solid_capstyle="round")
    axes.plot(*skeleton[:1].T, color=_SKELETON, marker="o", markersize=3.2 * line, markeredgewidth=0)


def _facts(stage: Stage) -> list[tuple[str, str]]:
    """Return the lines beside a stage, each a label and a text: first the description, then the rules."""
    rule = stage.promotion
    facts = [
        *_asked_for(stage),
        ("brush", _brush(stage)),
        (
            "episode",
            f"{stage.episode.ticks[0]} to {stage.episode.ticks[1]} ticks, "
            f"starts {_millimetres(stage.episode.start_height)} above",
        ),
        ("reward", ", ".join(f"{name} {weight:g}" for name, weight in stage.reward)),
        ("passed", f"{rule.metric} ≥ {rule.threshold:g} over {rule.window} iterations"),
        ("steps", f"{_count(rule.minimum_steps)} to {_count(rule.maximum_steps)}, then {rule.at_maximum}"),
    ]
    lines = [(line, "") for line in textwrap.wrap(" ".join(stage.description.split()), _WRAP)]
    lines += [("", "")] if lines else []
    for label, text in facts:
        wrapped = textwrap.wrap(text, _FACTS_WRAP)
        lines += zip([label, *[""] * len(wrapped)], wrapped, strict=False)
    return lines


def _asked_for(stage: Stage) -> list[tuple[str, str]]:
    if stage.goals is not None:
        return [("goals", _sources(stage.goals)), ("deformed", _deformation(stage.goals.deformation))]
    assert stage.characters is not None
    wanted = stage.characters
    operators = f"{len(wanted.structures)} structures" if wanted.structures else "every structure"
    text = f"{operators}, {wanted.strokes[0]} to {wanted.strokes[1]} strokes; {wanted.count:,} drawn"
    return [
        ("writes", text),
        ("shown", _shown(wanted)),
        ("composer", ", ".join(f"{name} {weight:g}" for name, weight in wanted.reward)),
    ]


def _shown(wanted: Characters) -> str:
    if wanted.pictures is None:
        return f"{wanted.followed:.0%} of the glyphs"
    return "pictures by " + ", ".join(Path(hand).stem for hand in wanted.pictures.hands)


def _sources(goals: Goals) -> str:
    sources = []
    if goals.glyphs:
        filters = [
            f"{name} {bounds[0]:.0%} to {bounds[1]:.0%}"
            for name, bounds in (("size", goals.glyphs.size), ("aspect", goals.glyphs.aspect))
            if bounds != (0.0, 1.0)
        ]
        sources.append("real strokes" + (f" ({', '.join(filters)})" if filters else ""))
    if goals.basis:
        sources.append(f"shape basis (spread {goals.basis.spread:g})")
    if goals.glyphs and goals.basis:
        share = goals.basis.weight / (goals.basis.weight + goals.glyphs.weight)
        sources = [f"{1 - share:.0%} {sources[0]}", f"{share:.0%} {sources[1]}"]
    return f"{', '.join(sources)}; {goals.count:,} drawn"


def _deformation(deformation: Deformation) -> str:
    changes = [f"{name} ±{limit:.0%}" for name, limit in deformation if limit and name != "rotation"]
    if deformation.rotation:
        changes.append(f"rotation ±{math.degrees(deformation.rotation):.0f}°")
    return ", ".join(changes)


def _brush(stage: Stage) -> str:
    noise = stage.randomisation
    parts = [stage.brush.preset, *(f"{name} {value:g}" for name, value in stage.brush.parameters.items())]
    parts += [f"±{noise.brush:.0%}"] if noise.brush else []
    parts += [f"handle σ {_millimetres(noise.handle_sigma)}"] if noise.handle_sigma else []
    parts += [f"paper ±{_millimetres(noise.paper_offset)}"] if noise.paper_offset else []
    return ", ".join(parts)


def _millimetres(metres: float) -> str:
    return f"{metres * 1e3:g} mm"


def _count(steps: int) -> str:
    for unit, letter in ((10**9, " G"), (10**6, " M"), (10**3, " k")):
        if steps >= unit:
            return f"{steps / unit:g}{letter}"
    return str(steps)
