"""HTML: one file in which the brush writes the sheet, with nothing to fetch; and the data that its player reads.

The player is `hierbrush/studio/page/hierbrush-player.js`; docs/studio.md describes it and the data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from hierbrush.box import BOX
from hierbrush.files import png_bytes
from hierbrush.resources import page_file
from hierbrush.strokes.types import stroke_type
from hierbrush.writing.ink_option import INK
from hierbrush.writing.outputs import Export, register

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from hierbrush.characters import Component
    from hierbrush.ink import Ink
    from hierbrush.writing.result import Sheet, Writing, WrittenStroke

FORMAT, VERSION = "hierbrush-player", 1

PATH_UNITS = 2.0**32
"""Units a metre of a path: the grid on which the simulator puts every handle, so that the player loses nothing."""

BOX_UNITS = 2.0**14
"""Units a side of the box of an outline: a sixtieth of a pixel of the 256 raster."""

_MOST_SCORED = 40
"""Different characters of a sheet up to which every stroke is scored by itself, at some 2 ms each."""

_TONE_SIZE, _MOST_FINE = 512, 4
"""Pixels of a character's box whose ink is not plain, and characters up to which; on fuller sheets half as many."""

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_PLAYER = "hierbrush-player.js"

_PAGE = """<!doctype html>
<html lang="{lang}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ margin: 0; background: #f4efe4 }}
#sheet {{ max-width: {width}; margin: 0 auto; padding: 12px }}
@media (prefers-color-scheme: dark) {{ body {{ background: #141310 }} }}
</style>
<div id="sheet"></div>
<script type="application/json" id="writing">{data}</script>
<script type="module">
{player}
const writing = JSON.parse(document.getElementById("writing").textContent);
const options = {{ controls: true, autoplay: true, maxHeight: "62vh", lang: navigator.language }};
create(document.getElementById("sheet"), writing, options);
</script>
</html>
"""


def render(sheet: Sheet, ink: Ink | None = None) -> bytes:
    """Return an HTML file that plays the sheet; it opens from disk and asks for nothing else."""
    from html import escape

    title = " ".join(sheet.text.split())
    # In a script's text only "</" and "<!--" end or change it; in JSON "<" can always be written otherwise.
    data = json.dumps(player_data(sheet, ink), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    wide = "640px" if len(sheet.cells) == 1 else "1100px"
    page = _PAGE.format(
        lang="zh", title=escape(title[:200]), width=wide, data=data, player=page_file(_PLAYER).read_text("utf-8")
    )
    return page.encode()


def frame(sheet: Sheet, height: int = 640) -> str:
    """Return an HTML element that plays the sheet in a notebook, apart from the notebook's own styles and scripts."""
    from html import escape

    source = escape(render(sheet).decode(), quote=True)
    label = escape(f"{sheet.text}, written by hierbrush", quote=True)
    return (
        f'<iframe title="{label}" srcdoc="{source}" sandbox="allow-scripts" '
        f'style="width: 100%; max-width: 680px; height: {height}px; border: 0"></iframe>'
    )


def player_data(sheet: Sheet, ink: Ink | None = None) -> dict[str, Any]:
    """Return what the player shows: handle paths to the bit, outlines, stroke names, boxes and scores.

    What the fields mean is said in docs/studio.md. With an ``ink`` every character tells how black it becomes, too.
    """
    types = {stroke.stroke_type for cell in sheet.cells for stroke in cell.writing.strokes}
    writings = {id(cell.writing): cell.writing for cell in sheet.cells}
    scored = len(writings) <= _MOST_SCORED
    written = {key: _written(writing, scored) for key, writing in writings.items()}
    return {
        "format": FORMAT,
        "version": VERSION,
        "text": sheet.text,
        "width": sheet.width,
        "height": sheet.height,
        "box": BOX,
        "brush": {"parameters": sheet.brush.parameters().tolist(), "tip": sheet.brush.tip},
        "policy": sheet.policy,
        "grid": {"kind": sheet.grid, "boxes": [list(box) for box in sheet.grid_boxes]} if sheet.grid else None,
        "types": {name: _names(name) for name in sorted(types)},
        "characters": [
            {"x": cell.x, "y": cell.y, "side": cell.side, "tone": tone, **written[id(cell.writing)]}
            for cell, tone in zip(sheet.cells, _tones(sheet, ink), strict=True)
        ],
    }


def _names(abbreviation: str) -> list[str]:
    found = stroke_type(abbreviation)
    return [found.chinese, found.english, found.glyph]


def _tones(sheet: Sheet, ink: Ink | None) -> Iterator[str | None]:
    """Yield for each character a grey PNG of its box as a data URL, 255 being black ink; None where ink is plain."""
    if ink is None:
        yield from [None] * len(sheet.cells)
        return
    from base64 import b64encode

    import numpy as np
    from PIL import Image

    from hierbrush.writing.inked import pictures

    size = _TONE_SIZE if len(sheet.cells) <= _MOST_FINE else _TONE_SIZE // 2
    for box in pictures(sheet, size, ink):
        content = png_bytes(Image.fromarray(np.rint(255.0 * box).astype(np.uint8)))
        yield "data:image/png;base64," + b64encode(content).decode()


def _written(writing: Writing, scored: bool) -> dict[str, Any]:
    scores = writing.levels
    return {
        "char": writing.char,
        "goal": writing.goal,
        "composer": writing.composer,
        "weight": writing.weight,
        "confidence": writing.confidence,
        "iou": None if scores.character is None else round(scores.character.iou, 4),
        "goal_iou": round(scores.primitive.iou, 4),
        "tree": _tree(writing.decomposition),
        "strokes": [_stroke(stroke, writing, scored) for stroke in writing.strokes],
        # A composed character's own outlines differ from its glyph's.
        "glyph": [points(outline, BOX_UNITS) for outline in writing.plan.glyph]
        if writing.composer and writing.plan.glyph is not None
        else None,
    }


def _stroke(stroke: WrittenStroke, writing: Writing, scored: bool) -> dict[str, Any]:
    return {
        "type": stroke.stroke_type,
        "seconds": round(writing.motion.row_seconds(stroke.path), 6),
        "path": points(stroke.path, PATH_UNITS, order=2),
        "start": None if stroke.start is None else stroke.start.tolist(),
        "outline": points(stroke.reference, BOX_UNITS),
        "median": points(stroke.goal.skeleton, BOX_UNITS),
        "width": round(2 * float(stroke.goal.half_width.mean()), 4),
        "iou": round(stroke.iou, 4) if scored else None,
    }


def _tree(node: Component) -> dict[str, Any]:
    if node.is_leaf:
        return {"name": node.name, "strokes": list(node.strokes)}
    return {"name": node.name, "operator": node.operator, "parts": [_tree(child) for child in node.children]}


def points(values: ArrayLike, units: float, *, order: int = 1) -> list[str]:
    """Return the columns of ``values`` [n, c] as texts: differences of whole units, each in a few characters.

    Args:
        values: numbers, at most 2^52 units.
        units: how many there are to 1.
        order: how often differences are taken; 2 is shorter for what moves smoothly.
    """
    import numpy as np

    whole = np.rint(np.asarray(values, np.float64) * units)
    for _ in range(order):
        whole = np.diff(whole, axis=0, prepend=0.0)
    return [_vlq(column) for column in whole.astype(np.int64).T.tolist()]


def _vlq(numbers: Iterable[int]) -> str:
    """Return whole numbers as the base 64 variable-length quantities of source maps (ECMA-426)."""
    text = []
    for number in numbers:
        rest = (-number << 1) | 1 if number < 0 else number << 1
        while rest > 31:
            text.append(_DIGITS[rest & 31 | 32])
            rest >>= 5
        text.append(_DIGITS[rest])
    return "".join(text)


register(Export("html", render, options=(INK,)))
