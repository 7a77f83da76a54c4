"""Where learned styles lose: validation characters with parts of what is foretold replaced by the truth.

    python benchmarks/style_oracles.py FONT... -o bench-styles

Learned from 200 examples; outlines are compared, no brush writes them. Rows: what is foretold (``learned``); the same
with the true ``centres`` of strokes' boxes, their ``sizes``, both (``places``), the true middle ``lines`` within their
boxes, the true ``outlines`` beside the lines, or both (``shapes``). Columns as in ``bench_styles.py``.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from bench_styles import Subject, nearest
from bench_styles import _centre as centre
from numpy.typing import NDArray

from hierbrush.metrics import SIDE, stroke_iou
from hierbrush.sim import rasterise
from hierbrush.styles import hand
from hierbrush.styles.drawn import base_of, own_of

KNOWN = {
    "learned": (),
    "centres": (slice(0, 2),),
    "sizes": (slice(2, 4),),
    "places": (hand.PLACE,),
    "lines": (hand.LINE,),
    "outlines": (hand.OUTLINE,),
    "shapes": (hand.LINE, hand.OUTLINE),
    "sizes and shapes": (slice(2, 4), hand.LINE, hand.OUTLINE),
}

Floats = NDArray[np.float64]


def alike(outlines: Floats, truth: Floats) -> float:
    """Return the mean IoU of single strokes, centre of ink on centre of ink."""
    found = []
    for outline, aim in zip(outlines.astype(np.float32), truth.astype(np.float32), strict=True):
        ink = rasterise([outline], SIDE)
        apart = (centre(ink) - centre(rasterise([aim], SIDE))).astype(np.float32)
        found.append(stroke_iou(ink, rasterise([aim + apart], SIDE)))
    return float(np.mean(found))


def measured(subject: Subject) -> dict[str, tuple[float, ...]]:
    """Return strokes' IoU, the share whose nearest glyph is right, and the whole IoU, by row."""
    style, chars = subject.examples, subject.truth.characters
    index, numbers = subject.index()
    strokes, inks, whole = defaultdict(list), defaultdict(list), defaultdict(list)
    for char, base in zip(chars, base_of(chars), strict=True):
        part = subject.truth._places[char]
        own = own_of(subject.truth.lines[part], subject.truth.outlines[part], [base])
        box, bold = style.stance(base)
        placed = hand.placed(base, box, bold)
        told = style.foretelling(base.features, hand.shapes_of(placed))
        true = hand.residuals(placed, hand.with_ends_of(own, placed, 1.0))
        glyph = rasterise(list(own.outlines.astype(np.float32)), SIDE)
        for row, parts in KNOWN.items():
            change = told.copy()
            for known in parts:
                change[:, known] = true[:, known]
            drawn = hand.applied(placed, change).outlines
            strokes[row].append(alike(drawn, own.outlines))
            inks[row].append(rasterise(list(drawn.astype(np.float32)), SIDE))
            whole[row].append(stroke_iou(inks[row][-1], glyph))
    answers = [numbers[char] for char in chars]
    return {
        row: tuple(float(np.mean(each)) for each in (strokes[row], nearest(index, inks[row], answers), whole[row]))
        for row in KNOWN
    }


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("fonts", nargs="*", type=Path)
    parser.add_argument("--characters", type=int, default=40)
    parser.add_argument("-o", "--output", type=Path, default=Path("bench-styles"), metavar="FOLDER")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for path in options.fonts:
        for row, figures in measured(Subject(path, options.output, "validation", options.characters, 200)).items():
            print(f"| {path.stem} | {row} | {' | '.join(f'{figure:.3f}' for figure in figures)} |", flush=True)


if __name__ == "__main__":
    main()
