"""How well characters of fonts are copied: ink against the font's glyph, and how many are accepted; controls beside.

    python benchmarks/bench_fonts.py MaShanZheng.ttf uming.ttc --characters 200

For each font, characters that the font and the library share, of the test split and common in simplified or traditional
text, drawn with a seed. ``accepted`` is the share whose strokes were surely found; ``copy`` the IoU of their ink with
the glyph at 256 x 256, ``width`` their stroke width over the glyph's. Beside it, on the same characters: the library's
glyph as it is, the same stretched and moved to the font's box, discs along the strokes found, and ink written by the
skeleton alone (of every fourth character). ``ms`` is processor time for finding one character's strokes. ``wrong`` is
the share of characters accepted when looked for with the strokes of another character that has as many.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hierbrush.characters import load_library, split
from hierbrush.metrics import SIDE, disc_oracle, stroke_iou
from hierbrush.metrics.stroke_width import stroke_width
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.rollout import write_strokes
from hierbrush.styles.chosen import is_common
from hierbrush.styles.fonts import Font
from hierbrush.styles.registration import register
from hierbrush.styles.skeleton_route import strokes_of_ink

BRUSH = BrushModel.preset("measured")
COLUMNS = ("accepted", "copy", "width", "raw", "stretched", "discs", "skeleton", "wrong", "ms")


def written(goals: list[StrokeGoal]) -> NDArray[np.float32]:
    """Return the ink of strokes written with the shipped policy."""
    return trace(BRUSH, write_strokes(goals, BRUSH, policy="learned"), side=SIDE, box=0.12)


def stretched(goals: list[StrokeGoal], ink: NDArray[np.float32]) -> list[StrokeGoal]:
    """Return strokes whose bounding box is that of the ink."""
    row, column = np.nonzero(ink >= 0.5)
    wanted = np.array([[column.min(), row.min()], [column.max() + 1, row.max() + 1]]) / SIDE
    outline = np.concatenate([goal.outline for goal in goals])
    low, high = outline.min(axis=0), outline.max(axis=0)
    scale = (wanted[1] - wanted[0]) / np.maximum(high - low, 0.02)
    return [goal.transformed(scale, wanted[0] - low * scale) for goal in goals]


def characters_of(font: Font, count: int, part: str, seed: int) -> list[str]:
    """Return characters of one split, in a random order."""
    library = load_library()
    shared = [char for char in font.characters if char in library and split(char) == part and is_common(char)]
    order = np.random.default_rng(seed).permutation(len(shared))
    return [shared[at] for at in order[:count]]


def measured(font: Font, chars: list[str]) -> dict[str, float]:
    """Return the columns of one font."""
    library = load_library()
    found = defaultdict(list)
    alike = defaultdict(list)
    for char in chars:
        alike[len(library[char].strokes)].append(char)
    for at, char in enumerate(chars):
        ink = font.ink(char)
        glyph = library[char]
        goals = [stroke.goal() for stroke in glyph.strokes]
        start = time.thread_time()
        answer = register(ink, glyph)
        found["ms"].append(1e3 * (time.thread_time() - start))
        found["accepted"].append(answer.accepted)
        if answer.accepted:
            copy = written(list(answer.goals))
            found["copy"].append(stroke_iou(copy, ink))
            found["width"].append(stroke_width(copy) / stroke_width(ink))
            discs = disc_oracle([(goal.outline, goal.skeleton) for goal in answer.goals])
            found["discs"].append(stroke_iou(discs, ink))
        found["raw"].append(stroke_iou(rasterise([goal.outline for goal in goals], SIDE), ink))
        fitted = stretched(goals, ink)
        found["stretched"].append(stroke_iou(rasterise([goal.outline for goal in fitted], SIDE), ink))
        others = [other for other in alike[len(goals)] if other != char]
        if at % 4 == 0:
            found["skeleton"].append(stroke_iou(written(strokes_of_ink(ink)), ink))
            if others:
                found["wrong"].append(register(ink, library[others[at % len(others)]]).accepted)
    return {name: float(np.mean(found[name])) if found[name] else float("nan") for name in COLUMNS}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("fonts", nargs="+", type=Path)
    parser.add_argument("--characters", type=int, default=200)
    parser.add_argument("--split", default="test", choices=("test", "validation", "train"))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print("| font | characters | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 2) + "|")
    for path in arguments.fonts:
        font = Font(path)
        chars = characters_of(font, arguments.characters, arguments.split, arguments.seed)
        row = measured(font, chars)
        cells = [f"{row[name]:.0f}" if name == "ms" else f"{row[name]:.3f}" for name in COLUMNS]
        print(f"| {path.stem} | {len(chars)} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
