"""How well every stroke type is written, rare ones too.

    python -m hierbrush.evaluation.types

Types with a hundred or more test strokes are scored on those, the others on every stroke of theirs in the library,
training characters included, and on a hundred strokes that nobody drew: deformed, from the type's shape basis or its
canonical shape. All writers write the same strokes; zero actions are the scripted follower. ``--policy`` takes the path
of a weights file too. The exit status is 1 where the policy is below zero actions, or a type with many test strokes
below the disc oracle or ``--least``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from hierbrush.characters import GlyphStroke, load_library, split
from hierbrush.curriculum import load_curriculum
from hierbrush.curriculum.goals import sample_goals
from hierbrush.metrics import SIDE, disc_coverage, inscribed_discs, stroke_iou
from hierbrush.resources import folder
from hierbrush.sim import BrushModel, rasterise, trace
from hierbrush.strokes.goal import StrokeGoal
from hierbrush.strokes.rollout import write_strokes
from hierbrush.strokes.types import ABBREVIATIONS
from hierbrush.tables import aligned

MANY = 100
_UNDRAWN = 100
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


def oracle_iou(strokes: Sequence[GlyphStroke]) -> float:
    """Return the mean stroke IoU of exact inscribed discs along the medians."""
    inks = (disc_coverage([inscribed_discs(stroke.outline, stroke.median)], SIDE) for stroke in strokes)
    pairs = zip(inks, strokes, strict=True)
    return float(np.mean([stroke_iou(ink, rasterise([stroke.outline], SIDE)) for ink, stroke in pairs]))


class TypeRow(NamedTuple):
    """Mean stroke IoU of one type; None for what it has no strokes of, or need not have.

    ``known`` strokes were scored, of test characters alone where there are ``many``: the policy's, zero actions' and
    the disc oracle's. Of strokes that nobody drew there are the policy's and zero actions'.
    """

    stroke_type: str
    known: int
    many: bool
    learned: float | None
    zero: float | None
    discs: float | None
    undrawn: float | None
    undrawn_zero: float | None

    def missed(self, least: float) -> bool:
        """Whether the policy is below zero actions, or with many strokes below the disc oracle or ``least``."""
        pairs = [(self.learned, self.zero), (self.undrawn, self.undrawn_zero)]
        if any(mine is not None and zero is not None and mine <= zero for mine, zero in pairs):
            return True
        if not self.many or self.learned is None or self.discs is None:
            return False
        return self.learned <= self.discs or self.learned < least

    def cells(self) -> list[str]:
        """Return the line of the table."""
        figures = [self.learned, self.zero, self.discs, self.undrawn, self.undrawn_zero]
        strokes = f"{self.known} of {'test' if self.many else 'all'}"
        return [self.stroke_type, strokes, *("" if figure is None else f"{figure:.4f}" for figure in figures)]


def rows(policy: str, limit: int | None = None, kinds: Sequence[str] = ABBREVIATIONS) -> Iterator[TypeRow]:
    """Yield the scores of types, of the first ``limit`` strokes of each if given."""
    strokes, many = strokes_by_type()
    shapes = load_curriculum(folder("curricula") / "specialists.yaml").stages[-1].goals
    assert shapes is not None
    undrawn = shapes.model_copy(update={"glyphs": None})
    for kind in kinds:
        known = strokes[kind][:limit]
        goals = [stroke.goal() for stroke in known]
        scored = (written(goals, policy), written(goals, "zero"), oracle_iou(known)) if known else (None, None, None)
        new = [] if many[kind] else sample_goals(undrawn, [kind], min(_UNDRAWN, limit or _UNDRAWN), seed=977)
        of_new = (written(new, policy), written(new, "zero")) if new else (None, None)
        yield TypeRow(kind, len(known), many[kind], *scored, *of_new)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", default="learned")
    parser.add_argument("--least", type=float, default=0.93)
    parser.add_argument("--limit", type=int, help="only the first so many strokes of each type")
    arguments = parser.parse_args()
    found = list(tqdm(rows(arguments.policy, arguments.limit), total=len(ABBREVIATIONS), unit="type", disable=None))
    name = arguments.policy[-8:]
    heads = ["", "strokes", name, "zero", "discs", f"nobody's: {name}", "zero"]
    print(aligned([heads, *(row.cells() for row in found)]))
    return int(any(row.missed(arguments.least) for row in found))


if __name__ == "__main__":
    sys.exit(main())
