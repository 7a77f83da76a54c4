"""One picture of how a character comes about: its components, where strokes are wanted, the strokes, the ink."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hierbrush.characters import Component
from hierbrush.files import png_bytes
from hierbrush.writing.result import Writing

_PANEL, _GAP, _HEAD, _NODE = 320, 24, 30, 76
_SCALE = 2  # Pillow's lines are not smoothed, so all is drawn at twice the size and reduced
_PAPER, _FRAME, _FAINT, _TEXT, _INK = (255, 255, 255), (205, 205, 205), (225, 225, 225), (70, 70, 70), (30, 30, 30)
# Okabe and Ito's colours, which the colour-blind tell apart; one an outermost component.
_COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167))

_Colour = tuple[int, int, int]
_Outline = NDArray[np.float32]


def hierarchy_picture(writing: Writing) -> bytes:
    """Return a PNG with four pictures side by side: components as a tree, boxes, strokes as wanted, ink.

    A node of the tree shows the character with the node's strokes in colour. Strokes have the colour of their outermost
    component throughout, and boxes the strokes' numbers in the order of writing.
    """
    tree = writing.decomposition
    colours = _stroke_colours(tree, len(writing.plan.goals))
    outlines = [goal.outline for goal in writing.plan.goals]
    leaves, depth = len(list(tree.leaves())), _depth(tree)
    node = min(_NODE, (_PANEL - 12 * depth) // (depth + 1))
    width = max(_PANEL, leaves * (node + 12))
    panels = {
        "components": _tree_panel(tree, outlines, colours, width, node),
        "boxes, in order": _box_panel(writing, colours),
        "strokes": _drawn(outlines, colours, _PANEL),
        "ink": _ink_panel(writing),
    }
    total = _GAP + sum(panel.width // _SCALE + _GAP for panel in panels.values())
    sheet = Image.new("RGB", (total * _SCALE, (_HEAD + _PANEL + _GAP) * _SCALE), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(16 * _SCALE)
    left = _GAP * _SCALE
    for title, panel in panels.items():
        draw.text((left, 5 * _SCALE), title, fill=_TEXT, font=font)
        sheet.paste(panel, (left, _HEAD * _SCALE))
        left += panel.width + _GAP * _SCALE
    return png_bytes(sheet.resize((sheet.width // _SCALE, sheet.height // _SCALE), Image.Resampling.LANCZOS))


def _stroke_colours(tree: Component, strokes: int) -> list[_Colour]:
    colours = [_COLOURS[0]] * strokes
    for number, child in enumerate(tree.children):
        for stroke in child.strokes:
            colours[stroke] = _COLOURS[number % len(_COLOURS)]
    return colours


def _depth(node: Component) -> int:
    return 1 + max(map(_depth, node.children)) if node.children else 0


def _framed(side: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGB", (side * _SCALE, side * _SCALE), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, side * _SCALE - 1, side * _SCALE - 1), outline=_FRAME, width=_SCALE)
    return picture, draw


def _drawn(outlines: Sequence[_Outline], colours: Sequence[_Colour], side: int) -> Image.Image:
    """Return strokes of a character in the given colours."""
    picture, draw = _framed(side)
    for outline, colour in zip(outlines, colours, strict=True):
        draw.polygon([(float(x), float(y)) for x, y in outline * (side * _SCALE)], fill=colour)
    return picture


def _box_panel(writing: Writing, colours: Sequence[_Colour]) -> Image.Image:
    picture, draw = _framed(_PANEL)
    unit = _PANEL * _SCALE
    font = ImageFont.load_default(11 * _SCALE)
    low, high = writing.boxes[:, :2] - writing.boxes[:, 2:] / 2, writing.boxes[:, :2] + writing.boxes[:, 2:] / 2
    for child in writing.decomposition.children:
        chosen = list(child.strokes)
        hull = [*(low[chosen].min(0) * unit - 4 * _SCALE), *(high[chosen].max(0) * unit + 4 * _SCALE)]
        faint = tuple(int(255 - 0.15 * (255 - part)) for part in colours[chosen[0]])
        draw.rectangle(hull, fill=faint)
    for number, (near, far, colour) in enumerate(zip(low, high, colours, strict=True), 1):
        draw.rectangle([*(near * unit), *(far * unit)], outline=colour, width=_SCALE)
        x, y = near * unit + 3 * _SCALE
        draw.text((x, y - 2 * _SCALE), str(number), fill=colour, font=font)
    return picture


def _ink_panel(writing: Writing) -> Image.Image:
    ink = writing.image(_PANEL * _SCALE)[..., None]
    picture = Image.fromarray(np.rint(255 + (np.array(_INK) - 255) * ink).astype(np.uint8))
    ImageDraw.Draw(picture).rectangle((0, 0, picture.width - 1, picture.height - 1), outline=_FRAME, width=_SCALE)
    return picture


def _tree_panel(
    tree: Component, outlines: Sequence[_Outline], colours: Sequence[_Colour], width: int, node: int
) -> Image.Image:
    picture = Image.new("RGB", (width * _SCALE, _PANEL * _SCALE), _PAPER)
    draw = ImageDraw.Draw(picture)
    depth = _depth(tree)
    step = 0 if depth == 0 else (_PANEL - node) / depth
    pitch = width / max(1, len(list(tree.leaves())))

    def put(component: Component, level: int, first: int) -> tuple[float, int]:
        """Draw a component below its parent; return where its middle is and how many leaves it has."""
        top, middles, leaves = level * step, [], 0
        for child in component.children:
            middle, below = put(child, level + 1, first + leaves)
            middles.append(middle)
            leaves += below
        leaves = max(1, leaves)
        here = (middles[0] + middles[-1]) / 2 if middles else (first + 0.5) * pitch
        for middle in middles:
            ends = (here * _SCALE, (top + node) * _SCALE, middle * _SCALE, (top + step) * _SCALE)
            draw.line(ends, fill=_FRAME, width=2 * _SCALE)
        own = set(component.strokes)
        # What is not of this component lies below what is.
        order = sorted(range(len(outlines)), key=lambda stroke: stroke in own)
        shown = [colours[stroke] if stroke in own else _FAINT for stroke in order]
        tile = _drawn([outlines[stroke] for stroke in order], shown, node)
        picture.paste(tile, (round((here - node / 2) * _SCALE), round(top * _SCALE)))
        return here, leaves

    put(tree, 0, 0)
    return picture
