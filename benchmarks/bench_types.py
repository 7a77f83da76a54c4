"""How well every stroke type is written, rare ones too.

    python benchmarks/bench_types.py

Types with a hundred or more test strokes are scored on those, the others on every stroke of theirs in the library,
training characters included, and on a hundred strokes that nobody drew: deformed, from the type's shape basis or its
canonical shape. All writers write the same strokes; zero actions are the scripted follower. ``--policy`` takes the path
of a weights file too. The exit status is 1 where the policy is below zero actions, or a type with many test strokes
below the disc oracle or ``--least``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from hierbrush.characters import GlyphStroke, load_library, split
from hierbrush.curriculum import load_curriculum
from hierbrush.curriculum.goals import sample_goals
from hierbrush.metrics import SIDE, disc_coverage, inscribed_discs, stroke_iou
from hierbrush.resources import folder
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.rollout import write_strokes
from hierbrush.strokes.types import ABBREVIATIONS

MANY = 100
MODEL = BrushModel.preset("measured")


def strokes_by_type() -> tuple[dict[str, list[GlyphStroke]], dict[str, bool]]:
    """Return the strokes to score of every type, and whether they are test strokes alone."""
    library = load_library()
    counts = dict.fromkeys(ABBREVIATIONS, 0)
    for char in library.characters:
        if split(char) == "test":
            for kind in library.stroke_types(char):
                counts[kind] += 1
    many = {kind: count >= MANY for kind, count in counts.items()}
    found: dict[str, list[GlyphStroke]] = {kind: [] for kind in ABBREVIATIONS}
    for char in library.characters:
        is_test = split(char) == "test"
        if is_test or not all(many[kind] for kind in library.stroke_types(char)):
            for stroke in library[char].strokes:
                if is_test or not many[stroke.stroke_type]:
                    found[stroke.stroke_type].append(stroke)
    return found, many


def written(goals: Sequence[StrokeGoal], policy: str) -> float:
    """Return the mean stroke IoU of a policy."""
    paths = write_strokes(goals, MODEL, policy=policy)
    pairs = zip(goals, paths, strict=True)
    return float(np.mean([stroke_iou(trace(MODEL, [path]), rasterise([goal.outline], SIDE)) for goal, path in pairs]))


def disc_oracle(strokes: Sequence[GlyphStroke]) -> float:
    """Return the mean stroke IoU of exact inscribed discs along the medians."""
    inks = (disc_coverage([inscribed_discs(stroke.outline, stroke.median)], SIDE) for stroke in strokes)
    pairs = zip(inks, strokes, strict=True)
    return float(np.mean([stroke_iou(ink, rasterise([stroke.outline], SIDE)) for ink, stroke in pairs]))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", default="learned")
    parser.add_argument("--least", type=float, default=0.93)
    parser.add_argument("--limit", type=int, help="only the first so many strokes of each type")
    arguments = parser.parse_args()
    strokes, many = strokes_by_type()
    shapes = load_curriculum(folder("curricula") / "specialists.yaml").stages[-1].goals
    assert shapes is not None
    undrawn = shapes.model_copy(update={"glyphs": None})
    name = arguments.policy[-8:]
    print(f"{'':22s}  {name:>7s}    zero   discs   nobody's: {name:>7s}    zero")
    missed = False
    for kind in ABBREVIATIONS:
        known = strokes[kind][: arguments.limit]
        line = f"{kind:5s} {len(known):6d} {'of test' if many[kind] else 'of all':9s}"
        if known:
            goals = [stroke.goal() for stroke in known]
            learned, zero, discs = written(goals, arguments.policy), written(goals, "zero"), disc_oracle(known)
            missed |= learned <= zero or (many[kind] and (learned <= discs or learned < arguments.least))
            line += f"  {learned:.4f}  {zero:.4f}  {discs:.4f}"
        if not many[kind]:
            goals = sample_goals(undrawn, [kind], min(100, arguments.limit or 100), seed=977)
            learned, zero = written(goals, arguments.policy), written(goals, "zero")
            missed |= learned <= zero
            line = f"{line:58s}  {learned:.4f}  {zero:.4f}"
        print(line, flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
